"""Links: a version in a portfolio, a model registry or a registry, as W&B numbers, names and removes them."""

import datetime as dt
from pathlib import Path

import pytest

import localart
from localart.errors import ArtifactHasAliases, CommError
from localart.operations.expiry import list_expired

REGISTRY = "wandb-registry-model/Churn Model"


def with_text(text: str, name: str = "data", kind: str = "model") -> localart.Artifact:
    made = localart.Artifact(name, type=kind)
    with made.new_file("a.txt") as file:
        file.write(text)
    return made


@pytest.fixture
def logged(run: localart.Run) -> localart.Artifact:
    """`demo/data:v1`, the second version."""
    run.log_artifact(with_text("one"))
    return run.log_artifact(with_text("two"))


def fetch(address: str) -> localart.Artifact:
    return localart.Api().artifact(address)


def journal(run: localart.Run, kind: str) -> list[str]:
    rows = run.log_artifact(with_text("probe", name="probe")).repository.read()
    return [body for (body,) in rows.execute("SELECT body FROM journal WHERE kind = ? ORDER BY seq", (kind,))]


def test_a_linked_artifact_has_the_portfolios_name_number_and_aliases(logged: localart.Artifact) -> None:
    linked = logged.link(REGISTRY, aliases=["production"])

    assert linked.is_link
    assert (linked.name, linked.version, linked.project) == ("Churn Model:v0", "v0", "wandb-registry-model")
    assert sorted(linked.aliases) == ["latest", "production"]
    assert (linked.id, linked.digest, linked.type) == (logged.id, logged.digest, "model")
    assert (linked.source_name, linked.source_version, linked.source_project) == ("data:v1", "v1", "demo")
    assert (linked.qualified_name, linked.source_qualified_name) == (f"{REGISTRY}:v0", "demo/data:v1")
    assert linked.linked_at is not None
    assert linked.source_artifact.name == "data:v1"
    assert not linked.source_artifact.is_link
    assert (linked.collection.name, linked.collection.is_sequence()) == ("Churn Model", False)
    assert (linked.source_collection.name, linked.source_collection.is_sequence()) == ("data", True)
    assert linked.linked_artifacts == []


def test_a_version_knows_its_links_and_keeps_its_own_aliases(logged: localart.Artifact) -> None:
    logged.link(REGISTRY, aliases="production")
    logged.link("model-registry/churn")

    assert [one.qualified_name for one in fetch("demo/data:v1").linked_artifacts] == [
        "model-registry/churn:v0",
        f"{REGISTRY}:v0",
    ]
    assert fetch("demo/data:v1").aliases == ["latest"]


def test_numbers_and_latest_are_the_portfolios_own(run: localart.Run, logged: localart.Artifact) -> None:
    logged.link(REGISTRY)
    fetch("demo/data:v0").link(REGISTRY, ["old"])

    assert (fetch(f"{REGISTRY}:v0").source_name, fetch(f"{REGISTRY}:v1").source_name) == (
        "data:v1",
        "data:v0",
    )
    assert (fetch(REGISTRY).version, fetch(f"{REGISTRY}:latest").source_name) == ("v1", "data:v0")
    assert fetch("demo/data:latest").version == "v1"


def test_linking_again_keeps_the_number_and_adds_the_aliases(logged: localart.Artifact) -> None:
    logged.link(REGISTRY, ["a"])
    fetch("demo/data:v0").link(REGISTRY, ["b"])

    again = logged.link(REGISTRY, ["c"])

    assert (again.version, sorted(again.aliases)) == ("v0", ["a", "c", "latest"])


def test_a_link_to_a_link_leads_to_the_source(logged: localart.Artifact) -> None:
    linked = logged.link(REGISTRY)

    again = linked.link("model-registry/other")

    assert (again.source_name, again.qualified_name) == ("data:v1", "model-registry/other:v0")


