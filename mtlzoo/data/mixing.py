"""Mixing of two images and their labels: mixup and CutMix."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from mtlzoo.heads.mixed import WAYS
from mtlzoo.system.registries import MIXINGS


@dataclass(frozen=True)
class Mixing:
    """How images of a batch are mixed, two at a time, and their labels with them.

    A row is mixed with another one of its batch, drawn anew each time. Its loss is then that of its own label, times its
    weight, plus that of the other row's label, times the rest, for each head; a label that is missing takes its weight with
    it. The own label always weighs at least half, and is what metrics count. Rows with a label of a head that cannot be
    mixed, such as points and boxes (`mtl.Head.mixes`), are left alone.

    Args:
        mixup: Images are blended (Zhang et al. 2018), with a weight from the distribution Beta(mixup, mixup); 0 for never.
        cutmix: A rectangle of the other image is pasted (Yun et al. 2019), of an area from Beta(cutmix, cutmix); 0 for
            never. Where both are above 0, one is chosen for each row.
        probability: How likely a row is mixed; above 0, at most 1.

    Raises:
        ValueError: If a number is out of its range, or nothing would be mixed.

    Example:

    ```python
    mixing = mtl.data.Mixing(mixup=0.2, cutmix=0, probability=0.5)
    dataset = mtl.data.image_dataset(train, (224, 224), augment="default", shuffle=True, mix=mixing)
    ```
    """

    mixup: float = 0.2
    cutmix: float = 1.0
    probability: float = 0.5

    def __post_init__(self) -> None:
        for name in WAYS:
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise ValueError(f"Expected {name} to be a number of at least 0, received: {value!r}.")
        if not self.mixup and not self.cutmix:
            raise ValueError("Expected `mixup` or `cutmix` above 0, since nothing would be mixed; `None` is for that.")
        if not 0 < self.probability <= 1:
            raise ValueError(f"Expected probability to be above 0 and at most 1, received: {self.probability!r}.")

    @property
    def ways(self) -> tuple[str, ...]:
        """The ways in which rows may be mixed."""
        return tuple(way for way in WAYS if getattr(self, way))

    def draw(self, seeds: np.ndarray, suitable: Mapping[str, np.ndarray], image_size: tuple[int, int]) -> Mixture:
        """Draw how the rows of a batch are mixed.

        Args:
            seeds: The seed of each row of the whole batch, int64 of at least 0, `(rows,)`: the same give the same.
            suitable: Which rows may be mixed, or be mixed into others, in each way, bool `(rows,)`.
            image_size: Height and width of the images.

        Returns:
            What is to be done.
        """
        rows, rng = len(seeds), np.random.default_rng(seeds)
        chosen, way, partner, x, y = rng.random((5, rows))
        weights = [rng.beta(amount or 1.0, amount or 1.0, rows) for amount in (self.mixup, self.cutmix)]
        mixture = Mixture.nothing(rows)
        cut = way < 0.5 if self.mixup and self.cutmix else np.full(rows, not self.mixup)
        for name, with_it, weight in zip(WAYS, (~cut, cut), weights):
            candidates = np.flatnonzero(suitable[name]) if name in self.ways else np.arange(0)
            if len(candidates) < 2:
                continue
            # Any other candidate, counted on from the row itself.
            steps = 1 + (partner[candidates] * (len(candidates) - 1)).astype("int64")
            mixed = with_it[candidates] & (chosen[candidates] < self.probability)
            partners = candidates[(np.arange(len(candidates)) + steps) % len(candidates)]
            places = candidates[mixed]
            mixture.partners[places] = partners[mixed]
            # The row's own label is to be the one that weighs more.
            own = np.maximum(weight, 1 - weight)[places]
            if name == "cutmix":
                mixture.boxes[places] = boxes = _boxes(1 - own, x[places], y[places], image_size)
                own = 1 - boxes[:, 2] * boxes[:, 3] / (image_size[0] * image_size[1])
            mixture.own[places] = own
        return mixture


@dataclass(frozen=True, eq=False)
class Mixture:
    """How the rows of a batch are mixed.

    Attributes:
        partners: The row that each row is mixed with, int64 `(rows,)`; its own where it is not.
        own: The weight of each row's own image and labels, float64 `(rows,)`; 1 where it is not mixed.
        boxes: Left, top, width and height of what is pasted, int64 `(rows, 4)`; of no size where images are blended.
    """

    partners: np.ndarray
    own: np.ndarray
    boxes: np.ndarray

    @classmethod
    def nothing(cls, rows: int) -> Mixture:
        """No row is mixed."""
        return cls(np.arange(rows), np.ones(rows), np.zeros((rows, 4), "int64"))

    def blend(self, row: int, image: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Mix the image of a row with that of its partner.

        Args:
            row: The row.
            image: Its image, uint8 `(height, width, channels)`.
            other: The image of its partner.

        Returns:
            The mixed image; the row's own if it is not mixed.
        """
        if self.own[row] == 1:
            return image
        left, top, width, height = self.boxes[row]
        if not width:
            own = float(self.own[row])
            return cv2.addWeighted(image, own, other, 1 - own, 0).reshape(image.shape)
        mixed, pasted = image.copy(), np.s_[top : top + height, left : left + width]
        mixed[pasted] = other[pasted]
        return mixed


def _boxes(areas: np.ndarray, x: np.ndarray, y: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """Rectangles of the image's proportions that lie within it."""
    height, width = image_size
    heights, widths = (np.rint(side * np.sqrt(areas)) for side in image_size)
    lefts, tops = np.floor(x * (width - widths + 1)), np.floor(y * (height - heights + 1))
    there = (widths > 0) & (heights > 0)
    return (np.stack([lefts, tops, widths, heights], axis=1) * there[:, None]).astype("int64")


MIXUP = Mixing(cutmix=0)
CUTMIX = Mixing(mixup=0)
BOTH = Mixing()


def mixing(identifier: str | Mixing | None) -> Mixing | None:
    """Resolves a way of mixing.

    Args:
        identifier: `None` (nothing is mixed), the name of one of `MIXINGS`, or a `Mixing`.

    Returns:
        The mixing, or `None`.

    Raises:
        ValueError: If the name is unknown.
        TypeError: If it is none of these.
    """
    return MIXINGS.resolve(identifier, Mixing, optional=True)
