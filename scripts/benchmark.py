"""Measure speed and memory, side by side in one run, and print one table.

    python scripts/benchmark.py [--out FILE.csv] [--only SECTION ...] [--full]

The figures are ratios taken in turns within this run; single times depend on the machine. Under fifteen minutes on two
cores; `--full` takes larger backbones and tables, and longer.
"""

from __future__ import annotations

import argparse
import inspect
import os
import platform
import sys
import time
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from mtlzoo.files import check_output, writing
from mtlzoo.system.startup import load_quietly

load_quietly()

import cv2
import pandas as pd
from benchmarks.balancing import benchmark_balancing
from benchmarks.features import benchmark_features
from benchmarks.fit import benchmark_fit
from benchmarks.growth import benchmark_growth
from benchmarks.input_pipeline import benchmark_input_pipeline
from benchmarks.large_tables import benchmark_large_tables
from benchmarks.memory import benchmark_memory
from benchmarks.prediction import benchmark_prediction
from benchmarks.predictors import benchmark_predictors
from benchmarks.replicas import benchmark_replicas
from benchmarks.serving import benchmark_serving
from benchmarks.single_image import benchmark_single_image
from benchmarks.startup import benchmark_startup
from benchmarks.teaching import benchmark_teaching
from benchmarks.training_step import benchmark_training_step

SECTIONS = {
    "startup": benchmark_startup,
    "input_pipeline": benchmark_input_pipeline,
    "single_image": benchmark_single_image,
    "prediction": benchmark_prediction,
    "predictors": benchmark_predictors,
    "serving": benchmark_serving,
    "memory": benchmark_memory,
    "large_tables": benchmark_large_tables,
    "growth": benchmark_growth,
    "replicas": benchmark_replicas,
    "training_step": benchmark_training_step,
    "fit": benchmark_fit,
    "features": benchmark_features,
    "balancing": benchmark_balancing,
    "teaching": benchmark_teaching,
}
PACKAGES = ("mtlzoo", "tensorflow", "keras", "numpy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="a CSV file for the table, with hardware and versions in every row")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, help="some sections alone")
    parser.add_argument("--full", action="store_true", help="larger networks and tables, where a section has such")
    parser.add_argument("--overwrite", action="store_true", help="replace an existing file")
    options = parser.parse_args()
    if options.out:
        check_output(options.out, overwrite=options.overwrite)
    machine = f"{_processor()}, {len(os.sched_getaffinity(0))} cores"
    of_packages = [f"{name} {version(name)}" for name in PACKAGES]
    versions = ", ".join([f"Python {platform.python_version()}", *of_packages, f"OpenCV {cv2.__version__}"])
    parts = []
    for name in options.only or SECTIONS:
        measure, start = SECTIONS[name], time.monotonic()
        print(f"{name.replace('_', ' ')}: {measure.__doc__.splitlines()[0]}", file=sys.stderr, flush=True)
        full = {"full": True} if options.full and "full" in inspect.signature(measure).parameters else {}
        parts.append(tidy(name, measure(**full)))
        print(f"  {time.monotonic() - start:.0f} seconds", file=sys.stderr, flush=True)
        table = pd.concat(parts, ignore_index=True)
        if options.out:  # after every section: an interrupted run leaves what it has
            written = table.assign(machine=machine, versions=versions)
            with writing(options.out, overwrite=options.overwrite or len(parts) > 1) as temporary:
                written.to_csv(temporary, index=False)
    print(f"\n{machine}; {versions}\n\n{table.to_string(index=False)}")


def tidy(section: str, rows: list[dict[str, object]]) -> pd.DataFrame:
    """Every figure of a section in a row of its own: `section`, `case` (what tells the rows apart), `measure`, `value`."""
    frame = pd.DataFrame(rows)
    settings = ("heads", "pixels", "images", "epochs", "rows", "replicas")
    numbers = {name for name in frame if pd.api.types.is_numeric_dtype(frame[name]) and frame[name].dtype != bool}
    told = [name for name in frame if name in settings or name not in numbers]
    figures = [name for name in frame if name not in told]
    cases = frame[told].apply(lambda row: ", ".join(_words(name, value) for name, value in row.items()), axis=1)
    long = frame[figures].assign(case=cases).melt("case", var_name="measure", value_name="value", ignore_index=False)
    long = long.dropna(subset="value").sort_index(kind="stable").reset_index(drop=True)
    return long.assign(section=section)[["section", "case", "measure", "value"]]


def _words(name: str, value: object) -> str:
    return (
        str(value) if isinstance(value, str) else f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}"
    )


def _processor() -> str:
    """The processor's model, where the system tells."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
