"""What "missing" means, said once.

Every loss and every metric takes its targets through one of the readings below, which turn whatever a user may
pass for a missing label into a harmless value and a mask, and takes its mean through :func:`masked_mean`:

| targets | missing is |
| --- | --- |
| class ids | a negative id (`-1`) or `NaN` |
| one-hot or soft rows | an all-zero row, or a row holding a negative number or `NaN` |
| tags, yes or no | a negative number (`-1`) or `NaN`, for each tag by itself |
| numbers | `NaN`, for each number by itself |
| objects | `-1` for all of a row; `NaN` says that there is no further object |

Only `keras.ops` is used, so the rule is the same on every Keras backend.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from mtlzoo.errors import HeadError

Tensor = Any
# Makes targets, zero where missing, and a mask of the labelled ones: one label an entry, or one distribution a row.
Reading = Callable[[Tensor], tuple[Tensor, Tensor]]


def class_targets(y_true: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """Read class labels as probability rows.

    Args:
        y_true: Class ids of shape `(batch,)` or `(batch, 1)`, any integer or float dtype, or rows of probabilities
            of shape `(batch, classes)` (one-hot, or soft labels).
        classes: The number of classes, at least 2.

    Returns:
        The targets as float rows `(batch, classes)`, zero where missing, and the labelled rows as bool `(batch,)`.

    Raises:
        ValueError: If the shape fits neither reading.

    An id beyond the last class cannot raise inside a compiled step: its row is `NaN`, and so is the loss, which nobody
    overlooks.

    Example:

    ```python
    rows, labelled = class_targets([2, -1], classes=3)  # [[0, 0, 1], [0, 0, 0]], [True, False]
    ```
    """
    y_true = ops.convert_to_tensor(y_true)
    rank = len(y_true.shape)
    if rank == 2 and y_true.shape[-1] == classes:
        rows = ops.cast(y_true, keras.config.floatx())
        labelled = ops.logical_and(ops.all(rows >= 0, axis=-1), ops.any(rows > 0, axis=-1))
        return ops.where(labelled[:, None], rows, ops.zeros_like(rows)), labelled
    if rank == 1 or (rank == 2 and y_true.shape[-1] == 1):
        ids = ops.cast(ops.reshape(y_true, (-1,)), keras.config.floatx())
        labelled = ids >= 0
        whole = ops.cast(ops.where(labelled, ids, ops.full_like(ids, -1)), "int32")
        # Not `one_hot`, which some backends refuse to do for an id beyond the last class.
        rows = ops.cast(whole[:, None] == ops.arange(classes, dtype="int32")[None, :], keras.config.floatx())
        return ops.where((ids >= classes)[:, None], ops.full_like(rows, float("nan")), rows), labelled
    raise ValueError(
        f"Expected class ids of shape (batch,) or rows of shape (batch, {classes}), received shape {y_true.shape}."
    )


def tag_targets(y_true: Tensor, tags: int = 1) -> tuple[Tensor, Tensor]:
    """Read yes-or-no labels.

    Args:
        y_true: Numbers in `[0, 1]` of shape `(batch, tags)`, or `(batch,)` where there is one tag.
        tags: The number of tags.

    Returns:
        The targets as floats `(batch, tags)`, zero where missing, and the labelled entries as bool `(batch, tags)`.

    Raises:
        ValueError: If the last axis is not `tags`.
    """
    values = _columns(y_true, tags)
    labelled = values >= 0
    return ops.where(labelled, values, ops.zeros_like(values)), labelled


def number_targets(y_true: Tensor, units: int = 1) -> tuple[Tensor, Tensor]:
    """Read numbers.

    Args:
        y_true: Numbers of shape `(batch, units)`, or `(batch,)` where there is one unit, or with several axes of so many
            numbers in all, such as points `(batch, points, 2)`.
        units: The number of numbers a row.

    Returns:
        The targets as floats `(batch, units)`, zero where missing, and the labelled entries as bool `(batch, units)`.

    Raises:
        ValueError: If the last axis is not `units`.
    """
    values = _columns(y_true, units)
    labelled = ops.logical_not(ops.isnan(values))
    return ops.where(labelled, values, ops.zeros_like(values)), labelled


def object_targets(y_true: Tensor, classes: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Read the objects of images.

    Args:
        y_true: Floats `(batch, objects, 4 + classes)`: x_min, y_min, x_max, y_max and a one-hot row. `NaN` stands where
            there is no object; a row of nothing else says that there is none, one of `-1` that nobody knows.
        classes: The number of classes.

    Returns:
        The boxes `(batch, objects, 4)` and one-hot rows `(batch, objects, classes)` as floats, zero where there is none;
        which are objects, bool `(batch, objects)`; and the labelled rows as bool `(batch,)`.

    Raises:
        ValueError: If the last axis is not `4 + classes`.
    """
    values = floats(y_true)
    if len(values.shape) != 3 or values.shape[-1] != 4 + classes:
        raise ValueError(f"Expected targets of shape (batch, objects, {4 + classes}), received shape {values.shape}.")
    if not values.shape[1]:  # none in the batch, or perhaps none
        values = ops.pad(values, [[0, 0], [0, 1], [0, 0]], constant_values=float("nan"))
    unknown = ops.any(values[..., 4:] < 0, axis=(1, 2))
    there = ops.logical_not(ops.any(ops.isnan(values), axis=-1))
    known = ops.logical_and(there, ops.logical_not(unknown)[:, None])
    values = ops.where(known[..., None], values, ops.zeros_like(values))
    return values[..., :4], values[..., 4:], known, ops.logical_not(unknown)


