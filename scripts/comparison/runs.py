"""Runs of a comparison: each in a process of its own, one after the other, and a file a run, which is not repeated."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

Answers = tuple[dict[str, np.ndarray], dict[str, np.ndarray]]


def run_apart(script: str, runs: Iterable[dict[str, Any]], path: Callable[[dict[str, Any]], Path]) -> None:
    """Start the script again for each run that has no file yet, with the same arguments and `--one`.

    Args:
        script: The file of the script.
        runs: What is told of each run: `set`, `way`, `seed`, and maybe more.
        path: Where the file of a run lies.
    """
    for given in runs:
        if path(given).exists():
            continue
        hidden = f", {given['hidden']}" if "hidden" in given else ""
        print(f"{time.strftime('%H:%M:%S')} {given['set']}{hidden}: {given['way']}, seed {given['seed']}", flush=True)
        subprocess.run([sys.executable, script, *sys.argv[1:], "--one", json.dumps(given)], check=True)


def record_run(path: Path, facts: dict[str, Any], real: Any, run: Callable[[], tuple[Answers, dict[str, Any]]]) -> None:
    """Run once, measure time, and write the metrics of validation and test rows; some of it is printed.

    Args:
        path: The file.
        facts: What else stands in it.
        real: The set.
        run: Gives the probabilities of all heads for both tables, and how it went.
    """
    from comparison.real_sets import figures

    started, used = time.perf_counter(), time.process_time()
    answers, how = run()
    record = {
        **facts,
        **how,
        "pixels": real.pixels,
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - used,
        "valid": figures(answers[0], real.tables[1]).to_dict("index"),
        "test": figures(answers[1], real.tables[2]).to_dict("index"),
    }
    path.write_text(json.dumps(record, indent=1), encoding="utf-8")
    for part in ("valid", "test"):
        mean = sum(row["accuracy"] for row in record[part].values()) / len(record[part])
        print(f"  {part}: mean accuracy {mean:.4f}", end="")
    print(f"  {record['seconds']:.0f} s, {record['cpu_seconds']:.0f} CPU s", flush=True)
