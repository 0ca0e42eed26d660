"""Code in a graph is found before Keras makes layers of it; what a model was compiled with is not loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mtlzoo.errors import ModelFileError
from mtlzoo.saving.validation import check_graph

LAMBDA = {"class_name": "Lambda", "config": {}}
FUNCTION = {"class_name": "Activation", "config": {"activation": {"class_name": "__lambda__"}}}


@pytest.mark.parametrize("part", [LAMBDA, FUNCTION])
def test_code_is_found_at_any_depth_unless_trusted(part):
    graph = json.dumps({"class_name": "Functional", "config": {"layers": [{"config": {"layers": [part]}}]}})
    with pytest.raises(ModelFileError, match=r"a\.h5 holds a Lambda layer, .* trusted=True"):
        check_graph(graph, Path("a.h5"), trusted=False)
    check_graph(graph, Path("a.h5"), trusted=True)


def test_a_loss_that_is_a_function_does_not_matter():
    graph = {
        "class_name": "Functional",
        "config": {"layers": []},
        "compile_config": {"loss": {"class_name": "__lambda__"}},
    }
    check_graph(json.dumps(graph), Path("a.keras"), trusted=False)
    inner = {"config": {"layers": [graph]}}  # Keras compiles models inside of a model
    with pytest.raises(ModelFileError, match="Lambda"):
        check_graph(json.dumps(inner), Path("a.keras"), trusted=False)
