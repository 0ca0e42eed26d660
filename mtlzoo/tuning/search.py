"""Search for a recipe: each trial is a training, judged on validation rows."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlzoo.data import LabelTable
from mtlzoo.models import MultiTaskModel
from mtlzoo.training import Recipe, get_recipe
from mtlzoo.training.arguments import describe
from mtlzoo.tuning.space import default_space, main_stages, read_space, usual_values
from mtlzoo.tuning.tuned import Tuned

if TYPE_CHECKING:
    import optuna


def tune(
    build: Callable[..., MultiTaskModel],
    train: LabelTable,
    valid: LabelTable,
    space: Mapping[str, Any] | Callable[[optuna.Trial], Mapping[str, Any]] | None = None,
    *,
    recipe: str | Recipe = "default",
    folder: str | Path | None = None,
    trials: int = 20,
    minutes: float | None = None,
    pruner: Any = "median",
    verbose: bool = True,
) -> Tuned:
    """Try settings of a training, and keep the best.

    The first trial is the recipe as it is; the next ones are drawn by chance, then where good ones were (TPE, Bergstra et
    al. 2011). A training that is worse than the median of others at the same epoch is ended. Each begins from the same
    first weights and the same order of rows, so that settings alone make the difference, and is judged by its best
    `val_score`. Test rows have no part in it: keep some, to find out how good the outcome is.

    Args:
        build: Makes a new model: `build()`, or with what the space says of it, as in `build(dropout=0.3)`.
        train: The training rows.
        valid: The validation rows.
        space: Ranges by the names of settings: `(0.0, 0.2)`, `(1, 5)`, `mtl.tuning.log(1e-4, 1e-2)`, or a list of choices.
            A name is that of a setting of the recipe (`"mix"`), of its stages (`"learning_rate"`, for those that train
            more than the heads; `"stage1.epochs"` for one alone) or of `build` (`"dropout"`); `"recipe.mix"`,
            `"stage.epochs"` and `"build.dropout"` say which. Or a function that gets a trial of Optuna and returns values by
            such names. `None` for :func:`mtlzoo.tuning.default_space`.
        recipe: All other settings, and where the search begins; its `seed` is that of the search too.
        folder: Where trials are kept, in `trials.db`. Called again with the same arguments, the search goes on, and repeats
            what was killed; `None` for memory. One process searches into a folder.
        trials: How many there are in the end, pruned and failed ones too, those of earlier calls among them.
        minutes: How long this call may take; the first trial is finished in any case, others are broken off and repeated by
            the next call. `None` for as long as it takes.
        pruner: `"median"`, `"hyperband"`, `"none"`, or a pruner of Optuna.
        verbose: Whether to print a line a trial.

    Returns:
        The best recipe, and all trials. Interrupting (Ctrl-C) returns what was found so far.

    Raises:
        ImportError: If Optuna is not installed: `pip install "mtlzoo[tune]"`.
        ValueError: If there is no such setting, a range is none, or what is given is no table.
        StateError: If the folder holds the trials of another search, or another process uses it.

    Example:

    ```python
    space, recipe = {"learning_rate": mtl.tuning.log(1e-4, 1e-2)}, mtl.Recipe(stages=[mtl.Stage(1, 1e-3, "heads")])
    tuned = mtl.tune(lambda: mtl.build("tcdcn", train.heads), train, valid, space, recipe=recipe, trials=1)
    print(tuned.best, tuned.trials, sep="\\n")
    ```
    """
    if importlib.util.find_spec("optuna") is None:
        raise ImportError("Optuna is not installed: pip install 'mtlzoo[tune]'")
    from mtlzoo.tuning import study as studies
    from mtlzoo.tuning.trials import Search, new_model

    chosen, place = get_recipe(recipe), None if folder is None else Path(folder)
    _check(train, valid, trials, minutes)
    until = None if minutes is None else time.monotonic() + 60 * minutes
    given = default_space(chosen, build) if space is None else space
    ranges = None if callable(given) else read_space(given, chosen, build)
    arguments = {
        "build": describe(new_model(build, {}, chosen)),
        "train": describe(train),
        "valid": describe(valid),
        "space": str(ranges or "a function"),
        "recipe": json.dumps(chosen.get_config(), sort_keys=True, default=str),
    }
    first = main_stages(chosen)[0]  # before it, and in the first fifth of it, good and bad settings look alike
    warmup = sum(stage.epochs for stage in chosen.stages[:first]) + max(1, chosen.stages[first].epochs // 5)
    with studies.alone(place), studies.quietly():
        study = studies.open_study(place, arguments, studies.make_pruner(pruner, warmup))
        if ranges is not None and not study.get_trials(deepcopy=False):
            study.enqueue_trial(usual_values(ranges, chosen, build))
        again = studies.retry_killed(study)
        search = Search(study, build, (train, valid), chosen, given if callable(given) else ranges, place)
        search.run(trials, until, verbose, again)
    return Tuned(study, chosen)


def _check(train: LabelTable, valid: LabelTable, trials: int, minutes: float | None) -> None:
    for name, table in (("train", train), ("valid", valid)):
        if not isinstance(table, LabelTable):
            raise TypeError(f"Expected `{name}` to be a table, received: {table!r}.")
    if not isinstance(trials, int) or isinstance(trials, bool) or trials < 1:
        raise ValueError(f"Expected `trials` to be a whole number of at least 1, received: {trials!r}.")
    if minutes is not None and not minutes > 0:
        raise ValueError(f"Expected `minutes` to be None or a number above 0, received: {minutes!r}.")
