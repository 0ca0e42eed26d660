"""Batches: shapes and types, order, repeatability, errors that name a row, and memory that stays flat."""

from __future__ import annotations

import os
import threading

import cv2
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from mtlzoo.data import LabelTable, TableError, image_dataset, load_image
from mtlzoo.errors import ImageError
from mtlzoo.heads import BinaryHead, ClassificationHead, MultiLabelHead, RegressionHead
from mtlzoo.system.cores import available_cores
from mtlzoo.system.pipeline_errors import plain_errors

ROWS, SIZE = 23, (16, 12)


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> LabelTable:
    """Images of different sizes and contents."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(0)
    for row in range(ROWS):
        coarse = rng.integers(0, 256, (4, 3, 3), np.uint8)
        cv2.imwrite(str(folder / f"{row}.png"), cv2.resize(coarse, (20 + row, 30), interpolation=cv2.INTER_CUBIC))
    frame = pd.DataFrame(
        {
            "image": [f"{row}.png" for row in range(ROWS)],
            "id": [str(row) for row in range(ROWS)],
            "kids": ["yes", "no", None, "no"] * 5 + ["yes"] * 3,
            "tags": [["a"], [], None, ["a", "b"]] * 5 + [["b"]] * 3,
            "age": [float(row) if row % 3 else None for row in range(ROWS)],
            "weight": ["1", "0.5", "2", "0"] * 5 + ["3"] * 3,
        }
    )
    heads = {
        "id": ClassificationHead([str(row) for row in range(ROWS)]),
        "kids": BinaryHead(),
        "tags": MultiLabelHead(["a", "b"]),
        "age": RegressionHead(),
    }
    return LabelTable(frame, heads, root=folder, source="labels.csv", first_line=2)


def batches(dataset) -> list:
    """One epoch, as arrays."""
    return [tf.nest.map_structure(lambda tensor: tensor.numpy(), batch) for batch in dataset]


def images(dataset) -> np.ndarray:
    return np.concatenate([batch[0] for batch in batches(dataset)])


def order(dataset) -> list[int]:
    """The rows in the order in which an epoch shows them."""
    return [int(row) for batch in batches(dataset) for row in batch[1]["id"]]


# === What comes out ===


def test_shapes_and_types(table):
    dataset = image_dataset(table, SIZE, 8)
    spec, labels = dataset.element_spec
    assert (spec.shape.as_list(), spec.dtype) == ([None, 16, 12, 3], tf.uint8)
    assert {name: (column.shape.as_list(), column.dtype) for name, column in labels.items()} == {
        "id": ([None], tf.int32),
        "kids": ([None], tf.float32),
        "tags": ([None, 2], tf.float32),
        "age": ([None, 1], tf.float32),
    }
    assert len(dataset) == 3
    epoch = batches(dataset)
    assert [batch[0].shape for batch in epoch] == [(8, 16, 12, 3), (8, 16, 12, 3), (7, 16, 12, 3)]
    assert all(batch[0].dtype == np.uint8 for batch in epoch)
    assert [len(column) for column in epoch[-1][1].values()] == [7] * 4


@pytest.mark.parametrize(("rows", "batch_size", "count"), [(23, 8, 2), (16, 8, 2), (23, 23, 1), (5, 8, 0)])
def test_a_last_batch_that_is_not_full_may_be_left_out(table, rows, batch_size, count):
    dataset = image_dataset(table.take(range(rows)), SIZE, batch_size, drop_remainder=True)
    assert dataset.element_spec[0].shape.as_list() == [batch_size, 16, 12, 3]
    assert len(dataset) == len(batches(dataset)) == count


def test_batches_of_one_size_say_so(table):
    even = image_dataset(table.take(range(16)), SIZE, 8, sample_weight="weight")
    assert [even.element_spec[place].shape[0] for place in (0, 2)] == [8, 8]
    assert {column.shape[0] for column in even.element_spec[1].values()} == {8}
    assert [len(batch[0]) for batch in batches(even)] == [8, 8]


def test_images_and_labels_are_those_of_their_rows(table):
    epoch = batches(image_dataset(table, SIZE, 5, resize="crop"))
    for row, path in enumerate(table.paths()):
        np.testing.assert_array_equal(epoch[row // 5][0][row % 5], load_image(path, SIZE, resize="crop"))
    for name, targets in table.labels().items():
        np.testing.assert_array_equal(np.concatenate([batch[1][name] for batch in epoch]), targets)


def test_shuffled_and_varied_images_keep_their_labels(table):
    dataset = image_dataset(table, SIZE, 5, shuffle=True, seed=3)
    for batch_images, labels in batches(dataset):
        for image, row in zip(batch_images, labels["id"]):
            np.testing.assert_array_equal(image, load_image(table.paths()[row], SIZE))
            for name in ("kids", "tags", "age"):
                np.testing.assert_array_equal(labels[name][labels["id"] == row][0], table.labels()[name][row])


def test_without_labels(table):
    dataset = image_dataset(table, SIZE, 8, labels=False, sample_weight="weight")
    assert dataset.element_spec.shape.as_list() == [None, 16, 12, 3]
    np.testing.assert_array_equal(np.concatenate(batches(dataset)), images(image_dataset(table, SIZE, 8)))


def test_sample_weights(table):
    dataset = image_dataset(table, SIZE, 8, sample_weight="weight", shuffle=True)
    assert (dataset.element_spec[2].shape.as_list(), dataset.element_spec[2].dtype) == ([None], tf.float32)
    epoch = batches(dataset)
    rows = np.concatenate([batch[1]["id"] for batch in epoch])
    wanted = table.frame["weight"].astype(float).to_numpy()[rows]
    np.testing.assert_array_equal(np.concatenate([batch[2] for batch in epoch]), wanted)


@pytest.mark.parametrize("weight", [None, "heavy", "-1", float("nan"), float("inf"), -0.5])
def test_weights_that_are_none(table, weight):
    frame = table.frame.assign(weight=pd.Series([1.0] * 4 + [weight] + [1.0] * 18, dtype=object))
    other = LabelTable(frame, table.heads, root=table.root, source="labels.csv", first_line=2)
    with pytest.raises(TableError, match=r"^labels.csv, line 6 \(4.png\): expected a weight of at least 0 in 'weight'"):
        image_dataset(other, SIZE, sample_weight="weight")


def test_weights_of_another_column(table):
    with pytest.raises(TableError, match="no column 'importance' of weights; the columns are: image, id"):
        image_dataset(table, SIZE, sample_weight="importance")


def test_no_rows_no_batches(table):
    dataset = image_dataset(table.take([]), SIZE, shuffle=True)
    assert len(dataset) == len(batches(dataset)) == 0


# === Order and repeatability ===


def test_without_shuffling_the_order_is_the_tables(table):
    dataset = image_dataset(table, SIZE, 8, seed=5)
    assert order(dataset) == list(range(ROWS))
    np.testing.assert_array_equal(images(dataset), images(dataset))


def test_each_epoch_has_every_row_once_in_a_new_order(table):
    dataset = image_dataset(table, SIZE, 8, shuffle=True)
    orders = [order(dataset) for _ in range(4)]
    assert all(sorted(epoch) == list(range(ROWS)) for epoch in orders)
    assert len(set(map(tuple, orders))) == 4
    assert list(range(ROWS)) not in orders


def test_each_epoch_has_new_augmentations(table):
    dataset = image_dataset(table, SIZE, 8, augment="default")
    first, second = images(dataset), images(dataset)
    assert order(dataset) == list(range(ROWS))
    plain = images(image_dataset(table, SIZE, 8))
    for one, other in ((first, second), (first, plain), (second, plain)):
        assert (one != other).any(axis=(1, 2, 3)).mean() > 0.9


def test_rows_of_a_batch_are_varied_differently(table):
    copies = table.take([0] * 8)
    varied = images(image_dataset(copies, SIZE, 8, augment="default"))
    assert len({image.tobytes() for image in varied}) == 8


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_the_same_seed_gives_the_same_epochs_whatever_the_number_of_workers(table, workers):
    """Nor does it matter what TensorFlow's and numpy's own seeds are."""

    def epochs(seed: int, workers: int | None = None) -> list:
        dataset = image_dataset(table, SIZE, 4, shuffle=True, augment="default", seed=seed, workers=workers)
        return [batches(dataset) for _ in range(2)]

    tf.random.set_seed(1)
    expected = epochs(seed=9)
    tf.random.set_seed(2)
    np.random.seed(workers)
    again, other = epochs(9, workers), epochs(10, workers)
    tf.nest.map_structure(np.testing.assert_array_equal, again, expected)
    assert any((one[0] != two[0]).any() for one, two in zip(other[0], expected[0]))
    assert [batch[1]["id"].tolist() for batch in other[0]] != [batch[1]["id"].tolist() for batch in expected[0]]


def test_a_worker_for_each_core_that_the_process_may_use(table):
    """All of them load at the same time: each waits until the others are there too."""
    workers = available_cores()
    if hasattr(os, "sched_getaffinity"):
        assert workers == len(os.sched_getaffinity(0))
    gate = threading.Barrier(workers, timeout=60)

    class Waiting(BinaryHead):
        """Waits where its targets are moved with the images."""

        def to_input_space(self, targets, geometry):
            """Wait for the others."""
            gate.wait()
            return super().to_input_space(targets, geometry)

    table = table.with_heads({"kids": Waiting(["no", "yes"])})
    rows = table.take(np.arange(4 * workers) % ROWS)
    assert len(batches(image_dataset(rows, SIZE, 1))) == 4 * workers
    with pytest.raises(ValueError, match="at least 1 worker, received: 0"):
        image_dataset(table, SIZE, workers=0)


def test_two_passes_at_once_do_not_disturb_each_other(table):
    reference = image_dataset(table, SIZE, 4, shuffle=True, seed=1)
    expected = [order(reference), order(reference)]
    dataset = image_dataset(table, SIZE, 4, shuffle=True, seed=1)
    found = [[], []]
    for first, second in zip(dataset, dataset):
        found[0] += first[1]["id"].numpy().tolist()
        found[1] += second[1]["id"].numpy().tolist()
    assert found == expected


# === Errors ===


def broken(table: LabelTable, folder) -> LabelTable:
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    frame = table.frame.assign(image=table.paths())
    frame.loc[9, "image"] = str(folder / "broken.png")
    return LabelTable(frame, table.heads, source="labels.csv", first_line=2)


@pytest.mark.parametrize("shuffle", [False, True])
def test_a_image_that_cannot_be_read_is_named_with_its_row(table, tmp_path, shuffle):
    dataset = image_dataset(broken(table, tmp_path), SIZE, 8, shuffle=shuffle, augment="light")
    with pytest.raises(TableError, match=r"^labels.csv, line 11 \(.*broken.png\): ") as caught:
        batches(dataset)
    assert "\n" not in str(caught.value)
    assert str(caught.value).count("broken.png") == 1
    assert isinstance(caught.value.__cause__, ImageError)
    assert caught.value.__cause__.path == str(tmp_path / "broken.png")
    with pytest.raises(TableError, match=r"^labels.csv, line 11 "):
        list(dataset.as_numpy_iterator())


def test_what_is_made_of_a_dataset_raises_the_error_in_a_block_of_plain_errors(table, tmp_path):
    dataset = image_dataset(broken(table, tmp_path), SIZE, 4)
    for made in (dataset.take(5), dataset.map(lambda images, labels: images), dataset.unbatch().batch(3)):
        with pytest.raises(tf.errors.OpError):
            list(made)
        with pytest.raises(TableError, match=r"^labels.csv, line 11 ") as caught, plain_errors():
            list(made)
        assert isinstance(caught.value.__cause__, ImageError)


def test_the_first_of_several_rows_is_named(table, tmp_path):
    (tmp_path / "worse.png").write_bytes(b"nothing")
    rows = broken(table, tmp_path)
    frame = rows.frame.assign(
        image=[str(tmp_path / "worse.png") if row > 9 else path for row, path in enumerate(rows.frame["image"])]
    )
    rows = LabelTable(frame, rows.heads, source="labels.csv", first_line=2)
    for _ in range(5):  # whichever was read first
        with pytest.raises(TableError, match=r"^labels.csv, line 11 "):
            batches(image_dataset(rows, SIZE, 1, workers=4))


def test_a_dataset_goes_on_as_any_other(table):
    dataset = image_dataset(table, SIZE, 8)
    assert isinstance(dataset, tf.data.Dataset)
    assert (
        len(dataset) == len(list(dataset)) == len(list(dataset.as_numpy_iterator())) == len(list(dataset.prefetch(1)))
    )
    iterator = iter(dataset)
    assert next(iterator)[0].shape == iterator.get_next()[0].shape

    @tf.function
    def rows():
        total = 0
        for images, _ in dataset:
            total += tf.shape(images)[0]
        return total

    assert rows() == len(table)


def test_the_row_is_named_after_a_split_too(table, tmp_path):
    part = broken(table, tmp_path).take([20, 9])
    with pytest.raises(TableError, match=r"^labels.csv, line 11 "):
        batches(image_dataset(part, SIZE))


def test_other_errors_stay_as_they_are():
    with pytest.raises(KeyError), plain_errors():
        raise KeyError("x")
    error = TableError("labels.csv: TableError: inside")
    with pytest.raises(TableError) as caught, plain_errors():
        raise error
    assert caught.value is error


def test_a_label_that_cannot_be_read_is_named_at_once(table):
    other = table.with_heads({"kids": BinaryHead(["a", "b"])})
    with pytest.raises(TableError, match=r"labels.csv, line 2 \(0.png\): head 'kids': unknown label 'yes'"):
        image_dataset(other, SIZE)


# === Memory ===


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="reads the size of the process from /proc")
def test_memory_holds_a_few_batches(table):
    """An epoch of 180 MB of images: the process may not grow by half of that."""

    def size() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    many = table.take(np.arange(1200) % ROWS)
    dataset = image_dataset(many, (224, 224), 16, shuffle=True, augment="default")
    sizes = []
    for number, _ in enumerate(dataset):
        if number >= 8:  # the first batches fill the pipeline
            sizes.append(size())
    assert len(sizes) == 67
    assert max(sizes) - sizes[0] < 90e6
