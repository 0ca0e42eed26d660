"""Predictions for more images than one frame should hold: listed, predicted and written file by file."""
