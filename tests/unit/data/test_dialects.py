"""Tables as spreadsheets, databases and programs write them."""

from __future__ import annotations

import gzip
import time

import pytest
from written import refusal, write

from mtlzoo.data import read_csv
from mtlzoo.heads import BinaryHead, ClassificationHead, ExpectationHead, LandmarkHead, RegressionHead

ROWS = [["image", "größe", "b"], ["0.png", "groß", "1.5"], ["1.png", "klein", "2.5"], ["2.png", "groß", ""]]


def text(sep: str = ",", end: str = "\n") -> str:
    return "".join(sep.join(row) + end for row in ROWS)


def check(table):
    assert list(table.heads) == ["größe", "b"]
    assert table.heads["größe"] == BinaryHead(["groß", "klein"])
    assert type(table.heads["b"]) is RegressionHead
    assert table.labelled()["b"].tolist() == [True, True, False]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("sep", [",", ";", "\t", "|"], ids=["comma", "semicolon", "tab", "bar"])
def test_what_is_seen(tmp_path, sep, encoding, end):
    check(read_csv(write(tmp_path, text(sep, end), encoding=encoding)))
    check(read_csv(write(tmp_path, f"sep={sep}{end}{text(sep, end)}", encoding=encoding)))


def test_what_is_told(tmp_path):
    check(read_csv(write(tmp_path, text(":")), sep=":"))
    check(read_csv(write(tmp_path, text("\t"), "labels.tsv"), sep="tab"))
    check(read_csv(write(tmp_path, text(), encoding="cp1252"), encoding="cp1252"))
    (tmp_path / "labels.csv.gz").write_bytes(gzip.compress(text(";").encode()))
    check(read_csv(tmp_path / "labels.csv.gz"))


def test_the_separator_is_the_one_that_gives_the_images(tmp_path):
    table = read_csv(write(tmp_path, "image;size, in cm;b\n0.png;1;x\n1.png;2;y\n"))
    assert list(table.heads) == ["size, in cm", "b"]
    table = read_csv(write(tmp_path, 'image,"tags; all"\n0.png,hat;scarf\n1.png,hat\n'))
    assert list(table.heads) == ["tags; all"]


def test_another_encoding_is_named_with_its_line(tmp_path):
    message = refusal(write(tmp_path, text(), encoding="cp1252"))
    assert message == (
        "labels.csv: not UTF-8 (byte 0xf6 in line 1); say its encoding, "
        'such as encoding="cp1252" (--encoding cp1252), or "gb18030" for Chinese.'
    )
    message = refusal(write(tmp_path, "image,a\n0.png,x\n1.png,groß\n", encoding="cp1252"))
    assert "byte 0xdf in line 3" in message
    assert "unknown encoding 'klingon'" in refusal(write(tmp_path, text()), encoding="klingon")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("image:a\n0.png:x\n", "it has one column only: is another separator meant? Say sep= (--sep)"),
        ("0.png,yes\n1.png,no\n", "the first line looks like a row: the table needs a header"),
        (b"image,a\n0.png,x\0y\n", "line 2: holds a byte 0"),
        (b"PK\x03\x04xlsx", "a workbook of a spreadsheet, or a zip archive, no text; save it as CSV"),
        ('image,a\n0.png,"x\n1.png,y\n', "the row that starts in line 2 has a quote that is never closed"),
        ('image,a\n"0.png,x\n1.png",y\n2.png,x\n', "line 2: the image's path goes over several lines"),
        ('image,c,a\n0.png,"x\n\ny",yes\n1.png,z,no,more\n', "line 5 has more cells than the header's 3"),
        ("image,a, a \n0.png,x,y\n", "line 1: more than one column is called 'a'"),
        ("sep=;\nimage;a;a\n0.png;x;y\n", "line 2: more than one column is called 'a'"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(tmp_path, content, reason):
    assert reason in refusal(write(tmp_path, content))


def test_dialects_that_cannot_be(tmp_path):
    path = write(tmp_path, text())
    assert "expected `sep` as one character, received: ';;'" in refusal(path, sep=";;")
    assert "expected `decimal` '.' or ',', received: '*'" in refusal(path, decimal="*")
    assert "cannot both be a comma" in refusal(path, sep=",", decimal=",")
    with pytest.raises(TypeError, match="unexpected keyword argument 'separator'"):
        read_csv(path, separator=";")


# === Lines ===


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('image,c,a\n0.png,"x\ny",yes\n1.png,z,bad\n', 4),
        ('image,c,a\r\n0.png,"x\r\n\r\ny",yes\r\n\r\n1.png,z,bad\r\n', 6),
        ("sep=;\nimage;a\n0.png;yes\n1.png;bad\n", 4),
        ("\n\nimage,a\n0.png,yes\n\n1.png,bad\n", 6),
        ("image,a\r0.png,yes\r\r1.png,bad\r", 4),
        ('"image","a\nb",a\n0.png,x,yes\n1.png,y,bad', 4),
    ],
)
def test_lines_are_those_of_the_file(tmp_path, content, line):
    message = refusal(write(tmp_path, content), heads={"a": BinaryHead()})
    assert message.startswith(f"labels.csv, line {line} (1.png): head 'a': unknown label 'bad'")


# === Decimal commas ===


