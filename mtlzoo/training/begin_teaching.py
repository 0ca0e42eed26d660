"""What is done about teachers before the first step."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from mtlzoo.data import LabelTable
from mtlzoo.data.pipeline import PipelineSettings
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.models import MultiTaskModel
from mtlzoo.training.teach import Teach
from mtlzoo.training.teacher_answers import Teacher
from mtlzoo.training.teaching import TeacherLabels

if TYPE_CHECKING:
    import tensorflow as tf


def begin_teaching(
    teach: Teach,
    model: MultiTaskModel,
    tables: tuple[LabelTable | tf.data.Dataset, LabelTable | tf.data.Dataset | None],
    settings: PipelineSettings,
    folder: str | os.PathLike[str] | None,
    show: bool,
) -> TeacherLabels:
    """The labels of a teacher: those of other models, or room for those of the network itself.

    Args:
        teach: The settings.
        model: The pupil.
        tables: The training rows and the validation rows, bound to its heads.
        settings: How rows become batches.
        folder: Where the answers of teachers are kept, as features are; `None` for memory.
        show: Whether to print what is taught.

    Raises:
        ValueError: If the training rows are no table.
        InputError: If a teacher does not fit the heads.
    """
    train, valid = tables
    if not isinstance(train, LabelTable):
        raise ValueError(
            "Expected a table of training rows for a teacher, received a dataset, whose rows it cannot tell."
        )
    labels = TeacherLabels(teach, model.heads, train, valid if isinstance(valid, LabelTable) else None)
    if not teach.teachers:
        _make_room(labels, model)
        return labels
    answers, checks = [], []
    for model_of_teacher in teach.teachers:
        teacher = Teacher(model_of_teacher, labels.looks_at_features)
        answers.append((teacher.heads, teacher.predict_once(train, settings, folder, show)))
        if labels.valid is not None:
            checks.append((teacher.heads, teacher.predict_once(labels.valid, settings, folder, show)))
    labels.fill(answers, checks)
    if show:
        print(f"Teachers fill in missing labels of {len(train):,} rows:\n{labels.summary()}", flush=True)
    return labels


def _make_room(labels: TeacherLabels, model: MultiTaskModel) -> None:
    """Labels that do not count yet, in the shapes of those that will."""
    one = ImageGeometry.whole([model.input_shape[1:3]], model.input_shape[1:3])
    for name in labels.names:
        nothing = np.zeros((1, *model.output[name].shape[1:]), "float32")
        label = model.heads[name].taught(model.heads[name].to_image_space(nothing, one), one)
        labels.rows.labels[name] = np.repeat(label, len(labels.train), axis=0)
        labels.rows.weights[name] = np.zeros(len(labels.train), "float32")
