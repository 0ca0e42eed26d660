"""Batches may lack heads, each batch others, wherever they come from."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

import mtlzoo as mtl

ROWS = 8
pytestmark = pytest.mark.filterwarnings("ignore:Your input ran out of data")


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (ROWS, 8, 8, 3)).astype("float32")


HEADS = {
    "class": mtl.ClassificationHead(3),
    "yes": mtl.BinaryHead(),
    "tags": mtl.MultiLabelHead(2),
    "age": mtl.RegressionHead(),
    "points": mtl.LandmarkHead(1),
    "box": mtl.BoxHead(),
    "objects": mtl.DetectionHead(2, max_objects=2),
}


def make(heads=None, run_eagerly=True):
    """A small model, which by default runs eagerly: what is fed is the same, and a few steps are quicker so."""
    keras.utils.set_random_seed(0)
    images = keras.Input((8, 8, 3))
    x = keras.layers.Rescaling(1 / 255)(images)
    model = mtl.build(keras.Model(images, keras.layers.Conv2D(4, 3)(x)), heads or HEADS, dropout=0.0)
    model.compile(keras.optimizers.SGD(0.01), run_eagerly=run_eagerly)
    return model


@pytest.fixture(scope="module")
def traced():
    """A model with all heads whose steps are compiled, and its first weights."""
    model = make(run_eagerly=False)
    return model, model.get_weights()


@pytest.fixture
def compiled(traced):
    """The same model in all tests, from its first weights on: tracing a step of all heads takes seconds."""
    model, weights = traced
    model.set_weights(weights)
    model.reset_metrics()
    return model


def batches_of(images):
    """Every batch lacks other heads, and writes labels in other ways."""
    one = [
        {"class": np.array([0, 2, -1, 1]), "yes": np.array([0, 1, 1, -1], "int8")},
        {"tags": np.array([[0, 1]] * 4), "age": [3, None, 5, 6]},
        {"class": np.eye(3)[[0, 1, 2, 2]], "points": np.full((4, 1, 2), 0.5), "yes": np.ones((4, 1), bool)},
        {"box": np.array([[0.1, 0.1, 0.5, 0.5]] * 4), "yes": None},
        {"objects": np.full((4, 2, 6), np.nan), "age": np.ones((4, 1), "float64")},
        {},
    ]
    return [(images[4 * (index % 2) :][:4], labels) for index, labels in enumerate(one)]


class Batches(keras.utils.PyDataset):
    def __init__(self, batches, **arguments):
        super().__init__(**arguments)
        self.batches = batches
        self.epochs = []

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]

    def on_epoch_end(self):
        self.epochs.append(len(self.batches))


def at_once(heads, batches):
    """All rows of some batches as arrays."""
    labels = {}
    for name, head in heads.items():
        given = [values.get(name) for _, values in batches]
        parts = [head.encode([None] * 4) if part is None else np.asarray(part, "float32") for part in given]
        labels[name] = np.concatenate([head.check(part) for part in parts])
    return np.concatenate([images for images, _ in batches]), labels


@pytest.fixture(scope="module")
def figures_at_once(traced, images):
    model, weights = traced
    model.set_weights(weights)
    return model.evaluate(*at_once(HEADS, batches_of(images)), batch_size=4, verbose=0, return_dict=True)


@pytest.mark.parametrize("start", [0, 3, 5])
def test_generators_may_lack_other_heads_in_each_batch_whichever_comes_first(figures_at_once, compiled, images, start):
    model, expected, batches = compiled, figures_at_once, batches_of(images)
    batches = batches[start:] + batches[:start]
    for source in (iter(batches), Batches(batches)):
        found = model.evaluate(source, steps=6, verbose=0, return_dict=True)
        assert found == pytest.approx(expected, rel=1e-4, nan_ok=True)
    assert not np.isnan(list(expected.values())).any()


@pytest.mark.long
def test_training_on_such_batches_is_training_on_each(compiled, images):
    batches, start = batches_of(images), compiled.get_weights()
    single = make()
    single.set_weights(start)
    for batch in batches * 2:
        single.train_on_batch(*batch)
    dataset = Batches(batches, workers=1)
    for source, arguments in (
        (iter(batches * 2), {"steps_per_epoch": 6, "epochs": 2}),
        (dataset, {"epochs": 2, "shuffle": False}),
        ((batch for batch in batches * 2), {"steps_per_epoch": 12}),
    ):
        compiled.set_weights(start)
        compiled.fit(source, verbose=0, **arguments)
        trained = compiled.get_weights()
        assert any(np.any(before != after) for before, after in zip(start, trained))
        for one, other in zip(single.get_weights(), trained, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    assert dataset.epochs


@pytest.mark.long
@pytest.mark.parametrize("options", [{"workers": 2}, {"workers": 2, "max_queue_size": 3}])
def test_workers_and_epochs_of_a_dataset_of_batches_stay(compiled, images, options):
    dataset = Batches(batches_of(images), **options)
    history = compiled.fit(dataset, validation_data=Batches(batches_of(images)), epochs=3, verbose=0).history
    assert len(history["loss"]) == 3
    assert np.isfinite(history["val_loss"]).all()
    assert len(dataset.epochs) >= 3


def test_a_dataset_of_unknown_length_stays_one(compiled, images):
    class Endless(keras.utils.PyDataset):
        num_batches = None

        def __getitem__(self, index):
            return batches_of(images)[index % 6]

    assert np.isfinite(compiled.fit(Endless(), steps_per_epoch=3, epochs=2, verbose=0).history["loss"]).all()


def test_a_tf_dataset_may_lack_heads(images):
    model = make()
    labels = {"yes": np.array([0, 1] * 4)}
    dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(4)
    expected = model.evaluate(images, labels, batch_size=4, verbose=0, return_dict=True)
    assert model.evaluate(dataset, verbose=0, return_dict=True) == pytest.approx(expected, nan_ok=True)
    history = model.fit(dataset, validation_data=dataset, epochs=2, verbose=0).history
    assert history["class_loss"] == [0, 0]
    assert len(dataset) == 2


def test_row_weights_of_some_heads_in_some_batches(images):
    model = make({"yes": mtl.BinaryHead(), "class": 3})
    labels = {"yes": np.array([0, 1] * 4), "class": np.array([0, 1, 2, -1] * 2)}
    weights = np.arange(ROWS, dtype="float32")
    expected = model.evaluate(images, labels, sample_weight={"yes": weights}, verbose=0, return_dict=True)

    def parts(weighted):
        for part in (slice(0, 4), slice(4, ROWS)):
            yield images[part], {name: values[part] for name, values in labels.items()}, weighted(part)

    found = model.evaluate(parts(lambda part: {"yes": weights[part]}), steps=2, verbose=0, return_dict=True)
    assert found == pytest.approx(expected, rel=1e-4)
    found = model.evaluate(parts(lambda part: None), steps=2, verbose=0, return_dict=True)
    assert found == pytest.approx(model.evaluate(images, labels, verbose=0, return_dict=True), rel=1e-4)
    with pytest.raises(mtl.errors.InputError, match="in each batch or in none"):
        model.evaluate(parts(lambda part: None if part.start else weights[part]), verbose=0)


def test_a_generator_for_validation_and_with_balancing(images):
    model = make({"yes": mtl.BinaryHead(), "class": 3})
    model.compile(balancing="uncertainty", run_eagerly=True)
    batches = [(images[:4], {"yes": np.ones(4)}), (images[4:], {"class": np.zeros(4)})]
    history = model.fit(
        iter(batches * 4), steps_per_epoch=2, validation_data=iter(batches * 4), validation_steps=2, epochs=2, verbose=0
    ).history
    assert np.isfinite([history["val_yes_loss"], history["val_class_loss"], history["loss"]]).all()


def test_an_error_in_the_users_own_code_stays_the_users():
    def broken():
        raise KeyError("mine")
        yield

    with pytest.raises(KeyError, match="mine"):
        make().fit(broken(), verbose=0)


# === Labels in other forms, one after the other ===


@pytest.mark.long
def test_labels_may_change_their_form_between_calls(images):
    model = make({"yes": mtl.BinaryHead(), "class": mtl.ClassificationHead(3)}, run_eagerly=False)
    ids, rows = (
        {"yes": np.ones(ROWS), "class": np.zeros(ROWS)},
        {"yes": np.ones((ROWS, 1)), "class": np.eye(3)[[0] * ROWS]},
    )
    expected = model.evaluate(images, ids, verbose=0, return_dict=True)
    for labels in (rows, ids, {"class": np.zeros((ROWS, 1))}, rows, {"yes": np.ones(ROWS)}):
        for _ in range(2):
            history = model.fit(images, labels, validation_data=(images, labels), verbose=0).history
            assert np.isfinite(history["loss"] + history["val_loss"]).all()
            assert np.isfinite(model.train_on_batch(images, labels, return_dict=True)["loss"])
            assert np.isfinite(model.test_on_batch(images, labels, return_dict=True)["loss"])
        model.fit(tf.data.Dataset.from_tensor_slices((images, labels)).batch(3), verbose=0)
        model.fit(iter([(images, labels)]), sample_weight=None, verbose=0)
    found = [model.evaluate(images, labels, verbose=0, return_dict=True) for labels in (rows, ids)]
    assert found[0] == pytest.approx(found[1], rel=1e-5)
    assert expected.keys() == found[0].keys()


@pytest.mark.long
def test_batches_may_have_any_number_of_objects(images):
    model = make({"things": mtl.DetectionHead(["cat", "dog"])}, run_eagerly=False)

    def batch(objects):
        targets = np.full((ROWS, objects, 6), np.nan, "float32")
        targets[:, :1] = [0.1, 0.1, 0.5, 0.5, 1, 0]
        return images, {"things": targets}

    for objects in (1, 3, 0, 2):
        assert np.isfinite(model.train_on_batch(*batch(objects), return_dict=True)["loss"])
    batches = [batch(objects) for objects in (2, 1, 0, 4)]
    assert np.isfinite(model.fit(iter(batches), verbose=0).history["loss"]).all()
    assert np.isfinite(model.evaluate(iter(batches), verbose=0, return_dict=True)["loss"])


def test_no_images_at_all_are_refused(images):
    model = make()
    for call in (model.fit, model.evaluate, model.train_on_batch):
        with pytest.raises(mtl.errors.InputError, match="at least one image"):
            call(images[:0], {})
