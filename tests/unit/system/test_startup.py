"""Rooms can be imported in any order, by themselves."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.parametrize("room", ["heads", "datasets"])
def test_a_room_can_be_imported_before_all_others(room):
    """Keras is loaded in the middle of that import, which what waits for Keras needs whole."""
    result = subprocess.run([sys.executable, "-c", f"import mtlzoo.{room}"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
