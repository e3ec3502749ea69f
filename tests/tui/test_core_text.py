"""What may reach the screen: one printable line, in the cells it was given."""

import unicodedata
from datetime import UTC, datetime

import pytest
from big_store import EVIL
from hypothesis import given
from hypothesis import strategies as st

from localart_tui.glyphs import ASCII, UNICODE, size_bar, sparkline, stand_ins
from localart_tui.text import ago, cell_width, clean, duration_text, fit, is_plain, pad, size_text

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
HIDDEN = {"Cc", "Cs", "Zl", "Zp"}
BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\u200b\ufeff")


def is_harmless(text):
    return not any(unicodedata.category(char) in HIDDEN or char in BIDI for char in text)


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_evil_texts_become_harmless_lines(evil):
    assert is_harmless(clean(evil))
    assert clean(clean(evil)) == clean(evil)


@given(st.text(alphabet=st.characters(), max_size=60), st.integers(0, 40))
def test_any_text_fits_into_its_cells(text, width):
    assert is_harmless(clean(text))
    assert cell_width(fit(text, width)) <= width
    assert cell_width(pad(text, width)) == width
    assert cell_width(pad(text, width, right=True, keep_end=True)) == width


def test_a_megabyte_is_cut():
    assert len(clean("x" * 1_000_000)) == 4096
    assert len(clean("\x1b" * 1_000_000)) <= 4096


def test_the_end_of_a_name_is_kept_when_asked():
    assert fit("mnist-preprocessed:v3", 12, keep_end=True) == "mnist-pr…:v3"
    assert fit("mnist-preprocessed:v3", 12) == "mnist-prepr…"


def test_only_plain_texts_are_safe_to_copy():
    assert is_plain("project/name:v3")
    assert is_plain("日本")
    assert not is_plain("rm -rf /\n")
    assert not is_plain("a\x1b[0m")


@pytest.mark.parametrize(
    ("iso", "said"),
    [
        ("2026-06-15T11:59:30Z", "now"),
        ("2026-06-15T11:30:00Z", "30 min ago"),
        ("2026-06-15T02:00:00.000000Z", "10 h ago"),
        ("2026-06-10T12:00:00Z", "5 d ago"),
        ("2026-01-02T12:00:00Z", "2026-01-02"),
        ("2027-01-02T12:00:00Z", "2027-01-02"),
        ("", ""),
        (None, ""),
        ("no time\x1b", "no time\\x1b"),
    ],
)
def test_times_are_told_as_people_tell_them(iso, said):
    assert ago(iso, NOW) == said


def test_sizes_and_durations_have_units():
    assert size_text(1_234_567) == "1.2 MB"
    assert duration_text(None) == ""
    assert duration_text(3.21) == "3.2 s"


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=lambda glyphs: glyphs.name)
def test_bars_take_exactly_their_cells(glyphs):
    for share in (0, 0.0001, 0.5, 1, 7):
        assert len(size_bar(glyphs, share, 8)) == 8
    assert size_bar(glyphs, 0.0001, 8).strip(), "something is never shown as nothing"
    assert len(sparkline(glyphs, [float(n) for n in range(1000)], 20)) == 20
    assert sparkline(glyphs, [], 20) == ""
    assert len(sparkline(glyphs, [5.0], 20)) == 1


def test_ascii_signs_are_ascii_and_single():
    for name in ASCII.__dataclass_fields__:
        value = getattr(ASCII, name)
        assert value.isascii(), name
        if name not in {"name", "blocks", "steps", "spinner", "enter"}:
            assert len(value) == 1, name


def test_what_ascii_cannot_write_keeps_its_width():
    import codecs

    codecs.register_error("localart_ascii_test", stand_ins)
    for text in ("…▣●▶─│╭┃", "▁▂▃█▌", "⠿⠀⠁", "日本", "é"):
        written = text.encode("ascii", "localart_ascii_test").decode()
        assert written.isascii()
        assert len(written) == cell_width(text)
