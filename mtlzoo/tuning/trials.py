"""The trials of a search: each is a training."""

from __future__ import annotations

import gc
import json
import math
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import optuna

from mtlzoo.data import LabelTable
from mtlzoo.models import MultiTaskModel
from mtlzoo.training import Recipe, fit
from mtlzoo.training.feature_cache import feature_cache
from mtlzoo.tuning import study as studies
from mtlzoo.tuning.pruning import Pruning
from mtlzoo.tuning.space import apply, full_name


@dataclass(frozen=True)
class Search:
    """A search over some trials.

    Attributes:
        study: Where the trials are kept.
        build: Makes a new model.
        tables: The training rows and the validation rows.
        recipe: All other settings.
        space: Ranges by full names, or a function of a trial.
        folder: Where features are kept; `None` for nowhere.
    """

    study: optuna.Study
    build: Callable[..., MultiTaskModel]
    tables: tuple[LabelTable, LabelTable]
    recipe: Recipe
    space: Any
    folder: Path | None

    def run(self, trials: int, until: float | None, verbose: bool, again: int) -> None:
        """Try until there are so many trials, or the time is over."""
        tell = print if verbose else _nothing
        if again:
            tell(f"{again} of the trials had been killed, and are repeated.")
        done = len(studies.over(self.study))
        while done < trials and (until is None or time.monotonic() < until or not self._found()):
            self.study.sampler = studies.make_sampler(self.recipe.seed, done)
            trial = self.study.ask()
            try:
                ended = self._try(trial, until if self._found() else None)
            except BaseException as error:
                if not isinstance(error, KeyboardInterrupt):
                    self._give_up(trial, error)
                else:
                    studies.retry(self.study, trial, "broken off")
                    tell(f"Trial {done + 1} of {trials} was broken off.")
                    return
                ended = f"failed: {self.study.user_attrs[f'note {trial.number}']}"
            done += 1
            tell(f"Trial {done} of {trials}: {_text(trial)}  {ended}{self._best()}", flush=True)

    def _try(self, trial: optuna.Trial, until: float | None) -> str:
        if callable(self.space):
            named = dict(self.space(trial))
            values = {full_name(name, self.recipe, self.build): value for name, value in named.items()}
        else:
            values = {name: one.suggest(trial, name) for name, one in self.space.items()}
        trial.set_user_attr("values", json.dumps(values))
        settings = apply(values, self.recipe)
        recipe = replace(settings.recipe, calibrate=False)  # which changes no score
        cache = feature_cache(recipe.features)
        if self.folder is not None and cache is not None and cache.folder is None:
            # The same network looks at the same images in each trial.
            recipe = replace(recipe, features=replace(cache, folder=self.folder / "features"))
        model, pruning = new_model(self.build, settings.build, recipe), Pruning(trial, until)
        try:
            history = fit(model, *self.tables, recipe=recipe, callbacks=[pruning], verbose=False)
        except optuna.TrialPruned:
            self.study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return f"pruned after epoch {pruning.epochs}"
        finally:
            del model
            gc.collect()
        if history.interrupted:
            raise KeyboardInterrupt
        score = history.history["val_score"][history.best_epoch] if history.best_epoch is not None else math.nan
        if not math.isfinite(score):
            raise ValueError("no epoch had a score")
        self.study.tell(trial, score)
        return f"val_score {score:.4f}"

    def _give_up(self, trial: optuna.Trial, error: BaseException) -> None:
        """Note why a trial failed; what fails before any has succeeded would fail always."""
        self.study.tell(trial, state=optuna.trial.TrialState.FAIL)
        self.study.set_user_attr(f"note {trial.number}", " ".join(f"{type(error).__name__}: {error}".split())[:300])
        if not isinstance(error, Exception) or not self._found():
            raise error
        warnings.warn(f"Trial {trial.number} failed: {error}", stacklevel=2)

    def _found(self) -> bool:
        return any(trial.value is not None for trial in studies.over(self.study))

    def _best(self) -> str:
        if not self._found():
            return ""
        best, numbers = self.study.best_trial, [trial.number for trial in studies.over(self.study)]
        return f"  (best {best.value:.4f}, trial {1 + numbers.index(best.number)})"


def new_model(build: Callable[..., MultiTaskModel], arguments: Mapping[str, Any], recipe: Recipe) -> MultiTaskModel:
    """A new model, always with the same first weights.

    Args:
        build: Makes it.
        arguments: For `build`.
        recipe: Whose seed is taken.

    Raises:
        TypeError: If it is no model with heads.
    """
    keras.utils.set_random_seed(recipe.seed)
    model = build(**arguments)
    if not isinstance(model, MultiTaskModel):
        raise TypeError(f"Expected `build` to return a model with heads, as `mtl.build` does, received: {model!r}.")
    return model


def _text(trial: optuna.Trial) -> str:
    shown = {
        name.rpartition(".")[2] if name.startswith(("recipe", "stage.")) else name: value
        for name, value in trial.params.items()
    }
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}" for name, value in shown.items()
    )


def _nothing(*_: Any, **__: Any) -> None:
    pass
