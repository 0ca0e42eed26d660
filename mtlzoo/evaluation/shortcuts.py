"""One call from a model and images to a frame: predictions, a report, or groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mtlzoo.data import LabelTable
from mtlzoo.data.row_values import locate
from mtlzoo.errors import TableError
from mtlzoo.evaluation.frames import check_confidence
from mtlzoo.evaluation.grouping import By, group_rows
from mtlzoo.evaluation.inputs import read_labelled
from mtlzoo.evaluation.labelled import check_lengths
from mtlzoo.evaluation.predictions import Labelled, Predictions
from mtlzoo.evaluation.report import report_heads
from mtlzoo.evaluation.running import Images
from mtlzoo.evaluation.subgroups import report_groups
from mtlzoo.evaluation.views import check_test_time_augmentation, list_models
from mtlzoo.heads.decisions import decided_heads, decisions_of
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.multitask import check_model
from mtlzoo.system.deprecation import renamed_arguments


def predict(
    model: MultiTaskModel | Sequence[MultiTaskModel],
    images: Images,
    batch_size: int = 32,
    probabilities: bool = False,
    fetch: bool = False,
    *,
    test_time_augmentation: str | None = None,
    abstain: float | None = None,
) -> pd.DataFrame:
    """Readable predictions, one row an image.

    Args:
        model: The model, or a list of several with the same heads, of whose outputs the mean is taken.
        images: A table; a path, a folder (all images below it, sorted) or a pattern such as `"img/*.jpg"`; the content of a
            file, as bytes or opened; an image of Pillow; an array or a tensor of one image or several, RGB, 0 to 255, of
            any size; a data frame with a column `image`; a `tf.data` dataset; or a list, generator or array of such. What
            has not the model's size is resized as files are.
        batch_size: Rows at a time; memory holds a few batches of images, whatever their number.
        probabilities: Whether to add all outputs, a column `<head>:<output>` each; a sigmoid of two classes has one, that
            of the second. A head that is not always asked (`only_if=`) has one more, `<head>:not applicable`.
        fetch: Whether images may be addresses of the web, which are then fetched.
        test_time_augmentation: `"flip"` shows the model each image and its mirror image, and takes the mean of both outputs,
            classes of `flip_pairs` exchanged; the network then takes twice the time. Places are those of the image as it
            is. `None` for the image alone.
        abstain: The probability of an answer below which it is "not sure", for all heads with classes and tags; 0 for
            answering always. By default what :func:`mtlzoo.abstain` has found for each head, if it was called.

    Returns:
        A data frame with the column `image` (the path, or `image 0` and so on; not for an array of images), for each head
        a column with its name that holds the prediction, and `<head>_probability` with that of the prediction, where there
        is such a thing. A head that its parents' predictions rule out (`only_if=`) says "not applicable", or `NaN` where it
        predicts numbers. After :func:`mtlzoo.conformal` there are sets of classes too, `<head>_set` (with `;` between, the
        likeliest first), and intervals of numbers, `<head>_low` and `<head>_high`. Places are in the coordinates of the
        whole image, in the format in which the head's labels are written.

    Raises:
        ImageError: If the only image cannot be read, or one that is no file.
        TableError: If one of several files cannot be read, naming its row, or if there are none.
        InputError: If it is nothing that is known, an array whose shape or numbers are not those of images, or an address
            that is not to be fetched.
        TypeError: If the model has no heads.
        ValueError: If there is no such test-time augmentation, several models have not the same heads, or `abstain` is no
            probability.

    Example:

    ```python
    mtl.predict(model, "coat.jpg")  # one image takes milliseconds
    mtl.predict(model, table, probabilities=True).to_csv("predictions.csv", index=False)
    ```
    """
    check_confidence(abstain)
    predictions = Predictions.from_model(model, images, batch_size, fetch, test_time_augmentation)
    return predictions.to_frame(probabilities, abstain)


@renamed_arguments(placement="geometry")
def evaluate(
    model: MultiTaskModel | Sequence[MultiTaskModel],
    table: Labelled,
    batch_size: int = 32,
    predictions: Mapping[str, np.ndarray] | None = None,
    geometry: ImageGeometry | None = None,
    *,
    test_time_augmentation: str | None = None,
) -> pd.DataFrame:
    """The metrics of each head beside those of its trivial baseline, over labelled rows only.

    Args:
        model: The model, or a list of several with the same heads, of whose outputs the mean is taken.
        table: Images with labels for some of the model's heads: a table; a data frame with a column `image` and one for
            each head; a CSV file, or a folder with its `labels.csv`; or a folder of images sorted by label.
        batch_size: Rows at a time.
        predictions: The network's outputs for these rows by head, if they are known already; for the heads that have
            labels. See :class:`mtlzoo.evaluation.Predictions`, whose `evaluate` needs no model.
        geometry: Where input space lies in the images of these outputs, if that is known already.
        test_time_augmentation: As in :func:`predict`, where the network runs.

    Returns:
        A data frame with one row a head: `labelled` (rows), `metric` (the name of the main one), `value`, `baseline`
        (the same metric of the trivial baseline: the majority class, or the labels' mean), `score` (the value on a scale
        where higher is better and 1 is perfect), and what is customary for the kind of head: `accuracy`, beside it
        `accuracy_baseline` (the majority's share), `balanced_accuracy` (the mean recall over classes), `macro_f1` (the
        mean F1 over classes), `auc`, `f1`, `mae`, `r2`, `nme`, `failure_rate`; for heads
        that are not always asked (`only_if=`) `not_applicable_f1`, over rows whose parents are labelled. Below, the rows
        `mean` (every head counts the same) and `weighted mean` (every label counts the same) of the columns that all
        labelled heads have in common.

    Raises:
        TableError: If a label is invalid, an image cannot be read, or the table has no rows or no column for any head.
        InputError: If it is nothing of these.
        ValueError: If there is not one prediction a row, there is no such test-time augmentation, or several models have not
            the same heads.

    Example:

    ```python
    report = mtl.evaluate(model, valid)
    report.loc["coat_length", ["accuracy", "baseline"]]
    ```
    """
    models = list_models(model)
    check_test_time_augmentation(test_time_augmentation)
    bound = read_labelled(table).for_heads(models[0].heads)
    if predictions is None and (len(models) > 1 or test_time_augmentation is not None):
        bound.labels()  # refused before the network runs
        run = Predictions.from_model(models, bound, batch_size, False, test_time_augmentation)
        return report_heads(run.with_labels(bound))
    return report_heads(_predictions(models[0], bound, batch_size, predictions, geometry).with_labels(bound))


@renamed_arguments(placement="geometry")
def evaluate_groups(
    model: MultiTaskModel,
    table: Labelled,
    by: By,
    batch_size: int = 32,
    predictions: Mapping[str, np.ndarray] | None = None,
    geometry: ImageGeometry | None = None,
    *,
    cross: bool = False,
) -> pd.DataFrame:
    """The metrics of each head in each group of a table's rows, and how far each group is from all rows.

    A group is what its rows' true label or cell says, never what was predicted. Rows in which that is missing are in no
    group, and groups without rows are left out.

    Args:
        model: The model.
        table: Images with labels for some of the model's heads, as :func:`evaluate` takes them.
        by: One or more columns of the table. A head with classes groups by them; a head with tags groups by each tag, the
            rows with it and those without (`not <tag>`), which overlap; any other column by its distinct values. Numbers
            are cut into intervals by a mapping from the column to ascending edges, such as `{"age": [0, 18, 45, 90]}`
            (each interval without its upper edge, the last one with it, as in `numpy.histogram`; `None`: not cut).
        batch_size: Rows at a time.
        predictions: As in :func:`evaluate`; :meth:`Predictions.groups` needs no model.
        geometry: As in :func:`evaluate`.
        cross: Whether to group by all columns at once (`gender x ethnicity`) rather than by one after the other.

    Returns:
        A data frame with a row for each `(by, group, head)`, the first ones being `("all", "all", head)`: `labelled`
        (rows of the group with a label for the head), `metric` (the head's main one), `value`, `low` and `high` (its 95 %
        interval), `score`, and `gap` (value less that of all rows). The interval is Wilson's (1927) for a proportion of
        rows such as an accuracy, and otherwise lies between the percentiles of 1,000 bootstrap resamples of the group's
        rows (Efron 1979), drawn with a fixed seed; it is `NaN` for fewer than two labelled rows. Both take rows as
        independent: with many images of one person it is too narrow.

    Raises:
        TableError: If the table has no such column, no rows or no column for any head, a label is invalid, or a cell is no
            number where there are edges.
        ValueError: If there is not one prediction a row, edges do not ascend, or a quantity has none.

    Example:

    ```python
    groups = mtl.evaluation.evaluate_groups(model, valid, by={"gender": None, "age": [0, 18, 45, 90]})
    groups.xs("ethnicity", level="head")[["labelled", "value", "low", "high", "gap"]]
    ```
    """
    check_model(model)
    table = read_labelled(table)
    if not len(table):
        raise TableError(f"{table.source}: no rows.")
    bound = table.for_heads(model.heads)
    blocks = group_rows(table, bound, by, cross)  # refused before the network runs, as labels are
    return report_groups(_predictions(model, bound, batch_size, predictions, geometry).with_labels(bound), blocks)


def _predictions(
    model: MultiTaskModel,
    table: LabelTable,
    batch_size: int,
    outputs: Mapping[str, np.ndarray] | None,
    geometry: ImageGeometry | None,
) -> Predictions:
    """The predictions for a table that the model's heads read, from outputs if they are known.

    Raises:
        TableError: If a label is invalid, before the network runs, or an image cannot be read.
        ValueError: If there is not one prediction a row.
    """
    table.labels()
    if outputs is None:
        return Predictions.from_model(model, table, batch_size)
    heads = decided_heads({name: model.heads[name] for name in table.heads}, decisions_of(model))
    check_lengths(table, heads, outputs)  # before sizes of images are read
    if geometry is None and any(head.spatial for head in heads.values()):
        geometry = locate(table, model.input_shape[1:3], model.resize)
    return Predictions({name: outputs[name] for name in heads}, heads, geometry)
