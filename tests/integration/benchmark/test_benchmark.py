"""Every section of the benchmark runs and says what it measures; how fast anything is decides nothing here."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from asked import usually

SCRIPTS = Path(__file__).parents[3] / "scripts"
LAYER = "conv_pw_1_relu"  # of MobileNet: tracing all of it takes seconds each time
SMALL = {
    "startup": {"rounds": 1},
    "input_pipeline": {"rounds": 1, "images": 5},
    "single_image": {"rounds": 1, "layer": LAYER},
    "prediction": {"rounds": 1, "images": 8, "counts": (8,), "layer": LAYER},
    "predictors": {"rounds": 1, "pixels": 32, "ways": ("LiteRT: mtl.load_predictor",), "layer": LAYER},
    "serving": {"seconds": 0.5, "pixels": 32, "layer": LAYER},
    "memory": {"counts": (8,)},
    "large_tables": {"counts": (40,), "heads": 3},
    "growth": {"rounds": 1, "counts": (1,), "layer": LAYER},
    "replicas": {"counts": (2,), "heads": 2, "layer": LAYER},
    "training_step": {"rounds": 2, "layer": LAYER},
    "fit": {"rounds": 3, "steps": 2, "layer": LAYER},
    "features": {"images": 64, "epochs": 2, "layer": LAYER},
    "balancing": {"rounds": 1, "methods": ("uncertainty",), "layer": LAYER},
    "teaching": {"rounds": 1, "rows": 104, "epochs": 4, "layer": LAYER},
}
QUICK = {"single_image"}
FIGURES = {
    "startup": {"seconds", "loads_tensorflow"},
    "input_pipeline": {"times_notebook", "times_keras", "of_limit", "of_full_limit", "cores"},
    "single_image": {"milliseconds", "times_predict"},
    "prediction": {"images_per_second", "times_notebook", "peak_mib"},
    "predictors": {"open_seconds", "first_seconds", "cpu_seconds"},
    "serving": {"answered_per_second", "refused_percent", "lost", "p50_ms", "p99_ms"},
    "memory": {"peak_mib"},
    "large_tables": {"read_s", "split_s", "first_batch_s", "peak_mib"},
    "growth": {"milliseconds", "times_one_head"},
    "replicas": {"milliseconds"},
    "training_step": {"over_plain", "first_over_plain"},
    "fit": {"over_bare_step", "over_one_head"},
    "features": {"seconds", "times_plain"},
    "balancing": {"milliseconds", "times_plain"},
    "teaching": {"epoch_ms", "over_plain"},
}


def run_here(program: str, *arguments: object) -> str:
    """As the scripts' `run_alone`, but in this process: to load TensorFlow takes longer than these programs."""
    peak = inspect.getsource(sys.modules["benchmarks.processes"].peak)
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(sys, "argv", ["-c", *map(str, arguments)])
        exec(f"{peak}\n{program}", {"__name__": "__main__"})
    return printed.getvalue()


@pytest.fixture(scope="module")
def benchmark():
    """The script as a module. Of its programs that of the replicas alone runs as ever: it needs devices of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(SCRIPTS))
        module = importlib.import_module("benchmark")
        for section in ("large_tables", "memory", "prediction"):
            patch.setattr(f"benchmarks.{section}.run_alone", run_here)
        yield module


# The notebook's `ImageDataGenerator` asks SciPy for a name that it is about to drop.
@pytest.mark.filterwarnings("ignore:Please import .* from the `scipy.ndimage` namespace:DeprecationWarning")
@pytest.mark.parametrize("section", usually(QUICK, SMALL))
def test_a_section_says_what_it_measures(benchmark, section):
    rows = benchmark.SECTIONS[section](**SMALL[section])
    table = benchmark.tidy(section, rows)
    figures = {name for row in rows for name in row}
    assert FIGURES[section] <= figures
    assert list(table.columns) == ["section", "case", "measure", "value"]
    assert not table.duplicated(["case", "measure"]).any()
    values = table["value"].astype(float)
    assert np.isfinite(values).all()
    if section == "startup":
        assert [row["loads_tensorflow"] for row in rows] == [False, False, True]
    elif section != "large_tables":  # its tables are read in no time
        may_be_none = table["measure"].isin(["refused_percent", "lost"])
        assert (values[~may_be_none] > 0).all()
        assert (values[may_be_none] >= 0).all()


def test_every_section_is_tried(benchmark):
    assert set(SMALL) == set(FIGURES) == set(benchmark.SECTIONS)


def test_the_table_is_written_with_hardware_and_versions(benchmark, monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(benchmark.SECTIONS, "startup", _startup)
    out = tmp_path / "new" / "table.csv"
    monkeypatch.setattr(sys, "argv", ["benchmark.py", "--only", "startup", "--full", "--out", str(out)])
    benchmark.main()
    assert "all, twice" in capsys.readouterr().out
    table = pd.read_csv(out)
    assert table["value"].tolist() == [0.5, 2.0]
    assert table["measure"].tolist() == ["seconds", "times"]
    assert table["machine"].str.contains("cores").all()
    assert table["versions"].str.contains("tensorflow").all()


def _startup(full: bool = False) -> list[dict[str, object]]:
    """Measures nothing."""
    return [{"way": "all, twice" if full else "some", "seconds": 0.5, "times": 2.0}]
