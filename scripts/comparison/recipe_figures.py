"""From the runs of `compare_recipes.py` to a table and an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mtlzoo.plotting import style

COLUMNS = ["accuracy", "balanced_accuracy", "macro_f1", "auc"]
GROUP = ["set", "backbone", "alpha", "pixels", "way"]


def list_runs(records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """A row a run, with means over heads in percent."""
    rows = []
    for record in records:
        row = {name: record[name] for name in (*GROUP, "seed", "minutes", "seconds", "cpu_seconds")}
        row["epochs"] = record.get("epochs", len(record.get("log", {}).get("loss", [])))
        for part in ("valid", "test"):
            heads = record[part].values()
            row |= {f"{part}_{name}": 100 * np.nanmean([head.get(name, np.nan) for head in heads]) for name in COLUMNS}
        rows.append(row)
    return pd.DataFrame(rows)


def summarize(runs: pd.DataFrame) -> pd.DataFrame:
    """A row a set, backbone and way: mean and standard deviation over seeds."""
    groups = runs.groupby(GROUP, sort=False)
    columns = [f"{part}_{name}" for part in ("valid", "test") for name in COLUMNS]
    means, spreads = groups[columns].mean(), groups[columns].std().add_suffix("_sd")
    table = (
        groups.size().rename("seeds").to_frame().join(means).join(spreads).join(groups[["epochs", "seconds"]].mean())
    )
    return table.reset_index().sort_values(
        ["set", "backbone", "alpha", "pixels", "valid_accuracy"], ascending=[True, True, True, True, False]
    )


def plot_recipes(table: pd.DataFrame, path: Path) -> None:
    """Test accuracy of each way with its spread, a panel a set."""
    groups = list(table.groupby(["set", "backbone", "alpha", "pixels"]))
    figure = Figure(figsize=(6 * len(groups), 1.3 + 0.35 * max(len(rows) for _, rows in groups)), layout="constrained")
    panels = figure.subplots(1, len(groups), squeeze=False)[0]
    for panel, ((name, backbone, alpha, pixels), rows) in zip(panels, groups):
        rows = rows.iloc[::-1]
        panel.errorbar(
            rows["test_accuracy"],
            rows["way"],
            xerr=rows["test_accuracy_sd"].fillna(0),
            fmt="o",
            color=style.BLUE,
            capsize=3,
        )
        panel.set_title(f"{name}, {backbone} {alpha:g} at {pixels} pixels", fontsize="medium")
        panel.margins(y=0.3)
        panel.set_xlabel("mean accuracy over heads, test rows, %")
        panel.grid(axis="x", alpha=0.3)
    figure.savefig(path, dpi=120)