def test_decimal_commas(tmp_path):
    table = read_csv(
        write(tmp_path, "image;a;b\n0.png;1,5;x\n1.png;-2;y\n2.png;NA;y\n3.png;,;x\n".replace(";,;", ";3,25;"))
    )
    assert table.labels()["a"][:, 0].tolist()[:2] == [1.5, -2]
    assert table.labels()["a"][3, 0] == 3.25
    assert any("decimal commas" in note for note in table.notes)
    quoted = write(tmp_path, 'image,a\n0.png,"1,5"\n1.png,"2,5"\n2.png,"3,5"\n')
    assert read_csv(quoted, decimal=",", sep=None).labels()["a"].tolist() == [[1.5], [2.5], [3.5]]


def test_classes_and_tags_keep_their_commas(tmp_path):
    path = write(tmp_path, "image;a\n0.png;1,5\n1.png;2,5\n2.png;1,5\n")
    assert read_csv(path, heads={"a": ClassificationHead(["1,5", "2,5"])}).labels()["a"].tolist() == [0, 1, 0]
    assert read_csv(path, heads={"a": "classification"}).heads["a"].names == ["1,5", "2,5"]
    assert read_csv(path, decimal=".").heads["a"].names == ["1,5", "2,5"]


def test_points_with_decimal_commas(tmp_path):
    path = write(tmp_path, "image\ta\n0.png\t0,1;0,2\n1.png\t0,3;0,4\n")
    labels = read_csv(path, heads={"a": LandmarkHead(1)}, decimal=",").labels()["a"]
    assert labels.reshape(2, 2)[:, 0].tolist() == pytest.approx([0.1, 0.3])


def test_thousands_are_not_guessed(tmp_path):
    rows = "".join(f"{row}.png;{row + 1},250\n" for row in range(9))
    assert "may be a decimal comma or divide thousands; say decimal=" in refusal(write(tmp_path, "image;a\n" + rows))
    assert read_csv(write(tmp_path, "image;a\n" + rows), decimal=",").labels()["a"][0, 0] == 1.25
    rows = "".join(f'{row}.png,"{row + 1},250"\n' for row in range(9))
    assert "looks like a number with thousands separators" in refusal(write(tmp_path, "image,a\n" + rows))


# === Paths ===


def test_backslashes_are_slashes_where_that_is_the_file(tmp_path):
    (tmp_path / "img").mkdir()
    for name in ("img/0.png", "img/1.png", "odd\\2.png"):
        (tmp_path / name).write_bytes(b"")
    table = read_csv(write(tmp_path, "image,a\nimg\\0.png,yes\nimg/1.png,no\nodd\\2.png,no\nnone\\3.png,no\n"))
    assert table.frame["image"].tolist() == ["img/0.png", "img/1.png", "odd\\2.png", "none\\3.png"]
    assert table.notes == ("1 path with backslashes, read with slashes: img\\0.png",)


# === Large ===


def test_many_columns_and_large_cells_have_short_messages(tmp_path):
    names = [f"column {number}" for number in range(10_000)]
    wide = write(tmp_path, ",".join(["image", *names]) + "\n" + ",".join(["0.png", *["1"] * len(names)]) + "\n")
    start = time.perf_counter()
    assert "(10,000 in all)" in refusal(wide, heads=["other"])
    assert "(10,001 in all)" in refusal(wide, image="file")
    assert time.perf_counter() - start < 5
    large = "x " * 500_000
    refusal(write(tmp_path, f"image,a\n0.png,{large}\n1.png,no\n"), heads={"a": BinaryHead()})
    refusal(write(tmp_path, f"image,a\n{large},maybe\n1.png,no\n"), heads={"a": BinaryHead()})
    refusal(write(tmp_path, f"image,a\n0.png,{large}\n1.png,\n"))
    refusal(write(tmp_path, f"image,{large}\n0.png,yes\n"), heads=["b"])
    refusal(write(tmp_path, f"image,{large},{large}\n0.png,yes,no\n"))
    table = read_csv(write(tmp_path, f"image,a\n0.png,{large}\n1.png,no\n"))
    assert len(table.describe()) < 300


@pytest.mark.parametrize("number", ["1.20{},50", "1 20{}", "1 20{},5", "1'20{}", "1.20{}.000"])
def test_all_ways_to_divide_thousands_are_refused(tmp_path, number):
    rows = "".join(f"{row}.png;{number.format(row)}\n" for row in range(9))
    path = write(tmp_path, "image;a\n" + rows)
    assert "looks like a number with thousands separators" in refusal(path)
    assert len(read_csv(path, heads={"a": "classification"}).heads["a"].names) == 9


def test_a_point_divides_thousands_where_decimals_have_a_comma(tmp_path):
    rows = "".join(f"{row}.png;{row + 1}.250\n" for row in range(9))
    assert "thousands separators" in refusal(write(tmp_path, "image;a\n" + rows), decimal=",")
    assert read_csv(write(tmp_path, "image;a\n" + rows)).labels()["a"][0, 0] == 1.25
    assert "thousands separators" in refusal(write(tmp_path, "image;a\n" + rows + "x.png;12,5\n"))


def test_commas_in_quotes_are_asked_about(tmp_path):
    path = write(tmp_path, 'image,a\n0.png,"1,5"\n1.png,"2,5"\n2.png,"3,5"\n')
    assert 'the comma in "1,5" may be a decimal comma; say decimal=' in refusal(path)


def test_a_head_of_bins_reads_decimal_commas(tmp_path):
    path = write(tmp_path, "image;a\n0.png;1,5\n1.png;2,5\n")
    assert read_csv(path, heads={"a": ExpectationHead((0, 5))}).labels()["a"].tolist() == [[1.5], [2.5]]
