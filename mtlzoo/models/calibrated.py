"""What was fitted on validation rows after training, and travels with the model into every file of it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from mtlzoo.heads import Head
from mtlzoo.heads.decisions import Decision, decided_heads
from mtlzoo.heads.texts import value_text
from mtlzoo.models.known_images import KnownImages


@dataclass(frozen=True)
class Calibration:
    """What is known of a trained model's predictions from rows that it was not trained on.

    Each field is empty until something is fitted. Training a model further empties all of them, since they are true of
    these weights alone.

    Attributes:
        temperatures: What the logits of a head were divided by, by the head's name. The weights of its last layer are
            divided already: this is a note.
        decisions: Thresholds, confidences, and what belongs to sets and intervals, by the head's name.
        images: What the images of the training are like, by which others are told to be unusual.

    Example:

    ```python
    mtl.calibrate(model, valid)
    model.calibration.temperatures  # {'coat_length': 1.31}
    ```
    """

    temperatures: Mapping[str, float] = field(default_factory=dict)
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    images: KnownImages | None = None

    def __bool__(self) -> bool:
        """Whether anything was fitted."""
        return any(getattr(self, each.name) for each in fields(self))

    def of_heads(self, names: Collection[str]) -> Calibration:
        """What is known of these heads alone."""
        return replace(
            self,
            temperatures={name: value for name, value in self.temperatures.items() if name in names},
            decisions={name: value for name, value in self.decisions.items() if name in names},
        )

    def decided(self, heads: Mapping[str, Head]) -> dict[str, Head]:
        """The model's heads as they answer, with the thresholds that were fitted."""
        return decided_heads(heads, self.decisions)

    def with_decisions(self, decisions: Mapping[str, Decision]) -> Calibration:
        """The same with other decisions for some heads."""
        merged = {**self.decisions, **decisions}
        return replace(self, decisions={name: decision for name, decision in merged.items() if decision})

    def with_temperatures(self, temperatures: Mapping[str, float]) -> Calibration:
        """What is still true once the logits of some heads have been divided: thresholds follow, so that answers stay.

        Args:
            temperatures: What they were divided by now, by the head's name.
        """
        all_of_it = {name: self.temperatures.get(name, 1.0) * value for name, value in temperatures.items()}
        moved = {
            name: decision.with_thresholds_at(temperatures.get(name, 1.0)) for name, decision in self.decisions.items()
        }
        return replace(self, temperatures={**self.temperatures, **all_of_it}).with_decisions(moved)

    def get_config(self) -> dict[str, Any]:
        """What JSON can hold, without what is empty."""
        config: dict[str, Any] = {"temperatures": dict(self.temperatures)} if self.temperatures else {}
        if self.decisions:
            config["decisions"] = {name: decision.get_config() for name, decision in self.decisions.items()}
        return config if self.images is None else {**config, "images": self.images.get_config()}

    @classmethod
    def from_config(cls, config: Any, heads: Mapping[str, Head]) -> Calibration:
        """What `get_config` gave, checked, since it may come from a file that somebody else wrote.

        Args:
            config: A dictionary. Entries that this version does not know are left out.
            heads: The model's heads.

        Returns:
            The calibration.

        Raises:
            ValueError: If it is not what `get_config` gives, or is of other heads.
        """
        if not isinstance(config, Mapping):
            raise ValueError(f"Expected a dictionary, received: {value_text(config)}.")
        temperatures = config.get("temperatures", {})
        if not isinstance(temperatures, Mapping) or not set(temperatures) <= set(heads):
            raise ValueError(f"Expected temperatures by the name of the head, received: {value_text(temperatures)}.")
        for value in temperatures.values():
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
                raise ValueError(f"Expected temperatures above 0, received: {value_text(value)}.")
        decisions = config.get("decisions", {})
        if not isinstance(decisions, Mapping) or not set(decisions) <= set(heads):
            raise ValueError(f"Expected decisions by the name of the head, received: {value_text(decisions)}.")
        return cls(
            temperatures={name: float(value) for name, value in temperatures.items()},
            decisions={name: Decision.from_config(value, heads[name]) for name, value in decisions.items()},
            images=KnownImages.from_config(config["images"]) if "images" in config else None,
        )
