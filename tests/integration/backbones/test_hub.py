"""Every family of KerasHub runs through one tester: forwards, backwards, frozen, in part frozen, cut, saved and exported."""

from __future__ import annotations

import importlib.util
import shutil

import keras
import numpy as np
import pytest
import tensorflow as tf
from eager import eager_steps
from hub_families import HUB, SIZE

import mtlzoo as mtl
from mtlzoo.keras_compat import flatten_layers
from mtlzoo.models.freezing import leaf_layers
from mtlzoo.models.low_rank import train_low_rank
from mtlzoo.models.resizing import at_size
from mtlzoo.training.features import is_fixed

pytestmark = [
    pytest.mark.long,
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("keras_hub") is None, reason="KerasHub is not installed"),
    # Swin's attention says so of the mask that Keras itself puts on zeros.
    pytest.mark.filterwarnings("ignore:Layer 'attn' .* was passed an input with a mask:UserWarning"),
]
HEADS = {"kind": 3, "size": mtl.RegressionHead(mean=5.0, scale=2.0), "points": mtl.LandmarkHead(2)}
TOKENS = ["ViT", "DeiT", "DINOV2", "DINOV3", "CLIP", "SigLIP"]
PLAIN = ["ResNet", "DenseNet", "VGG", "Xception"]  # made of built-in layers alone


@pytest.fixture
def pixels(rng):
    return rng.integers(0, 256, (4, SIZE, SIZE, 3)).astype("uint8")


def built(name: str, size: int = SIZE, made_for: int = SIZE, **options) -> mtl.MultiTaskModel:
    options = {"preprocessing": "tf", "heads": HEADS, **options}
    return mtl.build(HUB[name](made_for), options.pop("heads"), (size, size, 3), **options)


def outputs_of(model, images) -> dict[str, np.ndarray]:
    return {head: np.asarray(output) for head, output in model(images, training=False).items()}


def assert_same_outputs(model, images, expected, **tolerance) -> None:
    for head, output in outputs_of(model, images).items():
        np.testing.assert_allclose(output, expected[head], err_msg=head, **{"rtol": 1e-5, "atol": 1e-5, **tolerance})


def assert_every_variable_has_a_gradient(model, images) -> None:
    model.compile()
    labels = {"kind": np.array([1, -1, 0, 2]), "size": np.array([4.0, np.nan, 1.0, 2.0])}
    with tf.GradientTape() as tape:
        loss = model.compute_loss(y=labels, y_pred=model(images, training=True))
    gradients = tape.gradient(loss, model.trainable_variables)
    assert [v.path for v, g in zip(model.trainable_variables, gradients) if g is None] == []


def assert_it_is_fixed_while_frozen(model, images) -> None:
    model.set_trainable("heads")
    trunk = model.split().trunk
    assert is_fixed(trunk)
    np.testing.assert_array_equal(trunk(images, training=True), trunk(images, training=False))


def assert_it_can_be_trained_in_part(name, model) -> None:
    weighted = [layer for layer in leaf_layers(model.backbone) if layer.weights]
    assert len(weighted) >= 2 + (name in TOKENS)  # a stack of blocks is more than one layer
    model.set_trainable(1)
    trained = {id(variable) for variable in model.backbone.trainable_variables}
    assert trained
    assert trained <= {id(variable) for variable in weighted[-1].variables}
    model.set_trainable([weighted[-2].name])
    assert {id(v) for v in model.backbone.trainable_variables} & {id(v) for v in weighted[-2].variables}
    model.set_trainable("all")
    weights = {id(v) for layer in flatten_layers(model.backbone) for v in layer.trainable_variables}
    assert {id(v) for v in model.backbone.trainable_variables} == weights


def assert_it_comes_back(model, images, expected, folder) -> None:
    model.save(folder / "whole.keras")
    again = mtl.load_model(folder / "whole.keras")
    assert_same_outputs(again, images, expected, rtol=0, atol=0)
    assert again.backbone.preprocessing == "tf"
    mtl.export(model, folder / "plain.keras")
    plain = keras.models.load_model(folder / "plain.keras")
    assert not any(type(layer).__module__.startswith("mtlzoo") for layer in flatten_layers(plain, include_self=True))
    assert_same_outputs(plain, images, expected, rtol=0, atol=0)
    assert_same_outputs(mtl.load_model(folder / "plain.keras"), images, expected, rtol=0, atol=0)


