"""What turns a head's outputs into an answer that one can act on: thresholds, "not sure", sets and intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mtlzoo.heads.base import Head
from mtlzoo.heads.conformal import Conformal
from mtlzoo.heads.texts import value_text
from mtlzoo.heads.thresholds import MIDDLE, CutHead

NOT_SURE = "not sure"
"""What is predicted where the answer's probability is too low."""


@dataclass(frozen=True)
class Decision:
    """What was fitted for one head on validation rows.

    Attributes:
        thresholds: The probability from which on the answer is yes, by the name of the tag, or of the second label;
            of objects the least score.
        confidence: The probability of an answer below which it is "not sure"; `None` for answering always.
        conformal: What belongs to the head's set or interval; `None` for none.
    """

    thresholds: Mapping[str, float] = field(default_factory=dict)
    confidence: float | None = None
    conformal: Conformal | None = None

    def __bool__(self) -> bool:
        """Whether anything was fitted."""
        return bool(self.thresholds) or self.confidence is not None or self.conformal is not None

    def with_thresholds_at(self, temperature: float) -> Decision:
        """The same thresholds where logits have been divided by a temperature since, and nothing else.

        The thresholds' own logits are divided, so that each answer stays what it was. What confidences and sets say does
        not carry over: rows of several classes change their order.
        """
        return Decision({name: _at_temperature(value, temperature) for name, value in self.thresholds.items()})

    def apply(self, head: Head) -> Head:
        """The head with these thresholds."""
        return head.with_thresholds(self.thresholds) if self.thresholds and isinstance(head, CutHead) else head

    def get_config(self) -> dict[str, Any]:
        """What JSON can hold, without what is empty."""
        config: dict[str, Any] = {"thresholds": dict(self.thresholds)} if self.thresholds else {}
        if self.confidence is not None:
            config["confidence"] = self.confidence
        return config if self.conformal is None else {**config, "conformal": self.conformal.get_config()}

    @classmethod
    def from_config(cls, config: Any, head: Head) -> Decision:
        """What `get_config` gave, checked, since it may come from a file that somebody else wrote.

        Raises:
            ValueError: If it is nothing of the kind, or does not fit the head.
        """
        if not isinstance(config, Mapping):
            raise ValueError(f"Expected a dictionary, received: {value_text(config)}.")
        thresholds, confidence = config.get("thresholds", {}), config.get("confidence")
        questions = head.questions() if isinstance(head, CutHead) else ()
        if not isinstance(thresholds, Mapping) or not set(thresholds) <= set(questions):
            raise ValueError(
                f"Expected thresholds by the name of the tag or label, received: {value_text(thresholds)}."
            )
        if not all(_is_fraction(value) and 0 < value < 1 for value in thresholds.values()):
            raise ValueError(f"Expected thresholds in (0, 1), received: {value_text(thresholds)}.")
        if confidence is not None and not _is_fraction(confidence):
            raise ValueError(f"Expected a confidence from 0 to 1, received: {value_text(confidence)}.")
        found = config.get("conformal")
        made = cls(dict(thresholds), confidence, None if found is None else Conformal.from_config(found, head))
        return replace(made, thresholds={name: float(value) for name, value in made.thresholds.items()})


def _is_fraction(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _at_temperature(probability: float, temperature: float) -> float:
    """A probability between 0 and 1 whose logit is divided; as near to 0 and 1 as a threshold may be."""
    logit = (math.log(probability) - math.log1p(-probability)) / temperature
    return min(max((1 + math.tanh(logit / 2)) / 2, 1e-12), 1 - 1e-12)


def at_temperature(head: Head, temperature: float) -> Head:
    """The head for outputs of which the logits have been divided: with thresholds by which its answers are the same."""
    own = head.thresholds if isinstance(head, CutHead) else {}
    return Decision(own).with_thresholds_at(temperature).apply(head)


def decided_heads(heads: Mapping[str, Head], decisions: Mapping[str, Decision]) -> dict[str, Head]:
    """The heads as they answer: with the thresholds that were fitted.

    Args:
        heads: A model's heads by name.
        decisions: What was fitted, by the name of the head.
    """
    return {name: decisions[name].apply(head) if name in decisions else head for name, head in heads.items()}


def with_own_thresholds(heads: Mapping[str, Head], decisions: Mapping[str, Decision]) -> dict[str, Decision]:
    """The same decisions, and those thresholds that heads were made with where nothing was fitted.

    These are then moved like others where logits are divided.
    """
    own = {
        name: replace(decisions.get(name, Decision()), thresholds=head.thresholds)
        for name, head in heads.items()
        if isinstance(head, CutHead)
        and not decisions.get(name, Decision()).thresholds
        and any(threshold != MIDDLE for threshold in head.thresholds.values())
    }
    return {**decisions, **own}


def without_sets(decisions: Mapping[str, Decision]) -> dict[str, Decision]:
    """The same decisions, but no sets and intervals."""
    return {name: replace(decision, conformal=None) for name, decision in decisions.items()}


def dependents(heads: Mapping[str, Head], names: set[str]) -> set[str]:
    """These heads, and all that are asked only where one of them has certain labels."""
    found, before = set(names), set[str]()
    while found != before:
        before = set(found)
        found |= {name for name, head in heads.items() if before & set(head.only_if or {})}
    return found


def decisions_of(network: Any) -> Mapping[str, Decision]:
    """What was fitted for the heads of a model, or of what stands for one where it predicts."""
    return getattr(getattr(network, "calibration", None), "decisions", {})
