"""Hair on the head, beards, and hats."""

from __future__ import annotations

import numpy as np

from mtlzoo.datasets.drawing.canvas import smooth
from mtlzoo.datasets.drawing.fabric import choose_fabric, darker
from mtlzoo.datasets.faces.drawing.canvas import FaceCanvas
from mtlzoo.datasets.faces.drawing.geometry import Head
from mtlzoo.datasets.faces.drawing.parts import skin_limits
from mtlzoo.datasets.faces.drawing.person import Person, mixed

__all__ = ["draw_beard", "draw_hair", "draw_hat", "draw_locks"]


def draw_hair(canvas: FaceCanvas, head: Head, person: Person, rng: np.random.Generator) -> None:
    """All hair that the face, drawn later, lies on top of."""
    hair = person.hair
    if hair.style == "bun":
        height, back = rng.uniform(-0.62, -0.2), rng.uniform(-0.3, -0.1)
        centre = head.project(np.array([0.0, height, back if height < -0.5 else -0.5]))
        canvas.fill(_circle(centre, rng.uniform(0.13, 0.2)), darker(hair.colour, 0.9), shade=0.25)
    outline = _shell(head, person, rng)
    tint = mixed(person.skin, hair.colour, 0.45) if hair.style == "none" and person.child > 0.5 else hair.colour
    if hair.style == "none" and person.child <= 0.5:
        return
    canvas.fill(outline, tint, shade=0.3, edge=0.8)
    _strands(canvas, head, person, rng)


def _body(head: Head, person: Person, heights: np.ndarray) -> tuple[np.ndarray, ...]:
    """Sections of the hair as a solid: it follows the skull, and hangs down from its widest place."""
    hair = person.hair
    width, front, back, centre = head.sections(np.minimum(heights, 0.0))
    falling = np.clip(heights / max(hair.end, 0.05), 0, 1)
    top, side = hair.volume
    grow = side * (1 + 0.5 * falling) if hair.end > 0.2 else side * (1 - 0.6 * falling)
    narrow = np.where(heights > 0, 1 - (0.12 if hair.end > 0.2 else 0.25) * falling**2, 1.0)
    if hair.end > 0.2:
        narrow = np.where(
            heights > hair.end - 0.12, narrow * np.sqrt(np.clip((hair.end + 0.02 - heights) / 0.14, 0.7, 1)), narrow
        )
    lifted = top * np.clip(-heights / 0.3, 0, 1)
    return (width + grow) * narrow, front + 0.5 * lifted + 0.01, (back - grow - 0.3 * lifted) * narrow, centre


def _shell(head: Head, person: Person, rng: np.random.Generator) -> np.ndarray:
    hair = person.hair
    crown = head.crown - (0.0 if hair.bald else hair.volume[0])
    heights = np.linspace(crown, hair.end, 40)
    # The crown of the hair is that of the skull, moved up.
    stretched = np.where(heights < -0.1, np.interp(heights, (crown, -0.1), (head.crown, -0.1)), heights)
    width, front, back, centre = _body(head, person, stretched)
    limit = np.where(heights < hair.hairline, 0.0, skin_limits(person, head, np.minimum(heights, 0.1)) - 0.15)
    limit = np.clip(limit, 0, 1.4)
    if hair.bald:
        limit = np.where(heights < hair.hairline + 0.2, np.pi, limit)
        heights, width, front, back, centre, limit = (
            values[limit < 3] for values in (heights, width, front, back, centre, limit)
        )
    outline = head.ring(heights, width, front, back, centre, limit, 2 * np.pi - limit)
    if hair.curl:
        bumps = rng.normal(0, 0.006 if hair.curl == 1 else 0.013, outline.shape)
        outline = outline + bumps
    return smooth(outline, closed=True, samples=2)


