"""The worst mistakes of a head, and labels as its predictions would write them."""

from __future__ import annotations

import numpy as np
from keras import ops

from mtlzoo.evaluation.labelled import LabelledOutputs
from mtlzoo.heads import Head
from mtlzoo.models.objectives import head_losses

IMAGES = 6
"""How many of each head."""


def worst_rows(outputs: LabelledOutputs, count: int = IMAGES) -> np.ndarray:
    """The labelled rows with the highest loss, the worst first; of classes and tags those that were got wrong.

    Args:
        outputs: A head's outputs and labels.
        count: How many rows at most.

    Returns:
        Their positions.
    """
    if not len(outputs.targets):
        return np.empty(0, "int64")
    loss = head_losses({"head": outputs.head})["head"]
    values, labelled = loss.rows(ops.convert_to_tensor(outputs.targets), ops.convert_to_tensor(outputs.outputs))
    losses, known = ops.convert_to_numpy(values).reshape(-1), ops.convert_to_numpy(labelled).reshape(-1)
    rows = np.flatnonzero(known & outputs.labelled & np.isfinite(losses))
    if is_named(outputs.head):
        said, truth = outputs.head.decode(outputs.outputs)["answer"], outputs.targets
        rows = np.array([row for row in rows if said[row] != truth_text(outputs.head, truth[[row]])], "int64")
    return rows[np.argsort(-losses[rows], kind="stable")][:count]


def is_named(head: Head) -> bool:
    """Whether a head's predictions are names, right or wrong, rather than numbers and places."""
    return hasattr(head, "names") and not head.spatial


def truth_text(head: Head, target: np.ndarray) -> str:
    """A label as the head's predictions would write it, however the cell has it: an id, a soft label, tags in any order."""
    names = getattr(head, "names", None)
    if names is None:
        return " ".join(f"{number:.4g}" for number in np.ravel(target))
    strata = head.strata(target)[0]
    if np.ndim(strata) == 0:
        return str(names[strata])
    return ";".join(name for name, given in zip(names, strata) if given == 1) or "none"