@pytest.mark.parametrize("name", HUB)
def test_family(name, pixels, tmp_path):
    model = built(name)
    expected = outputs_of(model, pixels)
    assert {head: output.shape for head, output in expected.items()} == {
        "kind": (4, 3),
        "size": (4, 1),
        "points": (4, 2, 2),
    }
    assert max(np.ptp(output, axis=0).max() for output in expected.values()) > 1e-5  # it depends on the image
    assert len(model.backbone.output_shape) == 4
    assert len({weight.path for weight in model.weights}) == len(model.weights)
    assert_it_comes_back(model, pixels, expected, tmp_path)
    if name in PLAIN:
        mtl.export(model, tmp_path / "model.h5")
        assert_same_outputs(keras.models.load_model(tmp_path / "model.h5"), pixels, expected)
    else:
        formats = r"formats that hold it are `\.keras`, which loads with KerasHub, a SavedModel .*ONNX.* and LiteRT"
        with pytest.raises(ValueError, match=formats):
            mtl.export(model, tmp_path / "model.h5")
        assert not (tmp_path / "model.h5").exists()
    assert_it_is_fixed_while_frozen(model, pixels)
    assert_it_can_be_trained_in_part(name, model)
    assert_every_variable_has_a_gradient(model, pixels)


# === Tokens ===


@pytest.mark.parametrize("name", TOKENS)
def test_tokens(name, pixels):
    """The patches are a map in the places of the image; the class token stands beside each, or alone."""
    network = HUB[name](SIZE)
    shapes, features = {}, {}
    for tokens in ("both", "mean", "class"):
        model = mtl.build(network, {"kind": 3}, preprocessing="none", tokens=tokens)
        features[tokens] = np.asarray(model.backbone(pixels.astype("float32")))
        shapes[tokens] = features[tokens].shape[1:]
    assert shapes == {"both": (4, 4, 32), "mean": (4, 4, 16), "class": (16,)}
    both = features["both"]
    np.testing.assert_allclose(both[..., :16], features["mean"], atol=1e-6)
    np.testing.assert_allclose(
        both[..., 16:], np.broadcast_to(features["class"][:, None, None], (4, 4, 4, 16)), atol=1e-6
    )
    assert mtl.build(network, {"kind": 3}, preprocessing="none").backbone.output_shape == (None, 4, 4, 32)


def test_patches_lie_where_they_are_in_the_image():
    model = built("ViT", tokens="mean")
    images = np.zeros((2, SIZE, SIZE, 3), "float32")
    images[1, 8:16, 24:32] = 1.0  # row 1, column 3
    change = np.abs(np.diff(np.asarray(model.backbone(images)), axis=0)[0]).sum(-1)
    assert np.unravel_index(change.argmax(), change.shape) == (1, 3)


def test_heads_that_look_and_heads_with_positions():
    model = built("DINOV3", pooling="attention")
    assert mtl.models.attention.attention_maps(model, np.zeros((1, SIZE, SIZE, 3)))["kind"].shape == (1, 4, 4)
    with pytest.raises(ValueError, match="received a vector"):
        built("DINOV3", pooling="attention", tokens="class")


def test_wrong_tokens():
    with pytest.raises(ValueError, match=r"one of both, mean, class, received: 'patches'"):
        built("ViT", tokens="patches")
    with pytest.raises(ValueError, match='Expected tokens="mean", since this network has no class token'):
        built("SwinTransformer", tokens="class")
    with pytest.raises(ValueError, match="Expected a backbone with tokens"):
        built("ResNet", tokens="both")


# === Sizes ===


