"""A teacher at work: its predictions become labels of the training rows, with weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mtlzoo.data import LabelTable
from mtlzoo.data.row_values import place_labels
from mtlzoo.data.taught import TaughtRows
from mtlzoo.errors import InputError
from mtlzoo.heads import Head
from mtlzoo.heads.classes import ClassesHead
from mtlzoo.heads.conditions import NO, YES, asked_by_labels, probability_asked
from mtlzoo.heads.spatial import SpatialHead
from mtlzoo.heads.temperature import fit_temperature
from mtlzoo.training.confidence import trust
from mtlzoo.training.evidence import fit_exponent, log_probabilities, with_evidence
from mtlzoo.training.neighbours import MOST_ROWS, spread_labels
from mtlzoo.training.other_labels import OtherLabels
from mtlzoo.training.teach import Teach
from mtlzoo.training.teacher_answers import Answers, mean_answers

HeadsAndAnswers = tuple[Mapping[str, Head], Answers]


class TeacherLabels:
    """The labels of a teacher for the rows of a training.

    Args:
        teach: The settings.
        heads: The pupil's heads by name.
        train: The training rows, bound to these heads.
        valid: The validation rows, likewise; `None` for none, and the teacher is then believed as it is.

    Attributes:
        rows: The labels and weights, filled in by :meth:`fill`; heads that are not taught are not among them.
        temperatures: What each head's logits were divided by.
        exponents: How far what is known beside the image is believed, for each kind of evidence and each head.

    Raises:
        InputError: If a head that is to be taught is none of the pupil's, or cannot be taught.
    """

    def __init__(self, teach: Teach, heads: Mapping[str, Head], train: LabelTable, valid: LabelTable | None):
        self.teach, self.heads, self.train, self.valid = teach, heads, train, valid
        self.labels, self.valid_labels = train.labels(), {} if valid is None else valid.labels()
        self.known = {name: heads[name].labelled(labels) for name, labels in self.labels.items()}
        self.rows = TaughtRows()
        self.temperatures: dict[str, float] = {}
        self.exponents: dict[str, dict[str, float]] = {}
        possible = [name for name in self.labels if heads[name].teachable]
        for name in teach.heads or ():
            if name not in possible:
                raise InputError(
                    f"Expected heads to teach among those that can be ({', '.join(possible)}), received: {name!r}."
                )
        self.names = [name for name in possible if teach.heads is None or name in teach.heads]
        if not self.names:
            raise InputError(
                f"Expected heads to teach, received: {', '.join(self.labels)}, of which none is to be or can be."
            )

    @property
    def looks_at_features(self) -> bool:
        """Whether the teacher's features of all rows are of use."""
        return "neighbours" in self.teach.evidence and self.valid is not None and 2 < len(self.train) <= MOST_ROWS

    def fill(self, answers: Sequence[HeadsAndAnswers], valid_answers: Sequence[HeadsAndAnswers]) -> None:
        """Make labels of what teachers say of the training rows.

        Args:
            answers: Of each teacher its heads, and what it says of the training rows.
            valid_answers: Likewise of the validation rows; empty if there are none.

        Raises:
            InputError: If a teacher has none of the heads, or one of another kind.
        """
        calibrated: dict[str, np.ndarray] = {}
        checked: dict[str, np.ndarray] = {}
        scores, geometries = {}, {}
        for name in self.names:
            head, said = self.heads[name], mean_answers(answers, name, self.heads[name])
            if said is None:
                continue
            of_valid = mean_answers(valid_answers, name, head)
            temperature, scores[name] = self._calibrate(name, of_valid)
            self.temperatures[name], geometries[name] = temperature, said.geometry
            calibrated[name] = head.at_temperature(said.outputs[name], temperature)
            if of_valid is not None:
                checked[name] = head.at_temperature(of_valid.outputs[name], temperature)
        if not calibrated:
            others = sorted({name for heads, _ in answers for name in heads})
            raise InputError(
                f"Expected a teacher with some of the heads {', '.join(self.names)}, received one with: {', '.join(others)}."
            )
        if valid_answers:
            calibrated = self._with_evidence(calibrated, checked, answers[0][1], valid_answers[0][1])
        for name, outputs in calibrated.items():
            head = self.heads[name]
            told = head.at_temperature(outputs, self.teach.temperature)
            labels = head.taught(head.to_image_space(told, geometries[name]), geometries[name])
            weights = self._weights(name, trust(head, outputs, self.teach.confidence, scores[name]))
            # In place where they are there: the pipelines hold these very arrays.
            for into, values in ((self.rows.labels, labels), (self.rows.weights, weights)):
                into.setdefault(name, values)[...] = values
        self._leave_out_inapplicable(self._parents(answers, valid_answers, calibrated) | calibrated)

    def summary(self) -> str:
        """A line a head: how many labels it is taught, and how far the teacher is believed."""
        lines = []
        for name, weights in self.rows.weights.items():
            missing = ~self.known[name]
            believed = weights[missing].sum() * missing.mean() / self.teach.missing if self.teach.missing else 0.0
            facts = [f"temperature {self.temperatures[name]:.2f}"]
            facts += [
                f"{kind.replace('_', ' ')} {found[name]:.2f}" for kind, found in self.exponents.items() if name in found
            ]
            lines.append(
                f"  {name}: {missing.sum():,} labels missing, taught with a mean weight of "
                f"{believed / max(missing.sum(), 1):.2f} ({', '.join(facts)})"
            )
        return "\n".join(lines)

    def _calibrate(self, name: str, said: Answers | None) -> tuple[float, float]:
        """The temperature of a head's outputs and its score on labelled validation rows; 1 and 1 without such."""
        if said is None or self.valid is None or name not in self.valid_labels:
            return 1.0, 1.0
        head, outputs, targets = self.heads[name], said.outputs[name], self.valid_labels[name]
        if not head.labelled(targets).any():
            return 1.0, 1.0
        temperature = fit_temperature(head, outputs, targets)
        if isinstance(head, SpatialHead):
            placed = place_labels(self.valid, name, targets, said.geometry)
            return temperature, float(np.nan_to_num(head.evaluate(placed, outputs, said.geometry)["score"]))
        return temperature, float(np.nan_to_num(head.evaluate(targets, outputs)["score"]))

    def _parents(
        self,
        answers: Sequence[HeadsAndAnswers],
        valid_answers: Sequence[HeadsAndAnswers],
        taught: Mapping[str, np.ndarray],
    ) -> dict[str, np.ndarray]:
        """What teachers say of heads that are not taught and decide whether others are asked, as far as they know them."""
        found = {}
        for name in sorted({parent for head in self.heads.values() for parent in head.only_if or {}} - taught.keys()):
            try:
                said, of_valid = (mean_answers(each, name, self.heads[name]) for each in (answers, valid_answers))
            except InputError:
                continue  # a head of another kind, which nobody has asked to be taught
            if said is not None:
                found[name] = self.heads[name].at_temperature(said.outputs[name], self._calibrate(name, of_valid)[0])
        return found

    def _with_evidence(
        self, outputs: dict[str, np.ndarray], checked: dict[str, np.ndarray], said: Answers, of_valid: Answers
    ) -> dict[str, np.ndarray]:
        """The teacher's outputs with what else is known, as far as validation rows say that it helps."""
        labels, self.exponents = self.valid_labels, {kind: {} for kind in self.teach.evidence}
        heads = {name: head for name, head in self.heads.items() if name in checked and name in labels}
        of_classes = {name: head for name, head in heads.items() if isinstance(head, ClassesHead)}
        features, others_features = said.features, of_valid.features
        if self.looks_at_features and of_classes and features is not None and others_features is not None:
            told, told_of_valid = spread_labels(features, others_features, of_classes, self.labels)
            for name, head in of_classes.items():
                truth = head.strata(labels[name])
                exponent = fit_exponent(log_probabilities(head, checked[name]), told_of_valid[name], truth)
                self.exponents["neighbours"][name] = exponent
                outputs[name] = with_evidence(head, outputs[name], told[name], exponent)
                checked[name] = with_evidence(head, checked[name], told_of_valid[name], exponent)
        if "other_labels" in self.exponents:
            others = OtherLabels(self.heads, self.labels, outputs)
            for name in of_classes:
                exponent = self.exponents["other_labels"][name] = others.fit(name, labels, checked[name])
                outputs[name] = others.apply(name, outputs[name], exponent)
        return outputs

    def _weights(self, name: str, trusted: np.ndarray) -> np.ndarray:
        """The weight of each row: a mean over those with a label, and one over those without."""
        known = self.known[name]
        labelled = self.teach.labelled / max(known.mean(), 1e-9)
        missing = self.teach.missing / max((~known).mean(), 1e-9)
        return np.where(known, labelled, missing * trusted).astype("float32")

    def _leave_out_inapplicable(self, outputs: Mapping[str, np.ndarray]) -> None:
        """Do not teach heads of rows that they are not asked for, by the labels of their parents or by the teacher.

        Args:
            outputs: What the teacher says of heads, those that are not taught too, since they may be parents.
        """
        asked, likely = asked_by_labels(self.heads, self.labels), probability_asked(self.heads, outputs)
        for name, states in asked.items():
            if name in self.rows.weights:
                factor = np.where(states == NO, 0.0, np.where(states == YES, 1.0, likely[name]))
                self.rows.weights[name] *= factor.astype("float32")
