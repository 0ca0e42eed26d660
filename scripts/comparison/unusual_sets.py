"""Images that a trained network knows, and images unlike them: other classes, other sets, drawn ones, spoilt ones."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from comparison.real_sets import SETS, RealSet

import mtlzoo as mtl
from mtlzoo.data import LabelTable
from mtlzoo.images.loading import load_batch

MOST = 600  # images of a kind
CLASSES = {"blood_cells": ("cell_type", 1), "groceries": ("item", 6), "clothing": ("garment", 3)}
"""The head of each set whose classes are held out, and how many of them."""


def hold_out(real: RealSet, name: str, seed: int) -> tuple[RealSet, LabelTable, list[str]]:
    """A set without some classes, the rows of all parts that have them, and which they are."""
    head, count = CLASSES[name]
    train = real.tables[0]
    seen = sorted(train.frame[head].dropna().unique())
    left_out = sorted(np.random.default_rng(seed).choice(seen, count, replace=False).tolist())
    kept = tuple(table.take(np.flatnonzero(~table.frame[head].isin(left_out))) for table in real.tables)
    near = [table.take(np.flatnonzero(table.frame[head].isin(left_out))) for table in real.tables]
    rows = np.random.default_rng(seed).permutation(sum(map(len, near)))[:MOST]
    paths = pd.concat([pd.Series(table.paths()) for table in near]).to_numpy()[rows]
    return replace(real, tables=kept), paths.tolist(), left_out


def load(paths: list[str], pixels: int, seed: int = 0) -> np.ndarray:
    """At most so many of these images, uint8 `(images, pixels, pixels, 3)`."""
    rows = np.sort(np.random.default_rng(seed).permutation(len(paths))[:MOST])
    return load_batch([paths[row] for row in rows], (pixels, pixels))[0].astype("uint8")


def unlike(data: Path, name: str, test: LabelTable, pixels: int) -> dict[str, np.ndarray]:
    """Images unlike those of a set, by what they are: of other sets, drawn, and its own test images spoilt."""
    found = {}
    for other in CLASSES:
        if other != name:
            found[f"other: {other}"] = load(SETS[other](data / other).tables[2].paths(), pixels)
    if name == "blood_cells":
        frame = pd.read_csv(data / name / "labels.csv")
        unseen = frame[frame["cell_type"].isin(["erythroblast", "platelet", "immature granulocyte"])]
        for kind, rows in unseen.groupby("cell_type"):
            found[f"class: {kind}"] = load([str(data / name / image) for image in rows["image"]], pixels)
    with tempfile.TemporaryDirectory() as folder:
        for kind, make in {"shapes": mtl.data.make_shapes, "faces": mtl.data.make_faces}.items():
            make(Path(folder) / kind, 60)
            paths = sorted(str(path) for path in (Path(folder) / kind).rglob("*") if path.suffix in (".png", ".jpg"))
            found[f"drawn: {kind}"] = load(paths, pixels)
    own = load(test.paths(), pixels, seed=1)
    return found | {f"spoilt: {how}": np.stack([spoil(image) for image in own]) for how, spoil in SPOILT.items()}


def blurred(image: np.ndarray) -> np.ndarray:
    """Out of focus: a Gaussian of 2.5 % of the image's width."""
    return cv2.GaussianBlur(image, (0, 0), 0.025 * image.shape[1])


def noisy(image: np.ndarray) -> np.ndarray:
    """Noise of 30 of 255 levels in every value."""
    noise = np.random.default_rng(int(image.sum())).normal(0, 30, image.shape)
    return np.clip(image + noise, 0, 255).astype("uint8")


def dark(image: np.ndarray) -> np.ndarray:
    """A fifth of the light."""
    return (image // 5).astype("uint8")


def turned(image: np.ndarray) -> np.ndarray:
    """A quarter turn."""
    return np.ascontiguousarray(np.rot90(image))


def cropped(image: np.ndarray) -> np.ndarray:
    """The upper left ninth, enlarged."""
    height, width = image.shape[:2]
    return cv2.resize(image[: height // 3, : width // 3], (width, height), interpolation=cv2.INTER_LINEAR)


def inverted(image: np.ndarray) -> np.ndarray:
    """The negative."""
    return 255 - image


SPOILT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    each.__name__: each for each in (blurred, noisy, dark, turned, cropped, inverted)
}
