"""Files are replaced whole or not at all, and never what is not to be replaced."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from mtlzoo.errors import OutputError
from mtlzoo.files import FolderKind, check_folder, check_output, writing

MODEL = FolderKind("a model", "model.json", ("weights",), ("model.json", "weights", "deep/*", "empty/"))


def fill(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "weights").write_text(text)
    (folder / "model.json").write_text(json.dumps({"weights": text}))


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def everything(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(params=["exchange", "two renames"])
def system(request, monkeypatch):
    """Linux, and one that cannot let two folders change places."""
    if request.param == "two renames":
        monkeypatch.setattr("mtlzoo.files.moving._renameat2", lambda: None)


# === Writing ===


def test_a_new_file(tmp_path, system):
    with writing(tmp_path / "deep" / "down" / "report.csv") as temporary:
        assert temporary.name == "report.csv"
        assert temporary.parent.parent == tmp_path / "deep" / "down"  # the same disk, or it could not be moved
        assert not temporary.exists()
        temporary.write_text("new")
        assert not (tmp_path / "deep" / "down" / "report.csv").exists()
    assert (tmp_path / "deep" / "down" / "report.csv").read_text() == "new"
    assert listing(tmp_path / "deep" / "down") == ["report.csv"]


def test_an_old_file_stays_until_the_new_one_is_whole(tmp_path, system):
    path = tmp_path / "report.csv"
    path.write_text("old")
    with writing(str(path), overwrite=True) as temporary:
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
        with writing(path, kind=None if old == "file" else MODEL, overwrite=True) as temporary:
            fill(temporary, "half")
            raise error

    with pytest.raises(error):
        write_half()
    assert listing(tmp_path) == ([] if old is None else ["model"])
    if old == "file":
        assert path.read_text() == "old"
    elif old == "folder":
        assert (path / "weights").read_text() == "old"


@pytest.mark.parametrize("name", ["model", "old", "old-model", "x" * 255, "模型 \n"])
def test_folders_are_replaced_whole(tmp_path, name, system):
    path = tmp_path / name
    fill(path, "old")
    (path / "deep").mkdir()
    (path / "deep" / "left over").touch()
    with writing(path, kind=MODEL, overwrite=True) as temporary:
        fill(temporary, "new")
        assert (path / "weights").read_text() == "old"
    assert listing(path) == ["model.json", "weights"]
    assert (path / "weights").read_text() == "new"
    assert listing(tmp_path) == [name]


def test_an_old_folder_comes_back_if_the_new_one_cannot_take_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr("mtlzoo.files.moving._renameat2", lambda: None)
    path = tmp_path / "model"
    fill(path, "old")
    replace = os.replace

    def fail(source, target):
        if Path(target) == path and (Path(source) / "weights").read_text() == "new":
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(KeyboardInterrupt), writing(path, kind=MODEL, overwrite=True) as temporary:
        fill(temporary, "new")
    assert (path / "weights").read_text() == "old"
    assert listing(tmp_path) == ["model"]


@pytest.mark.parametrize("old", ["file", "folder"])
def test_nothing_written_is_an_error_and_loses_nothing(tmp_path, old):
    path, kind = tmp_path / "model", None if old == "file" else MODEL
    fill(path, "old") if old == "folder" else path.write_text("old")
    with (
        pytest.raises(FileNotFoundError, match=r"Nothing was written for .*model"),
        writing(path, kind=kind, overwrite=True),
    ):
        pass
    assert ((path / "weights") if old == "folder" else path).read_text() == "old"
    assert listing(tmp_path) == ["model"]


def test_in_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with writing("report.csv") as temporary:
        temporary.write_text("new")
    assert Path("report.csv").read_text() == "new"


def test_others_may_read_what_was_written(tmp_path):
    """The folder that the file was written in is private; the file is as open as any other."""
    (tmp_path / "plain").write_text("")
    with writing(tmp_path / "model") as temporary:
        temporary.write_text("")
    assert (tmp_path / "model").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("kind", [None, MODEL], ids=["file", "folder"])
def test_what_somebody_else_has_written_meanwhile_stays(tmp_path, kind, system):
    path = tmp_path / "model"

    def write():
        with writing(path, kind=kind) as temporary:
            fill(temporary, "new") if kind else temporary.write_text("new")
            fill(path, "theirs") if kind else path.write_text("theirs")

    with pytest.raises(OutputError, match="exists"):
        write()
    assert "theirs" in (path / "weights" if kind else path).read_text()
    assert listing(tmp_path) == ["model"]


# === What is refused ===


@pytest.fixture
def full(tmp_path):
    """A folder with everything that may stand in the way."""
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_text("an image")
    (tmp_path / "file.csv").write_text("mine")
    fill(tmp_path / "model", "old")
    fill(tmp_path / "mixed", "old")
    (tmp_path / "mixed" / "deep").mkdir()
    (tmp_path / "mixed" / "deep" / "deeper").mkdir()
    (tmp_path / "mixed" / "deep" / "deeper" / "mine.txt").write_text("mine")
    fill(tmp_path / "linking", "old")
    (tmp_path / "linking" / "deep").symlink_to(tmp_path / "photos")
    fill(tmp_path / "other", "old")
    (tmp_path / "other" / "model.json").write_text("[1]")
    (tmp_path / "to file").symlink_to(tmp_path / "file.csv")
    (tmp_path / "to folder").symlink_to(tmp_path / "model")
    (tmp_path / "to nothing").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("kind", [None, MODEL], ids=["file", "folder"])
def test_nothing_that_another_made_is_lost(full, kind, overwrite):
    before = everything(full)
    allowed = {(None, "file.csv"), (MODEL, "model")} if overwrite else set()
    for name in listing(full):
        if (kind, name) in allowed:
            continue
        with (
            pytest.raises(OutputError, match="left as it is") as caught,
            writing(full / name, kind=kind, overwrite=overwrite),
        ):
            raise AssertionError(name)
        assert len(str(caught.value).splitlines()) == 1
    assert everything(full) == before
    assert os.path.islink(full / "to nothing")


def test_why_a_folder_is_not_replaced(full):
    for name, reason in {
        "photos": "it is not a model that mtlzoo wrote",
        "other": "it is not a model that mtlzoo wrote",
        "mixed": "it holds 'deep/deeper/mine.txt', which is no part of a model",
        "linking": "it holds 'deep', which is no part of a model",
    }.items():
        with pytest.raises(OutputError, match=reason):
            check_output(full / name, kind=MODEL, overwrite=True)


def test_what_file_managers_leave_is_nobodys_loss(full):
    (full / "model" / ".DS_Store").touch()
    (full / "model" / "empty").mkdir()
    check_output(full / "model", kind=MODEL, overwrite=True)
    (full / "model" / "empty too").mkdir()
    with pytest.raises(OutputError, match="'empty too/'"):
        check_output(full / "model", kind=MODEL, overwrite=True)


def test_an_empty_folder_may_be_filled(tmp_path, system):
    (tmp_path / "model").mkdir()
    with writing(tmp_path / "model", kind=MODEL) as temporary:
        fill(temporary, "new")
    assert (tmp_path / "model" / "weights").read_text() == "new"


def test_parents_that_are_no_folders(full):
    for path in (full / "file.csv" / "x.csv", full / "file.csv" / "deep" / "x.csv", full / "to nothing" / "x.csv"):
        for check in (check_output, check_folder):
            with pytest.raises(OutputError, match="is no folder; name another place"):
                check(path)
    check_output(full / "to folder" / "new" / "x.csv")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_parents_that_must_not_be_written_to(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="no permission to write into"):
        check_output(tmp_path / "x.csv")
    tmp_path.chmod(0o700)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_what_may_be_replaced_in_a_folder_that_may_not_be_written_to(tmp_path):
    (tmp_path / "old").write_text("old")
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError, match="old cannot be written: no permission to write into"):
        check_output(tmp_path / "old", overwrite=True)
    with pytest.raises(PermissionError, match=rf"^{tmp_path} cannot be written: no permission"):
        check_folder(tmp_path, overwrite=True)
    tmp_path.chmod(0o700)


FULL = [
    OSError(errno.ENOSPC, "No space left on device"),
    RuntimeError("…/variables; No space left on device [Op:Save]"),
]


@pytest.mark.parametrize("error", [*FULL, RuntimeError("Slist already enabled?")], ids=["system", "tensorflow", "h5py"])
@pytest.mark.parametrize("name", ["old", "new"])
def test_a_full_disk_is_told_in_one_line(tmp_path, monkeypatch, error, name):
    (tmp_path / "old").write_text("old")
    if error not in FULL:
        monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=100))
    expected = rf"^{tmp_path / name} cannot be written: no space is left there; it is as it was\.$"
    with pytest.raises(OSError, match=expected), writing(tmp_path / name, overwrite=True):
        raise error
    assert everything(tmp_path) == {"old": "old"}


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "x" * 256, "d/" * 3000 + "x"])
def test_names_that_no_file_can_have(tmp_path, name):
    with pytest.raises(OutputError, match="cannot be written") as caught:
        check_output(f"{tmp_path}/{name}")
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("name", ["", ".", "..", "/", "x/.."])
@pytest.mark.parametrize("kind", [None, MODEL], ids=["file", "folder"])
def test_names_of_the_folder_itself(tmp_path, monkeypatch, name, kind):
    (tmp_path / "x").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OutputError, match="is left as it is"):
        check_output(name, kind=kind, overwrite=True)


# === Inputs ===


@pytest.mark.parametrize("overwrite", [False, True])
def test_no_output_may_be_hold_or_lie_in_an_input(full, overwrite, monkeypatch):
    monkeypatch.chdir(full)
    os.link("file.csv", "hard.csv")
    Path("photos-link").symlink_to("photos")
    Path("new").mkdir()
    Path("linked.png").symlink_to("photos/a.png")
    for output, source, reason in [
        ("file.csv", "file.csv", "is one of the inputs"),
        ("photos/../file.csv", "file.csv", "is one of the inputs"),
        ("hard.csv", full / "file.csv", "is one of the inputs"),
        ("file.csv", "to file", "is one of the inputs"),
        ("photos/x.csv", "photos", "would lie inside the input"),
        ("photos-link/deep/x.csv", "photos", "would lie inside the input"),
        ("photos/x.csv", "photos-link", "would lie inside the input"),
    ]:
        with pytest.raises(OutputError, match=reason):
            check_output(output, overwrite=overwrite, inputs=["nowhere", source])
    check_output("photos/x.csv", inputs=["photos/a.png"])  # beside it
    check_output("new.csv", inputs=["photos", "file.csv", "nowhere"])
    for output, source, reason in [
        ("model", "model", "is one of the inputs"),
        ("model", "model/weights", "holds the input"),
        ("model/deep/new", "model", "would lie inside the input"),
    ]:
        with pytest.raises(OutputError, match=reason):
            check_output(output, kind=MODEL, overwrite=overwrite, inputs=[source])
    for output, source in [("photos", "photos/a.png"), ("photos-link", "photos/a.png"), ("photos", "linked.png")]:
        with pytest.raises(
            OutputError, match="holds the input" if overwrite else "has something in it|holds the input"
        ):
            check_folder(output, overwrite=overwrite, inputs=[source])
    check_folder("new", inputs=["photos", "file.csv"])


def test_folders_to_write_into(full):
    for name, reason in {
        "file.csv": "received a file",
        "pipe": "received something else",
        "photos": "overwrite",
    }.items():
        with pytest.raises(OutputError, match=reason):
            check_folder(full / name)
    with pytest.raises(OutputError, match="received something else"):
        check_folder(full / "to nothing", overwrite=True)
    check_folder(full / "to folder", overwrite=True)
    assert not (full / "made").exists()
    check_folder(full / "made" / "later")
    assert not (full / "made").exists()


# === What killed writers leave ===

KILLED = """
import os, sys
from pathlib import Path
from mtlzoo.files import FolderKind, writing
if sys.argv[2] == "between two renames":
    import mtlzoo.files.moving as module
    module._renameat2 = lambda: None
    replace, calls = os.replace, []
    os.replace = lambda *names: os._exit(9) if calls else (calls.append(1), replace(*names))
