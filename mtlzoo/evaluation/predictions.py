"""Predictions: the outputs of one pass of a network over images, and all that is read from them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from mtlzoo.data import LabelTable
from mtlzoo.errors import TableError
from mtlzoo.evaluation.applicability import decode_heads
from mtlzoo.evaluation.frames import answer_frame
from mtlzoo.evaluation.grouping import By, group_rows
from mtlzoo.evaluation.inputs import read_labelled
from mtlzoo.evaluation.labelled import LabelledOutputs, pair_labels
from mtlzoo.evaluation.report import report_heads
from mtlzoo.evaluation.running import Images, Run, run_model
from mtlzoo.evaluation.subgroups import report_groups
from mtlzoo.evaluation.unusual import mean_unusual
from mtlzoo.evaluation.views import check_same_geometry, list_models, mean_outputs, read_only
from mtlzoo.heads import Head
from mtlzoo.heads.conditions import asked_by_predictions
from mtlzoo.heads.decisions import Decision, decided_heads, decisions_of, without_sets
from mtlzoo.heads.thresholds import deciding_like
from mtlzoo.images.geometry import ImageGeometry

if TYPE_CHECKING:
    from mtlzoo.models import MultiTaskModel

Labelled: TypeAlias = LabelTable | pd.DataFrame | str | os.PathLike[str]
"""Labelled rows in any form that `mtlzoo.evaluation.inputs` reads."""


@dataclass(frozen=True, eq=False, repr=False)
class Predictions:
    """What a network says of some images: run once, then read as a frame, a report, groups, plots or files.

    Args:
        outputs: The network's arrays by the name of the head, rows on the first axis, as many in each. They are kept
            as read-only views.
        heads: The head of each array.
        geometry: Where input space lies in each image. Without it places stay in input space, relative to its edges,
            and have no metrics.
        names: What each image is called; by default as in the table's column `image`, if there is a table.
        table: The rows that the images came from; their labels, if it has some, are those that :meth:`evaluate` takes.
        decisions: What says "not sure" and makes sets and intervals, by head; thresholds are those of the heads.
        unusual: How unlike the images that the model knows each image is, see :func:`mtlzoo.know_images`.

    Raises:
        ValueError: If there are not as many rows everywhere, or an array for each head and a head for each array.

    Example:

    ```python
    import numpy as np

    import mtlzoo as mtl
    from mtlzoo.evaluation import Predictions

    predictions = Predictions({"kids": np.array([[0.9], [0.2]])}, {"kids": mtl.BinaryHead()}, names=["a.jpg", "b.jpg"])
    assert predictions.to_frame()["kids"].tolist() == ["yes", "no"]
    ```
    """

    outputs: Mapping[str, np.ndarray]
    heads: Mapping[str, Head]
    geometry: ImageGeometry | None = None
    names: Sequence[str] | None = None
    table: LabelTable | None = None
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    unusual: np.ndarray | None = None

    def __post_init__(self) -> None:
        if set(self.outputs) != set(self.heads):
            raise ValueError(
                f"Expected outputs for the heads {', '.join(self.heads)}, received: {', '.join(self.outputs)}."
            )
        outputs = {name: read_only(self.outputs[name]) for name in self.heads}
        object.__setattr__(self, "outputs", MappingProxyType(outputs))
        object.__setattr__(self, "heads", MappingProxyType(dict(self.heads)))
        names = self.table.frame["image"] if self.names is None and self.table is not None else self.names
        object.__setattr__(self, "names", None if names is None else tuple(names))
        sized = outputs | {name: getattr(self, name) for name in ("geometry", "names", "table", "unusual")}
        rows = {name: len(value) for name, value in sized.items() if value is not None}
        if len(set(rows.values())) > 1:
            told = ", ".join(f"{name} {number}" for name, number in rows.items())
            raise ValueError(f"Expected as many rows for every head, in geometry, names and table, received: {told}.")

    @classmethod
    def from_model(
        cls,
        model: MultiTaskModel | Sequence[MultiTaskModel],
        images: Images,
        batch_size: int = 32,
        fetch: bool = False,
        test_time_augmentation: str | None = None,
    ) -> Predictions:
        """Run a model over images, or several and take the mean of their outputs.

        Args:
            model: The model, or several with the same heads, see :meth:`mean`.
            images: As :func:`mtlzoo.predict` takes them.
            batch_size: Rows at a time; memory holds a few batches of images, whatever their number.
            fetch: Whether images may be addresses of the web, which are then fetched.
            test_time_augmentation: As :func:`mtlzoo.predict` takes it.

        Returns:
            The predictions, rows in the order of the images.

        Raises:
            ImageError: If the only image cannot be read, or one that is no file.
            TableError: If one of several files cannot be read, naming its row, or if there are none.
            InputError: If it is nothing that is known, an array whose shape or numbers are not those of images, or an
                address that is not to be fetched.
            TypeError: If the model has no heads.
            ValueError: If there is no such test-time augmentation, or several models have not the same heads.

        Example:

        ```python
        predictions = mtl.evaluation.Predictions.from_model(model, valid)
        report, frame = predictions.evaluate(), predictions.to_frame()
        ```
        """
        models = list_models(model)
        if len(models) > 1:  # whose mean is none of what was fitted for one of them
            images = list(images) if isinstance(images, Iterator) else images  # each model goes through them
            runs = [(each, run_model(each, images, batch_size, fetch, test_time_augmentation)) for each in models]
            return cls.mean([cls(run.outputs, each.heads, *run[1:4], unusual=run.unusual) for each, run in runs])
        run = run_model(models[0], images, batch_size, fetch, test_time_augmentation)
        return cls.from_run(models[0], run, other_views=test_time_augmentation is not None)

    @classmethod
    def from_run(cls, network: Any, run: Run, other_views: bool = False) -> Predictions:
        """What a run of a model, or of what stands for one, says; of other views sets are not known."""
        known = decisions_of(network)
        rest = run.geometry, run.names, run.table, without_sets(known) if other_views else known, run.unusual
        return cls(run.outputs, decided_heads(network.heads, known), *rest)

    @classmethod
    def mean(cls, predictions: Sequence[Predictions]) -> Predictions:
        """The mean of what several networks say of the same images, often better than the best of them says.

        Args:
            predictions: Predictions by networks with the same heads, whose images come to their inputs in the same way if
                a head puts out places. Objects have no mean.

        Returns:
            New predictions: probabilities and numbers are the means of the given ones, all else is that of the first.

        Raises:
            ValueError: If there are none, or they differ in rows, heads, or how images lie in input space.

        Example:

        ```python
        one, other = (mtl.evaluation.Predictions.from_model(each, valid) for each in (model, model))
        mtl.evaluation.Predictions.mean([one, other]).evaluate()
        ```
        """
        given = list(predictions)
        if not given:
            raise ValueError("Expected predictions of at least one model, received none.")
        first = given[0]
        outputs = mean_outputs([each.outputs for each in given], [each.heads for each in given])
        if any(head.spatial for head in first.heads.values()):
            check_same_geometry([each.geometry for each in given if each.geometry is not None])
        unusual = mean_unusual(each.unusual for each in given)
        return cls(outputs, first.heads, first.geometry, first.names, first.table, unusual=unusual)

    def __len__(self) -> int:
        return len(next(iter(self.outputs.values()), ()))

    def __repr__(self) -> str:
        return f"Predictions({len(self)} rows, heads: {', '.join(self.heads)})"

    def __reduce__(self) -> tuple[type[Predictions], tuple[Any, ...]]:
        rest = self.geometry, self.names, self.table, self.decisions, self.unusual
        return Predictions, (dict(self.outputs), dict(self.heads), *rest)

    def take(self, rows: Sequence[int] | np.ndarray | slice) -> Predictions:
        """The predictions of some rows.

        Args:
            rows: Positions, a bool `(rows,)`, or a slice.

        Returns:
            New predictions, rows in the order given.

        Example:

        ```python
        predictions = mtl.evaluation.Predictions.from_model(model, valid)
        unsure = np.argsort(abs(predictions.outputs["gender"][:, 0] - 0.5))
        predictions.take(unsure[:10]).to_frame()
        ```
        """
        chosen = np.arange(len(self))[rows if isinstance(rows, slice | np.ndarray) else list(rows)]
        given = {name: getattr(self, name) for name in ("geometry", "table", "unusual")}
        taken: dict[str, Any] = {name: None if each is None else each.take(chosen) for name, each in given.items()}
        outputs = {name: array[chosen] for name, array in self.outputs.items()}
        names = None if self.names is None else [self.names[row] for row in chosen]
        return replace(self, outputs=outputs, names=names, **taken)

    def with_heads(self, heads: Mapping[str, Head]) -> Predictions:
        """The outputs of some heads, read by others of the same kinds.

        Args:
            heads: The heads to read by, such as a table's, which know the names of classes that a model only counts.

        Returns:
            New predictions of these heads alone, in their order.

        Raises:
            KeyError: If there are no outputs for one of them.

        Example:

        ```python
        predictions = mtl.evaluation.Predictions.from_model(model, valid)
        ages = predictions.with_heads({"age": valid.heads["age"]}).to_frame()
        ```
        """
        outputs = {name: self.outputs[name] for name in heads}
        decided = {name for name, decision in self.decisions.items() if decision.thresholds}
        heads = {**heads, **{name: deciding_like(self.heads[name], heads[name]) for name in decided & heads.keys()}}
        decisions = {  # thresholds are known by the names of tags, which may be others now
            name: replace(each, thresholds=heads[name].thresholds) if name in decided & heads.keys() else each  # type: ignore[attr-defined]
            for name, each in self.decisions.items()
        }
        return Predictions(outputs, heads, self.geometry, self.names, self.table, decisions, self.unusual)

    # === What was predicted ===

    @cached_property
    def in_image_space(self) -> Mapping[str, np.ndarray]:
        """The outputs by head, places in the coordinates of the whole image, in the format of the head's labels."""
        if self.geometry is None:
            return self.outputs
        return MappingProxyType(
            {name: head.to_image_space(self.outputs[name], self.geometry) for name, head in self.heads.items()}
        )

    @cached_property
    def decoded(self) -> Mapping[str, Mapping[str, Any]]:
        """By head, the columns of :meth:`Head.decode`: `"answer"`, and where there is such a thing its `"probability"`.

        Where a head is not asked (`only_if=`) it says so; see :func:`mtlzoo.evaluation.applicability.decode_heads`.
        """
        return MappingProxyType(decode_heads(self.heads, self.outputs, self.in_image_space))

    def asked(self, name: str) -> np.ndarray:
        """Which rows a head is asked for by what its parents (`only_if=`) predict: bool `(rows,)`, all without parents."""
        return self._asked.get(name, np.ones(len(self), bool))

    @cached_property
    def _asked(self) -> dict[str, np.ndarray]:
        return asked_by_predictions(self.heads, self.outputs)

    def to_frame(self, probabilities: bool = False, abstain: float | None = None) -> pd.DataFrame:
        """The predictions as a person reads them, one row an image.

        Args:
            probabilities: Whether to add all outputs, a column `<head>:<output>` each; a sigmoid of two classes has
                one, that of the second. A head that is not always asked has one more, `<head>:not applicable`, and all
                of its probabilities are those of being asked and of the class.
            abstain: As :func:`mtlzoo.predict` takes it.

        Returns:
            The data frame that :func:`mtlzoo.predict` describes.

        Example:

        ```python
        predictions = mtl.evaluation.Predictions.from_model(model, valid)
        predictions.to_frame(probabilities=True).to_csv("predictions.csv", index=False)
        ```
        """
        return answer_frame(self, probabilities, abstain)

    def details(self) -> dict[str, dict[str, np.ndarray]]:
        """The predictions by head and then by the key that the Head API of `tf.estimator` has for them.

        Returns:
            For each head, in their order, arrays with the rows on the first axis.

            - Heads with classes: `probabilities` float32 `(rows, classes)`, also of two; `class_ids` int64 `(rows,)`;
              `classes` `(rows,)`, the names of these; `all_classes` `(rows, classes)`, the same names in every row.
            - Heads with tags: `probabilities` float32 and `class_ids` int64, 0 or 1, both `(rows, tags)`; `classes`
              `(rows,)`, lists of the given tags; `all_classes` `(rows, tags)`.
            - All others: `predictions`, such as float32 `(rows, units)` of a regression head, and places in the
              coordinates of the whole image.

            There are no `logits`: the outputs are probabilities, and `log(p)`, or `log(p / (1 - p))` of a sigmoid, are
            logits again.

        Example:

        ```python
        details = mtl.evaluation.Predictions.from_model(model, "face.jpg").details()
        details["gender"]["probabilities"]  # [[0.07, 0.93]]
        details["gender"]["classes"]  # ["female"]
        ```
        """
        return {name: head.details(self.in_image_space[name]) for name, head in self.heads.items()}

    # === How good it is ===

    def evaluate(self, table: Labelled | None = None) -> pd.DataFrame:
        """The metrics of each head beside those of its trivial baseline, over labelled rows only.

        Args:
            table: The labels of these rows, in their order, in any form that :func:`mtlzoo.evaluate` takes; by default
                those of the table that the images came from.

        Returns:
            The data frame that :func:`mtlzoo.evaluate` describes.

        Raises:
            TableError: If a label is invalid, or there is no column for any head.
            ValueError: If there is no table, it has not as many rows, or the geometry of a spatial head is not known.

        Example:

        ```python
        predictions = mtl.evaluation.Predictions.from_model(model, valid)
        report = predictions.evaluate()
        report.loc["coat_length", ["accuracy", "baseline"]]
        ```
        """
        return report_heads(self.with_labels(self.labelled_rows(table).for_heads(self.heads)))

    def groups(self, by: By, table: Labelled | None = None, *, cross: bool = False) -> pd.DataFrame:
        """The metrics of each head in each group of rows, and how far each group is from all rows.

        Args:
            by: What to group by, as :func:`mtlzoo.evaluation.evaluate_groups` takes it.
            table: As in :meth:`evaluate`, with the columns to group by.
            cross: Whether to group by all columns at once (`gender x ethnicity`) rather than by one after the other.

        Returns:
            The data frame that :func:`mtlzoo.evaluation.evaluate_groups` describes.

        Raises:
            TableError: As in :meth:`evaluate`, and if there is no column to group by, or no row.
            ValueError: As in :meth:`evaluate`, and if edges do not ascend, or a quantity has none.

        Example:

        ```python
        predictions = mtl.evaluation.Predictions.from_model(model, valid)
        groups = predictions.groups(by={"gender": None, "age": [0, 18, 45, 90]}, cross=True)
        ```
        """
        rows = self.labelled_rows(table)
        if not len(rows):
            raise TableError(f"{rows.source}: no rows.")
        bound = rows.for_heads(self.heads)
        return report_groups(self.with_labels(bound), group_rows(rows, bound, by, cross))

    def with_labels(self, table: LabelTable) -> dict[str, LabelledOutputs]:
        """The outputs beside the labels of the same rows, which metrics are computed from.

        Args:
            table: The rows, read by the heads.

        Returns:
            By the name of the head, for those that the table has columns for.

        Raises:
            TableError: If a label is invalid, or lies outside of its image; it names the row.
            ValueError: If the table has not as many rows, or the geometry of a spatial head is not known.

        Example:

        ```python
        predictions = mtl.evaluation.Predictions.from_model(model, valid)
        gender = predictions.with_labels(valid.for_heads(predictions.heads))["gender"]
        gender.compute_metrics(np.flatnonzero(gender.labelled)[:100])
        ```
        """
        return pair_labels(table, self.heads, self.outputs, self.geometry)

    def labelled_rows(self, table: Labelled | None) -> LabelTable:
        """The rows of a table, or those of the images, if nothing is given."""
        if (rows := self.table if table is None else read_labelled(table)) is None:
            raise ValueError("Expected a table with the labels of these rows, received: None; the images came without.")
        return rows
