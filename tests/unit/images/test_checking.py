"""Unreadable files are found with their reason, equal files with their group."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from opened_files import opened_files

from mtlzoo.images.checking import check_images, same_content
from mtlzoo.images.pixel_limit import set_max_pixels


@pytest.fixture
def folder(tmp_path) -> Path:
    """Three readable files and four that are not."""
    image = cv2.resize(np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8), (96, 64))
    for name in ("good.jpg", "good.png", "good.webp"):
        cv2.imwrite(str(tmp_path / name), image)
    for name in ("good.jpg", "good.png"):
        content = (tmp_path / name).read_bytes()
        (tmp_path / name.replace("good", "cut")).write_bytes(content[: len(content) * 2 // 3])
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("not found")
    return tmp_path


NAMES = ["good.jpg", "cut.jpg", "good.png", "empty.jpg", "cut.png", "text.jpg", "good.webp", "missing.jpg", "cut.jpg"]


@pytest.mark.parametrize("workers", [None, 1, 3])
def test_unreadable_images_are_found_with_their_reason(folder, workers, capfd):
    reasons = check_images([folder / name for name in NAMES], workers)
    assert reasons == {
        1: "truncated JPEG (its end is missing)",
        3: "empty file",
        4: "truncated PNG",
        5: "not an image of a known format (it starts with b'not foun')",
        7: "file not found",
        8: "truncated JPEG (its end is missing)",
    }
    assert list(reasons) == sorted(reasons)
    assert capfd.readouterr() == ("", "")


def test_nothing_to_find(folder):
    assert check_images([]) == {}
    assert check_images([], progress=True) == {}
    assert check_images([str(folder / "good.jpg")] * 3) == {}


def test_each_path_is_read_once(folder):
    paths = [folder / name for name in ["good.jpg", "cut.jpg", "good.jpg", "cut.jpg"]]
    with opened_files() as opened:
        check_images(paths, workers=2)
    assert sorted(opened) == ["cut.jpg", "good.jpg"]


def test_what_was_read_for_a_check_is_read_again_only_when_it_changes(folder):
    shutil.copy(folder / "good.jpg", folder / "copy.jpg")
    paths = [folder / name for name in ["good.jpg", "copy.jpg", "good.png"]]
    time.sleep(0.1)  # what was written in the last tick of the clock might change without a sign
    check_images(paths)
    with opened_files() as opened:
        assert check_images(paths) == {}
        assert same_content(paths).tolist() == [0, 0, 1]
    assert not opened
    status = (folder / "copy.jpg").stat()
    content = bytearray((folder / "copy.jpg").read_bytes())
    content[-20] ^= 255
    (folder / "copy.jpg").write_bytes(content)
    os.utime(folder / "copy.jpg", ns=(status.st_atime_ns, status.st_mtime_ns))  # of the same size and time
    with opened_files() as opened:
        assert same_content(paths).tolist() == [0, 1, 2]
    assert opened == ["copy.jpg"]
    (folder / "good.png").write_bytes(b"nothing")
    assert check_images(paths) == {2: "not an image of a known format (it starts with b'nothing')"}


def test_a_lower_limit_of_pixels_holds_for_what_was_checked_before(folder):
    time.sleep(0.1)
    assert check_images([folder / "good.png"]) == {}
    set_max_pixels(1000)
    try:
        assert "more than the 1,000 pixels" in check_images([folder / "good.png"])[0]
    finally:
        set_max_pixels(None)


def test_progress_goes_to_standard_error(folder, capsys):
    check_images([folder / name for name in NAMES], progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.endswith("Checked 8 of 8 images, 5 unreadable\n")


def test_equal_files_share_a_group(folder):
    shutil.copy(folder / "good.jpg", folder / "copy.png")
    same_size = bytearray((folder / "good.jpg").read_bytes())
    same_size[-3] ^= 1
    (folder / "other.jpg").write_bytes(same_size)
    names = ["good.jpg", "good.png", "copy.png", "other.jpg", "good.jpg", "empty.jpg"]
    groups = same_content([folder / name for name in names])
    assert groups.dtype == np.int64
    assert groups.tolist() == [0, 1, 0, 2, 0, 3]


def test_what_cannot_be_read_is_equal_to_itself_only(folder):
    names = ["missing.jpg", "gone.jpg", ".", "missing.jpg", "null\0byte"]
    assert same_content([folder / name for name in names]).tolist() == [0, 1, 2, 0, 3]
    assert same_content([]).shape == (0,)


def test_only_files_of_a_shared_size_are_read(folder):
    shutil.copy(folder / "good.jpg", folder / "copy.jpg")
    with opened_files() as opened:
        same_content([folder / name for name in ["good.jpg", "good.png", "copy.jpg", "good.jpg", "empty.jpg"]])
    assert sorted(opened) == ["copy.jpg", "good.jpg"]
