"""Who fills in missing labels, as the command line is told."""

from __future__ import annotations

import argparse

import pytest

import mtlzoo as mtl
from mtlzoo.cli import runs
from mtlzoo.cli.commands.train import add_arguments
from mtlzoo.cli.main import main


def recipe_of(*arguments: str) -> mtl.Recipe:
    options = argparse.ArgumentParser()
    add_arguments(options)
    return runs.recipe_of(options.parse_args(["labels.csv", *arguments]))


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "model.h5"
    mtl.export(mtl.build("tcdcn", {"kind": 2}, name="small"), path)
    return path


def test_nobody_teaches_unless_it_is_said():
    assert recipe_of().teach is None


def test_the_network_itself_teaches():
    teach = recipe_of("--teacher", "itself", "--distill", "0.5").teach
    assert (teach.teachers, teach.labelled) == ([], 0.5)


def test_models_and_run_folders_teach(file, tmp_path):
    teach = recipe_of("--teacher", str(file), str(file.parent), "--unlabelled", str(tmp_path)).teach
    assert [list(model.heads) for model in teach.teachers] == [["kind"]] * 2
    assert teach.unlabelled == tmp_path


@pytest.mark.parametrize("option", ["--unlabelled=images", "--distill=1"])
def test_without_a_teacher_there_is_nothing_to_learn_of(option):
    with pytest.raises(ValueError, match="Expected --teacher beside --"):
        recipe_of(option)


def test_the_network_itself_teaches_alone(file):
    with pytest.raises(ValueError, match="itself alone"):
        recipe_of("--teacher", "itself", str(file))


@pytest.mark.parametrize("option", ["--teacher", "--unlabelled"])
def test_what_teaches_is_not_written_over(file, tmp_path, option, capsys):
    """A training that goes on would meet another teacher than it began with."""
    labels, before = tmp_path / "labels.csv", file.read_bytes()
    labels.write_text("image,kind\na.png,1\n")
    given = [option, str(file.parent), *(["--teacher", "itself"] if option == "--unlabelled" else [])]
    assert main(["train", str(labels), *given, "--out", str(file.parent), "--overwrite"]) != 0
    assert "is one of the inputs and is left as it is" in capsys.readouterr().err
    assert file.read_bytes() == before
