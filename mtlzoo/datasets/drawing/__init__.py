"""What all drawn sets are drawn with."""
