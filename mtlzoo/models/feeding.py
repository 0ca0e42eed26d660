"""Batches of generators, `PyDataset`s and `tf.data` are checked on their way to the step, and completed.

Keras fixes the structure of all batches by the first ones. So batches of Python's get targets for each head, missing
ones where there are none, in one shape whatever form they had.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from mtlzoo.errors import InputError
from mtlzoo.heads import Head
from mtlzoo.heads.conditions import without_inapplicable
from mtlzoo.heads.extras import extras_of, without_extras
from mtlzoo.heads.targets import CHECKED
from mtlzoo.keras_compat import is_no_tensor
from mtlzoo.models.checking import check_labels, check_weights, rows_of, uniform_targets
from mtlzoo.models.labels import by_head, label_arrays
from mtlzoo.system.pipeline_errors import foreign, plain_errors

if TYPE_CHECKING:
    import tensorflow as tf

WHERE = " of a batch"


class BatchCheck:
    """Checks the batches of one source.

    Args:
        heads: The heads by name.

    Attributes:
        error: What was wrong; Keras and TensorFlow wrap it in an account of their own.
    """

    def __init__(self, heads: Mapping[str, Head]):
        self.heads = heads
        self.error: Exception | None = None
        self._weighted: bool | None = None

    def complete(self, batch: Any) -> tuple[Any, ...]:
        """A batch with targets, and weights if there are any, for each head.

        Raises:
            InputError: If something is wrong with it.
        """
        try:
            return self._complete(batch)
        except InputError as error:
            self.error = error
            raise

    def look(self, names: Sequence[str], weights: Sequence[str | None], *arrays: np.ndarray) -> np.int64:
        """Look at the targets of heads and at row weights, of one head each or of all.

        Returns:
            The number of rows.

        Raises:
            InputError: If something is wrong with them.
        """
        try:
            rows = None
            for name, values in zip(names, arrays):
                rows = len(check_labels(name, self.heads[name], values, rows, WHERE))
            for head, values in zip(weights, arrays[len(names) :]):
                check_weights(values, rows, head, WHERE)
        except InputError as error:
            self.error = error
            raise
        return np.int64(rows or 0)

    def _complete(self, batch: Any) -> tuple[Any, ...]:
        images, labels, weights = parts_of(batch)
        extras = extras_of(labels)
        labels = by_head(self.heads, without_extras(labels), "labels")
        rows = rows_of(images)
        targets = {}
        for name, values in labels.items():
            given = check_labels(name, self.heads[name], values, rows, WHERE)
            rows = len(given)
            targets[name] = uniform_targets(name, self.heads[name], given)
        targets = without_inapplicable(self.heads, targets)
        if rows is None:
            raise InputError(
                f"Expected images as an array with rows on the first axis, received: {type(images).__name__}."
            )
        for name, head in self.heads.items():
            if name not in targets:
                targets[name] = np.repeat(head.check(head.encode([None])), rows, axis=0)
        targets = {name: targets[name] for name in self.heads} | extras
        if self._weighted is None:
            self._weighted = weights is not None
        if self._weighted != (weights is not None):
            raise InputError("Expected sample weights in each batch or in none, received some batches without.")
        if weights is None:
            return images, targets
        if isinstance(weights, Mapping | list | tuple):
            own = by_head(self.heads, weights, "sample weights")
            weights = {name: check_weights(values, rows, name, WHERE) for name, values in own.items()}
            return images, targets, {name: weights.get(name, np.ones(rows, "float32")) for name in self.heads}
        return images, targets, dict.fromkeys(self.heads, check_weights(weights, rows, where=WHERE))


class CompleteBatches(keras.utils.PyDataset):
    """A `PyDataset` whose batches are checked and completed where they are made, by its own workers."""

    def __init__(self, dataset: keras.utils.PyDataset, check: BatchCheck):
        super().__init__(
            workers=dataset.workers,
            use_multiprocessing=dataset.use_multiprocessing,
            max_queue_size=dataset.max_queue_size,
        )
        self.dataset = dataset
        self.check = check
        self._process = os.getpid()

    @property
    def num_batches(self) -> int | None:
        """The other's."""
        return self.dataset.num_batches

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        try:
            return self.check.complete(self.dataset[index])
        except Exception as error:
            if os.getpid() == self._process:
                raise
            raise foreign(error) from None

    def on_epoch_begin(self) -> None:
        """Tell the other."""
        self.dataset.on_epoch_begin()

    def on_epoch_end(self) -> None:
        """Tell the other."""
        self.dataset.on_epoch_end()


