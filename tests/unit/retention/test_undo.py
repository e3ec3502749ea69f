"""Each kind of change can be taken back, done again, and is refused when something newer rests on it."""

import json

import pytest
from retention_bench import Bench

import localart
from localart.catalog import history
from localart.errors import AliasProtected, CannotUndo, ContentConflict
from localart.operations.alias_history import protect_aliases, protected, relabel
from localart.operations.changes import iter_history, tell
from localart.operations.collection import CollectionFacts, update_collection
from localart.operations.link import LinkTarget, link_version, unlink
from localart.operations.move import move_artifact
from localart.operations.undo import execute_undo, plan_undo, undone_changes
from localart.operations.update import retag, update_version
from localart.operations.verify import verify

REG = LinkTarget(project="p", name="reg")


def point(bench: Bench, label: str, *aliases: str, remove: bool = False, force: bool = False) -> None:
    add, take = ([], aliases) if remove else (aliases, [])
    relabel(bench.repository, bench.linked(label), add, take, force=force)


def undo(bench: Bench, seq: int | None = None, **how: bool) -> int:
    return execute_undo(bench.repository, plan_undo(bench.repository, seq), **how).seq


def last(bench: Bench) -> int:
    return history.newest_seq(bench.repository.read())


def state(bench: Bench) -> list[tuple[object, ...]]:
    """All that users see of versions, aliases, links and artifacts."""
    read = bench.repository.read()
    return [
        *read.execute(
            "SELECT project, artifact, type, version, aliases, tags, digest, description, metadata, state"
            " FROM versions_view ORDER BY version_id"
        ).fetchall(),
        *read.execute("SELECT artifact, name, version FROM aliases ORDER BY 1, 2").fetchall(),
        *read.execute("SELECT artifact, number, version FROM links WHERE removed_at IS NULL ORDER BY 1, 2").fetchall(),
        *read.execute("SELECT project, name, type, description, ttl_seconds FROM artifacts").fetchall(),
        *read.execute("SELECT * FROM artifact_tags ORDER BY 1, 2").fetchall(),
        *read.execute("SELECT * FROM protected_aliases ORDER BY 1, 2").fetchall(),
    ]  # fmt: skip


def facts(bench: Bench, **changed: object) -> CollectionFacts:
    artifact = bench.artifact()
    now = {
        "name": artifact.name, "type": artifact.type, "description": artifact.description, "tags": (),
        "ttl_seconds": artifact.ttl_seconds,
    }  # fmt: skip
    return CollectionFacts(**{**now, **changed})


def _unlinked(bench: Bench) -> None:
    unlink(bench.repository, bench.linked("reg:v1").link)


def _updated(bench: Bench) -> None:
    version = bench.version("a:v1")
    update_version(
        bench.repository, version, description="new", metadata={"b": [1]}, aliases=version.aliases, tags=version.tags
    )  # fmt: skip


def _collection(**changed: object):
    return lambda bench: update_collection(bench.repository, bench.artifact(), facts(bench, **changed))


CHANGES = {
    "alias moved": lambda bench: point(bench, "a:v2", "best"),
    "alias new": lambda bench: point(bench, "a:v2", "fresh", "more"),
    "alias removed": lambda bench: point(bench, "a:v1", "best", remove=True),
    "portfolio's alias moved": lambda bench: point(bench, "reg:v1", "prod"),
    "alias protected": lambda bench: protect_aliases(bench.repository, bench.artifact(), ["best", "x"]),
    "tags": lambda bench: retag(bench.repository, bench.version("a:v1"), add=["x", "y"]),
    "description and metadata": _updated,
    "linked": lambda bench: link_version(bench.repository, bench.version("a:v2"), REG, ["prod"]),
    "unlinked": _unlinked,
    "moved": lambda bench: move_artifact(bench.repository, bench.artifact(), project="elsewhere", name="b"),
    "deleted": lambda bench: bench.delete("a:v1"),
    "latest deleted": lambda bench: bench.delete("a:v2"),
    "several deleted": lambda bench: bench.delete("a:v2", "a:v1", "a:v0"),
    "artifact described": _collection(description="all"),
    "artifact retyped": _collection(type="other"),
    "artifact's lifetime": _collection(ttl_seconds=60),
    "artifact tagged and described": _collection(tags=("t",), description="all"),
}


