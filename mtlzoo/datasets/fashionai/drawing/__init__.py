"""A drawn person in clothes, part by part."""
