"""Measures of how unlike known images others are, each from features of training images to a score of features."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from comparison.unusual_sets import CLASSES

from mtlzoo.models import known_images
from mtlzoo.models.known_images import KnownImages

ROWS = 2000
Score = Callable[[np.ndarray], np.ndarray]
Change = Callable[[np.ndarray], np.ndarray]


def plain(features: np.ndarray) -> np.ndarray:
    """Features as they are."""
    return features


def unit(features: np.ndarray) -> np.ndarray:
    """Features of length 1."""
    return features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)


def mahalanobis(change: Change, features: np.ndarray, ids: np.ndarray) -> Score:
    """The distance from the mean of all rows, by their covariance (shrunk by Ledoit and Wolf)."""
    del ids
    mean, whiten = _whitening(change(features))
    return lambda others: np.square((change(others) - mean) @ whiten).sum(axis=1)


def class_mahalanobis(change: Change, relative: bool, features: np.ndarray, ids: np.ndarray) -> Score:
    """That from the nearest mean of a class of one head (Lee et al. 2018); relative to that from the mean of all."""
    points = change(features)[ids >= 0]
    names, places = np.unique(ids[ids >= 0], return_inverse=True)
    means = np.stack([points[places == place].mean(axis=0) for place in range(len(names))])
    _, whiten = _whitening(points - means[places])
    whole = mahalanobis(change, features, ids)
    centres = means @ whiten

    def score(others: np.ndarray) -> np.ndarray:
        white = change(others) @ whiten
        squares = np.square(white).sum(axis=1)[:, None] + np.square(centres).sum(axis=1) - 2 * white @ centres.T
        return squares.min(axis=1) - (whole(others) if relative else 0)

    return score


def neighbours(change: Change, count: int, rows: int, features: np.ndarray, ids: np.ndarray) -> Score:
    """The distance from the so-many-th nearest of some training rows (Sun et al. 2022)."""
    del ids
    known = change(features)[:rows]

    def score(others: np.ndarray) -> np.ndarray:
        points = change(others)
        squares = np.square(points).sum(axis=1)[:, None] + np.square(known).sum(axis=1) - 2 * points @ known.T
        return np.partition(squares, count - 1, axis=1)[:, count - 1]

    return score


def residual(directions: int, features: np.ndarray, ids: np.ndarray) -> Score:
    """What lies outside of the main directions of features of length 1: what mtlzoo stores, with so many directions."""
    del ids
    usual, known_images.DIRECTIONS = known_images.DIRECTIONS, directions
    known = KnownImages.fit(features, features[:10])
    known_images.DIRECTIONS = usual
    return lambda others: np.asarray(known.distance(others))[:, 0]


def plain_residual(directions: int, features: np.ndarray, ids: np.ndarray) -> Score:
    """The same of features as they are (Wang et al. 2022, without their logits)."""
    del ids
    mean = features.mean(axis=0)
    _, vectors = np.linalg.eigh((features - mean).T @ (features - mean))
    rest = vectors[:, :-directions]
    return lambda others: np.square((others - mean) @ rest).sum(axis=1)


WAYS: dict[str, Callable[[np.ndarray, np.ndarray], Score]] = {
    "Mahalanobis": partial(mahalanobis, plain),
    "Mahalanobis, length 1": partial(mahalanobis, unit),
    "by class": partial(class_mahalanobis, plain, False),
    "by class, length 1": partial(class_mahalanobis, unit, False),
    "relative, length 1": partial(class_mahalanobis, unit, True),
    "10th neighbour of 2,000": partial(neighbours, plain, 10, ROWS),
    "10th neighbour, length 1": partial(neighbours, unit, 10, ROWS),
    "nearest of 256, length 1": partial(neighbours, unit, 1, 256),
    "residual of 32": partial(plain_residual, 32),
    "residual of 16, length 1": partial(residual, 16),
    "residual of 32, length 1": partial(residual, 32),
    "residual of 64, length 1": partial(residual, 64),
}


STORED = "residual of 32, length 1"


def summarize(paths: list[Path]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A row for each measure, and one for each kind of images by the measure of mtlzoo; see `scripts/unusual_images.py`."""
    rows = [row for path in paths for row in _rows(path)]
    frame = pd.DataFrame(rows)
    groups = frame.groupby("way", sort=False)
    areas = frame.pivot_table(index="way", columns="group", values="area", sort=False)
    each = frame.groupby(["way", "group"], sort=False)["area"].mean().groupby("way").mean()
    table = areas.assign(mean=each, missed=groups["missed"].mean(), flagged=groups["flagged"].mean())
    stored = frame[frame["way"] == STORED]
    return table, stored.pivot_table(index="kind", columns="set", values=["area", "caught"], sort=False)


def _rows(path: Path) -> list[dict[str, object]]:
    with np.load(path) as file:
        found = dict(file)
    head = CLASSES[path.name.split("-")[0]][0]
    order = np.random.default_rng(0).permutation(len(found["train|f"]))[:ROWS]
    features, ids = found["train|f"][order], found[f"labels|{head}"].reshape(-1).astype(int)[order]
    scores: dict[str, Callable[[str], np.ndarray]] = {
        "largest probability": lambda kind: -found[f"{kind}|soft"],
        "energy": lambda kind: -found[f"{kind}|energy"],
    }
    for way, fit in WAYS.items():
        score = fit(features, ids)
        scores[way] = lambda kind, score=score: score(found[f"{kind}|f"])
    name = path.name.split("-")[0]
    return [{"set": name, **row} for way, score in scores.items() for row in _compare(way, score, found)]


def _compare(way: str, score: Callable[[str], np.ndarray], found: dict[str, np.ndarray]) -> list[dict[str, object]]:
    from sklearn.metrics import roc_auc_score

    usual, valid = score("test"), np.sort(score("valid"))
    flagged = float((np.searchsorted(valid, usual) >= 0.99 * len(valid)).mean())
    rows: list[dict[str, object]] = []
    for kind in (name.removesuffix("|f") for name in found if name.endswith("|f") and ":" in name):
        unlike = score(kind)
        truth = np.repeat([0, 1], [len(usual), len(unlike)])
        area = roc_auc_score(truth, np.concatenate([usual, unlike]))
        missed = float((unlike < np.quantile(usual, 0.95)).mean())
        caught = float((np.searchsorted(valid, unlike) >= 0.99 * len(valid)).mean())
        group, what = kind.split(": ")
        group = what if group == "spoilt" else group
        measures = {"area": area, "missed": missed, "flagged": flagged, "caught": caught}
        rows.append({"way": way, "kind": kind, "group": group, **measures})
    return rows


def _whitening(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.covariance import ledoit_wolf_shrinkage

    mean = points.mean(axis=0)
    centred = (points - mean).astype("float32")
    shrinkage, covariance = ledoit_wolf_shrinkage(centred, assume_centered=True), centred.T @ centred / len(centred)
    usual = np.trace(covariance) / len(covariance)
    covariance = (1 - shrinkage) * covariance + (shrinkage + 1e-6) * usual * np.eye(len(covariance))
    return mean, np.linalg.cholesky(np.linalg.inv(covariance.astype("float64"))).astype("float32")
