"""Model files that other people made, or that were damaged: the whole model, or one line that names the file."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from asked import usually

import mtlzoo as mtl
from mtlzoo.errors import ModelFileError

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3)).astype("uint8")
HEADS = {
    "length": mtl.ClassificationHead(["short", "knee", "floor"]),
    "kids": mtl.BinaryHead(["no", "yes"]),
    "tags": mtl.MultiLabelHead(["hood", "belt"]),
    "fit": mtl.OrdinalHead(["slim", "regular", "wide"]),
    "price": mtl.RegressionHead(mean=30.0, scale=12.0),
    "place": mtl.LandmarkHead(2),
    "age": mtl.ExpectationHead(range(10)),
    "box": mtl.BoxHead(),
    "shapes": mtl.DetectionHead(["circle", "square"]),
}


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(1)
    images = keras.Input((16, 16, 3))
    return mtl.build(keras.Model(images, keras.layers.Conv2D(4, 3, strides=4)(images), name="tiny"), HEADS)


@pytest.fixture(scope="module")
def written(model, tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("models")
    return {suffix: mtl.export(model, folder / f"model{suffix}").read_bytes() for suffix in (".h5", ".keras")}


@pytest.fixture(scope="module")
def graphs(written, tmp_path_factory) -> dict[str, keras.Model]:
    """What Keras makes of the files."""
    folder, loaded = tmp_path_factory.mktemp("graphs"), {}
    for suffix, content in written.items():
        (folder / f"model{suffix}").write_bytes(content)
        loaded[suffix] = keras.models.load_model(folder / f"model{suffix}", compile=False)
    return loaded


@pytest.fixture
def _graphs_are_there(graphs, monkeypatch):
    """Keras' part of loading takes most of the time, and does not look at metadata."""
    monkeypatch.setattr(keras.models, "load_model", lambda path, **options: graphs[Path(path).suffix])


def outcome(path: Path, **options) -> mtl.MultiTaskModel | str:
    """The model, or the line that says why there is none."""
    try:
        return mtl.load_model(path, **options)
    except ModelFileError as error:
        text = str(error)
    assert path.name in text, text
    assert len(text.splitlines()) == 1, text
    assert len(text) < 600, text
    assert "Exception encountered" not in text
    return text


# === Damage ===


