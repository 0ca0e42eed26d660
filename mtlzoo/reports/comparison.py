"""Several runs beside each other: is the difference real?"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from mtlzoo.data import LabelTable
from mtlzoo.errors import InputError
from mtlzoo.evaluation import Predictions
from mtlzoo.evaluation.inputs import read_labelled
from mtlzoo.evaluation.paired import ALL, BETTER, EQUAL, TOO_FEW, WORSE, compare_rows
from mtlzoo.evaluation.prediction_files import load_predictions
from mtlzoo.evaluation.shared_rows import align_rows
from mtlzoo.files import writing
from mtlzoo.models import MultiTaskModel
from mtlzoo.reports.comparison_page import comparison_page
from mtlzoo.reports.pieces import listed
from mtlzoo.reports.sources import read_settings

Run: TypeAlias = "MultiTaskModel | Predictions | str | os.PathLike[str]"
"""A model (with a table), its predictions, a run folder, or a file of predictions."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What :func:`compare` finds; printed, it is the answer in a few lines.

    Attributes:
        frame: A row for each head, metric and run: `labelled` (rows that all runs have a label for), `value` with its
            interval `low` and `high`; and for all runs but the first their `difference` from it, with `difference_low` and
            `difference_high`, `p`, `p_corrected` and the `verdict`: `better`, `worse`, `no real difference` or
            `too few rows`. The last rows are the mean score of all heads.
        names: The runs, the first of which the others are compared with.
        rows: How many rows they have in common.
        units: How many rows, or groups of rows, resamples were drawn from.
        notes: What was left out, and why.
        settings: What the runs were told differently, a column for each; empty where that is not known.

    Example:

    ```python
    comparison = mtl.compare({"one": model, "other": model}, valid)
    comparison.frame[["head", "run", "difference", "verdict"]]
    ```
    """

    frame: pd.DataFrame
    names: tuple[str, ...]
    rows: int
    units: int
    notes: tuple[str, ...] = ()
    settings: pd.DataFrame = field(default_factory=pd.DataFrame)

    def sentences(self) -> list[str]:
        """The answer in words: a sentence for each run but the first."""
        return [sentence for name in self.names[1:] for sentence in self._about(name)]

    def _about(self, name: str) -> list[str]:
        own = self.frame[self.frame["run"] == name]
        overall, heads = own[own["head"] == ALL].iloc[0], own[own["head"] != ALL]
        words = {BETTER: "better than", WORSE: "worse than", EQUAL: "not really different from"}
        if overall["verdict"] == TOO_FEW:
            said = [f"{name}: too few test rows to tell it from {self.names[0]}."]
        else:
            said = [
                f"{name} is {words[overall['verdict']]} {self.names[0]} over all heads: mean score {overall['value']:.3f}, "
                f"a difference of {overall['difference']:+.3f} (95 % interval {overall['difference_low']:+.3f} to "
                f"{overall['difference_high']:+.3f})."
            ]
        for verdict in (BETTER, WORSE):
            found = heads[heads["verdict"] == verdict]
            if len(found):
                said.append(f"Really {verdict}: {listed(_called(row) for row in found.itertuples())}.")
        return said

    def __str__(self) -> str:
        pieces = [*self.sentences(), "", self.table().to_string(na_rep="")]
        return "\n".join([*pieces, *(("", *self.notes) if self.notes else ())])

    def table(self) -> pd.DataFrame:
        """A row for each head: the metric of each run, and for all but the first the difference and its verdict."""
        keys = list(dict.fromkeys(zip(self.frame["head"], self.frame["metric"], strict=True)))
        found = pd.DataFrame(index=pd.MultiIndex.from_tuples(keys, names=["head", "metric"]))
        for number, name in enumerate(self.names):
            own = self.frame[self.frame["run"] == name].set_index(["head", "metric"])
            if not number:
                found["labelled"] = own["labelled"]
            found[name if name != "labelled" else f"run {name}"] = own["value"].map("{:.3f}".format)
            if number:
                found[f"{name}: difference"] = [_difference(row) for row in own.itertuples()]
                found[f"{name}: verdict"] = own["verdict"]
        return found

    def to_html(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write a page that opens without a network.

        Args:
            path: The HTML file.
            overwrite: Whether an existing file may be replaced.

        Raises:
            OutputError: If it is there and not to be replaced.
        """
        path = Path(path)
        with writing(path, overwrite=overwrite) as temporary:
            temporary.write_text(comparison_page(self), encoding="utf-8", errors="replace")
        return path