def feed(check: BatchCheck, x: Any, y: Any = None, sample_weight: Any = None) -> tuple[Any, Any, Any]:
    """What `fit` and `evaluate` were given, as Keras takes it and checked, now or batch by batch.

    Raises:
        InputError: If arrays, or the structure of batches, are wrong.
    """
    by_batch = isinstance(x, keras.utils.PyDataset | Iterator) or hasattr(x, "element_spec") or _is_loader(x)
    if not by_batch:
        return (x, *label_arrays(check.heads, x, y, sample_weight))
    if y is not None or sample_weight is not None:
        raise InputError(
            f"Expected no labels and weights beside a {type(x).__name__}, whose batches have to hold them: (images, labels) "
            "or (images, labels, sample weights)."
        )
    if isinstance(x, keras.utils.PyDataset):
        x = CompleteBatches(x, check)
    elif "tensorflow" in sys.modules and isinstance(x, sys.modules["tensorflow"].data.Dataset):
        x = check_dataset(x, check)
    elif isinstance(x, Iterator) and not hasattr(x, "element_spec"):
        x = (check.complete(batch) for batch in x)
    return x, None, None


def check_dataset(dataset: tf.data.Dataset, check: BatchCheck) -> tf.data.Dataset:
    """The same batches, looked at in the pipeline while the step before is at work.

    Raises:
        InputError: If batches have not the right structure.
    """
    import tensorflow as tf

    if getattr(dataset, CHECKED, False):
        return dataset
    _, labels, weights = parts_of(dataset.element_spec)
    names = list(by_head(check.heads, without_extras(labels), "labels"))
    weighted: list[str | None] = [None]
    if weights is None:
        weighted = []
    elif isinstance(weights, Mapping | list | tuple):
        weighted = list(by_head(check.heads, weights, "sample weights"))
    for name in names:
        spec = labels[name]
        if not isinstance(spec, tf.TensorSpec) or not spec.dtype.is_numpy_compatible or spec.dtype == tf.string:
            raise InputError(f"Expected labels of head {name!r} to be numbers, received: {spec}.")
        if spec.shape.rank and None not in spec.shape[1:]:  # a wrong shape shows without a batch
            check_labels(name, check.heads[name], np.zeros((0, *spec.shape[1:]), spec.dtype.as_numpy_dtype))

    def look(*arrays: np.ndarray) -> np.int64:
        return check.look(names, weighted, *arrays)

    def checked(images: Any, labels: Any, weights: Any = None) -> tuple[Any, ...]:
        arrays = [labels[name] for name in names]
        arrays += [weights if name is None else weights[name] for name in weighted]
        if not arrays:
            return (images, labels) if weights is None else (images, labels, weights)
        seen = tf.numpy_function(look, arrays, tf.int64, stateful=True)
        with tf.control_dependencies([seen]):
            labels = tf.nest.map_structure(tf.identity, labels)
        return (images, labels) if weights is None else (images, labels, weights)

    return dataset.map(checked, num_parallel_calls=1, deterministic=True)


def parts_of(batch: Any) -> tuple[Any, Any, Any]:
    """Images, labels and weights, if there are any.

    Raises:
        InputError: If a batch is no such tuple.
    """
    if not isinstance(batch, list | tuple) or len(batch) not in (2, 3):
        received = f"a tuple of {len(batch)}" if isinstance(batch, list | tuple) else type(batch).__name__
        raise InputError(
            "Expected each batch to be a tuple of images and labels by head, (images, {name: labels}), and possibly sample "
            f"weights, received: {received}."
        )
    images, labels, weights = (*batch, None)[:3]
    if is_no_tensor(weights):
        weights = None
    return images, labels, weights


@contextmanager
def readable_errors(*checks: BatchCheck) -> Iterator[None]:
    """Raise what was found wrong with a batch, or by a pipeline of `mtlzoo.data`, as it is, without Keras' and TensorFlow's
    account of it."""
    try:
        with plain_errors():
            yield
    except Exception:
        for check in checks:
            if check.error is not None:
                raise check.error from None
        raise


def _is_loader(x: Any) -> bool:
    return any(kind.__module__.startswith("torch.utils.data") for kind in type(x).__mro__)
