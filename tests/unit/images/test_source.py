"""Sources of images: files and records, read once for all that asks for their content."""

from __future__ import annotations

import hashlib
import os
import time

import cv2
import numpy as np
import pytest
from opened_files import opened_files

import mtlzoo as mtl
from mtlzoo.errors import ImageError
from mtlzoo.images.known_files import Facts, KnownFiles
from mtlzoo.images.source import ImageSource


@pytest.fixture
def folder(tmp_path):
    """Some images of a few colors, and a file of labels."""
    rng = np.random.default_rng(0)
    lines = ["image,color"]
    for row in range(24):
        # All files have the same size, so that a split has to compare them.
        cv2.imwrite(str(tmp_path / f"{row}.bmp"), rng.integers(0, 255, (40, 40, 3), np.uint8))
        lines.append(f"{row}.bmp,{('red', 'green')[row % 2]}")
    (tmp_path / "labels.csv").write_text("\n".join(lines))
    time.sleep(0.1)  # what was written in the last tick of the clock might change without a sign
    return tmp_path


def images(opened: list[str]) -> list[str]:
    return sorted(name for name in opened if name.endswith((".bmp", ".tfrecord")))


def test_a_file_is_read_once_for_its_digest_and_what_it_tells(folder):
    source = ImageSource(folder / "3.bmp")
    data = (folder / "3.bmp").read_bytes()
    assert source.byte_size() == len(data)
    assert source.known() is None
    assert source.read() == data
    digest = hashlib.blake2b(data, digest_size=16).digest()
    assert source.read_with_digest() == (data, digest)
    with opened_files() as opened:
        assert ImageSource(str(folder / "3.bmp")).digest() == digest
        assert ImageSource(folder / "3.bmp").known() == Facts(digest)
    assert not images(opened)


def test_what_decoding_has_told_outlives_another_reading(folder):
    mtl.data.check_images([folder / "3.bmp"])
    source = ImageSource(folder / "3.bmp")
    source.read_with_digest()
    assert source.known().size == (40, 40)


def test_what_cannot_be_read_says_why(folder):
    for path, reason in (
        (folder / "none.bmp", "file not found"),
        (folder, "a directory, not a"),
        ("a\0b", "null byte"),
    ):
        source = ImageSource(path)
        assert source.byte_size() is None
        assert source.known() is None
        with pytest.raises(ImageError, match=reason):
            source.read()
        with pytest.raises(ImageError):
            source.digest()


def test_a_file_that_may_still_change_is_not_remembered(folder):
    path = folder / "new.bmp"
    path.write_bytes(b"one")
    first = ImageSource(path).digest()
    path.write_bytes(b"two")
    assert ImageSource(path).digest() != first


def test_facts_of_many_files_take_a_few_dozen_bytes_each():
    known, count = KnownFiles(), 5000
    rng = np.random.default_rng(0)
    keys = [int(key) for key in rng.integers(1, 2**64 - 1, count, "uint64")]
    for number, key in enumerate(keys):
        known.put(
            key, Facts(number.to_bytes(16, "big"), (number, 7) if number % 2 else None, number if number % 3 else None)
        )
    assert len(known) == count
    for number, key in enumerate(keys):
        size, largest = (number, 7) if number % 2 else None, number if number % 3 else None
        assert known.get(key) == Facts(number.to_bytes(16, "big"), size, largest)
    assert known.get(keys[0] ^ 1) is None
    known.put(keys[1], Facts(b"\0" * 16))
    assert known.get(keys[1]) == Facts(b"\0" * 16)
    assert len(known) == count
    assert known.nbytes <= 80 * count


@pytest.mark.slow
def test_from_file_to_epoch_an_image_is_read_once_to_be_checked_and_once_a_pass(folder, tiny_backbone):
    names = [f"{row}.bmp" for row in range(24)]
    with opened_files() as opened:
        table = mtl.data.read_csv(folder / "labels.csv")
        assert mtl.data.check_images(table.paths()) == {}
        rest, test = mtl.data.split_by_content(table, [0.8, 0.2])
        train, valid = mtl.data.split(rest, [0.75, 0.25])
    assert images(opened) == sorted(names)
    model = mtl.build(tiny_backbone, train.heads, (32, 32, 3), None)
    with opened_files() as opened:
        mtl.fit(model, train, valid, [mtl.Stage(1, 1e-3)], batch_size=8, resume=folder / "state", verbose=False)
    passes = [*train.paths(), *valid.paths(), *valid.paths()]  # the last one calibrates
    assert images(opened) == sorted(map(os.path.basename, passes))
    with opened_files() as opened:
        mtl.evaluate(model, test)
    assert images(opened) == sorted(map(os.path.basename, test.paths()))


def test_a_cache_reads_a_checked_image_once(folder):
    table = mtl.data.read_csv(folder / "labels.csv")
    mtl.data.check_images(table.paths())
    dataset = mtl.data.image_dataset(table, (32, 32), 8, cache="memory")
    for expected in (24, 0):
        with opened_files() as opened:
            list(dataset)
        assert len(images(opened)) == expected


@pytest.mark.slow
def test_packed_images_are_read_once_too(folder, tmp_path_factory):
    packed = mtl.data.pack(mtl.data.read_csv(folder / "labels.csv"), tmp_path_factory.mktemp("packed") / "table", 2)
    time.sleep(0.1)
    table = mtl.data.read_packed(packed)
    with opened_files() as opened:
        assert mtl.data.check_images(table.paths()) == {}
        mtl.data.split(table, [0.5, 0.5])
    assert len(images(opened)) == len(table)
    assert ImageSource(table.paths()[0]).byte_size() == (folder / "0.bmp").stat().st_size
