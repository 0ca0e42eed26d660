"""Where drawn data sets are written: a directory that holds nothing else, or only what may be replaced."""

from __future__ import annotations

import pathlib
import shutil
from collections.abc import Sequence

__all__ = ["check_numbers", "prepare_directory"]


def check_numbers(images: int, tests: int, seed: int) -> None:
    """Refuses impossible numbers of pictures, and seeds that are none.

    Raises:
        ValueError: if `images` is below 1, or `tests` or `seed` below 0.
    """
    if images < 1:
        raise ValueError(f"Expected `images` to be at least 1, received: {images}")
    if tests < 0 or seed < 0:
        raise ValueError(f"Expected `tests` and `seed` to be at least 0, received: tests={tests}, seed={seed}")


def prepare_directory(directory: str | pathlib.Path, names: Sequence[str], overwrite: bool) -> pathlib.Path:
    """Makes a directory, or clears it of an earlier data set.

    Args:
        names: the files and folders of the data set; only these are ever removed.
        overwrite: whether a directory with something in it may be written to.

    Returns:
        `directory` as a path; it exists, without any of `names` in it.

    Raises:
        FileExistsError: if `directory` is a file, or is not empty and `overwrite` is false.
    """
    directory = pathlib.Path(directory)
    if directory.exists() and not directory.is_dir():
        raise FileExistsError(f"Expected a directory to write into, received a file: {directory}")
    if directory.exists() and any(directory.iterdir()):
        if not overwrite:
            raise FileExistsError(
                f"Expected an empty or a new directory, but {directory} has something in it. Choose another one, or "
                f"pass overwrite=True to replace its {', '.join(names)}."
            )
        for name in names:
            if (directory / name).is_dir():
                shutil.rmtree(directory / name)
            else:
                (directory / name).unlink(missing_ok=True)
    directory.mkdir(parents=True, exist_ok=True)
    return directory
