"""Write a model in the format that its suffix names."""

from __future__ import annotations

import inspect
import warnings
from pathlib import Path
from typing import Any

from mtlzoo.backbones import to_builtin_layers
from mtlzoo.backbones.plain_graph import check_can_be_loaded, to_plain_graph
from mtlzoo.backbones.positions import settle
from mtlzoo.files import writing
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.multitask import check_model
from mtlzoo.saving import verifying
from mtlzoo.saving.distances import with_distance
from mtlzoo.saving.metadata import describe
from mtlzoo.saving.verifying import load_given
from mtlzoo.system.registries import EXPORTS

HOW = ("precision", "images")  # what all formats of several precisions are told


def export(
    model: MultiTaskModel,
    path: str | Path,
    format: str | None = None,
    *,
    precision: str = "float32",
    images: Any = None,
    verify: bool = True,
    overwrite: bool = False,
    **options: Any,
) -> Path:
    """Write a model to a file that runs where mtlzoo is not installed.

    The file holds a plain graph, without training state; preprocessing is part of it. An `.h5` or `.keras` file loads with
    `keras.models.load_model` and predicts the same numbers; with :func:`load_model` it gives the whole `MultiTaskModel`
    back, since the heads travel inside as metadata. All layers are built into Keras where those of the backbone can be
    rewritten so, as all of `keras.applications` can; a `.keras` file with layers of KerasHub loads where that is installed.

    Before the file is moved to its place it is run by what runs it elsewhere (Keras, TensorFlow, LiteRT, ONNX Runtime,
    OpenVINO), and each head's output is compared with that of the model, see :mod:`mtlzoo.saving.verifying`.

    Args:
        model: The model.
        path: Where to write.
        format: `"h5"`, `"keras"`, `"litert"` (`.tflite`), `"onnx"`, `"savedmodel"`, `"openvino"` (folders) or `"web"` (a
            folder with a page that runs the model in the browser); by default what the suffix says, and a SavedModel if
            there is none.
        precision: `"float32"`; of LiteRT, web pages and OpenVINO `"float16"`; of LiteRT and web pages `"dynamic"` (8-bit
            weights); of LiteRT, web pages and ONNX `"int8"`.
        images: Images of the kind that the file will see, as :func:`mtlzoo.predict` takes them. `"int8"` needs some to learn
            the ranges of numbers from, a hundred of the training images say; the comparison takes the first of them, else
            two of the photographs that come along.
        verify: Whether to compare what was written with the model. Where an engine is not installed, a warning says that
            nothing was compared.
        overwrite: Whether an existing file may be replaced, once the new one is complete; of folders only those that hold a
            model of the same format and nothing else.
        **options: What the format has of its own: `runtime="cdn"` lets a web page load its runtime from a public CDN
            rather than from the folder; `keep_float=True` leaves dense layers of int8 files in float32.

    Returns:
        The path.

    Raises:
        ValueError: If the format is unknown, has no such precision or option, or cannot hold a layer of the model; it names
            those that can.
        ExportError: If what was written puts out something else than the model: the format, the head, how far it is off and
            how far it may be. Nothing is left behind, and an earlier file stays as it is.
        OutputError: If something else is there, or a model that is not to be replaced.
        ImportError: If the format needs a package that is not installed; it says which.
        OSError: If the runtime of a web page cannot be obtained.

    Example:

    ```python
    mtl.export(model, "model.h5")
    plain = keras.models.load_model("model.h5")  # in a process without mtlzoo
    ```
    """
    format = find_format(path := Path(path), format)
    check_model(model)
    chosen = EXPORTS[format]
    if precision not in chosen.precisions:
        raise ValueError(
            f"Format {format!r} has the precision {' or '.join(chosen.precisions)}, received: {precision!r}."
        )
    if precision == "int8" and images is None:
        raise ValueError(
            "int8 has to learn the ranges of numbers from images: say images= (--images), such as a folder with a hundred "
            "of those that the model was trained on."
        )
    # After model, metadata and path.
    known = [name for name in list(inspect.signature(chosen.write).parameters)[3:] if name not in HOW]
    if unknown := sorted(options.keys() - set(known)):
        raise ValueError(
            f"Format {format!r} has {' and '.join(known) or 'no options'}, received: {', '.join(unknown)}."
        )
    given = None if images is None else load_given(model, images)
    if len(chosen.precisions) > 1:
        options |= {"precision": precision, "images": given}
    with writing(path, kind=chosen.folder, overwrite=overwrite) as temporary, warnings.catch_warnings():
        # TensorFlow's arrays do not know numpy 2's `copy`: https://numpy.org/devdocs/numpy_2_0_migration_guide.html
        warnings.filterwarnings("ignore", "__array__ implementation doesn't accept a copy keyword", DeprecationWarning)
        settle(model)
        plain = to_builtin_layers(model) if chosen.layers == "builtin" else to_plain_graph(model)
        if chosen.layers == "registered":
            check_can_be_loaded(plain)
        seen = model.calibration.images
        if chosen.measures and seen is not None and precision != "int8":  # small distances are lost in eight bits
            plain = with_distance(plain, seen)
        chosen.write(plain, describe(model), temporary, **options)
        if verify:
            verifying.verify(model, temporary, format, chosen, precision, given)
    return path


def find_format(path: Path, format: str | None = None) -> str:
    """The format that is named, or else the one that a path's suffix stands for.

    Raises:
        ValueError: If there is no such format.
    """
    if format is None:
        suffixes: dict[str, str] = {}
        for name, known in EXPORTS.items():
            suffixes.setdefault(known.suffix, name)
        format = suffixes.get(path.suffix.lower())
        if format is None:
            raise ValueError(
                f"Expected a file that ends in {', '.join(filter(None, suffixes))}, or a folder for a SavedModel, received: "
                f"{path.name!r}. Or say `format=`."
            )
    if format not in EXPORTS:
        raise ValueError(f"Expected `format` to be one of {', '.join(EXPORTS.names())}, received: {format!r}.")
    chosen = EXPORTS[format]
    if chosen.exact_suffix and path.suffix != chosen.suffix:
        raise ValueError(
            f"Expected a file that ends in {chosen.suffix}, as Keras wants of the format {format!r}, received: "
            f"{path.name!r}."
        )
    return format
