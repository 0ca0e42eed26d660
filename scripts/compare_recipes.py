"""What helps training on real images? Each ingredient of a recipe added or left out, beside a careful plain Keras script.

    python scripts/compare_recipes.py DATA OUT --minutes 10

`DATA` holds the folders `blood_cells` (13 heads, published split), `groceries` (6 heads, published split), `clothing` (2
heads, split by sender) and `keras_home` with ImageNet weights. Everything is chosen on validation rows; test rows are looked
at once, by the report. Each way gets the same minutes, or the same epochs (`--epochs`), three seeds, and a process of its
own, one after the other: two runs beside each other, each on one core, would not be fair, for TensorFlow's pipelines stood
still on a single core for half a minute at a time, which cost plain Keras a third of its minutes and mtlzoo none.

`OUT` gets `runs/*.json`, a file a run, which is not repeated, so that the script can be stopped and started at will;
`runs.csv`, a row a run; `table.csv`, which is printed, and `recipes.png`.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

PLAIN = "plain Keras"
MOVING = "plain Keras, momentum 0.9"


def main() -> None:
    from comparison.runs import run_apart
    from comparison.ways import WAYS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sets", nargs="+", default=["blood_cells", "groceries", "clothing"])
    parser.add_argument("--backbone", default="MobileNetV2")
    parser.add_argument("--alpha", type=float, default=0.35)
    parser.add_argument(
        "--ways", nargs="+", metavar="WAY", default=[PLAIN, MOVING, "default"], help=f"{PLAIN}, {', '.join(WAYS)}"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--pixels", type=int, help="height and width of the images, in place of the set's own")
    parser.add_argument("--epochs", type=int, help="so many epochs of everything, in place of minutes")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _run_one(options)
        return
    (options.out / "runs").mkdir(parents=True, exist_ok=True)
    runs = [
        {"set": name, "way": way, "seed": seed}
        for seed in options.seeds
        for name in options.sets
        for way in options.ways
    ]
    run_apart(__file__, runs, lambda given: _path(options, given))
    _report(options)


def _path(options: argparse.Namespace, given: dict[str, Any]) -> Path:
    length = f"{options.epochs}-epochs" if options.epochs else f"{options.minutes:g}-min"
    size = f"-{options.pixels}" if options.pixels else ""
    way = given["way"].replace(" ", "_")
    run = f"{given['set']}{size}-{options.backbone}-{options.alpha:g}-{way}-{length}-{given['seed']}"
    return Path(options.out / "runs" / f"{run}.json")


def _run_one(options: argparse.Namespace) -> None:
    given = json.loads(options.one)
    from comparison.plain_training import train_plain
    from comparison.real_sets import FILES, open_set
    from comparison.runs import Answers, record_run
    from comparison.ways import train_way

    real = open_set(options.data, given["set"], given["seed"], options.pixels)
    weights = str(options.data / "keras_home" / "models" / FILES[options.backbone, options.alpha])
    network = (options.backbone, options.alpha, weights)

    def run() -> tuple[Answers, dict[str, Any]]:
        length = {"epochs": options.epochs} if options.epochs else {"minutes": options.minutes}
        if given["way"] in (PLAIN, MOVING):
            moving = given["way"] == MOVING
            valid, test, how = train_plain(real, network, length, given["seed"], moving=moving)
        else:
            valid, test, how = train_way(given["way"], real, network, length, given["seed"])
        return (valid, test), how

    facts = {**given, "backbone": options.backbone, "alpha": options.alpha, "minutes": options.minutes}
    record_run(_path(options, given), facts, real, run)


def _report(options: argparse.Namespace) -> None:
    from comparison.recipe_figures import list_runs, plot_recipes, summarize

    paths = sorted((options.out / "runs").glob("*.json"))
    runs = list_runs([json.loads(path.read_text(encoding="utf-8")) for path in paths])
    runs.to_csv(options.out / "runs.csv", index=False, float_format="%.2f")
    table = summarize(runs)
    table.to_csv(options.out / "table.csv", index=False)
    print(table.to_string(index=False, float_format="{:.4f}".format))
    plot_recipes(table, options.out / "recipes.png")


if __name__ == "__main__":
    main()
