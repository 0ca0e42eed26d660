import os

import numpy as np
import pandas as pd
import pytest

from mtlzoo.datasets.fashionai.submission import read_answers, read_submission, submission_frame, write_submission

COLUMNS = ["image", "attribute", "value"]


@pytest.fixture
def frame():
    generator = np.random.default_rng(0)
    predictions = {
        "coat_length": generator.dirichlet(np.ones(8), 6),
        "lapel_design": generator.dirichlet(np.ones(5), 6),
    }
    names = ["coat_length", "lapel_design", "coat_length", "coat_length", "lapel_design", "coat_length"]
    return submission_frame([f"Images/{row}.jpg" for row in range(6)], names, predictions)


def test_each_row_holds_the_asked_heads_probabilities_for_its_own_image():
    generator = np.random.default_rng(1)
    predictions = {"a": generator.random((20, 3)), "b": generator.random((20, 4)), "unused": generator.random((20, 2))}
    names = generator.choice(["a", "b"], 20).tolist()
    frame = submission_frame([f"{row}.jpg" for row in range(20)], names, predictions)
    assert frame.columns.tolist() == COLUMNS
    assert frame["image"].tolist() == [f"{row}.jpg" for row in range(20)]
    assert frame["attribute"].tolist() == [f"{name}_labels" for name in names]
    for row, name in enumerate(names):
        written = [float(number) for number in frame["value"][row].split(";")]
        np.testing.assert_allclose(written, predictions[name][row], atol=5e-9)


def test_probabilities_have_eight_decimals():
    frame = submission_frame(["a.jpg"], ["neck"], {"neck": np.array([[1.0, 1e-12, 0.123456789]], "float64")})
    assert frame["value"].tolist() == ["1.00000000;0.00000000;0.12345679"]


@pytest.mark.parametrize(
    ("names", "predictions", "message"),
    [
        (["neck"], {"neck": np.ones((2, 3))}, "2 images and 1 attribute names"),
        (["neck", "neck"], {"neck": np.ones((3, 3))}, r"shape \(2, classes\).*received: \(3, 3\)"),
        (["neck", "neck"], {"neck": np.ones(2)}, r"received: \(2,\)"),
        (
            ["neck", "neck_labels"],
            {"neck": np.ones((2, 3)), "coat": np.ones((2, 3))},
            r"row 2.*\['coat', 'neck'\].*neck_labels",
        ),
        (["neck", "neck"], {"neck": np.array([[0.5, 0.5], [0.5, np.nan]])}, "head 'neck' in row 2"),
        (["neck", "neck"], {"neck": np.array([[-0.5, 0.5], [0.5, 0.5]])}, "head 'neck' in row 1"),
    ],
)
def test_wrong_predictions_are_refused(names, predictions, message):
    with pytest.raises(ValueError, match=message):
        submission_frame(["a.jpg", "b.jpg"], names, predictions)


def test_a_head_that_is_not_asked_may_hold_anything():
    submission_frame(["a.jpg"], ["neck"], {"neck": np.ones((1, 2)), "broken": np.full(7, np.nan)})


def test_a_submission_survives_the_file(tmp_path, frame):
    write_submission(tmp_path / "submission.csv", frame)
    pd.testing.assert_frame_equal(read_submission(tmp_path / "submission.csv"), frame)


def test_the_file_has_no_header_and_unix_line_ends(tmp_path, frame):
    write_submission(tmp_path / "submission.csv", frame)
    lines = (tmp_path / "submission.csv").read_bytes().split(b"\n")
    assert lines[-1] == b""
    assert lines[:-1] == [",".join(row).encode() for row in frame.itertuples(index=False)]


def test_other_columns_and_their_order_do_not_matter(tmp_path, frame):
    write_submission(tmp_path / "submission.csv", frame.assign(note="x")[["note", "value", "image", "attribute"]])
    pd.testing.assert_frame_equal(read_submission(tmp_path / "submission.csv"), frame)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, frame, monkeypatch):
    path = tmp_path / "submission.csv"
    write_submission(path, frame)
    before = path.read_bytes()

    def fail(self, target, **options):
        target.write_text("half a fi")
        raise OSError("disk full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", fail)
    with pytest.raises(OSError, match="disk full"):
        write_submission(path, frame.iloc[:1], overwrite=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_frame_without_the_columns_is_refused(tmp_path, frame):
    with pytest.raises(ValueError, match=r"'value'.*received: \['image', 'attribute'\]"):
        write_submission(tmp_path / "submission.csv", frame[["image", "attribute"]])
    assert not list(tmp_path.iterdir())


def test_answers_have_three_or_four_columns(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_bytes(b"\xef\xbb\xbfa.jpg,neck_labels,ynm\r\nb.jpg,neck_labels,nyn,ignored\r\n\r\n")
    assert read_answers(path).values.tolist() == [["a.jpg", "neck_labels", "ynm"], ["b.jpg", "neck_labels", "nyn"]]
    assert read_answers(path).columns.tolist() == COLUMNS


@pytest.mark.parametrize("line", ["a.jpg,neck_labels", "a.jpg,neck_labels,ynm,x,y", ""])
def test_a_line_with_other_columns_is_named(tmp_path, line):
    path = tmp_path / "answers.csv"
    path.write_text(f"z.jpg,neck_labels,ynm\n{line}\nb.jpg,neck_labels,ynm\n")
    with pytest.raises(ValueError, match=r"3 or 4 columns.*row 2 of .*answers\.csv"):
        read_answers(path)


def test_a_submission_has_no_fourth_column(tmp_path):
    (tmp_path / "submission.csv").write_text("a.jpg,neck_labels,0.5;0.5,x\n")
    with pytest.raises(ValueError, match=r"3 columns.*row 1 of .*submission\.csv"):
        read_submission(tmp_path / "submission.csv")


def test_values_are_read_as_they_stand(tmp_path):
    (tmp_path / "submission.csv").write_text("NA,nan_labels,\n1.50,neck_labels,0.5\n")
    assert read_submission(tmp_path / "submission.csv").values.tolist() == [
        ["NA", "nan_labels", ""],
        ["1.50", "neck_labels", "0.5"],
    ]


def test_an_empty_file_has_no_rows(tmp_path):
    (tmp_path / "submission.csv").write_text("")
    assert read_submission(tmp_path / "submission.csv").shape == (0, 3)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    for read in (read_submission, read_answers):
        with pytest.raises(ValueError, match=r"pipe\.csv is a pipe, not a file"):
            read(tmp_path / "pipe.csv")
