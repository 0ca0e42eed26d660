"""Which backbone goes where? Each is built, trained, frozen, and written in every format, and each file is run again.

    python scripts/compare_backbones.py [NAME ...] [--write docs/guides/backbones.md]

The families of KerasHub are those of `tests/support/hub_families.py`, small and with random weights; those of
`keras.applications` are as they are, with random weights. Needs `pip install "mtlzoo[hub,onnx]" onnxruntime`, no network and
no GPU. A cell says "yes" if what was run gave the predictions of Keras to 1e-4, and why not otherwise:

- *trains*: two steps change every trainable variable of the backbone;
- *frozen features exact*: what heads are trained on is the same in training and in inference, bit for bit;
- *.h5*, *.keras*: the exported file, loaded by `mtl.load_model` and by plain Keras (with KerasHub, where the file needs it);
- *SavedModel*, *LiteRT*, *ONNX*: the exported file, run by TensorFlow, its LiteRT interpreter, and ONNX Runtime;
- *web*: the LiteRT file of the web page, which takes one image at a time, has no operation that LiteRT.js lacks (the browser
  itself is tested elsewhere).
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import mtlzoo as mtl
from mtlzoo.backbones.plain_graph import to_plain_graph
from mtlzoo.keras_compat import flatten_layers
from mtlzoo.saving.web.folder import write_model

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests" / "support"))
from hub_families import HUB, SIZE

APPLICATIONS = [
    "MobileNetV2",
    "MobileNetV3Small",
    "ResNet50",
    "EfficientNetV2B0",
    "DenseNet121",
    "ConvNeXtTiny",
    "TCDCN",
]
COLUMNS = ["trains", "frozen features exact", ".h5", ".keras", "SavedModel", "LiteRT", "ONNX", "web"]
BEGIN, END = "<!-- compare_backbones: begin -->", "<!-- compare_backbones: end -->"
TOLERANCE = 1e-4
YES = "yes"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help='such as "hub: ViT" or MobileNetV2; all by default')
    parser.add_argument("--write", type=Path, help="the page whose table is replaced")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.ERROR)
    names = arguments.names or [*(f"hub: {name}" for name in HUB), *APPLICATIONS]
    lines = [f"| backbone | {' | '.join(COLUMNS)} |", f"| --- |{' --- |' * len(COLUMNS)}"]
    for name in names:
        cells = examine(name)
        told = f"{name.removeprefix('hub: ')} (KerasHub)" if name.startswith("hub: ") else name
        lines.append(f"| {told} | {' | '.join(cells[column] for column in COLUMNS)} |")
        print(lines[-1], flush=True)
        keras.backend.clear_session()
    table = "\n".join(lines)
    print(table)
    if arguments.write:
        before, _, rest = arguments.write.read_text("utf-8").partition(BEGIN)
        after = rest.partition(END)[2]
        arguments.write.write_text(f"{before}{BEGIN}\n\n{table}\n\n{END}{after}", "utf-8")


def examine(name: str) -> dict[str, str]:
    """The cells of a backbone's row."""
    keras.utils.set_random_seed(0)
    model, size = build(name)
    images = np.random.default_rng(0).integers(0, 256, (4, size, size, 3)).astype("uint8")
    cells = {"trains": trains(model, images), "frozen features exact": freezes(model, images)}
    expected = predictions(model(images, training=False))
    checks: dict[str, tuple[str, Callable[[Path, np.ndarray], Any]]] = {
        ".h5": ("model.h5", run_keras),
        ".keras": ("model.keras", run_keras),
        "SavedModel": ("saved_model", run_saved_model),
        "LiteRT": ("model.tflite", run_litert),
        "ONNX": ("model.onnx", run_onnx),
    }
    with tempfile.TemporaryDirectory() as folder:
        for column, (file, run) in checks.items():
            cells[column] = attempt(
                lambda path=Path(folder, file), run=run: check_file(model, path, run, images, expected)
            )
        page = Path(folder, "page.tflite")

        def write_page() -> None:
            write_model(to_plain_graph(model), page)
            compare(run_litert(page, images[:1]), {head: output[:1] for head, output in expected.items()})

        cells["web"] = attempt(write_page)
    if cells[".keras"] == YES and any(
        type(layer).__module__.startswith("keras_hub") for layer in flatten_layers(model)
    ):
        cells[".keras"] = "yes, with KerasHub"
    return cells


