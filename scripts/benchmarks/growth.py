"""How the cost of a training step grows with the number of heads, and what precision and XLA make of it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import keras
import numpy as np

import mtlzoo as mtl

PIXELS, BATCH = 96, 32


def make_step(
    heads: int, precision: str = "float32", jit_compile: bool | str = "auto", layer: str | None = None
) -> Callable[[], object]:
    """A compiled training step on a batch that stays in memory, metrics and logs included, half of the labels missing."""
    names = [f"head_{index}" for index in range(heads)]
    settings = {"alpha": 0.25, "feature_layer": layer, "precision": precision}
    model = mtl.build("mobilenet", dict.fromkeys(names, 5), (PIXELS, PIXELS, 3), None, **settings)
    model.compile(keras.optimizers.Adam(1e-3), jit_compile=jit_compile)
    rng = np.random.default_rng(0)
    images = keras.ops.convert_to_tensor(rng.integers(0, 256, (BATCH, PIXELS, PIXELS, 3)).astype("uint8"))
    ids = np.where(rng.random((heads, BATCH)) < 0.5, -1, rng.integers(0, 5, (heads, BATCH)))
    labels = {name: keras.ops.convert_to_tensor(row) for name, row in zip(names, ids)}
    return lambda: model.train_on_batch(images, labels)


def benchmark_growth(
    rounds: int = 7, counts: tuple[int, ...] = (1, 8, 32, 128), full: bool = False, layer: str | None = None
) -> list[dict[str, str | float]]:
    """Measures a training step of MobileNet 0.25 at 96 pixels, batch 32, in turns with that of one head.

    Args:
        rounds: Pairs of steps; the median of their ratios is reported.
        counts: Numbers of heads.
        full: Mixed precision and XLA too, which take minutes to compile on a CPU.
        layer: The layer at which the network ends, for a quick trial; `None` for its last one.

    Returns:
        One row a way: `heads`, `precision`, `xla`, `milliseconds`, and `times_one_head`, the ratio to the step with one head
        in float32 without XLA.
    """
    cases = [(heads, "float32", "auto") for heads in counts]
    if full:
        cases += [(8, "mixed_bfloat16", "auto"), (8, "mixed_float16", "auto"), (8, "float32", True)]
    one, rows = make_step(1, layer=layer), []
    for heads, precision, jit_compile in cases:
        step = make_step(heads, precision, jit_compile, layer)
        for _ in range(3):
            one()
            step()
        seconds, ratios = [], []
        for _ in range(rounds):
            first, second, third = _time(one), _time(step), _time(one)
            seconds.append(second)
            ratios.append(2 * second / (first + third))
        row = {"heads": heads, "precision": precision, "xla": jit_compile is True}
        row |= {"milliseconds": round(1000 * statistics.median(seconds), 1)}
        rows.append(row | {"times_one_head": round(statistics.median(ratios), 3)})
    return rows


def _time(step: Callable[[], object]) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start
