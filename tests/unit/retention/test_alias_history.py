"""What an alias pointed to at some time, and aliases that must not move."""

import time
from datetime import datetime

import pytest
from retention_bench import NOON, Bench

import localart
from localart.errors import AliasProtected, ArtifactNotFound, InvalidName
from localart.names import check_alias, parse_address
from localart.operations.alias_history import (
    iter_alias_log,
    protect_aliases,
    protected,
    relabel,
    unprotect_aliases,
)
from localart.operations.delete import delete_version
from localart.operations.link import LinkTarget, link_version
from localart.operations.move import move_artifact


@pytest.fixture(autouse=True)
def in_new_york(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def point(bench: Bench, label: str, alias: str, **how: bool) -> None:
    relabel(bench.repository, bench.linked(label), [alias], [], force=how.get("force", False))


@pytest.fixture
def moved(bench: Bench) -> Bench:
    """`best`: v0 on September 1 at noon UTC, v2 on the 2nd, nothing on the 3rd, v1 on the 4th."""
    bench.log(3)
    point(bench, "a:v0", "best")
    bench.later(days=1)
    point(bench, "a:v2", "best")
    bench.later(days=1)
    relabel(bench.repository, bench.linked("a:v2"), [], ["best"], force=False)
    bench.later(days=1)
    point(bench, "a:v1", "best")
    return bench


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-09-01T12:00Z", "a:v0"),
        ("2026-09-01T08:00", "a:v0"),
        ("2026-09-02", "a:v0"),
        ("2026-09-02T11:59:59.999999Z", "a:v0"),
        ("2026-09-02T12:00+00:00", "a:v2"),
        ("2026-09-03T07:59", "a:v2"),
        ("2030-01-01", "a:v1"),
    ],
)
def test_an_address_may_ask_what_an_alias_pointed_to_then(moved: Bench, moment: str, expected: str) -> None:
    assert moved.version(f"a:best@{moment}").label == expected
    assert localart.Api().artifact(f"p/a:best@{moment}").source_name == expected


@pytest.mark.parametrize("moment", ["2026-09-01", "2026-09-01T07:59", "2026-09-03T08:00"])
def test_an_alias_that_pointed_nowhere_then_says_so(moved: Bench, moment: str) -> None:
    with pytest.raises(ArtifactNotFound, match="pointed nowhere"):
        moved.version(f"a:best@{moment}")


def test_a_version_that_was_deleted_since_is_named(moved: Bench) -> None:
    moved.delete("a:v0")

    with pytest.raises(ArtifactNotFound, match="pointed to p/a:v0, which was deleted"):
        moved.version("a:best@2026-09-02")


def test_the_log_of_aliases_follows_renames_and_keeps_portfolios_apart(moved: Bench) -> None:
    link_version(moved.repository, moved.version("a:v0"), LinkTarget(project="p", name="reg"), ["best"])
    move_artifact(moved.repository, moved.artifact(), project="q", name="b")
    moved.later(days=1)
    point(moved, "q/b:v2", "best")

    artifact = list(iter_alias_log(moved.repository, _at(moved, "q/b"), "best"))
    portfolio = [one.version for one in iter_alias_log(moved.repository, _at(moved, "p/reg"), "best")]

    assert [one.version for one in artifact] == ["q/b:v2", "q/b:v1", None, "q/b:v2", "q/b:v0"]
    assert portfolio == ["q/b:v0"]
    assert moved.linked("q/b:best@2026-09-03").version.label == "b:v2"
    assert moved.linked("p/reg:best@2026-09-05").version.label == "b:v0"


def _at(bench: Bench, address: str):
    from localart.operations.resolve import resolve_artifact

    return resolve_artifact(bench.repository, address, project=None)


def test_the_order_of_changes_counts_where_a_clock_jumped_back(bench: Bench) -> None:
    bench.log(3)
    point(bench, "a:v0", "best")
    bench.later(days=-365)
    point(bench, "a:v1", "best")
    bench.later(days=366)

    assert bench.version("a:best@2026-09-02").label == "a:v1"
    assert bench.version("a:best").label == "a:v1"


