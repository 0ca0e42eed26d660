"""Age, gender and ethnicity from a face: one network with three heads on UTKFace.

    python scripts/utkface.py DATA

`DATA` is the folder of the data set (https://susanqq.github.io/UTKFace/, "Aligned&Cropped Faces"), or one that
`mtlzoo make-data faces DATA` has drawn. Test rows are chosen by the hash of their content (20 %), so that they are the same
for everybody; validation rows (8 %) choose the epoch. The network is MobileNet 0.25 from ImageNet weights at 96 pixels; with
the real data the default run takes about ten minutes on two cores.

`OUT` (default: utkface-run) gets the model, the report, the report by gender, ethnicity and age, and images. `--age` says
how age is learned: as the expectation of a distribution over ages (the default), as a number, as an ordered level, or all
three, one network after the other, beside each other in a table.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

OLDEST = 116
FORMS = ("expectation", "regression", "ordinal")
GROUPS = {"gender": None, "ethnicity": None, "age": [0, 3, 13, 20, 30, 45, 60, OLDEST]}
# What others report, on the real data with a fifth to test: a careful plain Keras script with the same backbone, weights and
# ten minutes; the tutorial's settings (32 pixels, SGD 1e-4, momentum 0.09, losses added up) after five epochs.
TO_BEAT = {
    "plain Keras, ten minutes": (5.33, 0.927, 0.837),
    "the tutorial's settings, five epochs": (14.1, 0.564, 0.374),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path, nargs="?", default=Path("utkface-run"))
    parser.add_argument("--age", choices=[*FORMS, "all"], default="expectation")
    parser.add_argument("--pixels", type=int, default=96)
    parser.add_argument("--epochs", type=int, default=16, help="after one epoch of the heads alone")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier run's files")
    options = parser.parse_args()

    import pandas as pd

    from mtlzoo.cli import runs

    runs.check_files(options.out, ["summary.csv"], overwrite=options.overwrite)
    table = read(options.data)
    rows = []
    for form in FORMS if options.age == "all" else [options.age]:
        started = time.perf_counter()
        report = run(table, form, options)
        rows.append(
            {
                "age as": form,
                "age: mean absolute error": report["mae"]["age"],
                "gender: accuracy": report["accuracy"]["gender"],
                "ethnicity: accuracy": report["accuracy"]["ethnicity"],
                "seconds": round(time.perf_counter() - started),
            }
        )
    summary = pd.DataFrame(rows).set_index("age as")
    runs.write_csv(options.out / "summary.csv", summary, index=True, overwrite=options.overwrite)
    print(f"\n{summary.to_string(float_format='{:.3f}'.format)}")
    for name, figures in TO_BEAT.items():
        print("On the real data, {}: {}, {}, {}".format(name, *figures))
    print(f"{len(os.sched_getaffinity(0))} cores, {platform.machine()}, Python {platform.python_version()}")


def read(data: Path):
    """The table, without images that cannot be read."""
    import mtlzoo as mtl
    from mtlzoo.cli import runs

    table = mtl.data.read_utkface(data)
    for note in table.notes:
        print(f"Note: {note}")
    table, skipped = runs.drop_bad_images(table, skip=True, progress=True)
    for line in skipped:
        print(f"Skipped {line}")
    return table


def run(table, form: str, options: argparse.Namespace):
    """Train one network and leave its run folder; returns the report."""
    import keras

    import mtlzoo as mtl
    from mtlzoo.cli import runs

    table = table.with_heads({**table.heads, "age": age_head(form)})
    train, valid, test = mtl.data.split_by_content(table, [0.72, 0.08, 0.2])
    print(f"\nAge as {form}: {len(train)} rows to train on, {len(valid)} to choose by, {len(test)} for the report.")
    keras.utils.set_random_seed(0)
    shape = (options.pixels, options.pixels, 3)
    weights = None if options.weights == "none" else options.weights
    model = mtl.MobileNet(table.heads, shape, weights, alpha=0.25)
    # The faces are aligned, so that little turning and zooming is due.
    augment = mtl.data.Augmentation(rotation=10, zoom=0.1, shift=0.05, brightness=0.2)
    stages = [mtl.Stage(1, 3e-3, "heads"), mtl.Stage(options.epochs, 1e-3)]
    how = {"overwrite": options.overwrite}
    options_of_run = runs.RunOptions(overwrite=options.overwrite)
    report, _ = runs.train_run(model, train, valid, test, options.out / form, stages, options_of_run, augment=augment)
    print(runs.as_text(report))
    print(f"\n{runs.as_text(runs.report_groups(model, test, GROUPS, options.out / form, **how))}")
    return report


def age_head(form: str):
    """Age as the expectation of a distribution over whole years, as a number, or as one of ordered levels."""
    import mtlzoo as mtl

    if form == "expectation":
        return mtl.ExpectationHead((0, OLDEST), hidden=[128])
    if form == "regression":
        return mtl.RegressionHead(hidden=[128])
    return mtl.OrdinalHead(OLDEST + 1, hidden=[128])


if __name__ == "__main__":
    main()
