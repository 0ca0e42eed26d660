"""Eyes, brows and mouth."""

from __future__ import annotations

import numpy as np

from mtlzoo.datasets.drawing.canvas import smooth
from mtlzoo.datasets.drawing.fabric import darker
from mtlzoo.datasets.faces.drawing.canvas import FaceCanvas
from mtlzoo.datasets.faces.drawing.geometry import LIFT, Head
from mtlzoo.datasets.faces.drawing.person import Person, mixed

__all__ = ["draw_brow", "draw_eye", "draw_mouth"]

_HALF_WIDTH = 0.066  # Of the eye.
_ANGLE = np.linspace(0, 2 * np.pi, 20, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLE), np.sin(_ANGLE)], axis=1)


def draw_eye(canvas: FaceCanvas, head: Head, person: Person, side: int, gaze: tuple[float, float]) -> None:
    """One eye, unless the head hides it.

    Args:
        side: -1 for the viewer's left one, 1 for the other.
        gaze: where it looks, -1 to 1 to the right and down.
    """
    half = _HALF_WIDTH * (1 + 0.22 * person.child) * person.width
    tall = person.eye_height
    seen, share = head.plane(side * head.eye_x, 0.0, LIFT)
    if share < 0.1:
        return
    x = np.linspace(-1, 1, 15)
    # The highest point lies towards the nose; the outer corner is raised by the tilt.
    upper = -tall * 1.12 * (1 - np.abs(x + side * 0.12 * (1 - x**2)) ** 2.2) - person.eye_tilt * side * x
    lower = tall * 0.88 * (1 - np.abs(x - side * 0.12 * (1 - x**2)) ** 2.0) - person.eye_tilt * side * x
    upper_line, lower_line = np.stack([half * x, upper], axis=1), np.stack([half * x, lower], axis=1)
    white = mixed((236, 232, 228), person.skin, 0.12 + 0.08 * person.old)
    canvas.fill(seen(np.concatenate([upper_line, lower_line[::-1]])), white, shade=0, edge=1.0)

    # === Iris, cut by the lids ===
    iris_radius = 0.0285 * (1 + 0.36 * person.child)
    middle = np.array([0.018 * gaze[0], 0.35 * tall * gaze[1]])
    for share, colour in ((1.0, darker(person.eyes, 0.55)), (0.84, person.eyes), (0.42, (16, 13, 14))):
        disc = middle + share * iris_radius * _CIRCLE
        low, high = np.interp(disc[:, 0], half * x, upper), np.interp(disc[:, 0], half * x, lower)
        disc[:, 1] = np.clip(disc[:, 1], low, np.maximum(low, high))
        canvas.fill(seen(disc), colour, shade=0, edge=1.0)
    canvas.glaze(seen(middle + np.array([-0.008, -0.25 * tall]) + 0.006 * _CIRCLE), (255, 255, 255), 0.85)
    shadow = np.concatenate([upper_line, upper_line[::-1] + np.array([0, 0.3 * tall])])
    canvas.glaze(seen(shadow), (40, 30, 30), 0.3, blur=0.004)

    # === Lids and lashes ===
    lash = mixed(darker(person.skin, 0.35), (22, 18, 18), person.lashes)
    canvas.glaze(seen(upper_line), lash, 0.9, width=0.009 + 0.011 * person.lashes)
    canvas.glaze(seen(lower_line[2:-2]), darker(person.skin, 0.5), 0.45 + 0.3 * person.makeup, width=0.009)
    if person.lashes > 0.6:
        corner = np.array([half * side * 0.8, float(np.interp(side * 0.8, x, upper))])
        flick = np.stack([corner, corner + np.array([side * 0.024, -0.016])])
        canvas.glaze(seen(flick), lash, 0.8, width=0.008)
    if not person.single_lid:
        crease = upper_line[1:-1] - np.array([0, 0.017 - 0.007 * person.old])
        canvas.glaze(seen(crease), darker(person.skin, 0.5), 0.5, width=0.009, blur=0.003)
    if person.makeup > 0.5:
        lid = np.concatenate([upper_line, (upper_line - np.array([0, 0.026]))[::-1]])
        canvas.glaze(seen(lid), (96, 70, 92), 0.45 * min(person.makeup, 1), blur=0.008)
    if person.old > 0.4:
        hood = np.stack(
            [(side * half * 0.1, -tall * 1.3), (side * half * 0.8, -tall * 0.9), (side * half * 1.3, tall * 0.2)]
        )
        canvas.glaze(seen(smooth(hood)), darker(person.skin, 0.62), 0.7 * (person.old - 0.25), blur=0.006, width=0.02)


