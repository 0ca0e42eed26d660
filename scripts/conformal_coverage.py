"""Do sets hold the truth as often as they say? A trained model's held-out rows, split many times into two halves.

    python scripts/conformal_coverage.py RUN/model.h5 labels.csv --part test

On one half the sets are fitted (:func:`mtlzoo.conformal`), on the other it is counted how often they hold the label. The
coverage of `m` rows after a fit on `n` of them is beta-binomial: of all figures one in twenty lies outside of its 95 %
interval, if rows are drawn alike and probabilities are all different. Where they are not, that is, where heads are so sure
that many are equal to a float, sets hold more. What is counted is the plain set; sets as they are shown have the
prediction in them even where it looks odd, and hold more still.

The second table fits a temperature for each head on the half that the sets are then fitted on, as one would with one set of
validation rows, instead of none.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd

import mtlzoo as mtl
from mtlzoo.evaluation import Predictions
from mtlzoo.evaluation.conformal_sets import coverage_interval, covered
from mtlzoo.evaluation.labelled import LabelledOutputs
from mtlzoo.heads.conformal import fit_conformal, scores_of
from mtlzoo.heads.temperature import fit_temperature

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main() -> None:
    """Print the coverage of each head at each level."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, help="a label file")
    parser.add_argument("--part", default="test", help="the rows: of these, none may have been trained on")
    parser.add_argument("--levels", type=float, nargs="+", default=[0.8, 0.9, 0.95])
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--score", help="lac, aps, residual or scaled residual (default: the usual one of each head)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    model = mtl.load_model(options.model)
    table = mtl.data.read_csv(options.data).for_heads(model.heads).part(options.part)
    predictions = Predictions.from_model(model, table)
    pairs = predictions.with_labels(table.for_heads(predictions.heads))
    for title, tempered in (("as the model is", False), ("temperatures fitted on the same half", True)):
        figures = pd.DataFrame(measure(pairs, predictions, options, tempered))
        print(f"\n{len(table)} rows of {options.data.name}, {options.splits} splits, {title}\n")
        print(summary(figures).to_string(float_format="{:.3f}".format))
        tell(figures)


def measure(
    pairs: dict[str, LabelledOutputs], predictions: Predictions, options: argparse.Namespace, tempered: bool
) -> list[dict[str, object]]:
    """A row for each head, level and split."""
    rows = []
    for split in range(options.splits):
        chosen = np.random.default_rng([options.seed, split]).permutation(len(predictions)) < len(predictions) // 2
        for name, pair in pairs.items():
            scores = [score for score in scores_of(pair.head) if options.score in (None, score)]
            if not scores:
                continue
            known = pair.labelled & predictions.asked(name)
            fit, rest = known & chosen, known & ~chosen
            if tempered:
                temperature = fit_temperature(pair.head, pair.outputs[fit], pair.targets[fit])
                outputs = pair.head.at_temperature(pair.outputs, temperature)
                pair = LabelledOutputs(pair.head, pair.targets, outputs, pair.labelled)
            for level in options.levels:
                fitted = fit_conformal(pair.head, pair.outputs[fit], pair.targets[fit], level, scores[0])
                plain, shown = (covered(pair, rest, fitted, answer).mean() for answer in (False, True))
                low, high = coverage_interval(fitted, int(rest.sum()))
                rows.append(
                    {"head": name, "level": level, "split": split, "rows": int(rest.sum())}
                    | {"coverage": plain, "shown": shown, "below": plain < low, "above": plain > high}
                )
    return rows


def summary(figures: pd.DataFrame) -> pd.DataFrame:
    """The mean coverage of each head at each level, and in how many splits it lies outside of its interval."""
    groups = figures.groupby(["head", "level"], sort=False)
    means, outside = groups[["coverage", "shown"]].mean(), groups[["below", "above"]].sum().sum(axis=1)
    table = means.assign(outside=outside).unstack("level")
    table.insert(0, "rows", figures.groupby("head")["rows"].mean().round().astype(int))
    return table


def tell(figures: pd.DataFrame) -> None:
    """How many figures lie outside of their 95 % intervals, and how many would by chance."""
    below, above = int(figures["below"].sum()), int(figures["above"].sum())
    print(
        f"\n{len(figures)} figures: {below} below their 95 % interval and {above} above; "
        f"at most {len(figures) / 20:.1f} expected"
    )
    for level, group in figures.groupby("level"):
        print(f"level {level:g}: coverage {group['coverage'].mean():.4f}, as shown {group['shown'].mean():.4f}")


if __name__ == "__main__":
    main()
