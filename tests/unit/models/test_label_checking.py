"""Labels that would poison the weights are refused in one line, whatever way they come."""

from __future__ import annotations

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from asked import usually

import mtlzoo as mtl
from mtlzoo.errors import InputError

NAN, INF = float("nan"), float("inf")
ROWS = 6


def plain(heads, run_eagerly=True):
    images = keras.Input((8, 8, 3))
    model = mtl.build(keras.Model(images, keras.layers.Conv2D(4, 3)(images)), heads)
    model.compile(keras.optimizers.SGD(1e-6), run_eagerly=run_eagerly)
    return model


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (ROWS, 8, 8, 3)).astype("uint8")


HEADS = {
    "class": mtl.ClassificationHead(3),
    "level": mtl.OrdinalHead(4),
    "yes": mtl.BinaryHead(),
    "tags": mtl.MultiLabelHead(2),
    "age": mtl.RegressionHead(),
    "two": mtl.RegressionHead(units=2),
    "bin": mtl.ExpectationHead((0, 9)),
    "points": mtl.LandmarkHead(2),
    "box": mtl.BoxHead(),
    "objects": mtl.DetectionHead(2, max_objects=2),
    "dual": mtl.DualTaskHead(),
}
RIGHT = {
    "class": [0, 1, 2, -1, NAN, 1],
    "level": np.eye(4)[[0, 1, 2, 3, 0, 1]] * [[1], [1], [1], [0], [1], [1]],
    "yes": [0, 1, -1, NAN, 0.3, 1],
    "tags": [[0, 1], [-1, 1], [NAN, 0], [-1, -1], [0.5, 1], [1, 1]],
    "age": [1, -1, NAN, 1e6, -7.5, 0],
    "two": [[1, 2], [NAN, 2], [NAN, NAN], [0, 0], [3, 4], [5, 6]],
    "bin": [0, 9, NAN, 4.5, 1, 2],
    "points": [[0, 0, 1, 1], [NAN, NAN, 0.5, 0.5], [1.2, -0.2, 0, 0], [NAN] * 4, [0] * 4, [1] * 4],
    "box": [[0, 0, 1, 1], [NAN] * 4, [0.2, 0.2, 0.4, 0.4], [0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]],
    "objects": [[[0, 0, 1, 1, 1, 0], [NAN] * 6], [[-1] * 6] * 2, [[NAN] * 6] * 2, *[[[0, 0, 1, 1, 0, 1]] * 2] * 3],
    "dual": [[0, 1, 9, 1, 9], [NAN] * 5, [1, 0, 224, 0, 224], *[[0, 1, 9, 1, 9]] * 3],
}
# What is put into row 2, and what the message says of it.
WRONG = [
    ("class", 3, "id from 0 to 2.*received: 3"),
    ("class", -2, "received: -2"),
    ("class", 1.5, "received: 1.5"),
    ("class", INF, "received: inf"),
    ("level", [1, 1, 0, 0], "sum to 1.*received: 1, 1, 0, 0"),
    ("level", [0.5, 0, 0, 0], "sum to 1"),
    ("level", [1.5, -0.5, 0, 0], "sum to 1"),
    ("level", [INF, 0, 0, 0], "sum to 1"),
    ("yes", 255, "0 or 1.*received: 255"),
    ("yes", -0.5, "received: -0.5"),
    ("tags", [0, 2], "0 or 1.*received: 0, 2"),
    ("age", INF, "finite number.*received: inf"),
    ("age", 1e300, "finite number"),
    ("two", [1, -INF], "finite number.*received: 1, -inf"),
    ("bin", 10, "from 0 to 9.*received: 10"),
    ("points", [200, 150, 0, 0], "from 0 to 1.*received: 200, 150"),
    ("points", [-1, -1, 0, 0], "from 0 to 1.*received: -1, -1"),
    ("box", [0.5, 0.5, 0.2, 0.9], "x_min, y_min, x_max, y_max.*received: 0.5"),
    ("box", [10, 10, 50, 50], "from 0 to 1.*received: 10"),
    ("objects", [[0, 0, 1, 1, 1, 1], [NAN] * 6], "one-hot"),
    ("objects", [[0, 0, 90, 90, 1, 0], [NAN] * 6], "box"),
    ("dual", [2, 1, 9, 1, 9], "0 or 1"),
    ("dual", [1, 9, 1, 1, 9], "left, right"),
]


@pytest.mark.slow
@pytest.mark.parametrize("name", list(HEADS))
def test_what_is_right_trains(name, images):
    model = plain({name: HEADS[name]})
    for labels in (RIGHT[name], np.asarray(RIGHT[name]), np.asarray(RIGHT[name], dtype=object)):
        assert np.isfinite(model.fit(images, {name: labels}, verbose=0).history["loss"][0])


