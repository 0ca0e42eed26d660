"""Neck and clothes, the skin of the head, ears, nose, and what the years do to the skin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mtlzoo.datasets.drawing.canvas import smooth
from mtlzoo.datasets.drawing.fabric import choose_fabric, darker
from mtlzoo.datasets.faces.drawing.canvas import FaceCanvas
from mtlzoo.datasets.faces.drawing.geometry import Head
from mtlzoo.datasets.faces.drawing.person import Person, mixed

__all__ = ["draw_clothes", "draw_ears", "draw_nose", "draw_relief", "draw_skin", "draw_wrinkles", "skin_limits"]

Stroke = list[tuple[float, float]]


def draw_clothes(canvas: FaceCanvas, head: Head, person: Person, rng: np.random.Generator) -> None:
    """The neck, the shoulders and what is worn on them; the body follows the head half way."""
    grown = 1 - person.child
    turn = 0.45 * np.sin(head.yaw)
    male = person.labels.gender == "male"
    thick = 0.165 + 0.04 * grown * male - 0.02 * person.child
    base = head.chin + 0.17 - 0.06 * person.child
    heights = np.linspace(0.05, base + 0.16, 9)
    wide = thick * np.interp(heights, (0.05, base - 0.05, base + 0.16), (1.0, 1.0, 1.5))
    neck = head.ring(heights, wide, wide - 0.04, -wide - 0.1, 0.0 * wide - 0.06, -np.pi, np.pi)
    canvas.fill(neck, darker(person.skin, 0.87), shade=0.25, edge=0.95)
    under_chin = np.concatenate([neck[2:5], neck[-5:-2]]) + np.array([0.0, 0.03])
    canvas.glaze(under_chin, darker(person.skin, 0.5), 0.35, blur=0.05)
    fabric = choose_fabric(rng, canvas.camera.unit, [person.skin], patterned=0.3)
    span = (0.62 + 0.16 * grown * male - 0.1 * person.child) * (1 - 0.25 * abs(turn))
    slope = rng.uniform(0.1, 0.2)
    middle = 0.1 * turn
    kind = rng.random()
    depth = rng.uniform(0.02, 0.34) if kind < 0.6 else 0.04
    neckline = [(-1.25 * thick, base - 0.03), (-0.7 * thick, base + 0.6 * depth), (0.0, base + 0.05 + depth),
                (0.7 * thick, base + 0.6 * depth), (1.25 * thick, base - 0.03)]  # fmt: skip
    right = [(0.6 * span, base + 0.4 * slope), (span, base + slope + 0.05), (span + 0.12, base + 0.5),
             (span + 0.15, 3.0)]  # fmt: skip
    outline = np.array(neckline + right + [(-x, y) for x, y in right[::-1]]) + np.array([middle, 0.0])
    front = smooth(outline[:5])
    canvas.fill(np.concatenate([front, smooth(outline[5:8]), outline[8:10], smooth(outline[10:])]), fabric, shade=0.25)
    if kind < 0.35:
        canvas.stroke(front, darker(fabric.colour, 0.75), 0.025)
    elif kind > 0.6:
        collar = darker(fabric.colour, rng.uniform(0.8, 1.2)) if rng.random() < 0.6 else (238, 238, 234)
        for side in (-1, 1):
            flap = [(1.3 * thick, base - 0.1), (0.03, base + 0.09), (0.13, base + 0.24), (1.65 * thick, base + 0.04)]
            canvas.fill(np.array(flap) * (side, 1) + np.array([middle, 0]), collar, shade=0.2, edge=0.7)
        if male and kind > 0.85:
            tie = np.array([(-0.045, 0.08), (0.045, 0.08), (0.03, 0.17), (0.07, 2.4), (-0.07, 2.4), (-0.03, 0.17)])
            silk = choose_fabric(rng, canvas.camera.unit, [collar])
            canvas.fill(tie + np.array([middle, base]), silk, shade=0.2)


def skin_limits(person: Person, head: Head, heights: np.ndarray) -> np.ndarray:
    """Azimuth up to which the face is bare at `heights`; beyond it there is hair, or at pi, nothing else."""
    hair = person.hair
    whole = np.pi
    if hair.style == "none":
        return np.full(heights.shape, whole)
    side = hair.temples + 0.04 * np.sin(9 * heights + hair.hairline * 40)
    if hair.bald:
        return np.where(heights < hair.hairline + 0.2, whole, np.where(heights < 0.16, side, whole))
    opening = np.clip((heights - hair.hairline) / 0.24, 0, 1) ** 0.5
    if hair.hairline > -0.22:  # A fringe is cut straight.
        opening = np.clip((heights - hair.hairline) / 0.05, 0, 1) ** 0.45
    limit = opening * side
    if hair.style in ("short", "bun"):
        limit = np.where(heights > 0.13, whole, limit)
    elif hair.style == "bob":
        limit = np.where(heights > hair.end, whole, limit)
    return limit


def draw_skin(canvas: FaceCanvas, head: Head, person: Person) -> np.ndarray:
    """The bare part of the head; returns its outline."""
    top = head.crown if person.hair.bald or person.hair.style == "none" else max(person.hair.hairline, head.crown)
    heights = np.concatenate([np.linspace(top, top + 0.1, 9)[:-1], np.linspace(top + 0.1, head.chin, 34)])
    limits = skin_limits(person, head, heights)
    face = head.band(heights, -limits, limits)
    canvas.fill(face, person.skin, shade=0.1, edge=0.9)
    canvas.round_off(head.band(np.linspace(head.crown, head.chin, 20), -np.pi, np.pi))
    return face


def draw_relief(canvas: FaceCanvas, head: Head, person: Person) -> None:
    """Soft shadows in the sockets, under nose, lip and cheeks; blush."""
    cheek = 0.5 * (head.nose_y + head.mouth_y) - 0.03

    def pair(x: float, y: float, half_width: float, half_height: float) -> list[np.ndarray]:
        return [head.draw_on(_ellipse(side * x * person.width, y, half_width, half_height)) for side in (-1, 1)]

    canvas.dim(pair(0.14, -0.01, 0.085, 0.045), 0.1 + 0.07 * person.old, blur=0.025)
    canvas.glaze(pair(0.19, cheek, 0.06, 0.045), (226, 96, 92), 0.5 * person.blush + 0.06, blur=0.035)
    canvas.dim(pair(0.235, head.mouth_y + 0.01, 0.035, 0.07), 0.05 + 0.12 * person.old, blur=0.04)
    canvas.dim([head.draw_on(_ellipse(0, head.mouth_y + 0.075, 0.06, 0.012))], 0.13, blur=0.015)
    canvas.dim([head.draw_on(_ellipse(0, -0.2, 0.13, 0.05))], -0.05, blur=0.05)


def draw_ears(canvas: FaceCanvas, head: Head, person: Person, in_front: bool) -> None:
    """Ears, unless long hair lies over them: those behind the face's outline, or the one in front of the head."""
    if person.hair.style in ("bob", "long"):
        return
    for side in (-1, 1):
        if (side * head.yaw < -0.12) != in_front:
            continue
        along = np.array([0.45 * side, 0.0, -0.9])
        if head.project(along)[0] * side < 0.05:
            continue
        root = np.array([side * head.sections(0.02)[0] * 0.97, 0.0, 0.0])
        shape = [(0.0, -0.03), (0.04, -0.065), (0.1, -0.05), (0.115, 0.01), (0.08, 0.09), (0.03, 0.15), (0.0, 0.13)]
        size = (1 + 0.12 * person.child + 0.12 * person.old) * 0.95
        outline = smooth(np.array(shape) * size, closed=True)

        def seen(points: np.ndarray, root: np.ndarray = root, along: np.ndarray = along) -> np.ndarray:
            return head.project(root + points[:, :1] * along + points[:, 1:] * (0.0, 1.0, 0.0))

        canvas.fill(seen(outline), mixed(person.skin, (214, 110, 96), 0.1), shade=0.12, edge=0.7)
        canvas.glaze(seen(outline * 0.55 + (0.02, 0.008)), darker(person.skin, 0.55), 0.5, blur=0.008)


