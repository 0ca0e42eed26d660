"""The wheel and the sdist: built without a network, complete, equal, and of use where the sources are not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

import mtlzoo

ROOT = Path(__file__).parents[3]
PACKAGE = {
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "mtlzoo").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}
BUILD = """
import sys
from setuptools import build_meta
print(getattr(build_meta, sys.argv[1])(sys.argv[2]))
assert "mtlzoo" not in sys.modules, "the version is read, not computed"
"""


def build(kind: str, sources: Path, out: Path) -> Path:
    """A distribution of sources, with the build backend and the setuptools that are installed."""
    command = [sys.executable, "-c", BUILD, f"build_{kind}", str(out)]
    done = subprocess.run(command, cwd=sources, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out / done.stdout.splitlines()[-1]


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """What a command prints where nothing of the sources is on Python's path."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def sdist(tmp_path_factory) -> Path:
    sources = tmp_path_factory.mktemp("sources")
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, sources)
    for name in ("mtlzoo", "tests", "scripts"):
        shutil.copytree(ROOT / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
    return build("sdist", sources, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def unpacked(sdist, tmp_path_factory) -> Path:
    """The sources that the sdist holds."""
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return folder / sdist.name.removesuffix(".tar.gz")


@pytest.fixture(scope="module")
def wheel(unpacked, tmp_path_factory) -> Path:
    """Of the sdist, as pip makes it where there is no wheel."""
    return build("wheel", unpacked, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def clean(wheel, tmp_path_factory) -> Path:
    """The folder of programs of an environment in which the wheel is installed, and nothing but what it needs."""
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=False, symlinks=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    pip = [sys.executable, "-m", "pip", "--python", programs / "python", "install"]
    installed = run(*pip, "--no-index", "--no-deps", "--no-compile", wheel, cwd=folder)
    assert installed.returncode == 0, installed.stderr
    site = run(programs / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).stdout
    # Behind its own packages; what is in such a folder is found, but its own `.pth` files, of this package, are not read.
    Path(site.strip(), "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return programs


def test_the_wheel_is_the_package_and_its_metadata(wheel):
    version = mtlzoo.__version__
    assert wheel.name == f"mtlzoo-{version}-py3-none-any.whl"
    archive = zipfile.ZipFile(wheel)
    names = set(archive.namelist())
    about = {name for name in names if name.startswith(f"mtlzoo-{version}.dist-info/")}
    assert names - about == PACKAGE
    for name in PACKAGE:
        assert archive.read(name) == (ROOT / name).read_bytes(), name
    assert {"mtlzoo/py.typed", "mtlzoo/saving/web/page/index.html"} <= names
    assert f"mtlzoo-{version}.dist-info/licenses/LICENSE" in about


def test_the_sdist_has_what_a_build_needs_and_no_tests(sdist):
    folder = f"mtlzoo-{mtlzoo.__version__}"
    assert sdist.name == f"{folder}.tar.gz"
    with tarfile.open(sdist) as archive:
        names = {member.name.removeprefix(f"{folder}/") for member in archive if member.isfile()}
    assert PACKAGE | {"LICENSE", "README.md", "pyproject.toml", "setup.cfg", "PKG-INFO"} <= names
    others = {name.split("/")[0] for name in names - PACKAGE if "/" in name}
    assert others == {"mtlzoo.egg-info"}


def test_the_installed_program_runs_anywhere(clean, tmp_path):
    listed = run(clean / "mtlzoo", "models", "mobilenet*", cwd=tmp_path)
    assert listed.stderr == ""
    assert "MobileNetV2" in listed.stdout
    code = "import mtlzoo as mtl; print(mtl.__version__, mtl.__file__, len(mtl.list_backbones()))"
    version, file, count = run(clean / "python", "-W", "error", "-c", code, cwd=tmp_path).stdout.split()
    assert version == mtlzoo.__version__
    assert Path(file).is_relative_to(clean.parent)
    assert int(count) == len(mtlzoo.list_backbones())
