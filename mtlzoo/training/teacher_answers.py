"""What a teacher predicts of all rows of a table, before they are varied."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import keras
import numpy as np
from keras import layers

from mtlzoo.data import LabelTable
from mtlzoo.data.pipeline import PipelineSettings, build_pipeline
from mtlzoo.errors import InputError
from mtlzoo.heads import Head
from mtlzoo.heads.spatial import SpatialHead
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.splitting import mean_over_positions
from mtlzoo.system.pipeline_errors import plain_errors
from mtlzoo.training.features import get_features


@dataclass(frozen=True)
class Answers:
    """What a teacher says of some rows.

    Attributes:
        outputs: By the name of the head, in input space, rows on the first axis.
        geometry: Where input space lies in each image.
        features: What all heads saw, `(rows, channels)`; `None` where there is no such tensor.
    """

    outputs: Mapping[str, np.ndarray]
    geometry: ImageGeometry
    features: np.ndarray | None = None


class Teacher:
    """A model that teaches.

    Args:
        model: The model, whose layers and weights are shared.
        features: Whether its features are wanted too, a thousand numbers a row.
    """

    def __init__(self, model: MultiTaskModel, features: bool = True):
        self.model, self.heads, self.features = model, model.heads, features

    @cached_property
    def network(self) -> keras.Model:
        """From images to all outputs and, if they are wanted, the pooled features, side by side in one array."""
        parts = [layers.Flatten(dtype="float32")(output) for output in self.model.output.values()]
        features = self.model.split().trunk.output
        if self.features and features is not self.model.input:
            parts.append(layers.Activation("linear", dtype="float32")(mean_over_positions(features)))
        joined = layers.Concatenate(dtype="float32")(parts) if len(parts) > 1 else parts[0]
        return keras.Model(self.model.input, joined, name=f"{self.model.name}_answers")

    def predict(self, table: LabelTable, settings: PipelineSettings) -> Answers:
        """Predict now.

        Args:
            table: The rows.
            settings: How rows become batches in the training; the teacher sees them in its own size and in their order.
        """
        geometry = ImageGeometry.empty(len(table), self._size)
        dataset = build_pipeline(table, self._settings(settings), geometry)
        with plain_errors():
            return self._divide(self.network.predict(dataset, verbose=0), geometry)

    def predict_once(
        self, table: LabelTable, settings: PipelineSettings, folder: str | os.PathLike[str] | None, show: bool
    ) -> Answers:
        """Predict, or find what was predicted before in a folder: a teacher's answers are kept as features are.

        Args:
            table: The rows.
            settings: As for :meth:`predict`.
            folder: Where features are kept; `None` for memory.
            show: Whether to show progress.
        """
        if keras.backend.backend() != "tensorflow":
            return self.predict(table, settings)
        with plain_errors():
            found = get_features(
                self.network, table, self._settings(settings), 1, folder, "Predictions" if show else ""
            )
        return self._divide(np.asarray(found.values[0]), found.placements[0])

    @property
    def _size(self) -> tuple[int, int]:
        height, width = self.model.input_shape[1:3]
        return height, width

    def _settings(self, settings: PipelineSettings) -> PipelineSettings:
        return PipelineSettings(
            self._size,
            max(settings.batch_size, 64),
            seed=settings.seed,
            resize=self.model.resize,
            labels=False,
            channels=self.model.input_shape[3],
            cache=settings.cache,
            workers=settings.workers,
        )

    def _divide(self, values: np.ndarray, geometry: ImageGeometry) -> Answers:
        outputs, start = {}, 0
        for name, output in self.model.output.items():
            end = start + int(np.prod(output.shape[1:]))
            outputs[name], start = values[:, start:end].reshape(-1, *output.shape[1:]), end
        return Answers(outputs, geometry, values[:, start:] if values.shape[1] > start else None)


def mean_answers(answers: Sequence[tuple[Mapping[str, Head], Answers]], name: str, head: Head) -> Answers | None:
    """What several teachers say of one head: the mean of those that have it, or `None` if none has.

    Args:
        answers: The heads of each teacher, and its answers.
        name: The name of the head.
        head: The pupil's head.

    Raises:
        InputError: If a teacher's head of this name is of another kind or has other classes, or if teachers of one place
            see other parts of the images.
    """
    having = [(heads[name], each) for heads, each in answers if name in heads]
    if not having:
        return None
    if isinstance(head, SpatialHead) and any(
        not _see_alike(having[0][1].geometry, each.geometry) for _, each in having
    ):
        raise InputError(
            f"Expected teachers that resize images alike for head {name!r}, the mean of whose places is taken; received "
            "some with another `resize`."
        )
    outputs = [in_order(name, head, theirs, each.outputs[name]) for theirs, each in having]
    return Answers({name: np.mean(outputs, axis=0)}, having[0][1].geometry)


def _see_alike(one: ImageGeometry, other: ImageGeometry) -> bool:
    """Whether places in two input spaces, relative to their sides, are the same places of the images."""
    first, second = (
        each.to_input_points(each.to_pixels(np.tile([[0.0, 0.0], [1.0, 1.0]], (len(each), 1, 1))))
        for each in (one, other)
    )
    return np.allclose(first, second, atol=0.02)


def in_order(name: str, head: Head, theirs: Head, outputs: np.ndarray) -> np.ndarray:
    """A teacher's outputs in the order of the pupil's classes.

    Raises:
        InputError: If the two heads do not ask the same.
    """
    names, others = (list(getattr(each, "names", ())) for each in (head, theirs))
    alike = bool(names) or head.encoding_key() == theirs.encoding_key()
    if type(head) is not type(theirs) or sorted(names) != sorted(others) or not alike:
        raise InputError(f"Expected a teacher whose head {name!r} is {head!r}, received: {theirs!r}.")
    if names == others:
        return outputs
    if outputs.shape[-1] != len(names):  # one unit decides between two labels
        return 1 - outputs
    if head.ordered:
        raise InputError(f"Expected a teacher whose head {name!r} has the levels {names}, received: {others}.")
    return outputs[:, [others.index(each) for each in names]]
