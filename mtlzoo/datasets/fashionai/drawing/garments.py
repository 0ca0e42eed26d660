"""Tops, sleeves, trousers, skirts and coats, in head units (see `scales`)."""

from __future__ import annotations

import numpy as np

from mtlzoo.datasets.drawing.canvas import Canvas, mirrored, smooth
from mtlzoo.datasets.drawing.fabric import Fabric, darker
from mtlzoo.datasets.fashionai.drawing.figure import Figure, arm_outline, fill_limb, leg_outline
from mtlzoo.datasets.fashionai.drawing.necks import neckline

__all__ = [
    "draw_cape",
    "draw_coat",
    "draw_off_shoulder_band",
    "draw_skirt",
    "draw_sleeves",
    "draw_top",
    "draw_trousers",
]


def _side(heights: np.ndarray, ease: float, boxy: float, flare: float) -> np.ndarray:
    """The left outline of a garment on the torso, from top to bottom; `boxy` 0 follows the waist, 1 ignores it."""
    fitted = np.interp(heights, (2.14, 2.4, 2.85, 3.1, 3.55, 3.95), (0.66, 0.645, 0.53, 0.5, 0.62, 0.73))
    width = (1 - boxy) * fitted + boxy * 0.72 + ease + flare * np.clip(heights - 3.6, 0, None)
    return np.stack([width, heights], axis=1)


def _hem(width: float, height: float, sag: float) -> np.ndarray:
    return smooth([(width, height), (0.5 * width, height + 0.8 * sag), (0, height + sag)])


def draw_top(
    canvas: Canvas,
    fabric: Fabric,
    kind: str,
    depth: float,
    hem: float,
    sleeveless: bool,
    boxy: float,
    trim: tuple[float, ...],
    tucked: bool,
) -> None:
    """A shirt, jumper or bodice with the neckline cut out; `trim` is the colour of the neckline's edge.

    A top that is `tucked` in or sewn to a skirt shows no hem.
    """
    upper, edge = neckline(kind, depth, sleeveless)
    heights = np.append(np.arange(2.3, hem - 0.1, 0.2), hem)
    side = smooth(_side(heights, 0.03, boxy, 0.05), samples=3)
    lower = np.concatenate([side, _hem(side[-1, 0], hem, 0.06)])
    canvas.fill(np.concatenate([upper, lower, mirrored(lower)]), fabric)
    canvas.stroke(edge, trim, 0.05)
    if tucked:
        return
    canvas.stroke(_hem(side[-1, 0], hem, 0.06) - (0, 0.07), fabric.seam, 0.015)
    canvas.stroke(mirrored(_hem(side[-1, 0], hem, 0.06)) - (0, 0.07), fabric.seam, 0.015)


def draw_sleeves(
    canvas: Canvas, figure: Figure, fabric: Fabric, ends: tuple[float, float], ease: float, flare: float
) -> None:
    """Sleeves that end at `ends` of the two arms (0 the shoulder, 1 the wrist); 0 for none."""
    for side, end in enumerate(ends):
        if end == 0:
            continue
        fill_limb(canvas, arm_outline(figure, side, end, 0.0, ease, flare), fabric)
        if end > 0.12:
            cuff = arm_outline(figure, side, end, end - 0.04, ease + flare * 0.9, 0.01)
            canvas.fill(cuff, darker(fabric.colour, 0.85), shade=0, edge=0.7)


def draw_cape(canvas: Canvas, fabric: Fabric, hem: float) -> None:
    """A cape over shoulders and arms."""
    half = smooth([(0, 1.66), (0.16, 1.58), (0.27, 1.32), (0.75, 1.48), (1.12, 2.1), (1.28, 3.2), (1.32, hem - 0.2),
                   (0.7, hem), (0, hem + 0.05)])  # fmt: skip
    canvas.fill(np.concatenate([half, mirrored(half)]), fabric)


def draw_off_shoulder_band(
    canvas: Canvas, figure: Figure, fabric: Fabric, depth: float, sleeve: float, trim: tuple[float, ...]
) -> None:
    """The flounce of an off-shoulder top: across the chest and around both arms, the shoulders bare."""
    for side in (0, 1):
        canvas.fill(arm_outline(figure, side, max(sleeve, 0.24), 0.1, 0.06, 0.02), fabric)
    half = smooth([(0, depth), (0.5, depth - 0.04), (0.97, depth - 0.1), (1.0, depth + 0.12), (0.94, depth + 0.32),
                   (0.5, depth + 0.4), (0, depth + 0.43)])  # fmt: skip
    canvas.fill(np.concatenate([half, mirrored(half)]), fabric)
    for direction in (1, -1):
        canvas.stroke(half[:9] * (direction, 1), trim, 0.05)


