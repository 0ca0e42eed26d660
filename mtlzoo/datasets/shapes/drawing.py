"""Scenes with triangles and rectangles, as the TensorFlow.js book trains its object detector on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import NamedTuple

import numpy as np

from mtlzoo.datasets.shapes.painting import Color, paint_disc, paint_line, paint_polygon
from mtlzoo.datasets.shapes.reader import SHAPES

__all__ = ["CANVAS", "STREAMS", "Scene", "check_scene", "draw_numbered_scene", "draw_scene"]

Box = tuple[float, float, float, float]

# The book's scene: lengths in pixels of its canvas.
CANVAS = 224
CIRCLES, LINES = 10, 10
CIRCLE_RADII = (5, 20)
RECTANGLE_SIDES = (40, 100)
TRIANGLE_SIDES = (50, 100)

MOST_OBJECTS = 5
SMALLEST_SIZE = 32
# How much of one target's box another's may overlap, so that none hides the other.
MOST_OVERLAP = 0.2
# Where numbered scenes draw their chance from: whatever their seed, none of one stream is one of another.
STREAMS = ("train", "test", "fresh", "fixed")
# So many places are tried for a target before all targets are placed anew.
TRIES = 50


@dataclass(frozen=True, eq=False)
class Scene:
    """A drawn scene and the truth about it.

    Attributes:
        image: uint8 RGB of shape (height, width, 3).
        classes: the class of each target, `"triangle"` or `"rectangle"`, in the order in which they were painted.
        boxes: float64 of shape (targets, 4): x_min, y_min, x_max, y_max of each target in pixels, in Keras' format "xyxy",
            from edge to edge: a box around the whole image is 0, 0, width, height.
    """

    image: np.ndarray
    classes: list[str]
    boxes: np.ndarray


class Target(NamedTuple):
    """What is to be found: its class, its corners (x, y) clockwise, and its box."""

    name: str
    corners: list[tuple[float, float]]
    box: Box


def draw_scene(
    rng: np.random.Generator,
    objects: int = 1,
    size: int | tuple[int, int] = CANVAS,
    distractors: bool = True,
    occlusion: float = 0.25,
) -> Scene:
    """Draws a white scene with triangles or rectangles to be found, among circles and lines that are to be ignored.

    A target is, with equal chances, an equilateral triangle with a side of 50 to 100 pixels, turned by any angle, or an
    upright rectangle with sides of 40 to 100 pixels each. The ten circles have radii of 5 to 20 pixels; the ten line
    segments run from anywhere to anywhere. All colours are random. These are the book's numbers for its canvas of 224
    pixels; other sizes scale them. Where it differs from the book's code:

    - There all distractors lie under the target; here each lies over it with the probability `occlusion`.
    - There a target may reach over the edge of the canvas, by up to 30 pixels, and so may its box. Here all of it is inside.

    Args:
        rng: where all chance comes from. The targets are the same with distractors and without.
        objects: how many targets, 1 to 5. They may touch, but of two targets' boxes the smaller one is overlapped by less
            than a fifth.
        size: the side of the image in pixels, or its height and width, each at least 32.
        distractors: whether there are circles and lines.
        occlusion: the probability of a distractor to be painted over the targets, 0 to 1; with 0 it is the book's scene.

    Returns:
        The scene. Its boxes are exact: of what is painted of the targets, whether or not a distractor lies over it.

    Raises:
        ValueError: if an argument is out of its range.

    Example:

    ```python
    import numpy as np
    from mtlzoo.datasets import draw_scene

    scene = draw_scene(np.random.default_rng(0))
    print(scene.classes[0], scene.boxes[0])
    ```

    Source: Cai, Bileschi, Nielsen and Chollet, "Deep Learning with JavaScript", 2020, section 5.2, and the example
    `simple-object-detection` of TensorFlow.js.
    """
    sides = (int(size), int(size)) if isinstance(size, int | np.integer) else size
    check_scene(objects, sides, occlusion)
    height, width = sides
    image = np.full((height, width, 3), 255, np.uint8)
    scale = min(height, width) / CANVAS
    targets = _place(rng, objects, (height, width), scale)
    chances = rng.random((CIRCLES + LINES, 5))
    colors = rng.integers(256, size=(objects + CIRCLES + LINES, 3)).tolist()
    over = chances[:, 4] < occlusion
    if distractors:
        _paint_distractors(image, chances, colors[objects:], ~over, scale)
    for target, color in zip(targets, colors):
        paint_polygon(image, np.array(target.corners), color)
    if distractors:
        _paint_distractors(image, chances, colors[objects:], over, scale)
    return Scene(image, [target.name for target in targets], np.array([target.box for target in targets]))


def draw_numbered_scene(
    stream: str,
    seed: int,
    epoch: int,
    index: int,
    objects: int = 1,
    size: int | tuple[int, int] = CANVAS,
    occlusion: float = 0.25,
) -> Scene:
    """Draws the scene of that number in that epoch of a stream, always the same, with 1 to `objects` targets."""
    rng = np.random.default_rng([seed, STREAMS.index(stream), epoch, index])
    number = int(rng.integers(1, objects + 1)) if objects > 1 else 1
    return draw_scene(rng, number, size, occlusion=occlusion)


def check_scene(objects: int, size: tuple[int, int], occlusion: float) -> None:
    """Refuses invalid settings of a scene.

    Raises:
        ValueError: if `objects` is not 1 to 5, a side of `size` below 32 pixels, or `occlusion` not 0 to 1.
    """
    if not (isinstance(objects, Integral) and 1 <= objects <= MOST_OBJECTS):
        raise ValueError(f"Expected `objects` to be a whole number from 1 to {MOST_OBJECTS}, received: {objects!r}")
    sides = size if isinstance(size, Sequence) else ()
    if len(sides) != 2 or not all(isinstance(side, Integral) and side >= SMALLEST_SIZE for side in sides):
        raise ValueError(f"Expected a size of at least {SMALLEST_SIZE} x {SMALLEST_SIZE} pixels, received: {size!r}")
    if not 0 <= occlusion <= 1:
        raise ValueError(f"Expected `occlusion` to be a probability from 0 to 1, received: {occlusion!r}")


def _place(rng: np.random.Generator, objects: int, size: tuple[int, int], scale: float) -> list[Target]:
    names = [SHAPES[number] for number in rng.integers(len(SHAPES), size=objects)]
    while True:
        placed: list[Target] = []
        for name in names:
            for _ in range(TRIES):
                target = _target(rng, name, size, scale)
                if all(_overlap(target.box, other.box) < MOST_OVERLAP for other in placed):
                    placed.append(target)
                    break
            else:
                break
        else:
            return placed


def _target(rng: np.random.Generator, name: str, size: tuple[int, int], scale: float) -> Target:
    """A target anywhere in the image, but wholly inside."""
    first, second, across, down = rng.random(4).tolist()
    if name == "rectangle":
        shortest, longest = RECTANGLE_SIDES
        width, height = (scale * (shortest + chance * (longest - shortest)) for chance in (first, second))
        xs, ys = [0.0, width, width, 0.0], [0.0, 0.0, height, height]
    else:
        shortest, longest = TRIANGLE_SIDES
        radius = scale * (shortest + first * (longest - shortest)) / math.sqrt(3)
        # A third of a turn brings an equilateral triangle back to itself.
        angles = [(second + corner) * 2 * math.pi / 3 for corner in range(3)]
        xs, ys = [radius * math.cos(angle) for angle in angles], [radius * math.sin(angle) for angle in angles]
    x = across * (size[1] - max(xs) + min(xs)) - min(xs)
    y = down * (size[0] - max(ys) + min(ys)) - min(ys)
    corners = [(x + corner_x, y + corner_y) for corner_x, corner_y in zip(xs, ys)]
    return Target(name, corners, (x + min(xs), y + min(ys), x + max(xs), y + max(ys)))


def _overlap(one: Box, other: Box) -> float:
    """The area that two boxes have in common, as a fraction of the smaller box."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return max(width, 0) * max(height, 0) / smaller


def _paint_distractors(
    image: np.ndarray, chances: np.ndarray, colors: list[Color], chosen: np.ndarray, scale: float
) -> None:
    """Paints the chosen ones, the circles before the lines."""
    height, width = image.shape[:2]
    places = (chances[:, :4] * (width, height, width, height)).tolist()
    smallest, largest = CIRCLE_RADII
    for number in np.flatnonzero(chosen).tolist():
        x, y, *end = places[number]
        if number < CIRCLES:
            radius = scale * (smallest + chances[number, 2] * (largest - smallest))
            paint_disc(image, x, y, radius, colors[number])
        else:
            paint_line(image, (x, y), end, colors[number])