def _columns(y_true: Tensor, columns: int) -> Tensor:
    values = floats(y_true)
    if len(values.shape) == 1 and columns == 1:
        values = ops.expand_dims(values, -1)
    elif len(values.shape) > 2 and math.prod(values.shape[1:]) == columns:
        values = ops.reshape(values, (-1, columns))
    if len(values.shape) != 2 or values.shape[-1] != columns:
        raise ValueError(f"Expected targets of shape (batch, {columns}), received shape {values.shape}.")
    return values


def floats(values: Any) -> Tensor:
    """Numbers of any type, or lists of them, in Keras' usual precision: no loss is taken in half of it."""
    return ops.convert_to_tensor(values, dtype=keras.config.floatx())


def row_mean(values: Tensor, labelled: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of each row over its labelled entries.

    Args:
        values: Floats of shape `(batch, entries)`.
        labelled: Bool of the same shape.

    Returns:
        The rows' means `(batch,)`, zero for a row without any labelled entry, and the labelled rows as bool `(batch,)`.
    """
    weights = ops.cast(labelled, values.dtype)
    count = ops.sum(weights, axis=-1)
    total = ops.sum(ops.where(labelled, values, ops.zeros_like(values)), axis=-1)
    return total / ops.maximum(count, 1), count > 0


def masked_sums(values: Tensor, labelled: Tensor, sample_weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The weighted sum over labelled rows, and the sum of their weights.

    Both can be added up over batches or replicas; their quotient is then the mean over all of them, which a mean of
    means is not.

    Args:
        values: Floats of shape `(batch,)`; whatever stands in a missing row is ignored, `NaN` too.
        labelled: Bool of shape `(batch,)`.
        sample_weight: Optional row weights of shape `(batch,)` or `(batch, 1)`. A row of weight zero takes no part, nor
            does the weight of a missing row.

    Returns:
        Two float scalars.
    """
    zeros, weights = ops.zeros_like(values), ops.ones_like(values)
    if sample_weight is not None:
        weights = ops.reshape(ops.convert_to_tensor(sample_weight, dtype=values.dtype), (-1,))
        labelled = ops.logical_and(labelled, weights != 0)
    # Each by itself: the gradient of a masked product would still hold a missing row's `NaN`.
    values, weights = ops.where(labelled, values, zeros), ops.where(labelled, weights, zeros)
    return ops.sum(values * weights), ops.sum(weights)


def masked_mean(values: Tensor, labelled: Tensor, sample_weight: Tensor | None = None) -> Tensor:
    """The mean over labelled rows: exactly 0, with zero gradients, where there is none.

    Takes what :func:`masked_sums` takes and returns a float scalar.

    Example:

    ```python
    masked_mean(ops.array([1.0, float("nan"), 3.0]), ops.array([True, False, True]))  # 2.0
    ```
    """
    total, count = masked_sums(values, labelled, sample_weight)
    return quotient(total, count)


def quotient(total: Tensor, count: Tensor, otherwise: float | Sequence[float] = 0.0) -> Tensor:
    """`total / count`, or `otherwise` where the count is zero; its gradient is finite in both cases."""
    safe = ops.where(count == 0, ops.ones_like(count), count)
    return ops.where(count == 0, ops.convert_to_tensor(otherwise, total.dtype), total / safe)


def one_by_one(what: Any, read: Reading, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Targets and predictions as losses and metrics take them that know nothing of missing labels: one label a row.

    Args:
        what: The loss or metric, whose name tells whether it takes ids of classes.
        read: Makes targets and mask.
        y_true: Targets as the head takes them.
        y_pred: What the head puts out.

    Returns:
        Both, and which of the labels there are, in the shape that they had in the rows.
    """
    targets, labelled = read(y_true)
    if len(labelled.shape) > 1:
        labels, numbers = math.prod(labelled.shape[1:]), math.prod(y_pred.shape[1:])
        if labels != numbers:
            raise HeadError(
                f"Expected {name_of(what)!r} to be of `mtlzoo.losses` or `mtlzoo.metrics`, or your own subclass of "
                f"`MaskedLoss` or `MaskedMetric`: the head puts out {numbers} numbers for a row of {labels}."
            )
        return ops.reshape(targets, (-1, 1)), ops.reshape(y_pred, (-1, 1)), labelled
    if "sparse" in name_of(what).lower():
        targets = ops.argmax(targets, axis=-1)
    return targets, y_pred, labelled


def name_of(what: Any) -> str:
    """What a loss, a metric or a function is called."""
    return getattr(what, "__name__", None) or type(what).__name__
