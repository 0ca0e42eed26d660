"""Let a model know what the images of its training are like."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from mtlzoo.errors import InputError, TableError
from mtlzoo.evaluation.inputs import read_labelled
from mtlzoo.evaluation.measuring import FEATURES, StandIn
from mtlzoo.evaluation.predictions import Labelled
from mtlzoo.evaluation.running import run_network
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.known_images import KnownImages
from mtlzoo.models.multitask import check_model
from mtlzoo.models.splitting import shared_features

FEWEST = 10  # images of either kind

Rows: TypeAlias = Labelled | np.ndarray


def know_images(
    model: MultiTaskModel, train: Rows, valid: Rows, *, most: int = 2000, batch_size: int = 32, seed: int = 0
) -> KnownImages:
    """Let a trained model know what its images are like, so that it tells which others are unlike them.

    :func:`mtlzoo.predict` then has one column more, `unusual`: the fraction of the validation images that were less
    unusual, from 0 to 1. From 0.99 up an image is called unusual, as one in a hundred is that is like the validation images;
    1 is more unusual than all of these. The page of `mtl.export(model, path, format="web")` says it too. What is known goes
    into each file of the model, some 60 kilobytes, and is forgotten when the model is trained further.

    The features that all heads share lie near a few directions for the training images; how far others lie outside of these
    is compared with validation images, see :mod:`mtlzoo.models.known_images`. Labels are not looked at. A class that was
    never seen is noticed much less often than an image of other things.

    Args:
        model: The model; `model.calibration.images` is what it knows then.
        train: The images that it was trained on: rows as :func:`mtlzoo.evaluate` takes them, or an array of images.
        valid: Images of the same kind that it was not trained on, likewise. A hundred or more: with less, the most unusual
            hundredth is not known.
        most: How many images of each of both are looked at, at most, drawn at random.
        batch_size: Images at a time.
        seed: What they are drawn from.

    Returns:
        What the model knows.

    Raises:
        TypeError: If the model has no heads.
        InputError: If both are the same, or `most` is no whole number of at least 10.
        TableError: If there are fewer than 10 images of either kind, or one cannot be read.
        ValueError: If the network puts out what is no finite number.

    Example:

    ```python
    mtl.know_images(model, train, valid)
    frame = mtl.predict(model, valid)
    print(frame[frame["unusual"] >= 0.99])
    ```
    """
    check_model(model)
    if train is valid:
        raise InputError("Expected `valid` to be images that were not trained on, received the training images.")
    if not isinstance(most, int | np.integer) or isinstance(most, bool) or most < FEWEST:
        raise InputError(f"Expected `most` to be a whole number of at least {FEWEST}, received: {most!r}.")
    rng = np.random.default_rng(seed)
    drawn = [_draw(name, rows, most, rng) for name, rows in (("train", train), ("valid", valid))]
    network = StandIn(model, {FEATURES: shared_features(model)})
    features = [np.asarray(run_network(network, rows, batch_size).outputs[FEATURES], "float32") for rows in drawn]
    known = KnownImages.fit(*features)
    model.calibration = replace(model.calibration, images=known)
    return known


def _draw(name: str, rows: Rows, most: int, rng: np.random.Generator) -> Any:
    """Some of the rows, in their order.

    Raises:
        TableError: If there are too few.
    """
    rows = rows if isinstance(rows, np.ndarray) else read_labelled(rows)
    if len(rows) < FEWEST:
        raise TableError(f"Expected at least {FEWEST} images as `{name}`, received: {len(rows)}.")
    chosen = np.sort(rng.permutation(len(rows))[:most])
    return rows[chosen] if isinstance(rows, np.ndarray) else rows.take(chosen)
