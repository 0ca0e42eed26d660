"""What happens to one image: the numbers that were drawn for it, as a matrix and as changes of its pixels' values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mtlzoo.images.colors import Colors, change_colors, change_gamma
from mtlzoo.images.quality import add_jpeg_artefacts, blur, erase
from mtlzoo.images.random_operations import OPERATIONS, change_values, moves
from mtlzoo.images.warping import Linear, Region, Shift, centred_matrix, warp

if TYPE_CHECKING:
    from mtlzoo.images.augmentation import Augmentation

# Flip, rotation, zoom, two shifts, brightness and contrast come first. Further numbers are added at the end: what is drawn
# for an image of some seed is to stay as it is.
NUMBERS = 7
MORE = (
    *("scale", "aspect", "crop_x", "crop_y", "shear_x", "shear_y", "hue", "saturation", "gamma", "blur", "jpeg"),
    *("jpeg_quality", "erase", "erase_area", "erase_aspect", "erase_x", "erase_y"),
)
PLACES = {name: place for place, name in enumerate(MORE)}
# Blurs that change nothing to be seen.
LEAST_BLUR = 0.3


@dataclass(frozen=True)
class Draw:
    """What happens to one image.

    Attributes:
        amounts: The augmentation that it was drawn from.
        first: Seven numbers from 0 to 1.
        more: Those for :data:`MORE`, and three for each random operation; none where no such amount is used.
        rng: Where noise comes from.
    """

    amounts: Augmentation
    first: list[float]
    more: list[float] = field(default_factory=list)
    rng: np.random.Generator | None = None

    # === Geometry ===

    def matrix(
        self,
        source_shape: tuple[int, ...],
        image_size: tuple[int, int],
        resize: str = "stretch",
        region: Region | None = None,
    ) -> np.ndarray:
        """The affine matrix that takes source pixels to pixels of the augmented image.

        After it was resized, the image is cropped, sheared and changed by random operations, then flipped, rotated, zoomed
        and shifted, all about its centre. It is mirrored where the determinant of the matrix is negative: left and right
        landmarks then change names.

        Args:
            source_shape: (height, width) in pixels, or the shape of the image array.
            image_size: (height, width) of the augmented image.
            resize: How an image is resized to the size: see :func:`mtlzoo.images.warping.resize_matrix`.
            region: The part of the source that is seen, likewise.

        Returns:
            float64 matrix of shape (2, 3): (x, y, 1) in the source to (x, y) in the augmented image.
        """
        amounts, (flip, angle, zoom, *shift) = self.amounts, self.first[:5]
        angle = math.radians(amounts.rotation * (2 * angle - 1))
        scale = 1 / (1 + amounts.zoom * (2 * zoom - 1))
        mirror = -1 if amounts.flip and flip < 0.5 else 1
        cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
        shift_x, shift_y = (amounts.shift * (2 * amount - 1) for amount in shift)
        linear = (mirror * cosine, -mirror * sine, sine, cosine)
        if self.more and amounts.moves_more():
            height, width = image_size
            before, moved = self._before(width, height)
            linear, (move_x, move_y) = after(linear, before, moved)
            shift_x, shift_y = shift_x + move_x / width, shift_y + move_y / height
        return centred_matrix(source_shape, image_size, resize, linear, (shift_x, shift_y), region)

    def _before(self, width: int, height: int) -> tuple[Linear, Shift]:
        """What crop, shear and random operations do to places in pixels from the centre."""
        amounts = self.amounts
        area = _between(self._number("scale"), *amounts.scale)
        aspect = math.exp(_between(self._number("aspect"), *map(math.log, amounts.aspect)))
        seen_x, seen_y = min(math.sqrt(area * aspect), 1.0), min(math.sqrt(area / aspect), 1.0)
        left, up = (1 - seen_x) * (0.5 - self._number("crop_x")), (1 - seen_y) * (0.5 - self._number("crop_y"))
        linear, shift = (1 / seen_x, 0.0, 0.0, 1 / seen_y), (left * width / seen_x, up * height / seen_y)
        sheared = (1.0, self._signed("shear_x", amounts.shear), self._signed("shear_y", amounts.shear), 1.0)
        linear, shift = after(sheared, linear, shift)
        for name, strength in self.operations():
            if (step := moves(name, strength)) is not None:
                linear, shift = after(step[0], linear, shift)
                shift = (shift[0] + step[1][0] * width, shift[1] + step[1][1] * height)
        return linear, shift

    # === Values ===

    def apply(
        self,
        image: np.ndarray,
        matrix: np.ndarray,
        image_size: tuple[int, int],
        fill: str = "reflect",
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """Warp an image and change its values.

        Args:
            image: uint8 RGB image of shape (height, width, 3), which stays as it is.
            matrix: As :meth:`matrix` gives it, for this image.
            image_size: (height, width) of the result.
            fill: What is seen beyond the image's edge.
            out: uint8 array of shape (height, width, 3) to write the result to; by default a new one.

        Returns:
            uint8 image of shape (height, width, 3).
        """
        gamma = self._gamma()
        if gamma != 1 and image.size < 3 * math.prod(image_size):  # a table takes its time for each value
            image, gamma = change_gamma(image, gamma), 1.0
        image = warp(image, matrix, image_size, fill, out)
        if gamma != 1:
            image = change_gamma(image, gamma, out=image)
        return self._adjust(image, image)

    def adjust(self, image: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        """Change the values of an image that is warped already, see :meth:`apply`.

        Gamma comes first, then the other colors, random operations, blur, JPEG artefacts and an erased rectangle.

        Args:
            image: uint8 RGB image of shape (height, width, 3).
            out: Where to write the result, which may be the image itself; by default a new array.

        Returns:
            uint8 image of the same shape.
        """
        gamma = self._gamma()
        if gamma != 1:
            image = out = change_gamma(image, gamma, out=out)
        return self._adjust(image, out)

    def _gamma(self) -> float:
        return math.exp(self._signed("gamma", math.log1p(self.amounts.gamma))) if self.amounts.gamma else 1.0

    def _adjust(self, image: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
        amounts, (gain, contrast) = self.amounts, self.first[5:]
        colors = Colors(1 + amounts.brightness * (2 * gain - 1), 1 + amounts.contrast * (2 * contrast - 1))
        if not self.more:
            return change_colors(image, colors, out)
        hue, saturation = self._signed("hue", amounts.hue), 1 + self._signed("saturation", amounts.saturation)
        image = change_colors(image, colors._replace(hue=hue, saturation=saturation), out)
        for name, strength in self.operations():
            image = change_values(image, name, strength, out=image)
        sigma = amounts.blur * self._number("blur") * min(image.shape[:2])
        if sigma >= LEAST_BLUR:
            image = blur(image, sigma, out=image)
        if self._number("jpeg") < amounts.jpeg:
            quality = _between(self._number("jpeg_quality"), amounts.jpeg_quality, 96)
            image = add_jpeg_artefacts(image, int(quality), out=image)
        if self._number("erase") < amounts.erase:
            drawn = [self._number(f"erase_{what}") for what in ("area", "aspect", "x", "y")]
            erase(image, drawn, self.rng if amounts.erase_fill == "noise" else None)
        return image

    # === Numbers ===

    def operations(self) -> list[tuple[str, float]]:
        """The random operations, with their strengths from -1 to 1."""
        found = []
        for place in range(len(MORE), len(self.more), 3):
            which, strength, sign = self.more[place : place + 3]
            strength = strength if self.amounts.strength is None else self.amounts.strength
            found.append((OPERATIONS[int(which * len(OPERATIONS))], strength if sign < 0.5 else -strength))
        return found

    def _number(self, name: str) -> float:
        return self.more[PLACES[name]]

    def _signed(self, name: str, largest: float) -> float:
        return largest * (2 * self._number(name) - 1)


def after(outer: Linear, linear: Linear, shift: Shift) -> tuple[Linear, Shift]:
    """What places become by `linear` and `shift`, and then by another matrix."""
    (xx, xy, yx, yy), (x, y) = outer, shift
    first, second, third, fourth = linear
    product = (xx * first + xy * third, xx * second + xy * fourth, yx * first + yy * third, yx * second + yy * fourth)
    return product, (xx * x + xy * y, yx * x + yy * y)


def _between(number: float, low: float, high: float) -> float:
    return low + number * (high - low)
