"""What happens around the neck: necklines, collars, lapels, neck bands, scarves (see `scales` for the units)."""

from __future__ import annotations

import numpy as np

from mtlzoo.datasets.drawing.canvas import Canvas, mirrored, smooth
from mtlzoo.datasets.drawing.fabric import Fabric, darker

__all__ = ["draw_collar", "draw_lapels", "draw_neck_band", "draw_scarf", "neckline"]

NECK = (0.31, 1.375)  # Where a neckline meets the shoulder seam.


def neckline(kind: str, depth: float, sleeveless: bool) -> tuple[np.ndarray, np.ndarray]:
    """The upper boundary of a top, from the right armpit to the left one, and the part of it that is the neckline.

    Args:
        kind: one of `"closed"`, `"round"`, `"v"`, `"square"`, `"straight"`, `"strapless"`, `"heart"`, `"off"`, `"one"`.
        depth: height of the deepest point in head units, about 1.5 (at the throat) to 2.8.
        sleeveless: whether the armholes are cut in.
    """
    shoulder = [(0.58, 1.44), (0.68, 1.52), (0.63, 1.85), (0.67, 2.14)]
    if not sleeveless:
        shoulder = [(0.62, 1.45), (0.76, 1.53), (0.8, 1.7), (0.7, 2.14)]
    right_armpit = np.array([(-0.68, 2.14)])
    match kind:
        case "closed":
            half = smooth([(0, 1.5), (0.16, 1.46), (0.24, 1.3)])
        case "round":
            width = 0.34 + 0.1 * (depth - 1.7)
            half = smooth(
                [(0, depth), (0.17, depth - 0.06), (width - 0.04, (depth + 1.375) / 2 - 0.03), (width, 1.375)]
            )
        case "v":
            half = np.array([(0, depth), NECK])
        case "square":
            half = np.array([(0, depth), (0.43, depth), (0.47, 1.4)])
        case "straight":
            half = smooth([(0, depth), (0.3, depth - 0.015), (0.58, depth - 0.1)])
            shoulder = [(0.64, 1.45), *shoulder[1:]]
        case "strapless":
            return _across(smooth([(0, depth), (0.3, depth - 0.02), (0.68, depth + 0.06)]))
        case "heart":
            arch = smooth([(0, depth), (0.1, depth - 0.19), (0.3, depth - 0.31), (0.52, depth - 0.24), (0.68, 2.1)])
            return _across(arch)
        case "off":
            return _across(smooth([(0, depth), (0.4, depth - 0.03), (0.7, depth - 0.05)]))
        case "one":
            slope = smooth([(-0.68, 2.12), (-0.3, 1.98), (0.05, 1.72), (0.27, 1.37)])
            return np.concatenate([slope, shoulder]), slope
        case _:
            raise ValueError(f"Expected the kind of a neckline, received: {kind!r}")
    edge = np.concatenate([mirrored(half), half[1:]])
    return np.concatenate([right_armpit, mirrored(shoulder)[1:], edge, shoulder]), edge


