"""Versions, aliases and tags: numbered without gaps, sealed, and never anybody else's."""

import pytest
from catalog_rows import log_texts, scribble, start_run, store_manifest

from localart.catalog import artifacts, edges, versions
from localart.errors import CatalogDamaged
from localart.model import Direction, VersionState


def artifact_id_of(catalog, name: str = "data") -> int:
    return artifacts.find_artifact(catalog.read(), "p", name).id


def test_numbers_count_up_from_zero_in_each_artifact(catalog):
    made = [log_texts(catalog, {"a": str(number)}) for number in range(3)]
    other = log_texts(catalog, {"a": "x"}, name="other")

    assert [version.label for version in made] == ["data:v0", "data:v1", "data:v2"]
    assert other.label == "other:v0"


def test_a_deleted_versions_number_is_never_used_again(catalog):
    log_texts(catalog, {"a": "0"})
    doomed = log_texts(catalog, {"a": "1"})
    with catalog.write() as tx:
        versions.update_version(
            tx,
            doomed,
            description=None,
            metadata={},
            state=VersionState.DELETED,
            manifest_id=doomed.manifest_id,
        )

    assert log_texts(catalog, {"a": "2"}).number == 2
    assert versions.find_version(catalog.read(), artifact_id_of(catalog), 1).state is VersionState.DELETED
    assert versions.find_by_manifest(catalog.read(), artifact_id_of(catalog), doomed.manifest_id) is None
    assert [v.number for v in versions.iter_versions(catalog.read(), artifact_id_of(catalog))] == [2, 0]


def test_a_version_is_found_by_number_uid_content_and_alias(catalog):
    version = log_texts(catalog, {"a": "1"}, metadata={"n": 1}, description="words")
    with catalog.write() as tx:
        assert versions.set_alias(tx, version, "best")
        assert not versions.set_alias(tx, version, "best")
        assert versions.set_tags(tx, version, ["b", "a", "b"])
    read, artifact_id = catalog.read(), artifact_id_of(catalog)

    by_alias = versions.find_aliased(read, artifact_id, "best")

    assert by_alias == versions.find_version(read, artifact_id, 0)
    assert by_alias == versions.find_version_by_uid(read, version.uid)
    assert by_alias == versions.find_by_manifest(read, artifact_id, version.manifest_id)
    assert by_alias == versions.get_version(read, version.id)
    assert (by_alias.aliases, by_alias.tags) == (("best",), ("a", "b"))
    assert (by_alias.metadata, by_alias.description) == ({"n": 1}, "words")
    assert by_alias.full_name == "p/data:v0"


def test_what_is_not_there_is_none(catalog):
    log_texts(catalog, {"a": "1"})
    read, artifact_id = catalog.read(), artifact_id_of(catalog)

    assert versions.find_version(read, artifact_id, 7) is None
    assert versions.find_aliased(read, artifact_id, "best") is None
    assert versions.find_version_by_uid(read, "nobody") is None
    assert versions.find_by_manifest(read, artifact_id, 99) is None


def test_tags_and_aliases_that_do_not_change_write_nothing(catalog):
    version = log_texts(catalog, {"a": "1"})
    with catalog.write() as tx:
        assert not versions.set_tags(tx, version, [])
        assert not versions.remove_alias(tx, version, "never")
        assert tx.records == []


def test_an_alias_moves_to_another_version(catalog):
    first, second = log_texts(catalog, {"a": "1"}), log_texts(catalog, {"a": "2"})
    with catalog.write() as tx:
        versions.set_alias(tx, first, "best")
        versions.set_alias(tx, second, "best")

    assert versions.find_aliased(catalog.read(), artifact_id_of(catalog), "best").number == 1
    assert versions.get_version(catalog.read(), first.id).aliases == ()


def test_versions_stream_in_either_order_over_many_pages(catalog, monkeypatch):
    monkeypatch.setattr(versions, "_FETCH", 3)
    for number in range(8):
        log_texts(catalog, {"a": str(number)})
    read, artifact_id = catalog.read(), artifact_id_of(catalog)

    assert [v.number for v in versions.iter_versions(read, artifact_id)] == list(range(7, -1, -1))
    oldest_first = versions.iter_versions(read, artifact_id, newest_first=False)
    assert [v.number for v in oldest_first] == list(range(8))


