"""What `setup.cfg` asks for: the lowest versions that are tried, and nothing that an environment of many users lacks."""

from __future__ import annotations

import configparser
import runpy
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
# What a notebook of Colab has, as far as mtlzoo needs it: TensorFlow, Keras, NumPy and pandas as in November 2026, others
# as in the last list of it that was at hand.
COLAB = {
    "keras": "3.13.2",
    "matplotlib": "3.10.0",
    "numpy": "2.1.3",
    "opencv-python-headless": "4.12.0.88",
    "pandas": "2.2.3",
    "pillow": "11.3.0",
    "psutil": "5.9.5",
    "pyyaml": "6.0.3",
    "scipy": "1.16.3",
    "tensorflow": "2.20.0",
}


NEW = {"shtab"}  # what it has not: a module without dependencies


def requirements(text: str) -> dict[str, Requirement]:
    """Requirements by name, one a line."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    found = [Requirement(line) for line in lines if line]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def options() -> configparser.SectionProxy:
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    return settings["options"]


@pytest.fixture(scope="module")
def needed() -> dict[str, Requirement]:
    return requirements(options()["install_requires"])


def test_the_lowest_versions_are_those_that_are_tried(needed):
    tried = requirements((ROOT / "tests" / "lowest.txt").read_text(encoding="utf-8"))
    for name, requirement in needed.items():
        (lowest,) = [part.version for part in requirement.specifier if part.operator == ">="]
        (pin,) = tried[name].specifier
        assert pin.operator == "=="
        assert f"{pin.version}.".startswith(f"{lowest}."), name
        assert requirement.specifier.contains(pin.version), name


def test_the_environment_of_many_users_has_all_that_is_needed(needed):
    assert COLAB.keys() | NEW == needed.keys(), "nothing else may be missing there"
    for name, version in COLAB.items():
        assert needed[name].specifier.contains(version), name
    assert {"3.11", "3.12", "3.13"} <= set(SpecifierSet(options()["python_requires"]).filter(["3.11", "3.12", "3.13"]))


def test_keras_has_an_upper_bound_and_the_broken_release_is_left_out(needed):
    keras = needed["keras"].specifier
    assert not keras.contains("3.14.0")
    assert keras.contains("3.14.1")
    assert not keras.contains("4.0")


@pytest.mark.parametrize("found", ["none", "emptied"])
def test_what_to_do_without_opencv_stands_in_the_error(found, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "cv2", None)
    if found != "none":
        (tmp_path / "cv2").mkdir()
        monkeypatch.delitem(sys.modules, "cv2")
        monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(ImportError, match=r"Expected OpenCV 4\.10 or later, received: .*pip install .*-headless$"):
        runpy.run_path(str(ROOT / "mtlzoo" / "images" / "__init__.py"))
