"""Search for a recipe and leave a folder with it."""

from __future__ import annotations

import argparse
import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mtlzoo.cli.building import build_network
from mtlzoo.data import LabelTable
from mtlzoo.files.spreadsheets import write_csv
from mtlzoo.models import MultiTaskModel
from mtlzoo.plotting import plot_trials
from mtlzoo.training import Recipe, write_recipe
from mtlzoo.tuning import log, tune

RECIPE, TABLE, PLOT = FILES = ("best.yaml", "trials.csv", "trials.png")
TRIALS = "trials.db"


def tune_run(
    train: LabelTable, valid: LabelTable, recipe: Recipe, space: dict[str, Any] | None, options: argparse.Namespace
) -> str:
    """Search, and write `best.yaml`, `trials.csv` and `trials.png` into the folder of the trials.

    Args:
        train: The training rows.
        valid: The validation rows.
        recipe: Where the search begins.
        space: Ranges by the names of settings; `None` for the default.
        options: What the command line was told.

    Returns:
        What was found, and how to train with it.
    """

    def build(dropout: float = options.dropout) -> MultiTaskModel:
        own = copy.copy(options)
        own.dropout, own.quiet = dropout, True
        model, _ = build_network(train.heads, own)
        return model

    tuned = tune(
        *(build, train, valid, space),
        recipe=recipe,
        folder=options.out,
        trials=options.trials,
        minutes=options.search_minutes,
        pruner=options.pruner,
        verbose=not options.quiet,
    )
    trials = tuned.trials
    write_csv(options.out / TABLE, trials.round(6), overwrite=True, raw_cells=options.raw_cells)
    if not trials["state"].eq("finished").any():
        return f"No trial has finished yet: give it more time, and the same --out {options.out} to go on."
    plot_trials(trials, options.out / PLOT, overwrite=True)
    dropout = f" --dropout {tuned.best_build['dropout']:.4g}" if "dropout" in tuned.best_build else ""
    seed = f" --seed {options.seed}" if options.seed else ""
    command = f"mtlzoo train {options.named} --recipe {options.out / RECIPE}{dropout}{seed}"
    number = trials.loc[trials["val_score"].where(trials["state"] == "finished").idxmax(), "number"]
    again = trials["note"].str.endswith(", tried again")
    ended = (trials["state"].isin(["finished", "pruned", "failed"]) & ~again).sum()
    found = f"val_score {tuned.best_score:.4f}, the best of {ended} trials (number {number} in {TABLE})"
    write_recipe(tuned.best, options.out / RECIPE, f"{found}\n{command}", overwrite=True)
    return (
        f"\n{found}:\n{tuned.best}\n\nWrote {', '.join(FILES)} into {options.out}. To train with it, give what "
        f"this search was told of the data and the network, and:\n  {command}"
    )


def is_search(folder: Path) -> bool:
    """Whether a folder is one that a search has begun to write into."""
    return (folder / TRIALS).is_file()


def parse_space(texts: Sequence[str] | None) -> dict[str, Any] | None:
    """Ranges from texts such as `learning_rate=1e-4:1e-2:log`, `stage1.epochs=1:3` and `mix=none,mixup`.

    Raises:
        ValueError: If a text is none of these.
    """
    if texts is None:
        return None
    space: dict[str, Any] = {}
    for text in texts:
        name, equals, given = text.partition("=")
        numbers = given.removesuffix(":log").split(":")
        values = [_value(part) for part in (numbers if len(numbers) == 2 else given.split(","))]
        plain = len(numbers) == 2 and all(isinstance(value, int | float) for value in values)
        several = ":" not in given and len(values) > 1
        if not (name and equals and (plain or several)):
            raise ValueError(
                f"Expected --space with ranges such as learning_rate=1e-4:1e-2:log or mix=none,mixup, received: {text!r}."
            )
        space[name] = values if not plain else log(*values) if given.endswith(":log") else tuple(values)
    return space


def _value(text: str) -> Any:
    if text.lower() in ("none", "true", "false"):
        return {"none": None, "true": True, "false": False}[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
