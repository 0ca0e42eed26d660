"""What an audit finds in a table, without a network."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pandas as pd
import pytest

import mtlzoo as mtl
from mtlzoo.auditing.out_of_fold import deal_folds, predict_out_of_fold
from mtlzoo.auditing.suspects import find_suspects
from mtlzoo.auditing.suspicion import suspect_classes
from mtlzoo.auditing.targets import Target, find_targets


def draw(path, seed, size=(96, 96)):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    image = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(path), image)
    return image


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Twelve images, and a few that something is the matter with."""
    folder = tmp_path_factory.mktemp("images")
    images = [draw(folder / f"{number}.png", number) for number in range(12)]
    small = cv2.resize(images[2], (60, 60), interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(folder / "near.jpg"), small, [cv2.IMWRITE_JPEG_QUALITY, 60])
    shutil.copy(folder / "3.png", folder / "=copy.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    cv2.imwrite(str(folder / "blank.png"), np.full((96, 96, 3), 90, np.uint8))
    draw(folder / "long.png", 99, (300, 40))
    names = [f"{number}.png" for number in range(12)] + ["near.jpg", "=copy.png", "broken.jpg", "blank.png", "long.png"]
    frame = pd.DataFrame({"image": names, "kind": ["a", "b"] * 8 + ["a"], "size": [*["s", "l"] * 8, None]})
    frame.loc[12, "kind"], frame.loc[13, "kind"] = "a", "a"  # image 2 is "a" as well, image 3 is "b"
    frame.loc[:1, "size"] = ["s", "s"]  # the only small "b"; all others are large
    frame["split"] = ["train"] * 12 + ["test"] * 5
    heads = {"kind": mtl.ClassificationHead(["a", "b"]), "size": mtl.ClassificationHead(["s", "l"])}
    return mtl.data.LabelTable(frame, heads, root=folder, split="split")


@pytest.fixture(scope="module")
def found(table):
    return mtl.audit(table, suspects=False)


def test_the_same_image_is_found_and_contradictions_come_first(found):
    groups = [group["image"].tolist() for _, group in found.duplicates.groupby("group")]
    assert groups == [["3.png", "=copy.png"], ["2.png", "near.jpg"]]
    assert found.duplicates["kind"].tolist() == ["identical"] * 2 + ["near"] * 2
    assert found.duplicates["contradictions"].tolist() == ["kind"] * 2 + [""] * 2
    assert set(found.leaks["parts"]) == {"test, train"}
    assert len(found.leaks) == 4


def test_odd_images_and_unreadable_ones(found):
    problems = dict(zip(found.odd_images["image"], found.odd_images["problem"]))
    assert problems.keys() == {"broken.jpg", "blank.png", "long.png"}
    assert problems["broken.jpg"].startswith("unreadable: ")
    assert problems["blank.png"] == "blank"
    assert problems["long.png"] == "7.5 times as wide as high"


def test_labels_are_counted(found):
    assert found.coverage.to_numpy().tolist() == [[17, 16], [16, 16]]
    assert found.balance["rows"].groupby(found.balance["head"]).sum().to_dict() == {"kind": 17, "size": 16}
    rare = found.rare_combinations[["label", "other_label", "image"]].to_numpy().tolist()
    assert ["a", "l", "=copy.png"] in rare
    assert not len(found.suspects)
    assert list(found.suspects) == ["row", "image", "head", "label", "suggestion", "suspicion"]


def test_corrections_are_read_back_and_change_nothing_by_themselves(found, table, tmp_path):
    found.to_csv(tmp_path / "corrections.csv")
    filled = pd.read_csv(tmp_path / "corrections.csv", dtype=object)
    assert filled["image"].tolist() == ["3.png", "'=copy.png"]
    assert filled["label"].isna().all()
    same = mtl.apply_corrections(table, tmp_path / "corrections.csv")
    assert same.frame["kind"].tolist() == table.frame["kind"].tolist()
    filled.loc[1, "label"] = "b"
    filled.to_csv(tmp_path / "filled.csv", index=False)
    assert mtl.apply_corrections(table, tmp_path / "filled.csv").frame["kind"][13] == "b"
    with pytest.raises(mtl.errors.OutputError, match="exists already"):
        found.to_csv(tmp_path / "corrections.csv")


def test_the_page_is_one_file(found, tmp_path):
    found.to_html(tmp_path / "audit.html")
    page = (tmp_path / "audit.html").read_text(encoding="utf-8")
    assert "=copy.png" in page
    assert page.count("data:image/jpeg") >= 6
    assert "http" not in page.replace("http-equiv", "")


def flipped(rows=400, seed=0):
    """Features of two classes in two heads that belong together, a number, and which labels of the first head are wrong."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, rows)
    features = np.eye(3)[truth] + rng.normal(0, 0.25, (rows, 3))
    features = np.asarray(features - features.mean(axis=0), "float32")
    wrong = rng.random(rows) < 0.05
    given = np.where(wrong, (truth + 1) % 3, truth)
    weight = truth * 10 + rng.normal(0, 1, rows)
    weight[4] = 900
    frame = pd.DataFrame({"image": [f"{row}.png" for row in range(rows)], "kind": given.astype(str)})
    frame["even"], frame["weight"] = np.where(truth % 2, "no", "yes"), weight
    frame["tags"] = np.array(["x", "y", "x;y"])[truth]
    frame.loc[::4, "kind"] = None
    heads = {"kind": mtl.ClassificationHead(["0", "1", "2"]), "even": mtl.BinaryHead(), "weight": mtl.RegressionHead()}
    heads["tags"] = mtl.MultiLabelHead(["x", "y"], separator=";")
    return mtl.data.LabelTable(frame, heads), features, wrong


@pytest.mark.parametrize("engine", ["mtlzoo", "cleanlab"])
def test_wrong_labels_come_first_and_missing_ones_never(engine):
    from mtlzoo.auditing.engines import find_engine

    if engine == "cleanlab":
        pytest.importorskip("cleanlab")
    table, features, wrong = flipped()
    table.frame.loc[8, "tags"] = "x" if table.frame["tags"][8] == "y" else "y"
    targets, left_out = find_targets(table)
    predictions = predict_out_of_fold(features, targets, deal_folds(np.arange(len(table)), 5, 0))
    suspects, heads = find_suspects(table, targets, predictions, find_engine(engine))
    assert not left_out
    assert suspects["suspicion"].is_monotonic_decreasing
    kinds = suspects[suspects["head"] == "kind"]
    assert len(kinds) == 300
    assert not (kinds["row"] % 4 == 0).any()
    number = int(wrong[kinds["row"]].sum())
    assert set(kinds["row"][:number]) == set(np.flatnonzero(wrong & (np.arange(400) % 4 > 0)))
    assert heads.set_index("head")["likely_wrong"]["kind"] in range(number - 3, number + 4)
    weight, tags = suspects[suspects["head"] == "weight"].iloc[0], suspects[suspects["head"] == "tags"].set_index("row")
    assert weight["row"] == 4
    assert abs(float(weight["suggestion"])) < 30
    assert 8 in tags.index[:3]
    assert tags["suggestion"][8] != tags["label"][8]


def test_suspicions_are_those_of_cleanlab():
    pytest.importorskip("cleanlab")
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    rng = np.random.default_rng(1)
    ids = rng.integers(0, 4, 500)
    probabilities = rng.dirichlet(np.ones(4), 500) + 1.5 * np.eye(4)[np.where(rng.random(500) < 0.2, ids - 1, ids)]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    ours = suspect_classes(ids, probabilities)
    theirs = get_label_quality_scores(ids, probabilities, method="normalized_margin")
    issues = find_label_issues(ids, probabilities, filter_by="confident_learning", n_jobs=1)
    assert np.allclose(ours.suspicion, 1 - theirs, atol=1e-6)
    assert (ours.wrong == issues).mean() > 0.98


def test_rows_of_a_unit_share_a_fold():
    units = np.random.default_rng(0).integers(0, 40, 200)
    folds = deal_folds(np.unique(units, return_inverse=True)[1], 5, 3)
    assert all(len(set(folds[units == unit])) == 1 for unit in set(units))
    assert np.bincount(folds).min() > 30


def test_what_cannot_be_looked_at_is_said():
    few = pd.DataFrame({"image": list("abc"), "kind": ["x", "y", "x"], "face": ["0.1;0.2", None, "0.3;0.4"]})
    heads = {"kind": mtl.ClassificationHead(["x", "y"]), "face": mtl.LandmarkHead(["nose"])}
    targets, left_out = find_targets(mtl.data.LabelTable(few, heads))
    assert not targets
    assert "too few" in left_out["kind"]
    assert "places" in left_out["face"]
    with pytest.raises(mtl.errors.InputError, match='"mtlzoo" or "cleanlab"'):
        mtl.audit(mtl.data.LabelTable(few, heads), engine="magic")
    assert Target("kind", 0, np.array([1, -1]), 2).columns().tolist() == [[0, 1], [0, 0]]


def test_images_of_one_simple_make_are_not_all_decoded_again(monkeypatch, tmp_path):
    """Images that differ in colours alone have the same hash, and are no candidates."""
    from mtlzoo.auditing import near_duplicates
    from mtlzoo.auditing.looking import look_at_images

    ramp = np.linspace(0, 1, 64)[None, :, None] * np.ones((64, 1, 1))
    for number in range(12):
        color = np.random.default_rng(number).permutation([0, 120, 255]) * (0.5 + number / 24)
        cv2.imwrite(str(tmp_path / f"{number}.png"), (ramp * color).astype("uint8"))
    paths = [str(tmp_path / f"{number}.png") for number in range(12)]
    looks = look_at_images(mtl.data.LabelTable.of_images(paths))
    assert len(near_duplicates._candidates(looks.bits, np.zeros_like(looks.thumbnails))) == 66
    assert len(near_duplicates._candidates(looks.bits, looks.thumbnails)) < 20


def test_only_what_both_labels_know_can_contradict(tmp_path):
    """Heads have names that a list of them, and a plot's formulas, could take for something else."""
    for name, copy in (("0", "1"), ("2", "3")):
        draw(tmp_path / f"{name}.png", int(name))
        shutil.copy(tmp_path / f"{name}.png", tmp_path / f"{copy}.png")
    odd = "a, b $\\frac$"
    frame = pd.DataFrame({"image": [f"{number}.png" for number in range(4)], odd: ["x", "x", "x", "y"]})
    frame["tags"] = [[1, 0, -1], [1, -1, 0], [1, 0, -1], [0, -1, 1]]
    frame["size"] = [[1, np.nan], [np.nan, 2], [np.nan, 2], [1, 3]]
    heads = {odd: mtl.ClassificationHead(["x", "y"]), "tags": mtl.MultiLabelHead(3), "size": mtl.RegressionHead(2)}
    found = mtl.audit(mtl.data.LabelTable(frame, heads, root=tmp_path), suspects=False)
    assert dict(zip(found.duplicates["image"], found.duplicates["contradictions"])) == {
        **dict.fromkeys(["2.png", "3.png"], f"{odd}, tags, size"),
        **dict.fromkeys(["0.png", "1.png"], ""),
    }
    found.to_csv(tmp_path / "corrections.csv")
    assert pd.read_csv(tmp_path / "corrections.csv")["head"].tolist() == [odd, "tags", "size"] * 2
    found.to_html(tmp_path / "audit.html")


def test_rows_keep_their_names_beside_unreadable_images(monkeypatch, tmp_path):
    """The positions of a frame whose index has no numbers are those of the whole table."""
    from mtlzoo.auditing import run

    monkeypatch.setattr(run, "extractor_of", lambda *_: None)
    monkeypatch.setattr(run, "compute_features", lambda _, rows, *__: np.eye(len(rows), dtype="float32"))
    names = ["gone.png", *(f"{number}.png" for number in range(20))]
    for number in range(20):
        draw(tmp_path / f"{number}.png", number)
    frame = pd.DataFrame({"image": names, "kind": ["a", "b", "b"] * 7}, index=list("abcdefghijklmnopqrstu"))
    found = mtl.audit(mtl.data.LabelTable(frame, {"kind": mtl.ClassificationHead(["a", "b"])}, root=tmp_path))
    assert len(found.suspects) == 20
    assert [names[row] for row in found.suspects["row"]] == found.suspects["image"].tolist()
