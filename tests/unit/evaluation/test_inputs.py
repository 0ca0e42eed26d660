"""`predict` and `evaluate` take what people have, and the same image gives the same numbers in whatever form it comes."""

from __future__ import annotations

import io
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import keras
import numpy as np
import pandas as pd
import pytest
from answered import outputs
from PIL import Image

import mtlzoo as mtl
from mtlzoo.data import LabelTable, decode_image
from mtlzoo.errors import ImageError, InputError, TableError
from mtlzoo.evaluation import evaluate_groups, predict


@pytest.fixture(scope="module")
def expected(model, drawn) -> np.ndarray:
    return outputs(model, drawn.paths()[:4])["color"]


@pytest.fixture
def paths(drawn) -> list[str]:
    return drawn.paths()[:4]


@pytest.fixture
def arrays(paths) -> list[np.ndarray]:
    return [decode_image(path) for path in paths]


def check(model, images, expected, **options) -> pd.DataFrame:
    """The same numbers, but for the last bit: a row's place in a batch may change it."""
    np.testing.assert_allclose(outputs(model, images() if callable(images) else images)["color"], expected, atol=3e-7)
    frame = predict(model, images() if callable(images) else images, **options)
    assert len(frame) == len(expected)
    return frame


def clear(caught) -> bool:
    return "\n" not in str(caught.value) and len(str(caught.value)) < 500


# === Files ===


def test_paths_in_every_container(model, drawn, paths, expected):
    assert check(model, tuple(map(Path, paths)), expected)["image"].tolist() == paths
    for images in (
        np.array(paths),
        np.array(paths, object),
        np.array(list(map(Path, paths)), object),
        pd.Series(paths),
    ):
        assert check(model, images, expected)["image"].tolist() == paths
    for frame in (pd.DataFrame({"image": paths, "x": 1}, index=[7, 7, 8, 9]), pd.DataFrame({"file": paths})):
        assert check(model, frame, expected)["image"].tolist() == paths
    assert check(model, lambda: iter(paths), expected)["image"].tolist() == paths
    assert check(model, lambda: (Path(path) for path in paths), expected)["image"].tolist() == paths
    assert check(model, dict.fromkeys(paths).keys(), expected)["image"].tolist() == paths
    assert check(model, drawn.take(range(4)), expected)["image"].tolist() == ["0.png", "1.png", "2.png", "3.png"]


def test_relative_paths_start_where_the_process_is(model, drawn, paths, expected, monkeypatch):
    monkeypatch.chdir(drawn.root)
    check(model, [f"{row}.png" for row in range(4)], expected)
    check(model, pd.DataFrame({"image": [f"{row}.png" for row in range(4)]}), expected)


