"""What are missing labels worth? A teacher fills them in, beside the masked loss alone, with the same minutes.

    python scripts/compare_teaching.py DATA OUT --minutes 6

`DATA` holds the folders `blood_cells` (13 heads), `groceries` (6 heads) and `keras_home` with ImageNet weights. Labels of
training rows are hidden before anything is made of them; validation and test rows are those of the published splits, and
test rows are looked at once, by the report. "all labels" is the same training with nothing hidden: what hiding has cost.

Ways: "masked", the loss of what labels there are; "self", the network's own average teaches it (`mtl.Teach()`); "teacher",
half of the time trains a first network with the masked loss, which then teaches a second one from the start. With `--epochs`
in place of minutes, for machines that have other work, trainings without a teacher have 1.4 times as many and take as long.

`OUT` gets `runs/*.json`, a file a run, which is not repeated; `table.csv`, which is printed, `heads.csv`, and
`teaching.png`.
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def main() -> None:
    from comparison.hiding import HIDING
    from comparison.runs import run_apart
    from comparison.taught_ways import WAYS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sets", nargs="+", default=["blood_cells", "groceries"])
    parser.add_argument("--hide", nargs="+", default=["one label a row"], help=", ".join(HIDING))
    parser.add_argument("--ways", nargs="+", default=list(WAYS), help=", ".join(WAYS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, default=6)
    parser.add_argument("--epochs", type=int, help="so many epochs of everything, in place of minutes")
    parser.add_argument("--pixels", type=int, help="height and width of the images, in place of the set's own")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        _run_one(options)
        return
    (options.out / "runs").mkdir(parents=True, exist_ok=True)
    runs = [
        {"set": name, "hidden": how, "way": way, "seed": seed}
        for seed in options.seeds
        for name in options.sets
        for how in options.hide
        for way in options.ways
    ]
    run_apart(__file__, runs, lambda given: _path(options, given))
    from comparison.taught_figures import report

    report(options.out)


def _path(options: argparse.Namespace, given: dict[str, Any]) -> Path:
    length = f"{options.epochs}-epochs" if options.epochs else f"{options.minutes:g}-min"
    how = "nothing" if given["way"] == "all labels" else given["hidden"]
    size = f"-{options.pixels}" if options.pixels else ""
    name = f"{given['set']}{size}-{how}-{given['way']}-{length}-{given['seed']}"
    return Path(options.out / "runs" / f"{name.replace(' ', '_')}.json")


def _run_one(options: argparse.Namespace) -> None:
    given = json.loads(options.one)
    from comparison.hiding import hide
    from comparison.real_sets import FILES, open_set
    from comparison.runs import record_run
    from comparison.taught_ways import WAYS

    real = open_set(options.data, given["set"], given["seed"], options.pixels)
    if given["way"] != "all labels":
        train, valid, test = real.tables
        real = replace(real, tables=(hide(train, given["hidden"], given["seed"]), valid, test))
    weights = str(options.data / "keras_home" / "models" / FILES["MobileNetV2", 0.35])
    length = {"epochs": options.epochs} if options.epochs else {"minutes": options.minutes}
    facts = {**given, **length}
    record_run(_path(options, given), facts, real, lambda: WAYS[given["way"]](real, weights, length, given["seed"]))


if __name__ == "__main__":
    main()
