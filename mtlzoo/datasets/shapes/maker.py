"""Drawn data sets of scenes with triangles and rectangles."""

from __future__ import annotations

import pathlib

import cv2

from mtlzoo.datasets.drawing.directories import Drawing, check_numbers
from mtlzoo.datasets.shapes.drawing import CANVAS, Scene, check_scene, draw_numbered_scene
from mtlzoo.datasets.shapes.reader import COLUMNS, FILES
from mtlzoo.system.progress import Progress

__all__ = ["make_shapes"]

FOLDER = "images"


def make_shapes(
    directory: str | pathlib.Path,
    images: int = 2000,
    seed: int = 0,
    tests: int | None = None,
    objects: int = 1,
    overwrite: bool = False,
    progress: bool = False,
    occlusion: float = 0.25,
) -> pathlib.Path:
    """Draws a data set of scenes as :func:`draw_scene` makes them.

    Writes `images/` with PNG files, which keep every pixel as it was drawn, and the tables `train.csv` and `test.csv` with
    the columns `image,shape,x_min,y_min,x_max,y_max`: the path, `triangle` or `rectangle`, and its box in pixels from edge
    to edge (0, 0, 224, 224 is the whole image). An image with several targets has a row for each.

    The same arguments give the same bytes. Each image depends on `seed` and its own number only, so a larger set
    begins with the smaller one.

    Args:
        directory: where to write; made if it does not exist.
        images: number of training images.
        seed: a number from 0.
        tests: number of test images; a quarter of `images` by default.
        objects: the largest number of targets in an image, 1 to 5; each number up to it is equally frequent.
        overwrite: write into a directory that is not empty, in place of what was drawn there before.
        progress: show a line that counts the images on standard error.
        occlusion: the probability of a circle or a line to lie over the targets; 0 for the book's scenes.

    Returns:
        `directory` as a path.

    Raises:
        ValueError: if `images` is below 1, `tests` or `seed` below 0, `objects` not 1 to 5 or `occlusion` not 0 to 1.
        OutputError: if `directory` is a file, is not empty and `overwrite` is false, or holds such a data set that was not
            drawn.

    Example:

    ```python
    from mtlzoo.datasets import make_shapes

    make_shapes("demo-shapes/", images=400)
    ```
    """
    tests = images // 4 if tests is None else tests
    check_numbers(images, tests, seed)
    check_scene(objects, (CANVAS, CANVAS), occlusion)
    drawing = Drawing(directory, [FOLDER, *FILES.values()], overwrite)
    plan = [("train", index) for index in range(images)] + [("test", index) for index in range(tests)]
    lines = {part: [",".join(COLUMNS)] for part in FILES}
    shown = Progress()
    for done, (part, index) in enumerate(plan, start=1):
        scene = draw_numbered_scene(part, seed, 0, index, objects, occlusion=occlusion)
        path = f"{FOLDER}/{part}_{index:06}.png"
        _, encoded = cv2.imencode(".png", scene.image[..., ::-1])
        drawing.write(path, encoded.tobytes())
        lines[part] += _rows(path, scene)
        if progress:
            shown.show(f"Drew {done} of {len(plan)} images", done, len(plan))
    # The tables come last: a directory without them is known to be incomplete.
    for part, name in reversed(FILES.items()):
        drawing.write(name, ("\n".join(lines[part]) + "\n").encode())
    return drawing.directory


def _rows(path: str, scene: Scene) -> list[str]:
    return [
        ",".join([path, name, *(f"{number:.3f}" for number in box)])
        for name, box in zip(scene.classes, scene.boxes.tolist())
    ]