def test_folders_and_patterns(model, drawn, paths, expected, tmp_path):
    for name, path in zip(["b/1.PNG", "a/x.png", "c.png", "b/0.jpeg"], paths):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(Path(path).read_bytes())
    for name in (".hidden.png", "notes.txt", ".cache/old.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"no image")
    order = [1, 3, 0, 2]
    names = [str(tmp_path / name) for name in ("a/x.png", "b/0.jpeg", "b/1.PNG", "c.png")]
    for folder in (tmp_path, str(tmp_path), [tmp_path]):
        assert check(model, folder, expected[order])["image"].tolist() == names
    two = expected[[2, 1]]
    assert check(model, [f"{tmp_path}/*.png", tmp_path / "a"], two)["image"].tolist() == [names[3], names[0]]
    assert check(model, f"{tmp_path}/**/*.png", two[::-1])["image"].tolist() == [names[0], names[3]]
    assert len(predict(model, (tmp_path / "b").glob("*"))) == 2
    (tmp_path / "odd[1].png").write_bytes(Path(paths[0]).read_bytes())
    check(model, tmp_path / "odd[1].png", expected[:1])


def test_the_content_of_files(model, paths, expected):
    contents = [Path(path).read_bytes() for path in paths]
    assert check(model, contents, expected)["image"].tolist() == ["image 0", "image 1", "image 2", "image 3"]
    for one in (contents[0], bytearray(contents[0]), memoryview(contents[0])):
        assert check(model, one, expected[:1])["image"].tolist() == ["image 0"]
    check(model, lambda: io.BytesIO(contents[0]), expected[:1])
    check(model, lambda: [io.BytesIO(content) for content in contents], expected)
    with open(paths[2], "rb") as file:
        np.testing.assert_allclose(outputs(model, file)["color"], expected[2:3], atol=3e-7)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("mode", ["stretch", "crop", "pad"])
def test_large_images_of_all_forms_are_resized_alike(drawn, tmp_path, rng, suffix, mode):
    images = keras.Input((12, 10, 3))
    model = mtl.build(keras.Model(images, keras.layers.Conv2D(4, 3)(images)), {"a": 3}, resize=mode)
    noise = cv2.resize(rng.integers(0, 256, (9, 12, 3)).astype("uint8"), (131, 97), interpolation=cv2.INTER_CUBIC)
    path = tmp_path / f"large{suffix}"
    cv2.imwrite(str(path), noise)
    expected = outputs(model, path)["a"]
    np.testing.assert_allclose(outputs(model, path.read_bytes())["a"], expected, atol=3e-7)
    if suffix == ".png":  # JPEG files are decoded at a smaller scale
        array = decode_image(path)
        for form in (array, [array], Image.open(path), array.astype("float32"), array.astype("int64"), array[None]):
            np.testing.assert_allclose(outputs(model, form)["a"], expected, atol=3e-7)


# === Memory ===


def test_arrays_of_every_kind(model, arrays, expected):
    for images in (arrays, tuple(arrays), lambda: iter(arrays), np.stack(arrays)):
        check(model, images, expected)
    for kind in ("float32", "float64", "int64", "uint16"):
        check(model, [array.astype(kind) for array in arrays], expected)
        check(model, np.stack(arrays).astype(kind), expected)
    check(model, [np.dstack([array, np.full(array.shape[:2], 255, np.uint8)]) for array in arrays], expected)
    check(model, arrays[1], expected[1:2])
    check(model, pd.Series(arrays), expected)
    assert "image" not in predict(model, np.stack(arrays))
    assert predict(model, arrays)["image"].tolist() == ["image 0", "image 1", "image 2", "image 3"]


def test_arrays_of_the_models_size_go_in_as_they_are(model, rng):
    images = rng.integers(0, 256, (5, 12, 10, 3)).astype("uint8")
    expected = model.predict(images, verbose=0)["color"]
    check(model, images, expected)
    assert list(check(model, list(images), expected)["image"])[-1] == "image 4"
    assert list(check(model, lambda: iter(images), expected)["image"])[-1] == "image 4"


def test_images_of_different_sizes_and_forms_in_one_list(model, paths, arrays, expected):
    mixed = [paths[0], arrays[1], Image.fromarray(arrays[2]), Path(paths[3]).read_bytes()]
    assert check(model, mixed, expected)["image"].tolist() == [paths[0], "image 1", "image 2", "image 3"]
    frame = predict(model, [arrays[0], arrays[0][:7], arrays[0][:, :3]])
    assert len(frame) == 3


def test_grey_images(model, arrays):
    grey = cv2.cvtColor(arrays[0], cv2.COLOR_RGB2GRAY)
    expected = outputs(model, np.dstack([grey] * 3))["color"]
    for form in (
        grey,
        grey[..., None],
        grey[None, ..., None],
        [grey],
        Image.fromarray(grey),
        grey.astype("uint16") * 257,
    ):
        np.testing.assert_allclose(outputs(model, form)["color"], expected, atol=3e-7)
    np.testing.assert_allclose(
        outputs(model, np.stack([grey] * 5))["color"], outputs(model, [grey] * 5)["color"], atol=3e-7
    )
    truth = outputs(model, (grey > 100).astype("uint8") * 255)["color"]
    np.testing.assert_allclose(outputs(model, grey > 100)["color"], truth, atol=3e-7)


def test_a_model_for_grey_images(drawn, arrays, paths):
    images = keras.Input((12, 10, 1))
    model = mtl.build(keras.Model(images, keras.layers.Conv2D(4, 3)(images)), {"a": 3})
    expected = outputs(model, paths)["a"]
    for form in (arrays, np.stack(arrays), map(Image.fromarray, arrays)):
        np.testing.assert_allclose(outputs(model, form)["a"], expected, atol=3e-7)
    grey = [cv2.cvtColor(array, cv2.COLOR_RGB2GRAY) for array in arrays]
    assert outputs(model, grey)["a"].shape == expected.shape


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_images_of_pillow_are_seen_as_their_files(model, arrays, tmp_path, mode):
    base = Image.fromarray(arrays[0])
    if mode in ("LA", "RGBA"):
        base.putalpha(Image.fromarray(arrays[1][..., 0]))
    if mode in ("I;16", "I"):
        image = Image.fromarray(arrays[0][..., 0].astype("uint16") * 257)
        image = image if mode == "I;16" else image.convert("I")
    else:
        image = base.convert(mode)
    found = outputs(model, image)["color"]
    if mode in ("CMYK", "YCbCr"):  # which no lossless file holds, as the next two
        image = image.convert("RGB")
    if mode == "I":
        image = image.convert("I;16")
    if mode == "F":
        image = Image.fromarray(np.rint(np.asarray(image)).astype("uint8"))
    image.save(tmp_path / "image.png")
    np.testing.assert_allclose(found, outputs(model, tmp_path / "image.png")["color"], atol=3e-7)


def test_pillow_turns_as_exif_says(model, arrays, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(arrays[0]).save(tmp_path / "turned.png", exif=exif)
    expected = outputs(model, tmp_path / "turned.png")["color"]
    with Image.open(tmp_path / "turned.png") as image:
        np.testing.assert_allclose(outputs(model, image)["color"], expected, atol=3e-7)
    assert np.any(outputs(model, arrays[0])["color"] != expected)


def test_tensors_and_datasets(model, arrays, paths, expected):
    import tensorflow as tf

    batch = np.stack(arrays)
    check(model, tf.constant(batch), expected)
    check(model, tf.constant(paths), expected)
    images = tf.data.Dataset.from_tensor_slices(batch)
    for dataset in (images, images.batch(3), images.map(lambda image: (image, {"color": 1})).batch(2)):
        check(model, dataset, expected)
    assert check(model, tf.data.Dataset.from_tensor_slices(paths), expected)["image"].tolist() == paths

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return batch[2 * index : 2 * index + 2], {"color": np.zeros(2)}

    check(model, Batches(), expected)


def test_generators_are_looked_at_as_they_come(model, arrays):
    made, seen = [], []

    def generator():
        for row in range(400):
            made.append(row)
            yield arrays[row % 4]

    look = model.predict_on_batch
    model.predict_on_batch = lambda batch: seen.append(len(made)) or look(batch)
    try:
        frame = predict(model, generator(), batch_size=10)
    finally:
        del model.predict_on_batch
    assert len(frame) == 400
    assert seen[0] < 400  # a few batches ahead, not all


def test_places_are_those_of_each_image(tmp_path):
    images = keras.Input((8, 8, 3))
    model = mtl.build(keras.Model(images, keras.layers.Conv2D(2, 3)(images)), {"box": mtl.BoxHead(format="xyxy")})
    sizes = [(20, 40), (80, 30), (8, 8)]
    arrays = [np.full((*size, 3), 90, np.uint8) for size in sizes]
    for row, array in enumerate(arrays):
        cv2.imwrite(str(tmp_path / f"{row}.png"), array)
    expected = predict(model, tmp_path)["box"].tolist()
    assert predict(model, arrays)["box"].tolist() == expected
    assert predict(model, iter(arrays), batch_size=2)["box"].tolist() == expected


# === Evaluation ===


def test_evaluate_takes_tables_frames_files_and_folders(model, drawn, tmp_path):
    expected = mtl.evaluate(model, drawn)
    frame = drawn.frame.assign(image=drawn.paths())
    pd.testing.assert_frame_equal(mtl.evaluate(model, frame), expected)
    frame.to_csv(tmp_path / "labels.csv", index=False)
    for data in (tmp_path, tmp_path / "labels.csv", str(tmp_path / "labels.csv")):
        pd.testing.assert_frame_equal(mtl.evaluate(model, data), expected)
    pd.testing.assert_frame_equal(
        evaluate_groups(model, frame, by="bright"), evaluate_groups(model, drawn, by="bright")
    )
    for row, label in drawn.frame["color"].dropna().items():
        target = tmp_path / "sorted" / "color" / label / f"{row}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((drawn.root / f"{row}.png").read_bytes())
    sorted_by_label = mtl.evaluate(model, tmp_path / "sorted").loc["color"]
    assert sorted_by_label["accuracy"] == expected.loc["color", "accuracy"]


def test_what_evaluate_refuses(model, arrays):
    for data in (np.stack(arrays), arrays, {"image": arrays}, None, 3):
        with pytest.raises(
            InputError, match=r"^Expected images with labels: .*, received: .*model\.evaluate"
        ) as caught:
            mtl.evaluate(model, data)
        assert clear(caught)
    with pytest.raises(TableError, match="no column 'image'"):
        mtl.evaluate(model, pd.DataFrame({"file": ["a.png"], "color": ["red"]}))
    with pytest.raises(TableError, match="no column for any of the heads"):
        mtl.evaluate(model, pd.DataFrame({"image": ["a.png"]}))


# === Refusals ===


@pytest.mark.parametrize(
    "images",
    [None, 3, 2.5, {"a": 1}, object(), [None], [3], [[1, 2], [3, 4]], [[np.ones((9, 9, 3))] * 2], [float("nan")], {1}],
)
def test_what_is_no_image(model, images):
    with pytest.raises(InputError, match=r"xpected a path, a folder, .*, received: ") as caught:
        predict(model, images)
    assert clear(caught)


def test_values_that_are_none_of_images(model, arrays):
    image = arrays[0]
    for wrong in (image * 3.0, image - 300.0, image * 1j, np.full(image.shape, np.nan), image.astype("int16") * 9):
        with pytest.raises(InputError, match="image 0: expected numbers from 0 to 255, received") as caught:
            predict(model, [wrong])
        assert clear(caught)
    with pytest.raises(InputError, match=r"received: \(0, 5, 3\)"):
        predict(model, [image, np.zeros((0, 5, 3), np.uint8)])


def test_nothing_at_all(model, tmp_path):
    for images in ([], (), iter([]), np.array([]), pd.Series([], dtype=object), pd.DataFrame({"image": []}), set()):
        with pytest.raises((TableError, InputError)) as caught:
            predict(model, images)
        assert clear(caught)
    with pytest.raises(InputError, match=r"images in the folder .* received one without any"):
        predict(model, tmp_path)
    with pytest.raises(InputError, match=r"files that fit the pattern '.*\*\.png', received none"):
        predict(model, f"{tmp_path}/*.png")
    with pytest.raises(InputError, match="column 'image', received one with: a, b"):
        predict(model, pd.DataFrame({"a": [1], "b": [2]}))


def test_images_that_cannot_be_read_say_which(model, arrays, paths, tmp_path):
    for images in ([arrays[0], b"nothing"], iter([arrays[0], b"nothing"])):
        with pytest.raises(ImageError, match=r"^image 1: not an image") as caught:
            predict(model, images)
        assert clear(caught)
    with pytest.raises(ImageError, match=r"^image 0: "):
        predict(model, b"")
    with pytest.raises(ImageError, match=r"gone\.png: file not found"):
        predict(model, iter([paths[0], tmp_path / "gone.png"]))
    with pytest.raises(InputError, match="opened in binary mode"):
        predict(model, io.StringIO("text"))
    content = Path(paths[0]).read_bytes()
    (tmp_path / "cut.png").write_bytes(content[: len(content) // 2])
    with (
        pytest.raises(ImageError, match=r"^image 0: cannot be read by Pillow") as caught,
        Image.open(tmp_path / "cut.png") as image,
    ):
        predict(model, image)
    assert clear(caught)


def test_scaled_images_are_warned_of(model, arrays):
    scaled = [array / 255.0 for array in arrays]
    for images in (scaled, np.stack(scaled), scaled[0], iter(scaled)):
        with pytest.warns(UserWarning, match=r"from 0 to 255, and these reach from .* to") as caught:
            predict(model, images)
        assert len(caught) == 1
        assert caught[0].filename == __file__
    outputs(model, [array * 0.0 for array in arrays])  # black is no scale


# === The net ===


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def site(drawn):
    handler = partial(Quiet, directory=str(drawn.root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_addresses_are_fetched_only_if_told(model, site, paths, expected, monkeypatch):
    for images in (f"{site}/0.png", [f"{site}/0.png"], [paths[0], f"{site}/0.png"]):
        with pytest.raises(
            InputError, match=r"/0\.png is an address, and nothing is fetched unless told: say fetch=True"
        ):
            predict(model, images)
    found = predict(model, [f"{site}/0.png", paths[1]], fetch=True, probabilities=True)
    assert found["image"].tolist() == [f"{site}/0.png", paths[1]]
    np.testing.assert_allclose(found[["color:blue", "color:green", "color:red"]].to_numpy(), expected[:2], atol=3e-7)
    with pytest.raises(ImageError, match=r"gone\.png: cannot be fetched \(HTTP 404\)"):
        predict(model, f"{site}/gone.png", fetch=True)
    with pytest.raises(ImageError, match="cannot be fetched") as caught:
        predict(model, "http://127.0.0.1:9/0.png", fetch=True)
    assert clear(caught)
    monkeypatch.setattr("mtlzoo.evaluation.fetching.LARGEST", 10)
    with pytest.raises(ImageError, match="larger than"):
        predict(model, f"{site}/0.png", fetch=True)


def test_a_table_is_told_from_all_else(model, drawn):
    assert predict(model, LabelTable.of_images(drawn.paths()[:2]))["image"].tolist() == drawn.paths()[:2]


def test_arrays_of_the_models_size_are_read_as_those_of_other_sizes(model, rng):
    height, width = model.input_shape[1:3]
    pixels = rng.integers(0, 256, (2, height, width, 3)).astype("uint8")
    expected = predict(model, pixels, probabilities=True)
    deep = predict(model, pixels.astype("uint16") * 256, probabilities=True)
    assert deep.equals(expected)
    pd.testing.assert_frame_equal(
        predict(model, pixels > 99, probabilities=True),
        predict(model, ((pixels > 99) * 255).astype("uint8"), probabilities=True),
    )
    mixed = predict(model, [pixels[0], pixels[1].astype("uint16") * 256], probabilities=True)
    pd.testing.assert_frame_equal(mixed.drop(columns="image"), expected)
    broken = pixels.astype("float32")
    broken[1, 0, 0, 0] = np.nan
    with pytest.raises(InputError, match="image 1: expected numbers from 0 to 255, received some that are not finite"):
        predict(model, broken)
    with pytest.raises(InputError, match="array of complex64"):
        predict(model, pixels.astype("complex64"))


def test_a_model_without_heads_is_refused_in_one_line(tmp_path, model):
    mtl.export(model, tmp_path / "model.h5")
    plain = keras.models.load_model(tmp_path / "model.h5")
    frame = pd.DataFrame({"image": ["0.png"]})
    for call in (
        lambda: predict(plain, "0.png"),
        lambda: mtl.evaluate(plain, frame),
        lambda: mtl.export(plain, tmp_path / "other.h5"),
        lambda: mtl.fit(plain, frame),
    ):
        with pytest.raises(TypeError, match=r"`mtl\.load_model` make them, received: a plain Keras model"):
            call()
    with pytest.raises(TypeError, match="received: None"):
        predict(None, "0.png")