@pytest.fixture
def filled(bench: Bench) -> Bench:
    """`a:v0` to `a:v2`, `best` on v1; `reg:v0` and `reg:v1` are links to v0 and v1, `prod` on the first."""
    bench.log(3, aliases=[])
    point(bench, "a:v1", "best")
    link_version(bench.repository, bench.version("a:v0"), REG, ["prod"])
    link_version(bench.repository, bench.version("a:v1"), REG)
    return bench


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_taken_back_and_done_again(filled: Bench, name: str) -> None:
    before = state(filled)
    CHANGES[name](filled)
    after = state(filled)
    assert after != before

    number = undo(filled)
    assert state(filled) == before
    again = undo(filled, number)
    assert state(filled) == after
    undo(filled, again)

    assert state(filled) == before
    filled.check()
    assert verify(filled.repository).findings == ()


def test_undo_goes_back_step_by_step_past_its_own_records(filled: Bench) -> None:
    states = [state(filled)]
    for change in ("alias moved", "tags", "description and metadata", "deleted"):
        CHANGES[change](filled)
        states.append(state(filled))

    for expected in reversed(states[:-1]):
        undo(filled)
        assert state(filled) == expected


def test_an_alias_that_moved_again_is_not_moved_back_under_it(filled: Bench) -> None:
    point(filled, "a:v2", "best")
    first = last(filled)
    point(filled, "a:v0", "best")

    with pytest.raises(CannotUndo, match="changed again") as refused:
        undo(filled, first)

    assert refused.value.hint == f"localart undo {last(filled)} first"
    assert filled.aliases()["best"] == "v0"


@pytest.mark.parametrize("name", ["tags", "description and metadata", "artifact described", "moved"])
def test_what_was_changed_again_since_is_left_alone(filled: Bench, name: str) -> None:
    CHANGES[name](filled)
    number = last(filled)
    if name == "moved":
        move_artifact(filled.repository, filled.artifact("elsewhere/b"), project="p", name="c")
    elif name == "artifact described":
        _collection(description="other")(filled)
    else:
        version = filled.version("a:v1")
        update_version(
            filled.repository, version, description="third", metadata={}, aliases=version.aliases, tags=["z"]
        )
    before = state(filled)

    with pytest.raises(CannotUndo, match="again since"):
        undo(filled, number)
    assert state(filled) == before


def test_an_alias_given_elsewhere_since_the_deletion_stays_there(filled: Bench) -> None:
    filled.delete("a:v1")
    deletion = next(history.iter_changes(filled.repository.read(), kinds=("version.deleted",))).seq
    point(filled, "a:v2", "best")

    report = execute_undo(filled.repository, plan_undo(filled.repository, deletion))

    assert report.said == ("p/a:v1 is back; alias 'best' stays with a:v2",)
    assert filled.aliases()["best"] == "v2"


def test_latest_stays_with_what_was_logged_since_the_deletion(filled: Bench) -> None:
    filled.delete("a:v2")
    deletion = next(history.iter_changes(filled.repository.read(), kinds=("version.deleted",))).seq
    filled.log()

    undo(filled, deletion)

    assert filled.aliases()["latest"] == "v3"
    assert filled.labels() == ["a:v0", "a:v1", "a:v2", "a:v3"]


def test_a_version_does_not_come_back_into_what_became_a_portfolio(bench: Bench) -> None:
    bench.log(1)
    bench.log(1, name="b")
    bench.delete("a:v0")
    deletion = next(history.iter_changes(bench.repository.read(), kinds=("version.deleted",))).seq
    link_version(bench.repository, bench.version("b:v0"), LinkTarget(project="p", name="a"))

    with pytest.raises(CannotUndo, match="portfolio by now"):
        undo(bench, deletion)


