"""What heads with named classes share: class names, ids, and class weights."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mtlzoo.errors import LabelError
from mtlzoo.heads.base import Head
from mtlzoo.heads.class_names import NameIndex, check_signs, class_id, class_names
from mtlzoo.heads.evidence import Tensor, class_scores
from mtlzoo.heads.flipping import check_flip_pairs, flip_order
from mtlzoo.heads.imbalance import NOT_COUNTED, check_metric
from mtlzoo.heads.mixed import WAYS
from mtlzoo.heads.parts import masking, ops
from mtlzoo.heads.targets import class_targets
from mtlzoo.heads.teachable import softmax_at
from mtlzoo.heads.texts import is_missing, shorten, value_text
from mtlzoo.images.geometry import ImageGeometry


class ClassesHead(Head):
    """A head whose labels are one of several named classes, and whose output is a probability for each.

    Args:
        classes: The number of classes, or their names in the order of the outputs; at least 2.
        class_weight: `None`; a dictionary from class (name or id) to the factor of its rows' losses, 1 where not named;
            or `"balanced"`: rows / (classes seen * rows of the class), counted on the labelled training rows.
        label_counts: Labelled training rows of each class, as :meth:`adapted` counts them; normally not given.
        flip_pairs: Pairs of classes that change places when augmentation mirrors an image, e.g. `[["left", "right"]]`.
        metric: The main metric, which `score` and `val_score` follow: one of `main_metrics`, the first of them by default.

    Attributes:
        main_metrics: The names that there are for `metric`.
    """

    mixes: ClassVar[tuple[str, ...]] = WAYS
    main_metrics: ClassVar[tuple[str, ...]] = ("accuracy",)
    ignored_by_encode: ClassVar[tuple[str, ...]] = ("class_weight", "label_counts", "flip_pairs", "metric")

    def __init__(
        self,
        classes: int | Sequence[str],
        *,
        class_weight: Mapping[Any, float] | str | None = None,
        label_counts: Sequence[float] | None = None,
        flip_pairs: Sequence[Sequence[str]] = (),
        metric: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        names = class_names(classes)
        if len(names) < 2:
            raise ValueError(f"Expected at least 2 classes, received: {classes!r}.")
        self.classes: int | list[str] = len(names) if isinstance(classes, Integral) else names
        self.names = names
        self.class_weight = check_class_weight(class_weight, names)
        self.label_counts = None if label_counts is None else [float(count) for count in label_counts]
        self.flip_pairs = check_flip_pairs(flip_pairs, names)
        self.metric = check_metric(metric, self.main_metrics)

    @property
    def main_metric(self) -> str:
        """The name of the main metric."""
        return self.metric or self.main_metrics[0]

    # === Labels ===

    def encode(self, values: pd.Series | Sequence[Any] | np.ndarray) -> np.ndarray:
        """Class ids `(rows,)` int32 with `-1` for missing; float32 rows `(rows, classes)` if any label is soft.

        A value is a class name, a class id (where no class has a number for its name), or, as a soft label, a sequence
        of one number for each class, which is scaled to sum to one (all zeros, all `-1` or all `NaN`: missing).
        """
        if isinstance(values, np.ndarray) and values.ndim == 2:
            values = values[:, 0] if values.shape[1] == 1 else list(values)
        if not isinstance(values, pd.Series):
            values = pd.Series(list(values), dtype=object)
        if isinstance(values.dtype, pd.CategoricalDtype):  # a million rows have a handful of categories
            distinct, codes = list(values.cat.categories), values.cat.codes.to_numpy()
        else:
            cells = values.map(lambda cell: tuple(cell) if isinstance(cell, list | np.ndarray) else cell)
            try:
                codes, distinct = pd.factorize(cells)
            except TypeError:  # such as a dictionary
                row = next(row for row, cell in enumerate(cells) if not _hashable(cell))
                raise LabelError(row, self._unknown(cells.iloc[row])) from None
        ids = np.full(len(distinct) + 1, -1, "int32")  # the last is for code -1, which is missing
        soft: dict[int, np.ndarray] = {}
        index_of = NameIndex(self.names)
        for code in np.unique(codes[codes >= 0]):  # a category may be left over from rows that are not here
            value = distinct[code]
            if isinstance(value, tuple):
                soft[code] = self._soft(value, int(np.argmax(codes == code)))
            elif not is_missing(value):
                index = index_of(value)
                if index is None:
                    raise LabelError(int(np.argmax(codes == code)), self._unknown(value))
                ids[code] = index
        self._check_signs(distinct, codes)
        if not soft:
            return ids[codes]
        rows = np.vstack([np.eye(len(self.names), dtype="float32"), np.zeros(len(self.names), "float32")])[ids]
        for code, probabilities in soft.items():
            rows[code] = probabilities
        return rows[codes]

    def _unknown(self, value: Any) -> str:
        value = value.item() if isinstance(value, np.generic) else value
        return f"unknown label {value_text(value)}, expected one of: {shorten(self.names)}"

    def _check_signs(self, distinct: Sequence[Any], codes: np.ndarray) -> None:
        """Two classes whose ids are 0 and 1 must not be given as -1 and 1 without a word."""
        if len(self.names) != 2 or "-1" in self.names:
            return
        used = np.unique(codes[codes >= 0])
        known = [(code, distinct[code]) for code in used if not is_missing(distinct[code])]
        try:
            check_signs([value for _, value in known])
        except LabelError as error:
            code = known[error.row][0]
            raise LabelError(int(np.argmax(codes == code)), error.reason) from None

    def _soft(self, value: tuple[Any, ...], row: int) -> np.ndarray:
        try:
            numbers = np.asarray(value, "float32")
        except (TypeError, ValueError):
            numbers = np.empty(0)
        if numbers.shape == (len(self.names),):
            if np.all(numbers == -1) or np.all(np.isnan(numbers)):
                return np.zeros_like(numbers)
            if np.all(numbers >= 0) and np.all(np.isfinite(numbers)):
                return numbers / max(numbers.sum(), 1e-12)
        raise LabelError(
            row, f"expected a soft label of {len(self.names)} numbers of at least 0, received {value_text(value)}"
        )

    def labelled(self, targets: np.ndarray) -> np.ndarray:
        """Which rows have a label."""
        if targets.ndim == 2 and targets.shape[1] > 1:
            return np.asarray((targets >= 0).all(axis=-1) & (targets > 0).any(axis=-1))
        return targets.reshape(-1) >= 0

    def check(self, targets: np.ndarray) -> np.ndarray:
        """Ids of classes, or a probability for each."""
        return class_targets(targets, len(self.names))

    def read(self, targets: Any) -> tuple[Any, Any]:
        """One-hot or soft rows, and which are labelled."""
        return masking.class_targets(targets, len(self.names))

    def strata(self, targets: np.ndarray) -> np.ndarray:
        """The class of each row, `-1` where missing."""
        strata = np.full(len(targets), -1, "int32")
        strata[self.labelled(targets)] = self.class_ids(targets)
        return strata

    def groups(self, targets: np.ndarray) -> dict[str, np.ndarray]:
        """One group for each class."""
        strata = self.strata(targets)
        return {name: strata == number for number, name in enumerate(self.names)}

    def mirror(self, targets: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
        """The classes of each pair change places."""
        if not self.flip_pairs or not mirrored.any():
            return targets
        order = flip_order(self.flip_pairs, self.names)
        if targets.ndim == 2 and targets.shape[1] > 1:
            swapped = targets[:, order]
        else:
            swapped = np.where(targets >= 0, order[targets.astype("int64")], targets).astype(targets.dtype)
        return np.where(mirrored.reshape(-1, *[1] * (targets.ndim - 1)), swapped, targets)

    def class_ids(self, targets: np.ndarray) -> np.ndarray:
        """The (most probable) class of each labelled row."""
        targets = targets[self.labelled(targets)]
        soft = targets.ndim == 2 and targets.shape[1] > 1
        return targets.argmax(axis=-1) if soft else targets.reshape(-1).astype("int64")

    def learned(self, targets: np.ndarray) -> dict[str, Any]:
        """The labelled rows of each class."""
        if self.label_counts is not None:
            return {}
        counts = np.bincount(self.class_ids(targets), minlength=len(self.names))
        return {"label_counts": counts.astype(float).tolist()}

    def unit_names(self) -> Sequence[Hashable] | None:
        """The classes."""
        return self.names

    def has_numbered_units(self) -> bool:
        """Whether the number of classes was given alone."""
        return isinstance(self.classes, int)

    def class_weights(self) -> list[float] | None:
        """The factor of each class, in the order of the classes; `None` where all are 1.

        Raises:
            ValueError: If the weights are to be balanced and the training labels have not been counted.
        """
        if self.class_weight is None:
            return None
        if isinstance(self.class_weight, str):
            if self.label_counts is None:
                raise ValueError(NOT_COUNTED.format(setting='class_weight="balanced"'))
            counts = np.asarray(self.label_counts)
            seen = counts > 0
            weights = np.ones(len(counts))
            weights[seen] = counts.sum() / (seen.sum() * counts[seen])
            return weights.tolist()
        return [self.class_weight.get(name, 1.0) for name in self.names]

    # === Predictions ===

    def decode(self, predictions: np.ndarray) -> dict[str, Any]:
        """The predicted class's name and its probability."""
        ids = self.answers(predictions)
        probabilities = np.take_along_axis(self.probabilities(predictions), ids[:, None], axis=-1)
        return {"answer": np.asarray(self.names, dtype=object)[ids], "probability": probabilities[:, 0]}

    def details(self, predictions: np.ndarray) -> dict[str, np.ndarray]:
        """`probabilities` `(rows, classes)`, `class_ids` and `classes` `(rows,)`, `all_classes` `(rows, classes)`."""
        probabilities, ids = self.probabilities(predictions), self.answers(predictions)
        names = np.asarray(self.names, dtype=object)
        every = np.broadcast_to(names, probabilities.shape)
        return {"probabilities": probabilities, "class_ids": ids, "classes": names[ids], "all_classes": every}

    def probabilities(self, predictions: np.ndarray) -> np.ndarray:
        """The probability of each class, `(rows, classes)`."""
        return predictions

    def answers(self, predictions: np.ndarray) -> np.ndarray:
        """The id of the predicted class of each row, the most probable one."""
        return predictions.argmax(axis=-1)

    def taught(self, predictions: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """The probability of each class."""
        return predictions.astype("float32")

    def at_temperature(self, predictions: np.ndarray, temperature: float) -> np.ndarray:
        """The softmax of the logits, divided."""
        return softmax_at(predictions, temperature)

    def evidence(self, outputs: Tensor) -> Tensor:
        """The logit of the most probable class, less the mean of all."""
        return ops.max(class_scores(outputs), axis=-1)

    def display(self) -> dict[str, Any]:
        """The classes' names, for bars."""
        return {"show": "classes", "names": list(self.names)}

    def confusion(self, targets: np.ndarray, predictions: np.ndarray) -> tuple[np.ndarray, list[str]]:
        """Counts of labelled rows: true classes down, predicted ones across."""
        truth, answers = self.class_ids(targets), self.answers(predictions[self.labelled(targets)])
        matrix = np.zeros((len(self.names), len(self.names)), "int64")
        np.add.at(matrix, (truth, answers), 1)
        return matrix, list(self.names)


def _hashable(cell: Any) -> bool:
    try:
        hash(cell)
    except TypeError:
        return False
    return True


def main_metrics(name: str, values: dict[str, float], matrix: np.ndarray) -> dict[str, Any]:
    """The first columns of a report, `metric`, `value`, `baseline` and `score`, and all values.

    Args:
        name: The main metric, one whose value is a score too.
        values: What :func:`accuracy_metrics` gives, and further metrics.
        matrix: The confusion matrix.
    """
    support, classes = matrix.sum(axis=1), max((matrix.sum(axis=1) > 0).sum(), 1)
    always = np.zeros_like(matrix)  # what it would be if the majority class were predicted each time
    always[:, support.argmax()] = support
    baselines = {
        "accuracy": values["accuracy_baseline"],
        "auc": 0.5,
        "balanced_accuracy": 1 / classes,
        "macro_f1": _macro_f1(always),
    }
    baseline = baselines[name] if support.any() else float("nan")
    return {"metric": name, "value": values[name], "baseline": float(baseline), "score": values[name], **values}


def _macro_f1(matrix: np.ndarray) -> float:
    """The mean F1 of the classes that occur or are predicted."""
    counted = matrix.sum(axis=0) + matrix.sum(axis=1)
    seen = counted > 0
    return float((2 * matrix.diagonal()[seen] / counted[seen]).mean()) if seen.any() else float("nan")


def accuracy_metrics(matrix: np.ndarray) -> dict[str, float]:
    """Metrics of a confusion matrix, whose rows are the labels.

    Accuracy, the frequency of the majority class, balanced accuracy (the mean recall of the classes that occur) and macro F1
    (the mean F1 of the classes that are given or true anywhere, as for tags and in scikit-learn).
    """
    support, total = matrix.sum(axis=1), matrix.sum()
    if total == 0:
        return dict.fromkeys(("accuracy", "accuracy_baseline", "balanced_accuracy", "macro_f1"), float("nan"))
    recall = matrix.diagonal()[support > 0] / support[support > 0]
    return {
        "accuracy": float(matrix.trace() / total),
        "accuracy_baseline": float(support.max() / total),
        "balanced_accuracy": float(recall.mean()),
        "macro_f1": _macro_f1(matrix),
    }


def check_class_weight(class_weight: Any, names: Sequence[str]) -> dict[str, float] | str | None:
    """Class weights by name, from a dictionary by name or id; `None` and `"balanced"` as they are.

    Raises:
        ValueError: If a class is unknown or a weight negative.
    """
    if class_weight is None or (isinstance(class_weight, str) and class_weight == "balanced"):
        return class_weight
    if not isinstance(class_weight, Mapping):
        raise ValueError(f'Expected `class_weight` to be None, "balanced" or a dictionary, received: {class_weight!r}.')
    weights = {}
    for key, weight in class_weight.items():
        index = class_id(key, names)
        if index is None or index < 0:
            raise ValueError(f"Unknown class {key!r} in `class_weight`, expected some of: {shorten(names)}.")
        if not 0 <= weight < float("inf"):
            raise ValueError(f"Expected weights of at least 0 in `class_weight`, received {weight!r} for {key!r}.")
        weights[names[index]] = float(weight)
    return weights
