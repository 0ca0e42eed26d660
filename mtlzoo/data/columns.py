"""Columns of a table that are no labels."""

from __future__ import annotations

IMAGE = "image"
# The part of an image that the model sees, if the cells are (x_min, y_min, x_max, y_max) in pixels and the column
# is no head; texts, such as those of a column of countries that a file happens to call so, are no regions.
REGION = "region"
