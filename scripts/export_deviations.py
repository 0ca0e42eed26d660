"""How far do files of every backbone, format and precision lie from Keras? Each is written, run by its own engine, compared.

    python scripts/export_deviations.py OUT [--backbones NAME ...] [--write docs/guides/export.md]

All built-in backbones, with random weights whose batch normalisation has seen some images, at the smallest image size that
they take but at least 64 pixels, one head of five classes and one number. int8 files learn their ranges from 32 images; 16
others are compared: the largest deviation of a number (`mtlzoo.saving.verifying.deviation`), of int8 and "dynamic" the mean
as well, which is what `mtl.export` goes by. Formats whose packages are missing are left out.

`OUT` gets `<backbone>.json`, which is not made again, and `table.csv`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

SIZE, RANGES, COMPARED = 64, 32, 16
COLUMNS = {
    **{"h5 float32": ".h5", "keras float32": ".keras", "savedmodel float32": "SavedModel", "litert float32": "LiteRT"},
    **{"litert float16": "LiteRT float16", "litert dynamic": "LiteRT dynamic", "litert int8": "LiteRT int8"},
    **{
        "litert int8, dense layers in float": "LiteRT int8, `keep_float`",
        "onnx float32": "ONNX",
        "onnx int8": "ONNX int8",
    },
    **{"onnx int8, dense layers in float": "ONNX int8, `keep_float`", "openvino float32": "OpenVINO"},
    **{"openvino float16": "OpenVINO float16"},
}
BEGIN, END = "<!-- export_deviations: begin -->", "<!-- export_deviations: end -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--backbones", nargs="+", metavar="NAME")
    parser.add_argument("--write", type=Path, help="the page whose table is replaced")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.one:
        found = examine(options.one)
        (options.out / f"{options.one}.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
        return
    for name in options.backbones or names():
        if not (options.out / f"{name}.json").exists():
            print(f"{time.strftime('%H:%M:%S')} {name}", flush=True)
            # A process of its own: TensorFlow keeps the memory of every graph.
            subprocess.run([sys.executable, __file__, str(options.out), "--one", name])
    report(options)


def names() -> list[str]:
    import mtlzoo as mtl

    return list(mtl.list_backbones())


def examine(name: str) -> dict[str, Any]:
    """Deviations of each file of a backbone, and what could not be written or run."""
    import warnings

    import keras
    import numpy as np

    import mtlzoo as mtl
    from mtlzoo.data import image_dataset
    from mtlzoo.saving.verifying import deviation
    from mtlzoo.serving.variants import VARIANTS, size_of
    from mtlzoo.system.startup import held_back

    warnings.simplefilter("ignore")
    keras.utils.set_random_seed(0)
    size = max(mtl.backbones.get_backbone(name).minimum_size[0], SIZE)
    heads = {"kind": 5, "size": mtl.RegressionHead(mean=5.0, scale=2.0)}
    model = mtl.build(name, heads, (size, size, 3), weights=None)
    table = mtl.datasets.blood_cells().take(np.arange(0, 2001, 2001 // (RANGES + COMPARED))[: RANGES + COMPARED])
    images = np.concatenate([np.asarray(batch) for batch in image_dataset(table, (size, size), labels=False)])
    ranges, compared = images[:RANGES], images[RANGES:]
    # Without that, the signal of many layers has died away, and nothing would be compared.
    for _ in range(30):
        model.backbone(ranges[:16].astype("float32"), training=True)
    expected = {head: np.asarray(output) for head, output in model(compared, training=False).items()}
    found: dict[str, Any] = {"size": size, "parameters": model.count_params(), "files": {}}
    with tempfile.TemporaryDirectory() as folder:
        for variant in (*VARIANTS, type(VARIANTS[0])("keras")):
            try:
                with held_back():
                    path = variant.write(model, Path(folder), ranges)
                    outputs = variant.open(path)(compared.astype("float32"))
                off = {
                    kind: max(deviation(expected[head], np.asarray(outputs[head]), kind == "mean") for head in expected)
                    for kind in ("largest", "mean")
                }
                found["files"][str(variant)] = {**off, "megabytes": size_of(path) / 1e6}
            except Exception as error:  # whatever a converter stumbles over belongs into the table
                found["files"][str(variant)] = {
                    "error": f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
                }
            print(f"  {variant}: {found['files'][str(variant)]}", flush=True)
    return found


def report(options: argparse.Namespace) -> None:
    """Print the table, and put it into a page."""
    import pandas as pd

    rows = {}
    for path in sorted(options.out.glob("*.json"), key=lambda path: path.name.lower()):
        run = json.loads(path.read_text(encoding="utf-8"))
        cells = {COLUMNS[name]: cell(name, run["files"][name]) for name in COLUMNS if name in run["files"]}
        rows[path.stem] = {"pixels": str(run["size"]), **cells}
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("backbone").reset_index()
    table.to_csv(options.out / "table.csv", index=False)
    columns = list(table)
    lines = [f"| {' | '.join(columns)} |", f"| {' | '.join(['---'] * len(columns))} |"]
    lines += [f"| {' | '.join(row)} |" for row in table.fillna("").itertuples(index=False)]
    print("\n".join(lines))
    if options.write:
        before, _, rest = options.write.read_text("utf-8").partition(BEGIN)
        text = "\n".join(lines)
        options.write.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.partition(END)[2]}", "utf-8")


def cell(name: str, facts: dict[str, Any]) -> str:
    if "error" in facts:
        return "no"
    if "int8" in name or "dynamic" in name:
        return f"{facts['largest']:.1g} ({facts['mean']:.1g})"
    return f"{facts['largest']:.0e}" if facts["largest"] else "0"


if __name__ == "__main__":
    main()
