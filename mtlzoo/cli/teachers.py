"""Who fills in missing labels, as `mtlzoo train` was told."""

from __future__ import annotations

import argparse
from pathlib import Path

from mtlzoo.reports.sources import MODELS
from mtlzoo.saving import load_model
from mtlzoo.training import Teach

ITSELF = "itself"


def teach_of(options: argparse.Namespace) -> Teach | None:
    """The setting that `--teacher`, `--distill` and `--unlabelled` stand for; `None` without a teacher.

    Raises:
        ValueError: If there are images without labels or a distillation, and no teacher.
    """
    if options.teacher is None:
        for name in ("unlabelled", "distill"):
            if getattr(options, name) is not None:
                raise ValueError(f"Expected --teacher beside --{name}: MODEL.h5 of an earlier training, or itself.")
        return None
    if ITSELF in options.teacher and len(options.teacher) > 1:
        raise ValueError("Expected --teacher to name models, or itself alone, received both.")
    files = [] if options.teacher == [ITSELF] else options.teacher
    teachers = [load_model(_file_of(Path(name))) for name in files]
    return Teach(teachers or None, labelled=options.distill or 0.0, unlabelled=options.unlabelled)


def _file_of(path: Path) -> Path:
    """A model file, or that in the folder of a run."""
    if not path.is_dir():
        return path
    return next((path / name for name in MODELS if (path / name).exists()), path)
