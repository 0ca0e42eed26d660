import math

import numpy as np
import pandas as pd
import pytest

from mtlzoo.datasets.fashionai.score import fashionai_score
from mtlzoo.datasets.fashionai.submission import write_submission

COLUMNS = ["image", "attribute", "value"]


def frames(rows):
    """Frames of a submission and its answers, from tuples (attribute, probabilities, letters)."""
    images = [f"{row}.jpg" for row in range(len(rows))]
    submission = [[image, f"{name}_labels", value] for image, (name, value, _) in zip(images, rows, strict=True)]
    answers = [[image, f"{name}_labels", label] for image, (name, _, label) in zip(images, rows, strict=True)]
    return pd.DataFrame(submission, columns=COLUMNS), pd.DataFrame(answers, columns=COLUMNS)


def random_rows(seed, rows=120, decimals=1, attributes=("coat_length", "neck_design", "lapel_design")):
    """Rows with few decimals, so that probabilities are tied, within rows and between them."""
    generator = np.random.default_rng(seed)
    made = []
    for _ in range(rows):
        attribute = int(generator.integers(len(attributes)))
        classes = 4 + attribute
        letters = generator.choice(list("nm"), classes, p=[0.6, 0.4])
        letters[generator.integers(classes)] = "y"
        value = ";".join(f"{p:.{decimals}f}" for p in generator.random(classes) ** 3)
        made.append((attributes[attribute], value, "".join(letters)))
    return made


def brute_force(rows, ties):
    """The rules once more, read literally: every threshold walks over every row."""
    scores = {}
    for attribute in dict.fromkeys(name for name, _, _ in rows):
        picked = []
        for name, value, letters in rows:
            if name == attribute:
                probabilities = [float(number) for number in value.split(";")]
                picked.append((max(probabilities), letters[probabilities.index(max(probabilities))]))

        def precision(threshold, picked=picked):
            predicted = correct = 0
            for confidence, letter in picked:
                if confidence < threshold or letter == "m":
                    continue
                predicted += 1
                correct += letter == "y"
            return correct / predicted if predicted else None

        thresholds = [confidence for confidence, _ in picked]
        terms = [precision(threshold) for threshold in (thresholds if ties == "rows" else set(thresholds))]
        terms = [term for term in terms if term is not None]
        scores[f"{attribute}_labels"] = (sum(terms) / len(terms), precision(-1.0))
    return scores


@pytest.mark.parametrize("ties", ["rows", "distinct"])
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("decimals", [1, 8])
def test_the_score_is_that_of_the_rules_read_literally(seed, ties, decimals):
    rows = random_rows(seed, decimals=decimals)
    expected = brute_force(rows, ties)
    scores = fashionai_score(*frames(rows), ties=ties)
    assert scores.index.tolist() == [*expected, "mean"]
    for attribute, (average, basic) in expected.items():
        assert scores.loc[attribute, "AP"] == pytest.approx(average, abs=1e-12)
        assert scores.loc[attribute, "basic_precision"] == pytest.approx(basic, abs=1e-12)
    assert scores.loc["mean", "AP"] == pytest.approx(np.mean([average for average, _ in expected.values()]))
    assert scores.loc["mean", "basic_precision"] == pytest.approx(np.mean([basic for _, basic in expected.values()]))


def test_without_ties_both_ways_agree_and_with_ties_they_do_not():
    untied, tied = frames(random_rows(3, decimals=8)), frames(random_rows(3, decimals=1))
    pd.testing.assert_frame_equal(fashionai_score(*untied), fashionai_score(*untied, ties="distinct"))
    assert not fashionai_score(*tied)["AP"].equals(fashionai_score(*tied, ties="distinct")["AP"])


