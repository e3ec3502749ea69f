"""Which versions rules keep, which go, what that frees, and what others change meanwhile."""

from datetime import timedelta

import pytest
from retention_bench import Bench

import localart
from localart.errors import InvalidName, ProjectNotFound
from localart.operations import retention
from localart.operations.alias_history import protect_aliases, relabel
from localart.operations.link import LinkTarget, link_version
from localart.operations.prune import execute_prune
from localart.operations.retention import (
    Best,
    RetentionRules,
    execute_retention,
    parse_age,
    parse_best,
    plan_retention,
)
from localart.operations.trash import list_trash


def kept(bench: Bench, rules: RetentionRules, *places: str) -> dict[str, tuple[str, ...]]:
    """What stays, and why."""
    plan = plan_retention(bench.repository, rules, places)
    return {one.version.label: one.reasons for one in plan.verdicts if one.is_kept}


def going(bench: Bench, rules: RetentionRules, *places: str) -> list[str]:
    return [version.label for version in plan_retention(bench.repository, rules, places).doomed]


def test_the_last_ones_by_number_stay_with_every_reason_told(bench: Bench) -> None:
    bench.log(5, aliases=["best"])

    assert kept(bench, RetentionRules(keep_last=2)) == {
        "a:v4": ("last 2", "alias best", "alias latest"),
        "a:v3": ("last 2",),
    }


def test_without_a_rule_nothing_goes_that_has_not_expired(bench: Bench) -> None:
    bench.log(3)

    assert plan_retention(bench.repository, RetentionRules()).verdicts == ()


BY_LOSS = RetentionRules(keep_best=(Best(metric="loss", lowest=True),))
BY_F1 = RetentionRules(keep_best=(Best(metric="score.f1"),))
BY_AUC = RetentionRules(keep_best=(Best(metric="auc"),))


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        pytest.param(RetentionRules(keep_tagged=True), {"a:v1": ("tag gold",)}, id="tagged"),
        pytest.param(BY_LOSS, {"a:v2": ("best by loss (0.1)",)}, id="lowest"),
        pytest.param(BY_F1, {"a:v1": ("best by score.f1 (0.9)",)}, id="nested"),
        pytest.param(BY_AUC, {"a:v3": ("best by auc (0.7)",)}, id="summary"),
        pytest.param(RetentionRules(keep_inputs=True), {"a:v0": ("input of reader",)}, id="inputs"),
    ],
)
def test_each_rule_keeps_what_it_names(bench: Bench, rules: RetentionRules, expected: dict) -> None:
    bench.log(metadata={"loss": 0.5})
    bench.log(metadata={"loss": float("nan"), "score": {"f1": 0.9}}, tags=["gold"])
    bench.log(metadata={"loss": 0.1, "score": {"f1": True}})
    bench.log(summary={"auc": 0.7})
    bench.log(summary={"auc": "none"})
    with localart.init(project="p", id="reader") as run:
        run.use_artifact("a:v0")

    assert kept(bench, rules) == {**expected, "a:v4": ("alias latest",)}


def test_young_versions_stay_and_those_from_the_future_are_young(bench: Bench) -> None:
    bench.log(2)
    bench.later(days=40)
    bench.log(1)
    rules = RetentionRules(keep_within_seconds=30 * 86_400, keep_aliased=False)

    assert going(bench, rules) == ["a:v1", "a:v0"]
    bench.later(days=-400)
    assert plan_retention(bench.repository, rules).clock_is_behind
    assert going(bench, rules) == []


@pytest.mark.parametrize("days", [-365, 365])
def test_a_clock_that_jumps_never_reorders_versions(bench: Bench, days: int) -> None:
    bench.log(2)
    bench.later(days=days)
    bench.log(2)
    bench.later(days=-days)
    bench.log(1)

    assert going(bench, RetentionRules(keep_last=2, keep_aliased=False)) == ["a:v2", "a:v1", "a:v0"]


def test_versions_of_one_moment_are_told_apart_by_their_numbers(bench: Bench) -> None:
    bench.log(4)

    assert going(bench, RetentionRules(keep_last=1)) == ["a:v2", "a:v1", "a:v0"]


def test_what_a_kept_version_came_of_stays_with_ancestors(bench: Bench) -> None:
    bench.log(name="raw", aliases=[])
    bench.log(name="raw")
    bench.log(name="clean", uses=["raw:v0"])
    bench.log(name="clean", uses=["raw:v1"])
    bench.log(uses=["clean:v0"])
    bench.log(name="raw")

    found = kept(bench, RetentionRules(keep_last=1, keep_ancestors=True))

    assert found["clean:v0"] == ("a:v0 came of it",)
    assert set(found) == {"a:v0", "clean:v0", "clean:v1", "raw:v0", "raw:v1", "raw:v2"}


def test_the_only_one_left_is_never_freed(bench: Bench) -> None:
    bench.log(3)

    rules = RetentionRules(keep_tagged=True, keep_aliased=False)

    assert kept(bench, rules) == {"a:v2": ("the only one left",)}