def test_addresses_with_a_moment_are_taken_apart() -> None:
    parsed = parse_address("p/a:best@2026-09-01T12:00")

    assert (parsed.project, parsed.name, parsed.selector, parsed.moment) == (
        "p",
        "a",
        "best",
        "2026-09-01T12:00",
    )
    assert parse_address("a:me@home").selector == "me@home"
    assert parse_address("a:me@home").moment is None
    assert parse_address("a@2026-09-01").selector == "latest"
    assert parse_address("a:x@y@2026-09-01").selector == "x@y"


@pytest.mark.parametrize(
    "text", ["a:v3@2026-09-01", "a:@2026-09-01", "a:b:c@2026-09-01", "a:b@2026-09-01T12"]
)
def test_addresses_that_make_no_sense_at_any_time_are_refused_or_plain(text: str) -> None:
    if text == "a:b@2026-09-01T12":
        assert parse_address(text).moment is None
        return
    if text == "a:@2026-09-01":
        assert parse_address(text).moment is None
        return
    with pytest.raises(InvalidName):
        parse_address(text)


def test_a_day_that_does_not_exist_is_no_moment(moved: Bench) -> None:
    with pytest.raises(InvalidName, match="no date or time"):
        moved.version("a:best@2026-02-30")


def test_no_new_alias_ends_like_a_moment() -> None:
    with pytest.raises(InvalidName, match="moment in time"):
        check_alias("best@2026-09-01")
    assert check_alias("best@home") == "best@home"


# --- protected aliases -------------------------------------------------------------------------------


@pytest.fixture
def guarded(bench: Bench) -> Bench:
    """`prod` is protected, on v0."""
    bench.log(2)
    point(bench, "a:v0", "prod")
    protect_aliases(bench.repository, bench.artifact(), ["prod"])
    return bench


def test_a_protected_alias_moves_only_by_force(guarded: Bench) -> None:
    with pytest.raises(AliasProtected, match="'prod' of p/a is protected"):
        point(guarded, "a:v1", "prod")
    assert guarded.aliases()["prod"] == "v0"

    point(guarded, "a:v1", "prod", force=True)

    assert guarded.aliases()["prod"] == "v1"
    assert protected(guarded.repository, guarded.artifact()) == ["prod"]


def test_logging_editing_and_deleting_refuse_alike(guarded: Bench) -> None:
    version = localart.Api().artifact("p/a:v1")
    version.aliases.append("prod")
    with pytest.raises(AliasProtected):
        version.save()
    with pytest.raises(AliasProtected):
        guarded.log(aliases=["prod"])
    with pytest.raises(AliasProtected):
        delete_version(guarded.repository, guarded.version("a:v0"), with_aliases=True)
    with pytest.raises(AliasProtected):
        guarded.delete("a:v0")

    assert guarded.aliases() == {"latest": "v1", "prod": "v0"}
    assert guarded.labels() == ["a:v0", "a:v1"]
    guarded.delete("a:v0", force=True)
    assert guarded.labels() == ["a:v1"]


def test_a_protected_alias_may_be_set_where_none_was(guarded: Bench) -> None:
    protect_aliases(guarded.repository, guarded.artifact(), ["next"])

    point(guarded, "a:v1", "next")

    assert guarded.aliases()["next"] == "v1"


def test_an_alias_that_is_not_protected_any_more_moves(guarded: Bench) -> None:
    unprotect_aliases(guarded.repository, guarded.artifact(), ["prod"])

    point(guarded, "a:v1", "prod")

    assert guarded.aliases()["prod"] == "v1"


def test_latest_cannot_be_protected(guarded: Bench) -> None:
    with pytest.raises(InvalidName, match="every log moves it"):
        protect_aliases(guarded.repository, guarded.artifact(), ["fine", "latest"])
    assert protected(guarded.repository, guarded.artifact()) == ["prod"]


def test_noon_is_noon() -> None:
    assert NOON.astimezone().isoformat() == datetime(2026, 9, 1, 8).astimezone().isoformat()
