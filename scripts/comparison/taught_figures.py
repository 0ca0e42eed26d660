"""The table and the picture of what teachers are worth, from the files of the runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

FIGURES = ("accuracy", "balanced_accuracy", "macro_f1")


def report(out: Path) -> None:
    """Print a row for each way, mean and spread over seeds, and write `table.csv`, `heads.csv` and `teaching.png`."""
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((out / "runs").glob("*.json"))]
    table, heads = summarize(runs)
    table.to_csv(out / "table.csv", index=False, float_format="%.4f")
    heads.to_csv(out / "heads.csv", index=False, float_format="%.4f")
    print(table.to_string(index=False, float_format="{:.4f}".format))
    _plot(table, out / "teaching.png")


def summarize(runs: list[dict[str, Any]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Mean and standard deviation over seeds of test rows, over all heads and for each head.

    `regained` is the part of what hiding has cost, the difference of "all labels" and "masked", that a way wins back.
    """
    rows = []
    for run in runs:
        for head, found in run["test"].items():
            hidden = "nothing" if run["way"] == "all labels" else run["hidden"]
            rows.append({**{key: run[key] for key in ("set", "way", "seed")}, "hidden": hidden, "head": head, **found})
    each = pd.DataFrame(rows)
    keys = ["set", "hidden", "way"]
    seeds = each.groupby([*keys, "seed"], sort=False)[list(FIGURES)].mean()
    table = seeds.groupby(level=keys, sort=False).agg(["mean", "std", "count"])
    table.columns = [f"{name} {what}" for name, what in table.columns]
    table = table.rename(columns={"accuracy count": "seeds"}).reset_index()
    table = table.drop(columns=[column for column in table if column.endswith(" count")])
    table["regained"] = [_regained(table, row) for _, row in table.iterrows()]
    heads = each.groupby([*keys, "head"], sort=False)["accuracy"].agg(["mean", "std"]).reset_index()
    return table, heads


def _regained(table: pd.DataFrame, row: pd.Series) -> float:
    of_set = table[table["set"] == row["set"]].set_index(["hidden", "way"])["accuracy mean"]
    whole, masked = of_set.get(("nothing", "all labels")), of_set.get((row["hidden"], "masked"))
    if whole is None or masked is None or row["way"] == "all labels":
        return float("nan")
    return float((row["accuracy mean"] - masked) / (whole - masked))


def _plot(table: pd.DataFrame, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    sets = list(dict.fromkeys(table["set"]))
    figure, axes = plt.subplots(1, len(sets), figsize=(6 * len(sets), 0.5 * len(table) + 1.5), squeeze=False)
    for axis, name in zip(axes[0], sets):
        rows = table[table["set"] == name].iloc[::-1]
        labels = [way if how == "nothing" else f"{way} ({how})" for way, how in zip(rows["way"], rows["hidden"])]
        axis.barh(labels, rows["accuracy mean"], xerr=rows["accuracy std"].fillna(0), color="tab:blue")
        axis.set_xlim(left=max(0, rows["accuracy mean"].min() - 0.05))
        axis.set_xlabel("mean accuracy of all heads, test rows")
        axis.set_title(name)
    figure.tight_layout()
    figure.savefig(path, dpi=150)
    plt.close(figure)