def _strands(canvas: FaceCanvas, head: Head, person: Person, rng: np.random.Generator) -> None:
    hair = person.hair
    if hair.style == "none" or (hair.bald and hair.curl < 2):
        return
    top = head.crown - 0.7 * hair.volume[0]
    if hair.curl == 2:
        low = hair.hairline + 0.25 if hair.bald else top
        azimuth, heights = rng.uniform(-1.9, 1.9, 26) - head.yaw, rng.uniform(low, max(min(hair.end, 0.3), low), 26)
        places = _on_hair(head, person, azimuth, heights)
        shapes = [_circle(place, radius) for place, radius in zip(places, rng.uniform(0.015, 0.03, 26), strict=True)]
        blur, width = 0.006, 0.0
    else:
        azimuth = np.linspace(-1.75, 1.75, 15) + rng.normal(0, 0.06, 15) - head.yaw
        heights = np.linspace(top + rng.uniform(0.0, 0.12, 15), hair.end - rng.uniform(0, 0.12, 15), 12).T
        waves = hair.curl * 0.05 * np.sin(14 * heights + azimuth[:, None])
        places = _on_hair(head, person, (azimuth[:, None] + waves).ravel(), heights.ravel())
        shapes, blur, width = list(places.reshape(15, 12, 2)), 0.004, rng.uniform(0.008, 0.02)
    canvas.glaze(shapes[::2], darker(hair.colour, 1.3), 0.3, blur, width)
    canvas.glaze(shapes[1::2], darker(hair.colour, 0.72), 0.3, blur, width)


