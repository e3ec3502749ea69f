"""Rows of links, aliases of portfolios, upserts: what they promise, and what is noticed when they are damaged."""

import json

import pytest
from catalog_rows import log_texts, scribble, start_run

from localart.catalog import aliases, artifacts, links, upserts, versions
from localart.errors import CatalogDamaged, ContentConflict
from localart.model import ArtifactKind


def portfolio(catalog, name="shelf", kind="dataset") -> int:
    with catalog.write() as tx:
        return artifacts.ensure_artifact(tx, "p", name, kind, None, role=ArtifactKind.PORTFOLIO)


def link(catalog, shelf, version, alias=None):
    with catalog.write() as tx:
        made = links.insert_link(tx, shelf, version.id, version.uid)
        if alias is not None:
            links.set_alias(tx, made, alias, version.uid)
        return links.find_link(tx.connection, shelf, made.number)


def test_links_are_numbered_by_the_portfolio_and_found_by_version(catalog):
    shelf, first, second = portfolio(catalog), log_texts(catalog, {"a": "1"}), log_texts(catalog, {"a": "2"})

    made = [link(catalog, shelf, one) for one in (second, first, second)]

    assert [one.number for one in made] == [0, 1, 0]
    assert [one.full_name for one in links.links_to(catalog.read(), first.id)] == ["p/shelf:v1"]
    assert [one.number for one in links.iter_links(catalog.read(), shelf)] == [1, 0]
    record = artifacts.find_artifact(catalog.read(), "p", "shelf")
    assert (record.kind, record.version_count, record.latest) == (ArtifactKind.PORTFOLIO, 2, 1)


def test_a_portfolio_is_a_collection_and_no_artifact(catalog):
    link(catalog, portfolio(catalog), log_texts(catalog, {"a": "1"}))
    portfolio(catalog, name="empty")

    assert [one.name for one in artifacts.list_artifacts(catalog.read())] == ["data"]
    assert [one.name for one in artifacts.list_collections(catalog.read())] == ["data", "shelf"]


def test_a_removed_link_leaves_its_number_behind(catalog):
    shelf, version = portfolio(catalog), log_texts(catalog, {"a": "1"})
    made = link(catalog, shelf, version, alias="best")

    with catalog.write() as tx:
        links.remove_link(tx, made, version.uid)

    assert links.find_link(catalog.read(), shelf, 0) is None
    assert links.was_linked(catalog.read(), shelf, 0)
    assert aliases.list_aliases(catalog.read(), shelf) == []
    assert link(catalog, shelf, version).number == 1


def test_a_portfolios_alias_is_no_alias_of_the_version(catalog):
    shelf, version = portfolio(catalog), log_texts(catalog, {"a": "1"})

    link(catalog, shelf, version, alias="best")

    assert aliases.find_alias(catalog.read(), shelf, "best") == version.id
    assert aliases.find_alias(catalog.read(), version.artifact_id, "best") is None
    assert versions.get_version(catalog.read(), version.id).aliases == ()


def test_an_alias_that_was_bent_to_another_version_is_noticed(catalog):
    shelf, first, second = portfolio(catalog), log_texts(catalog, {"a": "1"}), log_texts(catalog, {"a": "2"})
    link(catalog, shelf, first, alias="best")

    scribble(catalog, f"UPDATE aliases SET version = {second.id} WHERE artifact = {shelf}")

    with pytest.raises(CatalogDamaged):
        aliases.find_alias(catalog.read(), shelf, "best")


def test_what_holds_something_keeps_its_type_and_role(catalog):
    version = log_texts(catalog, {"a": "1"})
    link(catalog, portfolio(catalog), version)

    for name, kind, role in (
        ("data", "dataset", ArtifactKind.PORTFOLIO),
        ("shelf", "dataset", ArtifactKind.SEQUENCE),
        ("shelf", "model", ArtifactKind.PORTFOLIO),
    ):
        with pytest.raises(ContentConflict), catalog.write() as tx:
            artifacts.ensure_artifact(tx, "p", name, kind, None, role=role)


def test_what_holds_nothing_may_become_something_else(catalog):
    empty = portfolio(catalog)

    with catalog.write() as tx:
        again = artifacts.ensure_artifact(tx, "p", "shelf", "model", None)

    record = artifacts.get_artifact(catalog.read(), again)
    assert (again, record.type, record.kind) == (empty, "model", ArtifactKind.SEQUENCE)


def test_upserts_are_listed_by_id_in_order_until_they_are_removed(catalog):
    version, run = log_texts(catalog, {"a": "1"}), start_run(catalog)
    with catalog.write() as tx:
        for name in ("one", "two", "one"):
            upserts.insert_upsert(
                tx,
                artifact_id=version.artifact_id,
                distributed_id=name,
                run_key=run,
                manifest_id=version.manifest_id,
                body={"metadata": {"é": 1}},
            )

    found = upserts.list_upserts(catalog.read(), version.artifact_id, "one")
    assert [(one.id, one.body) for one in found] == [(1, {"metadata": {"é": 1}}), (3, {"metadata": {"é": 1}})]
    with catalog.write() as tx:
        upserts.remove_upserts(tx, found)
    assert [one.distributed_id for one in upserts.unfinished_upserts(catalog.read())] == ["two"]


def test_the_time_of_the_last_change_is_that_of_any_part(catalog):
    shelf, version = portfolio(catalog), log_texts(catalog, {"a": "1"})
    before = artifacts.last_change(catalog.read(), shelf)

    made = link(catalog, shelf, version)

    assert before < artifacts.last_change(catalog.read(), shelf) == made.created_at


def test_a_lifetime_is_stored_once_and_journalled(catalog):
    version = log_texts(catalog, {"a": "1"})

    with catalog.write() as tx:
        changed = [versions.set_ttl(tx, version, 60)]
        changed.append(versions.set_ttl(tx, versions.get_version(tx.connection, version.id), 60))

    assert changed == [True, False]
    bodies = catalog.read().execute("SELECT body FROM journal WHERE kind = 'version.ttl'").fetchall()
    assert [json.loads(body) for (body,) in bodies] == [{"version": version.uid, "ttl_seconds": 60}]


def test_a_version_expires_by_its_own_time_or_its_artifacts(catalog):
    own, theirs, kept = (log_texts(catalog, {"a": text}) for text in "123")
    artifact = artifacts.get_artifact(catalog.read(), own.artifact_id)
    with catalog.write() as tx:
        versions.set_ttl(tx, own, 10)
        versions.set_ttl(tx, kept, 0)
        artifacts.set_artifact_ttl(tx, artifact, 1000)

    def expired(now: str) -> list[int]:
        return [one.number for one in versions.expired_versions(catalog.read(), now)]

    assert expired(own.created_at) == []
    assert expired("9999-01-01T00:00:00Z") == [own.number, theirs.number]
