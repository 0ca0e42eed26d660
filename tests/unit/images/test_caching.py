"""Decoded images that are kept: the same batches, changed and damaged files, limits, several processes."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from mtlzoo.data import ImageCache, ImageError, LabelTable, decode_image, image_dataset
from mtlzoo.heads import ClassificationHead
from mtlzoo.images import caching
from mtlzoo.images.cache_stores import HEADER
from mtlzoo.images.decoding import decode_with_size
from mtlzoo.images.loading import fit_image

SIZE = (20, 16)
PLACES = ["memory", "folder"]


def draw(path: Path, height: int, width: int, seed: int) -> None:
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 4, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))


@pytest.fixture
def table(tmp_path) -> LabelTable:
    """Nine images, of which most come reduced, and one file in two rows."""
    names = [f"{row}{'.jpg' if row % 2 else '.png'}" for row in range(9)]
    for row, name in enumerate(names):
        draw(tmp_path / name, 30 + 12 * row, 90 - 5 * row, row)
    frame = pd.DataFrame({"image": [*names, names[3]], "id": [str(row) for row in range(10)]})
    return LabelTable(frame, {"id": ClassificationHead([str(row) for row in range(10)])}, root=tmp_path)


@pytest.fixture(params=PLACES)
def place(request, tmp_path) -> str:
    return "memory" if request.param == "memory" else str(tmp_path / "cache")


def epochs(dataset, number: int = 2) -> list:
    return [[tf.nest.map_structure(lambda tensor: tensor.numpy(), batch) for batch in dataset] for _ in range(number)]


def kept(cache: ImageCache) -> list[Path]:
    return sorted(path for path in Path(cache.place).rglob("*") if path.is_file())


@pytest.fixture
def decoded(monkeypatch) -> list:
    """What is really decoded from now on."""
    calls = []

    def counting(source, at_least=None):
        calls.append(at_least)
        return decode_with_size(source, at_least)

    def counting_fit(source, image_size, resize, region=None):
        calls.append(image_size if region is None else None)
        return fit_image(source, image_size, resize, region)

    monkeypatch.setattr(caching, "decode_with_size", counting)
    monkeypatch.setattr(caching, "fit_image", counting_fit)
    return calls


# === The same images ===


@pytest.mark.parametrize("region", [False, True])
@pytest.mark.parametrize("augment", [None, "strong"])
def test_batches_are_the_same_bit_for_bit(table, place, augment, region, decoded):
    if region:
        regions = [(2.0 * row, 3.0, 20.0 + row, 28.0) for row in range(10)]
        table = LabelTable(table.frame.assign(region=regions), table.heads, root=table.root)
    options = {"image_size": SIZE, "batch_size": 4, "augment": augment, "shuffle": True, "seed": 3}
    expected = epochs(image_dataset(table, **options))
    cache = ImageCache(place)
    tf.nest.map_structure(np.testing.assert_array_equal, epochs(image_dataset(table, **options, cache=cache)), expected)
    once = len(decoded)
    assert 9 <= once <= 10  # the file of two rows may be decoded for both at the same time
    assert set(decoded) == {None if region else SIZE}
    tf.nest.map_structure(np.testing.assert_array_equal, epochs(image_dataset(table, **options, cache=cache)), expected)
    assert len(decoded) == once


def test_a_folder_serves_the_next_run(table, tmp_path, decoded):
    folder = tmp_path / "cache"
    expected = epochs(image_dataset(table, SIZE, cache=folder), 1)
    once = len(decoded)
    tf.nest.map_structure(
        np.testing.assert_array_equal, epochs(image_dataset(table, SIZE, cache=str(folder)), 1), expected
    )
    assert len(decoded) == once
    epochs(image_dataset(table, (21, 16), cache=folder), 1)  # images for another size are others
    assert len(decoded) == 2 * once


def test_images_cannot_be_written_to(table, place):
    cache = ImageCache(place)
    for _ in range(2):
        image, whole = cache.decode(table.paths()[5], SIZE)
        np.testing.assert_array_equal(image, decode_image(table.paths()[5], SIZE))
        assert whole == decode_with_size(table.paths()[5])[1]
    with pytest.raises(ValueError, match="read-only"):
        image[0, 0, 0] = 1


def test_content_and_paths(table, place, decoded):
    cache, path = ImageCache(place), Path(table.paths()[1])
    np.testing.assert_array_equal(cache.decode(path.read_bytes(), SIZE)[0], cache.decode(path, SIZE)[0])
    assert len(decoded) == 1


# === Files that change ===


@pytest.mark.parametrize("keep_times", [False, True])
def test_a_changed_file_is_decoded_again(table, place, keep_times):
    cache, path = ImageCache(place), Path(table.paths()[0])
    before = cache.decode(path, SIZE)[0].copy()
    status = path.stat()
    draw(path, 40, 50, seed=77)
    if keep_times:
        content = path.read_bytes()
        path.write_bytes(content + b"\0" * max(0, status.st_size - len(content)))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = cache.decode(path, SIZE)[0]
    assert before.shape != after.shape or (before != after).any()
    np.testing.assert_array_equal(after, decode_image(path, SIZE))


def test_a_renamed_file_is_not(table, place, decoded):
    cache, path = ImageCache(place), Path(table.paths()[0])
    cache.decode(path, SIZE)
    cache.decode(path.rename(path.with_name("other name")), SIZE)
    assert len(decoded) == 1


def test_unreadable_images_are_named_and_not_kept(tmp_path, place):
    cache, path = ImageCache(place), tmp_path / "image.png"
    with pytest.raises(ImageError, match=r"image\.png: file not found"):
        cache.decode(path)
    path.write_bytes(b"no image")
    for _ in range(2):
        with pytest.raises(ImageError, match=r"image\.png: not an image") as caught:
            cache.decode(path)
        assert caught.value.path == str(path)
    draw(path, 10, 10, 0)
    assert cache.decode(path)[0].shape == (10, 10, 3)
    path.unlink()
    with pytest.raises(ImageError, match="file not found"):
        cache.decode(path)


# === Damage ===


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:10],
        lambda content: content[: HEADER.size],
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: b"x" + content[1:],
        lambda content: content[:60] + bytes([content[60] ^ 1]) + content[61:],
        lambda content: content[:16] + bytes([content[16] ^ 1]) + content[17:],
        lambda content: b"\0" * len(content),
    ],
)
def test_damaged_entries_are_replaced(table, tmp_path, damage, decoded):
    cache, path = ImageCache(tmp_path / "cache"), table.paths()[5]
    cache.decode(path, SIZE)
    (entry,) = kept(cache)
    content = entry.read_bytes()
    entry.write_bytes(damage(content))
    again = ImageCache(tmp_path / "cache")
    np.testing.assert_array_equal(again.decode(path, SIZE)[0], decode_image(path, SIZE))
    assert kept(again) == [entry]
    assert entry.read_bytes() == content
    assert len(decoded) == 2
    again.decode(path, SIZE)
    assert len(decoded) == 2


# === Limits ===


def test_beyond_the_limit_images_are_decoded_each_time(table, place, decoded):
    one = 3 * SIZE[0] * SIZE[1] + HEADER.size
    cache = ImageCache(place, limit=one + 10)
    expected = epochs(image_dataset(table, SIZE), 2)
    tf.nest.map_structure(np.testing.assert_array_equal, epochs(image_dataset(table, SIZE, cache=cache)), expected)
    assert 0 < cache.used <= one + 10
    assert len(decoded) >= 18
    nothing = ImageCache(place, limit=0)
    assert nothing.decode(table.paths()[7], SIZE)[0].shape[2] == 3
    with pytest.raises(ValueError, match="at least 0 bytes, received: -1"):
        ImageCache(place, limit=-1)


def test_the_limit_counts_what_a_folder_holds(table, tmp_path):
    cache = ImageCache(tmp_path / "cache")
    cache.decode(table.paths()[0], SIZE)
    assert ImageCache(tmp_path / "cache").used == cache.used == sum(path.stat().st_size for path in kept(cache))
    full = ImageCache(tmp_path / "cache", limit=cache.used)
    full.decode(table.paths()[1], SIZE)
    assert len(kept(full)) == 1
    assert 0 < full.limit < cache.limit
    assert 2**20 < ImageCache().limit < 2**50


@pytest.mark.parametrize("augment", [None, "default"])
def test_the_size_is_told_beforehand(table, place, augment):
    cache = ImageCache(place)
    estimate = cache.estimate(table, SIZE, augmented=augment is not None)
    epochs(image_dataset(table.take(range(9)), SIZE, cache=cache, augment=augment), 1)
    assert estimate == cache.used
    assert cache.describe(table, SIZE).startswith("Decoded images kept in ")
    assert "decoded in every epoch" in ImageCache(place, limit=9).describe(table, SIZE)
    nothing = [LabelTable.of_images([]), LabelTable.of_images(["no/such.jpg"])]
    assert [cache.estimate(each, SIZE) for each in nothing] == [0, 0]
    assert cache.estimate(nothing[0], SIZE, augmented=False) == 0


def test_what_is_not_augmented_is_kept_at_the_networks_size(table, place):
    cache = ImageCache(place)
    for _ in range(2):
        image, whole = cache.fit(table.paths()[5], SIZE, "crop", (1.0, 2.0, 20.0, 30.0))
        np.testing.assert_array_equal(image, fit_image(table.paths()[5], SIZE, "crop", (1.0, 2.0, 20.0, 30.0))[0])
        assert whole == decode_with_size(table.paths()[5])[1]
    assert cache.used == image.nbytes + HEADER.size
    cache.fit(table.paths()[5], SIZE, "crop")  # another part, another way and another size are other images
    cache.fit(table.paths()[5], SIZE, "pad")
    cache.fit(table.paths()[5], SIZE[::-1], "pad")
    assert cache.used == 4 * (image.nbytes + HEADER.size)
    folders = {path.parent for path in kept(cache)}
    cache.fit(table.paths()[5], SIZE, "crop", (1.5, 2.0, 20.0, 30.0))
    assert {path.parent for path in kept(cache)} == folders  # however many boxes an image has


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotADirectoryError, match="Expected a folder to keep decoded images in, received a file"):
        ImageCache(tmp_path / "file")


def test_a_full_disk_costs_one_warning(table, tmp_path, monkeypatch):
    cache = ImageCache(tmp_path / "cache")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache._store, "put", full)
    with pytest.warns(RuntimeWarning, match="No space left on device") as caught:
        images = [cache.decode(path, SIZE)[0] for path in table.paths()]
    assert len(caught) == 1
    for path, image in zip(table.paths(), images):
        np.testing.assert_array_equal(image, decode_image(path, SIZE))


# === Several at a time ===

FILL = """
import sys
import numpy as np
from mtlzoo.images.caching import ImageCache  # which are loaded in a moment, without TensorFlow
from mtlzoo.images.decoding import decode_image
for turn in range(3):
    cache = ImageCache(sys.argv[1])
    for path in sys.argv[2:]:
        assert np.array_equal(cache.decode(path, (20, 16))[0], decode_image(path, (20, 16)))
"""


@pytest.mark.slow
def test_processes_share_a_folder(table, tmp_path):
    command = [sys.executable, "-c", FILL, str(tmp_path / "cache"), *table.paths()]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [process.wait(120) for process in processes] == [0, 0]
    assert len(kept(ImageCache(tmp_path / "cache"))) == 9


def test_threads_share_a_cache(table, place):
    cache, paths = ImageCache(place), table.paths() * 20
    with ThreadPoolExecutor(8) as pool:
        images = list(pool.map(lambda path: cache.decode(path, SIZE)[0], paths))
    for path, image in zip(table.paths(), images):
        np.testing.assert_array_equal(image, decode_image(path, SIZE))
