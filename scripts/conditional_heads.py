"""How well do heads that are asked sometimes tell when they are? On groceries, with the conditions that the labels suggest.

    python scripts/conditional_heads.py DATA OUT --seeds 0 1 2

`DATA` holds the folders `groceries` (6 heads, published split) and `keras_home` with ImageNet weights. `OUT` gets
`conditional_heads.csv`, a row for each seed and head, of the test rows; the printed table has means and spreads.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pandas as pd

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--pixels", type=int, default=96)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    rows = pd.concat([train(options, seed) for seed in options.seeds])
    rows.to_csv(options.out / "conditional_heads.csv", index=False)
    table = rows.drop(columns="seed").groupby("head", sort=False).agg(["mean", "std"])
    print(table.to_string(float_format="{:.4f}".format, na_rep=""))


def train(options: argparse.Namespace, seed: int) -> pd.DataFrame:
    """The figures of one training, a row for each head."""
    import keras
    from comparison.real_sets import FILES, groceries

    import mtlzoo as mtl

    real = groceries(options.data / "groceries")
    whole = real.tables[0]
    found = mtl.data.find_conditions(whole)
    train, valid, test = (table.with_conditions(found) for table in real.tables)
    if seed == options.seeds[0]:
        print(train.describe())
    keras.utils.set_random_seed(seed)
    weights = options.data / "keras_home" / "models" / FILES["MobileNetV2", 0.35]
    shape = (options.pixels, options.pixels, 3)
    model = mtl.build("mobilenet_v2", train.heads, shape, weights, alpha=0.35)
    stages = [mtl.Stage(2, 1e-3, "heads"), mtl.Stage(options.epochs, 1e-3)]
    mtl.fit(model, train, valid, stages, cache="memory", seed=seed, verbose=False)
    predictions = mtl.evaluation.Predictions.from_model(model, test)
    always = predictions.with_heads({name: head.with_settings(only_if=None) for name, head in model.heads.items()})
    report, before = predictions.evaluate(), always.evaluate(test.with_heads(whole.heads))
    frame = predictions.to_frame()
    contradictions = {
        name: sum(
            ((frame[name] != "not applicable") & ~frame[parent].isin(classes)).sum()
            for parent, classes in (head.only_if or {}).items()
        )
        for name, head in model.heads.items()
    }
    names = list(model.heads)
    columns = {"seed": seed, "head": names, "accuracy": report.loc[names, "accuracy"].to_list()}
    columns["accuracy, always asked"] = before.loc[names, "accuracy"].to_list()
    columns["not applicable: F1"] = report.loc[names, "not_applicable_f1"].to_list()
    columns["contradictions"] = [contradictions[name] for name in names]
    return pd.DataFrame(columns)


if __name__ == "__main__":
    main()