def _across(half: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    edge = np.concatenate([mirrored(half), half[1:]])
    return edge, edge


def draw_collar(canvas: Canvas, kind: str, reach: float, fabric: Fabric, rng: np.random.Generator) -> None:
    """A collar on a closed top.

    Args:
        kind: `"Shirt Collar"`, `"Peter Pan"`, `"Puritan Collar"` or `"Rib Collar"`.
        reach: how far a flat collar reaches from the middle, in head units.
    """
    if kind == "Rib Collar":
        outer = smooth([(0, 1.76), (0.2, 1.68), (0.36, 1.47), (0.33, 1.3), (0.2, 1.15)])
        inner = smooth([(0.19, 1.22), (0.21, 1.38), (0.13, 1.5), (0, 1.54)])
        half = np.concatenate([outer, inner])
        canvas.fill(np.concatenate([half, mirrored(half)]), fabric, shade=0.2, edge=0.5)
        steps = np.linspace(0.03, 0.97, 11)
        starts, ends = _resample(inner[::-1], steps), _resample(outer, steps)
        for direction in (1, -1):
            for start, end in zip(starts, ends, strict=True):
                canvas.stroke(np.array([start, end]) * (direction, 1), darker(fabric.colour, 0.8), 0.014)
        canvas.stroke(np.array([(0, 1.54), (0, 3.6)]), darker(fabric.colour, 0.45), 0.05)
        canvas.stroke(np.array([(0, 1.6), (0, 3.6)]), (205, 205, 205), 0.02)
        return
    if kind == "Shirt Collar":
        spread, tip = rng.uniform(0.3, 0.5), rng.uniform(1.82, 2.02)
        half = np.array([(0.01, 1.54), (0.17, 1.36), (0.2, 1.14), (0.36, 1.32), (0.42, 1.46), (spread, tip)])
        canvas.stroke(np.array([(0, 1.54), (0, 3.9)]), fabric.seam, 0.025)
        canvas.stroke(np.array([(0.1, 1.6), (0.1, 3.9)]), darker(fabric.colour, 0.8), 0.015)
        for y in np.arange(1.72, 3.8, 0.36):
            canvas.dot(0.05, y, 0.035, darker(fabric.colour, 0.45 if sum(fabric.colour) > 300 else 2.2))
    elif kind == "Peter Pan":
        low = 1.62 + 0.5 * (reach - 0.3)
        half = smooth([(0.015, 1.52), (0.08, low + 0.02), (0.24, low + 0.1), (reach - 0.05, low - 0.02),
                       (reach + 0.02, 1.56), (0.38, 1.38), (0.21, 1.18), (0.18, 1.34)], closed=True)  # fmt: skip
    else:
        low = 1.5 + 0.7 * reach
        outer = smooth([(reach - 0.04, low - 0.05), (reach + 0.04, 1.8), (0.72, 1.5), (0.4, 1.38), (0.2, 1.16)])
        half = np.concatenate([[(0.02, 1.54), (0.16, low + 0.04)], outer, smooth([(0.19, 1.32), (0.02, 1.54)])])
    for direction in (1, -1):
        canvas.fill(half * (direction, 1), fabric, shade=0.2, edge=0.5)
    if kind != "Shirt Collar" and rng.random() < 0.35:
        bow = np.array([(0, 1.56), (0.16, 1.5), (0.17, 1.68), (0, 1.6), (-0.17, 1.68), (-0.16, 1.5)])
        canvas.fill(bow, darker(fabric.colour, 0.5), shade=0)


def draw_lapels(canvas: Canvas, kind: str, width: float, button: float, fabric: Fabric) -> None:
    """The turned-back front edges of a jacket that closes at height `button`.

    Args:
        kind: `"Notched"`, `"Collarless"`, `"Shawl Collar"` or `"Plus Size Shawl"`.
        width: width of a shawl at the chest, in head units.
    """
    neck = np.array([0.27, 1.3])
    for direction in (1, -1):
        match kind:
            case "Collarless":
                edge = np.array([(0.005, button), (0.1, (button + 1.7) / 2), neck]) * (direction, 1)
                canvas.stroke(edge, fabric.seam, 0.045)
            case "Notched":
                lapel = np.concatenate(
                    [
                        [(0.0, button), (0.17, 1.72), (0.66, 1.84)],
                        smooth([(0.62, 2.0), (0.4, (button + 2) / 2), (0.02, button)]),
                    ]
                )
                collar = np.array([(0.17, 1.76), (0.19, 1.4), (0.2, 1.15), (0.38, 1.34), (0.55, 1.58), (0.46, 1.74)])
                canvas.fill(lapel * (direction, 1), fabric, shade=0.2, edge=0.5)
                canvas.fill(collar * (direction, 1), fabric, shade=0.2, edge=0.5)
            case _:
                middle = 1.5 + 0.42 * (button - 1.5)
                outer = smooth(
                    [
                        (0.2, 1.15),
                        (0.36 + 0.25 * width, 1.32),
                        (0.24 + width, 1.62 + 0.1 * width),
                        (0.16 + width, middle + 0.2 * width),
                        (0.04 + 0.45 * width, (middle + button) / 2 + 0.2 * width),
                        (0.0, button),
                    ]
                )
                inner = np.array([(0.17, 1.7), (0.19, 1.42)])
                canvas.fill(np.concatenate([outer, inner]) * (direction, 1), fabric, shade=0.25, edge=0.5)


def draw_neck_band(canvas: Canvas, kind: str, top: float, fabric: Fabric, rng: np.random.Generator) -> None:
    """The neck of a jumper.

    Args:
        kind: `"Turtle Neck"`, `"Low Turtle Neck"`, `"Ruffle Semi-High Collar"` or `"Draped Collar"`.
        top: height of the upper edge of a turtle neck, in head units; the chin is at 0.95.
    """
    if kind == "Draped Collar":
        for fold, (width, high, low) in enumerate(
            ((0.56, 1.36, 2.2), (0.48, 1.28, 1.98), (0.4, 1.21, 1.78), (0.31, 1.15, 1.6))
        ):
            outer = smooth([(0, low), (0.3 * width / 0.5, low - 0.12), (width, (low + high) / 2), (width, high)])
            inner = smooth([(width * 0.7, high - 0.06), (width * 0.66, high + 0.15), (0, low - 0.3)])
            if fold == 3:
                inner = smooth([(0.21, 1.12), (0.19, 1.25), (0, 1.38)])
            half = np.concatenate([outer, inner])
            canvas.fill(np.concatenate([half, mirrored(half)]), fabric, shade=0.32, edge=0.6)
        return
    top = 1.16 if kind == "Ruffle Semi-High Collar" else top
    half = smooth([(0, 1.6), (0.16, 1.56), (0.29, 1.45), (0.245, (1.45 + top) / 2), (0.235, top)])
    upper = smooth([(0.235, top), (0.12, top + 0.05), (0, top + 0.065)])[1:]
    band = np.concatenate([half, upper])
    canvas.fill(np.concatenate([band, mirrored(band)]), fabric, shade=0.3, edge=0.55)
    if kind == "Ruffle Semi-High Collar":
        phase, waves = rng.uniform(0, 6), rng.integers(5, 8)
        x = np.linspace(-1, 1, 61)
        rim = np.stack([0.42 * x, top - 0.1 + 0.12 * x**2 + 0.045 * np.sin(waves * np.pi * x + phase)], axis=1)
        hem = np.stack([0.3 * x, top + 0.2 - 0.08 * x**2], axis=1)
        canvas.fill(np.concatenate([rim, hem[::-1]]), fabric, shade=0.25, edge=0.55)
        for index in range(3, 58, 60 // (2 * int(waves))):
            canvas.stroke(np.array([rim[index], hem[index]]), fabric.seam, 0.02)
        return
    for x in np.linspace(-0.2, 0.2, 7):
        canvas.stroke(np.array([(x, top + 0.09), (x * 1.05, 1.5)]), darker(fabric.colour, 0.86), 0.012)
    if kind == "Turtle Neck":
        canvas.stroke(smooth([(-0.265, 1.27), (0, 1.37), (0.265, 1.27)]), fabric.seam, 0.04)


def draw_scarf(canvas: Canvas, fabric: Fabric, rng: np.random.Generator) -> None:
    """A wound scarf that hides whatever is worn around the neck."""
    end, side = rng.uniform(2.7, 3.4), rng.choice((-1, 1))
    tail = np.array([(0.02, 1.7), (0.44, 1.75), (0.48, end), (0.12, end + 0.05)]) * (side, 1)
    canvas.fill(tail, fabric)
    for x in np.linspace(0.14, 0.46, 8):
        canvas.stroke(np.array([(x * side, end), (x * side, end + 0.14)]), fabric.seam, 0.02)
    for width, high, low in ((0.66, 1.3, 2.2), (0.56, 1.16, 1.9), (0.44, 1.02, 1.62)):
        half = smooth(
            [(0, low), (width * 0.7, low - 0.1), (width, (low + high) / 2), (width * 0.85, high), (0, high + 0.08)]
        )
        canvas.fill(np.concatenate([half, mirrored(half)]), fabric, shade=0.35)


def _resample(line: np.ndarray, fractions: np.ndarray) -> np.ndarray:
    position = np.linspace(0, 1, len(line))
    return np.stack([np.interp(fractions, position, line[:, axis]) for axis in (0, 1)], axis=1)
