"""Predictions of each row's labels by what was learned from other rows.

Two steps, of which each is linear. Ridge regression predicts all labels from the features, in closed form. Logistic
regression then predicts the labels of each head from these predictions and from the labels of the row's other heads: the
second step calibrates the first, and knows that a granulocyte with pink granules is none that has no granules (stacking,
Wolpert 1992). A row's own label is in neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from mtlzoo.auditing.targets import Target
from mtlzoo.system.blas import single_threaded_blas
from mtlzoo.system.cores import available_cores
from mtlzoo.system.progress import Progress

PENALTIES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)  # of the ridge regression, beside features of mean squared length 1
PENALTY = 1e-2  # of the logistic regression
STEPS = 40
MOST_COLUMNS = 256  # of the second step
MOST_ROWS = 20_000  # that the second step is fitted on


def deal_folds(units: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold of each row, int64 `(rows,)`; rows of one unit come into the same.

    Args:
        units: The unit of each row, from 0.
        folds: How many there are.
        seed: What is drawn from.
    """
    sizes = np.bincount(units)
    order = np.random.default_rng(seed).permutation(len(sizes))
    order = order[np.argsort(-sizes[order], kind="stable")]
    fold, filled = np.zeros(len(sizes), "int64"), np.zeros(folds)
    for unit in order:
        fold[unit] = filled.argmin()
        filled[fold[unit]] += sizes[unit]
    return fold[units]


def predict_out_of_fold(
    features: np.ndarray, targets: Sequence[Target], folds: np.ndarray, progress: bool = False
) -> list[np.ndarray]:
    """What rows of other folds tell of each row's labels.

    Args:
        features: float32 `(rows, features)`, their mean squared length 1.
        targets: What is asked.
        folds: The fold of each row.
        progress: Whether to show on standard error how far it is.

    Returns:
        For each target probabilities `(rows, classes)`, or predicted numbers `(rows, 1)`.
    """
    told, found = Progress() if progress else None, list[np.ndarray]()
    columns = [target.columns() for target in targets]
    with single_threaded_blas(), ThreadPoolExecutor(available_cores()) as pool:  # a head on each core
        scores = _first_step(features, targets, columns, folds)

        def predict(place: int) -> np.ndarray:
            others = [each for number, each in enumerate(columns) if number != place]
            return _second_step(_inputs(scores, place, others), targets[place], columns[place], folds)

        for predictions in pool.map(predict, range(len(targets))):
            found.append(predictions)
            if told:
                told.show(f"Predicted {len(found)} of {len(targets)} labels", len(found), len(targets))
    return found


# === The first step ===


def _first_step(
    features: np.ndarray, targets: Sequence[Target], columns: Sequence[np.ndarray], folds: np.ndarray
) -> list[np.ndarray]:
    """Scores `(rows, columns)` for each target; targets that are known in the same rows are fitted together."""
    together: dict[bytes, list[int]] = {}
    for place, target in enumerate(targets):
        together.setdefault(target.known.tobytes(), []).append(place)
    scores: list[np.ndarray] = [np.empty(0)] * len(targets)
    for mask, places in together.items():
        joined = np.concatenate([columns[place] for place in places], axis=1)
        found = _ridge(features, joined, np.frombuffer(mask, bool), folds)
        ends = np.cumsum([columns[place].shape[1] for place in places])[:-1]
        for place, part in zip(places, np.split(found, ends, axis=1)):
            scores[place] = part
    return scores


def _ridge(features: np.ndarray, columns: np.ndarray, known: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Out-of-fold predictions of some columns, with the penalty for which they are nearest to the labels."""
    tried = [np.zeros_like(columns) for _ in PENALTIES]
    for fold in np.unique(folds):
        train, held = known & (folds != fold), folds == fold
        if not train.any():
            continue
        inputs, mean = features[train], features[train].mean(axis=0)
        usual = columns[train].mean(axis=0)
        inputs = inputs - mean
        values, vectors = np.linalg.eigh((inputs.T @ inputs).astype("float64") / len(inputs))
        turned = vectors.T @ (inputs.T @ (columns[train] - usual)).astype("float64") / len(inputs)
        unseen = ((features[held] - mean) @ vectors.astype("float32")).astype("float32")
        for penalty, predictions in zip(PENALTIES, tried):
            weights = turned / (np.maximum(values, 0) + penalty)[:, None]
            predictions[held] = unseen @ weights.astype("float32") + usual
    errors = [float(np.square(each[known] - columns[known]).mean()) for each in tried]
    return tried[int(np.argmin(errors))]


# === The second step ===


def _inputs(scores: Sequence[np.ndarray], place: int, others: Sequence[np.ndarray]) -> np.ndarray:
    """The scores of all targets and the labels of the others; few columns stand for many."""
    standardised = [(each - each.mean(axis=0)) / (each.std(axis=0) + 1e-6) for each in scores]
    rest = [each for number, each in enumerate(standardised) if number != place]
    beside = np.concatenate([*rest, *others], axis=1) if rest else np.empty((len(scores[place]), 0), "float32")
    if beside.shape[1] > MOST_COLUMNS:
        centred = beside - beside.mean(axis=0)
        vectors = np.linalg.eigh((centred.T @ centred).astype("float64"))[1][:, -MOST_COLUMNS:]
        beside = centred @ vectors.astype("float32")
    ones = np.ones((len(beside), 1), "float32")
    return np.concatenate([standardised[place], beside, ones], axis=1, dtype="float32")


def _second_step(inputs: np.ndarray, target: Target, columns: np.ndarray, folds: np.ndarray) -> np.ndarray:
    known = target.known
    found = np.zeros((len(inputs), max(target.classes, 1)))
    for fold in np.unique(folds):
        train, held = np.flatnonzero(known & (folds != fold)), folds == fold
        if not len(train):
            continue
        train = np.random.default_rng(0).permutation(train)[:MOST_ROWS]
        if target.classes:
            found[held] = softmax(inputs[held] @ _logistic(inputs[train], columns[train]), axis=1)
        else:
            found[held] = _number(inputs[train], target.within_reach()[train], inputs[held])[:, None]
    return found


def _logistic(inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Weights `(columns, classes)` of a multinomial regression; the last column is the constant, which is not held small."""
    shape, rows = (inputs.shape[1], labels.shape[1]), len(inputs)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        weights = flat.reshape(shape).astype("float32")
        logarithms = log_softmax(inputs @ weights, axis=1)
        gradient = inputs.T @ (np.exp(logarithms) - labels) / rows
        gradient[:-1] += PENALTY * weights[:-1]
        surprise = -float((labels * logarithms).sum()) / rows
        return surprise + PENALTY / 2 * float(np.square(weights[:-1]).sum()), gradient.ravel().astype("float64")

    start = np.zeros(shape)
    start[-1] = np.log(labels.mean(axis=0) + 1e-6)
    result = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    return np.asarray(result.x.reshape(shape), "float32")


def _number(inputs: np.ndarray, values: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Ridge regression of numbers."""
    mean, usual, inputs = inputs[:, :-1].mean(axis=0), values.mean(), inputs[:, :-1]
    centred = (inputs - mean).astype("float64")
    matrix = centred.T @ centred / len(centred) + PENALTY * np.eye(centred.shape[1])
    weights = np.linalg.solve(matrix, centred.T @ (values - usual) / len(centred))
    return np.asarray((unseen[:, :-1] - mean) @ weights + usual)
