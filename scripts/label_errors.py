"""How many wrong labels an audit finds: blood cells, 5 % of the labels of each head replaced at random.

    python scripts/label_errors.py DATA/blood_cells/labels.csv --seeds 1 2 3 --out label_errors

The rows are those with a split, which are the ones with all heads. AUROC of the suspicion, of all labels together and
of each head, beside that of cleanlab from the same out-of-fold predictions. The folder gets `auroc.csv`, and
`suspects.csv` with the hundred most suspicious of the labels as they are published.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

import mtlzoo as mtl
from mtlzoo.auditing.engines import find_engine
from mtlzoo.auditing.features import compute_features, extractor_of
from mtlzoo.auditing.out_of_fold import deal_folds, predict_out_of_fold
from mtlzoo.auditing.suspects import find_suspects
from mtlzoo.auditing.targets import find_targets

RATE, NAMED = 0.05, 100


def auroc(wrong: np.ndarray, suspicion: np.ndarray) -> float:
    """The chance that a wrong label is more suspicious than a right one."""
    ranks = pd.Series(suspicion).rank().to_numpy()
    positive, negative = wrong.sum(), (~wrong).sum()
    return float((ranks[wrong].sum() - positive * (positive + 1) / 2) / (positive * negative))


def with_flips(table: mtl.data.LabelTable, seed: int) -> tuple[mtl.data.LabelTable, set[tuple[int, str]]]:
    """The table with labels of each head replaced by another one of the head's, and which (row, head) that are."""
    rng, frame, flipped = np.random.default_rng(seed), table.frame.copy(), set()
    for name, head in table.heads.items():
        ids = head.strata(table.labels()[name])
        known = np.flatnonzero(ids >= 0)
        chosen = rng.choice(known, round(RATE * len(known)), replace=False)
        others = (ids[chosen] + rng.integers(1, len(head.names), len(chosen))) % len(head.names)
        cells = frame[name].astype(object).to_numpy(copy=True)
        cells[chosen] = np.asarray(head.names, object)[others]
        frame[name] = cells
        flipped |= {(row, name) for row in frame.index[chosen].tolist()}
    return replace(table, frame=frame), flipped


def measure(table: mtl.data.LabelTable, features: np.ndarray, engine: str) -> pd.DataFrame:
    """All labels of a table, the most suspicious first."""
    targets, _ = find_targets(table)
    folds = deal_folds(np.arange(len(table)), 5, 0)
    return find_suspects(table, targets, predict_out_of_fold(features, targets, folds), find_engine(engine))[0]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--engines", nargs="+", default=["mtlzoo", "cleanlab"])
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True)
    table = mtl.data.read_csv(options.labels)
    table = table.take(np.flatnonzero(table.frame["split"].notna()))

    started, used = time.time(), time.process_time()
    features = compute_features(extractor_of(None, None, None, "auto"), table, progress=True)
    print(
        f"Features of {len(table)} rows: {time.time() - started:.0f} s, {time.process_time() - used:.0f} s of the CPU"
    )
    started, used = time.time(), time.process_time()
    published = measure(table, features, "mtlzoo")
    print(
        f"Suspicion of {len(published)} labels: {time.time() - started:.0f} s, {time.process_time() - used:.0f} s of the CPU"
    )
    published.head(NAMED).to_csv(options.out / "suspects.csv", index=False)

    lines = []
    for seed in options.seeds:
        flipped_table, flipped = with_flips(table, seed)
        for engine in options.engines:
            found = measure(flipped_table, features, engine)
            wrong = np.array([cell in flipped for cell in zip(found["row"], found["head"])])
            suspicion = found["suspicion"].to_numpy("float64")
            heads = {
                name: auroc(wrong[found["head"] == name], suspicion[found["head"] == name]) for name in table.heads
            }
            mean = float(np.mean(list(heads.values())))
            lines.append({"seed": seed, "engine": engine, "all labels": auroc(wrong, suspicion), "mean": mean, **heads})
            print(lines[-1], flush=True)
    figures = pd.DataFrame(lines)
    figures.to_csv(options.out / "auroc.csv", index=False)
    means = figures.drop(columns="seed").groupby("engine").agg(["mean", "std"])
    print(means.T.unstack().round(4).to_string())


if __name__ == "__main__":
    main()
