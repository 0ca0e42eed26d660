"""The error classes: one base, what they were before, and the page that lists them."""

from __future__ import annotations

import ast
import pickle
from pathlib import Path

import pytest

from mtlzoo import errors

PAGE = Path(__file__).parents[3] / "docs" / "errors.md"
CLASSES = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("cls", CLASSES, ids=errors.__all__)
def test_every_class_has_the_base_and_stands_on_the_page(cls):
    assert issubclass(cls, errors.MtlzooError)
    assert f"`{cls.__name__}`" in PAGE.read_text(encoding="utf-8")


def test_no_other_module_defines_a_public_error():
    for path in set(Path(errors.__file__).parent.rglob("*.py")) - {Path(errors.__file__)}:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            bases = [ast.unparse(base) for base in getattr(node, "bases", [])]
            public = isinstance(node, ast.ClassDef) and not node.name.startswith("_")
            assert not (public and any(base.endswith(("Error", "Exception")) for base in bases)), (path, node.name)


@pytest.mark.parametrize("error", [errors.LabelError(3, "expected a name"), errors.ImageError("is empty", "a.jpg")])
def test_errors_with_parts_survive_a_process_border(error):
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert vars(again) == vars(error)
