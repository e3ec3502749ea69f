"""Labels are made safe and cut so that what tells them apart stays."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localart.lineage.labels import caption, cell_width, clean, padded, shorten, to_ascii
from localart.model import GraphNode, NodeKind


def node(label, kind=NodeKind.VERSION, group="dataset", state="COMMITTED"):
    return GraphNode(key="k", kind=kind, label=label, group=group, project="p", state=state, created_at="")


def test_a_shortened_version_keeps_its_number():
    assert shorten("mnist-raw:v0", 11) == "mnist-r…:v0"
    assert shorten("mnist-raw:v0", 8) == "mnis…:v0"


def test_a_shortened_run_keeps_its_number():
    assert shorten("preprocess-everything-88", 12) == "preproce…-88"


def test_a_label_cut_before_its_version_does_not_end_in_a_colon():
    assert shorten("mnist-raw:v123456789 and more", 11) == "mnist-raw…"


@pytest.mark.parametrize("width", [-1, 0, 1, 2, 3])
def test_tiny_widths_are_kept_too(width):
    assert cell_width(shorten("mnist-raw:v0", width)) <= max(width, 0)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\x9b31m", r"\x9b31m"),
        ("two\nlines", r"two\nlines"),
        ("\u202eevil", r"\u202eevil"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_what_is_invisible_is_spelled_out(text, shown):
    assert clean(text) == shown


def test_a_megabyte_is_cut_without_being_read_through():
    start = time.process_time()

    cut = clean("\x1b" * 1_000_000 + ":v7")

    assert len(cut) == 120
    assert cut.endswith(":v7")
    assert time.process_time() - start < 0.1


def test_a_label_cannot_pretend_to_be_a_line_of_the_drawing():
    assert caption(node("│ ● fake", kind=NodeKind.RUN)).title == r"\u2502 \u25cf fake"


def test_aliases_are_told_from_the_name():
    words = caption(node("mnist-raw:v0 latest, best"))

    assert (words.title, words.aliases, words.detail, words.state) == (
        "mnist-raw:v0",
        "latest, best",
        "dataset",
        "",
    )


def test_a_group_that_the_title_already_says_is_not_repeated():
    assert caption(node("dataset ×3")).detail == ""


def test_wide_characters_count_two_cells():
    assert cell_width("日本") == 4
    assert shorten("日本語:v1", 8) == "日本…:v1"
    assert padded("日本", 5) == "日本 "


def test_ascii_spells_out_the_rest():
    assert to_ascii("é…×") == r"\xe9~x"


@given(st.text(st.characters(exclude_categories=())), st.integers(-2, 200))
def test_any_text_becomes_one_printable_line_that_fits(text, width):
    line = shorten(clean(text), width)

    assert cell_width(line) <= max(width, 0)
    assert not [char for char in line if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    line.encode()
