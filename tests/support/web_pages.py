"""What the tests of exported web pages share: models, a static server, and pages in headless Chromium."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import mtlzoo as mtl
from mtlzoo.saving.web import runtime

PATIENCE = 60_000  # milliseconds, for machines that are busy
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def every_head() -> dict[str, mtl.heads.Head]:
    """One head of each kind, in an order that is not the sorted one."""
    return {
        "tags": mtl.MultiLabelHead(["hood", "belt", "zip"], threshold=0.4),
        "length": mtl.ClassificationHead(["short", "knee", "midi", "ankle", "floor", "micro", "maxi", "long"]),
        "kids": mtl.BinaryHead(["no", "yes"]),
        "fit": mtl.OrdinalHead(["slim", "regular", "wide"]),
        "price": mtl.RegressionHead(mean=30.0, scale=12.0),
        "sizes": mtl.RegressionHead(2, mean=1.0, scale=0.5),
        "age": mtl.ExpectationHead((0, 20)),
        "box": mtl.BoxHead(),
        "five": mtl.DualTaskHead(),
        "objects": mtl.DetectionHead(["triangle", "rectangle"]),
        "corners": mtl.LandmarkHead(["collar_left", "collar_right", "hem"]),
    }


def build_model(resize: str = "stretch", channels: int = 3, image_size: tuple[int, int] = (48, 64), heads=None):
    """A network of two convolutions with random weights, whose answers depend on the image."""
    keras.utils.set_random_seed(1)
    images = keras.Input((None, None, channels))
    x = layers.Rescaling(1 / 32, -4.0)(images)
    for filters in (8, 16):
        x = layers.Conv2D(filters, 3, strides=2, activation="relu")(x)
    heads = every_head() if heads is None else heads
    return mtl.build(keras.Model(images, x), heads, (*image_size, channels), resize=resize)


def expected(model, path: Path) -> dict[str, np.ndarray]:
    """What Keras says of an image file, each output in one row."""
    height, width, channels = model.input_shape[1:]
    image = mtl.data.load_image(path, (height, width), resize=model.resize, channels=channels)
    return {name: values.ravel() for name, values in model.predict(image[None], verbose=0).items()}


def largest_difference(answers: dict[str, np.ndarray], others: dict[str, np.ndarray]) -> float:
    assert set(answers) == set(others)
    assert all(len(answers[name]) == len(others[name]) for name in answers)
    return max(float(np.abs(answers[name] - others[name]).max()) for name in answers)


def picture(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Noise on colours that change slowly: every pixel counts, and so does every part."""
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / width * (2 + k) + k) + np.cos(y / height * (3 + k)) for k in range(channels)]
    noise = np.random.default_rng(0).normal(0, 0.5, (height, width, channels))
    return np.clip(128 + 50 * (np.stack(waves, axis=-1) + noise), 0, 255).astype("uint8")


# === Serving and opening ===


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve a folder as `python -m http.server` does, and give its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://localhost:{server.server_address[1]}/"
        finally:
            server.shutdown()


@contextmanager
def chromium() -> Iterator:
    """A headless Chromium with a made-up camera; skips where there is none."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium on the PATH")
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    arguments = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


def export_or_skip(model, path: Path, **options) -> Path:
    """Export; skip where the runtime is neither in the cache nor to be had by npm."""
    try:
        return mtl.export(model, path, format="web", **options)
    except runtime.RuntimeUnavailableError as error:
        pytest.skip(f"needs LiteRT.js: {error}")


class OpenPage:
    """An exported page in the browser. Requests to other hosts, errors and refusals by the page's policy are kept."""

    def __init__(self, browser, address: str, ready: bool = True, routes=None, script: str | None = None, **context):
        self.context = browser.new_context(**context)
        self.page = self.context.new_page()
        self.requests, self.errors = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note)
        self.page.on(
            "filechooser", lambda chooser: None
        )  # from the start: a chooser must not open before it is awaited
        for pattern, handler in (routes or {}).items():
            self.context.route(pattern, handler)
        if script:
            self.page.add_init_script(script)
        self.page.set_default_timeout(PATIENCE)
        self.page.goto(address)
        if ready:
            self.page.wait_for_selector("html[data-ready]")

    def _note(self, message):
        if "Content Security Policy" in message.text:
            self.errors.append(message.text)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def hosts(self) -> set[str]:
        return {url.split("/")[2].split(":")[0] for url in self.requests if url.startswith("http")}

    def text(self, selector: str) -> str:
        return self.page.text_content(selector)

    @property
    def answered(self) -> int:
        return int(self.page.get_attribute("html", "data-answered") or 0)

    def answers_after(self, action) -> dict[str, np.ndarray]:
        """Do something that brings an image, and read all numbers that come of it."""
        before = self.answered
        action()
        self.page.wait_for_function("before => Number(document.documentElement.dataset.answered) > before", arg=before)
        return {name: np.asarray(values) for name, values in json.loads(self.text("#numbers")).items()}

    def answers_to(self, path: Path) -> dict[str, np.ndarray]:
        return self.answers_after(lambda: self.page.set_input_files("#file", path))

    def problem(self) -> str:
        self.page.wait_for_selector("#problem:not([hidden])")
        return self.text("#problem")