def test_an_alias_moves_inside_its_portfolio_only(logged: localart.Artifact) -> None:
    logged.link(REGISTRY, ["production"])
    logged.link("model-registry/churn", ["production"])
    fetch("demo/data:v0").link(REGISTRY, ["production"])

    assert fetch(f"{REGISTRY}:production").source_version == "v0"
    assert fetch("model-registry/churn:production").source_version == "v1"


def test_a_linked_artifact_is_used_and_downloaded_as_its_source(
    run: localart.Run, logged: localart.Artifact
) -> None:
    logged.link(REGISTRY, ["production"])

    used = run.use_artifact(f"{REGISTRY}:production", type="model")

    assert (used.name, used.is_link) == ("Churn Model:production", True)
    assert used.download().endswith("artifacts/data:v1")
    assert [one.name for one in run.used_artifacts()] == ["data:v1"]
    assert [one.id for one in fetch("demo/data:v1").used_by()] == [run.id]
    with pytest.raises(CommError):
        run.use_artifact(f"{REGISTRY}:production", type="dataset")


def test_the_run_links_a_draft_after_logging_it(run: localart.Run) -> None:
    draft = with_text("fresh")

    linked = run.link_artifact(draft, "churn", aliases=["candidate"])

    assert (draft.name, linked.qualified_name) == ("data:v0", "demo/churn:v0")
    assert [one.name for one in run.logged_artifacts()] == ["data:v0"]


def test_a_draft_links_itself_after_being_logged(run: localart.Run) -> None:
    linked = with_text("fresh").link(REGISTRY)

    assert (linked.source_qualified_name, linked.version) == ("demo/data:v0", "v0")


@pytest.mark.parametrize(
    "target", ["a/b/c/d", "p/", "p/c:v1", "p/c:best", "", "p/..", "p#/c", "p/ c"], ids=ascii
)
def test_a_target_that_is_no_collection_is_a_value_error(target: str, logged: localart.Artifact) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of them
        logged.link(target)

    assert logged.linked_artifacts == []


def test_a_bad_alias_links_nothing(logged: localart.Artifact) -> None:
    with pytest.raises(ValueError, match="Alias"):
        logged.link(REGISTRY, ["fine", "a:b"])

    assert logged.linked_artifacts == []


def test_a_portfolio_takes_one_type(run: localart.Run, logged: localart.Artifact) -> None:
    logged.link(REGISTRY)
    other = run.log_artifact(with_text("x", name="other", kind="dataset"))

    with pytest.raises(CommError, match="already exists with type 'model'"):
        other.link(REGISTRY)


def test_a_portfolio_and_an_artifact_cannot_have_one_name(
    run: localart.Run, logged: localart.Artifact
) -> None:
    with pytest.raises(CommError, match="versions of its own"):
        logged.link("demo/data")
    logged.link("demo/best-ones")
    with pytest.raises(ValueError, match="is a portfolio"):
        run.log_artifact(with_text("x", name="best-ones"))


# --- changing a link ------------------------------------------------------------------------------------------


def test_aliases_of_a_link_are_saved_in_the_portfolio_all_else_in_the_source(
    logged: localart.Artifact,
) -> None:
    linked = logged.link(REGISTRY, ["a"])

    linked.aliases.remove("a")
    linked.aliases.append("b")
    linked.description, linked.tags, linked.metadata["score"] = "words", ["seen"], 1
    linked.save()

    assert sorted(fetch(f"{REGISTRY}:v0").aliases) == ["b", "latest"]
    source = fetch("demo/data:v1")
    assert (source.aliases, source.description, source.tags, source.metadata) == (
        ["latest"], "words", ["seen"], {"score": 1},
    )  # fmt: skip
    assert (linked.is_link, linked.name) == (True, "Churn Model:v0")


