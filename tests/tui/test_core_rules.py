"""Keys, places, row sources and filters: rules without a terminal."""

import ast
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localart.errors import StoreBusy, UsageError
from localart_tui import filtering
from localart_tui.data.listing import conditions
from localart_tui.filtering import Facts, Filter, Term, Test, amount, is_sketch, parse_filter
from localart_tui.keys import KEYS, Scope, as_markdown, bindings, footer
from localart_tui.places import (
    History,
    Place,
    Remembered,
    View,
    place_document,
    place_from,
    read_state,
    state_path,
    write_state,
)
from localart_tui.source import CHUNK_ROWS, KEPT_CHUNKS, ListSource, PagedSource

ROOM = Path(__file__).parents[2] / "tui" / "localart_tui"

# --- keys ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scope", list(Scope), ids=lambda scope: scope.name)
def test_no_key_does_two_things_in_one_scope(scope):
    names = [name for key in KEYS if key.scope is scope for name in key.names]

    assert len(names) == len(set(names))


def test_every_key_has_an_id_of_its_own():
    ids = [key.id for key in KEYS]

    assert len(ids) == len(set(ids))
    assert all(key.says for key in KEYS)


def test_a_page_that_has_tabs_and_a_list_has_no_clash():
    for first, second in [(Scope.PAGE, Scope.LIST), (Scope.PAGE, Scope.TABS), (Scope.LIST, Scope.TABS)]:
        one = {name for key in KEYS if key.scope is first for name in key.names}
        other = {name for key in KEYS if key.scope is second for name in key.names}
        assert not one & other


def test_bindings_footer_and_documentation_come_from_the_table():
    assert {one.id for one in bindings(Scope.LIST)} == {key.id for key in KEYS if key.scope is Scope.LIST}
    words = [hint.word for hint in footer((Scope.EVERYWHERE, Scope.PAGE, Scope.LIST))]
    assert words[0] == "open"
    assert words[-2:] == ["help", "back"]
    assert len(words) <= 10
    assert "`list.mark`" in as_markdown()


# --- places ------------------------------------------------------------------------------------------


def test_history_goes_back_and_forward():
    history = History()
    for name in "abc":
        history.visit(Place("versions", name))

    assert history.older() == Place("versions", "b")
    assert history.older() == Place("versions", "a")
    assert history.older() is None
    assert history.newer() == Place("versions", "b")
    history.visit(Place("versions", "d"))
    assert history.newer() is None
    assert [place.target for place in history.places] == ["a", "b", "d"]


def test_previous_goes_there_and_back_again():
    history = History()
    history.visit(Place("home"))
    history.visit(Place("artifacts", "p"))

    assert history.previous() == Place("home")
    assert history.previous() == Place("artifacts", "p")
    assert history.previous() == Place("home")


def test_a_place_remembers_how_it_was_looked_at():
    history = History()
    history.visit(Place("versions", "a"))
    history.remember(Place("versions", "a").at(filter="best", cursor="17"))
    history.visit(Place("artifact", "a:v3"))

    assert history.older() == Place("versions", "a", view=View(filter="best", cursor="17"))


def test_state_survives_a_round_trip(tmp_path):
    place = Place("versions", "p/x", ("p/y",), View(filter="a", sort="-size", cursor="3", folded=("model",)))
    state = Remembered(theme="nord", preview=False, recent=[place_document(place)])

    assert write_state(tmp_path / "deep" / "tui.json", state)
    again = read_state(tmp_path / "deep" / "tui.json")

    assert again == state
    assert place_from(again.recent[0]) == place


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"format": 99}',
        '{"format": 1, "theme": 3, "views": []}',
        '{"format":1,"x":' + "[" * 60_000,
    ],
    ids=["empty", "half", "list", "newer", "wrong types", "deep"],
)
def test_a_broken_state_is_no_state(tmp_path, text):
    file = tmp_path / "tui.json"
    file.write_text(text)

    assert read_state(file) == Remembered()


def test_state_that_cannot_be_kept_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")

    assert not write_state(tmp_path / "file" / "tui.json", Remembered())
    assert write_state(tmp_path / "tui.json", Remembered(recent=[{"target": "x" * 70_000}]))
    assert read_state(tmp_path / "tui.json").recent == []


