"""What is it and where: the dual-task detector of the TensorFlow.js book, its way and the better way, on drawn scenes.

    python scripts/shapes.py OUT

Draws 20,000 scenes to train on (a twentieth of them chooses the epoch) and 2,000 fresh ones to test on. The network is a
MobileNet 0.25 with ImageNet weights, cut at `conv_pw_11_relu`, trained in two phases: first the heads alone, then the
backbone too, with half the batch. `--way` says what is trained:

- `heads` (the default): a binary head for the shape and a box head, each with a hidden layer of 200;
- `book`: five numbers in one dense output, one squared error, the true shape scaled by the canvas;
- `unscaled`: the same without that scaling, the book's exercise;
- `several`: up to five objects in each scene, found by a grid, judged by COCO's average precision;
- `all`: one after the other, beside each other in a table.

`--raw` leaves the backbone's preprocessing out, as the book does; `--tune` names what the second phase trains.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

WAYS = ("heads", "book", "unscaled", "several")
BOOKS_LAYERS = ["conv_pw_9", "conv_pw_10", "conv_pw_11"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--way", choices=[*WAYS, "all"], default="heads")
    parser.add_argument("--raw", action="store_true", help="feed 0 to 255 as the book does")
    parser.add_argument("--tune", choices=["book", "all"], default="all", help="what the second phase trains")
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--tests", type=int, default=2000)
    parser.add_argument("--pixels", type=int, default=112)
    parser.add_argument("--epochs", type=int, nargs=2, default=(1, 9), help="of both phases")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier run's files")
    options = parser.parse_args()

    import pandas as pd

    import mtlzoo as mtl
    from mtlzoo.cli import runs

    runs.check_files(options.out, ["summary.csv"], overwrite=options.overwrite)
    rows = []
    for way in WAYS if options.way == "all" else [options.way]:
        objects = 5 if way == "several" else 1
        data = options.out / f"data-{options.images}-{objects}"
        if not (data / "train.csv").is_file():
            numbers = {"images": options.images, "tests": options.tests, "objects": objects, "seed": 0}
            mtl.data.make_shapes(data, **numbers, overwrite=True, progress=True)
        started = time.perf_counter()
        figures = run(data, way, options)
        rows.append({"way": way, **figures, "seconds": round(time.perf_counter() - started)})
    summary = pd.DataFrame(rows).set_index("way")
    runs.write_csv(options.out / "summary.csv", summary, index=True, overwrite=options.overwrite)
    print(f"\n{summary.to_string(float_format='{:.3f}'.format, na_rep='')}")
    print(f"{len(os.sched_getaffinity(0))} cores, {platform.machine()}, Python {platform.python_version()}")


def run(data: Path, way: str, options: argparse.Namespace) -> dict[str, float]:
    """Train one network and leave its run folder."""
    import keras

    import mtlzoo as mtl
    from mtlzoo.cli import runs

    table, test = mtl.data.read_shapes(data), mtl.data.read_shapes(data, "test")
    if way == "several":
        heads = table.heads
    elif way == "heads":
        shape = mtl.BinaryHead(labels=["triangle", "rectangle"], hidden=[200])
        heads = {"shape": shape, "box": mtl.BoxHead(format="xyxy", hidden=[200])}
    else:
        heads = {"object": mtl.DualTaskHead(hidden=[200], scale_shape=way == "book")}
    train, valid = mtl.data.split(table.with_heads(heads), [0.95, 0.05], seed=0, identical=False)
    keras.utils.set_random_seed(0)
    model = mtl.MobileNet(
        heads,
        (options.pixels, options.pixels, 3),
        alpha=0.25,
        feature_layer="conv_pw_11_relu",
        pooling="flatten",
        dropout=0.0,
        preprocessing="none" if options.raw else None,
    )
    stages = [
        mtl.Stage(options.epochs[0], 1e-3, "heads", batch_size=64),
        mtl.Stage(options.epochs[1], 1e-3, "all" if options.tune == "all" else BOOKS_LAYERS, batch_size=32),
    ]
    how = runs.RunOptions(overwrite=options.overwrite)
    test = test.with_heads(heads)
    report, _ = runs.train_run(model, train, valid, test, options.out / way, stages, how, augment="light")
    print(runs.as_text(report))
    if way == "heads":
        return {"shape: accuracy": report["accuracy"]["shape"], **report.loc["box", ["mean_iou", "iou_50", "iou_75"]]}
    if way == "several":
        return dict(report.loc["objects", ["f1_50", "ap", "ap_50", "ap_75"]])
    figures = report.loc["object"]
    return {"shape: accuracy": figures["accuracy"], "mean_iou": figures["mean_iou"], "squared pixels": figures["mse"]}


if __name__ == "__main__":
    main()