def draw_trousers(canvas: Canvas, figure: Figure, fabric: Fabric, hem: float, ease: float, flare: float) -> None:
    """Trousers or shorts with the hem at height `hem`."""
    leg = leg_outline(figure, 0, hem, ease, flare)
    inner, outer = leg[: len(leg) // 2], leg[len(leg) // 2 :][::-1]
    inner = inner[inner[:, 1] > 4.3]
    # Even wide legs part below the crotch: that is what tells shorts from a skirt.
    inner[:, 0] = np.maximum(inner[:, 0], 0.02 + 0.07 * np.minimum(inner[:, 1] - 4.3, 1.0))
    waist = np.array([(0.0, 3.02), (0.3, 3.03), (0.5, 3.05), (0.6, 3.45)])
    half = np.concatenate([waist, outer[1:], inner[::-1], [(0.0, 4.28)]])
    canvas.fill(np.concatenate([half, mirrored(half)]), fabric)
    canvas.stroke(np.array([(-0.52, 3.2), (0.0, 3.23), (0.52, 3.2)]), fabric.seam, 0.02)
    canvas.stroke(np.array([(0.0, 3.05), (0.0, 4.3)]), fabric.seam, 0.02)
    for direction in (1, -1):
        canvas.stroke(np.array([(0.38, 3.25), (0.62, 3.6)]) * (direction, 1), fabric.seam, 0.02)
        canvas.stroke(np.array([outer[-1], inner[-1]]) * (direction, 1) - (0, 0.07), fabric.seam, 0.02)


def draw_skirt(canvas: Canvas, fabric: Fabric, hem: float, flare: float, pleats: int) -> None:
    """A skirt with the hem at height `hem`; `flare` is its widening to a head unit."""
    sag = 0.06 + 0.25 * flare
    corner = hem - sag / 2
    heights = np.append(np.arange(3.1, corner - 0.1, 0.3), corner)
    width = np.interp(heights, (3.1, 3.55, 3.95), (0.53, 0.64, 0.74)) + flare * np.clip(heights - 3.4, 0, None)
    side = smooth(np.stack([width, heights], axis=1), samples=3)
    bottom = _hem(side[-1, 0], corner, sag)
    half = np.concatenate([[(0, 3.03)], side[:-1], bottom])
    canvas.fill(np.concatenate([half, mirrored(half)]), fabric)
    canvas.stroke(np.array([(-0.54, 3.14), (0.0, 3.17), (0.54, 3.14)]), fabric.seam, 0.02)
    for x in np.linspace(-0.85, 0.85, pleats) if pleats else ():
        end = corner + sag * (1 - x * x)
        canvas.stroke(np.array([(0.47 * x, 3.25), (0.7 * x, 3.95), (width[-1] * x, end)]), fabric.seam, 0.018)


def draw_coat(
    canvas: Canvas,
    fabric: Fabric,
    hem: float,
    button: float,
    opening: float,
    boxy: float,
    flare: float,
    belt: bool,
    closed_neck: bool = False,
    back: bool = False,
) -> None:
    """The body of a coat or jacket.

    Args:
        hem: its height.
        button: height of the highest button, where the two fronts meet.
        opening: half the gap between the fronts at the hem.
        closed_neck: buttoned up to the throat.
        back: seen from behind.
    """
    heights = np.append(np.arange(2.35, hem - 0.1, 0.25), hem)
    side = smooth(_side(heights, 0.09, boxy, flare), samples=3)
    shoulder = smooth([(0.27, 1.3), (0.6, 1.41), (0.8, 1.52), (0.86, 1.7), (0.78, 2.15)])
    button = min(button, hem - 0.15)
    throat = [(0.0, 1.52), (0.2, 1.42)] if closed_neck or back else [(0.0, button), (0.1, (button + 1.7) / 2)]
    bottom = smooth([(side[-1, 0], hem), (0.55 * side[-1, 0], hem + 0.05), (opening, hem + 0.06)])
    panel = np.concatenate([shoulder, side, bottom, [(opening * 0.4, min(button + 0.4, hem))], throat])
    canvas.fill(mirrored(panel), fabric)
    canvas.fill(panel, fabric)
    if back:
        return
    dark = darker(fabric.colour, 0.4 if sum(fabric.colour) > 260 else 2.4)
    first = 1.75 if closed_neck else button
    if opening < 0.05:
        for y in np.arange(first, min(hem - 0.1, first + 2.2), 0.42):
            canvas.dot(0.06, y, 0.045, dark)
    for direction in (1, -1):
        if hem > 3.9:
            pocket = np.array([(0.26, 3.62), (0.6, 3.56)]) * (direction, 1)
            canvas.stroke(pocket, fabric.seam, 0.05)
    if belt and hem > 3.5:
        width = float(_side(np.array([3.12]), 0.1, boxy, flare)[0, 0])
        band = np.array([(-width, 3.05), (width, 3.05), (width, 3.24), (-width, 3.24)])
        canvas.fill(band, darker(fabric.colour, 0.7), shade=0.1)
        canvas.fill(np.array([(-0.1, 3.02), (0.1, 3.02), (0.1, 3.27), (-0.1, 3.27)]), dark, shade=0, edge=0.8)
