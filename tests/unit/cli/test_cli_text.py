"""Tables, figures and safe text: what a person reads."""

import io
import itertools
import json
import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localart.cli.console import Console, put
from localart.cli.documents import plain
from localart.cli.figures import count_text, duration_text, seconds_text, share_text, size_text, time_text
from localart.cli.safe_text import safe_lines, safe_text
from localart.cli.tables import SAMPLE_ROWS, Column, table_lines
from localart.lineage.labels import cell_width

COLUMNS = (
    Column(title="NAME", shrinks=True),
    Column(title="SIZE", right=True),
    Column(title="PATH", shrinks=True),
)


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1234, "1.2 kB"), (999_949, "999.9 kB"), (999_950, "1.0 MB"),
     (27_300_000, "27.3 MB"), (10**12, "1.0 TB"), (10**21, "1000.0 EB"), (-1234, "-1.2 kB")],
)  # fmt: skip
def test_sizes_are_decimal_with_one_digit(size_bytes, text):
    assert size_text(size_bytes) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (3.21, "3.2 s"),
        (65, "1 min 05 s"),
        (7380, "2 h 03 min"),
        (3 * 86400 + 3600, "3 d 01 h"),
    ],
)
def test_durations_have_two_units_at_most(seconds, text):
    assert seconds_text(seconds) == text


def test_counts_shares_and_times_read_well():
    assert [count_text(1, "file"), count_text(12345, "file")] == ["1 file", "12,345 files"]
    assert [share_text(1, 3), share_text(1, 0)] == ["33 %", ""]
    assert duration_text("2026-01-31T12:00:00.000000Z", "2026-01-31T12:01:05.000000Z") == "1 min 05 s"
    assert [time_text(None), time_text("nonsense"), duration_text("nonsense", None)] == ["", "nonsense", ""]
    assert time_text("2026-01-31T12:00:00.000000Z").startswith("2026-0")


def test_columns_line_up_and_the_last_is_not_padded():
    lines = list(table_lines(COLUMNS, [["a", "1", "x"], ["long name", "1000", "y"]], width=None))

    assert lines == ["NAME       SIZE  PATH", "a             1  x", "long name  1000  y"]


def test_wide_characters_count_two_cells():
    lines = list(table_lines(COLUMNS, [["数据", "1", "x"], ["abcd", "1", "y"]], width=None))

    assert [cell_width(line) for line in lines[1:]] == [13, 13]


@given(
    st.lists(st.lists(st.text("abc数é:v1 ", max_size=60), min_size=3, max_size=3), max_size=8),
    st.integers(min_value=10, max_value=120),
)
def test_no_line_is_wider_than_the_terminal_and_none_is_cut_without_one(rows, width):
    rows = [[cell.strip() for cell in row] for row in rows]

    assert all(cell_width(line) <= width for line in table_lines(COLUMNS, rows, width=width))
    whole = list(table_lines(COLUMNS, rows, width=None))
    assert len(whole) == len(rows) + 1
    assert all(cell in line for row, line in zip(rows, whole[1:], strict=True) for cell in row)


def test_a_column_that_must_not_shrink_stays_whole_while_others_give():
    (_, line) = table_lines(COLUMNS, [["n" * 50, "123456", "p" * 50]], width=60)

    assert "123456" in line
    assert line.count("…") == 2


def test_a_version_number_at_the_end_of_a_cut_cell_stays():
    (_, line) = table_lines([Column(title="A", shrinks=True)], [["artifact-" * 9 + ":v37"]], width=30)

    assert line.endswith("…:v37")


def test_tables_stream():
    taken = itertools.count()
    endless = ([str(next(taken)), "1", "x"] for _ in itertools.count())

    lines = table_lines(COLUMNS, endless, width=None)
    list(itertools.islice(lines, 2 * SAMPLE_ROWS))

    assert next(taken) <= 2 * SAMPLE_ROWS


def test_rows_wider_than_the_sample_are_not_cut_when_piped():
    rows = [["a", "1", "x"]] * SAMPLE_ROWS + [["much wider", "1000000", "x"]]

    assert list(table_lines(COLUMNS, rows, width=None))[-1] == "much wider  1000000  x"


@given(st.text())
def test_safe_text_is_one_printable_line(text):
    assert all(char.isprintable() or unicodedata.category(char) == "Zs" for char in safe_text(text))
    assert all(line == safe_text(line) for line in safe_lines(text))


def test_plain_spells_out_what_json_cannot_hold():
    value = {"a": [math.nan, math.inf, -math.inf, 1.5], "b": ({"c": None},)}

    assert plain(value) == {"a": ["NaN", "Infinity", "-Infinity", 1.5], "b": [{"c": None}]}


@pytest.mark.parametrize("items", [[], [1], [{"a": 1}, {"b": [2]}]])
@pytest.mark.parametrize("head", [{}, {"name": "x"}, {"deep": {"er": [1, {}]}}])
def test_a_streamed_document_is_the_document(capsys, head, items):
    Console(as_json=True).stream(head, "items", iter(items))

    assert json.loads(capsys.readouterr().out) == {**head, "items": items}


@given(st.dictionaries(st.text(), st.text()))
def test_json_is_printable_ascii_and_says_exactly_what_it_was_given(document):
    from contextlib import redirect_stdout

    stream = io.StringIO()
    with redirect_stdout(stream):
        Console(as_json=True).document(document)

    text = stream.getvalue()
    assert all(" " <= char <= "~" or char == "\n" for char in text)
    assert json.loads(text) == document


def test_characters_a_stream_has_none_for_are_spelled_out():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")

    put(stream, "é → …\n")
    put(None, "nobody there")
    stream.flush()

    assert stream.buffer.getvalue() == b"\\xe9 -> ~\n"


def test_silence_silences_talk_but_not_warnings(capsys):
    console = Console(as_json=False, silent=True)

    console.say("talk")
    console.hint("more talk")
    console.warn("careful", hint="do this")

    assert capsys.readouterr().err == "warning: careful\n         do this\n"