kind = FolderKind("a model", "model.json", ("weights",), ("model.json", "weights"))
with writing(sys.argv[1], kind=kind, overwrite=True) as temporary:
    temporary.mkdir()
    (temporary / "weights").write_text("half")
    if sys.argv[2] == "while writing":
        os._exit(9)
"""


def kill_a_writer(path: Path, when: str) -> None:
    assert subprocess.run([sys.executable, "-c", KILLED, str(path), when], check=False).returncode == 9


def test_the_next_write_removes_what_a_killed_writer_left(tmp_path):
    fill(tmp_path / "model", "old")
    kill_a_writer(tmp_path / "model", "while writing")
    assert len(listing(tmp_path)) == 2
    with pytest.raises(OutputError), writing(tmp_path / "model", kind=MODEL):
        pass
    assert listing(tmp_path) == ["model"]
    assert (tmp_path / "model" / "weights").read_text() == "old"


def test_the_next_write_brings_back_what_a_killed_writer_had_moved_aside(tmp_path):
    fill(tmp_path / "model", "old")
    kill_a_writer(tmp_path / "model", "between two renames")
    assert "model" not in listing(tmp_path)
    with pytest.raises(OutputError, match="exists already"), writing(tmp_path / "model", kind=MODEL):
        pass
    assert listing(tmp_path) == ["model"]
    assert (tmp_path / "model" / "weights").read_text() == "old"


def test_what_others_are_writing_stays(tmp_path):
    """That of a living process, of another machine, and whatever only looks like one of ours."""
    with writing(tmp_path / "one") as mine:
        mine.write_text("half")
        theirs = mine.parent.name.replace(f"-{os.getpid()}-", f"-{os.getppid()}-")
        host = mine.parent.name.split("-")[1]
        away = mine.parent.name.replace(host, "0" * 8)
        for name in (theirs, away, ".mtlzoo-notes", ".mtlzoo-1234-abcd", f"{theirs}.bak"):
            (tmp_path / name).mkdir()
        (tmp_path / ".mtlzoo-00000000-1-abcdefgh").write_text("a file")
        before = listing(tmp_path)
        with writing(tmp_path / "two") as other:
            other.write_text("whole")
        assert listing(tmp_path) == sorted([*before, "two"])
    (tmp_path / away / "part").touch()
    long_ago = time.time() - 2 * 24 * 3600
    for path in (tmp_path / away / "part", tmp_path / away):
        os.utime(path, (long_ago, long_ago))
    with writing(tmp_path / "three") as other:
        other.write_text("whole")
    assert away not in listing(tmp_path)
    assert theirs in listing(tmp_path)
