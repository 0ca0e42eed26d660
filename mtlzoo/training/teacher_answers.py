"""What a teacher predicts of all rows of a table, before they are varied."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from mtlzoo.data import LabelTable
from mtlzoo.data.pipeline import PipelineSettings, build_pipeline
from mtlzoo.errors import InputError
from mtlzoo.heads import Head
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.models import MultiTaskModel
from mtlzoo.system.pipeline_errors import plain_errors
from mtlzoo.training.features import get_features


@dataclass(frozen=True)
class Answers:
    """Outputs by the name of the head, in input space, rows on the first axis; and where input space lies in each image."""

    outputs: Mapping[str, np.ndarray]
    geometry: ImageGeometry


def predict_rows(model: MultiTaskModel, table: LabelTable, settings: PipelineSettings) -> Answers:
    """Predict now, by Keras' `predict`.

    Args:
        model: The teacher.
        table: The rows.
        settings: How rows become batches in the training; the teacher sees them in its own size and in their order.
    """
    geometry = ImageGeometry.empty(len(table), _size(model))
    dataset = build_pipeline(table, _plain(model, settings), geometry)
    with plain_errors():
        return Answers(model.predict(dataset, verbose=0), geometry)


def cached_answers(
    model: MultiTaskModel,
    table: LabelTable,
    settings: PipelineSettings,
    folder: str | os.PathLike[str] | None,
    show: bool,
) -> Answers:
    """Predict once, or find what was predicted before in a folder: a teacher's answers are kept as features are.

    Args:
        model: The teacher.
        table: The rows.
        settings: As for :func:`predict_rows`.
        folder: Where features are kept; `None` for memory.
        show: Whether to show progress.
    """
    if keras.backend.backend() != "tensorflow":
        return predict_rows(model, table, settings)
    flat = [layers.Flatten(dtype="float32")(output) for output in model.output.values()]
    joined = layers.Concatenate(dtype="float32")(flat) if len(flat) > 1 else flat[0]
    network = keras.Model(model.input, joined, name=f"{model.name}_answers")
    with plain_errors():
        found = get_features(network, table, _plain(model, settings), 1, folder, "Predictions" if show else "")
    ends = np.cumsum([output.shape[1] for output in flat])[:-1]
    parts = zip(model.output.items(), np.split(np.asarray(found.values[0]), ends, axis=1))
    return Answers(
        {name: values.reshape(-1, *output.shape[1:]) for (name, output), values in parts}, found.placements[0]
    )


def mean_answers(answers: Sequence[tuple[Mapping[str, Head], Answers]], name: str, head: Head) -> Answers | None:
    """What several teachers say of one head: the mean of those that have it, or `None` if none has.

    Args:
        answers: The heads of each teacher, and its answers.
        name: The name of the head.
        head: The pupil's head.

    Raises:
        InputError: If a teacher's head of this name is of another kind or has other classes.
    """
    having = [(heads[name], each) for heads, each in answers if name in heads]
    if not having:
        return None
    outputs = [in_order(name, head, theirs, each.outputs[name]) for theirs, each in having]
    return Answers({name: np.mean(outputs, axis=0)}, having[0][1].geometry)


def in_order(name: str, head: Head, theirs: Head, outputs: np.ndarray) -> np.ndarray:
    """A teacher's outputs in the order of the pupil's classes.

    Raises:
        InputError: If the two heads do not ask the same.
    """
    names, others = (list(getattr(each, "names", ())) for each in (head, theirs))
    if type(head) is not type(theirs) or sorted(names) != sorted(others) or (not names and not _alike(head, theirs)):
        raise InputError(f"Expected a teacher whose head {name!r} is {head!r}, received: {theirs!r}.")
    if names == others:
        return outputs
    if outputs.shape[-1] != len(names):  # one unit decides between two labels
        return 1 - outputs
    if head.ordered:
        raise InputError(f"Expected a teacher whose head {name!r} has the levels {names}, received: {others}.")
    return outputs[:, [others.index(each) for each in names]]


def _alike(head: Head, theirs: Head) -> bool:
    return head.encoding_key() == theirs.encoding_key()


def _size(model: MultiTaskModel) -> tuple[int, int]:
    height, width = model.input_shape[1:3]
    return height, width


def _plain(model: MultiTaskModel, settings: PipelineSettings) -> PipelineSettings:
    return PipelineSettings(
        _size(model),
        max(settings.batch_size, 64),
        seed=settings.seed,
        resize=model.resize,
        labels=False,
        channels=model.input_shape[3],
        cache=settings.cache,
        workers=settings.workers,
    )
