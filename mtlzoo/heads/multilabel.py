"""Any number of tags at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from mtlzoo.errors import LabelError
from mtlzoo.heads.class_names import NameIndex, check_signs, class_id, class_names, number_of
from mtlzoo.heads.classes import check_class_weight
from mtlzoo.heads.evidence import Tensor, tag_scores
from mtlzoo.heads.flipping import check_flip_pairs, flip_order
from mtlzoo.heads.imbalance import NOT_COUNTED, RareLabelsHead, check_metric, order_metrics
from mtlzoo.heads.mixed import WAYS
from mtlzoo.heads.parts import keras, layers, losses, masking, metrics, ops
from mtlzoo.heads.tag_metrics import tag_metrics
from mtlzoo.heads.tags import lists_texts, read_flags, read_tags, says_none, separators_in, write_tags
from mtlzoo.heads.targets import tag_targets
from mtlzoo.heads.teachable import sigmoid_at
from mtlzoo.heads.texts import shorten, value_text
from mtlzoo.heads.thresholds import MIDDLE, ThresholdHead, check_thresholds
from mtlzoo.images.geometry import ImageGeometry


class MultiLabelHead(RareLabelsHead, ThresholdHead):
    """One sigmoid for each of several tags, any number of which may apply.

    Args:
        classes: The number of tags, or their names in the order of the outputs.
        threshold: The probability from which a tag is given: one for all tags, or by the name of the tag.
        label_smoothing: How far labels are moved towards one half, in `[0, 1)`.
        class_weight: `None`; a dictionary from tag (name or id) to the factor of the loss where the tag applies; or
            `"balanced"`: for each tag, rows with it and rows without it weigh the same in sum.
        label_counts: Labelled training rows of each tag, one pair `(without, with)` a tag; normally not given.
        flip_pairs: Pairs of tags that change places when augmentation mirrors an image, e.g. `[["left", "right"]]`.
        separator: What stands between tags in a cell, and in predictions; by default `;`, `,` or `|` in cells and `;` in
            predictions.
        metric: The main metric, the mean over tags of: `"f1"` (by default), `"balanced_accuracy"` or `"auc"`, the area under
            the ROC curve; or `"accuracy"`, the fraction of right tags.
        loss: `"crossentropy"` or `"focal"`, with the exponent `gamma`; see :class:`RareLabelsHead`.
        logit_adjustment: How far the loss makes up for rare tags, 0 by default; likewise.
        **kwargs: `hidden`, `activation`, `dropout`, `loss_weight`; see :class:`Head`.

    The output is `(batch, classes)` float32. Targets are float32
    `(rows, classes)`. A row without any tag is a label like any other, so missing is `-1` or `NaN`, for a whole row or
    for some of its tags; an all-zero row is not missing here.

    Example:

    ```python
    head = mtl.MultiLabelHead(["hood", "belt", "zip"])
    head.encode(["hood;zip", [], None])  # [[1, 0, 1], [0, 0, 0], [-1, -1, -1]]
    ```
    """

    lists_names = True
    mixes: ClassVar[tuple[str, ...]] = WAYS
    main_metrics = ("f1", "accuracy", "balanced_accuracy", "auc")
    ignored_by_encode = ("threshold", "label_smoothing", "class_weight", "label_counts", "flip_pairs", "metric")

    def __init__(
        self,
        classes: int | Sequence[str],
        *,
        threshold: float | Mapping[str, float] | Sequence[float] = MIDDLE,
        label_smoothing: float = 0.0,
        class_weight: Mapping[Any, float] | str | None = None,
        label_counts: Sequence[Sequence[float]] | None = None,
        flip_pairs: Sequence[Sequence[str]] = (),
        separator: str | None = None,
        metric: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        names = class_names(classes)
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"Expected `label_smoothing` in [0, 1), received: {label_smoothing!r}.")
        self.classes: int | list[str] = len(names) if isinstance(classes, Integral) else names
        self.names = names
        self.threshold = check_thresholds(threshold, names)
        self.label_smoothing = label_smoothing
        self.class_weight = check_class_weight(class_weight, names)
        self.label_counts = None if label_counts is None else [[float(no), float(yes)] for no, yes in label_counts]
        self.flip_pairs = check_flip_pairs(flip_pairs, names)
        if separator is not None and (not isinstance(separator, str) or not separator.strip()):
            raise ValueError(f"Expected `separator` to be a text such as ';' or None, received: {separator!r}.")
        self.separator = separator
        self.metric = check_metric(metric, self.main_metrics)

    @property
    def main_metric(self) -> str:
        """The name of the main metric."""
        return self.metric or self.main_metrics[0]

    # === Labels ===

    @classmethod
    def matches(cls, labels: pd.Series) -> bool:
        """Lists of texts, or texts with `;` or `|` between tags."""
        lists = [label for label in labels if isinstance(label, list | tuple | set)]
        if lists:
            return len(lists) == len(labels) and all(isinstance(tag, str) for tags in lists for tag in tags)
        texts = labels.astype(str)
        return bool(texts.str.contains(r"[;|]").any()) or any(map(lists_texts, texts))

    @classmethod
    def from_labels(cls, labels: pd.Series, *, separator: str | None = None, **options: Any) -> MultiLabelHead:
        """All tags that occur, in sorted order.

        Raises:
            ValueError: If cells have several of the usual separators and none was given, or a list is none of tags.
        """
        marks = "" if separator else separators_in(labels)
        if "," in marks and len(marks) > 1:
            name = "tags" if labels.name is None else labels.name
            raise ValueError(
                f"there are {' and '.join(map(repr, marks))} in its cells; say which of them stands between tags: "
                f"heads={{{name!r}: 'multilabel:separator={marks[0]}'}}, on the command line "
                f"--heads '{name}=multilabel:separator={marks[0]}'"
            )
        tags: set[str] = set()
        for label in labels:
            try:
                found = read_tags(label, separator) or []
            except ValueError as error:
                raise ValueError(f"expected tags, received {error}: {value_text(label)}") from None
            tags |= set() if says_none(found) else {str(tag) for tag in found} - {"none"}
        if len(tags) <= 2 and tags <= {"0", "1", "0.0", "1.0"}:
            raise ValueError(
                "expected tags, received lists of 0 and 1; if they say for each tag whether it applies, name the tags: "
                'mtl.MultiLabelHead(["hat", "scarf", ...])'
            )
        return cls(sorted(tags), separator=separator, **options)

    def encode(self, values: pd.Series | Sequence[Any] | np.ndarray) -> np.ndarray:
        """Zeros and ones, float32 `(rows, classes)`, `-1` for missing.

        A value is a tag; a list of tags; a text of tags with the separator between, where `none` alone means no tag; the
        text of a list as JSON or Python write it, where `[]` means no tag; or a row of numbers from 0 to 1, one for each
        tag, -1 or `NaN` where it is not known.
        """
        if isinstance(values, np.ndarray) and values.ndim == 2:
            if values.shape[1] != len(self.names):
                raise LabelError(0, f"expected {len(self.names)} numbers a row, received {values.shape[1]}")
            if (values > 1).any():
                row = int(np.argmax((values > 1).any(axis=-1)))
                raise LabelError(row, f"expected numbers from 0 to 1, received {values[row]}")
            check_signs(values)
            return np.where(values >= 0, values, -1).astype("float32")
        index_of = NameIndex(self.names)
        numbered = bool(index_of.numbers) and not isinstance(self.classes, int)  # tags that are called by numbers
        targets = np.zeros((len(values), len(self.names)), "float32")
        for row, value in enumerate(values):
            tags = self._tags(value, row)
            if tags is None:
                targets[row] = -1
                continue
            flags = None if numbered else read_flags(tags, len(self.names))
            if flags is not None:
                targets[row] = flags
                continue
            if len(tags) == 2 == len(self.names) and {number_of(tag) for tag in tags} == {0, 1} and not numbered:
                raise LabelError(
                    row,
                    f"{value_text(value)} may name both tags by their ids, or say for each whether it applies; write names: "
                    f"{shorten(self.names)}",
                )
            for tag in tags:
                index = index_of(tag)
                if index is None or index < 0:
                    raise LabelError(
                        row, f"unknown tag {value_text(tag)}, expected some of: {shorten(self.names)}, or 'none'"
                    )
                targets[row, index] = 1
        return targets

    def _tags(self, value: Any, row: int) -> list[Any] | None:
        """The tags in a cell, `None` if it is missing."""
        if isinstance(value, str) and value.strip() in self.names:
            return [value]
        if not isinstance(value, list | tuple | set | np.ndarray) and class_id(value, self.names) == -1:
            return None
        try:
            tags = read_tags(value, self.separator)
            return [] if tags and says_none(tags) and tags[0] not in self.names else tags
        except ValueError as error:
            raise LabelError(row, f"expected tags, received {error}: {value_text(value)}") from None

    def labelled(self, targets: np.ndarray) -> np.ndarray:
        """Which rows have a label for at least one tag."""
        return np.asarray((targets >= 0).any(axis=-1))

    def check(self, targets: np.ndarray) -> np.ndarray:
        """Numbers from 0 to 1, one for each tag."""
        return tag_targets(targets, len(self.names))

    def read(self, targets: Any) -> tuple[Any, Any]:
        """Each tag, and whether it is labelled."""
        return masking.tag_targets(targets, len(self.names))

    def strata(self, targets: np.ndarray) -> np.ndarray:
        """Each tag by itself."""
        return np.where(targets >= 0, targets >= 0.5, -1).astype("int32")

    def groups(self, targets: np.ndarray) -> dict[str, np.ndarray]:
        """Two groups for each tag, with and without it."""
        tags = zip(self.names, self.strata(targets).T)
        return {name: rows for tag, given in tags for name, rows in ((tag, given == 1), (f"not {tag}", given == 0))}

    def learned(self, targets: np.ndarray) -> dict[str, Any]:
        """For each tag, the labelled rows without and with it."""
        if self.label_counts is not None:
            return {}
        without, given = ((targets >= 0) & (targets < 0.5)).sum(axis=0), (targets >= 0.5).sum(axis=0)
        return {"label_counts": [[float(no), float(yes)] for no, yes in zip(without, given)]}

    def mirror(self, targets: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
        """The tags of each pair change places."""
        swapped = targets[:, flip_order(self.flip_pairs, self.names)]
        return np.where(mirrored[:, None], swapped, targets)

    def unit_names(self) -> Sequence[str]:
        """The tags."""
        return self.names

    def questions(self) -> list[str]:
        """The tags."""
        return self.names

    def has_numbered_units(self) -> bool:
        """Whether the number of tags was given alone."""
        return isinstance(self.classes, int)

    # === Network and training ===

    def output_shape(self) -> tuple[int, ...]:
        """The last axes of the output."""
        return (len(self.names),)

    def output(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """A dense sigmoid layer."""
        return layers.Dense(len(self.names), activation="sigmoid", dtype="float32", name=name)(features)

    def loss(self) -> losses.MaskedBinaryCrossentropy:
        """Binary cross-entropy, or the focal loss, the mean over tags."""
        return losses.MaskedBinaryCrossentropy(
            len(self.names), self.label_smoothing, self._tag_weights(), self.loss_gamma(), self.logit_offset()
        )

    def metrics(self) -> list[keras.metrics.Metric]:
        """The main metric, macro F1, and the fraction of right tags."""
        tags = len(self.names)
        make = {
            "f1": lambda: metrics.MaskedF1(tags, self.threshold, name="f1"),
            "accuracy": lambda: metrics.MaskedBinaryAccuracy(tags, self.threshold, name="accuracy"),
            "balanced_accuracy": lambda: metrics.MaskedBinaryBalancedAccuracy(tags, self.threshold),
            "auc": lambda: metrics.MaskedAUC(tags),
        }
        return order_metrics(self.main_metric, ["f1", "accuracy"], make)

    # === Predictions ===

    def decode(self, predictions: np.ndarray) -> dict[str, Any]:
        """The given tags joined by the separator, `none` where there is none, as JSON where a tag has the separator in it;
        and the least certain decision's probability."""
        given = self.given(predictions)
        answers = [
            write_tags([name for name, yes in zip(self.names, row) if yes], self.names, self.separator) for row in given
        ]
        return {
            "answer": np.asarray(answers, dtype=object),
            "probability": np.where(given, predictions, 1 - predictions).min(axis=-1),
        }

    def details(self, predictions: np.ndarray) -> dict[str, np.ndarray]:
        """`probabilities`, `class_ids` (0 or 1) and `all_classes` `(rows, tags)`; `classes` `(rows,)`, lists of tags."""
        given, names = self.given(predictions), np.asarray(self.names, dtype=object)
        classes = np.empty(len(given), dtype=object)
        classes[:] = [names[row].tolist() for row in given]
        every = np.broadcast_to(names, given.shape)
        ids = given.astype("int64")
        return {"probabilities": predictions, "class_ids": ids, "classes": classes, "all_classes": every}

    def taught(self, predictions: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """The probability of each tag."""
        return predictions.astype("float32")

    def at_temperature(self, predictions: np.ndarray, temperature: float) -> np.ndarray:
        """The sigmoids of the logits, divided."""
        return sigmoid_at(predictions, temperature)

    def evidence(self, outputs: Tensor) -> Tensor:
        """The sum of the given tags' logits; where none is given, the logit of the likeliest."""
        scores = tag_scores(outputs)
        given = outputs >= ops.convert_to_tensor(self.threshold, outputs.dtype)
        of_given = ops.sum(ops.where(given, scores, ops.zeros_like(scores)), axis=-1)
        return ops.where(ops.any(given, axis=-1), of_given, ops.max(scores, axis=-1))

    def display(self) -> dict[str, Any]:
        """The tags' names, and the probability from which on each is given."""
        return {"show": "tags", "names": list(self.names), "threshold": list(self.thresholds.values())}

    def evaluate(self, targets: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        """The main metric beside that of the trivial baseline; macro F1; and the fraction of right tags beside that of
        giving each tag to all images or to none."""
        return tag_metrics(self.main_metric, targets, predictions, self.given(predictions))

    def describe(self) -> str:
        """The kind of output in a few words."""
        return f"sigmoid, {len(self.names)} tags"

    # === Weights ===

    def _tag_weights(self) -> list[list[float]] | None:
        if self.class_weight is None:
            return None
        if not isinstance(self.class_weight, str):
            return [[1.0, self.class_weight.get(name, 1.0)] for name in self.names]
        if self.label_counts is None:
            raise ValueError(NOT_COUNTED.format(setting='class_weight="balanced"'))
        counts = np.asarray(self.label_counts)
        weights = counts.sum(axis=1, keepdims=True) / (2 * np.maximum(counts, 1))
        return np.where((counts > 0).all(axis=1, keepdims=True), weights, 1.0).tolist()
