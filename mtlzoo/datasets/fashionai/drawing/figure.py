"""The person or mannequin who wears the clothes, in head units (see `scales`)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mtlzoo.datasets.drawing.canvas import Canvas, mirrored, smooth, tube, unit_normals
from mtlzoo.datasets.drawing.fabric import Fabric, darker

__all__ = [
    "Figure",
    "arm_outline",
    "draw_arms",
    "draw_body",
    "draw_hair_behind",
    "draw_hair_in_front",
    "draw_head",
    "fill_limb",
    "leg_outline",
]

SKINS = ((255, 224, 196), (247, 206, 172), (234, 186, 148), (204, 152, 112), (160, 110, 76), (112, 76, 54))
MANNEQUINS = ((236, 234, 230), (222, 208, 190), (178, 178, 180))
HAIRS = ((38, 30, 28), (70, 46, 34), (112, 74, 46), (168, 124, 72), (206, 172, 112), (128, 60, 40))
SHOES = ((30, 28, 30), (240, 236, 230), (120, 40, 40), (150, 104, 66), (60, 66, 90))

TORSO = smooth([(0.19, 0.9), (0.195, 1.2), (0.34, 1.4), (0.62, 1.47), (0.8, 1.62), (0.8, 1.85), (0.64, 2.12), (0.63, 2.4),
                (0.51, 2.85), (0.48, 3.1), (0.6, 3.55), (0.71, 3.95), (0.71, 4.25)])  # fmt: skip
HEAD = smooth([(0, 0.02), (0.28, 0.1), (0.37, 0.4), (0.34, 0.64), (0.2, 0.88), (0, 0.97)])
ARM_LENGTH = 2.55  # From the shoulder joint to the wrist.
ARM_RADIUS = (
    (0, 0.2, 0.45, 0.58, 0.8, 0.96, 1.04, 1.12, 1.2),
    (0.17, 0.15, 0.115, 0.118, 0.095, 0.07, 0.09, 0.095, 0.03),
)
SLEEVE_RADIUS = ((0, 0.2, 0.45, 0.58, 0.8), (0.17, 0.15, 0.115, 0.118, 0.09))
ARM_HEAD = np.array([(0.67, 1.5), (0.75, 1.535), (0.81, 1.61)]), np.array([(0.665, 1.8), (0.66, 2.05)])
SLEEVE_HEAD = np.array([(0.58, 1.445), (0.71, 1.485), (0.8, 1.56)]), np.array([(0.6, 1.75), (0.62, 2.0)])
FINGERTIPS = 1.2  # As a fraction of the arm; the wrist is at 1.


@dataclass(frozen=True)
class Figure:
    """A body and its pose.

    Attributes:
        arms: two pairs of angles in radians, upper arm and forearm, 0 hanging down, positive outwards.
        stance: how far the ankles are set apart beyond the natural width, in head units.
        mannequin: a shop dummy has no face and no hair.
        turned: seen from behind.
    """

    skin: tuple[float, ...]
    hair: tuple[float, ...]
    hairstyle: str
    shoes: tuple[float, ...]
    arms: tuple[tuple[float, float], tuple[float, float]]
    stance: float
    mannequin: bool = False
    turned: bool = False
    arm_lines: tuple[np.ndarray, np.ndarray] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        lines = _arm_line(*self.arms[0]), _arm_line(*self.arms[1]) * (-1, 1)
        # Columns x, y and those of the unit normal: worked out once, used by the arm, its sleeve and the cuff.
        object.__setattr__(self, "arm_lines", tuple(np.hstack([line, unit_normals(line)]) for line in lines))

    @classmethod
    def random(cls, rng: np.random.Generator, turned: bool = False, alive: bool = False, calm: bool = False) -> Figure:
        """Somebody in some pose; never a mannequin if `alive`, with hanging arms if `calm`."""
        mannequin = rng.random() < 0.18 and not alive
        skins = MANNEQUINS if mannequin else SKINS
        skin = tuple(float(channel) for channel in np.array(skins[rng.integers(len(skins))]) * rng.uniform(0.93, 1.0))
        poses = [(rng.uniform(0.12, 0.3), rng.uniform(-0.08, 0.2)) for _ in range(2)]
        if not calm and not mannequin and rng.random() < 0.2:
            poses[0] = (rng.uniform(0.62, 0.78), rng.uniform(-0.75, -0.55))  # A hand on the hip.
        if not calm and rng.random() < 0.25:
            poses[1] = (rng.uniform(0.3, 0.5), rng.uniform(0.1, 0.6))
        return cls(
            skin=skin,
            hair=HAIRS[rng.integers(len(HAIRS))],
            hairstyle=("short", "bob", "long", "bun")[rng.integers(4)],
            shoes=SHOES[rng.integers(len(SHOES))],
            arms=(poses[0], poses[1]),
            stance=rng.uniform(-0.08, 0.22),
            mannequin=mannequin,
            turned=turned,
        )


_ARM_T = np.linspace(0, FINGERTIPS, 36)


def _arm_line(upper: float, lower: float) -> np.ndarray:
    """The middle of the arm at `_ARM_T`, from the shoulder joint to the fingertips, rounded at the elbow."""
    shoulder, elbow = np.array([0.665, 1.735]), 0.52
    upper_direction = np.array([np.sin(upper), np.cos(upper)])
    lower_direction = np.array([np.sin(lower), np.cos(lower)])
    line = (
        shoulder
        + ARM_LENGTH * np.minimum(_ARM_T, elbow)[:, None] * upper_direction
        + ARM_LENGTH * np.maximum(_ARM_T - elbow, 0)[:, None] * lower_direction
    )
    rounded = line.copy()
    for axis in (0, 1):
        rounded[2:-2, axis] = np.convolve(line[:, axis], np.full(5, 1 / 5), "valid")
    return rounded


def arm_outline(
    figure: Figure, side: int, end: float = FINGERTIPS, start: float = 0.0, ease: float = 0.0, flare: float = 0.0
) -> np.ndarray:
    """Outline of an arm or of a sleeve around it, from the shoulder down the outside and up again on the inside.

    Args:
        side: 0 or 1.
        end, start: where along the arm, 0 at the shoulder, 1 at the wrist. What starts at 0 grows out of the shoulder.
        ease: how much wider than the arm, in head units; `flare` more at the end.
    """
    first = start or min(0.04, 0.5 * end)
    t = np.linspace(first, end, max(int(24 * (end - first)), 3))
    line = figure.arm_lines[side]
    x, y, normal_x, normal_y = (np.interp(t, _ARM_T, column) for column in line.T)
    if end > FINGERTIPS:
        beyond = np.maximum(t - FINGERTIPS, 0) * ARM_LENGTH
        x, y = x + beyond * line[-1, 3], y - beyond * line[-1, 2]
    if ease:
        # A sleeve does not narrow with the wrist and the fingers.
        radius = np.interp(t, SLEEVE_RADIUS[0], SLEEVE_RADIUS[1]) + ease + flare * (t - first) / (end - first)
    else:
        radius = np.interp(t, ARM_RADIUS[0], ARM_RADIUS[1])
    if side == 1:
        radius = -radius
    inside = np.stack([x + radius * normal_x, y + radius * normal_y], axis=1)
    outside = np.stack([x - radius * normal_x, y - radius * normal_y], axis=1)
    if start == 0.0:
        mirror = (1, 1) if side == 0 else (-1, 1)
        # A bare arm leaves room for the strap of a sleeveless top.
        shoulder, armpit = SLEEVE_HEAD if ease else ARM_HEAD
        outside = np.concatenate([smooth(np.concatenate([shoulder * mirror, outside[:2]]), samples=3), outside[2:]])
        inside = np.concatenate([armpit * mirror, inside[t >= min(0.16, end)]])
    return np.concatenate([outside, inside[::-1]])


def leg_outline(
    figure: Figure, side: int, end: float = 7.85, ease: float = 0.0, flare: float = 0.0, start: float = 3.95
) -> np.ndarray:
    """Outline of a leg, or of a trouser leg with the hem at height `end`."""
    heights = np.linspace(start, end, 14)
    centre = np.interp(heights, (3.95, 6.0, 7.8), (0.35, 0.31 + 0.5 * figure.stance, 0.26 + figure.stance))
    radius = np.interp(
        heights, (3.95, 4.4, 5.1, 5.9, 6.15, 6.6, 7.1, 7.6, 7.9), (0.36, 0.35, 0.29, 0.2, 0.195, 0.21, 0.16, 0.11, 0.11)
    )
    if ease:
        # Trousers hang straight down from the thigh.
        straight = np.interp(heights, (3.95, 5.5, 8.1), (0.0, 0.4, 1.0)) * ease
        radius = np.maximum(radius, 0.13) + 0.3 * ease + straight * 0.5
    radius = radius + flare * np.clip((heights - 6.0) / 2.0, 0, 1)
    direction = 1 if side == 0 else -1
    return tube(np.stack([centre * direction, heights], axis=1), radius)


def draw_body(canvas: Canvas, figure: Figure) -> None:
    """Legs, shoes and torso; hair that falls behind the shoulders."""
    if not figure.mannequin and not figure.turned:
        length = {"long": 2.35, "bob": 1.12}.get(figure.hairstyle)
        if length:
            half = smooth([(0, -0.05), (0.36, 0.12), (0.46, 0.6), (0.5, 0.8 * length), (0.34, length)])
            canvas.fill(np.concatenate([half, mirrored(half)]), darker(figure.hair, 0.85), shade=0.2)
    for side, direction in ((0, 1), (1, -1)):
        canvas.fill(leg_outline(figure, side), figure.skin)
        ankle = 0.26 + figure.stance
        shoe = smooth(
            [(-0.11, 7.7), (-0.13, 7.85), (-0.15, 8.05), (0.0, 8.14), (0.2, 8.08), (0.17, 7.9), (0.11, 7.7)],
            closed=True,
        )
        canvas.fill((shoe + np.array([ankle, 0])) * (direction, 1), figure.shoes, shade=0.2)
    canvas.fill(np.concatenate([TORSO, mirrored(TORSO)]), figure.skin)
    if not figure.turned:
        for direction in (1, -1):
            bone = smooth([(0.08, 1.56), (0.3, 1.53), (0.56, 1.52)]) * (direction, 1)
            canvas.stroke(bone, darker(figure.skin, 0.86), 0.025)


def fill_limb(canvas: Canvas, outline: np.ndarray, paint: Fabric | tuple[float, ...]) -> None:
    """Fills the outline of an arm or sleeve, which has no edge at the shoulder, where it grows out of the body."""
    canvas.fill(outline, paint, edge=1.0)
    colour = paint if isinstance(paint, tuple) else paint.colour
    canvas.stroke(outline[1:-2], darker(colour, 0.72), 0.018)


def draw_arms(canvas: Canvas, figure: Figure, sleeves: tuple[float, float]) -> None:
    """Arms and hands, as far as they are not inside `sleeves`, the fraction of each arm that is covered."""
    for side, sleeve in enumerate(sleeves):
        fill_limb(canvas, arm_outline(figure, side, start=min(sleeve, 1.0)), figure.skin)


def draw_head(canvas: Canvas, figure: Figure) -> None:
    """Head and face, over whatever is worn around the neck."""
    head = np.concatenate([HEAD, mirrored(HEAD)])
    if figure.mannequin:
        canvas.fill(head, figure.skin)
        return
    if figure.turned:
        canvas.fill(head * (1.1, 1.0), figure.hair)
        if figure.hairstyle == "bun":
            canvas.fill(smooth(_ellipse(0, 0.1, 0.24, 0.2)), figure.hair)
        return
    canvas.fill(head, figure.skin, shade=0.18)
    dark = darker(figure.skin, 0.6)
    for direction in (1, -1):
        canvas.stroke(np.array([(0.08, 0.405), (0.16, 0.37), (0.25, 0.41)]) * (direction, 1), figure.hair, 0.03)
        canvas.fill(_ellipse(0.155 * direction, 0.51, 0.055, 0.026), (50, 40, 38), shade=0, edge=1)
    canvas.stroke(np.array([(0.02, 0.55), (0.05, 0.68), (-0.02, 0.69)]), darker(figure.skin, 0.8), 0.02)
    lips = smooth([(-0.105, 0.765), (0, 0.778), (0.105, 0.765), (0.055, 0.815), (-0.055, 0.815)], closed=True)
    canvas.fill(lips, (0.55 * dark[0] + 90, dark[1] * 0.75, dark[2] * 0.8), shade=0, edge=0.85)
    fringe = smooth([(-0.4, 0.66), (-0.42, 0.25), (-0.2, -0.04), (0.1, -0.07), (0.36, 0.1), (0.41, 0.4), (0.39, 0.66),
                     (0.33, 0.42), (0.22, 0.24), (0.0, 0.2), (-0.2, 0.25), (-0.32, 0.42)], closed=True)  # fmt: skip
    canvas.fill(fringe, figure.hair, shade=0.2)
    if figure.hairstyle == "bun":
        canvas.fill(_ellipse(0.03, -0.13, 0.2, 0.15), figure.hair, shade=0.2)


def draw_hair_in_front(canvas: Canvas, figure: Figure, rng: np.random.Generator) -> None:
    """Long loose hair that hides neck and chest."""
    length = rng.uniform(2.3, 2.9)
    lock = [(-0.08, 1.3), (0.1, 0.8), (0.4, 0.4), (0.55, 1.0), (0.66, 1.6), (0.62, 2.1), (0.4, length),
            (0.12, length - 0.2), (-0.06, length - 0.4)]  # fmt: skip
    for direction in (1, -1):
        outline = smooth(np.array(lock) * (direction, 1), closed=True)
        canvas.fill(outline, figure.hair, shade=0.25)
        for x in (0.15, 0.3, 0.45):
            strand = smooth([(x * 0.8 + 0.15, 0.85), (x + 0.08, 1.5), (x * 0.9, length - 0.35)]) * (direction, 1)
            canvas.stroke(strand, darker(figure.hair, 1.18), 0.02)


def draw_hair_behind(canvas: Canvas, figure: Figure, rng: np.random.Generator) -> None:
    """Seen from behind: hair that covers the nape and the back."""
    length = rng.uniform(2.0, 2.8)
    half = smooth([(0, 0.05), (0.36, 0.15), (0.48, 0.7), (0.56, 1.5), (0.5, length - 0.2), (0.2, length)])
    canvas.fill(np.concatenate([half, mirrored(half)]), figure.hair)
    for x in (-0.3, -0.1, 0.12, 0.33):
        canvas.stroke(smooth([(x * 0.7, 0.5), (x * 1.3, 1.4), (x, length - 0.3)]), darker(figure.hair, 1.18), 0.02)


def _ellipse(x: float, y: float, half_width: float, half_height: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    return np.stack([x + half_width * np.cos(angle), y + half_height * np.sin(angle)], axis=1)