@pytest.mark.parametrize("suffix", usually([".h5"], [".h5", ".keras"]))
def test_a_damaged_file_is_refused_or_the_same_model(model, written, tmp_path, suffix):
    content, path = written[suffix], tmp_path / f"damaged{suffix}"
    rng, expected = np.random.default_rng(0), model(IMAGES, training=False)
    changed = [content[:cut] for cut in (0, 1, 100, len(content) // 2, len(content) - 100, len(content) - 1)]
    for number in range(30):
        flipped = bytearray(content)
        flipped[rng.integers(0, len(content) if number % 2 else 2000)] ^= int(rng.integers(1, 256))
        changed.append(bytes(flipped))
    refused = 0
    for damaged in changed:
        path.write_bytes(damaged)
        found = outcome(path)
        refused += isinstance(found, str)
        if not isinstance(found, str):
            assert list(found.heads) == list(HEADS)
            for name, values in found(IMAGES, training=False).items():
                np.testing.assert_array_equal(values, expected[name])
    assert refused >= 6


def test_a_changed_weight_is_found(written, tmp_path):
    path = tmp_path / "model.h5"
    path.write_bytes(written[".h5"])
    with h5py.File(path, "a") as file:
        found = []
        file["model_weights"].visititems(lambda _, part: found.append(part) if isinstance(part, h5py.Dataset) else None)
        found[0][...] = found[0][...] + 1e-3
    assert "its weights are not those that were written" in outcome(path)
    with h5py.File(path, "a") as file:
        del file.attrs["mtlzoo_weights"]  # as older files are
    assert not isinstance(outcome(path), str)


# === What is no model ===


def test_what_is_no_model_is_told(written, model, tmp_path):
    (tmp_path / "folder.h5").mkdir()
    os.mkfifo(tmp_path / "pipe.h5")
    for name, content in {
        "empty.h5": b"",
        "empty.keras": b"",
        "text.h5": b"no model at all",
        "text.keras": b"no model at all",
        "swapped.h5": written[".keras"],
        "swapped.keras": written[".h5"],
        "model.tflite": b"TFL3",
        "model.onnx": b"\x08\x07",
    }.items():
        (tmp_path / name).write_bytes(content)
    model.save_weights(tmp_path / "model.weights.h5")
    plain = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    plain.save(tmp_path / "plain.keras")
    plain.save(tmp_path / "plain.h5")
    for name, message in {
        "folder.h5": "is a directory, not a file",
        "pipe.h5": "is a pipe, not a file",
        "empty.h5": "no HDF5 file",
        "empty.keras": r"no `.keras` archive",
        "text.h5": "no HDF5 file",
        "text.keras": r"no `.keras` archive",
        "swapped.h5": "no HDF5 file",
        "swapped.keras": r"no `.keras` archive",
        "model.tflite": "Expected a model file that ends in .h5, .hdf5, .keras",
        "model.onnx": "Expected a model file that ends in .h5, .hdf5, .keras",
        "model.weights.h5": "perhaps weights only",
        "plain.keras": "tells nothing of heads",
        "plain.h5": "tells nothing of heads",
    }.items():
        for trusted in (False, True):
            assert message in outcome(tmp_path / name, trusted=trusted), name
    with pytest.raises(FileNotFoundError, match=r"No such model file: .*missing\.h5"):
        mtl.load_model(tmp_path / "missing.h5")


# === Metadata ===


DEEP = '{"a":' * 10_000 + "1" + "}" * 10_000


def change(metadata: dict, *keys: str, to: object) -> str:
    metadata = json.loads(json.dumps(metadata))
    part = metadata
    for key in keys[:-1]:
        part = part[key]
    if to is ...:
        del part[keys[-1]]
    else:
        part[keys[-1]] = to
    return json.dumps(metadata)


WRONG = [
    (("resize",), "zoom", "expected `resize` to be one of stretch, crop, pad, received: 'zoom'"),
    (("resize",), ["crop"], "expected `resize`"),
    (("heads",), ..., "expected metadata of the heads"),
    (("heads",), [], "expected metadata of the heads"),
    (("heads", "kids"), ..., "expected one head for each output"),
    (("heads", "more"), {"kind": "binary", "config": {}}, "expected one head for each output"),
    (("heads", "kids"), 3, "head 'kids': expected its kind and config, received: 3"),
    (("heads", "kids", "config"), ..., "head 'kids': expected its kind and config"),
    (("heads", "kids", "config"), [1], "head 'kids': expected its kind and config"),
    (("heads", "kids", "kind"), "oracle", "head 'kids' is of the unknown kind 'oracle', expected one of: binary"),
    (("heads", "kids", "kind"), ["binary"], "head 'kids' is of the unknown kind"),
    (("heads", "kids", "kind"), "classification", "head 'kids'"),
    (("heads", "kids", "config", "labels"), ["a", "b", "c"], "head 'kids': its config cannot be used"),
    (("heads", "kids", "config", "new"), 1, "head 'kids': its config cannot be used"),
    (("heads", "kids", "config", "dropout"), "much", "head 'kids': its config cannot be used"),
    (("heads", "length", "config", "classes"), ["a", "b"], "has 2 numbers, the model's output has 3"),
    (("heads", "length", "config", "classes"), 10**12, "tells of 1000000000000 classes, the model's output has 3"),
    (("heads", "length", "config", "classes"), 1e300, "head 'length'"),
    (("heads", "length", "config", "classes"), [["a"], "b", "c"], "head 'length'"),
    (("heads", "tags", "config", "classes"), ["a"], "has 1 numbers, the model's output has 2"),
    (("heads", "price", "config", "units"), 4, "price"),
    (("heads", "price", "config", "units"), 10**9, "price"),
    (("heads", "place", "config", "points"), 3, "has 3 x 2 numbers, the model's output has 2 x 2"),
    (("heads", "place", "config", "points"), 10**9, "place"),
    (("heads", "shapes", "config", "classes"), ["circle"], "has 5 numbers, the model's output has 6"),
]


@pytest.mark.usefixtures("_graphs_are_there")
@pytest.mark.parametrize(
    ("keys", "value", "message"), WRONG, ids=[f"{'.'.join(keys)}={value}"[:60] for keys, value, _ in WRONG]
)
def test_metadata_that_cannot_be_true(written, tmp_path, keys, value, message):
    path = tmp_path / "model.h5"
    path.write_bytes(written[".h5"])
    with h5py.File(path, "a") as file:
        file.attrs["mtlzoo"] = change(json.loads(file.attrs["mtlzoo"]), *keys, to=value)
    assert message in outcome(path)
    assert message in outcome(path, trusted=True)


def test_what_metadata_say_is_refused_in_whole_files_too(written, tmp_path):
    path = tmp_path / "model.h5"
    path.write_bytes(written[".h5"])
    keys, value, message = WRONG[-1]
    with h5py.File(path, "a") as file:
        file.attrs["mtlzoo"] = change(json.loads(file.attrs["mtlzoo"]), *keys, to=value)
    assert message in outcome(path)
    assert message in outcome(path, trusted=True)


@pytest.mark.usefixtures("_graphs_are_there")
@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "3",
        "null",
        '"heads"',
        "[" * 100_000,
        '{"a":' * 10_000 + "1" + "}" * 10_000,
        "{}",
        "\ud800",
    ],
)
def test_metadata_that_is_none(written, tmp_path, suffix, text):
    path = tmp_path / f"model{suffix}"
    path.write_bytes(written[suffix])
    data = text.encode("utf-8", "surrogatepass")
    if suffix == ".h5":
        with h5py.File(path, "a") as file:
            file.attrs["mtlzoo"] = text if text.isascii() else np.bytes_(data)
    else:
        rewrite(path, {"mtlzoo.json": data})
    assert isinstance(outcome(path), str)


