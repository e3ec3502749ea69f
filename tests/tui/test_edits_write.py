"""Changing with --write: what is saved, refused, undone, and that nobody's change is overwritten unread."""

import pytest
from big_store import EVIL
from browsing_app import bar, browsing, press, ready, screen_text
from test_core_hostile import check
from textual import events
from tui_driven import driven

import localart
from localart.operations.amend import Fact, amend, read_fact, take_back
from localart.operations.resolve import resolve_artifact, resolve_run, resolve_version
from localart.operations.update import update_version
from localart.repository import open_repository
from localart_tui.editing import EditArea, EditScreen
from localart_tui.modals import Menu
from localart_tui.places import Place


@pytest.fixture
def two(store):
    ids = []
    for number in range(2):
        with localart.init(project="p", notes="first", tags=["a"]) as run:
            artifact = localart.Artifact("data", type="dataset", description=f"take {number}")
            with artifact.new_file("a.txt") as file:
                file.write(str(number))
            run.log_artifact(artifact, aliases=["best"])
        ids.append(run.id)
    localart.finish()
    return store, ids


def version(root, address="p/data:latest"):
    repository = open_repository(root, create=False)
    try:
        return resolve_version(repository, address, project=None)
    finally:
        repository.close()


def run_of(root, run_id):
    repository = open_repository(root, create=False)
    try:
        return resolve_run(repository, run_id)
    finally:
        repository.close()


async def edit(pilot, letter, text):
    """Open the editor with the menu's letter and put a text into it."""
    await pilot.press("E")
    await pilot.pause(0.2)
    assert isinstance(pilot.app.screen, Menu)
    await pilot.press(letter)
    await pilot.pause(0.1)
    assert isinstance(pilot.app.screen, EditScreen)
    pilot.app.screen.query_one(EditArea).load_text(text)
    await pilot.pause()


async def saved(pilot):
    await pilot.press("ctrl+s")
    for _ in range(100):
        await pilot.pause(0.03)
        if not [one for one in pilot.app.workers if one.group == "edit"]:
            break
    await ready(pilot)


@driven
async def test_aliases_tags_and_description_are_saved_and_undone(two):
    async with browsing(two[0], Place("versions", "p/data"), write=True) as (app, pilot):
        await edit(pilot, "a", "best\nlatest\nprod\n")
        await saved(pilot)
        assert version(two[0]).aliases == ("best", "latest", "prod")
        assert "prod" in screen_text(app)
        await edit(pilot, "d", "checked\n  \ngood one\n")
        await saved(pilot)
        await edit(pilot, "g", "two\nlines")
        await saved(pilot)
        assert version(two[0]).tags == ("checked", "good one")
        assert version(two[0]).description == "two\nlines"

        await press(pilot, "u", "u", "u")
        await pilot.pause(0.5)
        now = version(two[0])
        assert (now.aliases, now.tags, now.description) == (("best", "latest"), (), "take 1")
        await press(pilot, "u")


@driven
async def test_undoing_a_moved_alias_gives_it_back_to_where_it_was(two):
    async with browsing(two[0], Place("artifact", "p/data:v0"), write=True) as (_, pilot):
        await edit(pilot, "a", "best")
        await saved(pilot)
        assert version(two[0], "p/data:best").number == 0
        await press(pilot, "u")
        await pilot.pause(0.4)
        assert version(two[0], "p/data:best").number == 1


@driven
async def test_notes_and_tags_of_a_run_are_saved_and_undone(two):
    root, (one, _) = two
    async with browsing(root, Place("graph", f"run:{one}"), write=True) as (app, pilot):
        app.page.graph_target = lambda: f"run:{one}"
        app.run_worker(app.action_edit())
        await pilot.pause(0.3)
        await pilot.press("a")
        await pilot.pause(0.1)
        app.screen.query_one(EditArea).load_text("a longer\nnote")
        await saved(pilot)
        assert run_of(root, one).notes == "a longer\nnote"
        await app.action_undo()
        assert run_of(root, one).notes == "first"


@driven
async def test_without_write_nothing_can_be_changed_and_it_says_how(two):
    async with browsing(two[0], Place("versions", "p/data")) as (app, pilot):
        await pilot.press("E", "u")
        await pilot.pause(0.2)
        assert not isinstance(app.screen, Menu)
        assert any("--write" in one.message for one in app._notifications)


@pytest.mark.parametrize(
    ("letter", "text", "words"),
    [
        ("a", "v3", "looks like a version number"),
        ("a", "a/b", "without '/' and ':'"),
        ("d", "no#sign", "Tag"),
        ("a", "x" * 200, "1–128"),
    ],
)
@driven
async def test_what_cannot_be_saved_is_said_in_place_and_stays_typed(two, letter, text, words):
    async with browsing(two[0], Place("versions", "p/data"), size=(100, 30), write=True) as (app, pilot):
        await edit(pilot, letter, text)
        await pilot.press("ctrl+s")
        await pilot.pause(0.3)
        assert isinstance(app.screen, EditScreen)
        assert words in screen_text(app)
        assert app.screen.query_one(EditArea).text == text
        await pilot.press("escape", "escape")
    assert version(two[0]).aliases == ("best", "latest")


@driven
async def test_somebody_elses_change_is_shown_before_it_can_be_overwritten(two):
    async with browsing(two[0], Place("versions", "p/data"), size=(110, 30), write=True) as (app, pilot):
        await edit(pilot, "g", "mine")
        describe(two[0], "theirs")
        await pilot.press("ctrl+s")
        await pilot.pause(0.4)
        assert isinstance(app.screen, EditScreen)
        assert "theirs" in screen_text(app)
        assert version(two[0]).description == "theirs"

        await pilot.press("ctrl+s")
        await pilot.pause(0.4)
        assert version(two[0]).description == "mine"

        describe(two[0], "theirs again")
        await press(pilot, "u")
        await pilot.pause(0.4)
        assert version(two[0]).description == "theirs again"
        assert any("not undone" in one.message for one in app._notifications)


