"""The exported folder: what lies in it, and where the runtime comes from. No network is needed, nor a browser."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import io
import json
import os
import re
import shutil
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from web_pages import build_model, every_head

import mtlzoo as mtl
from mtlzoo.cli.main import main
from mtlzoo.saving import web
from mtlzoo.saving.web import folder as web_folder
from mtlzoo.saving.web import runtime

ASSETS = {
    "index.html",
    "style.css",
    "icon.svg",
    "check.js",
    "page.js",
    "resize.js",
    "heads.js",
    "objects.js",
    "scene.js",
    "runtime.js",
}


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path):
    monkeypatch.setenv("MTLZOO_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def model():
    return build_model("crop")


@pytest.fixture(scope="module")
def small():
    return build_model(heads={"kids": mtl.BinaryHead()}, image_size=(16, 16))


@pytest.fixture(scope="module")
def converted(small, tmp_path_factory) -> Path:
    """The small model as the runtime reads it."""
    path = tmp_path_factory.mktemp("converted") / "model.tflite"
    web_folder.write_model(small, path)
    return path


@pytest.fixture
def _converted_once(converted, monkeypatch):
    """For what lies around the model: converting it takes seconds."""
    monkeypatch.setattr(web_folder, "write_model", lambda model, path, **how: shutil.copy(converted, path))


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    return mtl.export(model, tmp_path_factory.mktemp("site") / "page", format="web", runtime="cdn")


@pytest.fixture
def registry(monkeypatch):
    """A registry of small packages in place of npm's; `fetched` lists what was asked of it."""
    archives, fetched = {}, []
    for package in runtime.PACKAGES:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name in runtime.INTEGRITY:
                if name.startswith(f"{package}/"):
                    content = f"content of {name}".encode()
                    member = tarfile.TarInfo(f"package/{name.removeprefix(f'{package}/')}")
                    member.size = len(content)
                    archive.addfile(member, io.BytesIO(content))
        archives[package] = buffer.getvalue()

    def fetch(package, directory):
        fetched.append(package)
        path = directory / "package.tgz"
        path.write_bytes(archives[package])
        return path

    hashes = {
        package: f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"
        for package, content in archives.items()
    }
    monkeypatch.setattr(runtime, "PACKAGES", hashes)
    monkeypatch.setattr(runtime, "_fetch", fetch)
    fetch.archives, fetch.fetched = archives, fetched
    return fetch


def texts(folder) -> dict[str, str]:
    """The page's own files as texts."""
    return {
        path.name: path.read_text("utf-8")
        for path in folder.iterdir()
        if path.suffix in (".html", ".css", ".js", ".json")
    }


# === The folder ===


def test_the_folder_is_whole(folder, model):
    assert {path.name for path in folder.iterdir()} >= ASSETS | {"model.tflite", "model.json", "runtime"}
    described = json.loads((folder / "model.json").read_text("utf-8"))
    assert described["version"] == mtl.__version__
    assert described["input"] == {"name": "images", "height": 48, "width": 64, "channels": 3, "resize": "crop"}
    assert [output["name"] for output in described["outputs"]] == list(model.heads)
    for output, head in zip(described["outputs"], model.heads.values(), strict=True):
        assert output.items() >= head.display().items()
        assert output["shape"] == [1, *model.output[output["name"]].shape[1:]]
    assert "Version 2.0, January 2004" in (folder / "runtime" / "LICENSE.txt").read_text()


def test_every_script_that_is_imported_lies_in_the_folder(folder):
    for name, text in texts(folder).items():
        for line in text.splitlines():
            if name.endswith(".js") and line.startswith("import ") and '"./' in line:
                assert (folder / line.split('"./')[1].split('"')[0]).is_file(), line


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
def test_the_model_takes_one_image_and_names_its_outputs(folder, model):
    import tensorflow as tf

    runner = tf.lite.Interpreter(str(folder / "model.tflite")).get_signature_runner()
    assert runner.get_input_details()["images"]["shape_signature"].tolist() == [1, 48, 64, 3]
    image = np.random.default_rng(0).integers(0, 256, (1, 48, 64, 3)).astype("float32")
    answers, wanted = runner(images=image), model.predict(image, verbose=0)
    assert set(answers) == set(wanted)
    for name in wanted:
        np.testing.assert_allclose(answers[name], wanted[name], atol=1e-4)


