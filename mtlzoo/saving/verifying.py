"""What was written is run, and compared with the model that it was written from."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mtlzoo.data import LabelTable
from mtlzoo.datasets.cells.reader import blood_cells
from mtlzoo.errors import ExportError
from mtlzoo.evaluation.inputs import read_images
from mtlzoo.evaluation.running import load_inputs
from mtlzoo.images.loading import load_batch
from mtlzoo.models import MultiTaskModel
from mtlzoo.saving.formats import ExportFormat

# Rows of the images that come along, of different kinds of cells, and how many of given images are looked at.
ROWS, MOST, MOST_RANGES = (0, 1000), 16, 200
USUAL = 224  # pixels, where a model takes any


@dataclass(frozen=True)
class Tolerance:
    """How far the outputs of a file may lie from those of Keras.

    Attributes:
        limit: The most. Numbers above 1 are taken relative to the largest of the head.
        mean: Whether that is meant of the mean over images and outputs; else of the largest deviation. Eight bits move a
            probability near one half by much, and most others by little.
    """

    limit: float
    mean: bool = False

    def __str__(self) -> str:
        return f"{self.limit:g}{' on average' if self.mean else ''}"


TOLERANCES = {
    "float32": Tolerance(1e-4),
    "float16": Tolerance(0.05),
    "dynamic": Tolerance(0.05, mean=True),
    "int8": Tolerance(0.1, mean=True),
}
"""By precision; a model that computes in half precision itself has at least that of `"float16"`."""


def verify(
    model: MultiTaskModel, path: Path, format: str, known: ExportFormat, precision: str, images: np.ndarray | None
) -> None:
    """Run a written file in its own engine, and refuse it if an output is missing or lies too far from that of Keras.

    Args:
        model: The model.
        path: The file or folder.
        format: The format's name, for messages.
        known: The format.
        precision: What the file computes with.
        images: uint8 of the model's size; by default two of the photographs that come along.

    Raises:
        ExportError: If it cannot be run, has not an output for each head, or puts out something else.
    """
    if known.open is None:
        return
    if images is None:
        images = _photographs(model)
    images = images[:MOST].astype("float32")
    try:
        run = known.open(path)
    except ImportError as error:
        warnings.warn(f"Not compared with Keras: {error}.", stacklevel=3)
        return
    except Exception as error:  # each engine raises what it likes
        raise ExportError(f"Nothing was written: what {format!r} wrote cannot be opened: {_one_line(error)}") from None
    try:
        outputs = run(images)
    except Exception as error:
        raise ExportError(f"Nothing was written: what {format!r} wrote does not run: {_one_line(error)}") from None
    tolerance = TOLERANCES[precision]
    if tolerance.limit < TOLERANCES["float16"].limit and any(
        getattr(layer, "compute_dtype", "float32") in ("float16", "bfloat16") for layer in model.backbone.layers
    ):
        tolerance = TOLERANCES["float16"]
    compare(model(images, training=False), outputs, tolerance, f"{format!r} ({precision})")


def compare(expected: Mapping[str, Any], outputs: Mapping[str, Any], tolerance: Tolerance, format: str) -> None:
    """Refuse outputs that are not those of Keras.

    Args:
        expected: What Keras puts out, by head.
        outputs: What the file puts out; it may have more.
        tolerance: How far they may lie apart.
        format: What wrote the file, for the message.

    Raises:
        ExportError: If one is missing, has another shape, or lies too far off; the message names the worst head.
    """
    off = {}
    for name, output in expected.items():
        if name not in outputs:
            raise ExportError(
                f"Nothing was written: the file that {format} wrote has no output {name!r}, only {', '.join(outputs)}."
            )
        one, other = (keras.ops.convert_to_numpy(each) for each in (output, outputs[name]))
        off[name] = deviation(one, other, tolerance.mean)
    worst = max(off, key=lambda name: np.inf if np.isnan(off[name]) else off[name])
    if not off[worst] <= tolerance.limit:
        hint = " Give it more and better `images=`, or keep_float=True." if "int8" in format else ""
        raise ExportError(
            f"Nothing was written: head {worst!r} of the file that {format} wrote deviates from Keras by {off[worst]:.3g}"
            f"{' on average' if tolerance.mean else ''}, more than {tolerance.limit:g}.{hint} verify=False (--no-verify) "
            "writes it all the same."
        )


def deviation(expected: np.ndarray, output: np.ndarray, mean: bool = False) -> float:
    """How far outputs lie apart, the most or on average: as they are up to 1, relative to the largest beyond.

    Infinite where there is not a number for each number. What is no number in both is the same: a network whose training
    has failed is written as it is.
    """
    if expected.shape != output.shape:
        return float("inf")
    expected, output = expected.astype("float64"), output.astype("float64")
    same = (expected == output) | (np.isnan(expected) & np.isnan(output))
    apart = np.abs(np.where(same, 0.0, expected) - np.where(same, 0.0, output))
    apart /= max(1.0, float(np.abs(expected[np.isfinite(expected)]).max(initial=0.0)))
    return float(apart.mean() if mean else apart.max(initial=0.0))


def load_given(model: MultiTaskModel, images: Any) -> np.ndarray:
    """Images that a user gave, in any form that `mtl.predict` takes, as the model sees them; of many some, evenly spread."""
    given = read_images(images, model.input_shape[1:])
    if isinstance(given, LabelTable) and len(given) > MOST_RANGES:
        images = given.take(np.linspace(0, len(given) - 1, MOST_RANGES).astype(int))
    return load_inputs(model, images)


def _photographs(model: MultiTaskModel) -> np.ndarray:
    """Two of the photographs that come along, whatever size and channels the model takes."""
    height, width, channels = model.input_shape[1:]
    images, _ = load_batch(_bundled().paths(), (height or USUAL, width or USUAL), resize=model.resize)
    return images[..., np.arange(channels) % images.shape[-1]]


@cache
def _bundled() -> LabelTable:
    return blood_cells().take(np.array(ROWS))


def _one_line(error: Exception) -> str:
    return f"{' '.join(str(error).split())[:300]} ({type(error).__name__})"