@pytest.mark.parametrize("name", [*TOKENS, "EfficientNet"])
def test_another_size(name, pixels):
    """Positions are interpolated; the image at its own size is seen as before."""
    network = HUB[name](SIZE)
    keras.utils.set_random_seed(0)
    own = mtl.build(network, {"kind": 3}, preprocessing="tf", tokens=None)
    larger = mtl.build(network, {"kind": 3}, (48, 48, 3), preprocessing="tf")
    assert larger.backbone.output_shape[1:3] == (6, 6)
    assert np.isfinite(np.asarray(larger(np.zeros((1, 48, 48, 3)))["kind"])).all()
    back = mtl.build(network, {"kind": 3}, (SIZE, SIZE, 3), preprocessing="tf")
    features = [np.asarray(model.backbone(pixels.astype("float32"))) for model in (own, back)]
    np.testing.assert_array_equal(*features)


def test_positions_that_are_smooth_stay_so():
    network = HUB["ViT"](64)
    table = next(weight for weight in network.weights if "position_embedding" in weight.path)
    rows, columns = np.mgrid[:8, :8]
    ramp = np.concatenate([[0.0], (rows + columns).ravel()])[:, None] * np.ones((1, 16))
    table.assign(ramp)
    half = mtl.build(network, {"kind": 3}, (32, 32, 3), preprocessing="tf")
    smaller = next(weight for weight in half.backbone.weights if "position_embedding" in weight.path).numpy()[:, 0]
    assert smaller[0] == 0.0  # the class token's
    inner = smaller[1:].reshape(4, 4)[1:3, 1:3]
    np.testing.assert_allclose(inner, [[5, 7], [7, 9]], atol=0.2)


def test_images_need_not_be_square():
    assert built("ViT", heads={"kind": 3}).with_heads({"kind": 3}).backbone.output_shape == (None, 4, 4, 32)
    model = mtl.build(HUB["ViT"](SIZE), {"kind": 3}, (32, 64, 3), preprocessing="tf")
    assert model.backbone.output_shape == (None, 4, 8, 32)
    assert np.isfinite(np.asarray(model(np.zeros((1, 32, 64, 3)))["kind"])).all()


def test_smaller_images_first():
    """What shares all weights between two sizes works for maps, and is refused for tokens."""
    assert at_size(built("HGNetV2", heads={"kind": 3}), (48, 48)).backbone.output_shape == (None, 6, 6, 32)
    with pytest.raises(ValueError, match=r"takes images of 48 x 48 pixels too, .*'feature_map' makes a map"):
        at_size(built("ViT", heads={"kind": 3}), (48, 48))


def test_a_size_that_cannot_be():
    with pytest.raises(
        ValueError, match=r"Expected an input_shape that 'vi_t_backbone.*' can take, such as \(32, 32, 3\)"
    ):
        built("ViT", size=33)


# === Cut ===


def test_it_ends_after_a_block(pixels):
    network = HUB["DINOV3"](SIZE)
    blocks = [layer.name for layer in flatten_layers(network) if type(layer).__name__ == "DINOV3Layer"]
    cut = mtl.build(network, {"kind": 3}, preprocessing="tf", feature_layer=blocks[0])
    whole = mtl.build(network, {"kind": 3}, preprocessing="tf")
    assert cut.backbone.count_params() < whole.backbone.count_params()
    assert cut.backbone.output_shape == whole.backbone.output_shape
    last = mtl.build(network, {"kind": 3}, preprocessing="tf", feature_layer=blocks[-1])
    images = pixels.astype("float32")
    np.testing.assert_array_equal(last.backbone(images), whole.backbone(images))


@pytest.mark.parametrize(
    ("name", "layer", "shape"),
    [("HGNetV2", "stage1", (8, 8, 16)), ("ResNet", "P2", (8, 8, 64)), ("MobileNet", "block_0_0", (8, 8, 8))],
)
def test_it_ends_at_a_stage_or_a_layer(name, layer, shape, pixels, tmp_path):
    model = built(name, feature_layer=layer)
    assert model.backbone.output_shape[1:] == shape
    model.save(tmp_path / "model.keras")
    assert_same_outputs(mtl.load_model(tmp_path / "model.keras"), pixels, outputs_of(model, pixels), rtol=0, atol=0)


