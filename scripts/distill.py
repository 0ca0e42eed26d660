"""Does a small network learn more from a large one, beside labels of which none are hidden?

    python scripts/distill.py DATA OUT --epochs 16 --teacher-epochs 16

`DATA` holds the folders `blood_cells`, `groceries` and `keras_home` with ImageNet weights. For each set a MobileNetV2 1.0 is
trained once, and then MobileNet 0.25 by the default recipe with as many epochs each: "alone"; or "taught" by the large one,
whose probabilities it learns beside the labels (`mtl.Teach(teacher, labelled=1)`), also "warm", at temperature 2. Rows are
those of the published splits; test rows are looked at once, by the report.

`OUT` gets `<set>-teacher.keras`, `runs/*.json`, a file a run, which is not repeated; `table.csv`, which is printed, and
`heads.csv`.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

WAYS: dict[str, dict[str, float] | None] = {
    "teacher": None,
    "alone": None,
    "taught": {"labelled": 1.0},
    "warm": {"labelled": 1.0, "temperature": 2.0},
}


def main() -> None:
    from comparison.runs import run_apart

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sets", nargs="+", default=["groceries", "blood_cells"])
    parser.add_argument("--ways", nargs="+", default=["alone", "taught"], help=", ".join(WAYS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=16, help="of everything, after two of the heads")
    parser.add_argument("--teacher-epochs", type=int, default=16)
    parser.add_argument("--pixels", type=int, default=96)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _run_one(options)
        return
    (options.out / "runs").mkdir(parents=True, exist_ok=True)
    first = [{"set": name, "way": "teacher", "seed": 0} for name in options.sets]
    others = [
        {"set": name, "way": way, "seed": seed}
        for seed in options.seeds
        for name in options.sets
        for way in options.ways
    ]
    run_apart(__file__, [*first, *others], lambda given: _path(options, given))
    report(options.out)


def _path(options: argparse.Namespace, given: dict[str, Any]) -> Path:
    epochs = options.teacher_epochs if given["way"] == "teacher" else options.epochs
    return Path(options.out / "runs" / f"{given['set']}-{options.pixels}-{given['way']}-{epochs}-{given['seed']}.json")


def _run_one(options: argparse.Namespace) -> None:
    given = json.loads(options.one)
    from comparison.real_sets import open_set
    from comparison.runs import record_run

    real = open_set(options.data, given["set"], given["seed"], options.pixels)
    record_run(_path(options, given), given, real, lambda: train(options, real, given))


def train(options: argparse.Namespace, real: Any, given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Train a network, and predict validation and test rows with it."""
    import keras
    from comparison.real_sets import FILES
    from comparison.ways import probabilities

    import mtlzoo as mtl

    large = given["way"] == "teacher"
    heads = {name: real.tables[0].heads[name] for name in real.heads}
    backbone, alpha = ("MobileNetV2", 1.0) if large else ("MobileNet", 0.25)
    weights = str(options.data / "keras_home" / "models" / FILES[backbone, alpha])
    keras.utils.set_random_seed(given["seed"])
    model = mtl.build(backbone, heads, (real.pixels, real.pixels, 3), weights, alpha=alpha)
    how = WAYS[given["way"]]
    saved = options.out / f"{given['set']}-teacher.keras"
    teach = None if how is None else mtl.Teach(mtl.load_model(saved), **how)
    first, last = mtl.training.DEFAULT_STAGES
    stages = [first, replace(last, epochs=options.teacher_epochs if large else options.epochs)]
    settings: dict[str, Any] = {"cache": "memory", "seed": given["seed"], "verbose": False, "teach": teach}
    history = mtl.fit(model, *real.tables[:2], stages, **settings)
    if large:
        mtl.export(model, saved, overwrite=True)
    answers = probabilities(model, real.tables[1]), probabilities(model, real.tables[2])
    return answers, {"val_score": history.history["val_score"], "parameters": model.count_params()}


def report(out: Path) -> None:
    """Print a row for each set and way, mean and spread over seeds, and write `table.csv` and `heads.csv`."""
    import pandas as pd

    rows = []
    for path in sorted((out / "runs").glob("*.json")):
        run = json.loads(path.read_text(encoding="utf-8"))
        facts = {name: run[name] for name in ("set", "way", "seed", "pixels")}
        for part in ("valid", "test"):
            rows += [{**facts, "part": part, "head": head, **found} for head, found in run[part].items()]
    each = pd.DataFrame(rows)
    metrics = ["accuracy", "balanced_accuracy", "macro_f1"]
    keys = ["set", "pixels", "part", "way"]
    seeds = each.groupby([*keys, "seed"], sort=False)[metrics].mean()
    table = seeds.groupby(level=keys, sort=False).agg(["mean", "std"])
    table.columns = [f"{name} ±" if what == "std" else name for name, what in table.columns]
    table = table.assign(seeds=seeds.groupby(level=keys, sort=False).size()).reset_index()
    heads = each.groupby([*keys, "head"], sort=False)["accuracy"].agg(["mean", "std"]).reset_index()
    table.to_csv(out / "table.csv", index=False, float_format="%.4f")
    heads.to_csv(out / "heads.csv", index=False, float_format="%.4f")
    print(table.to_string(index=False, float_format="{:.4f}".format))


if __name__ == "__main__":
    main()