def test_a_protected_alias_moves_back_only_by_force(filled: Bench) -> None:
    point(filled, "a:v2", "best")
    number = last(filled)
    protect_aliases(filled.repository, filled.artifact(), ["best"])

    with pytest.raises(AliasProtected):
        undo(filled, number)
    undo(filled, number, force=True)

    assert filled.aliases()["best"] == "v1"
    assert protected(filled.repository, filled.artifact()) == ["best"]


def test_what_was_undone_is_not_undone_twice(filled: Bench) -> None:
    point(filled, "a:v2", "best")
    number = last(filled)
    by = undo(filled)

    with pytest.raises(CannotUndo, match=f"undone already, by {by}"):
        undo(filled, number)
    undo(filled, by)
    assert number not in undone_changes(filled.repository)


def test_logs_and_runs_are_not_taken_back(bench: Bench) -> None:
    bench.log()
    logged = next(history.iter_changes(bench.repository.read(), kinds=("version.logged",))).seq

    with pytest.raises(CannotUndo, match="not one that can be taken back"):
        undo(bench, logged)
    with pytest.raises(CannotUndo, match="nothing to undo"):
        undo(bench)
    with pytest.raises(CannotUndo, match="There is no change"):
        undo(bench, 10_000)


def test_a_name_that_was_taken_since_stays_taken(filled: Bench) -> None:
    move_artifact(filled.repository, filled.artifact(), project="p", name="b")
    number = last(filled)
    filled.log(name="a")

    with pytest.raises(ContentConflict):
        undo(filled, number)


def test_changes_of_one_moment_are_told_apart_by_their_transactions(bench: Bench) -> None:
    bench.log(2)
    point(bench, "a:v0", "one")
    point(bench, "a:v1", "two", "three")

    undo(bench)

    assert bench.aliases() == {"latest": "v1", "one": "v0"}


def test_the_history_tells_every_kind_of_change_in_words(filled: Bench) -> None:
    for change in CHANGES.values():
        change(filled)
        undo(filled)
    told = [tell(filled.repository, one) for one in iter_history(filled.repository, None, with_runs=True)]

    kinds = {one.change.kind for one in told}
    assert {kind for kind in kinds if not kind.startswith(("run.", "project."))} >= {
        "undo", "version.restored", "link.removed", "alias.protected", "artifact.retyped",
    }  # fmt: skip
    assert all(one.words and "\n" not in one.words for one in told)


def test_the_history_of_an_artifact_follows_it_through_renames(filled: Bench) -> None:
    filled.log(name="other")
    move_artifact(filled.repository, filled.artifact(), project="p", name="b")

    seqs = [one.seq for one in iter_history(filled.repository, "b", with_runs=False)]
    of_one = [one.kind for one in iter_history(filled.repository, "b:v1", with_runs=False)]

    whole = [one.seq for one in iter_history(filled.repository, None, with_runs=False)]
    other = {one.seq for one in iter_history(filled.repository, "other", with_runs=False)}
    reg = {one.seq for one in iter_history(filled.repository, "reg", with_runs=False)}
    assert set(seqs) == set(whole) - other - {one for one in reg if _made(filled, one)}
    assert of_one == ["alias.set", "link.added", "alias.set", "alias.set", "version.logged"]


def _made(bench: Bench, seq: int) -> bool:
    change = history.find_change(bench.repository.read(), seq)
    return change.kind == "artifact.created"


def test_a_change_in_the_journal_that_was_tampered_with_is_not_believed(filled: Bench) -> None:
    read = filled.repository.read()
    point(filled, "a:v2", "best")
    body = json.dumps({"alias": "best", "label": "p/a:v2", "version": filled.version("a:v0").uid})
    read.execute("DROP TRIGGER journal_never_changes")
    read.execute("UPDATE journal SET body = ? WHERE seq = (SELECT max(seq) FROM journal)", (body,))

    with pytest.raises(localart.errors.CatalogDamaged):
        undo(filled)