def test_it_ends_at_several_stages(pixels):
    network = HUB["ResNet"](SIZE)
    fine, coarse, both = (
        mtl.build(network, {"kind": 3}, preprocessing="tf", feature_layers=stages).backbone(pixels.astype("float32"))
        for stages in (["P2"], ["P3"], ["P2", "P3"])
    )
    assert both.shape == (4, 8, 8, 128)
    np.testing.assert_allclose(both[..., :64], fine, rtol=1e-4, atol=1e-5)
    means = (np.asarray(features).mean(axis=(1, 2)) for features in (both[..., 64:], coarse))
    np.testing.assert_allclose(*means, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ViT", "'transformer_block_1'. It is within another layer, as blocks of transformers are"),
        (
            "DINOV3",
            r"layers with a feature map .*, received: 'stage1' of 'dinov3_backbone.*', whose output is \(None, 21,",
        ),
    ],
)
def test_several_blocks_of_a_transformer_are_refused(name, message):
    layers = {"ViT": ["transformer_block_1", "transformer_block_2"], "DINOV3": ["stage1", "stage2"]}[name]
    with pytest.raises(ValueError, match=message):
        built(name, heads={"kind": 3}, feature_layers=layers)


# === Presets ===


@pytest.fixture
def preset(tmp_path):
    """A folder with a preset, its scaling and its weights, as `save_to_preset` writes it."""
    import keras_hub

    network = HUB["ViT"](SIZE)
    network.save_to_preset(str(tmp_path / "preset"))
    converter = keras_hub.layers.ViTImageConverter(
        image_size=(SIZE, SIZE), scale=[1 / 255 / d for d in (0.2, 0.3, 0.4)], offset=[-1.0, -1.5, -2.0]
    )
    converter.save_to_preset(str(tmp_path / "preset"))
    return network, converter, tmp_path / "preset"


def test_a_preset_brings_weights_size_and_scaling(preset, pixels, tmp_path):
    network, converter, folder = preset
    model = mtl.build(f"hub:{folder}", {"kind": 3}, tokens="class")
    assert model.input_shape == (None, SIZE, SIZE, 3)
    expected = np.asarray(network(converter(pixels)))[:, 0]
    trunk = model.split().trunk
    np.testing.assert_allclose(trunk(pixels), expected, rtol=1e-4, atol=1e-5)
    model.save(tmp_path / "model.keras")
    again = mtl.load_model(tmp_path / "model.keras")
    assert (
        again.backbone.preprocessing
        == model.backbone.preprocessing
        == mtl.backbones.Scaling(tuple(converter.scale), tuple(converter.offset))
    )
    mtl.export(model, tmp_path / "plain.keras")
    plain = mtl.load_model(tmp_path / "plain.keras").backbone.preprocessing
    np.testing.assert_allclose([plain.scale, plain.offset], [converter.scale, converter.offset], rtol=1e-6)


def test_a_preset_without_its_weights_and_with_other_settings(preset):
    network, _, folder = preset
    model = mtl.build(f"hub:{folder}", {"kind": 3}, (48, 48, 3), weights=None, dropout_rate=0.4, preprocessing="torch")
    assert model.backbone.preprocessing == "torch"
    assert model.backbone.output_shape == (None, 6, 6, 32)
    kernel = [np.asarray(next(w for w in m.weights if "patch_embedding" in w.path)) for m in (network, model.backbone)]
    assert not np.array_equal(*kernel)
    assert 0.4 in {layer.rate for layer in flatten_layers(model.backbone) if isinstance(layer, keras.layers.Dropout)}
    with pytest.raises(TypeError, match=r"does not take alpha"):
        mtl.build(f"hub:{folder}", {"kind": 3}, alpha=0.5)


def test_names_of_presets():
    from mtlzoo.backbones.hub import find_preset

    assert find_preset("hub:dinov3_vit_small_plus") == "dinov3_vit_small_plus_lvd1689m"
    assert find_preset("hub:dinov2_small") == "dinov2_small"
    assert find_preset("hub:hf://someone/some-vit") == "hf://someone/some-vit"
    with pytest.raises(ValueError, match=r"Several begin so: siglip_base_patch16_224, "):
        find_preset("hub:siglip_base_patch16")
    with pytest.raises(ValueError, match=r"received: 'dinov2_smal'\. The nearest: dinov2_small, "):
        find_preset("hub:dinov2_smal")


