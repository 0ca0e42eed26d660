"""The settings of teaching: whose predictions stand in for missing labels, and how much they count."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from math import inf
from numbers import Real
from typing import Any

from mtlzoo.data import LabelTable
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.multitask import check_model

CONFIDENCES = ("relative", "calibrated")
EVIDENCE = ("neighbours", "other_labels")


@dataclass(frozen=True, eq=False)
class Teach:
    """Missing labels are filled in by a teacher, as far as it can be trusted; labels of people stay as they are.

    A label that is missing is no part of a loss. With this setting of :func:`mtlzoo.fit` a teacher predicts all training
    images before they are varied, and its predictions become soft labels of the cells that nobody labelled; the network
    learns them from the varied images. What the teacher's probabilities are worth is found out on the validation rows, by a
    temperature for each head (Guo et al. 2017); of each class the surer half of its predictions counts in full, the others
    less the more they fall behind (SoftMatch, Chen et al. 2023), so that a rare or difficult class is taught as well.
    Numbers, points and boxes count as much as the teacher's score on validation rows says. Objects (`DetectionHead`) cannot
    be taught.

    Attributes:
        teacher: A model that was trained before, with some of the same heads: a larger one, one for a single head, or
            several, of which the mean is taken. It predicts once. `None` for the network itself, averaged over its steps
            (mean teacher, Tarvainen and Valpola 2017): it predicts at the start of each epoch, from the second one on, and
            in all stages after the first.
        missing: How much the teacher counts where labels are missing, beside the labels' 1; at least 0.
        labelled: The same for rows that people have labelled, besides their labels: distillation of the teacher (Hinton et
            al. 2015); at least 0.
        temperature: What the calibrated logits are divided by: below 1 the teacher seems surer than it is, above 1 it tells
            more of the classes that it does not predict; above 0.
        confidence: How sure predictions have to be: `"relative"` to others of the same class; `"calibrated"`, each counts as
            its probability says; or a probability from 0 to 1 from which on they count in full, and not below it
            (FixMatch, Sohn et al. 2020).
        evidence: What else tells what a missing label may be, for heads with one class a row, as far as it helps on
            validation rows: `"other_labels"` of the row (:mod:`mtlzoo.training.other_labels`), and `"neighbours"`, the
            labels of images that look alike to the teacher (:mod:`mtlzoo.training.neighbours`; up to 30,000 rows).
        momentum: That of the average that teaches, where no teacher is given; above 0, below 1.
        unlabelled: Further images without any label: a table, whose labels are not looked at, or a folder.
        heads: The names of the heads that are taught; `None` for all that can be.

    Raises:
        ValueError: If a number is out of its range.
        TypeError: If a teacher has no heads.

    Example:

    ```python
    history = mtl.fit(model, train, valid, mtl.Stage(1, 1e-3, "heads"), teach=mtl.Teach(model))
    ```
    """

    teacher: MultiTaskModel | Sequence[MultiTaskModel] | None = None
    missing: float = 1.0
    labelled: float = 0.0
    temperature: float = 1.0
    confidence: str | float = "relative"
    evidence: Sequence[str] = EVIDENCE
    momentum: float = 0.99
    unlabelled: LabelTable | str | os.PathLike[str] | None = None
    heads: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.teacher, list | tuple) and not self.teacher:
            raise ValueError("Expected `teacher` to have a model, or to be None for the network itself; received none.")
        for model in self.teachers:
            check_model(model)
        ranges: dict[str, tuple[str, Callable[[float], bool]]] = {
            "missing": ("a number of at least 0", lambda value: 0 <= value < inf),
            "labelled": ("a number of at least 0", lambda value: 0 <= value < inf),
            "temperature": ("a number above 0", lambda value: 0 < value < inf),
            "momentum": ("a number above 0 and below 1", lambda value: 0 < value < 1),
        }
        for name, (expected, fits) in ranges.items():
            value = getattr(self, name)
            if not isinstance(value, Real) or isinstance(value, bool) or not fits(float(value)):
                raise ValueError(f"Expected `{name}` to be {expected}, received: {value!r}.")
        if isinstance(self.evidence, str) or not set(self.evidence) <= set(EVIDENCE):
            raise ValueError(f"Expected `evidence` to be some of {', '.join(EVIDENCE)}, received: {self.evidence!r}.")
        if isinstance(self.heads, str):
            raise ValueError(f"Expected `heads` to be a list of names, received: {self.heads!r}.")
        chosen = self.confidence
        known = chosen in CONFIDENCES if isinstance(chosen, str) else isinstance(chosen, Real) and 0 <= chosen <= 1
        if not known:
            raise ValueError(
                f"Expected `confidence` to be {' or '.join(map(repr, CONFIDENCES))} or a probability, received: {chosen!r}."
            )
        if not self.missing and not self.labelled:
            raise ValueError(
                "Expected `missing` or `labelled` above 0, since nothing would be taught; `None` is for that."
            )

    @property
    def teachers(self) -> list[MultiTaskModel]:
        """The models that teach; none if the network teaches itself."""
        if self.teacher is None:
            return []
        return list(self.teacher) if isinstance(self.teacher, list | tuple) else [self.teacher]  # type: ignore[list-item]

    def get_config(self) -> dict[str, Any]:
        """All settings as plain JSON values: of models their names, of images how many there are or where."""
        config = {field.name: getattr(self, field.name) for field in fields(self)}
        images = self.unlabelled
        return config | {
            "teacher": [model.name for model in self.teachers] or None,
            "unlabelled": f"{len(images)} images" if isinstance(images, LabelTable) else images and os.fspath(images),
            "heads": None if self.heads is None else list(self.heads),
            "evidence": list(self.evidence),
        }


def teaching(teach: Any) -> Teach | None:
    """The setting that an argument stands for; `None` for no teacher.

    Raises:
        TypeError: If it is no such argument.
    """
    if teach is None or isinstance(teach, Teach):
        return teach
    if isinstance(teach, MultiTaskModel):
        raise TypeError("Expected `teach` to be a mtl.Teach, received a model: write teach=mtl.Teach(model).")
    if isinstance(teach, Mapping):
        raise TypeError(
            "Expected `teach` to be a mtl.Teach, received what a file says of one: teachers are not in files, load them."
        )
    raise TypeError(f"Expected `teach` to be a mtl.Teach or None, received: {teach!r}.")
