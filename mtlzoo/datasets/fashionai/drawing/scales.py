"""Where one value ends and the next begins, in head units.

A figure is about eight heads tall: crown 0, chin 0.95, shoulders 1.55, waist 3.1, hips 3.95, knees 6.0, ankles 7.75,
soles 8.1 (the canon of fashion drawing). A length is the height of a hem on that scale, a sleeve length is measured
along the arm with 0 at the shoulder and 1 at the wrist. Values that differ in kind (notched, square) have no scale.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mtlzoo.datasets.fashionai.attributes import FASHIONAI_ATTRIBUTES

__all__ = ["SCALES", "Scale", "measure", "neighbours"]


class Scale(NamedTuple):
    """Values in rising order; value `i` lies between `boundaries[i]` and `boundaries[i + 1]`."""

    values: tuple[str, ...]
    boundaries: tuple[float, ...]


SCALES: dict[str, Scale] = {
    # Height of the hem.
    "coat_length": Scale(FASHIONAI_ATTRIBUTES["coat_length"][1:], (2.9, 3.45, 4.1, 4.75, 5.45, 6.3, 7.2, 8.0)),
    "pant_length": Scale(FASHIONAI_ATTRIBUTES["pant_length"][1:], (4.35, 5.4, 6.2, 7.0, 7.55, 8.05)),
    "skirt_length": Scale(FASHIONAI_ATTRIBUTES["skirt_length"][1:], (4.4, 5.5, 6.35, 7.2, 7.75, 8.15)),
    # Fraction of the arm that is covered; beyond 1 the hand is.
    "sleeve_length": Scale(
        FASHIONAI_ATTRIBUTES["sleeve_length"][1:], (-0.02, 0.02, 0.18, 0.36, 0.57, 0.8, 0.95, 1.08, 1.3)
    ),
    # How far the flat collar reaches from the middle of the neck.
    "collar_design": Scale(("Peter Pan", "Puritan Collar"), (0.46, 0.62, 0.88)),
    # Width of the lapel at the chest.
    "lapel_design": Scale(("Shawl Collar", "Plus Size Shawl"), (0.18, 0.36, 0.62)),
    # Height of the upper edge of the neck band.
    "neck_design": Scale(("Turtle Neck", "Low Turtle Neck"), (0.98, 1.16, 1.34)),
    # Height of the point of the V.
    "neckline_design": Scale(("V Neckline", "Deep V Neckline"), (1.85, 2.3, 2.85)),
}


def neighbours(attribute: str, value: str) -> tuple[str, ...]:
    """Values that one could take `value` for, because they are next to it on its scale; often none."""
    values = SCALES[attribute].values
    if value not in values:
        return ()
    position = values.index(value)
    return values[max(position - 1, 0) : position] + values[position + 1 : position + 2]


def measure(attribute: str, value: str, rng: np.random.Generator, maybe: str | None = None) -> float:
    """Draws a measure that is typical of `value`, or, if `maybe` is given, one that is nearly that neighbour's."""
    values, boundaries = SCALES[attribute]
    position = values.index(value)
    fraction = rng.uniform(0.18, 0.82)
    if maybe is not None:
        fraction = rng.uniform(0.0, 0.06)
        if values.index(maybe) > position:
            fraction = 1.0 - fraction
    return boundaries[position] + fraction * (boundaries[position + 1] - boundaries[position])