def test_a_link_has_no_ttl_of_its_own_and_a_registry_keeps_versions(logged: localart.Artifact) -> None:
    logged.ttl = dt.timedelta(seconds=1)
    logged.save()
    linked = logged.link(REGISTRY)

    with pytest.raises(ValueError, match="source_artifact"):
        linked.ttl = dt.timedelta(days=1)

    assert (linked.ttl, fetch("demo/data:v1").ttl) == (None, None)


def test_a_version_in_another_portfolio_keeps_its_ttl_and_does_not_expire(
    run: localart.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = with_text("x")
    draft.ttl = dt.timedelta(seconds=1)
    logged = run.log_artifact(draft)
    later = (dt.datetime.now(dt.UTC) + dt.timedelta(seconds=5)).isoformat()
    monkeypatch.setattr(logged.repository, "clock", lambda: later)

    assert [one.label for one in list_expired(logged.repository)] == ["data:v0"]
    linked = logged.link("demo/shelf")
    assert (list_expired(logged.repository), logged.source_artifact.ttl) == ([], dt.timedelta(seconds=1))
    linked.unlink()
    assert [one.label for one in list_expired(logged.repository)] == ["data:v0"]


# --- removing a link ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["unlink", "delete"])
def test_removing_a_link_leaves_the_source(how: str, logged: localart.Artifact) -> None:
    fetch("demo/data:v0").link(REGISTRY)
    linked = logged.link(REGISTRY, ["production"])

    getattr(linked, how)()

    for address in (f"{REGISTRY}:v1", f"{REGISTRY}:production"):
        with pytest.raises(CommError):
            fetch(address)
    assert fetch(f"{REGISTRY}:latest").version == "v0"
    assert fetch("demo/data:v1").state == "COMMITTED"
    with pytest.raises(CommError, match="not linked any more"):
        linked.unlink()


def test_a_number_is_never_used_again(logged: localart.Artifact) -> None:
    logged.link(REGISTRY).unlink()

    assert logged.link(REGISTRY).version == "v1"
    with pytest.raises(CommError, match="deleted"):
        fetch(f"{REGISTRY}:v0")


def test_a_version_itself_cannot_be_unlinked(logged: localart.Artifact) -> None:
    logged.link(REGISTRY)

    with pytest.raises(ValueError, match="not a link"):
        fetch("demo/data:v1").unlink()


def test_deleting_a_version_takes_its_links_with_it(logged: localart.Artifact) -> None:
    fetch("demo/data:v0").link(REGISTRY)
    logged.link(REGISTRY, ["production"])

    with pytest.raises(ArtifactHasAliases, match="Churn Model:production"):
        fetch("demo/data:v1").delete()
    fetch("demo/data:v1").delete(delete_aliases=True)

    assert [one.version for one in localart.Api().artifacts("model", REGISTRY)] == ["v0"]
    assert fetch(f"{REGISTRY}:latest").source_name == "data:v0"


def test_an_alias_in_a_portfolio_alone_guards_a_version(run: localart.Run, logged: localart.Artifact) -> None:
    old = fetch("demo/data:v0")
    old.link(REGISTRY)

    with pytest.raises(ArtifactHasAliases):
        old.delete()


def test_every_change_of_links_is_in_the_journal(run: localart.Run, logged: localart.Artifact) -> None:
    linked = logged.link(REGISTRY, ["production"])
    linked.unlink()

    (added,), (removed,) = journal(run, "link.added"), journal(run, "link.removed")
    assert logged.id in added
    assert '"artifact":"Churn Model"' in removed
    assert any("Churn Model:v0" in body and "production" in body for body in journal(run, "alias.removed"))


# --- models -----------------------------------------------------------------------------------------------------


def test_a_model_is_logged_linked_and_used(run: localart.Run, workdir: Path) -> None:
    (workdir / "model.pt").write_text("weights")

    run.link_model("model.pt", "churn", name="net", aliases=["production"])
    path = run.use_model("model-registry/churn:production")

    assert Path(path).read_text() == "weights"
    assert fetch("model-registry/churn").source_name == "net:v0"