def draw_brow(canvas: FaceCanvas, head: Head, person: Person, side: int) -> None:
    """One eyebrow."""
    colour, thickness, arch = person.brow
    eye, height = head.eye_x, -0.088 - 0.35 * (person.eye_height - 0.026) - 0.01 * person.child
    knots = [(-0.08, 0.003), (-0.02, -0.6 * arch), (0.045, -arch), (0.1, 0.014)]
    line = smooth(np.array(knots) + np.array([eye, height]))
    radius = thickness * 0.5 * np.interp(np.linspace(0, 1, len(line)), (0, 0.15, 0.5, 1), (0.7, 1.0, 0.9, 0.25))
    rise = np.stack([np.zeros_like(radius), radius], axis=1)
    outline = np.concatenate([line - rise, (line + rise)[::-1]])
    opacity = 0.85 - 0.5 * person.child - 0.15 * min(person.old, 1)
    canvas.glaze(head.draw_on(outline * (side, 1)), colour, opacity, blur=0.004)


def draw_mouth(canvas: FaceCanvas, head: Head, person: Person) -> None:
    """Lips, drawn up by a smile, and teeth where they part."""
    wide, y, full = head.mouth_x, head.mouth_y, person.lip_fullness
    corner = head.landmarks[4][1] - y  # Negative when the corners are raised.
    x = np.linspace(-1, 1, 17)
    bow = np.abs(x)
    # The line where the lips meet: through both corners, and deepest in the middle of a smile.
    meeting = corner * bow**1.6
    sag = 0.016 * max(person.smile, 0.0)
    opened = person.mouth_open * (1 - bow**2)
    upper = meeting + sag * (1 - bow**2) - 0.35 * opened
    lower = meeting + sag * (1 - bow**2) + 0.65 * opened
    thin = 1 - 0.3 * max(person.smile, 0.0)
    cupid = 0.75 + 0.35 * np.exp(-(((bow - 0.22) / 0.2) ** 2))
    top = upper - 0.024 * full * thin * (1 - bow**2.2) ** 0.9 * cupid + 0.006 * np.exp(-((x / 0.12) ** 2))
    bottom = lower + 0.034 * full * thin * (1 - bow**2.4)

    def seen(heights: np.ndarray, other: np.ndarray | None = None) -> np.ndarray:
        line = np.stack([wide * x, y + heights], axis=1)
        if other is not None:
            line = np.concatenate([line, np.stack([wide * x, y + other], axis=1)[::-1]])
        return head.project(head.on_surface(line, LIFT))

    canvas.fill(seen(top, upper), darker(person.lip, 0.86), shade=0, edge=1.0)
    canvas.fill(seen(lower, bottom), person.lip, shade=0, edge=1.0)
    gloss = seen(0.65 * lower + 0.35 * bottom, 0.4 * lower + 0.6 * bottom)
    canvas.glaze(gloss, (255, 236, 230), 0.18 + 0.1 * person.makeup, blur=0.008)
    if person.mouth_open > 0.004:
        canvas.fill(seen(upper, lower), (58, 20, 24), shade=0, edge=1.0)
        if person.child < 0.92:
            share = 0.92 if person.smile > 0.3 else 0.45
            teeth = upper + share * (lower - upper)
            ivory = mixed((246, 243, 236), (216, 196, 150), 0.6 * min(person.old, 1.0))
            canvas.fill(seen(upper, teeth)[1:-1], ivory, shade=0, edge=0.92)
    else:
        canvas.glaze(seen(upper), (70, 26, 28), 0.8, width=0.011)
    dark = darker(person.skin, 0.45)
    for side in (-1, 1):
        point = np.array([(side * wide, y + corner)])
        if head.facing(point)[0] > 0:
            spot = head.project(head.on_surface(point + 0.006 * _CIRCLE, LIFT))
            canvas.glaze(spot, dark, 0.4 + 0.2 * max(person.smile, 0.0), blur=0.004)
