"""Colours and cloth: plain, striped, checked, dotted, flowered."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

__all__ = ["Fabric", "choose_fabric", "contrast", "darker", "garment_colour"]

PATTERNS = ("stripes", "bands", "checks", "dots", "flowers")
ENOUGH_CONTRAST = 150.0
GREYS = (0.14, 0.3, 0.55, 0.8, 0.95)


@dataclass(frozen=True)
class Fabric:
    """A cloth.

    Attributes:
        colour: RGB, 0 to 255.
        tile: `None` for plain cloth, else the uint8 image that is repeated in both directions.
    """

    colour: tuple[float, ...]
    tile: np.ndarray | None = None

    def cut(self, rows: slice, columns: slice) -> np.ndarray:
        """The piece of a patterned cloth that covers these pixels of the canvas."""
        if self.tile is None:
            raise ValueError("Expected a patterned cloth to cut from, received a plain one.")
        height, width = self.tile.shape[:2]
        strip = np.take(self.tile, np.arange(columns.start, columns.stop) % width, axis=1)
        return np.take(strip, np.arange(rows.start, rows.stop) % height, axis=0)

    @property
    def seam(self) -> tuple[float, ...]:
        """The colour of seams and folds."""
        return darker(self.colour, 0.62)


def darker(colour: tuple[float, ...], factor: float) -> tuple[float, ...]:
    """`colour` multiplied by `factor`; above 1 it gets lighter."""
    return tuple(min(255.0, factor * channel) for channel in colour)


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """How different two RGB colours look, 0 to about 765 (the "redmean" distance)."""
    red = (one[0] + other[0]) / 2
    weights = (2 + red / 256, 4.0, 2 + (255 - red) / 256)
    return math.sqrt(sum(weight * (a - b) ** 2 for weight, a, b in zip(weights, one, other, strict=True)))


def garment_colour(rng: np.random.Generator) -> tuple[float, ...]:
    """A colour that clothes have: black, white, grey, navy, beige or any hue, rarely shrill."""
    kind = rng.random()
    if kind < 0.28:
        hue, saturation, value = rng.random(), rng.uniform(0, 0.08), GREYS[rng.integers(len(GREYS))]
    elif kind < 0.44:
        hue, saturation, value = rng.uniform(0.56, 0.66), rng.uniform(0.35, 0.75), rng.uniform(0.22, 0.65)
    elif kind < 0.56:
        hue, saturation, value = rng.uniform(0.06, 0.12), rng.uniform(0.2, 0.6), rng.uniform(0.4, 0.92)
    elif kind < 0.7:
        hue, saturation, value = rng.uniform(-0.06, 0.03), rng.uniform(0.4, 0.8), rng.uniform(0.4, 0.85)
    else:
        hue, saturation, value = rng.random(), rng.uniform(0.15, 0.6), rng.uniform(0.3, 0.88)
    return tuple(255.0 * channel for channel in colorsys.hsv_to_rgb(hue % 1.0, saturation, value))


def choose_fabric(
    rng: np.random.Generator, unit: float, against: Sequence[tuple[float, ...]] = (), patterned: float = 0.4
) -> Fabric:
    """Chooses a cloth whose colour can be told from the colours in `against`.

    Args:
        unit: pixels to a head unit, which sets the size of the pattern.
        patterned: probability of a pattern.
    """
    best = -1.0
    for _ in range(8):
        candidate = garment_colour(rng)
        distance = min((contrast(candidate, other) for other in against), default=math.inf)
        if distance > best:
            best, colour = distance, candidate
        if best > ENOUGH_CONTRAST:
            break
    if rng.random() >= patterned:
        return Fabric(colour)
    # A second colour that is not far from the first keeps the garment one thing to the eye.
    second = _mixed(colour, garment_colour(rng), 0.45)
    if contrast(colour, second) < 60:
        second = darker(colour, 0.72 if sum(colour) > 200 else 1.6)
    period = max(int(unit * rng.uniform(0.14, 0.42)), 6)
    pattern = PATTERNS[int(rng.integers(len(PATTERNS)))]
    if pattern in ("dots", "flowers"):
        return Fabric(colour, _dotted_tile(pattern, colour, second, rng, period))
    band = max(int(period * rng.uniform(0.25, 0.5)), 2)
    height, width = (1 if pattern == "stripes" else period), (1 if pattern == "bands" else period)
    tile = np.empty((height, width, 3), np.uint8)
    tile[:] = np.array(colour, np.uint8)
    if pattern != "bands":
        tile[:, :band] = np.array(second if pattern == "stripes" else _mixed(colour, second, 0.5), np.uint8)
    if pattern != "stripes":
        tile[:band] = np.array(second if pattern == "bands" else _mixed(colour, second, 0.5), np.uint8)
    if pattern == "checks":
        tile[:band, :band] = np.array(second, np.uint8)
    return Fabric(colour, tile)


def _mixed(one: tuple[float, ...], other: tuple[float, ...], fraction: float) -> tuple[float, ...]:
    return tuple((1 - fraction) * a + fraction * b for a, b in zip(one, other, strict=True))


def _dotted_tile(
    pattern: str, colour: tuple[float, ...], second: tuple[float, ...], rng: np.random.Generator, period: int
) -> np.ndarray:
    tile = np.empty((2 * period, 2 * period, 3), np.uint8)
    tile[:] = np.array(colour, np.uint8)
    for x, y in ((period // 2, period // 2), (3 * period // 2, 3 * period // 2)):
        if pattern == "dots":
            cv2.circle(tile, (x, y), max(int(period * 0.22), 2), second, -1, cv2.LINE_AA)
            continue
        for angle in np.arange(5) * 2 * np.pi / 5 + rng.uniform(0, 1):
            petal = (int(x + period * 0.2 * np.cos(angle)), int(y + period * 0.2 * np.sin(angle)))
            cv2.circle(tile, petal, max(int(period * 0.14), 2), second, -1, cv2.LINE_AA)
        cv2.circle(tile, (x, y), max(int(period * 0.1), 1), darker(colour, 0.7), -1, cv2.LINE_AA)
    return tile
