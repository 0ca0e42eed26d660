"""Images unlike those of the training are told from others, by what travels with the model."""

from __future__ import annotations

import json
import pickle

import keras
import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.evaluation import Predictions, load_predictions, save_predictions
from mtlzoo.models import Calibration
from mtlzoo.models.known_images import KnownImages

HEADS = {"kind": mtl.ClassificationHead(["a", "b"]), "unusual": mtl.BinaryHead(["no", "yes"])}


def images(count: int, seed: int, contrast: float = 60.0) -> np.ndarray:
    """Stripes of any phase and strength; without contrast noise."""
    rng = np.random.default_rng(seed)
    phase, strength = rng.uniform(0, 6, (count, 1, 1, 1)), rng.uniform(0.3, 1, (count, 1, 1, 1))
    stripes = np.sin(np.arange(12)[None, :, None, None] + phase) * strength * contrast
    noise = rng.normal(0, 5 if contrast else 60, (count, 12, 12, 3))
    return np.clip(128 + stripes + noise, 0, 255).astype("uint8")


def build(pooling: str = "avg", heads=HEADS) -> mtl.MultiTaskModel:
    keras.utils.set_random_seed(0)
    inputs = keras.Input((12, 12, 3))
    x = keras.layers.Conv2D(24, 5, strides=2, activation="relu")(keras.layers.Rescaling(1 / 64, -2.0)(inputs))
    return mtl.build(keras.Model(inputs, x, name="tiny"), heads, (12, 12, 3), weights=None, pooling=pooling)


@pytest.fixture(scope="module")
def knowing() -> mtl.MultiTaskModel:
    model = build()
    mtl.know_images(model, images(150, 0), images(120, 1))
    return model


def test_the_column_says_how_many_validation_images_were_less_unusual(knowing):
    plain = build()
    plain.set_weights(knowing.get_weights())
    frame = mtl.predict(knowing, images(120, 1), batch_size=50)
    assert frame.iloc[:, :-1].equals(mtl.predict(plain, images(120, 1), batch_size=50))
    ranks = np.sort(120 * frame["unusual_image"])  # a head is called as the column is
    np.testing.assert_allclose(ranks, np.arange(120), atol=2)
    like, unlike = (mtl.predict(knowing, given)["unusual_image"] for given in (images(300, 2), images(40, 3, 0.0)))
    assert (like >= 0.99).mean() < 0.05
    assert (unlike >= 0.99).mean() > 0.95
    assert mtl.predict(knowing, images(1, 3, 0.0))["unusual_image"].tolist() == unlike[:1].tolist()


def test_it_goes_with_mirror_images_and_with_several_models(knowing):
    given = images(6, 2)
    alone = Predictions.from_model(knowing, given)
    flipped = Predictions.from_model(knowing, given, test_time_augmentation="flip")
    np.testing.assert_allclose(flipped.unusual, alone.unusual, atol=0.02)
    assert np.abs(flipped.outputs["kind"] - alone.outputs["kind"]).max() > 1e-4
    assert Predictions.from_model([knowing, build()], given).unusual.tolist() == alone.unusual.tolist()
    assert Predictions.from_model(build(), given).unusual is None
    assert pickle.loads(pickle.dumps(alone)).take([3, 1]).unusual.tolist() == alone.unusual[[3, 1]].tolist()


def test_it_is_kept_with_predictions(knowing, tmp_path):
    for row, image in enumerate(images(3, 2)):
        keras.utils.save_img(tmp_path / f"{row}.png", image, scale=False)
    (tmp_path / "labels.csv").write_text("image,kind\n" + "".join(f"{row}.png,{'aba'[row]}\n" for row in range(3)))
    predictions = Predictions.from_model(knowing, mtl.data.read_csv(tmp_path / "labels.csv", heads=["kind"]))
    save_predictions(predictions, tmp_path / "kept.npz")
    assert load_predictions(tmp_path / "kept.npz").unusual.tolist() == predictions.unusual.tolist()


@pytest.mark.parametrize("name", ["model.h5", "model.keras"])
def test_it_goes_into_files(knowing, tmp_path, name):
    found = mtl.load_model(mtl.export(knowing, tmp_path / name))
    assert found.calibration.images == knowing.calibration.images
    given = images(5, 4)
    assert mtl.predict(found, given)["unusual_image"].equals(mtl.predict(knowing, given)["unusual_image"])


def test_other_heads_change_nothing_and_other_weights_are_not_known(knowing, tmp_path):
    model = build("max")
    known, given = mtl.know_images(model, images(60, 0), images(60, 1)), images(5, 4)
    before = Predictions.from_model(model, given).unusual
    more = model.with_heads({"kind": HEADS["kind"], "corner": mtl.LandmarkHead(["x"])})  # which looks at the map
    assert more.calibration.images == known
    np.testing.assert_allclose(Predictions.from_model(more, given).unusual, before, atol=0.02)
    assert mtl.average([knowing, knowing]).calibration.images is None
    more.save_weights(path := tmp_path / "same.weights.h5")
    more.load_weights(path)
    assert more.calibration.images is None
    more.calibration = Calibration(images=known)
    more.compile(run_eagerly=True)
    more.train_on_batch(given, {"kind": np.zeros(5)})  # `fit` forgets all calibration, too
    assert more.calibration.images is None
    assert Predictions.from_model(more, given).unusual is None


def test_the_distance_is_what_the_main_directions_leave_out():
    rng = np.random.default_rng(0)
    features = np.abs(rng.normal(size=(400, 20)) @ rng.normal(size=(20, 200))) + 1
    known = KnownImages.fit(features[:300], features[300:])
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    centred = unit - unit[:300].mean(axis=0)
    main = np.linalg.svd(centred[:300], full_matrices=False)[2][: len(known.directions)]
    wanted = np.square(centred - centred @ main.T @ main).sum(axis=1)
    np.testing.assert_allclose(np.asarray(known.distance(features))[:, 0], wanted, rtol=0.05)
    assert len(json.dumps(known.get_config())) < 15_000
    few = KnownImages.fit(np.ones((10, 4)), np.ones((10, 4)))  # a network that says the same of all images
    assert few.unusual(np.asarray(few.distance(np.ones((1, 4)))))[0, 0] in (0, 1)


@pytest.mark.parametrize("change", [{"mean": "?"}, {"scales": ""}, {"distances": "AACAPwAAAAA="}, {"directions": 3}])
def test_damaged_files_are_refused(knowing, change):
    config = {**knowing.calibration.get_config()["images"], **change}
    with pytest.raises(ValueError, match="known images"):
        Calibration.from_config({"images": config}, HEADS)
    with pytest.raises(ValueError, match="known images"):
        Calibration.from_config({"images": ["mean"]}, HEADS)


def test_what_cannot_be_is_refused():
    model, given = build(), images(12, 0)
    with pytest.raises(mtl.errors.InputError, match="not trained on"):
        mtl.know_images(model, given, given)
    with pytest.raises(mtl.errors.InputError, match="`most`"):
        mtl.know_images(model, given, images(12, 1), most=True)
    with pytest.raises(mtl.errors.TableError, match="at least 10 images as `valid`, received: 9"):
        mtl.know_images(model, given, images(9, 1))
    model.calibration = Calibration(images=KnownImages.fit(np.ones((10, 4)), np.ones((10, 4))))
    with pytest.raises(ValueError, match="Expected 4 features"):
        mtl.predict(model, given)
