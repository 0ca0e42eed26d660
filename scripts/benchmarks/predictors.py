"""How long a new process takes to its first prediction: Keras, and exported files with `mtl.load_predictor` and by hand."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from benchmarks.features import CLASSES

import mtlzoo as mtl

BEGIN = """
import time
begun = time.perf_counter()
import json, sys
path, image = sys.argv[1:]
"""
END = """
{open}
opened = time.perf_counter()
{first}
print(json.dumps([opened - begun, time.perf_counter() - opened, time.process_time()]))
"""
BY_HAND = """
pixels = cv2.resize(cv2.cvtColor(cv2.imread(image), cv2.COLOR_BGR2RGB), (side, side))[None].astype("float32")
"""
# What is written by hand reads the image with OpenCV and gives bare arrays: no names, no table.
WAYS = {
    "Keras: mtl.load_model, mtl.predict": (
        "model.h5",
        "import mtlzoo as mtl; model = mtl.load_model(path)",
        "mtl.predict(model, image)",
    ),
    "LiteRT: mtl.load_predictor": (
        "model.tflite",
        "import mtlzoo as mtl; run = mtl.load_predictor(path)",
        "run(image)",
    ),
    "LiteRT by hand": (
        "model.tflite",
        "import cv2; from ai_edge_litert.interpreter import Interpreter; run = Interpreter(path).get_signature_runner()\n"
        "side = int(run.get_input_details()['images']['shape'][1])",
        f"{BY_HAND}run(images=pixels)",
    ),
    "ONNX Runtime: mtl.load_predictor": (
        "model.onnx",
        "import mtlzoo as mtl; run = mtl.load_predictor(path)",
        "run(image)",
    ),
    "ONNX Runtime by hand": (
        "model.onnx",
        "import cv2, onnxruntime; run = onnxruntime.InferenceSession(path); side = run.get_inputs()[0].shape[1]",
        f"{BY_HAND}run.run(None, {{'images': pixels}})",
    ),
    "OpenVINO: mtl.load_predictor": ("folder", "import mtlzoo as mtl; run = mtl.load_predictor(path)", "run(image)"),
}


def benchmark_predictors(
    rounds: int = 5, pixels: int = 224, ways: Sequence[str] = tuple(WAYS), layer: str | None = None
) -> list[dict[str, str | float]]:
    """Measures processes that open a file and predict for one JPEG, MobileNet 0.25 with eight heads.

    Args:
        rounds: How often each runs, in turns; medians are reported.
        pixels: The side of the network's input.
        ways: Which ways, by name.
        layer: The layer at which the network ends, for a quick trial; `None` for its last one.

    Returns:
        One row a way: `way`, `open_seconds`, from the first line to where images are taken, `first_seconds`, that of the
        first prediction, and `cpu_seconds`, of all cores until then; ways whose packages are not installed are left out.
    """
    model = mtl.build("mobilenet", CLASSES, (pixels, pixels, 3), weights=None, alpha=0.25, feature_layer=layer)
    with tempfile.TemporaryDirectory() as name:
        image = Path(name) / "image.jpg"
        cv2.imwrite(str(image), np.random.default_rng(0).integers(0, 256, (300, 400, 3), "uint8"))
        paths = {}
        for file in dict.fromkeys(WAYS[way][0] for way in ways):
            try:
                format = "openvino" if file == "folder" else None
                paths[file] = mtl.export(model, Path(name) / file, format, verify=False)
            except ImportError:
                continue
        seconds: dict[str, list[list[float]]] = {}
        for _ in range(rounds):
            for way in ways:
                file, begin, first = WAYS[way]
                if file in paths:
                    told = _run(BEGIN + END.format(open=begin, first=first), paths[file], image)
                    seconds.setdefault(way, []).extend([told] if told else [])
    return [
        {"way": way, **dict(zip(("open_seconds", "first_seconds", "cpu_seconds"), _medians(told)))}
        for way, told in seconds.items()
        if told
    ]


def _run(program: str, path: Path, image: Path) -> list[float] | None:
    command = [sys.executable, "-c", program, str(path), str(image)]
    done = subprocess.run(command, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


def _medians(rows: list[list[float]]) -> list[float]:
    return [round(statistics.median(column), 3) for column in zip(*rows)]
