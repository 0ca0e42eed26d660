"""`mtlzoo completion`: scripts that shells take, and what they complete."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from mtlzoo.cli.main import main


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """The file of each shell's script."""
    import contextlib
    import io

    folder, found = tmp_path_factory.mktemp("completion"), {}
    for shell in ("bash", "zsh", "fish"):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            assert main(["completion", shell]) == 0
        found[shell] = folder / f"mtlzoo.{shell}"
        found[shell].write_text(printed.getvalue(), encoding="utf-8")
    return found


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_takes_its_script(scripts, shell):
    text = scripts[shell].read_text(encoding="utf-8")
    assert "make-data" in text
    assert "MobileNetV3Small" in text
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    subprocess.run([shell, "-n", str(scripts[shell])], check=True, capture_output=True)


def test_no_specification_for_zsh_has_colons_of_its_own(scripts):
    """It takes what comes after `[help]:message:` for a command, and runs it when one presses tab."""
    lines = [line.strip() for line in scripts["zsh"].read_text(encoding="utf-8").splitlines()]
    options = [line for line in lines if line.startswith('"--')]
    assert any(line.startswith('"--balancing[') for line in options)
    assert max(len(re.findall(r"(?<!\\):", line)) for line in options) == 2


def complete(script, *words: str) -> list[str]:
    """What bash makes of the last of some words, which is not whole."""
    line = " ".join(f"'{word}'" for word in words)
    code = (
        f"source '{script}'; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; "
        "function_name=$(complete -p mtlzoo | sed 's/.*-F \\([^ ]*\\).*/\\1/'); "
        f"$function_name mtlzoo '{words[-1]}' '{words[-2]}'; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    return subprocess.run(["bash", "-c", code], check=True, capture_output=True, text=True).stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["tr"], ["train"]),
        (["train", "labels.csv", "--over"], ["--overwrite"]),
        (["train", "labels.csv", "--backbone", "MobileNetV3"], ["MobileNetV3Small", "MobileNetV3Large"]),
        (["train", "labels.csv", "--balancing", "cag"], ["cagrad"]),
        (["train", "labels.csv", "--format", "f"], ["fashionai", "folders"]),
        (["export", "a.h5", "b", "--format", "li"], ["litert"]),
        (["make-data", "sh"], ["shapes"]),
    ],
)
def test_bash_completes(scripts, words, expected):
    assert complete(scripts["bash"], "mtlzoo", *words) == expected


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_bash_completes_paths(scripts, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labels.csv").touch()
    assert complete(scripts["bash"], "mtlzoo", "train", "la") == ["labels.csv"]
    assert complete(scripts["bash"], "mtlzoo", "predict", "la") == ["labels.csv"]
