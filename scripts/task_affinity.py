"""Which heads help each other? The cosines of their gradients while a network trains, and what leaving one out does.

    python scripts/task_affinity.py blood_cells OUT --leave-out

`DATA` is a label file with a column of parts, or `blood_cells`, the photographs that come along. For each seed a MobileNetV2
0.35 from ImageNet weights is trained at 96 pixels, first the heads, then everything, and `mtl.BalancingMonitor` keeps the
cosine of the gradients of each pair of heads with respect to what all heads share; taken is the mean over the epochs of
everything. Above 0 two heads pull the shared layers the same way, below 0 apart.

Heads whose gradients agree need not help each other (Standley et al. 2020, arXiv:1905.07553; Fifty et al. 2021,
arXiv:2109.04617). `--leave-out` looks at that itself, with a shared layer of 128 units on the frozen network's features:
what the score of each head on validation rows is with all heads, less what it is without one of them, seed by seed.

Every number has a 95 % interval over seeds (Student's t), and where that holds 0, or the intervals of two groups overlap,
the script says "no difference": three seeds can show large effects alone, and with many pairs one in twenty is above or
below 0 by chance.

`OUT` gets `cosines.csv` and `cosines.png`, with `--leave-out` `left_out.csv` and `left_out.png`, and `advice.txt`, which is
printed.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

PIXELS = 96


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=4, help="of everything, after one of the heads")
    parser.add_argument("--heads", nargs="+", help="some of the heads (default: all)")
    parser.add_argument("--leave-out", action="store_true", help="train without each head in turn, on frozen features")
    parser.add_argument("--steps", type=int, default=400, help="of each training on frozen features, with 64 images")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)

    from comparison.affinity import advise, list_pairs, plot_matrix
    from comparison.real_sets import table_of

    table = table_of(options.data)
    if options.heads:
        table = table.with_heads({name: table.heads[name] for name in options.heads})
    train, valid, _ = table.parts()
    heads = list(table.heads)
    cosines = np.stack([gradient_cosines(train, options.epochs, seed) for seed in options.seeds])
    pairs = list_pairs(cosines, heads)
    pairs.to_csv(options.out / "cosines.csv", index=False, float_format="%.4f")
    plot_matrix(pairs, heads, "Cosines of the heads' gradients", options.out / "cosines.png")
    told = [f"Cosines of gradients, {len(options.seeds)} seeds. {advise(cosines, heads)}"]
    if options.leave_out:
        effects = leave_out(train, valid, options)
        pairs = list_pairs(effects, heads, ordered=True)
        pairs.to_csv(options.out / "left_out.csv", index=False, float_format="%.4f")
        plot_matrix(pairs, heads, "What heads (rows) do for others (columns)", options.out / "left_out.png")
        counts = pairs["says"].value_counts()
        told.append(
            f"Left out: of {len(pairs)} pairs a head helps the other in {counts.get('together', 0)}, harms it in "
            f"{counts.get('apart', 0)}, no difference in {counts.get('no difference', 0)}; by chance alone, some "
            f"{0.025 * len(pairs):.0f} would help and as many harm."
        )
    text = "\n".join(told)
    (options.out / "advice.txt").write_text(text + "\n", encoding="utf-8")
    print(f"{text}\n\n{time.process_time():.0f} CPU seconds")


def gradient_cosines(train: Any, epochs: int, seed: int) -> np.ndarray:
    """The mean cosine of each pair of heads over the epochs of everything, `(heads, heads)`; 0 where they never met."""
    import keras
    from comparison.affinity import mean_of_known

    import mtlzoo as mtl

    keras.utils.set_random_seed(seed)
    model = mtl.build("mobilenet_v2", train.heads, input_shape=(PIXELS, PIXELS, 3), alpha=0.35)
    monitor = mtl.BalancingMonitor()
    stages = [mtl.Stage(1, 1e-3, "heads"), mtl.Stage(epochs, 1e-3)]
    mtl.fit(model, train, stages=stages, seed=seed, callbacks=[monitor], verbose=False)
    return mean_of_known(monitor.history["cosines"][-epochs:])


def leave_out(train: Any, valid: Any, options: argparse.Namespace) -> np.ndarray:
    """What the head of a row does to the score of that of a column, `(seeds, heads, heads)`; `NaN` on the diagonal."""
    from comparison.frozen_heads import FrozenHeads

    heads = list(train.heads)
    effects = np.full((len(options.seeds), len(heads), len(heads)), np.nan)
    whole, features = [], None
    for without in [None, *heads]:
        kept = {name: head for name, head in train.heads.items() if name != without}
        network = FrozenHeads(
            train.with_heads(kept), valid.with_heads(kept), options.steps, shared=128, features=features
        )
        features = network.features
        for place, seed in enumerate(options.seeds):
            report = network.train(train.with_heads(kept), seed)
            scores = np.array([report[name]["score"] if name in report else np.nan for name in heads])
            if without is None:
                whole.append(scores)
            else:
                effects[place, heads.index(without)] = whole[place] - scores
    return effects


if __name__ == "__main__":
    main()
