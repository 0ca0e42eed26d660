"""Measure speed and memory, side by side in one run, and print tables.

    python scripts/benchmark.py [--out FOLDER] [--only SECTION] [--full]

The figures are ratios taken in turns within this run; single times depend on the machine. About five minutes on two cores.
"""

from __future__ import annotations

import argparse
import inspect
import os
import platform
from importlib.metadata import version
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from mtlzoo.startup import load_quietly

load_quietly()

import pandas as pd
from benchmarks.features import benchmark_features
from benchmarks.fit import benchmark_fit
from benchmarks.input_pipeline import benchmark_input_pipeline
from benchmarks.memory import benchmark_memory
from benchmarks.single_image import benchmark_single_image

SECTIONS = {
    "input_pipeline": benchmark_input_pipeline,
    "single_image": benchmark_single_image,
    "memory": benchmark_memory,
    "features": benchmark_features,
    "fit": benchmark_fit,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="a folder for one CSV file a section")
    parser.add_argument("--only", choices=SECTIONS, help="one section alone")
    parser.add_argument(
        "--full", action="store_true", help="more pictures and larger networks, where a section has such"
    )
    options = parser.parse_args()
    packages = ("mtlzoo", "tensorflow", "keras", "numpy", "opencv-python-headless")
    print(f"{_processor()}, {len(os.sched_getaffinity(0))} cores; Python {platform.python_version()}, ", end="")
    print(", ".join(f"{package} {version(package)}" for package in packages))
    for name, measure in SECTIONS.items():
        if options.only in (None, name):
            full = {"full": True} if options.full and "full" in inspect.signature(measure).parameters else {}
            table = pd.DataFrame(measure(**full))
            print(
                f"\n{name.replace('_', ' ')}: {measure.__doc__.splitlines()[0]}\n\n{table.to_string(index=False)}",
                flush=True,
            )
            if options.out:
                options.out.mkdir(parents=True, exist_ok=True)
                table.to_csv(options.out / f"{name}.csv", index=False)


def _processor() -> str:
    """The processor's model, where the system tells."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    return next((line.split(": ", 1)[1] for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
