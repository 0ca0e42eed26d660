"""Lines that move where they can be drawn over: at a terminal, in a notebook, and not in a log."""

from __future__ import annotations

import io

import pytest
from streams import Notebook, Terminal

from mtlzoo.system.progress import Progress, bar, draw, duration, redraw_seconds, time_left


def test_where_a_line_may_move(tmp_path):
    assert redraw_seconds(Terminal()) == 0.1
    assert redraw_seconds(Notebook()) == 0.5
    assert redraw_seconds(io.StringIO()) is None
    with (tmp_path / "log.txt").open("w") as file:
        assert redraw_seconds(file) is None


def test_the_stream_of_a_real_kernel_is_known():
    iostream = pytest.importorskip("ipykernel.iostream")
    assert iostream.OutStream.__module__.partition(".")[0] == "ipykernel"


def test_a_line_is_drawn_over_the_one_before(monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    stream = Terminal()
    draw("a line that is too long for it", stream)
    draw("short", stream)
    draw("", stream)
    print("done", file=stream)
    assert stream.getvalue() == f"\ra line that is too \rshort{' ' * 14}\r{' ' * 19}\rdone\n"


def test_bars_and_times():
    assert bar(0.5, 10) == "[=====     ]  50%"
    assert bar(1.0, 4) == "[====] 100%"
    assert time_left(6, 2, 5) == "0:09 left"
    assert [duration(seconds) for seconds in (0.4, 59.6, 3599, 36_061)] == ["0:00", "1:00", "59:59", "10:01:01"]


@pytest.fixture
def every_step(monkeypatch):
    """A clock on which every look takes four seconds."""
    times = iter(range(0, 4000, 4))
    monkeypatch.setattr("time.monotonic", lambda: next(times))


def show(stream: io.StringIO, monkeypatch) -> str:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sys.stderr", stream)
    progress = Progress()
    for done in range(1, 5):
        progress.show(f"Drew {done} of 4 images", done, 4)
    return stream.getvalue()


@pytest.mark.parametrize("kind", [Terminal, Notebook], ids=["terminal", "notebook"])
def test_a_line_moves_and_tells_how_long_it_takes(kind, every_step, monkeypatch):
    start, *drawn, cleared, last = show(kind(), monkeypatch).split("\r")
    assert start == ""
    assert [text.rstrip() for text in drawn] == [
        "Drew 1 of 4 images  [===         ]  25%  0:12 left",
        "Drew 2 of 4 images  [======      ]  50%  0:08 left",
        "Drew 3 of 4 images  [=========   ]  75%  0:04 left",
    ]
    assert (cleared.strip(), last) == ("", "Drew 4 of 4 images\n")


def test_a_log_gets_a_line_now_and_then(every_step, monkeypatch):
    assert show(io.StringIO(), monkeypatch) == "Drew 3 of 4 images, 0:04 left\nDrew 4 of 4 images\n"