def test_without_a_network(monkeypatch):
    import keras_hub

    def fail(*args, **kwargs):
        raise ConnectionError("Max retries exceeded")

    monkeypatch.setattr(keras_hub.models.Backbone, "from_preset", fail)
    with pytest.raises(OSError, match=r"'dinov2_small' is not on this machine .*Max retries exceeded.*\"hub:FOLDER\""):
        mtl.build("hub:dinov2_small", {"kind": 3})


def test_without_keras_hub(monkeypatch, tmp_path):
    model = built("MobileNetV5", heads={"kind": 3})
    model.save(tmp_path / "model.keras")
    monkeypatch.setitem(__import__("sys").modules, "keras_hub", None)
    with pytest.raises(ImportError, match=r"pip install 'mtlzoo\[hub\]'"):
        mtl.build("hub:dinov2_small", {"kind": 3})
    with pytest.raises(ValueError, match=r"model\.keras holds layers of KerasHub.*pip install 'mtlzoo\[hub\]'"):
        mtl.load_model(tmp_path / "model.keras")


def test_parts_that_see():
    """Of a task its backbone, of a network that reads texts too the part for images, and nothing of one for texts."""
    import keras_hub

    task = keras_hub.models.ViTImageClassifier(backbone=HUB["ViT"](SIZE), num_classes=2)
    assert mtl.build(task, {"kind": 3}, preprocessing="tf").backbone.output_shape == (None, 4, 4, 32)
    sizes = {"num_layers": 1, "num_heads": 1, "hidden_dim": 4, "intermediate_dim": 4}
    text = keras_hub.models.BertBackbone(vocabulary_size=10, **sizes)
    with pytest.raises(ValueError, match="Expected a network of KerasHub for images, received: 'bert_backbone'"):
        mtl.build(text, {"kind": 3}, (SIZE, SIZE, 3), preprocessing="tf")


def test_what_pixels_need_is_asked_for(preset):
    (preset[-1] / "image_converter.json").unlink()
    with pytest.warns(UserWarning, match="expects of its pixels is not known"):
        mtl.build(f"hub:{preset[-1]}", {"kind": 3})
    with pytest.warns(UserWarning, match="expects of its pixels is not known.*image converter of its preset"):
        assert mtl.build(HUB["ResNet"](SIZE), {"kind": 3}).backbone.preprocessing == "none"


