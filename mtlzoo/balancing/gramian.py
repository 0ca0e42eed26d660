"""What follows from the inner products of the tasks' gradients."""

from __future__ import annotations

import numpy as np

# Gradients and their products come in single precision: of cosines, what is smaller than this is rounding.
RANK_TOLERANCE = 1e-6


def norms_and_cosines(gramian: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gradients' norms `(tasks,)` and the cosines between them `(tasks, tasks)`, 0 with a zero gradient.

    Norms and angles apart are as accurate for the shortest gradient as for the longest, which the Gramian's eigenvalues
    are not.
    """
    norms = np.sqrt(np.maximum(np.diag(gramian), 0))
    known = norms > 0
    safe = np.where(known, norms, 1)
    cosines = np.where(np.outer(known, known), gramian / safe[:, None] / safe, 0)
    cosines = np.clip(cosines, -1, 1)
    np.fill_diagonal(cosines, known)
    return norms, cosines


def vectors(gramian: np.ndarray) -> np.ndarray:
    """Rows `(tasks, tasks)` with this Gramian: the gradients but for a rotation."""
    norms, cosines = norms_and_cosines(gramian)
    values, axes = np.linalg.eigh(cosines)
    rows = axes * np.sqrt(np.maximum(values, 0))
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return norms[:, None] * rows / np.where(lengths > 0, lengths, 1)


def rank(cosines: np.ndarray) -> int:
    """How many of the gradients are independent, beyond rounding."""
    values = np.linalg.eigvalsh(cosines)
    return int((values > RANK_TOLERANCE * values[-1]).sum())


def equal_angles(cosines: np.ndarray) -> np.ndarray:
    """Coefficients of the unit gradients whose sum has the same inner product, 1, with each of them.

    Where there is no such direction, the nearest in least squares, `C^+ 1` with the pseudo-inverse of the cosines `C`;
    zeros where that is no better than nothing, as with two opposite gradients.
    """
    coefficients = np.linalg.pinv(cosines, rcond=RANK_TOLERANCE, hermitian=True).sum(axis=1)
    reached = np.linalg.norm(cosines @ coefficients) ** 2 / len(cosines)
    return coefficients if reached > RANK_TOLERANCE else np.zeros(len(cosines))