def test_no_machine_is_named_but_the_cdn(folder, tmp_path):
    for name, text in texts(folder).items():
        assert str(tmp_path.parent) not in text, name
        hosts = set(re.findall(r"https?://([\w.-]+)", text))
        assert hosts <= {"cdn.jsdelivr.net", "localhost", "www.w3.org"}, name  # the last is the name of SVG


def test_heads_without_an_output_are_refused(folder, model):
    with pytest.raises(ValueError, match=r"Expected outputs \['other'\]"):
        web.description.describe(
            model, folder / "model.tflite", heads={"other": mtl.BinaryHead()}, resize="crop", base="./runtime/"
        )


# === How heads say that they are shown ===


@pytest.mark.parametrize("name", list(every_head()))
def test_display_is_plain_json_and_fits_the_output(name, model):
    head = model.heads[name]
    shown = head.display()
    assert json.loads(json.dumps(shown)) == shown
    count = {"binary": 2, "points": 3, "shape_and_box": 2, "boxes": 2}.get(shown["show"], model.output[name].shape[-1])
    for listed in ("names", "values"):
        assert len(shown.get(listed, range(count))) == count


def test_display_says_what_is_known():
    assert mtl.RegressionHead().display() == {"show": "numbers"}
    assert mtl.RegressionHead(mean=10.0, scale=2.0).display() == {"show": "numbers", "range": [4.0, 16.0]}
    assert mtl.MultiLabelHead(["a", "b"], threshold=0.3).display()["threshold"] == [0.3, 0.3]
    assert mtl.ExpectationHead((1, 3)).display() == {"show": "expectation", "values": [1.0, 2.0, 3.0]}
    assert mtl.OrdinalHead(["low", "high"]).display() == {"show": "levels", "names": ["low", "high"]}


# === The page's head ===


class _Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.import_map, self._inside = [], "", False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self._inside = dict(attributes).get("type") == "importmap"

    def handle_data(self, data):
        self.import_map += data if self._inside else ""

    def handle_endtag(self, tag):
        self._inside = False

    @property
    def policy(self):
        return next(values["content"] for _, values in self.tags if values.get("http-equiv"))


