"""The layout of the FashionAI data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mtlzoo.data import FASHIONAI_ATTRIBUTES, TableError, read_fashionai
from mtlzoo.heads import ClassificationHead

FILES = {"train": "Annotations/label.csv", "question": "Tests/question.csv", "answer": "Tests/answer.csv"}


@pytest.fixture
def write(tmp_path):
    """Writes one of the three files and returns the folder."""

    def write(*lines: str, part: str = "train", newline: str = "\n", start: str = "") -> Path:
        path = tmp_path / FILES[part]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes((start + "".join(line + newline for line in lines)).encode())
        return tmp_path

    return write


def line(attribute: str, letters: str, image: str = "a.jpg") -> str:
    return f"Images/{attribute}/{image},{attribute},{letters}"


def refusal(folder: Path, **arguments) -> str:
    with pytest.raises(TableError) as caught:
        read_fashionai(folder, **arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# === Reading ===


def test_one_label_a_row(write, tmp_path):
    table = read_fashionai(
        write(
            line("collar_design_labels", "nnynn"),
            line("pant_length_labels", "ynnnnn", "b.jpg"),
            line("collar_design_labels", "nnnny", "c.jpg"),
        )
    )
    assert table.heads == {
        name: ClassificationHead(FASHIONAI_ATTRIBUTES[name]) for name in ("collar_design", "pant_length")
    }
    assert table.labels()["collar_design"].tolist() == [2, -1, 4]
    assert table.labels()["pant_length"].tolist() == [-1, 0, -1]
    assert table.frame["collar_design"].iloc[0] == "Peter Pan"
    assert table.frame["attribute"].tolist()[1] == "pant_length_labels"
    assert table.frame["letters"].tolist() == ["nnynn", "ynnnnn", "nnnny"]
    assert table.paths()[0] == str(tmp_path / "Images/collar_design_labels/a.jpg")
    assert table.where(2) == "label.csv, line 3 (Images/collar_design_labels/c.jpg)"


@pytest.mark.parametrize("attribute", FASHIONAI_ATTRIBUTES)
def test_every_letter_of_every_attribute(write, attribute):
    values = FASHIONAI_ATTRIBUTES[attribute]
    strings = ["n" * place + "y" + "n" * (len(values) - place - 1) for place in range(len(values))]
    table = read_fashionai(write(*[line(f"{attribute}_labels", letters) for letters in strings]))
    assert table.labels()[attribute].tolist() == list(range(len(values)))
    assert table.frame[attribute].tolist() == list(values)


@pytest.mark.parametrize(("newline", "start"), [("\r\n", ""), ("\n", "\ufeff"), ("\n\n", "")])
def test_untidy_files(write, newline, start):
    lines = [line("collar_design_labels", "nnynn"), line("collar_design_labels", "nynnn", "b.jpg")]
    table = read_fashionai(write(*lines, newline=newline, start=start))
    assert table.labels()["collar_design"].tolist() == [2, 1]
    assert table.frame["image"].tolist()[0] == "Images/collar_design_labels/a.jpg"


def test_a_fourth_column_is_left_alone(write):
    assert read_fashionai(write(line("collar_design_labels", "nnynn,0.7"))).labels()["collar_design"].tolist() == [2]


def test_an_attribute_may_come_without_its_suffix(write):
    assert read_fashionai(write(line("collar_design", "nnynn"))).labels()["collar_design"].tolist() == [2]


# === Maybe ===


def test_maybe_is_ignored_or_half_as_likely(write):
    folder = write(line("collar_design_labels", "nnymn"), line("collar_design_labels", "ynnnn"))
    assert read_fashionai(folder, maybe="ignore").labels()["collar_design"].tolist() == [2, 0]
    soft = read_fashionai(folder, maybe="soft").labels()["collar_design"]
    np.testing.assert_allclose(soft, [[0, 0, 2 / 3, 1 / 3, 0], [1, 0, 0, 0, 0]], rtol=1e-6)
    assert soft.dtype == np.float32


def test_soft_labels_without_any_maybe_are_hard(write):
    folder = write(line("collar_design_labels", "nnynn"), line("pant_length_labels", "nymmnn"))
    labels = read_fashionai(folder, maybe="soft").labels()
    assert labels["collar_design"].tolist() == [2, -1]
    np.testing.assert_allclose(labels["pant_length"], [[0] * 6, [0, 0.5, 0.25, 0.25, 0, 0]])


# === Parts ===


def test_questions_and_answers(write):
    folder = write(line("collar_design_labels", "?"), line("pant_length_labels", "?"), part="question")
    write(line("collar_design_labels", "nnymn"), line("pant_length_labels", "nynnnn"), part="answer")
    questions, answers = read_fashionai(folder, "question"), read_fashionai(folder, "answer")
    assert list(questions.heads) == list(answers.heads) == ["collar_design", "pant_length"]
    assert not questions.labelled().any(axis=None)
    assert questions.paths() == answers.paths()
    assert answers.labels()["collar_design"].tolist() == [2, -1]
    assert answers.source == "answer.csv"


# === Refusals ===


@pytest.mark.parametrize(
    ("letters", "part"),
    [
        ("nnyn", "train"),
        ("nnynnn", "train"),
        ("nyynn", "train"),
        ("nnnnn", "train"),
        ("nnmnn", "train"),
        ("nnYnn", "train"),
        ("nnxny", "train"),
        ("?", "train"),
        ("?", "answer"),
        ("??", "question"),
        ("Peter Pan", "train"),
    ],
)
def test_wrong_label_strings(write, letters, part):
    folder = write(line("collar_design_labels", "nnynn"), "", line("collar_design_labels", letters), part=part)
    source = Path(FILES[part]).name
    hint = ", or ?" if part == "question" else ""
    assert refusal(folder, part=part) == (
        f"{source}, line 3 (Images/collar_design_labels/a.jpg): expected a label of 5 letters y, m, n with exactly one "
        f"y{hint}, received {letters!r}."
    )


def test_unknown_attributes(write):
    message = refusal(write(line("collar_design_labels", "nnynn"), line("shoe_labels", "ny")))
    assert message.startswith("label.csv, line 2 (Images/shoe_labels/a.jpg): unknown attribute 'shoe_labels', expected")
    assert message.endswith("skirt_length_labels, sleeve_length_labels.")


def test_other_numbers_of_columns(write):
    assert "expected three or four columns without a header, received 2" in refusal(write("a.jpg,pant_length_labels"))
    assert "received 5" in refusal(write("a.jpg,pant_length_labels,ynnnnn,1,2"))
    message = refusal(write(line("collar_design_labels", "nnynn"), "b.jpg,collar_design_labels"))
    assert message.startswith(
        "label.csv, line 2: expected an image, an attribute and a label, received: b.jpg, collar_"
    )
    assert "line 2: expected an image" in refusal(write(line("pant_length", "ynnnnn"), ",pant_length_labels,ynnnnn"))
    assert "line 2, saw 4" in refusal(write(line("pant_length", "ynnnnn"), line("pant_length", "ynnnnn,1")))
    assert "not a comma-separated table" in refusal(write())


def test_wrong_arguments(write, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No such label file: .*label.csv"):
        read_fashionai(tmp_path)
    with pytest.raises(ValueError, match="Expected `maybe` to be 'ignore' or 'soft', received: 'hard'"):
        read_fashionai(write(line("pant_length_labels", "ynnnnn")), maybe="hard")
    with pytest.raises(ValueError, match="Expected `part` to be one of train, question, answer, received: 'test'"):
        read_fashionai(tmp_path, "test")
