"""What turns predictions into suspicions: the package's own confident learning, or cleanlab."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mtlzoo.auditing.suspicion import Suspicion, suspect_classes
from mtlzoo.errors import InputError

Engine = Callable[[np.ndarray, np.ndarray], Suspicion]
"""From the classes of rows and their probabilities to what is to be thought of them."""


def find_engine(name: str) -> Engine:
    """The engine with a name.

    Raises:
        InputError: If there is none.
        ImportError: If it is that of a package which is not installed.
    """
    if name == "mtlzoo":
        return suspect_classes
    if name != "cleanlab":
        raise InputError(f'Expected `engine` to be "mtlzoo" or "cleanlab", received: {name!r}.')
    try:
        from cleanlab.filter import find_label_issues
        from cleanlab.rank import get_label_quality_scores
    except ImportError:
        raise ImportError('engine="cleanlab" needs a package: pip install "mtlzoo[cleanlab]"') from None

    def suspect(ids: np.ndarray, probabilities: np.ndarray) -> Suspicion:
        present = np.unique(ids)  # cleanlab wants each class to have rows
        known = np.searchsorted(present, ids)
        kept = probabilities[:, present] + 1e-12
        kept = kept / kept.sum(axis=1, keepdims=True)
        quality = get_label_quality_scores(known, kept, method="normalized_margin")
        wrong = find_label_issues(known, kept, filter_by="confident_learning", n_jobs=1)
        return Suspicion(1 - np.asarray(quality, "float64"), np.asarray(wrong, bool))

    return suspect
