"""Augmentation: what may happen to a training image, and what happens to one."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from mtlzoo.images.draws import MORE, NUMBERS, Draw
from mtlzoo.images.quality import ERASED
from mtlzoo.images.warping import FILLS
from mtlzoo.system.registries import AUGMENTATIONS

# The largest amounts.
LARGEST = {
    **{"rotation": 180, "brightness": 1, "contrast": 1, "hue": 180, "saturation": 1, "gamma": 4},
    **{"blur": 0.1, "jpeg": 1, "erase": 1},
}
BELOW_ONE = ("zoom", "shift", "shear")
NONE = (1.0, 1.0)


@dataclasses.dataclass(frozen=True)
class Augmentation:
    """What may happen to a training image; each amount is drawn anew, uniformly, for each image.

    All that moves pixels is one affine matrix, by which points and boxes move too. The amounts from `scale` on are drawn
    after those before, so that to use some of them changes nothing of what else happens to an image of the same seed.

    Args:
        flip: Whether to mirror half of the images left to right.
        rotation: Largest angle in degrees, to either side; 0 to 180.
        zoom: The part of the image that is seen is 1 - zoom to 1 + zoom times as wide and high; below 1.
        shift: Largest shift along each axis, as a part of the side; below 1.
        brightness: Values are multiplied by 1 - brightness to 1 + brightness; at most 1.
        contrast: Distances from the mean of the image are multiplied by 1 - contrast to 1 + contrast; at most 1.
        fill: What is seen beyond the image's edge: "reflect", "nearest", "wrap" or "constant" (black), as in Keras.
        scale: Least and largest part of the image's area that is seen, anywhere in it; above 0, at most 1.
        aspect: How much wider than high, in parts of the sides, what is seen of the area is, least and largest; the
            logarithm is drawn. Random resized crops (Szegedy et al. 2015) are `scale=(0.08, 1), aspect=(3 / 4, 4 / 3)`.
        shear: Largest shift along one axis, to either side, as a part of the distance along the other; below 1.
        hue: Largest turn of the colors about gray in degrees, to either side; 0 to 180.
        saturation: Distances from gray are multiplied by 1 - saturation to 1 + saturation; at most 1.
        gamma: Values from 0 to 1 are raised to the power of 1 / (1 + gamma) to 1 + gamma, whose logarithm is drawn; at
            most 4.
        blur: Largest standard deviation of a Gaussian blur, as a part of the result's shorter side; at most 0.1.
        jpeg: How likely an image gets the artefacts of a JPEG file of a quality from `jpeg_quality` to 95.
        jpeg_quality: The lowest quality, 1 to 95.
        erase: How likely a rectangle of 2 to 20 % of the area is erased (random erasing, Zhong et al. 2020).
        erase_fill: What the rectangle then holds: "noise" or the image's "mean".
        random_ops: How many operations are drawn for each image of the 14 of `mtlzoo.images.random_operations`, of which
            five move pixels.
        strength: How strong they are, from 0 to 1, as in RandAugment (Cubuk et al. 2020); `None` draws a strength for each,
            as in TrivialAugment (Müller and Hutter 2021), which has one operation.

    Raises:
        ValueError: An amount is out of its range, or the fill is unknown.

    Example:

    ```python
    import numpy as np
    from mtlzoo.images.augmentation import Augmentation
    from mtlzoo.images.warping import transform_points

    drawn = Augmentation(rotation=10, shift=0.1, saturation=0.3).draw(np.random.default_rng(0))
    matrix = drawn.matrix(source_shape=(300, 400), image_size=(224, 224))
    image = drawn.apply(np.zeros((300, 400, 3), np.uint8), matrix, image_size=(224, 224))
    nose = transform_points([[200.0, 150.0]], matrix)
    ```
    """

    flip: bool = True
    rotation: float = 20.0
    zoom: float = 0.2
    shift: float = 0.0
    brightness: float = 0.2
    contrast: float = 0.0
    fill: str = "reflect"
    scale: tuple[float, float] = NONE
    aspect: tuple[float, float] = NONE
    shear: float = 0.0
    hue: float = 0.0
    saturation: float = 0.0
    gamma: float = 0.0
    blur: float = 0.0
    jpeg: float = 0.0
    jpeg_quality: int = 30
    erase: float = 0.0
    erase_fill: str = "noise"
    random_ops: int = 0
    strength: float | None = None

    def __post_init__(self) -> None:
        for name, largest in LARGEST.items():
            _check(name, value := getattr(self, name), 0 <= value <= largest, f"at least 0 and at most {largest}")
        for name in BELOW_ONE:
            _check(name, value := getattr(self, name), 0 <= value < 1, "at least 0 and below 1")
        _check("fill", self.fill, self.fill in FILLS, f"one of {', '.join(FILLS)}")
        _check("erase_fill", self.erase_fill, self.erase_fill in ERASED, f"one of {', '.join(ERASED)}")
        for name, largest in (("scale", 1.0), ("aspect", 1e9)):
            pair = getattr(self, name)
            valid = isinstance(pair, tuple | list) and len(pair) == 2 and 0 < pair[0] <= pair[1] <= largest
            _check(name, pair, valid, f"a least and a largest number above 0{' up to 1' if largest == 1 else ''}")
            object.__setattr__(self, name, tuple(pair))
        for name, least, most in (("jpeg_quality", 1, 95), ("random_ops", 0, 14)):
            value = getattr(self, name)
            _check(name, value, value in range(least, most + 1), f"a whole number from {least} to {most}")
        known = self.strength is None or 0 < self.strength <= 1
        _check("strength", self.strength, known, "None, or above 0 and at most 1")

    def draw(self, rng: np.random.Generator) -> Draw:
        """Draws what happens to one image.

        The same numbers are drawn first whatever the amounts are, those of the newer amounts after them.

        Args:
            rng: Where the random numbers come from; where a rectangle is erased, its noise too, in :meth:`Draw.adjust`.

        Returns:
            What happens to the image.
        """
        first = rng.random(NUMBERS).tolist()
        values = (self.hue, self.saturation, self.gamma, self.blur, self.jpeg, self.erase)
        if not any(values) and not self.moves_more():
            return Draw(self, first)
        return Draw(self, first, rng.random(len(MORE) + 3 * self.random_ops).tolist(), rng)

    def moves_more(self) -> bool:
        """Whether pixels move by more than the first five numbers."""
        return bool(self.shear or self.random_ops or self.scale != NONE or self.aspect != NONE)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments, for JSON."""
        return dataclasses.asdict(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Augmentation:
        """Builds an augmentation from what `get_config` returned."""
        return cls(**config)


def _check(name: str, value: Any, valid: bool, expected: str) -> None:
    if not valid:
        raise ValueError(f"Expected {name} to be {expected}, received: {value!r}.")


# What the FashionAI recipes use.
DEFAULT = Augmentation()
# Mirrors and does nothing else.
LIGHT = Augmentation(rotation=0, zoom=0, brightness=0)
# For long training on a few thousand images.
STRONG = Augmentation(rotation=30, zoom=0.3, shift=0.1, brightness=0.4, contrast=0.4)
# For images of several cameras or lamps.
COLOR = Augmentation(contrast=0.2, hue=15, saturation=0.3, gamma=0.3)
# One random operation an image, of any strength, and half of the images mirrored.
TRIVIAL = Augmentation(rotation=0, zoom=0, brightness=0, random_ops=1)


def augmentation(identifier: str | Augmentation | None) -> Augmentation | None:
    """Resolves an augmentation.

    Args:
        identifier: `None` (no augmentation), the name of one of `AUGMENTATIONS`, or an `Augmentation`.

    Returns:
        The augmentation, or `None`.

    Raises:
        ValueError: If the name is unknown.
        TypeError: If it is none of these.
    """
    return AUGMENTATIONS.resolve(identifier, Augmentation, optional=True)
