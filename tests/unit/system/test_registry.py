"""Entries by name: the package's own, those that are registered, and those of plug-ins."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mtlzoo.errors import PluginError
from mtlzoo.system.registries import AUGMENTATIONS, BALANCING, EXPORTS, FORMATS, HEADS, LOSSES, MAKERS, MIXINGS
from mtlzoo.system.registry import Registry

ALL = (AUGMENTATIONS, BALANCING, EXPORTS, FORMATS, HEADS, LOSSES, MAKERS, MIXINGS)


@pytest.fixture
def shapes():
    return Registry("shape", {"circle": 1, "dotted_line": 2, "lazy": "math:pi"}, group="mtlzoo.shapes")


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Makes a package with entry points of the group `mtlzoo.shapes`."""

    def make(package: str, **points: str) -> None:
        about = tmp_path / f"{package}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        lines = [f"{name} = {value}" for name, value in points.items()]
        (about / "entry_points.txt").write_text("\n".join(["[mtlzoo.shapes]", *lines]) + "\n")

    monkeypatch.syspath_prepend(tmp_path)
    return make


def test_it_is_a_mapping_in_the_order_of_its_entries(shapes):
    assert list(shapes) == ["circle", "dotted_line", "lazy"]
    assert len(shapes) == 3
    assert shapes["circle"] == 1
    assert "circle" in shapes
    assert "square" not in shapes
    assert shapes.get("square") is None
    with pytest.raises(KeyError):
        shapes["square"]


def test_a_text_is_loaded_when_it_is_looked_up(shapes):
    assert 3.14 < shapes["lazy"] < 3.15
    assert shapes.name_of(shapes["lazy"]) == "lazy"
    assert shapes.name_of("another") is None


@pytest.mark.parametrize("name", ["dotted_line", "Dotted-Line", "DOTTEDLINE", "dotted line"])
def test_a_name_in_any_spelling(shapes, name):
    assert shapes.find(name) == 2
    assert shapes.full_name(name) == "dotted_line"


def test_a_wrong_name_is_answered_with_the_right_ones(shapes):
    with pytest.raises(
        ValueError,
        match=r"name of a shape, received: 'circel'. Did you mean 'circle'\? Valid names: circle, dotted_line",
    ):
        shapes.find("circel")


def test_another_name_of_an_entry_finds_it():
    kinds = Registry("type", {"whole": int, "text": "builtins:str"}, alias=lambda kind: kind.__name__)
    assert kinds.find("Int") is int
    assert kinds.full_name("str") == "text"


def test_patterns_list_names(shapes):
    assert shapes.matching("*I*") == ["circle", "dotted_line"]
    assert shapes.matching("dotted-*") == ["dotted_line"]
    assert shapes.matching("[a-c]*") == ["circle"]


def test_entries_are_registered_by_a_call_or_a_decorator(shapes):
    assert shapes.register("square", 4) == 4

    @shapes.register("triangle")
    def triangle():
        return 3

    assert shapes["square"] == 4
    assert shapes["triangle"] is triangle
    del shapes["square"]
    assert "square" not in shapes


def test_a_second_entry_of_a_name_is_refused(shapes):
    assert shapes.register("circle", 1) == 1  # the same again
    with pytest.raises(ValueError, match="Expected a new name for a shape, received: 'circle'"):
        shapes.register("circle", 7)
    with pytest.raises(ValueError, match="Expected a new name"):
        shapes["circle"] = 7
    for name in ("", "  ", 3):
        with pytest.raises(ValueError, match="name of a shape as a text"):
            shapes.register(name, 1)
    assert shapes["circle"] == 1


def test_a_registry_has_the_entries_of_its_parent_after_its_own(shapes):
    solids = Registry("solid", {"cube": 6, "circle": 0}, parent=shapes)
    assert solids.names() == ["cube", "circle", "dotted_line", "lazy"]
    assert solids["circle"] == 0
    assert solids["dotted_line"] == 2
    shapes.register("square", 4)
    assert solids.find("Square") == 4


def test_plugins_are_found_when_they_are_asked_for(shapes, install):
    install("round-things", ellipse="math:tau")
    assert shapes.names(plugins=False) == ["circle", "dotted_line", "lazy"]
    assert shapes.names() == ["circle", "dotted_line", "lazy", "ellipse"]
    assert shapes["ellipse"] == shapes.find("Ellipse") == pytest.approx(6.283, abs=1e-3)
    assert list(shapes)[-1] == "ellipse"
    assert shapes.names(plugins=False) == ["circle", "dotted_line", "lazy"]


def test_a_plugin_that_cannot_be_loaded_names_its_package_and_stops_nobody_else(shapes, install):
    install("round-things", ellipse="math:tau", broken="no_such_module:x")
    for _ in range(2):
        with pytest.raises(
            PluginError, match=r"shape 'broken' of the package 'round-things' cannot be loaded \(no_such"
        ):
            shapes["broken"]
    with pytest.warns(UserWarning, match="round-things"):
        assert list(shapes) == ["circle", "dotted_line", "lazy", "ellipse"]
    assert shapes["ellipse"] > 6


def test_a_name_that_is_taken_is_left_to_who_has_it(shapes, install):
    install("first-things", circle="math:e", ellipse="math:tau")
    install("second-things", ellipse="math:inf")
    with pytest.warns(UserWarning, match="already") as caught:
        assert shapes.names() == ["circle", "dotted_line", "lazy", "ellipse"]
    texts = [str(warning.message) for warning in caught]
    assert any("'first-things' brings a shape 'circle', which mtlzoo has already" in text for text in texts)
    assert any("'second-things' brings a shape 'ellipse', which first-things has" in text for text in texts)
    assert shapes["circle"] == 1
    assert shapes["ellipse"] < 7


@pytest.mark.parametrize("registry", ALL, ids=lambda registry: registry.noun)
def test_every_entry_of_the_package_is_there(registry):
    assert all(registry[name] is not None for name in registry.names(plugins=False))


def test_names_are_listed_without_loading_what_they_stand_for():
    program = (
        "import sys; from mtlzoo.system import registries as r; "
        "names = [r.__dict__[key].names() for key in r.__all__]; assert all(names); "
        "print({'keras', 'numpy', 'tensorflow', 'pandas', 'cv2'} & set(sys.modules))"
    )
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert process.stdout.strip() == "set()"
