"""Seconds and memory that tables with a hundred heads take until the first batch."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import cv2
import numpy as np
from benchmarks.processes import run_alone

PICTURES, CLASSES, MISSING = 8, ("a", "b", "c", "d", "e"), 0.5

STEPS = """
import json, sys, time
from mtlzoo.system.startup import load_quietly
load_quietly()
import tensorflow as tf
import mtlzoo as mtl
mtl.data.read_csv(sys.argv[2])
seconds, result, before = {}, [], peak()
def step(name, call):
    start, cpu = time.perf_counter(), time.process_time()
    result[:] = [call()]
    seconds[name + "_s"] = round(time.perf_counter() - start, 1)
    seconds[name + "_cpu_s"] = round(time.process_time() - cpu, 1)
step("read", lambda: mtl.data.read_csv(sys.argv[1]))
# Rows that show the same image would stay together: eight images would be eight rows.
step("split", lambda: mtl.data.split(result[0], [0.8, 0.2], identical=False)[0])
step("first_batch", lambda: next(iter(mtl.data.image_dataset(result[0], (64, 64), 32, augment="default", shuffle=True))))
print(json.dumps({**seconds, "peak_mib": round(peak()), "libraries_mib": round(before)}))
"""


def write_table(path: Path, rows: int, heads: int, layout: str, seed: int = 0) -> None:
    """Writes a label file, wide or long, whose rows point to a few images, half of the labels missing."""
    rng = np.random.default_rng(seed)
    names = np.array([*CLASSES, ""], dtype=object)
    with path.open("w", encoding="utf-8") as file:
        long = layout == "long"
        file.write("image,head,label\n" if long else f"image,{','.join(f'head_{head}' for head in range(heads))}\n")
        for start in range(0, rows, 10_000):
            count = min(10_000, rows - start)
            ids = rng.integers(len(CLASSES), size=(count, heads))
            ids[rng.random(ids.shape) < MISSING] = len(CLASSES)
            for row, cells in enumerate(names[ids], start):
                if long:  # Each row of the table is an image of its own here.
                    file.writelines(f"{row}.jpg,head_{head},{cell}\n" for head, cell in enumerate(cells) if cell)
                else:
                    file.write(f"{row % PICTURES}.jpg,{','.join(cells)}\n")


def write_images(folder: Path, names: list[str], seed: int = 0) -> None:
    """Writes a few small images, of which all names are links."""
    rng = np.random.default_rng(seed)
    for number in range(PICTURES):
        cv2.imwrite(str(folder / f"{number}.jpg"), rng.integers(0, 256, (64, 64, 3), np.uint8))
    for name in names:
        if not (folder / name).exists():
            (folder / name).hardlink_to(folder / f"{len(name) % PICTURES}.jpg")


def benchmark_large_tables(
    counts: tuple[int, ...] = (1_000, 10_000, 100_000), heads: int = 100, full: bool = False
) -> list[dict[str, str | float]]:
    """Measures reading, splitting 80 to 20, and the first batch, each table in a process of its own.

    Args:
        counts: Numbers of rows. Tables with one row a label are measured up to 10,000 images, half a million labels.
        heads: Heads, of five classes each.
        full: A million rows too.

    Returns:
        One row a table: `layout`, `rows`, for each step the seconds of waiting and of CPU, the process's peak memory
        `peak_mib`, and `libraries_mib`, the part of it that was there before.
    """
    results = []
    counts = (*counts, 1_000_000) if full else counts
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_images(folder, [f"{row}.jpg" for row in range(min(10_000, max(counts)))])
        warm = folder / "warm.csv"
        write_table(warm, 40, 2, "wide")
        for layout, rows in [("wide", rows) for rows in counts] + [("long", rows) for rows in counts if rows <= 10_000]:
            path = folder / "labels.csv"
            write_table(path, rows, heads, layout)
            output = run_alone(STEPS, path, warm)
            results.append({"layout": layout, "rows": rows, **json.loads(output.splitlines()[-1])})
    return results
