"""Rooms can be imported in any order, by themselves, and what libraries print while they load is held back."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys

import pytest

from mtlzoo.system.startup import quieten

NOISY = """
import os
os.write(2, b"a dozen lines about the build")
"""


@pytest.mark.slow
@pytest.mark.parametrize("room", ["heads", "datasets"])
def test_a_room_can_be_imported_before_all_others(room):
    """Keras is loaded in the middle of that import, which what waits for Keras needs whole."""
    result = subprocess.run([sys.executable, "-c", f"import mtlzoo.{room}"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]


@pytest.fixture
def noisy(tmp_path, monkeypatch):
    """Makes a module that prints while it loads, as libraries in C++ do, past `sys.stderr`; its name is returned."""

    def make(code: str = "") -> str:
        (tmp_path / "noisy_library.py").write_text(NOISY + code)
        quieten("noisy_library")
        return "noisy_library"

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    finders = list(sys.meta_path)
    yield make
    sys.meta_path[:] = finders
    sys.modules.pop("noisy_library", None)


def test_what_a_module_prints_while_it_loads_is_held_back(noisy, capfd):
    name = noisy("value = 3\n")
    assert importlib.util.find_spec(name) is not None  # as programs do that ask what is installed
    module = importlib.import_module(name)
    assert module.value == 3
    assert type(module.__loader__).__module__ != "mtlzoo.system.startup"
    print("mine", file=sys.stderr)
    assert capfd.readouterr().err == "mine\n"


def test_if_loading_fails_it_is_printed(noisy, capfd):
    with pytest.raises(OSError, match="no such device"):
        importlib.import_module(noisy("raise OSError('no such device')\n"))
    assert capfd.readouterr().err == "a dozen lines about the build"


def test_whoever_asks_for_all_lines_gets_them(noisy, capfd, monkeypatch):
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    importlib.import_module(noisy())
    assert capfd.readouterr().err == "a dozen lines about the build"


def test_a_process_without_standard_error_loads_too(noisy, monkeypatch):
    def closed(descriptor):
        raise OSError(9, "Bad file descriptor")

    monkeypatch.setattr("os.dup", closed)
    assert importlib.import_module(noisy("value = 3\n")).value == 3


def test_a_module_that_is_there_already_is_left_alone():
    before = list(sys.meta_path)
    quieten("json")
    assert sys.meta_path == before