def test_older_metadata_still_loads(written, tmp_path, model):
    path = tmp_path / "model.h5"
    path.write_bytes(written[".h5"])
    with h5py.File(path, "a") as file:
        old = json.loads(file.attrs["mtlzoo"])
        del old["resize"], old["heads"]["kids"]["config"]["activation"]
        file.attrs["mtlzoo"] = json.dumps({**old, "version": "0.0.1", "later": 1})
        del file.attrs["mtlzoo_weights"]
    again = outcome(path)
    assert list(again.heads) == list(HEADS)
    assert again.resize == "stretch"


# === Graphs, archives and HDF5 that are traps ===


def rewrite(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()} | members
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in content.items():
            archive.writestr(name, data)


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
@pytest.mark.parametrize(
    "graph", [b"", b"[]", b"{}", b'{"class_name": "Nothing"}', b'{"a":' * 10_000 + b"1" + b"}" * 10_000]
)
def test_graphs_that_are_none(written, tmp_path, suffix, graph):
    path = tmp_path / f"model{suffix}"
    path.write_bytes(written[suffix])
    if suffix == ".h5":
        with h5py.File(path, "a") as file:
            file.attrs["model_config"] = graph.decode()
    else:
        rewrite(path, {"config.json": graph})
    assert isinstance(outcome(path), str)
    assert isinstance(outcome(path, trusted=True), str)


def test_archives_that_are_traps(written, tmp_path):
    for name, members, message in (
        ("bomb", {"model.weights.h5": bytes(2**28)}, "claims to hold"),
        ("bomb of another name", {"assets/zeros": bytes(2**28)}, "claims to hold"),
        ("outside", {"../outside.txt": b"out"}, "outside of its folder"),
        ("absolute", {"/tmp/outside.txt": b"out"}, "outside of its folder"),
        ("backslashes", {"..\\outside.txt": b"out"}, "outside of its folder"),
    ):
        path = tmp_path / f"{name}.keras"
        path.write_bytes(written[".keras"])
        rewrite(path, members, zipfile.ZIP_DEFLATED)
        assert message in outcome(path), name
    assert not (tmp_path.parent / "outside.txt").exists()
    path = tmp_path / "twice.keras"
    path.write_bytes(written[".keras"])
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("mtlzoo.json", b"{}")
    assert "two members of the same name" in outcome(path)


def test_hdf5_that_is_a_trap(written, tmp_path):
    (tmp_path / "other.h5").write_bytes(written[".h5"])
    (tmp_path / "raw").write_bytes(bytes(80))

    def external(file):
        file["model_weights"]["more"] = h5py.ExternalLink("other.h5", "/model_weights")

    def soft(file):
        file["model_weights"]["more"] = h5py.SoftLink("/nothing")

    def raw(file):
        file.create_dataset("more", (10,), "f8", external=[(str(tmp_path / "raw"), 0, 80)])

    def virtual(file):
        layout = h5py.VirtualLayout((10,), "f8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (10,))
        file.create_virtual_dataset("more", layout)

    def huge(file):
        file.create_dataset("more", (10**6, 10**6), "f4", chunks=(100, 100), compression="gzip")

    def deep(file):
        group = file
        for _ in range(200):
            group = group.create_group("g")

    def cycle(file):
        file["model_weights"]["again"] = file["/"]

    for trap in (external, soft, raw, virtual, huge, deep, cycle):
        path = tmp_path / f"{trap.__name__}.h5"
        path.write_bytes(written[".h5"])
        with h5py.File(path, "a") as file:
            trap(file)
        found = outcome(path)
        assert isinstance(found, str) or trap is cycle, trap.__name__


def test_a_class_that_is_not_known_here_is_named(written, tmp_path):
    for suffix in (".h5", ".keras"):
        path = tmp_path / f"model{suffix}"
        path.write_bytes(written[suffix])
        if suffix == ".h5":
            with h5py.File(path, "a") as file:
                file.attrs["model_config"] = file.attrs["model_config"].replace('"Dropout"', '"Sorcery"')
        else:
            with zipfile.ZipFile(path) as archive:
                config = archive.read("config.json")
            rewrite(path, {"config.json": config.replace(b'"Dropout"', b'"Sorcery"')})
        assert "holds 'Sorcery', which Keras does not know" in outcome(path)