def build(name: str) -> tuple[mtl.MultiTaskModel, int]:
    heads = {"kind": 3, "size": mtl.RegressionHead(mean=5.0, scale=2.0)}
    if name.startswith("hub: "):
        network = HUB[name.removeprefix("hub: ")](SIZE)
        return mtl.build(network, heads, (SIZE, SIZE, 3), preprocessing="tf"), SIZE
    size = max(mtl.backbones.get_backbone(name).minimum_size[0], 2 * SIZE)  # at half of it the last maps are one pixel
    return mtl.build(name, heads, (size, size, 3), weights=None), size


def trains(model: mtl.MultiTaskModel, images: np.ndarray) -> str:
    model.compile(keras.optimizers.Adam(1e-3))
    variables = model.backbone.trainable_variables
    before = [variable.numpy() for variable in variables]
    labels = {"kind": np.array([0, 1, -1, 2]), "size": np.array([4.0, np.nan, 5.0, 6.0])}
    model.fit(images, labels, batch_size=4, epochs=2, verbose=0)
    still = [v.path for v, old in zip(variables, before) if np.array_equal(v.numpy(), old)]
    return YES if not still else f"all but {len(still)} of {len(variables)} variables"


def freezes(model: mtl.MultiTaskModel, images: np.ndarray) -> str:
    model.set_trainable("heads")
    trunk = model.split().trunk
    same = np.array_equal(trunk(images, training=True), trunk(images, training=False))
    return YES if same else "no"


def attempt(check: Callable[[], None]) -> str:
    try:
        check()
    except Exception as error:
        text = " ".join(str(error).split())
        if "Expected built-in Keras layers only" in text:
            return "no: layers of its own"
        if "Select TensorFlow op" in text or "Flex" in text:
            return "with TensorFlow's operations"
        print(f"    {type(error).__name__}: {text[:300]}", file=sys.stderr, flush=True)
        return f"no: {type(error).__name__}"
    return YES


def check_file(
    model: Any, path: Path, run: Callable[..., Any], images: np.ndarray, expected: dict[str, np.ndarray]
) -> None:
    mtl.export(model, path)
    compare(run(path, images), expected)


def compare(found: Any, expected: dict[str, np.ndarray]) -> None:
    for answer in found if isinstance(found, list) else [found]:
        for head, output in predictions(answer).items():
            difference = np.abs(output - expected[head]).max()
            if not difference <= TOLERANCE:
                raise ArithmeticError(f"head {head} differs by {difference:.2g}")


def predictions(outputs: Any) -> dict[str, np.ndarray]:
    return {head: np.asarray(output, "float32") for head, output in outputs.items()}


# === A file, run by what it is for ===


def run_keras(path: Path, images: np.ndarray) -> list[Any]:
    return [model(images, training=False) for model in (mtl.load_model(path), keras.models.load_model(path))]


def run_saved_model(path: Path, images: np.ndarray) -> Any:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))  # its function does not keep its variables
    return loaded.serve(tf.constant(images, "float32"))


def run_litert(path: Path, images: np.ndarray) -> Any:
    import tensorflow as tf

    runner = tf.lite.Interpreter(str(path)).get_signature_runner()
    (source,) = runner.get_input_details()
    return runner(**{source: images.astype("float32")})


def run_onnx(path: Path, images: np.ndarray) -> Any:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path))
    (source,) = session.get_inputs()
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, {source.name: images.astype("float32")})))


if __name__ == "__main__":
    main()
