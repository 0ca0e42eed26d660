"""What the labels of a row's other heads tell of one that is missing.

A network looks at the image alone. A row that lacks a label mostly has others, and they belong together: whoever knows that
the granules are purple knows a lot about the type of the cell. How classes of two heads go together is read from the rows
with a label of the one, by the labels of the other where there are some, and by what the teacher says of it where not. How
far that is to be believed beside the image, which has told the teacher much of it already, is one exponent for each head,
for which validation rows with as few labels as training rows have are likeliest.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mtlzoo.heads import Head
from mtlzoo.heads.classes import ClassesHead
from mtlzoo.heads.teachable import SMALLEST
from mtlzoo.training.evidence import fit_exponent, log_probabilities, with_evidence

PRIOR = 1.0  # row that says what is usual, beside those that were seen

Labels = Mapping[str, np.ndarray]


class OtherLabels:
    """How the classes of heads go together.

    Args:
        heads: The heads by name; those with one class a row take part.
        labels: Encoded targets of the training rows by head.
        outputs: The teacher's calibrated outputs of these rows by head.
    """

    def __init__(self, heads: Mapping[str, Head], labels: Labels, outputs: Labels):
        self.heads = {name: head for name, head in heads.items() if isinstance(head, ClassesHead)}
        self.ids = self._ids(labels)
        self.ratios: dict[tuple[str, str], np.ndarray] = {}
        for name in outputs.keys() & self.heads.keys():
            said = self._said(name, outputs[name])
            usual = said.mean(axis=0) + SMALLEST
            for other, ids in self.ids.items():
                if other != name:
                    counts = np.stack([said[ids == each].sum(axis=0) for each in range(len(self.heads[other].names))])
                    seen = counts.sum(axis=1, keepdims=True)
                    together = (counts + PRIOR * usual) / (seen + PRIOR)
                    self.ratios[name, other] = np.log(together / usual)

    def fit(self, name: str, labels: Labels, outputs: np.ndarray, seed: int = 0) -> float:
        """The exponent of one head.

        Args:
            name: The head.
            labels: Encoded targets of validation rows by head.
            outputs: The teacher's calibrated outputs of these rows.
            seed: What is drawn from: which training row says which labels a validation row shows.

        Returns:
            From 0, other labels tell nothing, to 4.
        """
        if name not in self.heads or name not in labels:
            return 0.0
        ids, rng = self._ids(labels), np.random.default_rng(seed)
        shown = rng.integers(len(next(iter(self.ids.values()))), size=len(ids[name]))
        both = ids.keys() & self.ids.keys()
        few = {other: np.where(self.ids[other][shown] >= 0, ids[other], -1) for other in sorted(both)}
        return fit_exponent(log_probabilities(self.heads[name], outputs), self._evidence(name, few), ids[name])

    def apply(self, name: str, outputs: np.ndarray, exponent: float) -> np.ndarray:
        """The teacher's outputs of the training rows, with what the rows' other labels tell."""
        if not exponent:
            return outputs
        return with_evidence(self.heads[name], outputs, self._evidence(name, self.ids), exponent)

    def _evidence(self, name: str, ids: Labels) -> np.ndarray:
        """The sum of what each label tells, `(rows, classes)`."""
        total = np.zeros((len(next(iter(ids.values()))), len(self.heads[name].names)))
        for other, values in ids.items():
            if (name, other) in self.ratios:
                known = values >= 0
                total[known] += self.ratios[name, other][values[known]]
        return total

    def _ids(self, labels: Labels) -> dict[str, np.ndarray]:
        return {name: head.strata(labels[name]) for name, head in self.heads.items() if name in labels}

    def _said(self, name: str, outputs: np.ndarray) -> np.ndarray:
        """The probability of each class, 1 for that of the label where there is one."""
        said = self.heads[name].probabilities(outputs).astype("float64")
        known = self.ids[name] >= 0
        said[known] = np.eye(said.shape[1])[self.ids[name][known]]
        return said
