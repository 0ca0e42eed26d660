"""`model.json`: what the page has to know of the model."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import keras

from mtlzoo import __version__
from mtlzoo.heads import Head
from mtlzoo.heads.decisions import Decision
from mtlzoo.models import Calibration
from mtlzoo.models.known_images import UNUSUAL, KnownImages
from mtlzoo.saving.web import runtime as litert


class Look(NamedTuple):
    """Where a head looks, as an output of the page's model.

    Attributes:
        output: The name of that output.
        rows: The rows of positions.
        columns: The columns of positions.
    """

    output: str
    rows: int
    columns: int


class Further(NamedTuple):
    """What the page's model puts out beside what its heads do.

    Attributes:
        looks: Where heads look, by their names, for those that tell.
        unusual: What :func:`describe_images` gives, if the model knows images.
    """

    looks: Mapping[str, Look]
    unusual: Mapping[str, Any] | None = None


def describe_images(known: KnownImages, output: str) -> dict[str, Any]:
    """What the page tells unusual images by: the output that holds the distance, and distances of validation images."""
    distances = [float(f"{distance:.6g}") for distance in known.distances]
    return {"output": output, "threshold": UNUSUAL, "distances": distances}


def describe(
    model: keras.Model,
    file: Path,
    *,
    heads: Mapping[str, Head],
    resize: str,
    base: str,
    further: Further | None = None,
    calibration: Calibration | None = None,
) -> dict[str, Any]:
    """The content of `model.json`.

    Args:
        model: The plain model.
        file: Its LiteRT file.
        heads: The heads by name, in the order in which the page shows them.
        resize: How images come to the model's size.
        base: The address below which the runtime's files lie.
        further: What else the file puts out.
        calibration: What was fitted on validation rows.

    Raises:
        ValueError: If the file does not have an output for each head, by its name.
    """
    images, shapes = signature(file)
    looks, unusual = further or Further({})
    wanted = {*heads, *(look.output for look in looks.values()), *([unusual["output"]] if unusual else [])}
    calibration = calibration or Calibration()
    if set(shapes) != wanted:
        raise ValueError(f"Expected outputs {sorted(wanted)} in the model's file, received: {sorted(shapes)}.")
    _, height, width, channels = model.input_shape
    return {
        "version": __version__,
        "input": {"name": images, "height": height, "width": width, "channels": channels, "resize": resize},
        "outputs": [
            {
                **{"name": name, "shape": shapes[name], **head.display()},
                **({"only_if": head.only_if} if head.only_if else {}),
                **({"look": looks[name]._asdict()} if name in looks else {}),
                **{
                    key: value
                    for key, value in calibration.decisions.get(name, Decision()).get_config().items()
                    if key != "thresholds"  # which `display` tells
                },
            }
            for name, head in calibration.decided(heads).items()
        ],
        **({"unusual": unusual} if unusual else {}),
        "runtime": {"name": litert.NAME, "base": base, "integrity": litert.INTEGRITY},
    }


def signature(file: Path) -> tuple[str, dict[str, list[int]]]:
    """The name of a LiteRT file's input, and its outputs' shapes by name."""
    import tensorflow as tf

    with warnings.catch_warnings():
        # Its successor is a package of its own, and this one stays until then: a few bytes are read, nothing is run.
        warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is deprecated", UserWarning)
        runner = tf.lite.Interpreter(str(file)).get_signature_runner()
    (images,) = runner.get_input_details()
    return images, {name: details["shape"].tolist() for name, details in runner.get_output_details().items()}