def test_the_versions_a_run_is_linked_to_come_in_the_order_of_linking(catalog):
    made = [log_texts(catalog, {"a": str(number)}) for number in range(3)]
    run = start_run(catalog)
    for version in (made[2], made[0]):
        with catalog.write() as tx:
            edges.add_edge(tx, run_key=run, version_id=version.id, direction=Direction.INPUT)

    assert [v.number for v in versions.linked_versions(catalog.read(), run, "input")] == [2, 0]
    assert versions.linked_versions(catalog.read(), run, "output") == []


def test_metadata_and_description_change_under_a_new_seal(catalog):
    version = log_texts(catalog, {"a": "1"})
    with catalog.write() as tx:
        versions.update_version(tx, version, description="new", metadata={"k": "v"})

    changed = versions.get_version(catalog.read(), version.id)
    assert (changed.description, changed.metadata, changed.digest) == ("new", {"k": "v"}, version.digest)


# --- damage ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "metadata = '{\"n\":2}'", "description = 'other'", "uid = 'other'", "number = 5", "artifact = 2, number = 7",
        "manifest = 2", "created_at = 'never'", "state = 'DELETED'", "seal = 5",
    ],
)  # fmt: skip
def test_a_changed_version_row_is_damage_not_another_version(catalog, change):
    version = log_texts(catalog, {"a": "1"}, metadata={"n": 1})
    log_texts(catalog, {"a": "2"})
    log_texts(catalog, {"a": "3"}, name="other")
    scribble(catalog, f"UPDATE versions SET {change} WHERE id = {version.id}")

    with pytest.raises(CatalogDamaged, match="not what was written"):
        versions.get_version(catalog.read(), version.id)


@pytest.mark.parametrize("change", ["version = 2", "name = 'best'", "seal = 5", "artifact = 2"])
def test_a_changed_alias_row_is_damage_not_another_version(catalog, change):
    version = log_texts(catalog, {"a": "1"})
    log_texts(catalog, {"a": "2"})
    log_texts(catalog, {"a": "3"}, name="other")
    with catalog.write() as tx:
        versions.set_alias(tx, version, "good")
    scribble(catalog, f"UPDATE aliases SET {change} WHERE name = 'good'")
    artifact = 2 if "artifact" in change else 1
    alias = "best" if "best" in change else "good"

    with pytest.raises(CatalogDamaged, match="not what was written"):
        versions.find_aliased(catalog.read(), artifact, alias)


def test_an_alias_that_points_nowhere_is_damage(catalog):
    version = log_texts(catalog, {"a": "1"})
    with catalog.write() as tx:
        versions.set_alias(tx, version, "best")
    scribble(catalog, "DELETE FROM versions")

    with pytest.raises(CatalogDamaged):
        versions.find_aliased(catalog.read(), artifact_id_of(catalog), "best")


def test_the_database_itself_refuses_to_renumber_or_remove_a_version(catalog):
    log_texts(catalog, {"a": "1"})

    def run_sql(statement: str) -> None:
        with catalog.write() as tx:
            tx.execute(statement)

    with pytest.raises(CatalogDamaged, match="immutable"):
        run_sql("UPDATE versions SET number = 4")
    with pytest.raises(CatalogDamaged, match="keeps its number"):
        run_sql("DELETE FROM versions")


def test_a_row_found_in_the_place_of_another_number_is_damage(catalog):
    log_texts(catalog, {"a": "1"})
    log_texts(catalog, {"a": "2"})
    # Two rows that changed places: each seal is right for its own row, but not for the number asked for.
    scribble(
        catalog,
        "UPDATE versions SET number = 9 WHERE id = 1",
        "UPDATE versions SET number = 0 WHERE id = 2",
    )

    with pytest.raises(CatalogDamaged):
        versions.find_version(catalog.read(), artifact_id_of(catalog), 0)


def test_a_version_whose_manifest_is_gone_is_damage(catalog):
    version = log_texts(catalog, {"a": "1"})
    scribble(catalog, f"DELETE FROM manifests WHERE id = {version.manifest_id}")

    with pytest.raises(CatalogDamaged):
        versions.get_version(catalog.read(), version.id)


def test_a_known_manifest_is_used_again(catalog):
    from catalog_rows import entry_of

    first = log_texts(catalog, {"a": "1"})

    assert store_manifest(catalog, [entry_of("a", "1")]) == first.manifest_id
