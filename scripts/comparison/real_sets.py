"""Real image sets as the comparison of recipes uses them: heads, published or grouped split, size, weights."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import mtlzoo as mtl
from mtlzoo.data import LabelTable

ATTRIBUTES = (
    *("cell_size", "cell_shape", "nucleus_shape", "nuclear_cytoplasmic_ratio", "chromatin_density"),
    *("cytoplasm_vacuole", "cytoplasm_texture", "cytoplasm_colour", "granule_type", "granule_colour", "granularity"),
)
"""The eleven of Tsutsui et al. 2023, whose split and figures are published."""

FILES = {
    ("MobileNet", 0.25): "mobilenet_2_5_224_tf_no_top.h5",
    ("MobileNetV2", 0.35): "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5",
    ("MobileNetV2", 1.0): "mobilenet_v2_1.0_224_dequantised_ptq_no_top.h5",
}


@dataclass(frozen=True)
class RealSet:
    """A set of real images.

    Attributes:
        pixels: Height and width of the images that the network sees.
        heads: The columns that are predicted.
        tables: Rows to train on, to choose the best epoch by, and to report on.
    """

    pixels: int
    heads: tuple[str, ...]
    tables: tuple[LabelTable, LabelTable, LabelTable]


def blood_cells(data: Path, seed: int = 0) -> RealSet:
    """Thirteen questions about a white blood cell, with the published split."""
    heads = ("cell_type", "stage", *ATTRIBUTES)
    table = mtl.data.read_csv(data / "labels.csv", heads=list(heads), split_column="split")
    return RealSet(96, heads, table.parts())


def groceries(data: Path, seed: int = 0) -> RealSet:
    """Six questions about a fruit, vegetable or package, with the published split."""
    heads = ("category", "item", "variety", "brand", "flavour", "organic")
    table = mtl.data.read_csv(data / "labels.csv", heads=list(heads), split_column="split")
    return RealSet(128, heads, table.parts())


def clothing(data: Path, seed: int = 0) -> RealSet:
    """What the garment is, and whether it is for kids, split by who sent the photograph.

    Test rows are the same ones always; the seed draws those that choose the epoch from the others, for a tenth of the
    senders have so few photographs that a way is better or worse by some points on those of one seed.
    """
    heads = ("garment", "kids")
    table = mtl.data.read_csv(data / "labels.csv", heads=list(heads), group="sender_id")
    train, valid, test = mtl.data.split(table, [0.7, 0.1, 0.2], group="sender_id", seed=0)
    if seed:
        rest = table.take(np.flatnonzero(~table.frame["image"].isin(test.frame["image"])))
        train, valid = mtl.data.split(rest, [0.875, 0.125], group="sender_id", seed=seed)
    return RealSet(176, heads, (train, valid, test))


def bundled(data: Path, seed: int = 0) -> RealSet:
    """The part of the blood cells that comes with the package."""
    del data, seed
    table = mtl.datasets.blood_cells()
    return RealSet(96, tuple(table.heads), table.parts())


def table_of(data: str) -> LabelTable:
    """A label file with a column of parts; `blood_cells` stands for the photographs that come along."""
    return mtl.datasets.blood_cells() if data == "blood_cells" else mtl.data.read_csv(data)


SETS = {"bundled": bundled, "blood_cells": blood_cells, "groceries": groceries, "clothing": clothing}


def open_set(data: Path, name: str, seed: int, pixels: int | None = None) -> RealSet:
    """A set of `SETS` below a folder, with images of its own size or of another one."""
    real = SETS[name](data / name, seed)
    return replace(real, pixels=pixels or real.pixels)


def figures(probabilities: dict[str, np.ndarray], table: LabelTable) -> pd.DataFrame:
    """What scikit-learn says of predictions, for both sides alike.

    Args:
        probabilities: For each head float `(rows, classes)`.
        table: The rows.

    Returns:
        A row a head: `labelled`, `accuracy`, `balanced_accuracy`, `macro_f1`, and `auc`, of more than two classes the mean
        over those that there are, each against the others.
    """
    from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score, roc_auc_score

    rows: dict[str, dict[str, Any]] = {}
    for name, values in probabilities.items():
        truth = class_ids(table, name)
        known = truth >= 0
        truth, given = truth[known], values[known]
        ids = given.argmax(-1)
        rows[name] = {
            "labelled": int(known.sum()),
            "accuracy": accuracy_score(truth, ids),
            "balanced_accuracy": balanced_accuracy_score(truth, ids),
            "macro_f1": f1_score(truth, ids, labels=np.unique(truth), average="macro"),
        }
        present = np.unique(truth) if values.shape[1] > 2 else np.array([1])
        areas = [roc_auc_score(truth == each, given[:, each]) for each in present if 0 < (truth == each).mean() < 1]
        rows[name]["auc"] = float(np.mean(areas)) if areas else float("nan")
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("head")


def class_ids(table: LabelTable, name: str) -> np.ndarray:
    """The class of each row, -1 where nobody labelled it; in the order of the head's classes."""
    return np.asarray(table.labels()[name]).reshape(len(table)).astype(int)
