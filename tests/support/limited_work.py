"""What happens where no file may become longer than some thousand bytes, as on a disk that is full: python limited_work.py
FOLDER.

Each line tells the work, what came of it, and what lies in the folder afterwards.
"""

from __future__ import annotations

import functools
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import killed_work
from quick_tensorflow import prepare_tensorflow

import mtlzoo as mtl
from mtlzoo.cli.main import main

LIMIT = 3000
EXPORTS = {**killed_work.FORMATS, "litert": "model.tflite", "web": "page"}


def limited(work: Callable[[], object]) -> str:
    """What comes of it under the limit."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, resource.RLIM_INFINITY))
    try:
        return f"done: {work()}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def tell(name: str, outcome: str, folder: Path) -> None:
    left = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
    print("|".join([name, outcome.replace("\n", " "), ",".join(left)]), flush=True)


def everything(folder: Path) -> None:
    """All works, one after the other."""
    for name in ("images", "out", "state"):
        (folder / name).mkdir()
    table = killed_work.table_in(folder / "images")
    table.frame[["image", "color"]].to_csv(folder / "images" / "labels.csv", index=False)
    model = killed_work.network(table)
    out = folder / "out"
    for form, name in EXPORTS.items():
        how = {"runtime": "cdn"} if form == "web" else {}
        tell(form, limited(functools.partial(mtl.export, model, out / name, form, **how)), out)

    def train() -> None:
        mtl.fit(model, table, stages=mtl.Stage(1, 1e-3), resume=folder / "state", verbose=False)

    tell("fit", limited(train), folder / "state")
    command = ["train", str(folder / "images" / "labels.csv"), "--backbone", "tcdcn", "--image-size", "32", "--quiet"]
    command += ["--weights", "none", "--stages", "heads:1:1e-3", "--out", str(folder / "run")]
    tell("train", limited(lambda: main(command)), out)


if __name__ == "__main__":
    prepare_tensorflow()
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    everything(Path(sys.argv[1]))
