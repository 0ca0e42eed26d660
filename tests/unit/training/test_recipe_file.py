"""Recipes in files."""

from __future__ import annotations

import pytest

from mtlzoo.errors import OutputError
from mtlzoo.training import Recipe, Stage, read_recipe, write_recipe


def test_a_recipe_comes_back_from_its_file(tmp_path):
    recipe = Recipe(
        stages=[Stage(2, 1e-5, ["a", "b"], image_size=(32, 24)), Stage(1)], mix="mixup", augment=None, average=0.99
    )
    path = write_recipe(recipe, tmp_path / "best.yaml", "found\nhere")
    assert path.read_text().startswith("# found\n# here\nstages:\n")
    assert read_recipe(path) == recipe.with_settings(stages=[Stage(2, 1e-5, ["a", "b"], image_size=[32, 24]), Stage(1)])
    with pytest.raises(OutputError):
        write_recipe(recipe, path)


def test_what_people_write_is_read(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("stages:\n- {epochs: 2, learning_rate: 1e-3, trainable: heads}\nbatch_size: 8\n")
    assert read_recipe(path) == Recipe(stages=[Stage(2, 1e-3, "heads")], batch_size=8)
    path.write_text(
        '{"options": {}, "recipe": {"batch_size": 4, "label_smoothing": 1e-05}}'
    )  # as in the run.yaml of a run
    assert read_recipe(path) == Recipe(batch_size=4, label_smoothing=1e-5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1", r"mine.yaml: expected the settings of a recipe by name, received: \[1\]"),
        ("a: [", r"mine.yaml: expected YAML or JSON"),
        ("batch_sise: 3", r"mine.yaml: Expected settings of a recipe \(.*batch_sise"),
        ("batch_size: 0", r"mine.yaml: Expected `batch_size`"),
        ("stages: 3", r"mine.yaml: Expected a stage as settings by name"),
        ("stages: [{epoch: 3}]", r"mine.yaml: Expected a stage as settings by name"),
        ("batch_size: 2024-13-45", r"mine.yaml: expected YAML or JSON"),
        ("batch_size: !!bool perhaps", r"mine.yaml: expected YAML or JSON"),
        ("a: &a [1, 1]\nb: [*a, *a]", r"mine.yaml: expected YAML or JSON, .*references \(\*name\) are not read"),
        ("!!python/object/apply:os.system [ls]", r"mine.yaml: expected YAML or JSON"),
    ],
)
def test_what_is_no_recipe_is_named(tmp_path, text, message):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        read_recipe(path)
