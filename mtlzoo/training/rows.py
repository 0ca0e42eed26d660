"""The rows of a training: tables as the model's heads read them, and how they become batches."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mtlzoo.data import LabelTable
from mtlzoo.data.pipeline import PipelineSettings, build_pipeline
from mtlzoo.data.unlabelled import unlabelled_images, with_unlabelled
from mtlzoo.errors import TableError
from mtlzoo.models import MultiTaskModel
from mtlzoo.training.recipe import Recipe

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class Rows:
    """Rows to train or to validate on, and how they become batches.

    Attributes:
        source: A table, or a dataset of the caller's own, which is used as it is.
        settings: How the rows of a table become batches.
    """

    source: LabelTable | tf.data.Dataset
    settings: PipelineSettings

    @property
    def table(self) -> LabelTable | None:
        """The table, `None` for a dataset."""
        return self.source if isinstance(self.source, LabelTable) else None

    def dataset(self) -> tf.data.Dataset:
        """The batches: of a table those of this process' shard, where several devices train; a dataset's are all.

        Raises:
            TableError: If a label or a weight cannot be read.
        """
        return self.source if self.table is None else build_pipeline(self.table, self.settings)


def some_images(rows: Rows, batches: int) -> Iterator[Any]:
    """Some batches of images as they are trained on but for mixing, the same ones each time.

    Args:
        rows: The training rows.
        batches: How many batches, at most.
    """
    settings = replace(rows.settings, first_epoch=0, labels=False, sample_weight=None, mix=None, taught=None)
    for batch in itertools.islice(Rows(rows.source, settings).dataset(), batches):
        yield batch[0] if isinstance(batch, tuple) else batch


def bind_tables(
    model: MultiTaskModel,
    train: LabelTable | tf.data.Dataset,
    valid: LabelTable | tf.data.Dataset | None,
    recipe: Recipe,
) -> tuple[LabelTable | tf.data.Dataset, LabelTable | tf.data.Dataset | None]:
    """Tables as the model's heads read them, after the heads have learned from the training labels what they need.

    Args:
        model: The model, whose heads learn.
        train: The training rows; a dataset is left as it is.
        valid: The validation rows, likewise.
        recipe: All settings; its teacher may have further images for the training rows.

    Raises:
        TableError: If a label cannot be read, there are no rows, or a head has nothing to learn.
    """
    heads = model.heads
    if isinstance(train, LabelTable):
        train = train.for_heads(heads)
        train.check()
        model.adapt(train.labels())
        heads = {**model.heads, **train.heads}
        if recipe.teach is not None and recipe.teach.unlabelled is not None:
            train = with_unlabelled(train, unlabelled_images(recipe.teach.unlabelled), recipe.sample_weight)
    if isinstance(valid, LabelTable):
        if not len(valid):
            raise TableError(f"{valid.source}: no rows to validate on.")
        valid = valid.for_heads(heads)
    return train, valid


def count_steps(dataset: tf.data.Dataset) -> int:
    """How many batches a dataset has.

    Raises:
        ValueError: If it does not know.
    """
    try:
        return len(dataset)
    except TypeError as error:
        raise ValueError(
            f"Expected a dataset that knows its length, received one that does not ({error}). Tell it with "
            "dataset.apply(tf.data.experimental.assert_cardinality(steps))."
        ) from None
