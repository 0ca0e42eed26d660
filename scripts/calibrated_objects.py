"""How far the scores of a detector are from how often it is right, before and after a temperature, on drawn scenes.

    python scripts/calibrated_objects.py OUT --seeds 0 1 2

Scenes of up to four triangles and rectangles, 800 to train on, 200 for the temperature and 500 to test; MobileNet 0.25 of
random weights, 10 epochs at 128 pixels, less than a minute a seed on two cores. It prints a row a seed: the temperature; the
expected calibration error of the objects that are predicted, and of all with a score of at least 0.01; the mean F1 of the
images, and whether all predicted objects stayed the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pandas as pd


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="a folder for the scenes, which are drawn if it is not there")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    rows = [compare(arguments.out, seed) for seed in arguments.seeds]
    print(pd.DataFrame(rows, index=pd.Index(arguments.seeds, name="seed")).round(3).to_string())


def compare(folder: Path, seed: int) -> dict[str, float]:
    import keras

    import mtlzoo as mtl
    from mtlzoo.evaluation import Predictions

    keras.utils.set_random_seed(seed)
    if not folder.exists():
        mtl.data.make_shapes(folder, images=1000, tests=500, objects=4)
    table, test = mtl.data.read_shapes(folder), mtl.data.read_shapes(folder, "test")
    train, valid = mtl.data.split(table, [0.8, 0.2], seed=seed)
    model = mtl.MobileNet(table.heads, (128, 128, 3), alpha=0.25, feature_layer="conv_pw_11_relu", weights=None)
    recipe = mtl.Recipe([mtl.Stage(10, 2e-3, "all")], calibrate=False)
    mtl.fit(model, train, valid, recipe=recipe, seed=seed, verbose=False)
    before = Predictions.from_model(model, test)
    temperature = float(mtl.calibrate(model, valid).loc["objects", "temperature"])
    after = Predictions.from_model(model, test)
    return {
        "temperature": temperature,
        **{f"{name}_before": value for name, value in errors(before).items()},
        **errors(after),
        "f1_before": float(before.evaluate().loc["objects", "f1_50"]),
        "f1": float(after.evaluate().loc["objects", "f1_50"]),
        "same": float(before.to_frame()["objects"].tolist() == after.to_frame()["objects"].tolist()),
    }


def errors(predictions: Any) -> dict[str, float]:
    """The expected calibration error of what is predicted, and of all that could be by a lower threshold."""
    from mtlzoo.evaluation.calibration import certainties, expected_calibration_error

    pair = predictions.with_labels(predictions.table.for_heads(predictions.heads))["objects"]
    heads = {"ece": pair.head, "ece_of_all": pair.head.with_settings(score_threshold=0.01)}
    return {
        name: expected_calibration_error(*certainties(head, pair.outputs, pair.targets)) for name, head in heads.items()
    }


if __name__ == "__main__":
    main()