@pytest.mark.parametrize(("name", "wrong", "message"), WRONG)
def test_what_is_wrong_is_refused_with_head_row_value_and_range(name, wrong, message, images):
    labels = np.array(RIGHT[name], "float64")
    labels[2] = wrong
    model = plain({name: HEADS[name]})
    before = model.get_weights()
    for call in (model.fit, model.evaluate, model.train_on_batch, model.test_on_batch):
        with pytest.raises(InputError, match=f"(?i)head '{name}', row 2: .*{message}") as error:
            call(images, {name: labels})
        assert len(str(error.value).splitlines()) == 1
        assert len(str(error.value)) < 400
    for one, other in zip(before, model.get_weights()):
        np.testing.assert_array_equal(one, other)


class Batches(keras.utils.PyDataset):
    """Two batches."""

    def __init__(self, batches, **arguments):
        super().__init__(**arguments)
        self.batches = batches
        self.ended = 0

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]

    def on_epoch_end(self):
        self.ended += 1


def sources(images, labels, weights=None):
    """The same rows in two batches, in every way that they may come."""
    parts = (slice(0, 3), slice(3, ROWS))
    named = {name: np.asarray(values) for name, values in labels.items()}

    def batch(part):
        given = images[part], {name: values[part] for name, values in named.items()}
        return given if weights is None else (*given, weights[part])

    batches = [batch(part) for part in parts]
    data = (images, named) if weights is None else (images, named, weights)
    yield "tf.data", lambda: tf.data.Dataset.from_tensor_slices(data).batch(3)
    yield "PyDataset", lambda: Batches(batches)
    yield "PyDataset of two workers", lambda: Batches(batches, workers=2)
    yield "generator", lambda: (batch for batch in batches * 3)
    yield "iterator", lambda: iter(batches * 3)


def raises_plainly(message, call, *arguments, **options):
    with pytest.raises(InputError, match=message) as error:
        call(*arguments, **options)
    assert len(str(error.value).splitlines()) == 1
    assert error.value.__suppress_context__ or error.value.__context__ is None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("run_eagerly", usually([True], [True, False]))
