"""Tasks of Ray write what one process writes."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.cli.main import main
from mtlzoo.errors import InputError, OutputError
from mtlzoo.serving import predict_on_ray


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    for number in range(7):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((20, 24, 3), 30 * number, np.uint8))
    (folder / "broken.png").write_text("none")
    return folder


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    model = mtl.build("tcdcn", {"hat": mtl.BinaryHead()}, (32, 32, 3), weights=None, width=0.25)
    return mtl.export(model, tmp_path_factory.mktemp("model") / "model.h5")


def rows(folder):
    """The predictions, whose last digits another number of cores may change."""
    return pd.concat(pd.read_json(path, lines=True) for path in sorted(folder.glob("*.jsonl")))


def test_without_ray_it_says_what_to_install(file, folder, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ImportError, match="needs Ray: pip install ray"):
        predict_on_ray(file, str(folder), tmp_path / "out", tasks=2)


@pytest.mark.parametrize(
    "more", [["a", "--shard", "1/2"], ["a", "--overwrite"], ["-"], ["a", "--from-list", "list.txt"]]
)
def test_what_one_machine_alone_can_take_is_refused(capsys, more):
    assert main(["predict", "model.h5", *more, "--out", "out", "--format", "csv", "--ray", "2"]) == 2
    assert "Expected --ray with files, folders" in capsys.readouterr().err


def test_ray_goes_with_a_folder_of_files(capsys):
    assert main(["predict", "model.h5", "images", "--out", "out.csv", "--ray", "2"]) == 2
    assert "Expected --ray with --out DIR and --format" in capsys.readouterr().err


@pytest.mark.long
def test_tasks_write_what_one_process_writes(file, folder, tmp_path):
    ray = pytest.importorskip("ray", reason="needs Ray")
    how = {"rows_per_file": 2, "probabilities": True}
    mtl.predict_files(mtl.load_model(file), folder, tmp_path / "one", **how)
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        done = predict_on_ray(file, str(folder), tmp_path / "several", tasks=3, **how)
        assert (done.images, done.predicted, done.unreadable, done.earlier, done.missing_files) == (8, 7, 1, 0, 0)
        pd.testing.assert_frame_equal(rows(tmp_path / "several"), rows(tmp_path / "one"))
        names = [sorted(path.name for path in (tmp_path / name).iterdir()) for name in ("several", "one")]
        assert names[0] == names[1]
        again = predict_on_ray(file, str(folder), tmp_path / "several", tasks=2, **how)
        assert (again.earlier, again.predicted) == (8, 0)
        with pytest.raises(OutputError):
            predict_on_ray(file, str(folder), folder, tasks=2)
        with pytest.raises(InputError):
            predict_on_ray(file, str(folder / "none" / "*.png"), tmp_path / "none", tasks=1)
        with pytest.raises(ValueError, match="at least 1 task"):
            predict_on_ray(file, str(folder), tmp_path / "none", tasks=0)
    finally:
        ray.shutdown()
