"""Drawn data sets of faces, in the layouts of UTKFace and MTFL."""

from __future__ import annotations

import pathlib

from mtlzoo.datasets.drawing.directories import Drawing, check_numbers
from mtlzoo.datasets.faces.layouts import mtfl_file, utkface_file
from mtlzoo.system.progress import Progress

__all__ = ["make_faces"]

# What each layout writes, and replaces when it overwrites.
LAYOUTS = {
    "utkface": ("UTKFace",),
    "mtfl": ("training.txt", "testing.txt", "lfw_5590", "net_7876", "AFLW"),
}


def make_faces(
    directory: str | pathlib.Path,
    images: int = 2000,
    seed: int = 0,
    tests: int | None = None,
    layout: str = "utkface",
    overwrite: bool = False,
    progress: bool = False,
) -> pathlib.Path:
    r"""Draws a data set of faces in the layout of UTKFace or of MTFL.

    Age, gender, ethnicity, smile, glasses, pose and five points are really to be seen on the faces. Nearly all else is
    left to chance, so that one label says next to nothing about another.

    `layout="utkface"` writes `UTKFace/`, colour JPEG files of 200 x 200 pixels named `age_gender_race_date.jpg.chip.jpg`:

    - age 0 to 116; gender 0 male, 1 female; race 0 white, 1 black, 2 asian, 3 indian, 4 other; the date has 17 digits;
    - as in the real set, some names (from 60 images on, and then one in ten thousand of each kind) have no race, a
      blank before the extension, or no dot there;
    - one image in 60 is a byte-identical copy of another, under a name that often says another age.

    `layout="mtfl"` writes `training.txt` and `testing.txt` and the images they list, with lines
    `path x1 x2 x3 x4 x5 y1 y2 y3 y4 y5 gender smile glasses pose`:

    - the points are left eye, right eye, tip of the nose, left and right corner of the mouth as the viewer sees them, in
      pixels; (0, 0) is the centre of the upper left pixel;
    - gender 1 male, 2 female; smile and glasses 1 yes, 2 no; pose 1 left profile to 5 right profile, where the face looks
      as the viewer sees it;
    - lines end with CR LF, all but the first begin with a blank, the last is one blank; training paths have backslashes
      (`lfw_5590\Ada_Costa_0001.jpg`, `net_7876\2_0_0.jpg`), test paths slashes (`AFLW/0001-image20056.jpg`);
    - training images show whole heads, those of `lfw_5590/` 250 x 250 pixels, those of `net_7876/` of many sizes, a
      quarter of all not square; test images are cut close around the face; a few files of both are gray.

    The same arguments give the same bytes. Each image depends on `seed` and its own number only, so a larger set
    begins with the smaller one.

    Args:
        directory: where to write; made if it does not exist.
        images: number of images, of training images for `"mtfl"`.
        seed: a number from 0.
        tests: number of test images; a quarter of `images` by default. UTKFace has none.
        layout: `"utkface"` or `"mtfl"`.
        overwrite: write into a directory that is not empty, in place of what was drawn there before.
        progress: show a line that counts the images on standard error.

    Returns:
        `directory` as a path.

    Raises:
        ValueError: if `layout` is invalid, `images` is below 1, `tests` or `seed` below 0, or `tests` asks for test
            images that the layout does not have.
        OutputError: if `directory` is a file, is not empty and `overwrite` is false, or holds such a data set that was not
            drawn.

    Example:

    ```python
    from mtlzoo.datasets import make_faces

    make_faces("demo-faces/", images=40, layout="mtfl")
    ```

    Sources of the layouts: Zhang, Song and Qi, "Age Progression/Regression by Conditional Adversarial Autoencoder", 2017
    (UTKFace); Zhang, Luo, Loy and Tang, "Facial Landmark Detection by Deep Multi-task Learning", 2014 (MTFL).
    """
    if layout not in LAYOUTS:
        raise ValueError(f"Expected `layout` to be one of {list(LAYOUTS)}, received: {layout!r}")
    if layout == "utkface" and tests:
        raise ValueError(f"Expected `tests` to be None or 0, since UTKFace has no test images, received: {tests}")
    if tests is None:
        tests = 0 if layout == "utkface" else images // 4
    check_numbers(images, tests, seed)
    drawing = Drawing(directory, LAYOUTS[layout], overwrite)
    plan = [("train", index) for index in range(images)] + [("test", index) for index in range(tests)]
    lines: dict[str, list[str]] = {"train": [], "test": []}
    shown = Progress()
    for done, (split, index) in enumerate(plan, start=1):
        if layout == "utkface":
            chip = utkface_file(index, seed)
            drawing.write(f"UTKFace/{chip.name}", chip.data)
        else:
            file = mtfl_file(split, index, seed)
            drawing.write(file.path.replace("\\", "/"), file.data)
            lines[split].append(f"{file.path} {file.numbers}\r\n")
        if progress:
            shown.show(f"Drew {done} of {len(plan)} images", done, len(plan))
    if layout == "mtfl":
        # The tables come last: a directory without them is known to be incomplete.
        for name, split in (("testing.txt", "test"), ("training.txt", "train")):
            text = "".join(line + " " for line in lines[split])
            drawing.write(name, text.encode())
    return drawing.directory
