"""Peak memory of one pass over a dataset, for few and for many images."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.processes import run_alone

PASS = """
import sys, time
import pandas as pd
import mtlzoo as mtl
rows = int(sys.argv[2])
frame = pd.DataFrame({"image": [sys.argv[1]] * rows, "kind": ["a", "b"] * (rows // 2)})
table = mtl.data.LabelTable(frame, {"kind": mtl.BinaryHead(["a", "b"])})
start = time.perf_counter()
for images, labels in mtl.data.image_dataset(table, (224, 224), 32, augment="default", shuffle=True):
    pass
print(peak(), time.perf_counter() - start)
"""


def benchmark_memory(counts: tuple[int, ...] = (1_000, 10_000), full: bool = False) -> list[dict[str, int | float]]:
    """Measures the peak memory of a process that decodes, augments and batches so many images of 512 x 512 pixels.

    Args:
        counts: Numbers of rows; all point to the same file.
        full: 100,000 rows too.

    Returns:
        One row a count: `images`, `peak_mib` and `seconds`.
    """
    import cv2
    from benchmarks.input_pipeline import draw_photograph

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        import numpy as np

        path = str(Path(folder, "image.jpg"))
        cv2.imwrite(path, draw_photograph(np.random.default_rng(0), 512, 512))
        for count in (*counts, 100_000) if full else counts:
            peak, seconds = map(float, run_alone(PASS, path, count).split()[-2:])
            rows.append({"images": count, "peak_mib": round(peak), "seconds": seconds})
    return rows
