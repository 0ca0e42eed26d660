"""The trials of a search in Optuna's storage: begun, gone on with, and killed ones tried again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from mtlzoo.errors import StateError

FILE = "trials.db"
NAME = "mtlzoo"
MOST_ATTEMPTS = 3  # a trial that kills its process each time should not end all searching
PRUNERS = ("median", "hyperband", "none")
BEGUN = 4  # trials that are drawn by chance, and that run to their end, before others are compared with them


def open_study(folder: Path | None, arguments: Mapping[str, str], pruner: Any) -> optuna.Study:
    """The study of a folder, or one in memory.

    Args:
        folder: The folder; `None` for memory.
        arguments: What all trials have in common, as texts by the names of the arguments.
        pruner: Optuna's pruner.

    Raises:
        StateError: If the folder holds the trials of another search, or a damaged file.
    """
    storage: Any = None
    if folder is not None:
        from sqlalchemy.engine import URL

        folder.mkdir(parents=True, exist_ok=True)
        url = URL.create("sqlite", database=str(folder / FILE)).render_as_string(hide_password=False)
        try:
            storage = optuna.storages.RDBStorage(url)
        except Exception as error:
            raise StateError(
                f"{folder / FILE}: expected the trials of a search, received something else or a damaged file "
                f"({type(error).__name__}). Remove it to begin anew."
            ) from error
    study = optuna.create_study(
        storage=storage, study_name=NAME, direction="maximize", load_if_exists=True, pruner=pruner
    )
    known = study.user_attrs.get("arguments")
    for name, value in arguments.items():
        if known is not None and known.get(name) != value:
            raise StateError(
                f"{folder}: expected the arguments that the search began with, since it goes on from there: `{name}` was "
                f"{known.get(name)}, received: {value}. Give another folder to begin anew."
            )
    if known is None:
        study.set_user_attr("arguments", dict(arguments))
    return study


def make_pruner(pruner: Any, warmup: int) -> Any:
    """Optuna's pruner of a name.

    Args:
        pruner: `"median"`, `"hyperband"`, `"none"`, or a pruner of Optuna.
        warmup: How many epochs say nothing yet.

    Raises:
        ValueError: If it is none of these.
    """
    if isinstance(pruner, optuna.pruners.BasePruner):
        return pruner
    if pruner == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=BEGUN, n_warmup_steps=warmup)
    if pruner == "hyperband":
        return optuna.pruners.HyperbandPruner(min_resource=warmup + 1)
    if pruner == "none":
        return optuna.pruners.NopPruner()
    raise ValueError(f"Expected `pruner` to be one of {', '.join(PRUNERS)} or Optuna's own, received: {pruner!r}.")


def retry_killed(study: optuna.Study) -> int:
    """Queue the trials that were running when the process ended, and count them."""
    killed = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    for trial in killed:
        retry(study, trial, "killed")
    return len(killed)


def retry(study: optuna.Study, trial: FrozenTrial | optuna.Trial, reason: str) -> None:
    """Give a trial up, and queue another with the same values unless it has been tried often enough."""
    attempt = trial.user_attrs.get("attempt", 1)
    again = attempt < MOST_ATTEMPTS or reason != "killed"
    if again:
        study.enqueue_trial(trial.params, {"attempt": attempt + (reason == "killed")})
    study.tell(trial.number, state=TrialState.FAIL)
    # `set_user_attr` of a trial that is over is refused, so that what became of it is told by its number.
    study.set_user_attr(f"note {trial.number}", f"{reason}, tried again" if again else f"{reason} {attempt} times")


def over(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that count: those that ended by themselves, and those that are not tried again."""
    states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
    trials = study.get_trials(deepcopy=False, states=states)
    return [trial for trial in trials if not study.user_attrs.get(f"note {trial.number}", "").endswith(", tried again")]


def make_sampler(seed: int, done: int) -> Any:
    """The sampler for one trial: another seed for each, so that a search that goes on draws what it would have drawn.

    Args:
        seed: The seed of the search.
        done: How many trials are over.
    """
    return optuna.samplers.TPESampler(
        seed=int(np.random.SeedSequence([seed, done]).generate_state(1)[0]), n_startup_trials=BEGUN
    )


@contextmanager
def quietly() -> Iterator[None]:
    """Keep Optuna from printing a line a trial of its own."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


@contextmanager
def alone(folder: Path | None) -> Iterator[None]:
    """Hold a folder for one process: another one's running trials would be taken for killed ones.

    Raises:
        StateError: If another process searches there.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        folder = None
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "lock", os.O_CREAT | os.O_RDWR, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StateError(
                f"{folder}: another process is searching into this folder; wait for it, or give another."
            ) from None
        yield
    finally:
        os.close(descriptor)  # which unlocks it, as the end of the process does