# === Training ===


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    from drawings import draw_table

    return draw_table(tmp_path_factory.mktemp("hub"), rows=24)


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C at the beginning of an epoch."""

    def __init__(self, at: int):
        super().__init__()
        self.at = at

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.at:
            raise KeyboardInterrupt


def test_it_trains_in_stages_and_goes_on_after_a_break(tables, tmp_path, rng):
    """On cached features first, with balancing; what was broken off ends with the same weights, and so does its file."""
    first = built("DINOV3", heads=tables.heads)

    def network() -> mtl.MultiTaskModel:
        model = built("DINOV3", heads=tables.heads)
        model.set_weights(first.get_weights())
        return model

    def train(model, **options):
        stages = [mtl.Stage(2, 1e-2, "heads"), mtl.Stage(1, 1e-3, 2, layer_decay=0.5)]
        settings = {"batch_size": 12, "augment": None, "balancing": "pcgrad", "verbose": False, "seed": 1}
        mtl.fit(model, tables, stages=stages, **settings, **options)
        return model

    with eager_steps():
        whole, plain = train(network()), train(network(), features=None)
        train(network(), resume=tmp_path / "state", callbacks=[Interrupt(2)])
        resumed = train(network(), resume=tmp_path / "state")
    for weight, other in zip(whole.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(weight, other, atol=1e-5)  # cached features change nothing
    for weight, other in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, other)
    pairs = zip(whole.backbone.weights, first.backbone.weights, strict=True)
    changed = [weight.path for weight, old in pairs if not np.array_equal(weight, old)]
    assert changed
    assert not any("embeddings" in path for path in changed)  # frozen
    images = rng.integers(0, 256, (2, SIZE, SIZE, 3)).astype("uint8")
    whole.save(tmp_path / "model.keras")
    assert_same_outputs(mtl.load_model(tmp_path / "model.keras"), images, outputs_of(whole, images), rtol=0, atol=0)


def test_kernels_move_by_products_of_low_rank(pixels):
    model = built("DINOV3")
    model.set_trainable("lora:2")
    names = {variable.path.split("/")[-1] for variable in model.backbone.trainable_variables}
    assert names == {"kernel", "bias"}
    model.compile("adam")
    train_low_rank(model, 2)
    before = {variable.path: np.array(variable.numpy()) for variable in model.backbone.weights}
    model.fit(pixels, {"kind": np.arange(len(pixels)) % 3}, epochs=2, verbose=0)
    moved = {path for path, value in before.items() if (value != model_weight(model, path)).any()}
    assert any(path.endswith("layers_0/attention/q_proj/kernel") for path in moved)
    assert {path.split("/")[-1] for path in moved} == {"kernel", "bias"}


def model_weight(model, path):
    return next(variable.numpy() for variable in model.backbone.weights if variable.path == path)


def test_a_run_folder_has_a_file_that_can_hold_it(tables, tmp_path):
    from mtlzoo.cli.training import train_run

    model = built("MobileNetV5", heads=tables.heads)
    with eager_steps():
        train_run(model, *mtl.data.split(tables, [0.6, 0.2, 0.2]), tmp_path, [mtl.Stage(1, 1e-3)], verbose=False)
    assert [path.name for path in tmp_path.glob("model.[hk]*")] == ["model.keras"]
    assert mtl.load_model(tmp_path / "model.keras").heads == model.heads


@pytest.mark.parametrize("step", [0.5, -0.5])
def test_trained_positions_come_back(step, pixels, tmp_path):
    """KerasHub's DINOv2 writes them only if their sum has grown."""
    model = built("DINOV2", heads={"kind": 3})
    trained = next(w for w in model.weights if w.path.endswith("interpolated_position_embeddings"))
    trained.assign(trained + step * np.random.default_rng(0).uniform(0, 1, trained.shape))
    expected = outputs_of(model, pixels)
    model.save(tmp_path / "model.keras")
    assert_same_outputs(mtl.load_model(tmp_path / "model.keras"), pixels, expected, rtol=0, atol=0)
    model.save_weights(tmp_path / "model.weights.h5")
    other = built("DINOV2", heads={"kind": 3})
    other.load_weights(tmp_path / "model.weights.h5")
    assert_same_outputs(other, pixels, expected, rtol=0, atol=0)


# === Formats that run without Keras ===


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
def test_saved_model_and_litert(pixels, tmp_path):
    model = built("DeiT", heads={"kind": 3})
    expected = outputs_of(model, pixels)["kind"]
    mtl.export(model, tmp_path / "saved")
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    np.testing.assert_allclose(loaded.serve(tf.constant(pixels, "float32"))["kind"], expected, atol=1e-5)
    shutil.rmtree(tmp_path / "saved")
    mtl.export(model, tmp_path / "model.tflite")
    interpreter = tf.lite.Interpreter(str(tmp_path / "model.tflite"))
    names = {operation["op_name"] for operation in interpreter._get_ops_details()}
    assert not [name for name in names if "Flex" in name]  # nothing that only TensorFlow has
    runner = interpreter.get_signature_runner()
    (key,) = runner.get_input_details()
    np.testing.assert_allclose(runner(**{key: pixels.astype("float32")})["kind"], expected, atol=1e-4)


def test_onnx(pixels, tmp_path):
    """A tensor that a layer keeps beside its variables is a constant of the file."""
    pytest.importorskip("tf2onnx")
    runtime = pytest.importorskip("onnxruntime")
    model = built("ViT", heads={"kind": 3})
    mtl.export(model, tmp_path / "model.onnx")
    session = runtime.InferenceSession(str(tmp_path / "model.onnx"))
    (source,) = session.get_inputs()
    (found,) = session.run(["kind"], {source.name: pixels.astype("float32")})
    np.testing.assert_allclose(found, outputs_of(model, pixels)["kind"], atol=1e-4)
