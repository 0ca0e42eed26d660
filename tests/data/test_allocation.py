import ctypes
import sys

import pytest

from mtlzoo.data import allocation


class Recorder:
    def __init__(self):
        self.calls = {}

    def mallopt(self, parameter, value):
        self.calls[parameter] = value


@pytest.fixture
def library(monkeypatch):
    recorder = Recorder()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: recorder)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    for name in [name for name in allocation.os.environ if name.startswith("MALLOC_")]:
        monkeypatch.delenv(name)
    return recorder


def test_thresholds_come_with_padding(library):
    allocation.keep_freed_memory()
    # With padding alone glibc no longer moves its thresholds, and training is a third slower than with nothing.
    assert set(library.calls) == {allocation.M_MMAP_THRESHOLD, allocation.M_TRIM_THRESHOLD, allocation.M_TOP_PAD}
    assert min(library.calls.values()) >= 2**24


@pytest.mark.parametrize(
    ("name", "value"), [("MALLOC_ARENA_MAX", "2"), ("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=128")]
)
def test_what_the_environment_says_stays(library, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    allocation.keep_freed_memory()
    assert not library.calls


def test_nothing_happens_elsewhere(library, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    allocation.keep_freed_memory()
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())  # musl
    allocation.keep_freed_memory()
    assert not library.calls
