"""The class of tables has a new name; the old one goes on, with a warning."""

from __future__ import annotations

import pytest

import mtlzoo as mtl


def test_the_old_name_of_the_class_warns():
    with pytest.warns(DeprecationWarning, match="mtlzoo.data.Table is called `LabelTable` now"):
        assert mtl.data.Table is mtl.data.LabelTable
    assert "Table" not in mtl.data.__all__
    with pytest.raises(AttributeError, match="Tables"):
        mtl.data.Tables  # noqa: B018
