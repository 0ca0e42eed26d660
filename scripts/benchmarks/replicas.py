"""What training on several devices costs: the same global batch on one, two and four logical CPU devices."""

from __future__ import annotations

from benchmarks.processes import run_alone

PROGRAM = """
import statistics, sys, time
import keras, numpy as np, tensorflow as tf
import mtlzoo as mtl

count, heads, layer = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3] or None
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * count)
rng = np.random.default_rng(0)
images = rng.integers(0, 256, (256, 64, 64, 3)).astype("uint8")
labels = {f"head_{index}": np.where(rng.random(256) < 0.5, -1, rng.integers(0, 5, 256)) for index in range(heads)}
rows = tf.data.Dataset.from_tensor_slices((images, labels)).batch(32).cache()
model = mtl.build("mobilenet", dict.fromkeys(labels, 5), (64, 64, 3), None, alpha=0.25, feature_layer=layer)

class Clock(keras.callbacks.Callback):
    seconds = []
    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()
    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)

mtl.fit(model, rows, stages=mtl.Stage(7, 1e-3), devices=count if count > 1 else None, callbacks=[Clock()], verbose=False)
print(1000 * statistics.median(Clock.seconds[2:]) / 8)
"""


def benchmark_replicas(
    counts: tuple[int, ...] = (1, 2, 4), heads: int = 8, layer: str | None = None
) -> list[dict[str, int | float]]:
    """Measures a step of MobileNet 0.25 at 64 pixels, a batch of 32 in all, on logical devices that share the same cores.

    Real devices would add their speed; what shows here is what the replicas cost beside it.

    Args:
        counts: Numbers of devices, each in a process of its own.
        heads: How many the network has, of five classes each.
        layer: The layer at which the network ends, for a quick trial; `None` for its last one.

    Returns:
        One row a number: `replicas`, `milliseconds` a step, and `times_one_device`.
    """
    rows: list[dict[str, int | float]] = []
    for count in counts:
        milliseconds = float(run_alone(PROGRAM, count, heads, layer or "").split()[-1])
        rows.append({"replicas": count, "milliseconds": round(milliseconds, 1)})
        rows[-1]["times_one_device"] = round(rows[-1]["milliseconds"] / rows[0]["milliseconds"], 3)
    return rows
