"""Are probabilities worth what they say once they are calibrated?

    mtlzoo train DATA/groceries/labels.csv --out RUNS/groceries --image-size 128 --option alpha=0.35 --no-calibration ...
    python scripts/calibration.py DATA RUNS OUT

`DATA` holds the sets of real images, `RUNS` a run folder for each, of a training without calibration. Temperatures are
fitted on the validation rows; test rows are looked at by the report alone.

`OUT` gets `calibration.csv`, a row for each head: temperatures; the expected calibration error (15 bins) and the Brier score
of the test rows before and after; `chance`, the error that as many rows of a perfectly calibrated predictor have on average,
since bins of few rows are never even; what isotonic regression of the predicted class' probability on the same validation
rows would have come to (the error, and the mean squared distance from right or wrong, beside that of the temperature); and
how many predictions are others than before. And it gets a picture of each set.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import pandas as pd


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("runs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sets", nargs="+", default=["groceries", "blood_cells", "clothing"])
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    table = pd.concat([measure(options, name) for name in options.sets], ignore_index=True)
    table.to_csv(options.out / "calibration.csv", index=False)
    print(table.to_string(index=False, float_format="{:.3f}".format))
    halved = (table["ece"] <= table["ece_before"] / 2) | (table["ece"] < 0.02)
    means = table[["ece_before", "ece", "isotonic", "brier_before", "brier", "square", "isotonic_square"]].mean()
    print(f"halved or below .02: {halved.sum()} of {len(table)} heads; means: {means.round(4).to_dict()}")


def measure(options: argparse.Namespace, name: str) -> pd.DataFrame:
    """A row for each head of one set."""
    from comparison.real_sets import open_set

    import mtlzoo as mtl
    from mtlzoo.evaluation import Predictions, calibration_errors
    from mtlzoo.plotting import plot_reliability

    _, valid, test = open_set(options.data, name, 0).tables
    model = mtl.load_model(options.runs / name / "model.h5")
    if model.calibration:
        raise SystemExit(
            f"{options.runs / name}: expected a model without calibration: train it with --no-calibration."
        )
    before, said = Predictions.from_model(model, test), Predictions.from_model(model, valid)
    fitted = mtl.calibrate(model, valid)
    after = Predictions.from_model(model, test)
    plot_reliability(after, before, options.out / f"{name}.png", overwrite=True)
    table = calibration_errors(after).join(calibration_errors(before)[["ece", "brier"]].add_suffix("_before"))
    table.insert(0, "set", name)
    table.insert(1, "valid_rows", fitted["rows"])
    table["temperature"] = fitted["temperature"]
    table["chance"] = {head: chance(after, head) for head in table.index}
    table["changed"] = {
        head: changed(model.heads[head], before.outputs[head], after.outputs[head]) for head in table.index
    }
    table = table.join(pd.DataFrame({head: isotonic(said, before, after, head) for head in table.index}).T)
    columns = [
        "set",
        "head",
        "valid_rows",
        "rows",
        "temperature",
        "ece_before",
        "ece",
        "chance",
        "brier_before",
        "brier",
    ]
    return table.reset_index()[[*columns, "isotonic", "square", "isotonic_square", "changed"]]


def chance(predictions: Any, name: str, draws: int = 200) -> float:
    """The mean expected calibration error of labels that are drawn from the probabilities themselves."""
    from mtlzoo.evaluation.calibration import expected_calibration_error

    sure, _ = sure_and_right(predictions, name)
    rng = np.random.default_rng(0)
    return float(np.mean([expected_calibration_error(sure, rng.random(len(sure)) < sure) for _ in range(draws)]))


def isotonic(valid: Any, before: Any, after: Any, name: str) -> dict[str, float]:
    """What isotonic regression comes to on the test rows, beside a temperature."""
    from sklearn.isotonic import IsotonicRegression

    from mtlzoo.evaluation.calibration import expected_calibration_error

    fitted = IsotonicRegression(out_of_bounds="clip", y_min=0, y_max=1).fit(*sure_and_right(valid, name))
    given, right = sure_and_right(before, name)
    sure = fitted.predict(given)
    return {
        "isotonic": expected_calibration_error(sure, right),
        "square": float(np.square(sure_and_right(after, name)[0] - right).mean()),
        "isotonic_square": float(np.square(sure - right).mean()),
    }


def sure_and_right(predictions: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The probability of each labelled row's predicted class, and whether it is right."""
    from mtlzoo.evaluation.calibration import certainties

    pair = predictions.with_labels(predictions.table.for_heads(predictions.heads))[name]
    return certainties(pair.head, pair.outputs, pair.targets)


def changed(head: Any, before: np.ndarray, after: np.ndarray) -> int:
    """How many rows have another class than before."""
    return int((head.probabilities(before).argmax(-1) != head.probabilities(after).argmax(-1)).sum())


if __name__ == "__main__":
    main()