def draw_nose(canvas: FaceCanvas, head: Head, person: Person) -> None:
    """The nose, which hides what lies behind it when the head is turned."""
    _, _, wide = person.nose
    root_y, tip = 0.0 + 0.03 * person.child, head.nose_tip
    root = np.array([0.0, root_y - 0.02, head.front(root_y - 0.02) - 0.004])
    half = (0.058 + 0.004 * person.child) * wide
    base = head.nose_base
    reach = head.nose_reach
    bridge = np.array([0.0, 0.55 * tip[1], head.front(0.55 * tip[1]) + (0.62 if person.child < 0.5 else 0.4) * reach])
    below = np.array([0.0, base + 0.012, head.front(base) + 0.2 * reach])
    under_tip = np.array([0.0, tip[1] + 0.022, tip[2] - 0.004])
    wings = np.array([(side * half, base - 0.012, head.front(base) + 0.12 * reach) for side in (-1, 1)])
    turned = abs(np.sin(head.yaw))
    near = 0 if head.yaw > 0 else 1

    # === Body ===
    ridge = smooth(head.project(np.stack([root, bridge, tip, under_tip, below])))
    if turned > 0.25:
        inner = head.project(np.stack([below, wings[near], wings[near] + (0, -0.04, 0), 0.5 * (bridge + root)]))
        canvas.fill(np.concatenate([ridge, smooth(inner)]), person.skin, shade=0.0, edge=1.0)
        canvas.stroke(ridge[2:], darker(person.skin, 0.92 - 0.3 * turned), 0.014)
    dark = darker(person.skin, 0.5)
    shaded = smooth(head.project(np.stack([root, 0.5 * (root + bridge) + (0.028, 0, -0.03), wings[1] + (0, -0.03, 0)])))
    lit = smooth(head.project(np.stack([root, 0.5 * (root + bridge) + (-0.028, 0, -0.03), wings[0] + (0, -0.03, 0)])))
    canvas.glaze(shaded if near else lit, dark, 0.26, blur=0.016, width=0.02)
    if turned < 0.35:
        canvas.glaze(lit if near else shaded, dark, 0.14, blur=0.016, width=0.02)
    canvas.glaze(ridge[2 : len(ridge) * 2 // 4], darker(person.skin, 1.22), 0.4, blur=0.01, width=0.018)
    shine = head.project(tip + np.array([(0, 0.002, 0), (0, 0.014, 0)]))
    canvas.glaze(shine, darker(person.skin, 1.25), 0.35, blur=0.012, width=0.03)

    # === Wings and nostrils ===
    floor = smooth(head.project(np.stack([wings[0] + (0, 0.012, 0), below, wings[1] + (0, 0.012, 0)])))
    canvas.glaze(floor, dark, 0.4, blur=0.012, width=0.03)
    for index, side in enumerate((-1, 1)):
        if turned > 0.35 and index != near:
            continue
        wing = wings[index]
        arc = wing + np.array([(-0.004 * side, -0.035, 0.01), (0.008 * side, -0.012, 0), (-0.004 * side, 0.014, 0)])
        canvas.glaze(smooth(head.project(arc)), dark, 0.42, blur=0.003, width=0.012)
        hole = np.array([side * 0.5 * half, base + 0.004, below[2] + 0.02])
        nostril = _ellipse(0, 0, 0.02 * wide, 0.0085)
        rim = hole + np.stack([nostril[:, 0], nostril[:, 1], -0.3 * side * nostril[:, 0]], axis=1)
        canvas.glaze(head.project(rim), darker(person.skin, 0.22), 0.85)


def draw_wrinkles(canvas: FaceCanvas, head: Head, person: Person, rng: np.random.Generator) -> None:
    """Lines that come with the years, and those that a smile draws."""
    age, smile = min(person.wrinkles, 1.2), max(person.smile, 0.0)
    dark = darker(person.skin, 0.5)

    def lines(strokes: Sequence[Stroke], opacity: float, width: float = 0.012, blur: float = 0.004) -> None:
        if opacity > 0.02:
            laid = [head.draw_on(smooth(np.array(stroke))) for stroke in strokes]
            canvas.glaze(laid, dark, opacity, blur=blur, width=width)

    def both(half: Sequence[Stroke]) -> list[Stroke]:
        return [[(side * x, y) for x, y in stroke] for stroke in half for side in (-1, 1)]

    brow = []
    for row in range(3):
        y, x = -0.27 + 0.05 * row + rng.normal(0, 0.006), rng.uniform(0.12, 0.17)
        brow.append([(-x, y + 0.012), (-0.06, y), (0.0, y + 0.008), (0.06, y), (x, y + 0.012)])
    lines(brow, 0.42 * age - 0.06)
    lines(both([[(0.02, -0.1), (0.018, -0.06)]]), 0.35 * age - 0.14)
    y, eye = head.mouth_y, head.eye_x
    fold = [(0.068, head.nose_y - 0.02), (0.115 + 0.02 * smile, y - 0.045), (0.13 + 0.03 * smile, y + 0.03)]
    lines(both([fold]), 0.1 + 0.4 * smile * (1 - 0.6 * person.child) + 0.5 * age, 0.014, 0.006)
    lines(
        both([[(0.075, 0.045), (eye, 0.066 + 0.01 * age), (0.2, 0.04)]]), 0.1 * smile + 0.55 * age - 0.05, 0.014, 0.005
    )
    crow = [[(eye + 0.085, 0.003 + 0.01 * ray), (eye + 0.125, -0.012 + 0.028 * ray)] for ray in range(3)]
    lines(both(crow), 0.3 * age * (1 + smile) - 0.06, 0.009)
    lines(both([[(head.mouth_x + 0.012, y + 0.02), (head.mouth_x + 0.03, y + 0.1)]]), 0.6 * age - 0.3, blur=0.005)
    if age > 0.45:
        jowls = [head.draw_on(_ellipse(side * 0.19, y + 0.1, 0.035, 0.02)) for side in (-1, 1)]
        canvas.glaze(jowls, dark, 0.25 * age, blur=0.02)
    spots = [(rng.uniform(-0.26, 0.26), rng.uniform(-0.35, 0.25)) for _ in range(int(max(age - 0.55, 0) * 14))]
    laid = [head.draw_on(_ellipse(x, y, 0.012, 0.009)) for x, y in spots]
    canvas.glaze(laid, darker(person.skin, 0.66), 0.35, blur=0.005)


def _ellipse(x: float, y: float, half_width: float, half_height: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    return np.stack([x + half_width * np.cos(angle), y + half_height * np.sin(angle)], axis=1)
