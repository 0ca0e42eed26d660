"""The exported page in headless Chromium: its numbers are those of Keras, and people can use it."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack

import cv2
import numpy as np
import pytest
import web_pages
from PIL import Image
from web_pages import OpenPage, build_model, expected, export_or_skip, largest_difference, picture

import mtlzoo as mtl
from mtlzoo.saving.web import runtime

TOLERANCE = 1e-4
NAMES = ("stretch", "crop", "pad", "gray")
# Enlarged; a little smaller; more than twice, four times and eight times as large; very long; odd everywhere.
SIZES = [(30, 41), (61, 97), (131, 149), (211, 301), (450, 600), (97, 1021), (1000, 131)]


@pytest.fixture(scope="module")
def browser():
    with web_pages.chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def models():
    return {name: build_model("crop", 1) if name == "gray" else build_model(name) for name in NAMES}


@pytest.fixture(scope="module")
def site(models, browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    for name, model in models.items():
        export_or_skip(model, folder / name)
    with web_pages.serving(folder) as address:
        yield address


@pytest.fixture(scope="module")
def pages(browser, site):
    """One page of each model, since opening one takes longest. Nothing may leave this machine, or fail silently."""
    with ExitStack() as stack:
        pages = {name: stack.enter_context(OpenPage(browser, f"{site}{name}/")) for name in NAMES}
        yield pages
        for page in pages.values():
            assert page.hosts() == {"localhost"}
            assert page.errors == []


@pytest.fixture
def opened(pages):
    """The page of the stretching model."""
    return pages["stretch"]


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("images") / "photo.png"
    Image.fromarray(picture(90, 120)).save(path)
    return path


# === Numbers ===


@pytest.mark.parametrize("name", NAMES)
def test_every_number_is_that_of_keras(pages, models, tmp_path, name):
    seen = []
    for size in SIZES:
        path = tmp_path / f"{size[0]}x{size[1]}.png"
        Image.fromarray(picture(*size)).save(path)
        answers = pages[name].answers_to(path)
        assert largest_difference(answers, expected(models[name], path)) < TOLERANCE, size
        seen.append(answers["price"][0])
    assert np.ptp(seen) > 100 * TOLERANCE  # the images do make a difference


@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
def test_every_pixel_is_that_of_the_training_pipeline(opened, tmp_path, resize):
    for size in SIZES:
        path = tmp_path / "image.png"
        Image.fromarray(picture(*size)).save(path)
        wanted = mtl.data.load_image(path, (48, 64), resize=resize).astype(int)
        arguments = {"pixels": Image.open(path).convert("RGBA").tobytes().hex(), "size": size, "resize": resize}
        pixels = opened.page.evaluate(
            """async ({pixels, size: [height, width], resize: mode}) => {
              const {resize} = await import("./resize.js");
              const data = Uint8ClampedArray.from(pixels.match(/../g), (pair) => parseInt(pair, 16));
              return [...resize({data, width, height}, {height: 48, width: 64, channels: 3, resize: mode}).pixels];
            }""",
            arguments,
        )
        # OpenCV's own last digit depends on the processor; with fused multiplication nothing differs.
        difference = np.abs(np.reshape(pixels, wanted.shape) - wanted)
        assert difference.max() <= 1, size
        assert difference.mean() < 1e-3, size


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA"])
def test_other_kinds_of_png_give_the_same_numbers(opened, models, tmp_path, mode):
    path = tmp_path / "image.png"
    image = Image.fromarray(picture(90, 120)).convert("L" if mode == "LA" else mode)
    if mode == "LA":
        image.putalpha(255)
    image.save(path)
    assert largest_difference(opened.answers_to(path), expected(models["stretch"], path)) < TOLERANCE


def test_transparency_is_put_on_white(opened, models, tmp_path):
    """The browser multiplies colours with their opacity in bytes: a value may differ by one."""
    path = tmp_path / "image.png"
    Image.fromarray(picture(90, 120, 4)).save(path)
    difference = largest_difference(opened.answers_to(path), expected(models["stretch"], path))
    assert difference < 0.05
    opaque = tmp_path / "opaque.png"
    Image.open(path).convert("RGB").save(opaque)
    assert largest_difference(opened.answers_to(opaque), expected(models["stretch"], path)) > 10 * difference


def test_a_jpeg_is_turned_as_its_exif_says(opened, models, tmp_path):
    """Decoders of JPEG differ by a little, so do the numbers."""
    path, unturned = tmp_path / "turned.jpg", tmp_path / "unturned.jpg"
    image = Image.fromarray(cv2.GaussianBlur(picture(120, 90), (0, 0), 3))
    exif = Image.Exif()
    exif[274] = 6
    image.save(path, quality=95, exif=exif)
    image.save(unturned, quality=95)
    answers = opened.answers_to(path)
    assert re.search("turned.jpg, 120 . 90 pixels", opened.text("#caption"))
    difference = largest_difference(answers, expected(models["stretch"], path))
    assert difference < 0.05
    assert largest_difference(answers, expected(models["stretch"], unturned)) > 10 * difference


# === Answers ===


def test_answers_are_those_of_the_heads(opened, models, photo):
    numbers = opened.answers_to(photo)
    said = {card.query_selector("h2").text_content(): card for card in opened.page.query_selector_all(".card")}
    assert list(said) == list(models["stretch"].heads)
    for name in ("tags", "length", "kids", "fit"):
        head = models["stretch"].heads[name]
        answer = head.decode(numbers[name][None])["answer"][0]
        assert said[name].query_selector(".answer").text_content().startswith(answer.replace(";", ", "))
    for name in ("price", "age"):
        answer = models["stretch"].heads[name].decode(numbers[name][None])["answer"][0]
        assert float(said[name].query_selector(".answer").text_content()) == pytest.approx(answer, rel=1e-3)
    fractions = [float(bar.text_content()[:-1]) for bar in said["length"].query_selector_all(".share")]
    assert fractions == sorted(fractions, reverse=True)
    assert sum(fractions) == pytest.approx(100, abs=0.5)
    announced = opened.text("#announcement")
    assert all(f"{name}: " in announced for name in said)
    assert "ms for the network" in opened.text("#status")


@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
def test_points_and_boxes_come_back_to_the_image(pages, photo, resize):
    from mtlzoo.images.geometry import ImageGeometry
    from mtlzoo.images.warping import resize_matrix

    numbers = pages[resize].answers_to(photo)
    cards = {card.query_selector("h2").text_content(): card for card in pages[resize].page.query_selector_all(".card")}
    told = {}
    for name, count in (("corners", 3), ("box", 2)):
        cells = [cell.text_content() for cell in cards[name].query_selector_all("td")[:count]]
        told[name] = [[float(part) for part in cell.split(", ")] for cell in cells]
    geometry = ImageGeometry(resize_matrix((90, 120), (48, 64), resize)[None], np.array([[90, 120]]), (48, 64))
    for name, places in told.items():
        wanted = (
            geometry.to_image_points(numbers[name].reshape(1, -1, 2))[0] + 0.5
        )  # from the corner, not from a pixel's centre
        np.testing.assert_allclose(places, wanted, atol=0.051)


def test_objects_are_those_of_the_head(opened):
    """Cells that overlap by more and by less, of two classes, some of them unsure."""
    head = mtl.DetectionHead(["triangle", "rectangle"], score_threshold=0.4, nms_iou_threshold=0.5)
    rng = np.random.default_rng(0)
    corners = rng.choice([0.1, 0.3, 0.5], (20, 12, 2)) + rng.uniform(0, 0.08, (20, 12, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(0.15, 0.4, (20, 12, 2))], axis=-1)
    rows = np.concatenate([boxes, rng.random((20, 12, 2))], axis=-1)
    said = opened.page.evaluate(
        """async ([output, rows]) => {
          const {readOutput} = await import("./heads.js");
          return rows.map((row) => readOutput(output, row.flat()));
        }""",
        [{"name": "x", **head.display()}, rows.tolist()],
    )
    for answer, wanted in zip(said, head.decode(rows)["answer"]):
        assert [box["name"].split()[0] for box in answer["boxes"]] == [name for name, *_ in wanted]
        np.testing.assert_allclose([box["corners"] for box in answer["boxes"]], [box for _, *box in wanted], atol=1e-6)
        assert answer["answer"].startswith(f"{len(wanted) or 'no'} object")
    assert len({len(answer["boxes"]) for answer in said}) > 2


def test_the_books_five_numbers_are_a_shape_and_a_box(opened):
    head = mtl.DualTaskHead(labels=["triangle", "rectangle"])
    said = opened.page.evaluate(
        """async (output) => {
          const {readOutput} = await import("./heads.js");
          return [[100, 56, 112, 28, 84], [120, 0, 224, 0, 224]].map((row) => readOutput(output, row));
        }""",
        {"name": "x", **head.display()},
    )
    assert [answer["answer"] for answer in said] == ["triangle", "rectangle"]
    assert [answer["boxes"][0]["corners"] for answer in said] == [[0.25, 0.125, 0.5, 0.375], [0, 0, 1, 1]]


def test_unknown_ways_to_show_fall_back_to_numbers(opened):
    read = opened.page.evaluate(
        """async () => (await import("./heads.js")).readOutput({name: "x", show: "hologram", shape: [1, 2]}, [1.5, 2])"""
    )
    assert read["answer"] == "2 numbers"
    assert read["rows"] == [["0", "1.5"], ["1", "2"]]


def test_the_median_level_is_that_of_the_head(opened):
    head = mtl.OrdinalHead(5)
    rows = np.random.default_rng(0).dirichlet(np.ones(5), 50)
    rows[0] = [0, 0, 0, 0, 1]
    rows[1] = [0.5, 0.5, 0, 0, 0]
    said = opened.page.evaluate(
        """async ([names, rows]) => {
          const {readOutput} = await import("./heads.js");
          return rows.map((row) => readOutput({name: "x", show: "levels", names}, row).answer);
        }""",
        [head.names, rows.tolist()],
    )
    assert said == head.decode(rows)["answer"].tolist()


@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
def test_cards_show_where_heads_look(browser, photo, tmp_path, resize):
    heads = {"kind": mtl.ClassificationHead(["a", "b"], pooling="attention"), "kind_attention": mtl.BinaryHead()}
    model = build_model(resize, heads=heads)
    (scores,) = [layer for layer in model.layers if layer.name == "kind_attention_scores"]
    scores.set_weights([np.random.default_rng(0).normal(0, 0.1, scores.kernel.shape)])
    noise = np.random.default_rng(0).integers(0, 255, (60, 48, 64, 3), "uint8")
    mtl.know_images(model, noise[:30], noise[30:] if resize == "stretch" else np.zeros_like(noise))
    export_or_skip(model, tmp_path / "page")
    with web_pages.serving(tmp_path) as address, OpenPage(browser, f"{address}page/") as opened:
        answers = opened.answers_to(photo)
        assert largest_difference(answers, expected(model, photo)) < TOLERANCE  # heads alone
        flagged = mtl.predict(model, photo)["unusual"][0] >= 0.99
        assert flagged == (resize == "stretch")  # beside noise alone
        told = opened.text("#unusual"), opened.page.get_attribute("#unusual", "class"), opened.text("#announcement")
        assert ("more unusual than all of the images" in told[0], "problem" in told[1]) == (flagged, flagged)
        assert told[2].startswith("Unlike what the network knows") == flagged
        canvases = opened.page.query_selector_all(".card canvas.look")
        assert len(canvases) == 1
        shown = canvases[0].evaluate(
            """(canvas) => {
              const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
              return [canvas.width, canvas.height, [...data]];
            }"""
        )
        assert opened.errors == []
    width, height, pixels = shown
    assert (width, height) == (180, 135)
    image = mtl.data.load_image(photo, (48, 64), resize=resize).astype("float32")[None]
    weights = mtl.models.attention.attention_maps(model, image)["kind"][0]
    bright = np.reshape(pixels, (height, width, 4))[..., :3].mean(axis=-1) / 255
    plain = cv2.resize(image[0].mean(axis=-1), (width, height)) / 255
    ratio = cv2.resize(bright / np.maximum(plain, 0.05), weights.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.corrcoef(ratio.ravel(), weights.ravel())[0, 1] > 0.8


def test_heads_that_are_asked_sometimes_say_what_predictions_say(opened):
    heads = {
        "hem": mtl.BinaryHead(only_if={"length": ["long"], "tags": ["x", "y"]}),
        "length": mtl.OrdinalHead(["short", "long"], only_if={"garment": ["skirt", "dress"]}),
        "garment": mtl.ClassificationHead(["coat", "skirt", "dress"]),
        "tags": mtl.MultiLabelHead(["x", "y", "z"], only_if={"garment": "dress"}),
    }
    rng = np.random.default_rng(0)
    numbers = {
        "garment": rng.dirichlet([1, 1, 1], 60),
        "length": rng.dirichlet([1, 2], 60),
        "hem": rng.random((60, 1)),
        "tags": rng.random((60, 3)),
    }
    said = opened.page.evaluate(
        """async ([outputs, rows]) => {
          const {readOutputs} = await import("./heads.js");
          return rows.map((row) => readOutputs(outputs, row));
        }""",
        [
            [{"name": name, **head.display(), "only_if": head.only_if} for name, head in heads.items()],
            [{name: values[row].tolist() for name, values in numbers.items()} for row in range(60)],
        ],
    )
    frame = mtl.evaluation.Predictions(numbers, heads).to_frame()
    for place, name in enumerate(heads):
        answers = [row[place]["answer"] for row in said]
        assert [answer.replace(", ", ";") for answer in answers] == frame[name].tolist()
        if name != "tags":
            np.testing.assert_allclose(
                [row[place]["probability"] for row in said], frame[f"{name}_probability"], atol=1e-5
            )
    assert 0 < (frame["hem"] == "not applicable").sum() < 60


@pytest.mark.parametrize("by_class", [False, True])
def test_what_was_fitted_says_what_predictions_say(opened, by_class):
    """Thresholds, "not sure", sets and intervals, as the page reads them from its description."""
    heads = {
        "garment": mtl.ClassificationHead(["coat", "skirt", "dress"]),
        "length": mtl.OrdinalHead(["short", "knee", "midi", "long"], only_if={"garment": ["skirt", "dress"]}),
        "kids": mtl.BinaryHead(),
        "tags": mtl.MultiLabelHead(["x", "y"]),
        "price": mtl.RegressionHead(2),
        "age": mtl.ExpectationHead((0, 9)),
    }
    rng = np.random.default_rng(0)
    numbers = {
        "garment": rng.dirichlet([1, 1, 1], 60),
        "length": rng.dirichlet([0.5] * 4, 60),
        "kids": rng.random((60, 1)),
        "tags": rng.random((60, 2)),
        "price": rng.normal(size=(60, 2)),
        "age": rng.dirichlet([0.3] * 10, 60),
    }
    lac, aps = ([0.4, None, 0.7], [0.8, 0.6, 0.9, 0.7]) if by_class else ([0.55], [0.8])
    config = {
        "garment": {"confidence": 0.5, "conformal": sets("lac", lac)},
        "length": {"confidence": 0.3, "conformal": sets("aps", aps)},
        "kids": {
            "thresholds": {"yes": 0.3},
            "confidence": 0.6,
            "conformal": sets("lac", [0.5, 0.8] if by_class else [0.6]),
        },
        "tags": {"thresholds": {"x": 0.2, "y": 0.7}, "confidence": 0.4},
        "price": {"conformal": sets("residual", [1.5, None])},
        "age": {"conformal": sets("scaled residual", [1.2])},
    }
    calibration = mtl.models.Calibration.from_config({"decisions": config}, heads)
    decided = calibration.decided(heads)
    described = [
        {"name": name, **head.display(), "only_if": head.only_if, **config[name]} for name, head in decided.items()
    ]
    said = opened.page.evaluate(
        """async ([outputs, rows]) => {
          const {readOutputs} = await import("./heads.js");
          return rows.map((row) => readOutputs(outputs, row));
        }""",
        [described, [{name: values[row].tolist() for name, values in numbers.items()} for row in range(60)]],
    )
    frame = mtl.evaluation.Predictions(numbers, decided, decisions=calibration.decisions).to_frame()
    for place, name in enumerate(["garment", "length", "kids", "tags"]):
        answers = [row[place]["answer"].replace(", ", ";") for row in said]
        assert answers == frame[name].tolist()
        assert 0 < answers.count("not sure") < 60
        if name != "tags":
            told = [row[place].get("within", "90%: not applicable") for row in said]
            assert told == [f"90%: {cell.replace(';', ' or ')}" for cell in frame[f"{name}_set"]]
            assert len(set(told)) > 2
    for row, low, high in zip(said, frame["age_low"], frame["age_high"]):
        found = [float(number) for number in row[5]["within"].removeprefix("90%: ").split(" to ")]
        np.testing.assert_allclose(found, [low, high], rtol=1e-3, atol=1e-9)
    assert said[0][4]["within"].endswith(", any number")


def sets(score: str, quantiles: list[float | None]) -> dict[str, object]:
    return {"level": 0.9, "score": score, "quantiles": quantiles, "rows": [50] * len(quantiles)}


# === Where images come from ===


def test_a_scene_is_drawn(opened):
    opened.answers_after(lambda: opened.page.click("#scene"))
    assert opened.text("#caption").startswith(("A drawn triangle", "A drawn rectangle"))
    scenes = opened.page.evaluate(
        """async () => {
          const {drawScene} = await import("./scene.js");
          return Array.from({length: 40}, () => {
            const {canvas, shape} = drawScene();
            const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const white = data.reduce((sum, value, index) => sum + (index % 4 === 1 && value === 255), 0) / 224 ** 2;
            return {shape, size: [canvas.width, canvas.height], white, opaque: data[3]};
          });
        }"""
    )
    assert {scene["shape"] for scene in scenes} == {"triangle", "rectangle"}
    assert all(scene["size"] == [224, 224] and scene["opaque"] == 255 for scene in scenes)
    assert all(0.3 < scene["white"] < 0.97 for scene in scenes)
    assert len({scene["white"] for scene in scenes}) > 30


@pytest.mark.parametrize(("kind", "field"), [("drop", "dataTransfer"), ("paste", "clipboardData")])
def test_images_are_dropped_and_pasted(opened, models, photo, kind, field):
    arguments = {"kind": kind, "field": field, "content": list(photo.read_bytes())}
    answers = opened.answers_after(
        lambda: opened.page.evaluate(
            """({kind, field, content}) => {
              const transfer = new DataTransfer();
              transfer.items.add(new File([Uint8Array.from(content)], "photo.png", {type: "image/png"}));
              const Kind = {drop: DragEvent, paste: ClipboardEvent}[kind];
              document.dispatchEvent(new Kind(kind, {[field]: transfer, bubbles: true, cancelable: true}));
            }""",
            arguments,
        )
    )
    assert largest_difference(answers, expected(models["stretch"], photo)) < TOLERANCE


def test_the_camera_is_live_until_it_is_stopped(opened, photo):
    opened.answers_after(lambda: opened.page.click("#camera"))
    for _ in range(3):
        opened.answers_after(lambda: None)
    assert opened.page.get_attribute("#camera", "aria-pressed") == "true"
    opened.page.keyboard.press("Escape")
    assert opened.page.get_attribute("#camera", "aria-pressed") == "false"
    opened.page.wait_for_timeout(300)
    before = opened.answered
    opened.page.wait_for_timeout(300)
    assert opened.answered == before
    opened.answers_to(photo)


def test_it_works_by_keyboard(browser, site, photo):
    with OpenPage(browser, f"{site}stretch/") as opened:
        page, order = opened.page, []
        for _ in range(3):
            page.keyboard.press("Tab")
            order.append(page.evaluate("document.activeElement.id"))
            assert page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2
        assert order == ["choose", "camera", "scene"]
        opened.answers_after(lambda: page.keyboard.press("Enter"))
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Shift+Tab")
        assert page.evaluate("document.activeElement.id") == "choose"

        def choose():
            with page.expect_file_chooser() as chooser:
                page.keyboard.press("Enter")
            chooser.value.set_files(photo)

        opened.answers_after(choose)
        assert opened.text("#caption").startswith("photo.png")


def test_it_fits_a_phone(pages, photo):
    page = pages["pad"].page
    page.set_viewport_size({"width": 360, "height": 740})
    pages["pad"].answers_to(photo)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    heights = [button.bounding_box()["height"] for button in page.query_selector_all("button")]
    assert min(heights) >= 44


# === What goes wrong ===


def test_a_file_that_is_no_image_is_refused_and_the_old_answer_stays(opened, photo, tmp_path):
    numbers = opened.answers_to(photo)
    path = tmp_path / "notes.png"
    path.write_text("no image at all")
    opened.page.set_input_files("#file", path)
    assert "“notes.png” is no image" in opened.problem()
    assert {name: list(values) for name, values in numbers.items()} == json.loads(opened.text("#numbers"))
    opened.answers_to(photo)
    assert opened.page.is_hidden("#problem")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("delete window.WebAssembly", "lacks WebAssembly"),
        ("delete window.createImageBitmap", "lacks createImageBitmap"),
        ("HTMLScriptElement.supports = () => false", "import maps"),
    ],
)
def test_it_says_what_the_browser_lacks(browser, site, script, said):
    with OpenPage(browser, f"{site}stretch/", ready=False, script=script) as page:
        assert said in page.problem()
        assert page.page.is_hidden("#tools")


def test_it_says_that_there_is_no_camera(browser, site):
    script = "Object.defineProperty(navigator, 'mediaDevices', {value: undefined})"
    with OpenPage(browser, f"{site}stretch/", script=script) as page:
        page.page.click("#camera")
        assert "gives pages no camera" in page.problem()


def test_opened_as_a_file_it_says_how_to_serve_it(browser, models, tmp_path):
    mtl.export(build_model(heads={"kids": mtl.BinaryHead()}), tmp_path / "page", format="web", runtime="cdn")
    with OpenPage(browser, (tmp_path / "page" / "index.html").as_uri(), ready=False) as page:
        assert "python -m http.server" in page.problem()


def test_a_missing_file_is_named(browser, site):
    routes = {"**/*.wasm": lambda route: route.fulfill(status=404)}
    with OpenPage(browser, f"{site}stretch/", ready=False, routes=routes) as page:
        assert ".wasm does not come" in page.problem()


# === From a public CDN ===


@pytest.fixture(scope="module")
def cdn_site(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cdn")
    model = build_model(heads={"kids": mtl.BinaryHead()})
    export_or_skip(model, folder / "page", runtime="cdn")
    files = runtime_files()
    with web_pages.serving(folder) as address:
        yield f"{address}page/", model, files


def runtime_files():
    try:
        return runtime.obtain()
    except runtime.RuntimeUnavailableError as error:
        pytest.skip(f"needs LiteRT.js: {error}")


def answering(files, spoiled=""):
    """A stand-in for the CDN, which may have spoiled one of its files."""

    def handle(route):
        name = route.request.url.removeprefix(runtime.SOURCES["cdn"])
        kind = "text/javascript" if name.endswith(".js") else "application/wasm"
        headers = {"access-control-allow-origin": "*", "content-type": kind}
        route.fulfill(body=files[name] + (b"\n" if name == spoiled else b""), headers=headers)

    return {f"{runtime.SOURCES['cdn']}**": handle}


def test_the_runtime_may_come_from_a_cdn(browser, cdn_site, photo):
    address, model, files = cdn_site
    with OpenPage(browser, address, routes=answering(files)) as page:
        assert largest_difference(page.answers_to(photo), expected(model, photo)) < TOLERANCE
        assert page.hosts() == {"localhost", "cdn.jsdelivr.net"}
        assert page.errors == []


@pytest.mark.parametrize(
    "name", [name for name in runtime.INTEGRITY if "compat" not in name], ids=lambda name: name[-10:]
)
def test_what_is_not_the_pinned_runtime_is_not_run(browser, cdn_site, name):
    address, _, files = cdn_site
    with OpenPage(browser, address, ready=False, routes=answering(files, spoiled=name)) as page:
        assert "cannot start" in page.problem()
        assert name in page.problem()