@pytest.mark.usefixtures("_converted_once")
@pytest.mark.parametrize("source", ["local", "cdn"])
def test_modules_are_loaded_by_their_hashes(source, small, registry, tmp_path):
    page = _Page((mtl.export(small, tmp_path / "page", format="web", runtime=source) / "index.html").read_text("utf-8"))
    modules = json.loads(page.import_map)
    base = {"local": "./runtime/", "cdn": "https://cdn.jsdelivr.net/npm/"}[source]
    assert set(modules["imports"]) == {"@litertjs/core", "@litertjs/wasm-utils"}
    for address in modules["imports"].values():
        assert address.startswith(base)
        assert "@2.5.3/" in address
        assert modules["integrity"][address] == runtime.INTEGRITY[address.removeprefix(base)]
    digest = base64.b64encode(hashlib.sha256(page.import_map.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in page.policy
    assert ("https:" in page.policy) == (source == "cdn")
    assert "unsafe-inline" not in page.policy
    linked = [values.get("src") or values.get("href") for _, values in page.tags]
    assert all("//" not in address for address in linked if address)


def test_the_page_is_well_formed(folder):
    page = _Page((folder / "index.html").read_text("utf-8"))
    ids = [values["id"] for _, values in page.tags if "id" in values]
    assert len(set(ids)) == len(ids)
    assert "$" not in (folder / "index.html").read_text("utf-8")
    assert ("html", {"lang": "en"}) in page.tags
    used = {
        part.split('"')[0]
        for name, text in texts(folder).items()
        if name == "page.js"
        for part in text.split('element("')[1:]
    }
    assert used
    assert used <= set(ids)


# === The runtime ===


def test_pinned_hashes_are_hashes():
    for integrity, length in [
        *((value, 64) for value in runtime.PACKAGES.values()),
        *((v, 48) for v in runtime.INTEGRITY.values()),
    ]:
        assert len(base64.b64decode(integrity.split("-", 1)[1], validate=True)) == length


@pytest.mark.usefixtures("_converted_once")
def test_the_runtime_lies_in_the_folder_and_in_the_cache(small, registry, tmp_path):
    for attempt in ("first", "second"):
        folder = mtl.export(small, tmp_path / attempt, format="web")
        for name in runtime.INTEGRITY:
            assert (folder / "runtime" / name).read_text() == f"content of {name}"
    assert registry.fetched == list(runtime.PACKAGES)  # once each
    assert len(list((tmp_path / "cache").iterdir())) == len(runtime.PACKAGES)


def test_a_damaged_cache_is_filled_anew(registry, tmp_path):
    whole = runtime.obtain()
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    assert runtime.obtain() == whole
    assert registry.fetched == 2 * list(runtime.PACKAGES)


def test_a_package_with_another_hash_is_refused(small, registry, tmp_path):
    package = next(iter(runtime.PACKAGES))
    registry.archives[package] += b"more"
    with pytest.raises(runtime.RuntimeUnavailableError, match=r"not the pinned one: expected sha512-.*--runtime cdn"):
        mtl.export(small, tmp_path / "page", format="web")
    assert not (tmp_path / "page").exists()
    assert not (tmp_path / "cache").exists()


@pytest.mark.usefixtures("_converted_once")
def test_without_npm_the_way_out_is_named(small, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    mtl.export(small, tmp_path / "model.keras")
    assert main(["export", str(tmp_path / "model.keras"), str(tmp_path / "page"), "--format", "web"]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert "npm, which is not installed" in lines[0]
    assert "--runtime cdn" in lines[0]
    arguments = ["export", str(tmp_path / "model.keras"), str(tmp_path / "page"), "--format", "web", "--runtime", "cdn"]
    assert main(arguments) == 0
    assert (tmp_path / "page" / "index.html").is_file()


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for npm is a shell script")
def test_without_a_network_npm_is_quoted(monkeypatch, tmp_path):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'npm warn Unknown config' >&2\necho 'npm error code ENOTFOUND' >&2\n"
                   "echo 'npm error network request failed' >&2\nexit 1\n")  # fmt: skip
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(runtime.RuntimeUnavailableError, match=r"\(network request failed\)\. .*--runtime cdn"):
        runtime.obtain()


def test_the_cache_is_where_the_platform_has_it(monkeypatch, tmp_path):
    assert runtime.cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("MTLZOO_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert runtime.cache_folder() == tmp_path / "xdg" / "mtlzoo"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert runtime.cache_folder() == tmp_path / ".cache" / "mtlzoo"


def test_options_that_a_format_does_not_have_are_refused(small, tmp_path):
    with pytest.raises(ValueError, match="one of local, cdn, received: 'moon'"):
        mtl.export(small, tmp_path / "page", format="web", runtime="moon")
    with pytest.raises(ValueError, match="Format 'web' has runtime and keep_float, received: size"):
        mtl.export(small, tmp_path / "page", format="web", size=3)
    with pytest.raises(ValueError, match="Format 'h5' has no options, received: runtime"):
        mtl.export(small, tmp_path / "model.h5", runtime="cdn")


@pytest.mark.usefixtures("_converted_once")
def test_a_page_replaces_an_older_one(small, tmp_path):
    page = mtl.export(small, tmp_path / "page", format="web", runtime="cdn")
    (page / "scene.js").write_text("of an older version")
    with pytest.raises(mtl.errors.OutputError, match="exists already"):
        mtl.export(small, page, format="web", runtime="cdn")
    mtl.export(small, page, format="web", runtime="cdn", overwrite=True)
    assert (page / "scene.js").read_text() != "of an older version"
    assert (page / "index.html").is_file()
    (page / "mine.txt").write_text("keep")
    with pytest.raises(mtl.errors.OutputError, match=r"holds 'mine\.txt', which is no part of a web page"):
        mtl.export(small, page, format="web", runtime="cdn", overwrite=True)
    assert (page / "mine.txt").read_text() == "keep"
