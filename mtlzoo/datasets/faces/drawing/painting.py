"""Draws one face, layer by layer, and says where its five points are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from mtlzoo.datasets.drawing.canvas import Camera
from mtlzoo.datasets.drawing.scene import SUPERSAMPLING, develop
from mtlzoo.datasets.faces.drawing.canvas import FaceCanvas, face_background
from mtlzoo.datasets.faces.drawing.features import draw_brow, draw_eye, draw_mouth
from mtlzoo.datasets.faces.drawing.geometry import Head, aim
from mtlzoo.datasets.faces.drawing.glasses import Glasses
from mtlzoo.datasets.faces.drawing.hair import draw_beard, draw_hair, draw_hat, draw_locks
from mtlzoo.datasets.faces.drawing.parts import (
    draw_clothes,
    draw_ears,
    draw_nose,
    draw_relief,
    draw_skin,
    draw_wrinkles,
)
from mtlzoo.datasets.faces.drawing.person import AGES, ETHNICITIES, GENDERS, POSES, FaceLabels, Person

__all__ = ["FRAMINGS", "DrawnFace", "draw_face"]

FRAMINGS = ("aligned", "whole", "tight")
HAT_FRACTION = 0.05


class DrawnFace(NamedTuple):
    """An image of a face.

    Attributes:
        image: uint8, shape `(height, width, 3)`, RGB.
        points: float64, shape `(5, 2)`: `x` and `y` in pixels of left eye, right eye, tip of the nose, left and right
            corner of the mouth, left and right as the viewer sees them. `(0, 0)` is the centre of the upper left pixel.
        labels: what is to be seen.
    """

    image: np.ndarray
    points: np.ndarray
    labels: FaceLabels


def draw_face(
    rng: np.random.Generator,
    size: tuple[int, int] = (200, 200),
    framing: str = "aligned",
    age: int | None = None,
    gender: str | None = None,
    ethnicity: str | None = None,
    smile: bool | None = None,
    glasses: bool | None = None,
    pose: str | None = None,
) -> DrawnFace:
    """Draws a photograph of a face.

    What is not given is chosen by chance: smiles in half, glasses in a sixth of the images, 60 % frontal.

    Args:
        rng: all chance comes from here; the same state draws the same image.
        size: `(height, width)` in pixels.
        framing: `"aligned"`, the face upright and filling the image as in UTKFace; `"whole"`, the whole head somewhere
            around the middle, tilted by up to 20 degrees, as in MTFL's training images; `"tight"`, the same cut close
            around the face, as in its test images.
        age: years, 0 to 116.
        gender: one of `GENDERS`, `"male"` or `"female"`.
        ethnicity: one of UTKFace's groups, `"white"`, `"black"`, `"asian"`, `"indian"`, `"other"`.
        smile: whether the person smiles.
        glasses: whether the person wears glasses, clear or dark.
        pose: one of `"left profile"`, `"left"`, `"frontal"`, `"right"`, `"right profile"`, where the face looks as the
            viewer sees it.

    Returns:
        The image, its five points and its labels.

    Raises:
        ValueError: if a label, the framing or the size is none.

    Example:

    ```python
    import numpy as np
    from mtlzoo.datasets import draw_face

    image, points, labels = draw_face(np.random.default_rng(0), (200, 200), smile=True, pose="left")
    ```
    """
    _check(size, framing, age, gender, ethnicity, pose)
    given = {"smile": smile, "glasses": glasses, "gender": gender, "ethnicity": ethnicity, "pose": pose}
    labels = FaceLabels.random(rng, age=age, **given)
    person = Person.random(labels, rng)
    head = Head(person.child, person.jaw, person.width, person.yaw, person.pitch, person.nose[:2], person.smile,
                rng.uniform(0.93, 1.08))  # fmt: skip
    camera = _frame(head, size, framing, rng)
    canvas = FaceCanvas(face_background(camera, rng), camera, rng)
    _draw(canvas, head, person, rng)
    points = (camera(head.project(head.landmarks)) + 0.5) / SUPERSAMPLING - 0.5
    return DrawnFace(develop(canvas, rng), points, labels)


def _check(
    size: tuple[int, int], framing: str, age: int | None, gender: str | None, ethnicity: str | None, pose: str | None
) -> None:
    if len(size) != 2 or min(size) < 32:
        raise ValueError(f"Expected `size` to be (height, width), at least 32 pixels each, received: {size}")
    if age is not None and age not in AGES:
        raise ValueError(f"Expected `age` to be a whole number from 0 to {AGES[-1]}, received: {age}")
    known = {"framing": (framing, FRAMINGS), "gender": (gender, GENDERS), "ethnicity": (ethnicity, ETHNICITIES),
             "pose": (pose, POSES)}  # fmt: skip
    for name, (value, values) in known.items():
        if value is not None and value not in values:
            raise ValueError(f"Expected `{name}` to be one of {list(values)}, received: {value!r}")


def _frame(head: Head, size: tuple[int, int], framing: str, rng: np.random.Generator) -> Camera:
    """The camera for a framing; the centre of the five points decides where the face lies."""
    height, width = size
    seen = head.project(head.landmarks)
    centre, short = seen.mean(axis=0), min(size)
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    if framing == "aligned":
        # A face detector scales by all the points together, so that profiles come out larger.
        spread = np.sqrt(((seen - centre) ** 2).sum(axis=1).mean())
        unit = 0.168 * short / spread * rng.uniform(0.96, 1.04)
        target = middle + short * rng.normal((0.0, 0.05), 0.01)
        roll = rng.normal(0, 2.0)
    elif framing == "whole":
        unit = 0.873 * short * float(np.clip(rng.normal(1, 0.14), 0.65, 1.3))
        target = middle + (width, height) * np.clip(rng.normal(0, 0.05, 2), -0.12, 0.12)
        roll = float(np.clip(rng.normal(0, 8), -20, 20))
    else:
        unit = 1.19 * short * float(np.clip(rng.normal(1, 0.06), 0.85, 1.15))
        target = middle + short * np.clip(rng.normal((-0.004, -0.006), 0.045), -0.12, 0.12)
        roll = float(np.clip(rng.normal(0, 8), -20, 20))
    return aim(size, centre, tuple(target), unit, np.deg2rad(roll), SUPERSAMPLING)


def _draw(canvas: FaceCanvas, head: Head, person: Person, rng: np.random.Generator) -> None:
    far = 1 if head.yaw > 0 else -1
    glasses = Glasses.random(rng) if person.labels.glasses else None
    gaze = tuple(np.clip(rng.normal(0, 0.35, 2), -1, 1))

    # === Behind the face ===
    draw_hair(canvas, head, person, rng)
    draw_clothes(canvas, head, person, rng)

    # === The face; the nose may hide the far eye ===
    draw_ears(canvas, head, person, in_front=False)
    draw_skin(canvas, head, person)
    draw_ears(canvas, head, person, in_front=True)
    draw_relief(canvas, head, person)
    draw_wrinkles(canvas, head, person, rng)
    draw_beard(canvas, head, person)
    draw_mouth(canvas, head, person)
    for side in (far, -far):
        draw_eye(canvas, head, person, side, gaze)
        draw_brow(canvas, head, person, side)
        if side == far:
            if glasses:
                glasses.draw_lens(canvas, head, far)
            draw_nose(canvas, head, person)

    # === In front of it ===
    draw_locks(canvas, head, person, rng)
    if glasses:
        glasses.draw_lens(canvas, head, -far)
        glasses.draw_bridge(canvas, head)
    if rng.random() < HAT_FRACTION:
        draw_hat(canvas, head, person, rng)
