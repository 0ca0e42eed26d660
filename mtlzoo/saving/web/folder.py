"""The folder: page, model, description and runtime."""

from __future__ import annotations

import base64
import hashlib
import json
import string
import warnings
from importlib import resources
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mtlzoo.files import FolderKind
from mtlzoo.models.attention import attention_weights, positions
from mtlzoo.models.known_images import distance_name
from mtlzoo.saving.formats import ExportFormat, Run
from mtlzoo.saving.litert import PRECISIONS, convert, open_file
from mtlzoo.saving.metadata import read
from mtlzoo.saving.web import runtime as litert
from mtlzoo.saving.web.description import Further, Look, describe, describe_images

ASSETS = resources.files("mtlzoo.saving.web")
PAGE = ASSETS / "page"
MODEL = "model.tflite"
FOLDER = FolderKind(
    name="a web page with a model",
    marker="model.json",
    keys=("input", "outputs", "runtime"),
    files=(
        *("model.json", MODEL, "runtime/LICENSE.txt", "runtime/@litertjs/*/*/*"),
        *(asset.name for asset in PAGE.iterdir()),
    ),
)


def write(
    model: keras.Model,
    metadata: str,
    path: Path,
    *,
    runtime: str = "local",
    precision: str = "float32",
    images: np.ndarray | None = None,
    keep_float: bool = False,
) -> None:
    """Write a plain model as a folder with a page.

    Args:
        model: The plain model.
        metadata: Its heads as a JSON text.
        path: The folder to make.
        runtime: `"local"` puts the runtime into the folder, which then needs no network; npm fetches it once. `"cdn"`
            lets the page load the same files, hash by hash, from a public CDN.
        precision: As in :func:`mtlzoo.saving.litert.write`.
        images: For `precision="int8"`.
        keep_float: As in :func:`mtlzoo.saving.litert.write`.

    Raises:
        ValueError: If `runtime` is neither, or the model's file does not have an output for each head.
        RuntimeUnavailableError: If the runtime cannot be obtained.
    """
    if runtime not in litert.SOURCES:
        raise ValueError(f"Expected `runtime` to be one of {', '.join(litert.SOURCES)}, received: {runtime!r}.")
    files = litert.obtain() if runtime == "local" else {}  # first, since it may fail
    path.mkdir()
    model, looks = with_looks(model)
    told = read(metadata)
    name = distance_name(told["heads"])
    unusual = describe_images(told["calibration"].images, name) if name in model.output else None
    write_model(model, path / MODEL, precision=precision, images=images, keep_float=keep_float)
    further = Further(looks, unusual)
    description = describe(model, path / MODEL, **told, base=litert.SOURCES[runtime], further=further)
    (path / "model.json").write_text(json.dumps(description, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    files["LICENSE.txt"] = (ASSETS / "runtime-license.txt").read_bytes()
    for name, content in files.items():
        target = path / "runtime" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    for asset in PAGE.iterdir():
        (path / asset.name).write_bytes(asset.read_bytes())
    (path / "index.html").write_text(fill_page((PAGE / "index.html").read_text("utf-8"), runtime), encoding="utf-8")


def open_page(path: Path) -> Run:
    """What the page's model puts out where LiteRT runs it, outside of a browser."""
    return open_file(path / MODEL)


FORMAT = ExportFormat("", write, FOLDER, open=open_page, measures=True, precisions=PRECISIONS)


def with_looks(model: keras.Model) -> tuple[keras.Model, dict[str, Look]]:
    """The model with one output more for each head that looks for itself, where it does; and what these are called."""
    found, outputs, looks = attention_weights(model), dict(model.output), {}
    for head, weights in found.items():
        name = f"{head}_attention"
        while name in outputs:
            name += "_"
        outputs[name], looks[head] = weights, Look(name, *positions(weights))
    return (keras.Model(model.input, outputs, name=model.name) if found else model), looks


def write_model(model: keras.Model, path: Path, **how: Any) -> None:
    """Write the model's LiteRT file for images one at a time: LiteRT.js takes no batch of changing size."""
    image = keras.InputSpec(shape=(1, *model.input_shape[1:]), dtype="float32", name=model.inputs[0].name)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is deprecated", UserWarning)
        convert(model, path, [image], **how)


def fill_page(page: str, runtime: str) -> str:
    """Put the import map and the policy of what the page may load into `index.html`."""
    base = litert.SOURCES[runtime]
    modules = {f"{base}{name}": litert.INTEGRITY[name] for name in litert.MODULES.values()}
    imports = {specifier: f"{base}{name}" for specifier, name in litert.MODULES.items()}
    import_map = json.dumps({"imports": imports, "integrity": modules}, indent=1)
    digest = base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode()
    origin = "" if runtime == "local" else f" {'/'.join(base.split('/')[:3])}"
    return string.Template(page).substitute(import_map=import_map, import_map_hash=f"'sha256-{digest}'", origin=origin)
