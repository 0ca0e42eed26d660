"""Pages that open without a network: one HTML file with its style, its images and what sorts its tables."""

from __future__ import annotations

from mtlzoo.html.blocks import details, escape, paragraph, section
from mtlzoo.html.images import figure, image
from mtlzoo.html.page import page
from mtlzoo.html.tables import table

__all__ = ["details", "escape", "figure", "image", "page", "paragraph", "section", "table"]
