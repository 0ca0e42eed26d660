"""The audit of a table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mtlzoo.auditing.counts import count_coverage, count_labels, find_rare_combinations
from mtlzoo.auditing.duplicates import find_duplicates, find_leaks
from mtlzoo.auditing.engines import Engine, find_engine
from mtlzoo.auditing.features import Extractor, compute_features, extractor_of
from mtlzoo.auditing.looking import look_at_images
from mtlzoo.auditing.near_duplicates import near_groups
from mtlzoo.auditing.odd_images import find_odd_images
from mtlzoo.auditing.out_of_fold import deal_folds, predict_out_of_fold
from mtlzoo.auditing.result import Audit
from mtlzoo.auditing.suspects import COLUMNS, HEADS, find_suspects
from mtlzoo.auditing.targets import find_targets
from mtlzoo.data import LabelTable
from mtlzoo.data.correction_files import row_numbers
from mtlzoo.data.notes import count
from mtlzoo.data.splitting import group_ids, join
from mtlzoo.errors import InputError, TableError
from mtlzoo.models import MultiTaskModel

FOLDS = 5


class How(NamedTuple):
    """What folds and samples are drawn from, whether progress is shown, and what rows are called."""

    seed: int
    progress: bool
    numbers: np.ndarray


def audit(
    table: LabelTable,
    *,
    model: MultiTaskModel | None = None,
    backbone: str | None = None,
    weights: str | os.PathLike[str] | None = "auto",
    image_size: tuple[int, int] | None = None,
    group: str | Sequence[Any] | None = None,
    suspects: bool = True,
    engine: str = "mtlzoo",
    seed: int = 0,
    progress: bool = False,
) -> Audit:
    """Look at a table's labels and images: what is missing, rare, odd, contradictory or likely wrong.

    Each file is read once for its size, its bytes and its perceptual hash; images whose hashes are near are compared pixel
    by pixel. For labels that are likely wrong a frozen network computes features of each image, and in five folds it is
    predicted from the other folds what each row's labels should be, by ridge regression on the features and then by
    logistic regression on these predictions and on the labels of the row's other heads. Rows of a group and rows that show
    the same image are in one fold. What differs from these predictions is suspicious: confident learning (Northcutt, Jiang
    and Chuang 2021, Journal of Artificial Intelligence Research 70).

    Classes, levels, tags and numbers are looked at; boxes, points and detections are not. Labels that another head rules out
    (`only_if=`) are missing, and so are those of classes with fewer than five rows, which nobody can tell the look of.

    Args:
        table: The rows, of all parts: a part by itself hides what leaks into another one.
        model: A trained model whose features are to be used. It has seen the labels of its training rows, wrong ones
            too, so that it may find fewer of them there.
        backbone: A backbone by name, see :func:`mtlzoo.list_backbones`. By default MobileNetV2 0.35, whose ImageNet weights
            come with the package: nothing is downloaded.
        weights: Those of the backbone, as for :func:`mtlzoo.build`.
        image_size: Height and width in pixels for a backbone, 160 by 160 by default; a model has its own.
        group: A column, or one value a row: rows with the same value, such as those of one person, stay in one fold, and
            are a leak where they stand in several parts of the split.
        suspects: Whether to look for wrong labels, which takes nearly all of the time.
        engine: `"mtlzoo"`, or `"cleanlab"` for that package in place of the own confident learning.
        seed: What folds are drawn from, and the rows that features are scaled by.
        progress: Whether to show on standard error how far it is.

    Returns:
        What was found.

    Raises:
        TableError: If the table has no rows or a label cannot be read, or there is no such group column.
        InputError: If model and backbone are both given, or there is no such engine.
        ImportError: If cleanlab is asked for and not installed.

    Example:

    ```python
    found = mtl.audit(mtl.data.read_csv("labels.csv"))
    print(found)
    found.to_html("audit.html")
    ```
    """
    if not len(table):
        raise TableError(f"{table.source}: no rows.")
    if model is not None and (backbone is not None or image_size is not None):
        raise InputError(
            "Expected either a model, which has its backbone and image size, or a backbone; received both."
        )
    chosen, groups, notes = find_engine(engine), group_ids(table, group), _ruled_out(table)
    looks = look_at_images(table, progress)
    regions = table.regions()
    cut = np.zeros(len(table), bool) if regions is None else np.array([region is not None for region in regions])
    same, distances = near_groups(table.paths(), looks, cut)
    duplicates = find_duplicates(table, looks, same, distances)
    wrong, heads = pd.DataFrame(columns=COLUMNS), pd.DataFrame(columns=HEADS)
    readable = table.take(looks.readable)
    if suspects and len(readable):
        extractor = extractor_of(model, backbone, image_size, weights)
        units = join(groups, same, len(table))[looks.readable]
        how = How(seed, progress, row_numbers(table)[looks.readable])
        wrong, heads, told = _suspects(readable, extractor, units, chosen, how)
        notes += told
    return Audit(
        table=table,
        suspects=wrong,
        heads=heads,
        duplicates=duplicates,
        leaks=find_leaks(table, duplicates, groups),
        odd_images=find_odd_images(table, looks),
        coverage=count_coverage(table),
        balance=count_labels(table),
        rare_combinations=find_rare_combinations(table),
        notes=tuple(notes),
    )


def _suspects(
    table: LabelTable, extractor: Extractor, units: np.ndarray, engine: Engine, how: How
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Suspicious labels, those expected of each head, and notes on heads that are left out."""
    targets, left_out = find_targets(table)
    notes = [f"head {name!r} is left out: {reason}" for name, reason in left_out.items()]
    units = pd.factorize(units)[0]
    folds = min(FOLDS, int(units.max()) + 1)
    if not targets or folds < 2:
        return pd.DataFrame(columns=COLUMNS), pd.DataFrame(columns=HEADS), notes
    features = compute_features(extractor, table, how.seed, how.progress)
    predictions = predict_out_of_fold(features, targets, deal_folds(units, folds, how.seed), how.progress)
    return *find_suspects(table, targets, predictions, engine, how.numbers), notes


def _ruled_out(table: LabelTable) -> list[str]:
    """A note for each head with labels that the label of another head rules out."""
    written, labels = table.labels(all_written=True), table.labels()
    notes = []
    for name, head in table.heads.items():
        number = int((head.labelled(written[name]) & ~head.labelled(labels[name])).sum())
        if number:
            told = "that other heads rule out (only_if=), not looked at"
            notes.append(f"head {name!r} has {count(number, 'label')} {told}")
    return notes
