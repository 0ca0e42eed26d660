"""Which rows an epoch draws more often than others: those with rare labels, of any head."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mtlzoo.data.table import LabelTable

SAMPLINGS = ("repeat_factor", "balanced")


def check_sampling(sampling: str | None) -> str | None:
    """The name of a sampling, `None` for each row once.

    Raises:
        ValueError: If there is none of this name; the message lists those that there are.
    """
    if sampling is not None and sampling not in SAMPLINGS:
        raise ValueError(f"Expected `sampling` to be None or one of {', '.join(SAMPLINGS)}, received: {sampling!r}.")
    return sampling


def sampling_weights(table: LabelTable, sampling: str) -> np.ndarray:
    """How often each row is drawn, beside the others; from the labels of all heads that the table has.

    A label here is a class, a level, yes or no of a tag; of numbers and boxes a part of their range; of places just that
    they are known. Missing labels count for nothing.

    Args:
        table: The rows, read by their heads.
        sampling: `"repeat_factor"` (Gupta, Dollár and Girshick 2019, arXiv:1908.03195): the weight of a row is the largest
            factor of its labels, `max(1, sqrt(t / f))`, where `f` is the label's fraction of the head's labelled rows. The
            paper's `t` is one number for the images of a thousand classes; here it is the fraction that each label would
            have if all that occur were equally frequent, one half for yes and no. A label of a head that is known in
            fewer rows than heads are on average has at least the factor of the head, the same root of the two fractions.
            `"balanced"`: draw a head, then one of its labels, then one of the rows that have it, all evenly; a row without
            any label is not drawn.

    Returns:
        float64 `(rows,)`, at least 0, with a mean of 1.

    Raises:
        ValueError: If there is no such sampling.
        TableError: If a label cannot be read.

    Example:

    ```python
    frame = pd.DataFrame({"image": list("abcdefgh"), "kids": ["no"] * 6 + ["yes", None]})
    table = mtl.data.LabelTable(frame, {"kids": mtl.BinaryHead()})
    sampling_weights(table, "balanced")  # 0.67 six times, 4, 0
    ```
    """
    repeats = check_sampling(sampling) == "repeat_factor"
    weights = np.ones(len(table)) if repeats else np.zeros(len(table))
    for head_weights in _by_head(table, repeats):
        weights = np.maximum(weights, head_weights) if repeats else weights + head_weights
    return weights / weights.mean() if weights.any() else np.ones(len(table))


def draw_rows(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As many rows as there are, in a random order, each about as often as its weight says.

    A row that is expected 2.3 times is drawn twice or three times, never otherwise: systematic sampling, by which an
    epoch leaves out far fewer rows than independent draws would.

    Args:
        weights: As :func:`sampling_weights` gives them.
        rng: What is drawn from.

    Returns:
        Row numbers, int64 `(rows,)`.
    """
    rows = len(weights)
    order = rng.permutation(rows)
    ends = np.cumsum(weights[order])
    ends *= rows / ends[-1]
    ends[-1] = rows
    counts = np.diff(np.ceil(ends - rng.random()), prepend=0).astype("int64")
    return rng.permutation(np.repeat(order, counts))


def _by_head(table: LabelTable, repeats: bool) -> Iterator[np.ndarray]:
    """For each head with labels the weights of all rows: repeat factors, or probabilities of being drawn for this head."""
    strata = {name: table.heads[name].strata(targets) for name, targets in table.labels().items()}
    columns = {name: ids.reshape(len(ids), -1) for name, ids in strata.items()}
    known = {name: (ids >= 0).any(axis=1).mean() for name, ids in columns.items() if len(ids)}
    usual = np.mean([fraction for fraction in known.values() if fraction] or [1])
    for name, ids in columns.items():
        if not known.get(name):
            continue
        weights = np.zeros(ids.shape)
        for column, labels in zip(weights.T, ids.T):
            rows = labels >= 0
            present, places, counts = np.unique(labels[rows], return_inverse=True, return_counts=True)
            if repeats:
                rare = np.sqrt(rows.sum() / (len(present) * counts))
                column[rows] = np.maximum(rare, np.sqrt(usual / known[name]))[places]
            else:
                column[rows] = (1 / (len(present) * counts))[places]
        yield weights.max(axis=1) if repeats else weights.sum(axis=1) / (weights.any(axis=0).sum())