@settings(max_examples=40, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_any_document_is_a_place_or_none(document):
    found = place_from(document)

    assert found is None or isinstance(found, Place)


def test_the_state_file_is_where_the_user_says(tmp_path):
    assert state_path({"XDG_STATE_HOME": "/s"}) == Path("/s/localart/tui.json")
    assert state_path({"HOME": "/h", "XDG_STATE_HOME": "relative"}) == Path(
        "/h/.local/state/localart/tui.json"
    )


# --- row sources -------------------------------------------------------------------------------------


def test_a_paged_source_reads_only_what_is_looked_at():
    asked = []

    def read(ids):
        asked.append(len(ids))
        return [f"row {row_id}" for row_id in ids]

    source = PagedSource(range(100_000), read)

    assert source.row(99_999) == "row 99999"
    assert source.row(99_990) == "row 99990"
    assert len(asked) == 1
    assert asked[0] <= CHUNK_ROWS
    assert source.index_of("50000") == 50_000
    assert source.index_of("100000") is None
    assert source.index_of("nonsense") is None


def test_a_paged_source_forgets_what_was_long_ago():
    source = PagedSource(range(CHUNK_ROWS * (KEPT_CHUNKS + 10)), lambda ids: [int(one) for one in ids])

    for index in range(0, len(source), CHUNK_ROWS):
        assert source.row(index) == index

    assert len(source._chunks) == KEPT_CHUNKS


def test_a_failed_read_is_told_once_and_not_repeated_until_forgotten():
    calls = []

    def read(ids):
        calls.append(1)
        if len(calls) == 1:
            raise StoreBusy("locked")
        return [str(one) for one in ids]

    source = PagedSource(range(10), read)

    assert source.row(3) is None
    assert source.row(4) is None
    assert isinstance(source.failure, StoreBusy)
    assert len(calls) == 1
    source.forget()
    assert source.row(3) == "3"


def test_a_list_source_finds_rows_by_id():
    source = ListSource(["a", "b"], str.upper)

    assert (len(source), source.id_at(1), source.index_of("B"), source.index_of("C")) == (2, "B", 1, None)


# --- filters -----------------------------------------------------------------------------------------

FIELDS = frozenset({"name", "size", "alias", "type", "versions", "metadata."})


def facts(name="mnist-raw", type_="dataset", size=54_000_000, alias=("latest", "best"), acc=0.93):
    values = {"name": name, "type": type_, "size": size, "alias": alias, "versions": 4, "metadata.acc": acc}
    return Facts(name=name, text=f"{name} {type_} {' '.join(alias)}", values=values)


@pytest.mark.parametrize(
    ("text", "meets"),
    [
        ("", True),
        ("mnist", True),
        ("MNIST raw", True),
        ("mnst", True),
        ("mrw", False),
        ("xyz", False),
        ("!xyz", True),
        ("!mnist", False),
        ('"mnist-raw dataset"', True),
        ('"raw mnist"', False),
        ("size>1M", True),
        ("size>1G", False),
        ("size<=54MB", True),
        ("size>50MiB", True),
        ("alias:bes", True),
        ("alias=bes", False),
        ("alias=best", True),
        ("!alias:best", False),
        ("type:data", True),
        ("type=model", False),
        ("type!=model", True),
        ("metadata.acc>0.9", True),
        ("m:acc>0.95", False),
        ("m:acc>abc", False),
        ("m:missing>1", False),
        ("re:^mnist-", True),
        ("re:v\\d+$", False),
        ("!re:raw", False),
        ("http://x", False),
        ("a=b", False),
    ],
)
def test_filters_choose_rows(text, meets):
    assert filtering.tester(parse_filter(text, FIELDS))(facts()) is meets


@pytest.mark.parametrize(
    "pattern", ["re:(", "re:(a+)+$", "re:(a|a)*b", "re:.*.*.*.*x", "re:(a)\\1", "re:[z-a]"]
)
def test_broken_and_costly_patterns_are_refused(pattern):
    with pytest.raises(UsageError):
        parse_filter(pattern, FIELDS)


def test_too_many_words_are_refused():
    with pytest.raises(UsageError):
        parse_filter("a " * 20, FIELDS)


@given(st.text(max_size=80))
def test_any_text_is_a_filter_or_a_usage_error(text):
    try:
        chosen = parse_filter(text, FIELDS)
    except UsageError:
        return
    filtering.tester(chosen)(facts())
    conditions(chosen)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("1.5k", 1500), ("2MiB", 2 << 20), ("1e3", 1000), ("x", None), ("1X", None)],
)
def test_amounts_have_units(text, number):
    assert amount(text) == number


def test_a_sketch_keeps_its_letters_together():
    assert is_sketch("prprc", "mnist-preprocessed")
    assert not is_sketch("mpd", "mnist-preprocessed")
    assert not is_sketch("ab", "ab")


def test_patterns_stay_out_of_the_catalog():
    chosen = Filter(
        (
            Term(test=Test.PATTERN, text="x"),
            Term(text="word"),
            Term(field="size", test=Test.MORE, text="1k", number=1000.0),
        )
    )

    found = conditions(chosen)

    assert [(one.field, one.test, one.value) for one in found] == [
        ("text", "has", "word"),
        ("size", ">", 1000.0),
    ]


# --- the house ---------------------------------------------------------------------------------------

UI_ONLY = {"Static", "Label", "notify"}


@pytest.mark.parametrize(
    "path", sorted(ROOM.rglob("*.py")), ids=lambda path: path.relative_to(ROOM).as_posix()
)
def test_only_ui_constructs_widgets_from_texts(path):
    """Nothing but `ui` calls Static, Label or App.notify: they read markup in data."""
    if path.name == "ui.py":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            attribute = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            assert name not in {"Static", "Label"}, f"line {node.lineno}"
            assert attribute != "notify", f"line {node.lineno}"


def test_the_browser_speaks_no_sql():
    words = ("SELECT ", "INSERT ", "UPDATE ", "DELETE FROM", "PRAGMA ")
    for path in ROOM.rglob("*.py"):
        text = path.read_text()
        assert not any(word in text for word in words), path


def test_the_docs_table_is_valid_markdown():
    rows = as_markdown().splitlines()

    assert all(row.startswith("|") and row.endswith("|") for row in rows)
