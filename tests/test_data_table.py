"""Tables: text with a header becomes numbers, and what is wrong with it is said by line and column."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mlp.data import ColumnRules, Encoding, load
from mlp.data.encoding import Policy
from mlp.data.number_blocks import read_blocks
from mlp.data.reading import AS_USUAL
from mlp.errors import DataError, FileFormatError, UnknownNameError

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str | bytes, name: str = "data.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


FLOWERS = "length,colour,species\n1.5,red,rose\n2.5,blue,iris\n3.5,red,rose\n"


def test_numbers_stay_numbers_and_text_becomes_one_column_for_each_category(write: Write) -> None:
    data = load(write(FLOWERS))
    assert data.feature_names == ("length", "colour=blue", "colour=red")
    assert data.X.tolist() == [[1.5, 0, 1], [2.5, 1, 0], [3.5, 0, 1]]
    assert data.X.dtype == np.float64


def test_text_targets_become_codes_into_the_sorted_class_names(write: Write) -> None:
    data = load(write(FLOWERS))
    assert data.class_names == ("iris", "rose")
    assert data.y.tolist() == [1, 0, 1]
    assert data.target_name == "species"


def test_whole_numbers_in_the_target_stay_integers(write: Write) -> None:
    data = load(write("a,t\n1,3\n2,10\n"))
    assert data.y.dtype == np.int64
    assert data.y.tolist() == [3, 10]
    assert data.class_names is None


def test_fractions_in_the_target_are_floats(write: Write) -> None:
    assert load(write("a,t\n1,3\n2,0.5\n")).y.tolist() == [3.0, 0.5]


@pytest.mark.parametrize("target", ["length", 0, -3, "0", "-3"])
def test_target_can_be_named_or_counted_from_either_end(write: Write, target: str | int) -> None:
    data = load(write(FLOWERS), target=target)
    assert data.target_name == "length"
    assert data.y.tolist() == [1.5, 2.5, 3.5]


def test_a_column_named_like_a_number_is_found_by_name_first(write: Write) -> None:
    assert load(write("x,0,t\n5,6,7\n8,9,1\n"), target="0").y.tolist() == [6, 9]


def test_unknown_target_names_the_columns_and_the_nearest(write: Write) -> None:
    with pytest.raises(UnknownNameError, match=r"colour, length, species. Did you mean 'species'"):
        load(write(FLOWERS), target="specie")


def test_target_number_out_of_range_is_refused(write: Write) -> None:
    with pytest.raises(DataError, match="no column 3: it has 3"):
        load(write(FLOWERS), target=3)


# What spreadsheets write


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffa,t\n1,2\n3,4\n",
        "a,t\r\n1,2\r\n3,4\r\n",
        "a,t\r1,2\r3,4\r",
        '"a","t"\n"1","2"\n"3","4"\n',
        "a;t\n1;2\n3;4\n",
        "a\tt\n1\t2\n3\t4\n",
        "a,t\n\n1,2\n\n3,4",
        " a , t \n 1 , 2 \n3 ,4\n",
    ],
    ids=["BOM", "CRLF", "CR", "quoted", "semicolons", "tabs", "blank lines", "blanks"],
)
def test_dialects_of_spreadsheets_are_read_alike(write: Write, text: str) -> None:
    data = load(write(text))
    assert data.feature_names == ("a",)
    assert data.X.tolist() == [[1], [3]]
    assert data.y.tolist() == [2, 4]


def test_a_tsv_is_separated_by_tabs_only(write: Write) -> None:
    data = load(write("a,b\tt\n1\t2\n3\t4\n", "data.tsv"))
    assert data.feature_names == ("a,b",)


def test_a_comma_within_quotes_does_not_hide_semicolons(write: Write) -> None:
    assert load(write('"length, cm";t\n1;2\n3;4\n')).feature_names == ("length, cm",)


def test_line_numbers_count_the_line_breaks_inside_quoted_cells(write: Write) -> None:
    text = 'note,a,t\n"two\nlines",1,0\n\nplain,?,1\n'  # the ? stands on line 5
    with pytest.raises(DataError, match="1 missing cell: line 5, column 'a'"):
        load(write(text))


# What is refused


def test_missing_cells_are_listed_by_line_and_column_and_counted(write: Write) -> None:
    text = "age,name,t\n1,x,0\n,x,1\nNA,?,0\n4,null,NaN\n"
    with pytest.raises(DataError) as caught:
        load(write(text))
    assert "5 missing cells: line 3, column 'age'; line 4, column 'age'; line 4, column 'name'; and 2 more" in str(
        caught.value
    )


def test_a_slip_in_a_column_of_numbers_is_refused_by_line_and_column(write: Write) -> None:
    with pytest.raises(DataError, match="line 4, column 'age': 'abc' is not a number"):
        load(write("age,t\n1,0\n2,1\nabc,0\n"))


def test_a_column_in_which_half_of_the_cells_are_numbers_is_a_category(write: Write) -> None:
    assert load(write("room,t\n1,0\nhall,1\n")).feature_names == ("room=1", "room=hall")


@pytest.mark.parametrize("cell", ["inf", "-Infinity", "1e999"])
def test_infinite_cells_are_refused(write: Write, cell: str) -> None:
    with pytest.raises(DataError, match=rf"line 3, column 'a': '{cell}' is not a finite number"):
        load(write(f"a,t\n1,0\n{cell},1\n2,0\n"))


def test_digit_separators_of_python_are_not_numbers(write: Write) -> None:
    with pytest.raises(DataError, match="'1_000' is not a number"):
        load(write("a,t\n1,0\n2,1\n1_000,0\n"))


def test_decimal_commas_are_read_and_not_taken_for_categories(write: Write) -> None:
    assert load(write("a;t\n1,5;0\n2,25;1\n")).X.tolist() == [[1.5], [2.25]]


def test_a_comma_that_may_be_either_is_refused_with_the_setting(write: Write) -> None:
    with pytest.raises(DataError, match=r"line 2, column 'a': '1,500' is not certainly a number.*data.decimal="):
        load(write("a;t\n1,500;0\n2,250;1\n"))
    for decimal, expected in ((".", [1500.0, 2250.0]), (",", [1.5, 2.25])):
        rules = ColumnRules(policy=Policy(decimal=decimal))
        assert load(write("a;t\n1,500;0\n2,250;1\n"), rules=rules).X[:, 0].tolist() == expected


def test_one_column_tells_the_decimal_mark_of_the_whole_file(write: Write) -> None:
    assert load(write("a;b;t\n1.500;2,5;0\n2.250;12,75;1\n")).X.tolist() == [[1500, 2.5], [2250, 12.75]]
    assert load(write("a;b;t\n1,500;2,250.5;0\n2,250;1.5;1\n")).X.tolist() == [[1500, 2250.5], [2250, 1.5]]
    with pytest.raises(DataError, match=r"column 'b' has '2,5', and column 'a' '1.5'. Which is the decimal mark"):
        load(write("a;b;t\n1.5;2,5;0\n2.25;12,75;1\n"))


def test_a_column_of_names_is_refused_not_one_hot_encoded(write: Write) -> None:
    rows = "".join(f"person {i},{i % 2}\n" for i in range(150))
    with pytest.raises(DataError, match="column 'name': 150 different texts in 150 rows"):
        load(write("name,t\n" + rows))


def test_rows_of_another_length_are_refused_by_line(write: Write) -> None:
    with pytest.raises(DataError, match="names 2 columns, but line 3 has 3 cells; line 4 has 1 cell"):
        load(write("a,t\n1,0\n1,2,3\n5\n"))


def test_a_table_without_a_header_is_refused(write: Write) -> None:
    with pytest.raises(DataError, match=r"line 1: '1', '2.5' are all numbers. Put a header line"):
        load(write("1,2.5\n3,4\n"))


@pytest.mark.parametrize(
    "text",
    [
        "5.1,3.5,1.4,0.2,Iris-setosa\n4.9,3.0,1.4,0.2,Iris-setosa\n6.2,3.4,5.4,2.3,Iris-virginica\n",
        "5,3,setosa\n4,3,setosa\n6,2,virginica\n",
        "1,-5.5,?,yes\n2,-6,1,yes\n3,-5,2,no\n",
        "p,x,x\ne,x,s\np,s,x\n",
        "Alice,5.1,rose\nBob,4.9,rose\nCleo,6.2,iris\n",
    ],
    ids=["iris.data", "whole numbers", "a missing cell", "letters", "names in it"],
)
def test_a_first_row_of_data_is_refused_not_lost_as_a_header(write: Write, text: str) -> None:
    """The row became the names of the columns: '5.1', '3.5', ..., and nothing was said of it."""
    last = text.partition("\n")[0].count(",") - 1
    with pytest.raises(DataError, match=rf"line 1: .* look like data.* header line .*: x0,.*x{last},label; or"):
        load(write(text))


@pytest.mark.parametrize(
    "header",
    ["0,1,2,species", "2001,2002,2003,species", "901.5,902.5,903.5,species", "0.5,1.5,2.5,n", "red,a,b,n"],
    ids=["pandas", "years", "wavelengths", "quantiles", "a colour"],
)
def test_columns_may_be_named_by_numbers_and_by_their_own_values(write: Write, header: str) -> None:
    last = ("2", "3", "4") if header.endswith("n") else ("rose", "iris", "rose")
    first = ("red", "blue", "red") if header.startswith("red") else ("0.1", "2.5", "3")
    rows = "".join(f"{a},0.5,2.5,{b}\n" for a, b in zip(first, last, strict=True))
    assert len(load(write(f"{header}\n{rows}")).X) == 3


@pytest.mark.parametrize("character", ["\0", "\x07", "\x7f"])
def test_control_characters_are_refused_by_line_and_column(write: Write, character: str) -> None:
    """They cannot be seen: 'a' and 'a' with a NUL were two classes."""
    with pytest.raises(DataError, match=r"1 cell with control characters: line 3, column 2: 'a\\x"):
        load(write(f"a,t\n1,a\n2,a{character}\n3,b\n"))


def test_a_name_given_twice_is_refused(write: Write) -> None:
    with pytest.raises(DataError, match="'a' named more than once"):
        load(write("a,a,t\n1,2,3\n"))


def test_a_column_without_a_name_is_refused(write: Write) -> None:
    with pytest.raises(DataError, match=r"column 1 without a name.*index=False"):
        load(write(",a,t\n0,2,3\n"))


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff"])
def test_an_empty_file_is_refused(write: Write, text: str) -> None:
    with pytest.raises(DataError, match="is empty"):
        load(write(text))


def test_a_header_without_rows_is_refused(write: Write) -> None:
    with pytest.raises(DataError, match="header but no rows"):
        load(write("a,t\n"))


def test_a_single_column_is_refused_for_training(write: Write) -> None:
    with pytest.raises(DataError, match="only the column 't'"):
        load(write("t\n1\n2\n"))


def test_bytes_that_are_not_utf8_are_refused_by_line(write: Write) -> None:
    with pytest.raises(FileFormatError, match=r"line 3: byte 0xe9 is not UTF-8. Save the file as UTF-8"):
        load(write(b"a,t\n1,x\n2,caf\xe9\n"))


def test_a_quote_that_is_not_closed_is_refused_by_line(write: Write) -> None:
    with pytest.raises(FileFormatError, match="line 3"):
        load(write('a,t\n1,x\n2,"y\n3,z\n'))


# The encoding of a training table applied to further tables


@pytest.fixture
def encoding(write: Write) -> Encoding:
    found = load(write(FLOWERS)).encoding
    assert found is not None
    return found


def test_columns_of_a_further_table_are_found_by_name(write: Write, encoding: Encoding) -> None:
    data = load(write("species,remark,colour,length\nrose,?,blue,9\n"), encoding=encoding)
    assert data.X.tolist() == [[9, 1, 0]]
    assert data.y.tolist() == [1]


def test_a_further_table_without_target_has_none(write: Write, encoding: Encoding) -> None:
    assert load(write("colour,length\nblue,9\n"), encoding=encoding).y is None


def test_a_target_column_with_nothing_in_it_is_none(write: Write, encoding: Encoding) -> None:
    assert load(write("colour,length,species\nblue,9,\nred,2,?\n"), encoding=encoding).y is None


def test_a_missing_feature_column_is_refused(write: Write, encoding: Encoding) -> None:
    with pytest.raises(DataError, match="no column 'colour', which the model was trained on"):
        load(write("length,species\n1,rose\n"), encoding=encoding)


def test_an_unknown_category_is_refused_by_line_column_and_what_is_known(write: Write, encoding: Encoding) -> None:
    with pytest.raises(DataError, match=r"column 'colour': 1 cell .*line 3: 'green'\). Known: 'blue', 'red'"):
        load(write("colour,length\nblue,9\ngreen,9\n"), encoding=encoding)


def test_an_unknown_class_is_refused_by_line(write: Write, encoding: Encoding) -> None:
    with pytest.raises(DataError, match=r"column 'species'.*line 2: 'tulip'"):
        load(write("colour,length,species\nblue,9,tulip\n"), encoding=encoding)


def test_text_in_a_column_that_was_numbers_is_refused(write: Write, encoding: Encoding) -> None:
    with pytest.raises(DataError, match="line 2, column 'length': 'long' is not a number"):
        load(write("colour,length\nblue,long\n"), encoding=encoding)


def test_an_encoding_survives_json(encoding: Encoding) -> None:
    import json

    assert Encoding.from_json(json.loads(json.dumps(encoding.to_json()))) == encoding


def test_rows_in_memory_are_encoded_like_a_table(encoding: Encoding) -> None:
    rows = np.array([[2.5, "red"], ["3", "blue"]], dtype=object)
    assert encoding.encode_rows(rows).tolist() == [[2.5, 0, 1], [3, 1, 0]]


def test_rows_in_memory_keep_every_bit_of_a_number(encoding: Encoding) -> None:
    value = np.float32(0.1)
    assert encoding.encode_rows([[value, "red"]])[0, 0] == value


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1.0, "green"], "row 0: 'green'"),
        ([None, "red"], "1 missing cell: row 0, column 'length'"),
        ([float("nan"), "red"], "1 missing cell: row 0"),
        ([1 + 2j, "red"], "row 0, column 'length'"),
        (["tall", "red"], "row 0, column 'length': 'tall' is not a number"),
        ([1.0], "Give 2 cells in each row: 'length', 'colour'"),
        ("ab", "Give 2 cells in each row"),
    ],
)
def test_rows_in_memory_are_refused_by_row_and_column(encoding: Encoding, row: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        encoding.encode_rows([row])  # type: ignore[list-item]


def test_each_column_of_a_long_table_is_read_as_it_is_written(tmp_path: Path) -> None:
    """Lines are split from the nearer end; the last of many columns, the target, need not go through all others."""
    rows = [[f"{i}.{j}0" for j in range(5)] for i in range(7)]
    path = tmp_path / "five.csv"
    path.write_text("\n".join(",".join(row) for row in [list("abcde"), *rows]) + "\n")
    blocks = read_blocks(path, AS_USUAL)
    assert blocks is not None
    assert [blocks.texts(j) for j in range(5)] == [list(column) for column in zip(*rows, strict=True)]
