"""Predictions for many images: images a second beside `mtl.predict`, peak memory, and what is left after `kill -9`.

    python scripts/many_images.py speed model.tflite images/ --counts 5000 50000
    python scripts/many_images.py kills model.tflite images/ --kills 10

Images are links to those of the folder, as often as needed, in a temporary folder that is removed afterwards. Speeds are
without the time in which a process starts; peak memory is that of the whole process.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODEL = """
import json, sys, time
import mtlzoo as mtl
path = sys.argv[1]
keras = path.endswith((".h5", ".keras"))
model = mtl.load_model(path) if keras else mtl.load_predictor(path)
"""
MANY = """
done = mtl.predict_files(model, sys.argv[2], sys.argv[3])
print(json.dumps([done.predicted, done.seconds]))
"""
ONE = """
begun = time.monotonic()
rows = len(mtl.predict(model, sys.argv[2]) if keras else model(sys.argv[2]))
print(json.dumps([rows, time.monotonic() - begun]))
"""


def link_images(source: Path, folder: Path, count: int) -> None:
    """Fill a folder with links to the images of another, a thousand in each folder below."""
    images = sorted(path for path in source.resolve().rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    for number in range(count):
        place = folder / f"{number // 1000:05}" / f"{number:08}{images[number % len(images)].suffix}"
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(images[number % len(images)], place)
        except OSError:  # on another disk
            place.symlink_to(images[number % len(images)])


def measure(name: str, code: str, *arguments: object) -> None:
    """Run a program, and print its speed, the time of all cores and the peak of its memory."""
    with subprocess.Popen(
        [sys.executable, "-c", MODEL + code, *map(str, arguments)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        told = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    rows, seconds = json.loads(told.splitlines()[-1])
    cores = (used.ru_utime + used.ru_stime) / rows * 1000
    print(f"| {name} | {rows:,} | {rows / seconds:.0f} | {cores:.1f} | {used.ru_maxrss / 1024:.0f} |", flush=True)


def speed(model: Path, images: Path, folder: Path, counts: list[int]) -> None:
    """A line for each count of images, and one of `mtl.predict` for the first."""
    print("| | images | images a second | ms of all cores an image | peak MiB |\n| --- | --- | --- | --- | --- |")
    for place, count in enumerate(counts):
        link_images(images, folder / str(count), count)
        measure("`predict_files`", MANY, model, folder / str(count), folder / f"out-{count}")
        if place == 0:
            measure("`predict`", ONE, model, folder / str(count))


def kills(model: Path, images: Path, folder: Path, times: int) -> None:
    """Kill a command at random moments, over and over until it ends, and compare its files with an uninterrupted one's."""
    link_images(images, folder / "images", 400)
    (folder / "images" / "broken.jpg").write_bytes(b"no image")
    command = [sys.executable, "-m", "mtlzoo", "predict", str(model), str(folder / "images")]
    command += ["--format", "jsonl", "--rows-per-file", "20", "--out"]
    whole, begun = folder / "whole", time.monotonic()
    subprocess.run([*command, str(whole)], check=True, capture_output=True)
    seconds, names, killed, rounds = time.monotonic() - begun, sorted(path.name for path in whole.iterdir()), 0, 0
    while killed < times:
        rounds += 1
        out, ended = folder / f"killed-{rounds}", False
        while not ended:
            with subprocess.Popen([*command, str(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                while process.poll() is None and not any(out.glob(f".mtlzoo-*-{process.pid}-*")):
                    time.sleep(0.01)  # starting takes longest
                try:
                    process.communicate(timeout=random.uniform(0, seconds / 4))
                    assert process.returncode == 0, "it cannot go on"
                    ended = True
                except subprocess.TimeoutExpired:
                    process.kill()
                    killed += 1
        same = filecmp.cmpfiles(whole, out, names, shallow=False) == (names, [], [])
        assert same, f"{out} has other bytes"
        assert names == sorted(path.name for path in out.iterdir()), f"{out} has other files"
        print(f"{killed} kills in {rounds} runs: {len(names)} files, the same byte for byte.", flush=True)


def main() -> None:
    """Parse, make the folder, measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["speed", "kills"])
    parser.add_argument("model", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--counts", type=int, nargs="+", default=[5000, 50_000])
    parser.add_argument("--kills", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.what == "speed":
            speed(options.model, options.images, Path(folder), options.counts)
        else:
            kills(options.model, options.images, Path(folder), options.kills)


if __name__ == "__main__":
    main()
