"""What a model file says of its heads is checked before it is used: kinds, counts, sizes, nesting."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtlzoo.errors import ModelFileError
from mtlzoo.heads import HEADS, Head
from mtlzoo.images.warping import RESIZES
from mtlzoo.models.calibrated import Calibration
from mtlzoo.models.known_images import distance_name

if TYPE_CHECKING:
    import keras

MAX_TEXT = 64 * 2**20  # characters of JSON; the largest graph of `keras.applications` has two million
MAX_HEADS = 100_000
CODE = ("Lambda", "__lambda__")  # the layer, and a function that is an argument
COUNTS = ("classes", "units", "points", "levels", "labels")  # settings of heads that may say how many outputs there are


def parse_json(text: str | bytes, path: Path, what: str) -> dict[str, Any]:
    """An object from JSON that somebody else wrote.

    Raises:
        ModelFileError: It is too long, too deep, no JSON or no object.
    """
    if len(text) > MAX_TEXT:
        raise ModelFileError(
            f"{path}: its {what} has {len(text):,} characters, more than the {MAX_TEXT:,} that are read."
        )
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "too deeply nested" if isinstance(error, RecursionError) else "no JSON"
        raise ModelFileError(f"{path}: its {what} is damaged ({reason}).") from None
    if not isinstance(content, dict):
        raise ModelFileError(f"{path}: expected its {what} to be a JSON object, received: {_short(content)}.")
    return content


def check_graph(text: str | bytes, path: Path, trusted: bool) -> None:
    """Look through the description of a graph before Keras makes layers of it.

    Keras itself refuses code too, but not in `.h5` files before 3.11.3: https://github.com/keras-team/keras/pull/21602

    Raises:
        ModelFileError: It is no JSON object, or holds code and is not trusted.
    """
    graph = parse_json(text, path, "graph")
    # Models are loaded without what they were compiled with.
    left: list[Any] = [part for name, part in graph.items() if name != "compile_config"]
    while left and not trusted:
        part = left.pop()
        if isinstance(part, dict) and part.get("class_name") in CODE:
            raise ModelFileError(
                f"{path} holds a Lambda layer, that is, code that would run here. If you made this file yourself, load it "
                "with trusted=True (on the command line --trust)."
            )
        left += part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()


def read_heads(
    text: str, path: Path, shapes: Mapping[str, tuple[int | None, ...]], measures: bool = False
) -> dict[str, Any]:
    """The keyword arguments of `MultiTaskModel` in the metadata of a file.

    Args:
        text: The metadata, JSON.
        path: The file, for messages.
        shapes: The shapes of the model's outputs, without the batch.
        measures: Whether there may be an output more, the distance from known images.

    Returns:
        `heads`, `resize` and `calibration`.

    Raises:
        ModelFileError: It is not what :func:`export` writes, or does not fit the model's outputs.
    """
    content = parse_json(text, path, "metadata")
    version = content.get("version", "an unknown version")
    resize, entries = content.get("resize", "stretch"), content.get("heads")
    if resize not in RESIZES:
        expected = ", ".join(RESIZES)
        raise ModelFileError(f"{path}: expected `resize` to be one of {expected}, received: {_short(resize)}.")
    if not isinstance(entries, dict) or not entries or len(entries) > MAX_HEADS:
        raise ModelFileError(f"{path}: expected metadata of the heads by name, received: {_short(entries)}.")
    if measures:
        shapes = {name: shape for name, shape in shapes.items() if name != distance_name(entries)}
    if set(entries) != set(shapes):
        raise ModelFileError(
            f"{path}: expected one head for each output ({_short(sorted(shapes))}), received: {_short(sorted(entries))}."
        )
    heads = {name: _read_head(name, entry, shapes[name], path, version) for name, entry in entries.items()}
    try:
        calibration = Calibration.from_config(content.get("calibration", {}), heads)
    except ValueError as error:
        raise ModelFileError(f"{path}: what its metadata tell of calibration cannot be used: {error}") from None
    return {"heads": heads, "resize": resize, "calibration": calibration}


def _read_head(name: str, entry: Any, shape: tuple[int | None, ...], path: Path, version: Any) -> Head:
    where = f"{path}: head {_short(name)}"
    if not isinstance(entry, dict) or not isinstance(entry.get("config"), dict):
        raise ModelFileError(f"{where}: expected its kind and config, received: {_short(entry)}.")
    kind, config = entry.get("kind"), entry["config"]
    if not isinstance(kind, str) or kind not in HEADS:
        raise ModelFileError(
            f"{where} is of the unknown kind {_short(kind)}, expected one of: {', '.join(HEADS)}. The file was written by "
            f"mtlzoo {_short(version)}; a kind of your own wants `mtl.heads.register_head` first."
        )
    for setting in COUNTS:
        count = config.get(setting)
        if isinstance(count, list) and not all(isinstance(name, str | int | float) for name in count):
            raise ModelFileError(f"{where}: expected {setting} to be texts or numbers, received: {_short(count)}.")
        if isinstance(count, int | float) and not 0 < count <= 2 * max((side or 1 for side in shape), default=1):
            raise ModelFileError(
                f"{where} tells of {count:.15g} {setting}, the model's output has {_words(shape)} numbers."
            )
    try:
        head = HEADS[kind].from_config(config)
    except Exception as error:  # Whatever a config that is no config makes a head stumble over.
        raise ModelFileError(
            f"{where}: its config cannot be used (written by mtlzoo {_short(version)}): {_short(str(error), 200)}."
        ) from None
    check_shape(name, head, shape, path)
    return head


def check_shape(name: str, head: Head, shape: tuple[int | None, ...], path: Path) -> None:
    """Refuse a head that has other numbers of classes, points or units than the model's output.

    Raises:
        ModelFileError: It has.
    """
    expected = head.output_shape()
    found = shape[len(shape) - len(expected) :]
    if len(found) != len(expected) or any(side not in (None, own) for side, own in zip(found, expected)):
        raise ModelFileError(
            f"{path}: head {_short(name)} ({_short(head.describe())}) has {_words(expected)} numbers, the model's output "
            f"has {_words(found or shape)}."
        )


def output_shapes(graph: keras.Model, path: Path) -> dict[str, tuple[int | None, ...]]:
    """The shape of each output, without the batch.

    Raises:
        ModelFileError: The outputs are no dictionary.
    """
    outputs = getattr(graph, "output", None)
    if not isinstance(outputs, dict):
        raise ModelFileError(f"{path}: expected one named output for each head, received outputs without names.")
    return {name: tuple(tensor.shape[1:]) for name, tensor in outputs.items()}


def _words(shape: tuple[int | None, ...]) -> str:
    return " x ".join("any" if side is None else str(side) for side in shape) or "1"


def _short(value: Any, length: int = 60) -> str:
    text = " ".join((value if isinstance(value, str) and length > 60 else repr(value)).split())
    return text if len(text) <= length else f"{text[: length - 3]}..."