def test_the_order_of_the_rows_does_not_matter():
    submission, answers = frames(random_rows(4))
    scores = fashionai_score(submission, answers)
    shuffled = fashionai_score(submission.sample(frac=1, random_state=0), answers.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(shuffled.loc[scores.index], scores)


def test_only_the_order_of_the_confidences_matters():
    rows = random_rows(5, decimals=8)
    halved = [(name, ";".join(str(float(p) / 2) for p in value.split(";")), letters) for name, value, letters in rows]
    pd.testing.assert_frame_equal(fashionai_score(*frames(halved)), fashionai_score(*frames(rows)))


def test_rows_and_counted_rows():
    scores = fashionai_score(*frames([("a", "1;0", "ym"), ("a", "0;1", "ym"), ("a", "0;1", "yn"), ("b", "1;0", "yn")]))
    assert scores[["rows", "counted"]].to_dict("index") == {
        "a_labels": {"rows": 3, "counted": 2},
        "b_labels": {"rows": 1, "counted": 1},
        "mean": {"rows": 4, "counted": 3},
    }
    assert scores.dtypes.tolist() == ["int64", "int64", "float64", "float64"]
    assert scores.index.name == "attribute"


def test_a_score_by_hand():
    # Most confident first: right (1/1), wrong (1/2), maybe (1/2 again), and two rows tied: right and wrong (2/4 twice).
    rows = [
        ("a", "0.9;0.1", "yn"),
        ("a", "0.8;0.1", "ny"),
        ("a", "0.7;0.1", "my"),
        ("a", "0.6;0.1", "yn"),
        ("a", "0.6;0", "ny"),
    ]
    assert fashionai_score(*frames(rows)).loc["a_labels", "AP"] == pytest.approx((1 + 1 / 2 + 1 / 2 + 2 * 2 / 4) / 5)
    distinct = fashionai_score(*frames(rows), ties="distinct")
    assert distinct.loc["a_labels", "AP"] == pytest.approx((1 + 1 / 2 + 1 / 2 + 2 / 4) / 4)
    assert distinct.loc["a_labels", "basic_precision"] == pytest.approx(2 / 4)


def test_the_first_of_equal_probabilities_is_taken():
    assert fashionai_score(*frames([("a", "0.4;0.4;0.2", "ynn")])).loc["a_labels", "AP"] == 1
    assert fashionai_score(*frames([("a", "0.4;0.4;0.2", "nyn")])).loc["a_labels", "AP"] == 0


def test_a_threshold_that_leaves_only_maybes_is_no_term():
    rows = [("a", "0.9;0.1", "my"), ("a", "0.8;0.2", "my"), ("a", "0.7;0.3", "yn"), ("a", "0.6;0.4", "ny")]
    assert fashionai_score(*frames(rows)).loc["a_labels", "AP"] == pytest.approx((1 + 1 / 2) / 2)


def test_an_attribute_of_maybes_only_is_unknown_and_left_out_of_the_mean():
    scores = fashionai_score(*frames([("a", "0.9;0.1", "my"), ("b", "0.9;0.1", "yn"), ("b", "0.8;0.1", "ny")]))
    assert math.isnan(scores.loc["a_labels", "AP"])
    assert math.isnan(scores.loc["a_labels", "basic_precision"])
    assert scores.loc["a_labels", "counted"] == 0
    assert scores.loc["mean", "AP"] == scores.loc["b_labels", "AP"] == 0.75


def test_files_score_like_frames(tmp_path):
    submission, answers = frames(random_rows(6))
    write_submission(tmp_path / "submission.csv", submission)
    write_submission(tmp_path / "answers.csv", answers.assign(value=answers["value"] + ",4"))
    (tmp_path / "answers.csv").write_text((tmp_path / "answers.csv").read_text().replace('"', ""))
    scores = fashionai_score(str(tmp_path / "submission.csv"), tmp_path / "answers.csv")
    pd.testing.assert_frame_equal(scores, fashionai_score(submission, answers))


def test_the_frames_are_left_as_they_are():
    submission, answers = frames(random_rows(7))
    before = submission.copy(), answers.copy()
    fashionai_score(submission, answers)
    pd.testing.assert_frame_equal(submission, before[0])
    pd.testing.assert_frame_equal(answers, before[1])


ROWS = [("a", "0.9;0.1", "yn"), ("a", "0.8;0.2", "yn"), ("b", "0.7;0.3", "ym")]


@pytest.mark.parametrize("value", ["0.8;x", "0.8;", "", "nan;0.2", "-0.1;0.2", "inf;0.2", "0.8,0.2", 0.8, None])
def test_bad_probabilities_are_named(value):
    submission, answers = frames(ROWS)
    submission["value"] = submission["value"].astype(object)
    submission.loc[1, "value"] = value
    with pytest.raises(
        ValueError, match=r"probabilities.*row 2 of the submission \(image '1.jpg', attribute 'a_labels'\)"
    ):
        fashionai_score(submission, answers)


@pytest.mark.parametrize("value", ["yy", "nn", "Yn", "y", "ynn", "y;n", "", None])
def test_bad_answers_are_named(value):
    submission, answers = frames(ROWS)
    answers.loc[1, "value"] = value
    with pytest.raises(ValueError, match=r"row 2 of the .*image '1.jpg', attribute 'a_labels'"):
        fashionai_score(submission, answers)


def test_a_wrong_number_of_probabilities_is_named():
    submission, answers = frames(ROWS)
    submission.loc[1, "value"] = "0.5;0.25;0.25"
    with pytest.raises(ValueError, match=r"Expected 2 probabilities.*row 2 of the submission.*received: 3"):
        fashionai_score(submission, answers)


def test_missing_extra_and_repeated_rows_are_named():
    submission, answers = frames(ROWS)
    with pytest.raises(
        ValueError, match=r"row 2 of the answers \(image '1.jpg', attribute 'a_labels'\).*2 missing in all"
    ):
        fashionai_score(submission.iloc[:1], answers)
    with pytest.raises(
        ValueError, match=r"row 3 of the submission \(image '2.jpg', attribute 'b_labels'\).*1 too many"
    ):
        fashionai_score(submission, answers.iloc[:2])
    with pytest.raises(ValueError, match=r"row 4 of the submission \(image '0.jpg'.*also in row 1"):
        fashionai_score(pd.concat([submission, submission.iloc[:1]]), answers)
    with pytest.raises(ValueError, match=r"row 4 of the answers \(image '0.jpg'.*also in row 1"):
        fashionai_score(submission, pd.concat([answers, answers.iloc[:1]]))


def test_one_image_may_be_asked_for_several_attributes():
    submission, answers = frames(ROWS)
    submission["image"] = answers["image"] = ["x.jpg", "y.jpg", "x.jpg"]
    assert fashionai_score(submission, answers).loc["mean", "rows"] == 3


def test_errors_name_the_file(tmp_path):
    submission, answers = frames(ROWS)
    submission.loc[2, "value"] = "0.7;-0.3"
    write_submission(tmp_path / "mine.csv", submission)
    with pytest.raises(ValueError, match=r"row 3 of .*mine\.csv"):
        fashionai_score(tmp_path / "mine.csv", answers)


def test_wrong_arguments_are_refused():
    submission, answers = frames(ROWS)
    with pytest.raises(ValueError, match="'rows' or 'distinct', received: 'none'"):
        fashionai_score(submission, answers, ties="none")
    with pytest.raises(ValueError, match=r"the answers to have the columns.*received: \['image', 'attribute'\]"):
        fashionai_score(submission, answers[["image", "attribute"]])
    with pytest.raises(ValueError, match="at least one row in the answers"):
        fashionai_score(submission, answers.iloc[:0])
