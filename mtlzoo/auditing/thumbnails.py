"""Small images for a page."""

from __future__ import annotations

from mtlzoo import html
from mtlzoo.data import LabelTable
from mtlzoo.errors import ImageError
from mtlzoo.images.decoding import decode_with_size

HEIGHT = 88  # pixels on the page
WIDEST = 264


class Thumbnails:
    """What the rows of a table show, made once for each row.

    Args:
        table: The rows.
        numbers: What each row is called, in their order.
    """

    def __init__(self, table: LabelTable, numbers: list[int]):
        self.paths, self.regions = table.paths(), table.regions()
        self.images = table.frame["image"].astype(str).tolist()
        self.places = {number: place for place, number in enumerate(numbers)}
        self.made: dict[int, str] = {}

    def __call__(self, number: int) -> str:
        """The image of a row as HTML; a dash where it cannot be read."""
        if number not in self.made:
            self.made[number] = self._make(self.places[number])
        return self.made[number]

    def _make(self, place: int) -> str:
        import cv2

        region = None if self.regions is None else self.regions[place]
        try:
            image = decode_with_size(self.paths[place], None if region else (HEIGHT, 1))[0]
        except ImageError:
            return "&ndash;"
        if region is not None:
            left, top, right, bottom = (round(edge) for edge in region)
            image = image[max(top, 0) : max(bottom, top + 1), max(left, 0) : max(right, left + 1)]
        height, width = image.shape[:2]
        scale = min(HEIGHT / max(height, 1), WIDEST / max(width, 1))
        shape = (max(round(width * scale), 1), max(round(height * scale), 1))
        return html.image(cv2.resize(image, shape, interpolation=cv2.INTER_AREA), self.images[place], quality=75)
