"""The HTTP interface: what it says, what it refuses and how, and that nothing taken is lost."""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

pytest.importorskip("fastapi")
pytest.importorskip("python_multipart")
pytest.importorskip("httpx2")

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.testclient import TestClient

import mtlzoo as mtl
from mtlzoo.evaluation import Predictions
from mtlzoo.images.loading import load_batch
from mtlzoo.serving import ServerSettings, create_app, serve
from mtlzoo.serving.bodies import read_body


class Network:
    """Says how red, green and blue an image is, once it may."""

    heads = {
        "colour": mtl.ClassificationHead(["red", "green", "blue"]),
        "warm": mtl.BinaryHead(only_if={"colour": "red"}),
        "light": mtl.RegressionHead(mean=0.0, scale=1.0, only_if={"colour": ["green", "blue"]}),
        "middle": mtl.LandmarkHead(["middle"], format="xy"),
    }
    input_shape, resize, engine = (None, 16, 16, 3), "pad", "none"

    def __init__(self):
        self.may_run, self.sizes = threading.Event(), []
        self.may_run.set()

    def predict_on_batch(self, images):
        assert self.may_run.wait(20)
        self.sizes.append(len(images))
        if (images == 0).all():
            raise ArithmeticError("nothing but\nblack")
        means = images[:, 4:12, 4:12].mean(axis=(1, 2)) + 1.0
        return {
            "colour": means / means.sum(axis=1, keepdims=True),
            "warm": means[:, :1] / 256,
            "light": means.mean(axis=1, keepdims=True),
            "middle": np.full((len(images), 1, 2), 0.5),
        }


def png(colour, height=20, width=40) -> bytes:
    return cv2.imencode(".png", np.full((height, width, 3), colour[::-1], np.uint8))[1].tobytes()


RED, BLUE = png((250, 5, 5)), png((5, 5, 200))


@pytest.fixture
def network():
    return Network()


@pytest.fixture
def client(network):
    settings = ServerSettings(batch_size=4, wait_ms=0, queue=3, max_images=2, max_bytes=20_000)
    with TestClient(create_app(network, settings, "colours"), raise_server_exceptions=False) as client:
        yield client


def post(client, content, kind="image/png", **options):
    return client.post("/predict", content=content, headers={"content-type": kind}, **options)


def test_it_says_what_the_data_frame_says(client, network):
    files = [("files", ("red.png", RED)), ("files", ("blue.png", BLUE))]
    told = client.post("/predict?probabilities=true", files=files).json()["predictions"]
    images, geometry = load_batch([RED, BLUE], (16, 16), resize="pad")
    frame = Predictions(network.predict_on_batch(images), network.heads, geometry).to_frame(probabilities=True)
    assert [row["image"] for row in told] == ["red.png", "blue.png"]
    for row, expected in zip(told, frame.to_dict("records"), strict=True):
        heads = row["heads"]
        assert heads["colour"]["prediction"] == expected["colour"]
        assert heads["colour"]["probability"] == pytest.approx(expected["colour_probability"], rel=1e-5)
        assert heads["colour"]["probabilities"]["blue"] == pytest.approx(expected["colour:blue"], rel=1e-5)
        assert heads["warm"]["prediction"] == expected["warm"]
        assert heads["warm"]["probabilities"].keys() == {"yes", "not applicable"}
        assert heads["middle"] == {"prediction": [[19.5, 9.5]]}  # in the image, whose bars are gone
    assert told[0]["heads"]["light"] == {"prediction": None, "applicable": False}
    assert told[1]["heads"]["warm"]["prediction"] == "not applicable"
    assert told[1]["heads"]["light"]["prediction"] == pytest.approx(71, abs=1)
    assert "probabilities" not in post(client, RED).json()["predictions"][0]["heads"]["colour"]


def chunks():
    for _ in range(30):
        yield bytes(1000)