def test_batches_are_checked_wherever_they_come_from(images, run_eagerly):
    labels = {"class": np.array([0, 1, 2, 0, 7, 1]), "yes": np.zeros(ROWS)}
    right = {"class": np.array([0, 1, 2, 0, 1, -1]), "yes": np.zeros(ROWS)}
    model = plain({"class": 3, "yes": mtl.BinaryHead()}, run_eagerly)
    message = "Labels of head 'class', row 1 of a batch: expected an id from 0 to 2.*received: 7"
    for _, make in sources(images, labels):
        raises_plainly(message, model.fit, make(), steps_per_epoch=2, verbose=0)
        raises_plainly(message, model.evaluate, make(), steps=2, verbose=0)
        raises_plainly(message, model.fit, images, right, validation_data=make(), validation_steps=2, verbose=0)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    raises_plainly("row 4: expected an id", model.fit, images, right, validation_data=(images, labels), verbose=0)
    for _, make in sources(images, right):
        assert np.isfinite(model.fit(make(), steps_per_epoch=2, verbose=0).history["loss"][0])


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_row_weights_are_checked_wherever_they_come_from(images):
    model = plain({"yes": mtl.BinaryHead()})
    labels = {"yes": np.array([0, 1, 0, 1, 0, 1])}
    for wrong in (NAN, -1.0, INF):
        weights = np.ones(ROWS, "float32")
        weights[4] = wrong
        message = "expected a finite number of at least 0"
        for call in (model.fit, model.evaluate):
            raises_plainly(f"row 4: {message}", call, images, labels, sample_weight=weights, verbose=0)
            raises_plainly(
                f"head 'yes', row 4: {message}", call, images, labels, sample_weight={"yes": weights}, verbose=0
            )
            for _, make in sources(images, labels, weights):
                raises_plainly(f"row 1 of a batch: {message}", call, make(), verbose=0)
        raises_plainly(message, model.train_on_batch, images, labels, sample_weight=weights)
    for wrong, message in (
        (np.ones(3), "6 sample weights"),
        (np.ones((ROWS, 2)), "shape"),
        (np.array(["a"] * 6), "numbers"),
    ):
        raises_plainly(message, model.fit, images, labels, sample_weight=wrong, verbose=0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.array(["no", "yes"] * 3), r"numbers \(model.heads\[name\].encode.*received in row 0: 'no'"),
        (["no", "yes"] * 3, "received in row 0: 'no'"),
        (np.array([0, 1, "no", 1, 0, 1], dtype=object), "received in row 2: 'no'"),
        (np.array([0, 1, [1], 1, 0, 1], dtype=object), r"received in row 2: \[1\]"),
        (np.array([b"a"] * 6), "received in row 0: b'a'"),
        (np.array(["2020-01-01"] * 6, "datetime64[D]"), "numbers"),
        (np.zeros(6, complex), "numbers"),
        ([[0], [0, 1]], "rows of different lengths"),
        (1.0, "rows on the first axis"),
        (np.zeros(5), "Expected 6 labels of head 'yes', one for each image, received: 5"),
        (np.zeros((6, 2)), r"shape \(rows, 1\), received shape \(rows, 2\)"),
        (["x" * 10**6] * 6, "numbers"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(values, message, images):
    raises_plainly(message, plain({"yes": mtl.BinaryHead()}).fit, images, {"yes": values}, verbose=0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "values",
    [
        [0, 1, 0, 1, 0, 1],
        [0, None, 1, None, 0, 1],
        np.array([True, False] * 3),
        np.array([[True], [False]] * 3),
        np.array([0, 1] * 3, "uint8"),
        np.array([0, 1] * 3, "float16"),
        np.array([0, 1, None] * 2, dtype=object),
        pd.Series([0, 1, None] * 2),
        pd.Series([0, 1, None] * 2, dtype="Int64"),
        pd.Series([0, 1] * 3, index=[5, 4, 3, 2, 1, 0]),
        tf.constant([0, 1] * 3),
        tf.constant([0.0, 1.0] * 3, tf.bfloat16),
    ],
    ids=str,
)
def test_whatever_holds_numbers_will_do(values, images):
    model = plain({"yes": mtl.BinaryHead(), "no": mtl.BinaryHead()})
    for labels in ({"yes": values}, {"yes": values, "no": None}):
        assert np.isfinite(model.fit(images, labels, verbose=0).history["loss"][0])
        assert np.isfinite(model.evaluate(images, labels, verbose=0, return_dict=True)["loss"])
        model.train_on_batch(images, labels)


def test_datasets_of_the_wrong_structure_are_refused_before_a_batch_is_read(images):
    model = plain({"yes": mtl.BinaryHead(), "class": 3})
    rows = np.zeros(ROWS)
    for data, message in (
        ((images, {"yes": np.array(["a"] * ROWS)}), "head 'yes' to be numbers"),
        ((images, {"yes": np.zeros((ROWS, 3))}), r"head 'yes', row 0: expected targets of shape \(rows, 1\)"),
        ((images, {"class": np.zeros((ROWS, 5))}), "head 'class', row 0: expected ids of shape"),
        ((images, {"no": rows}), "received also: no"),
        ((images, rows), "dictionary by the names"),
        (images, "Expected each batch to be a tuple"),
        ((images, {"yes": rows}, rows, rows), "received: a tuple of 4"),
    ):
        dataset = tf.data.Dataset.from_tensor_slices(data).batch(3)
        raises_plainly(message, model.fit, dataset, verbose=0)
        raises_plainly(message, model.evaluate, dataset, verbose=0)


def test_generators_of_anything_else_are_refused_in_one_line(images):
    model = plain({"yes": mtl.BinaryHead()})
    rows = np.zeros(ROWS)
    for batch, message in (
        (images, "Expected each batch to be a tuple .*received: ndarray"),
        ((images,), "received: a tuple of 1"),
        ((images, rows), "dictionary by the names"),
        ((images, [rows]), "dictionary by the names"),
        ((images, None), "dictionary by the names"),
        ((images, {"no": rows}), "received also: no"),
        ((images, {"yes": rows[:3]}), "Expected 6 labels"),
        ((images, {"yes": rows}, rows, rows), "received: a tuple of 4"),
    ):
        raises_plainly(message, model.fit, iter([batch] * 3), verbose=0)
        raises_plainly(message, model.fit, Batches([batch] * 3), verbose=0)
        raises_plainly(message, model.evaluate, iter([batch] * 3), verbose=0)


def test_arguments_of_validation_that_are_wrong_are_refused(images):
    model = plain({"yes": mtl.BinaryHead()})
    labels = {"yes": np.zeros(ROWS)}
    for wrong, message in (
        ((images,), "1 parts"),
        ((images, labels, None, None), "4 parts"),
        ((images, None), "NoneType"),
    ):
        raises_plainly(message, model.fit, images, labels, validation_data=wrong, verbose=0)
    model.fit(images, labels, validation_data=(images, labels, None), verbose=0)
    raises_plainly("no labels and weights beside a", model.fit, iter([(images, labels)]), labels, verbose=0)
    for method in (model.fit, model.train_on_batch):
        raises_plainly("no `class_weight` in fit", method, images, labels, class_weight={0: 1.0})


def test_datasets_that_mtlzoo_made_are_not_looked_at_again(tmp_path, monkeypatch, rng):
    import cv2

    from mtlzoo.models.feeding import BatchCheck

    for index in range(4):
        cv2.imwrite(str(tmp_path / f"{index}.png"), rng.integers(0, 256, (8, 8, 3)).astype("uint8"))
    text = "image,yes\n" + "".join(f"{index}.png,{'ab'[index % 2]}\n" for index in range(4))
    (tmp_path / "labels.csv").write_text(text)
    table = mtl.data.read_csv(tmp_path / "labels.csv")
    dataset = mtl.data.image_dataset(table, (8, 8), 2)
    looked = []
    monkeypatch.setattr(BatchCheck, "look", lambda self, *arrays: looked.append(1) or np.int64(0))
    model = plain(table.heads)
    model.fit(dataset, verbose=0)
    assert not looked
    model.fit(dataset.map(lambda *batch: batch), verbose=0)
    assert looked
