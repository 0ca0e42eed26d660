"""The two quadratic programs of gradient balancing, solved exactly as non-negative least squares."""

from __future__ import annotations

import numpy as np

# Rows shorter than this, compared with the longest, count as zero: their squares have no place beside its.
NEGLIGIBLE = 1e-100


def nearest_point(rows: np.ndarray) -> np.ndarray:
    """The point of the rows' convex hull that is nearest to the origin.

    `min ||sum_i a_i r_i||` with `a >= 0` and `sum_i a_i = 1`. For `y = s a` with `s >= 0`, the least over `s` of
    `||sum_i y_i r_i||^2 + (sum_i y_i - 1)^2` rises with `||sum_i a_i r_i||`, so that the program without the equation
    has the same `a = y / sum_i y_i`.

    Args:
        rows: Float64 `(rows, columns)`.

    Returns:
        The weights `a`; where rows are zero, these share all the weight.
    """
    lengths = np.linalg.norm(rows, axis=1)
    zero = lengths <= NEGLIGIBLE * lengths.max()
    if zero.any():
        return zero / zero.sum()
    columns = np.vstack([rows.T / lengths.min(), np.ones(len(rows))])
    sizes = np.linalg.norm(columns, axis=0)
    scaled = _nonnegative(columns / sizes, np.eye(len(columns))[-1]) / sizes
    return scaled / scaled.sum()


def project(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The vector nearest to `sum_i u_i r_i` that has no negative inner product with any row.

    By duality it is `sum_i v_i r_i` with the `v` of `min ||sum_i v_i r_i||` with `v >= u` (Quinton and Rey 2024,
    arXiv:2406.16232, proposition 1).

    Args:
        rows: Float64 `(rows, columns)`.
        weights: The weights `u` `(rows,)`.

    Returns:
        The weights `v`.
    """
    lengths = np.linalg.norm(rows, axis=1)
    safe = np.where(lengths > NEGLIGIBLE * lengths.max(), lengths, np.inf)
    target = -(weights @ rows)
    size = np.linalg.norm(target)
    if size == 0:
        return weights
    return weights + _nonnegative((rows / safe[:, None]).T, target / size) * size / safe


def _nonnegative(matrix: np.ndarray, target: np.ndarray) -> np.ndarray:
    from scipy.optimize import nnls

    return nnls(matrix, target, maxiter=30 * matrix.shape[1])[0]
