"""Files are replaced whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mtlzoo.files import replacing


def fill(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "weights").write_text(text)


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file(tmp_path):
    with replacing(tmp_path / "deep" / "down" / "report.csv") as temporary:
        assert temporary.name == "report.csv"
        assert temporary.parent.parent == tmp_path / "deep" / "down"  # the same disk, or it could not be moved
        assert not temporary.exists()
        temporary.write_text("new")
        assert not (tmp_path / "deep" / "down" / "report.csv").exists()
    assert (tmp_path / "deep" / "down" / "report.csv").read_text() == "new"
    assert listing(tmp_path / "deep" / "down") == ["report.csv"]


def test_an_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "report.csv"
    path.write_text("old")
    with replacing(str(path)) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert listing(tmp_path) == ["report.csv"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("old", [None, "file", "folder"])
def test_a_failure_leaves_what_was_there(tmp_path, error, old):
    path = tmp_path / "model"
    if old == "file":
        path.write_text("old")
    elif old == "folder":
        fill(path, "old")

    def write_half():
        with replacing(path) as temporary:
            fill(temporary, "half")
            raise error

    with pytest.raises(error):
        write_half()
    assert listing(tmp_path) == ([] if old is None else ["model"])
    if old == "file":
        assert path.read_text() == "old"
    elif old == "folder":
        assert (path / "weights").read_text() == "old"


@pytest.mark.parametrize("name", ["model", "old", "old-model"])
def test_folders_are_replaced_whole(tmp_path, name):
    path = tmp_path / name
    fill(path, "old")
    (path / "left over").touch()
    with replacing(path) as temporary:
        fill(temporary, "new")
        assert (path / "weights").read_text() == "old"
    assert listing(path) == ["weights"]
    assert (path / "weights").read_text() == "new"
    assert listing(tmp_path) == [name]


def test_an_old_folder_comes_back_if_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    path = tmp_path / "model"
    fill(path, "old")
    replace = os.replace

    def fail(source, target):
        if Path(target) == path and (Path(source) / "weights").read_text() == "new":
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(KeyboardInterrupt), replacing(path) as temporary:
        fill(temporary, "new")
    assert (path / "weights").read_text() == "old"
    assert listing(tmp_path) == ["model"]


@pytest.mark.parametrize("old", ["file", "folder"])
def test_nothing_written_is_an_error_and_loses_nothing(tmp_path, old):
    path = tmp_path / "model"
    fill(path, "old") if old == "folder" else path.write_text("old")
    with pytest.raises(FileNotFoundError, match=r"Nothing was written for .*model"), replacing(path):
        pass
    assert ((path / "weights") if old == "folder" else path).read_text() == "old"
    assert listing(tmp_path) == ["model"]


def test_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with replacing("report.csv") as temporary:
        temporary.write_text("new")
    assert Path("report.csv").read_text() == "new"


def test_others_may_read_what_was_written(tmp_path):
    """The folder that the file was written in is private; the file is as open as any other."""
    (tmp_path / "plain").write_text("")
    with replacing(tmp_path / "model") as temporary:
        temporary.write_text("")
    assert (tmp_path / "model").stat().st_mode == (tmp_path / "plain").stat().st_mode
