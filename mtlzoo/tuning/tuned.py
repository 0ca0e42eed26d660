"""What a search has found."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from mtlzoo.training import Recipe
from mtlzoo.tuning.space import Settings, apply

if TYPE_CHECKING:
    import optuna

STATES = {"COMPLETE": "finished", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running", "WAITING": "waiting"}


@dataclass(frozen=True)
class Tuned:
    """What a search has found.

    Attributes:
        study: Optuna's study, for its own plots and importances.
        recipe: The recipe that the search began with.

    Example:

    ```python
    space, recipe = {"label_smoothing": (0.0, 0.2)}, mtl.Recipe(stages=[mtl.Stage(1, 1e-3, "heads")])
    tuned = mtl.tune(lambda: mtl.build("tcdcn", train.heads), train, valid, space, recipe=recipe, trials=1)
    model = mtl.build("tcdcn", train.heads, **tuned.best_build)
    print(tuned.best, tuned.best_score, tuned.trials, sep="\\n")
    ```
    """

    study: optuna.Study
    recipe: Recipe

    @property
    def best(self) -> Recipe:
        """The recipe with the highest `val_score`.

        Raises:
            ValueError: If no trial has finished.
        """
        return self._best().recipe

    @property
    def best_build(self) -> dict[str, Any]:
        """What the model of the best trial was built with, for `build(**tuned.best_build)`.

        Raises:
            ValueError: If no trial has finished.
        """
        return self._best().build

    @property
    def best_score(self) -> float:
        """The highest `val_score`.

        It is the highest of many on the same rows, and so somewhat too high; test rows tell how good the model is.

        Raises:
            ValueError: If no trial has finished.
        """
        value = self._trial().value
        assert value is not None  # which a finished trial has
        return value

    @property
    def trials(self) -> pd.DataFrame:
        """A row a trial: `number`, `state`, `val_score`, `epochs`, `minutes`, `note`, and a column a setting.

        A pruned trial has the best score that it had come to.
        """
        rows = []
        for trial in self.study.get_trials(deepcopy=False):
            scores = [score for score in trial.intermediate_values.values() if score == score]
            minutes = trial.duration.total_seconds() / 60 if trial.duration is not None else float("nan")
            row = {
                "number": trial.number,
                "state": STATES[trial.state.name],
                "val_score": trial.value if trial.value is not None else max(scores, default=float("nan")),
                "epochs": len(trial.intermediate_values),
                "minutes": minutes,
                "note": self.study.user_attrs.get(f"note {trial.number}", ""),
            }
            rows.append(row | (_values_of(trial) or trial.params))
        columns = ["number", "state", "val_score", "epochs", "minutes", "note"]
        return pd.DataFrame(rows) if rows else pd.DataFrame(columns=columns)

    def _trial(self) -> optuna.trial.FrozenTrial:
        try:
            return self.study.best_trial
        except ValueError:
            raise ValueError("Expected a trial that has finished, received none: give the search more time.") from None

    def _best(self) -> Settings:
        return apply(_values_of(self._trial()), self.recipe)


def _values_of(trial: optuna.trial.FrozenTrial) -> dict[str, Any]:
    """The values of a trial by full names."""
    return json.loads(trial.user_attrs.get("values", "{}"))
