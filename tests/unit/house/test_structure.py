"""The rules of the house: rooms and files import downwards only, modules stay small, importing is light."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import mtlzoo

ROOT = Path(mtlzoo.__file__).parent
FLOORS = {
    "errors": 0,
    **dict.fromkeys(["masking", "keras_compat", "system", "files", "html"], 1),
    **dict.fromkeys(["images", "runtimes"], 2),
    **dict.fromkeys(["losses", "metrics"], 3),
    **dict.fromkeys(["balancing", "backbones", "heads"], 4),
    **dict.fromkeys(["models", "data"], 5),
    **dict.fromkeys(["training", "evaluation"], 6),
    **dict.fromkeys(["auditing", "datasets", "plotting", "tuning"], 7),
    "saving": 8,
    **dict.fromkeys(["reports", "serving"], 9),
    "cli": 10,
    "__main__": 11,
}
# Private names of Keras and TensorFlow: methods that Keras calls, attributes, and what is asked for by text; see
# `mtlzoo/keras_compat.py`.
PRIVATE_METHODS = {"_flatten_layers", "_get_metrics_result_or_logs", "_maybe_symbolic_build", "_run_through_graph"}
PRIVATE_ATTRIBUTES = PRIVATE_METHODS | {
    *("__internal__", "_cardinality", "_distribute_strategy", "_inbound_nodes", "_keras_history", "_keras_logits"),
    *("_keras_mask", "_outbound_nodes", "_symbolic_build", "_tracker", "_trainable", "src"),
}
PRIVATE_TEXTS = PRIVATE_ATTRIBUTES | {"_direction", "_use_cached_eval_dataset"}
PRIVATE_MODULES = ("keras.src", "keras.saving.saving_lib", "tensorflow.python", "tensorflow.compiler", "jax._src")
# The package itself, and `data` for the sets in the rooms above it, only say where public names are found, and load them
# when they are used.
MODULES = [path for path in ROOT.rglob("*.py") if path != ROOT / "__init__.py"]


def module_name(path: Path) -> str:
    parts = ("mtlzoo", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {module_name(path): path for path in MODULES}


def room(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def imported_modules(path: Path, runtime_only: bool = True) -> frozenset[str]:
    """The modules of the package that a file names in its imports, those in functions too."""
    tree = parsed(path)
    typing = {id(inner) for node in ast.walk(tree) if is_typing(node) for inner in ast.walk(node)}
    found = set()
    for node in ast.walk(tree):
        if runtime_only and id(node) in typing:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & NAMES.keys()
            named = {alias.name for alias in node.names if f"{node.module}.{alias.name}" not in NAMES}
            found |= inner | ({node.module} if named else set())
    return frozenset(found & NAMES.keys())


def is_typing(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def test_rooms_import_downwards_only():
    for path in MODULES:
        below = {name.split(".")[1] for name in imported_modules(path)} - {room(path)}
        for other in below:
            assert FLOORS[other] < FLOORS[room(path)], f"{path.relative_to(ROOT)} imports {other}"


def test_no_files_import_each_other_in_a_circle():
    graph = {name: imported_modules(path) - {name} for name, path in NAMES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(" imports ".join(reversed(error.args[1]))) from None


def test_every_room_has_a_floor_and_few_modules_are_loose():
    assert {room(path) for path in MODULES} <= set(FLOORS)
    assert len([path for path in ROOT.glob("*.py") if path.stem != "__init__"]) <= 4


def test_modules_are_small():
    lengths = {path.relative_to(ROOT): len(path.read_text().splitlines()) for path in MODULES}
    assert max(lengths.values()) <= 400, max(lengths, key=lengths.get)
    assert sorted(lengths.values())[len(lengths) // 2] <= 100


MOST_PARAMETERS = {"public": 10, "private": 6}


def functions(tree: ast.AST, inside: str = "", method: bool = False) -> Iterator[tuple[str, int]]:
    """All functions below a node by their qualified names, with the number of their parameters; `self` does not count."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = node.args
            names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
            names += [argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument is not None]
            yield inside + node.name, len(names) - (method and names[:1] in (["self"], ["cls"]))
            yield from functions(node, f"{inside}{node.name}.")
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{inside}{node.name}.", method=True)
        else:
            yield from functions(node, inside, method)


def test_functions_have_few_parameters():
    more = set()
    for path in [*MODULES, ROOT / "__init__.py"]:
        for name, number in functions(parsed(path)):
            last = name.rsplit(".", 1)[-1]
            private = last.startswith("_") and not last.endswith("__")
            if number > MOST_PARAMETERS["private" if private else "public"]:
                more.add(f"{path.relative_to(ROOT).as_posix()}: {name}")
    assert not more, "too many parameters: fold those that belong together"


def private_keras(path: Path) -> list[str]:
    """Names in a file that look like private ones of Keras or TensorFlow."""
    found = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Attribute):
            found += {node.attr} & PRIVATE_ATTRIBUTES
        elif isinstance(node, ast.FunctionDef):
            found += {node.name} & PRIVATE_METHODS  # in place of Keras' own
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found += {node.value} & PRIVATE_TEXTS  # for `getattr`, and names of keyword arguments
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.startswith(PRIVATE_MODULES)]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(PRIVATE_MODULES):
            found.append(node.module)
        # Private to somebody else: an attribute with one underscore, of anything but an object of the module's own class.
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if owner in ("keras", "tf", "jax", "model", "layer", "tensor", "operation", "metric"):
                found.append(f"{owner}.{node.attr}")
    return found


def test_private_names_of_keras_are_in_one_module():
    assert private_keras(ROOT / "keras_compat.py")
    for path in MODULES:
        if path.name != "keras_compat.py":
            assert not private_keras(path), path.relative_to(ROOT)


def test_public_names_exist():
    for name in mtlzoo.__all__:
        assert getattr(mtlzoo, name) is not None


def test_no_two_files_of_tests_have_one_name():
    """pytest collects unit and integration tests in one run for `scripts/test --fast`, by the names of their modules."""
    names = [path.name for path in (ROOT.parent / "tests").rglob("test_*.py")]
    assert len(names) > 100
    assert sorted({name for name in names if names.count(name) > 1}) == []
