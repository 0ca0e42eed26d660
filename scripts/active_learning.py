"""Are the cells that `mtl.suggest_labels` asks for worth more than as many cells drawn at random?

    python scripts/active_learning.py blood_cells OUT

`DATA` is a label file with a column of parts, or `blood_cells`, the photographs that come along. The labels of all training
rows are hidden. A few cells, drawn at random, are known at first; then a person, who alone knows the hidden labels, is asked
for more in rounds: for those that `mtl.suggest_labels` names, or for cells drawn at random. After each round the heads are
trained from the start on what is known by then, on a frozen MobileNetV2 0.35 with ImageNet weights at 96 pixels; test rows
are looked at by the report alone.

Both ways start with the same cells, and all trainings have as many steps. Which heads make sense for which images
(`table.with_conditions()`) is known beforehand, as it is to whoever writes a label file. A question that makes no sense for
its image counts as asked, although nothing is learned of it; random cells are drawn from those that have a label.

`OUT` gets `runs.csv`, a row for each training; `table.csv`, means and standard deviations over seeds, which is printed; and
`active_learning.png`.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pandas as pd

METRICS = {"accuracy": "mean accuracy", "balanced_accuracy": "mean balanced accuracy", "macro_f1": "mean macro F1"}
CHOSEN, RANDOM, ALL = "chosen", "random", "all cells"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--start", type=float, default=0.02, help="the fraction of the cells that is known at first")
    parser.add_argument("--end", type=float, default=0.1, help="the fraction that is asked for after the last round")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--random", type=float, nargs="+", default=[0.05, 0.1, 0.15, 0.2], metavar="FRACTION")
    parser.add_argument("--steps", type=int, default=400, help="of each training, with 64 images")
    parser.add_argument("--flip", action="store_true", help="ask first what is said otherwise of mirror images")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    from comparison.real_sets import table_of

    table = table_of(options.data)
    train, _, test = table.with_conditions().parts()
    runs = []
    for run in simulate(train, test, options):
        runs.append(run)
        print(
            " ".join(f"{value:.4f}" if isinstance(value, float) else str(value) for value in run.values()), flush=True
        )
    frame = pd.DataFrame(runs)
    frame.to_csv(options.out / "runs.csv", index=False)
    summary = summarize(frame)
    summary.to_csv(options.out / "table.csv", index=False)
    print(summary.to_string(index=False, float_format="{:.4f}".format))
    plot(summary, options.out / "active_learning.png")
    print(f"\n{time.process_time():.0f} CPU seconds")


def simulate(train: Any, test: Any, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """All trainings: a row for each, with the metrics of the test rows."""
    from comparison.frozen_heads import FrozenHeads
    from comparison.person import Person

    person = Person(train)
    hidden = person.hidden()
    del train
    network = FrozenHeads(hidden, test, options.steps)

    def learn(known: Any, seed: int, way: str, asked: float) -> dict[str, Any]:
        means = network.train(known, seed)["mean"]
        return {"seed": seed, "way": way, "asked": asked, **{name: float(means[name]) for name in METRICS}}

    for seed in options.seeds:
        order = person.draw(seed)
        counts = np.linspace(options.start, options.end, options.rounds + 1) * len(order)
        counts = [int(count) for count in counts]
        asked = order[: counts[0]]
        known = person.tell(hidden, asked)
        first = learn(known, seed, CHOSEN, counts[0] / len(order))
        yield from (first, {**first, "way": RANDOM})
        for before, count in itertools.pairwise(counts):
            chosen = suggest(network.model, known, count - before, asked, options.flip)
            asked, known = pd.concat([asked, chosen]), person.tell(known, chosen)
            yield learn(known, seed, CHOSEN, count / len(order))
        for fraction in (*options.random, 1.0):
            known = person.tell(hidden, order[: int(fraction * len(order))])
            yield learn(known, seed, RANDOM if fraction < 1 else ALL, fraction)


def suggest(model: Any, known: Any, budget: int, asked: pd.DataFrame, flip: bool) -> pd.DataFrame:
    """The cells to ask for next, by a model and what is known."""
    import mtlzoo as mtl

    views = "flip" if flip else None
    found = mtl.suggest_labels(model, known, budget, asked=asked, test_time_augmentation=views, batch_size=64)
    return found[["row", "head", "label"]]


def summarize(runs: pd.DataFrame) -> pd.DataFrame:
    """A row for each way and number of cells: means over seeds, and standard deviations (` ±`)."""
    runs = runs.assign(asked=runs["asked"].round(3))
    groups = runs.groupby(["way", "asked"])[list(METRICS)]
    table = groups.mean().join(groups.std(ddof=1).add_suffix(" ±")).assign(seeds=groups.size())
    return table[[column for name in METRICS for column in (name, f"{name} ±")] + ["seeds"]].reset_index()


def plot(table: pd.DataFrame, path: Path) -> None:
    """Draw each metric by the number of cells asked for: what was chosen beside what was drawn at random."""
    from mtlzoo.plotting import style

    figure = style.new_figure(10, 3.9)
    style.write(style.add_canvas(figure), 0.25, 3.65, "Cells asked for, and what is learned of them", 13, weight="bold")
    for place, (name, title) in enumerate(METRICS.items()):
        axes = figure.add_axes((0.06 + 0.325 * place, 0.14, 0.26, 0.66))
        style.style_axes(axes)
        for way, color in ((RANDOM, style.MUTED), (CHOSEN, style.ORANGE)):
            rows = table[table["way"] == way].sort_values("asked")
            x, mean, spread = 100 * rows["asked"], rows[name], rows[f"{name} ±"].fillna(0)
            axes.fill_between(x, mean - spread, mean + spread, color=color, alpha=0.18, linewidth=0)
            axes.plot(x, mean, "o-", color=color, markersize=4, linewidth=1.6, label=f"{way} cells")
        for value in table.loc[table["way"] == ALL, name]:
            axes.axhline(value, color=style.INK, linewidth=0.8, linestyle=":", label=ALL)
        axes.set_title(title, size=style.TEXT_SIZE, color=style.INK, loc="left")
        axes.set_xlabel("asked for, % of the cells that have a label", size=style.SMALL_SIZE, color=style.MUTED)
    axes.legend(frameon=False, fontsize=style.SMALL_SIZE, loc="lower right", labelcolor=style.INK)
    style.finish(figure, path, overwrite=True)


if __name__ == "__main__":
    main()