def describe(root, text):
    repository = open_repository(root, create=False)
    try:
        now = resolve_version(repository, "p/data:latest", project=None)
        update_version(
            repository, now, description=text, metadata=now.metadata, aliases=now.aliases, tags=now.tags
        )
    finally:
        repository.close()


@driven
async def test_typed_text_is_not_lost_at_the_first_escape_and_ctrl_r_takes_the_stores(two):
    async with browsing(two[0], Place("versions", "p/data"), write=True) as (app, pilot):
        await edit(pilot, "g", "mine")
        await pilot.press("escape")
        assert isinstance(app.screen, EditScreen)
        await pilot.press("ctrl+r")
        await pilot.pause(0.2)
        assert app.screen.query_one(EditArea).text == "take 1"
        await pilot.press("escape")
        await ready(pilot)
        assert app.page.place.screen == "versions"


@driven
async def test_a_store_that_cannot_be_written_says_so_in_place(two, monkeypatch):
    from localart.errors import StoreReadOnly
    from localart_tui import editing

    def refuse(*_):
        raise StoreReadOnly("The store cannot be written", hint="check its permissions")

    async with browsing(two[0], Place("versions", "p/data"), write=True) as (app, pilot):
        monkeypatch.setattr(editing, "save", refuse)
        await edit(pilot, "g", "mine")
        await pilot.press("ctrl+s")
        await pilot.pause(0.2)
        assert "cannot be written" in screen_text(app)
        await pilot.press("escape", "escape")


@driven
async def test_hostile_texts_are_spelled_out_in_the_editor_and_when_pasted(two):
    describe(two[0], "\n".join(text.replace("\x00", "") for text in EVIL))
    async with browsing(two[0], Place("versions", "p/data"), size=(100, 30), write=True) as (app, pilot):
        await pilot.press("E")
        await pilot.pause(0.2)
        check(app)
        await pilot.press("g")
        await pilot.pause(0.2)
        check(app)
        assert "invisible" in screen_text(app)
        for trap in (*EVIL, "A" * (1 << 20)):
            app.screen.query_one(EditArea).load_text("")
            app.screen.query_one(EditArea).post_message(events.Paste(trap))
            await pilot.pause(0.05)
            check(app)
        await pilot.press("escape", "escape")


@driven
async def test_a_text_too_long_for_the_editor_is_left_alone(two):
    describe(two[0], "x" * 100_000)
    async with browsing(two[0], Place("versions", "p/data"), write=True) as (app, pilot):
        await pilot.press("E")
        await pilot.pause(0.2)
        await pilot.press("g")
        await pilot.pause(0.2)
        assert not isinstance(app.screen, EditScreen)
    assert len(version(two[0]).description) == 100_000


@driven
async def test_there_is_nothing_to_change_on_an_empty_page(store):
    open_repository(store).close()
    async with browsing(store, Place("home"), write=True) as (app, pilot):
        await press(pilot, "E", "u")
        assert bar(app, "crumbs").strip().startswith("localart")


# --- below the browser -----------------------------------------------------------------------------------


@pytest.fixture
def repository(two):
    opened = open_repository(two[0], create=False)
    yield opened
    opened.close()


def targets(repository, run_id):
    return {
        "version": resolve_version(repository, "p/data:v0", project=None),
        "artifact": resolve_artifact(repository, "p/data", project=None),
        "run": resolve_run(repository, run_id),
    }


CASES = [
    ("version", Fact.ALIASES, ["x", "y"]),
    ("version", Fact.TAGS, ["t"]),
    ("version", Fact.DESCRIPTION, ["a", "b"]),
    ("artifact", Fact.DESCRIPTION, ["c"]),
    ("artifact", Fact.TAGS, ["u"]),
    ("run", Fact.NOTES, ["n"]),
    ("run", Fact.TAGS, ["lr=0.1"]),
    ("run", Fact.NAME, ["renamed"]),
]


@pytest.mark.parametrize(
    ("what", "fact", "wanted"), CASES, ids=[f"{one}-{two.value}" for one, two, _ in CASES]
)
def test_every_fact_is_changed_journaled_and_taken_back(repository, two, what, fact, wanted):
    target = targets(repository, two[1][0])[what]
    before = read_fact(repository, target, fact)

    done = amend(repository, target, fact, seen=before, wanted=wanted)

    assert read_fact(repository, target, fact) == done.after != before
    assert done.seqs
    take_back(repository, done)
    assert read_fact(repository, target, fact) == before


@pytest.mark.parametrize(
    ("what", "fact", "wanted"), CASES, ids=[f"{one}-{two.value}" for one, two, _ in CASES]
)
def test_what_is_not_as_it_was_seen_is_not_overwritten(repository, two, what, fact, wanted):
    target = targets(repository, two[1][0])[what]
    before = read_fact(repository, target, fact)

    with pytest.raises(localart.errors.ContentConflict, match="meanwhile"):
        amend(repository, target, fact, seen=("something else",), wanted=wanted)

    assert read_fact(repository, target, fact) == before


def test_saving_what_is_there_already_writes_nothing(repository, two):
    target = targets(repository, two[1][0])["version"]
    now = read_fact(repository, target, Fact.ALIASES)

    assert amend(repository, target, Fact.ALIASES, seen=now, wanted=list(now)).seqs == ()