@pytest.mark.parametrize(
    ("send", "status", "message"),
    [
        (
            lambda client: post(client, RED, "application/x-www-form-urlencoded"),
            415,
            "multipart/form-data with files, or",
        ),
        (lambda client: post(client, b""), 400, "received an empty body"),
        (lambda client: client.post("/predict", files={}, data={"a": "b"}), 415, "urlencoded"),
        (lambda client: post(client, b"--x--\r\n", "multipart/form-data; boundary=x"), 400, "at least one file"),
        (lambda client: post(client, b"nonsense", "multipart/form-data"), 400, "boundary"),
        (lambda client: post(client, b"no image"), 422, "image 0: expected an image, received: not an image"),
        (lambda client: client.post("/predict", files={"f": ("a.png", RED[:-30])}), 422, "a.png: expected an image"),
        (lambda client: post(client, bytes(20_001)), 413, "at most 20,000 bytes"),
        (lambda client: post(client, chunks()), 413, "at most 20,000 bytes"),
        (lambda client: client.post("/predict", files=[("f", RED)] * 3), 422, "at most 2 images"),
        (lambda client: client.post("/predict", files=[("f", RED)] * 9), 422, "at most 2 images"),
        (
            lambda client: post(client, png((0, 0, 0))),
            500,
            "ArithmeticError: nothing but black",
        ),
        (lambda client: client.get("/predict"), 405, "Expected POST for /predict, received: GET"),
        (lambda client: client.get("/nothing"), 404, "received: /nothing"),
        (lambda client: client.post("/predict?probabilities=7", content=RED), 422, "query.probabilities"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_one_line(client, send, status, message):
    answer = send(client)
    assert answer.status_code == status, answer.text
    (error,) = answer.json().values()
    assert message in error
    assert "\n" not in error
    assert post(client, RED).status_code == 200  # and all places are free again
    assert "images_in_work 0\n" in client.get("/metrics").text


def test_too_many_pixels_are_refused(client):
    mtl.data.set_max_pixels(799)
    try:
        answer = post(client, RED)
    finally:
        mtl.data.set_max_pixels(None)
    assert answer.status_code == 413
    assert "40 x 20 pixels" in answer.json()["error"]


def wait_for(client, text):
    end = time.monotonic() + 20
    while text not in client.get("/metrics").text:
        assert time.monotonic() < end
        time.sleep(0.005)


def test_what_finds_no_room_is_refused_at_once_and_the_rest_runs_together(client, network):
    network.may_run.clear()
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(post, client, RED)
        wait_for(client, "mtlzoo_images_in_work 1\n")
        time.sleep(0.05)
        others = [pool.submit(post, client, BLUE) for _ in range(2)]
        wait_for(client, "mtlzoo_images_in_work 3\n")
        refused = post(client, RED)  # while the others wait
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) >= 1
        assert "at most 3 images at a time" in refused.json()["error"]
        assert client.get("/health").status_code == 200
        network.may_run.set()
        colours = [each.result().json()["predictions"][0]["heads"]["colour"]["prediction"] for each in (first, *others)]
    assert colours == ["red", "blue", "blue"]
    assert sum(network.sizes) == 3
    counted = client.get("/metrics").text
    for line in (
        'requests_total{path="/predict",status="429"} 1',
        "refused_total 1",
        "images_total 3",
        "images_in_work 0",
    ):
        assert f"mtlzoo_{line}\n" in counted
    assert 'request_seconds_bucket{le="+Inf"} 3\n' in counted


def test_several_images_need_several_places(client, network):
    network.may_run.clear()
    with ThreadPoolExecutor(1) as pool:
        two = pool.submit(client.post, "/predict", files=[("f", RED), ("f", BLUE)])
        wait_for(client, "mtlzoo_images_in_work 2\n")
        assert client.post("/predict", files=[("f", RED), ("f", BLUE)]).status_code == 429
        assert "mtlzoo_images_in_work 2\n" in client.get("/metrics").text
        network.may_run.set()
        assert two.result().status_code == 200


def infer(client, data, **more):
    tensor = {"name": "images", "shape": [len(data)], "datatype": "BYTES", "data": data, **more.pop("tensor", {})}
    return client.post("/v2/models/colours/infer", json={"inputs": [tensor], **more})


def test_the_open_inference_protocol(client):
    assert client.get("/v2/health/ready").json() == {"ready": True}
    described = client.get("/v2/models/colours").json()
    declared = {output["name"]: output["datatype"] for output in described["outputs"]}
    answer = infer(client, [base64.b64encode(each).decode() for each in (RED, BLUE)], id="7").json()
    outputs = {output["name"]: output for output in answer["outputs"]}
    assert answer["id"] == "7"
    assert declared == {name: output["datatype"] for name, output in outputs.items()}
    assert outputs["colour"]["data"] == ["red", "blue"]
    assert outputs["light"]["data"][0] is None
    assert json.loads(outputs["middle"]["data"][1]) == [[19.5, 9.5]]
    every = outputs["colour_probabilities"]
    assert every["shape"] == [2, 3]
    assert every["parameters"] == {"names": ["red", "green", "blue"]}
    assert every["data"][5] == max(every["data"][3:]) == outputs["colour_probability"]["data"][1]
    asked = infer(client, [base64.b64encode(RED).decode()], outputs=[{"name": "warm"}]).json()["outputs"]
    assert [output["name"] for output in asked] == ["warm"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ({"data": ["%"]}, 422, "image 0: expected a text in base64"),
        ({"data": [7]}, 422, "image 0: expected a text in base64"),
        ({"data": ["aGVsbG8="]}, 422, "image 0: expected an image"),
        ({"data": ["aGVsbG8="] * 3}, 422, "at most 2 images"),
        ({"data": ["aGVsbG8="], "tensor": {"shape": [2]}}, 422, "1 images by their shape, received: [2]"),
        ({"data": ["aGVsbG8="], "tensor": {"datatype": "FP32"}}, 422, "inputs.0.datatype"),
        ({"data": [base64.b64encode(RED).decode()], "outputs": [{"name": "size"}]}, 422, "received: 'size'"),
    ],
)
def test_the_protocol_refuses_in_one_line_too(client, arguments, status, message):
    answer = infer(client, **arguments)
    assert answer.status_code == status
    assert message in answer.json()["error"]


def test_another_model_is_not_there(client):
    assert client.get("/v2/models/shapes").json()["error"] == "Expected the model 'colours', received: 'shapes'."


@pytest.mark.parametrize("wrong", [{"queue": 0}, {"batch_size": -1}, {"wait_ms": -1}, {"max_images": 65}])
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="Expected"):
        ServerSettings(**wrong)


def test_a_client_that_goes_away_is_no_failure_of_the_server():
    messages = iter([{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.disconnect"}])

    async def receive():
        return next(messages)

    request = Request({"type": "http", "headers": []}, receive)
    with pytest.raises(HTTPException, match="received a part of it"):
        asyncio.run(read_body(request, ServerSettings()))


def test_a_server_that_is_stopped_before_it_listens_stops():
    pytest.importorskip("uvicorn")
    network = Network()
    network.predict_on_batch = lambda images: {}
    serve(network, port=0, started=lambda url: signal.raise_signal(signal.SIGTERM))
