"""`mtlzoo new`: a project whose script runs as it is written."""

from __future__ import annotations

import runpy
import tomllib

import numpy as np
import pandas as pd
import pytest

from mtlzoo.cli.main import main


def settings(folder):
    return tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))


def test_a_project_needs_nothing_else(tmp_path, capsys):
    project = tmp_path / "my project"
    assert main(["new", str(project)]) == 0
    printed = capsys.readouterr().out
    assert f"Type next: python '{project / 'train.py'}'" in printed
    assert {path.name for path in project.iterdir()} == {"train.py", "config.toml", "README.md", ".gitignore"}
    config = settings(project)
    assert config["table"] == "blood_cells"
    assert config["network"]["image_size"] == 96
    assert (project / "README.md").read_text().startswith("# my project\n")
    before = (project / "train.py").read_bytes()
    assert main(["new", str(project)]) == 2
    assert "has something in it" in capsys.readouterr().err
    assert (project / "train.py").read_bytes() == before


def test_the_path_of_a_table_is_seen_from_the_project(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'la"bels 表.csv').write_text("image,color\n")
    assert main(["new", "deep/project", "--table", 'la"bels 表.csv']) == 0
    assert settings(tmp_path / "deep" / "project")["table"] == '../../la"bels 表.csv'
    assert main(["new", "other", "--table", "nowhere.csv"]) == 2
    assert "No such label file" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.usefixtures("eagerly")
def test_the_script_of_a_project_runs(tmp_path, capsys):
    import cv2

    rng = np.random.default_rng(0)
    for row in range(20):
        cv2.imwrite(str(tmp_path / f"{row}.png"), rng.integers(0, 40, (36, 36, 3), np.uint8) + np.uint8(row % 2 * 200))
    table = pd.DataFrame({"image": [f"{row}.png" for row in range(20)], "light": ["no", "yes"] * 10})
    table.to_csv(tmp_path / "labels.csv", index=False)
    project = tmp_path / "project"
    assert main(["new", str(project), "--table", str(tmp_path / "labels.csv")]) == 0
    config = project / "config.toml"
    text = config.read_text(encoding="utf-8")
    for old, new in (
        ("epochs = 2", "epochs = 1"),
        ("epochs = 10", "epochs = 1"),
        ("image_size = 128", "image_size = 32"),
    ):
        assert old in text
        text = text.replace(old, new)
    config.write_text(text, encoding="utf-8")
    for _ in range(2):  # a second run replaces the first one's files
        names = runpy.run_path(str(project / "train.py"))
    assert names["report"].loc["light", "labelled"] == 2
    assert {path.name for path in (project / "run").iterdir()} == {"report.csv", "model.h5"}
    assert "light: binary, 20 labelled, no, yes" in capsys.readouterr().out
    assert main(["predict", str(project / "run" / "model.h5"), str(tmp_path / "0.png")]) == 0
