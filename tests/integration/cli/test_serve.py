"""`mtlzoo serve` as it is started, asked and stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import tensorflow as tf

import mtlzoo as mtl
from mtlzoo.cli.main import main

pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")


@pytest.fixture(scope="module")
def model():
    return mtl.build(
        "tcdcn", {"kind": mtl.ClassificationHead(["cat", "dog"]), "points": mtl.LandmarkHead(["nose"], format="xy")}
    )


@pytest.fixture(scope="module")
def image():
    small = np.random.default_rng(0).integers(0, 256, (4, 4, 3), "uint8")
    return cv2.imencode(".png", cv2.resize(small, (60, 90)))[1].tobytes()


def ask(url, image):
    request = urllib.request.Request(f"{url}/predict", image, {"Content-Type": "image/png"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["predictions"][0]["heads"]


def test_it_serves_a_file_and_answers_all_it_took_when_it_is_stopped(model, image, tmp_path):
    path = mtl.export(model, tmp_path / "model.tflite", verify=False)
    # Requests wait for others for as long as it takes to stop the server.
    command = [sys.executable, "-m", "mtlzoo", "serve", str(path), "--port", "0", "--wait-ms", "3000", "--name", "pets"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        killer = threading.Timer(120, server.kill)
        killer.start()
        line = server.stdout.readline()
        assert line.startswith(f"Serving {path} as 'pets' at http://127.0.0.1:"), server.stderr.read()
        url = line.split()[-1]
        with ThreadPoolExecutor(5) as pool:
            waiting = [pool.submit(ask, url, image) for _ in range(5)]
            while b"mtlzoo_images_in_work 5\n" not in urllib.request.urlopen(f"{url}/metrics", timeout=60).read():
                time.sleep(0.01)
            server.send_signal(signal.SIGTERM)
            answers = [each.result() for each in waiting]
        out, errors = server.communicate()
        killer.cancel()
    assert (server.returncode, errors) == (0, "")
    assert out == "Stopped; all requests that were taken are answered.\n"
    expected = mtl.predict(model, image)
    for heads in answers:
        assert heads["kind"]["prediction"] == expected["kind"][0]
        assert heads["kind"]["probability"] == pytest.approx(expected["kind_probability"][0], abs=1e-4)
        np.testing.assert_allclose(heads["points"]["prediction"], expected["points"][0], atol=1e-2)


def test_what_cannot_be_served_is_refused_in_one_line(tmp_path, capsys):
    (tmp_path / "model.tflite").write_text("no model")
    for arguments, message in (
        (["nothing.tflite"], "No such model file"),
        ([str(tmp_path / "model.tflite")], "cannot be run by LiteRT"),
        (["nothing.h5"], "No such model file"),
        (["nothing.tflite", "--queue", "4", "--max-images", "5"], "Expected a `queue` that holds"),
    ):
        assert main(["serve", *arguments]) == 2
        assert message in capsys.readouterr().err


def test_a_saved_model_takes_the_bytes_of_files(model, image, tmp_path):
    loaded = tf.saved_model.load(mtl.export(model, tmp_path / "folder"))
    assert set(loaded.signatures) >= {"serving_default", "serving_bytes"}
    told = loaded.signatures["serving_bytes"](tf.constant([image, image]))
    expected = mtl.predict(model, image, probabilities=True)
    assert told["kind"].numpy()[1].decode() == expected["kind"][0]
    assert told["kind_probabilities"].numpy()[1, 1] == pytest.approx(expected["kind:dog"][0], abs=0.01)
    place = np.append(told["points"].numpy()[0].reshape(2), 1)
    np.testing.assert_allclose(told["image_from_input"].numpy()[0] @ place, expected["points"][0][0], atol=1)