def compare(
    runs: Sequence[Run] | Mapping[str, Run],
    table: Any = None,
    *,
    group: str | None = None,
    shared: bool = False,
    seed: int = 0,
) -> Comparison:
    """Compare runs, or models on a table, head by head: is the difference more than chance?

    Test rows are drawn with replacement, the same for all runs, as many as there are, thousands of times (the paired
    bootstrap of Efron and Tibshirani 1993, chapter 16). The interval is that of
    :func:`mtlzoo.evaluation.resampling.bootstrap_interval`. A difference is called real where its p-value, with Holm's
    correction for the number of heads and runs, is below 0.05; the mean score of all heads is corrected by itself. It tells
    whether the difference would be found on other test rows, not whether another training would have it too.

    Args:
        runs: Run folders, files of :func:`mtlzoo.evaluation.save_predictions`, predictions, or models; by name, or named as
            their folders. The first is what the others are compared with.
        table: The test rows of models, as :func:`mtlzoo.evaluate` takes them.
        group: A column of the table: rows with the same value belong together, such as those of one sender, and are drawn
            together. Intervals are too narrow without.
        shared: Whether to compare on the rows that all runs have, where they have not the same.
        seed: What is drawn from.

    Returns:
        The comparison. Missing labels do not count; nor do rows for which one of the runs does not ask a head
        (`only_if=`), whose F1 of "not applicable" is compared besides.

    Raises:
        InputError: If there are fewer than two runs, their test rows differ, or they have no head in common.
        FileNotFoundError: If a run folder holds no predictions.
        TableError: If there is no column `group`.

    Example:

    ```python
    comparison = mtl.compare({"small": model, "again": model}, valid)
    print(comparison)
    comparison.to_html("comparison.html")
    ```
    """
    named = dict(runs) if isinstance(runs, Mapping) else _named(runs)
    if len(named) < 2:
        raise InputError(f"Expected at least two runs with different names, received: {', '.join(named) or 'none'}.")
    rows = None if table is None else read_labelled(table)
    predictions = align_rows({name: _predictions(name, run, rows) for name, run in named.items()}, shared)
    found = compare_rows(predictions, group, seed=seed)
    folders = [run for run in named.values() if isinstance(run, str | os.PathLike) and Path(run).is_dir()]
    settings = (
        _differing(dict(zip(named, map(Path, folders), strict=True))) if len(folders) == len(named) else pd.DataFrame()
    )
    count = len(next(iter(predictions.values())))
    return Comparison(found.frame, tuple(named), count, found.units, found.notes, settings)


def _named(runs: Sequence[Run]) -> dict[str, Run]:
    """Runs by the names of their folders, or numbers where these are the same or there are none."""
    names = [Path(run).resolve().name if isinstance(run, str | os.PathLike) else "" for run in runs]
    if len(set(names)) < len(names) or not all(names):
        paths = [
            str(run) if isinstance(run, str | os.PathLike) else f"run {place + 1}" for place, run in enumerate(runs)
        ]
        names = paths if len(set(paths)) == len(paths) else [f"run {place + 1}" for place in range(len(names))]
    return dict(zip(names, runs, strict=True))


def _predictions(name: str, run: Run, table: LabelTable | None) -> Predictions:
    if isinstance(run, Predictions):
        return run
    if isinstance(run, str | os.PathLike):
        return load_predictions(run)
    if table is None:
        raise InputError(f"Expected a table beside models, with the test rows of {name!r}, received: None.")
    return Predictions.from_model(run, table)


def _differing(folders: Mapping[str, Path]) -> pd.DataFrame:
    """The settings that are not the same in all runs."""
    told = {}
    for name, folder in folders.items():
        settings = read_settings(folder)
        recipe = settings.pop("recipe", None) or {}
        told[name] = {
            key: str(value) for key, value in {**settings, **recipe}.items() if key not in ("out", "overwrite")
        }
    keys = dict.fromkeys(key for settings in told.values() for key in settings)
    rows = {key: {name: settings.get(key, "") for name, settings in told.items()} for key in keys}
    frame = pd.DataFrame.from_dict(
        {key: row for key, row in rows.items() if len(set(row.values())) > 1}, orient="index", columns=list(folders)
    )
    return frame.rename_axis("setting")


def _called(row: Any) -> str:
    return str(row.head) if row.metric != "not_applicable_f1" else f"{row.head} (not applicable)"


def _difference(row: Any) -> str:
    return f"{row.difference:+.3f} [{row.difference_low:+.3f}, {row.difference_high:+.3f}]"