def _on_hair(head: Head, person: Person, azimuth: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """Where places on the outside of the hair are seen; all of shape `(n,)`, the answer `(n, 2)`."""
    width, front, back, _ = _body(head, person, heights)
    reach = np.where(np.cos(azimuth) > 0, front, -back)
    return head.project(np.stack([width * np.sin(azimuth), heights, reach * np.cos(azimuth)], axis=1))


def draw_locks(canvas: FaceCanvas, head: Head, person: Person, rng: np.random.Generator) -> None:
    """Long hair that falls in front of the ears, the neck and the shoulders."""
    hair = person.hair
    if hair.style not in ("bob", "long"):
        return
    heights = np.linspace(hair.hairline, hair.end, 30)
    width, front, back, centre = _body(head, person, heights)
    start = np.minimum(skin_limits(person, head, np.minimum(heights, 0.1)), hair.temples)
    for side in (-1, 1):
        # The lock on the far side is hidden by the head.
        if side * head.yaw > 0.25:
            continue
        end = 1.9 if abs(head.yaw) < 0.25 else np.pi
        lock = head.ring(heights, width, front, back, centre, side * start, side * np.full_like(start, end))
        canvas.fill(smooth(lock, closed=True, samples=2), hair.colour, shade=0.18, edge=1.0)
        canvas.stroke(lock[30:] if side < 0 else lock[:30], darker(hair.colour, 0.7), 0.014)
        strands = []
        for azimuth in np.linspace(1.3, 1.3 + abs(head.yaw) + 0.4, 5) + rng.normal(0, 0.05, 5):
            waves = hair.curl * 0.04 * np.sin(14 * heights + azimuth)
            strands.append(_on_hair(head, person, side * (azimuth + waves), heights))
        tone = darker(hair.colour, 1.25 if rng.random() < 0.5 else 0.75)
        canvas.glaze(strands, tone, 0.35, blur=0.004, width=0.014)


def draw_beard(canvas: FaceCanvas, head: Head, person: Person) -> None:
    """Stubble, a moustache, a goatee or a full beard, below the mouth's layer."""
    if not person.beard:
        return
    y, wide = head.mouth_y, head.mouth_x
    colour = mixed(person.hair.colour, (40, 32, 30), 0.25)
    thick = 0.88 if person.beard != "stubble" else 0.34
    if person.beard in ("stubble", "full"):
        azimuth = np.linspace(max(-1.4, -1.5 - head.yaw), min(1.4, 1.5 - head.yaw), 25)
        heights = np.linspace(0.1, head.chin, 20)
        grow = 0.004 if person.beard == "stubble" else 0.02
        width, front, _, centre = (
            values + shift for values, shift in zip(head.sections(heights), (grow, grow, 0, 0), strict=True)
        )

        def along(angle: np.ndarray, height: np.ndarray) -> np.ndarray:
            w, f, c = (np.interp(height, heights, values) for values in (width, front, centre))
            return head.project(np.stack([w * np.sin(angle), height, c + (f - c) * np.cos(angle)], axis=1))

        ends = np.interp(np.abs(azimuth), (0, 0.35, 0.75, 1.4), (y - 0.05, y - 0.035, y + 0.01, 0.05))
        right = along(np.full(20, azimuth[-1]), np.linspace(ends[-1], head.chin, 20))
        left = along(np.full(20, azimuth[0]), np.linspace(head.chin, ends[0], 20))
        down = (0.0, 0.025 if person.beard == "full" else 0.0)
        canvas.glaze(np.concatenate([along(azimuth, ends), right + down, left + down]), colour, thick, blur=0.008)
    if person.beard in ("moustache", "goatee"):
        half = np.array([(0.0, -0.05), (0.6, -0.042), (1.15, 0.01), (1.02, 0.012), (0.5, -0.012), (0.0, -0.014)])
        half = half * (wide, 1.0) + np.array([0.0, y])
        canvas.glaze(head.draw_on(np.concatenate([half, half[::-1] * (-1, 1)]), 0.01), colour, thick, blur=0.005)
    if person.beard == "goatee":
        top, low = y + 0.055, head.chin - 0.004
        knots = [(-0.07, top), (0.0, top + 0.01), (0.07, top), (0.075, low - 0.056), (0.04, low), (-0.04, low),
                 (-0.075, low - 0.056)]  # fmt: skip
        canvas.glaze(head.draw_on(smooth(knots, closed=True), 0.01), colour, thick, blur=0.006)


def draw_hat(canvas: FaceCanvas, head: Head, person: Person, rng: np.random.Generator) -> None:
    """A woollen cap, or a cap or hat with a brim."""
    fabric = choose_fabric(rng, canvas.camera.unit, [person.skin, person.hair.colour], patterned=0.25)
    grow = 0.03 + min(person.hair.volume[1], 0.05)
    edge = -0.2
    crown = head.crown - 0.05 - 0.5 * min(person.hair.volume[0], 0.06)
    heights = np.linspace(crown, edge, 18)
    inside = np.interp(heights, (crown, edge), (head.crown + 0.002, edge))
    width, front, back, centre = head.sections(inside)
    dome = head.ring(heights, width + grow, front + grow, back - grow, centre, -np.pi, np.pi)
    kind = rng.integers(3)
    angle = np.linspace(-np.pi, np.pi, 40)
    rim_width, rim_front, rim_back = width[-1] + grow, front[-1] + grow, back[-1] - grow
    reach = {0: (0.02, 0.02), 1: (0.02, 0.26), 2: (0.2, 0.2)}[int(kind)]
    if kind:
        depth = np.where(np.cos(angle) > 0, rim_front + reach[1], -rim_back + (reach[1] if kind == 2 else 0.0))
        rim = np.stack(
            [(rim_width + reach[0]) * np.sin(angle), edge + 0.04 * np.cos(angle) - 0.03, depth * np.cos(angle)], axis=1
        )
        canvas.fill(head.project(rim), darker(fabric.colour, 0.7), shade=0.25)
    canvas.fill(dome, fabric, shade=0.3)
    if kind == 0:
        sides = (np.full(4, side) for side in (rim_width + 0.015, rim_front + 0.015, rim_back - 0.015, 0.0))
        width, front, back, centre = sides
        cuff = head.ring(np.linspace(edge - 0.09, edge + 0.02, 4), width, front, back, centre, -np.pi, np.pi)
        canvas.fill(cuff, darker(fabric.colour, 0.85), shade=0.25)


def _circle(centre: np.ndarray, radius: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    return centre + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
