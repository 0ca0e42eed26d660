"""What is not true any more once something that it was fitted on has changed."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace

from mtlzoo.heads.decisions import Decision, dependents
from mtlzoo.heads.texts import shorten
from mtlzoo.models import Calibration, MultiTaskModel
from mtlzoo.models.temperatures import fold_temperatures


def outdate(model: MultiTaskModel, heads: set[str]) -> Calibration:
    """What is still known where heads answer otherwise than before.

    Confidences and sets of these heads, and of those that are asked only where they have certain answers, were fitted on
    other answers; a warning names them.

    Args:
        model: The model.
        heads: The names of the heads whose thresholds change.
    """
    lost = {
        name: Decision(thresholds=decision.thresholds)
        for name, decision in model.calibration.decisions.items()
        if name in dependents(model.heads, heads) and decision != Decision(thresholds=decision.thresholds)
    }
    if lost:
        warn_of_lost(set(lost))
    kept = {name: decision for name, decision in model.calibration.decisions.items() if name not in lost}
    return replace(model.calibration, decisions=kept).with_decisions(lost)


def outdate_by_temperatures(model: MultiTaskModel, temperatures: Mapping[str, float]) -> None:
    """Divide the logits of heads. Thresholds follow; a warning names what else was known and is not true any more.

    Args:
        model: The model, changed in place.
        temperatures: What logits are divided by, by the head's name.
    """
    decisions = model.calibration.decisions
    fold_temperatures(model, temperatures)
    if lost := {name for name, each in decisions.items() if each != Decision(thresholds=each.thresholds)}:
        warn_of_lost(lost)


def warn_of_lost(heads: set[str]) -> None:
    """Say which confidences, sets and intervals are gone."""
    warnings.warn(
        f'What {shorten(sorted(heads))} say has changed, and with it what was fitted on that: for "not sure", sets and '
        "intervals call mtl.abstain and mtl.conformal again.",
        UserWarning,
        stacklevel=4,
    )