def test_what_is_linked_protected_or_in_use_stays_in_any_case(bench: Bench) -> None:
    bench.log(5, aliases=["prod"])
    target = LinkTarget(project="p", name="reg")
    link_version(bench.repository, bench.version("a:v0"), target)
    relabel(bench.repository, bench.linked("a:v1"), ["prod"], [], force=False)
    protect_aliases(bench.repository, bench.artifact(), ["prod"])
    run = localart.init(project="p", id="busy")
    run.use_artifact("a:v2")

    found = kept(bench, RetentionRules(keep_last=1, keep_aliased=False))
    run.finish()

    assert found == {
        "a:v4": ("last 1",),
        "a:v2": ("used by busy, which is running",),
        "a:v1": ("protected alias prod",),
        "a:v0": ("linked as p/reg:v0",),
    }
    assert "a:v0" in going(bench, RetentionRules(keep_last=1, linked_too=True))


# --- lifetimes ---------------------------------------------------------------------------------------


def test_what_has_expired_goes_unless_an_alias_or_a_rule_keeps_it(bench: Bench) -> None:
    bench.log(1, ttl=timedelta(days=1))
    bench.log(1, ttl=timedelta(days=1), aliases=["best"])
    bench.log(1, ttl=timedelta(days=90))
    bench.log(1, ttl=timedelta(days=1))

    assert going(bench, RetentionRules()) == []
    bench.later(days=2)

    assert going(bench, RetentionRules()) == ["a:v3", "a:v0"]
    assert going(bench, RetentionRules(keep_last=1)) == ["a:v2", "a:v0"]


def test_a_clock_a_year_ahead_frees_no_byte_and_a_deletion_by_it_can_be_undone(bench: Bench) -> None:
    bench.log(2, ttl=timedelta(days=30))
    bench.log(1)
    bench.later(days=365)

    gone = execute_retention(bench.repository, plan_retention(bench.repository, RetentionRules()))
    report = execute_prune(bench.repository)

    assert [version.label for version in gone] == ["a:v1", "a:v0"]
    assert report.emptied_versions == 0
    bench.later(days=-365)
    assert execute_prune(bench.repository).emptied_versions == 0
    assert {one.version.label for one in list_trash(bench.repository)} == {"a:v1", "a:v0"}


# --- bytes -------------------------------------------------------------------------------------------


def test_a_set_frees_more_than_the_sum_of_its_versions(bench: Bench) -> None:
    bench.log(size=50_000)
    with localart.init(project="p") as run:
        twin = run.use_artifact("a:v0").new_draft()
        with twin.new_file("y.bin", "wb") as file:
            file.write(bench.contents["a:v0"][:20_000][::-1])
        run.log_artifact(twin)
    bench.log(size=1_000)

    plan = plan_retention(bench.repository, RetentionRules(keep_last=1))

    each = {one.version.label: one.exclusive_bytes for one in plan.verdicts if not one.is_kept}
    assert each["a:v0"] < 1_000
    assert each["a:v1"] == pytest.approx(20_000, rel=0.05)
    assert plan.freed_bytes == pytest.approx(70_000, rel=0.05)
    execute_retention(bench.repository, plan, at_once=True)
    assert execute_prune(bench.repository).freed_bytes == pytest.approx(plan.freed_bytes, rel=0.3)
    bench.check()


# --- executing ---------------------------------------------------------------------------------------


def test_what_goes_goes_to_the_trash_in_slices(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_SLICE", 2)
    bench.log(6)

    gone = execute_retention(bench.repository, plan_retention(bench.repository, RetentionRules(keep_last=1)))

    assert [version.number for version in gone] == [4, 3, 2, 1, 0]
    assert bench.labels() == ["a:v5"]
    assert len(list_trash(bench.repository)) == 5


def test_what_somebody_gave_an_alias_since_the_plan_stays(bench: Bench) -> None:
    bench.log(4)
    plan = plan_retention(bench.repository, RetentionRules(keep_last=1))
    relabel(bench.repository, bench.linked("a:v1"), ["wanted"], [], force=False)

    execute_retention(bench.repository, plan)

    assert bench.labels() == ["a:v1", "a:v3"]


def test_what_was_logged_since_the_plan_is_judged_but_never_deleted_unseen(bench: Bench) -> None:
    bench.log(3)
    plan = plan_retention(bench.repository, RetentionRules(keep_last=1, keep_aliased=False))
    bench.log(2)

    execute_retention(bench.repository, plan)

    assert bench.labels() == ["a:v2", "a:v3", "a:v4"]


def test_rules_are_about_the_places_asked_for(bench: Bench) -> None:
    bench.log(2)
    bench.log(2, name="b")

    assert going(bench, RetentionRules(keep_last=1), "a") == ["a:v0"]
    assert going(bench, RetentionRules(keep_last=1), "p/") == ["a:v0", "b:v0"]
    with pytest.raises(ProjectNotFound):
        going(bench, RetentionRules(keep_last=1), "q/")
    with pytest.raises(InvalidName, match="one version"):
        going(bench, RetentionRules(keep_last=1), "a:v0")


def test_ages_and_metrics_are_read(bench: Bench) -> None:
    assert [parse_age(text) for text in ("12h", "30d", "2w")] == [43_200, 2_592_000, 1_209_600]
    assert parse_best("val/loss:min") == Best(metric="val/loss", lowest=True)
    assert parse_best("a:b") == Best(metric="a:b")
    for text in ("", "d", "-1d", "1.5d", "1y"):
        with pytest.raises(InvalidName):
            parse_age(text)
