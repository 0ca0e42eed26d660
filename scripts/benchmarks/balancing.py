"""What balancing costs: a training step with every method over a step of plain `fit`, for few and for many heads."""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Sequence

import keras
import numpy as np
from benchmarks.processes import peak, run_alone

import mtlzoo as mtl
from mtlzoo.balancing import BALANCING, FAMO, GradientBalancing

IMAGE_SIZE, BATCH = 96, 32
SAVED_MEMORY = """
import sys
sys.path.insert(0, {folder!r})
from benchmarks.balancing import peak_memory
print(peak_memory({heads}, {way!r}))
"""


# One of each way in which a method works: all other methods of a kind differ by some numbers for each pair of heads.
ONE_OF_EACH = (
    *("plain fit", "uncertainty", "dwa", "gradnorm", "famo", "famo, recompute"),
    *("mgda, representation", "graddrop, representation", "mgda, parameters"),
)


def ways() -> dict[str, object]:
    """The methods by the name that the table has for them; `None` is plain `fit`."""
    found: dict[str, object] = {"plain fit": None}
    for name, cls in BALANCING.items():
        if issubclass(cls, GradientBalancing):
            found[f"{name}, representation"] = cls()
            found[f"{name}, parameters"] = cls(gradients="parameters")
        else:
            found[name] = cls()
    found["famo"] = FAMO(recompute=False)
    found["famo, recompute"] = FAMO(recompute=True)
    return found


def make_batch(heads: int, seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Noise, and labels of which half are missing; every head has some."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (BATCH, IMAGE_SIZE, IMAGE_SIZE, 3)).astype("float32")
    return images, {
        f"head_{index}": np.where(rng.random(BATCH) < 0.5, -1, rng.integers(0, 5, BATCH)) for index in range(heads)
    }


def make_step(heads: int, way: str, layer: str | None = None):
    """A compiled training step on one batch that stays in memory, metrics and logs included."""
    keras.utils.set_random_seed(0)
    names, size = [f"head_{index}" for index in range(heads)], (IMAGE_SIZE, IMAGE_SIZE, 3)
    model = mtl.build("mobilenet", dict.fromkeys(names, 5), size, None, alpha=0.25, feature_layer=layer)
    model.compile(keras.optimizers.Adam(1e-4), balancing=ways()[way])
    images, labels = make_batch(heads)
    images, labels = keras.ops.convert_to_tensor(images), {k: keras.ops.convert_to_tensor(v) for k, v in labels.items()}
    return lambda: model.train_on_batch(images, labels)


def benchmark_balancing(
    rounds: int = 9, methods: Sequence[str] = ONE_OF_EACH, full: bool = False, layer: str | None = None
) -> list[dict[str, object]]:
    """Measures a training step of MobileNet 0.25 at 96 pixels, batch 32, over a plain step of the same network.

    Each method takes turns with plain `fit`, step by step, so that whatever else the machine does falls on both.

    Args:
        rounds: Pairs of steps of each method; the median of their ratios is reported.
        methods: Which ones, for 8 heads; one of each kind.
        full: Every method, for 2, 8 and 32 heads, with memory.
        layer: The layer at which the network ends, for a quick trial; `None` for its last one.

    Returns:
        One row a method and number of heads: `heads`, `method`, `milliseconds`, `times_plain`, and where measured
        `memory_times_plain`, of the peak memory of a process that trains with it.
    """
    rows = []
    for heads in (2, 8, 32) if full else (8,):
        plain = make_step(heads, "plain fit", layer)
        for _ in range(3):
            plain()
        memory = {}
        for way in ways():
            # With 32 heads those of parameters take minutes to build.
            if way not in methods and (not full or (heads == 32 and way.endswith(", parameters"))):
                continue
            step = make_step(heads, way, layer)
            for _ in range(3):
                step()
            ratios, seconds = [], []
            for _ in range(rounds):
                first, second, third = _time(plain), _time(step), _time(plain)
                ratios.append(2 * second / (first + third))
                seconds.append(second)
            row = {"heads": heads, "method": way, "milliseconds": round(1000 * statistics.median(seconds), 1)}
            row["times_plain"] = round(statistics.median(ratios), 3)
            if full and heads == 8:
                memory[way] = _peak(heads, way)
                row["memory_times_plain"] = round(memory[way] / memory["plain fit"], 2)
            rows.append(row)
            print(f"  {heads:3} heads  {way:32} {row['times_plain']:.3f}", file=sys.stderr, flush=True)
            del step
            keras.backend.clear_session(free_memory=False)
            gc.collect()
    return rows


def peak_memory(heads: int, way: str) -> float:
    """MiB at the peak of this process after some steps."""
    step = make_step(heads, way)
    for _ in range(4):
        step()
    return peak()


def _time(step) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def _peak(heads: int, way: str) -> float:
    program = SAVED_MEMORY.format(folder=sys.path[0], heads=heads, way=way)
    return float(run_alone(program).split()[-1])
