"""Full-text search: words find what they stand in, and nothing a user types is an operator."""

import pytest
from catalog_rows import log_texts, start_run
from hypothesis import given, settings
from hypothesis import strategies as st

from localart.catalog import artifacts, runs, search, versions
from localart.model import VersionState


@pytest.fixture
def filled(catalog):
    log_texts(
        catalog, {"a": "1"}, name="mnist-raw", metadata={"source": "digits of scikit"}, description="raw"
    )
    log_texts(catalog, {"a": "2"}, name="mnist-clean", description='with "quotes" and * stars')
    start_run(catalog, "run1", name="sunny-otter-7")
    return catalog


def names(catalog, words: str, limit: int = 10) -> list[str]:
    return [hit.name for hit in search.search(catalog.read(), words, limit=limit)]


def test_words_are_found_in_names_descriptions_metadata_and_configs(filled):
    with filled.write() as tx:
        runs.update_run(tx, 1, {"config": '{"rate":"cosine"}', "notes": "a quiet evening"})

    assert names(filled, "mnist") == ["mnist-raw", "mnist-clean"] or names(filled, "mnist") == [
        "mnist-clean", "mnist-raw",
    ]  # fmt: skip
    assert names(filled, "digits scikit") == ["mnist-raw:v0"]
    assert names(filled, "otter") == ["run:run1"]
    assert names(filled, "COSINE evening") == ["run:run1"]
    assert names(filled, "mnist clean") == ["mnist-clean"]


def test_the_beginning_of_a_word_finds_it_and_the_excerpt_shows_it(filled):
    [hit] = search.search(filled.read(), "scik", limit=10)

    assert (hit.kind, hit.project, hit.detail) == ("version", "p", "dataset")
    assert "[scikit]" in hit.excerpt


def test_the_limit_holds_for_each_kind(filled):
    assert len(names(filled, "mnist", limit=1)) == 1


def test_a_changed_description_is_found_by_its_new_words_only(filled):
    version = versions.find_version(filled.read(), 1, 0)
    with filled.write() as tx:
        versions.update_version(tx, version, description="polished", metadata={})

    assert names(filled, "polished") == ["mnist-raw:v0"]
    assert names(filled, "digits") == []


def test_a_renamed_artifact_is_found_by_its_new_name_only(filled):
    record = artifacts.find_artifact(filled.read(), "p", "mnist-raw")
    with filled.write() as tx:
        artifacts.move_artifact(tx, record, project="q", name="emnist")

    assert names(filled, "emnist") == ["emnist"]
    assert names(filled, "mnist raw") == []


def test_a_deleted_version_is_not_found(filled):
    version = versions.find_version(filled.read(), 1, 0)
    with filled.write() as tx:
        versions.update_version(
            tx, version, description="raw", metadata=version.metadata, state=VersionState.DELETED
        )

    assert names(filled, "scikit") == []


def test_the_indexes_agree_with_their_tables_after_changes(filled):
    with filled.write() as tx:
        runs.update_run(tx, 1, {"name": "other", "notes": None})
        for table in ("artifacts", "versions", "runs"):
            tx.execute(f"INSERT INTO {table}_fts({table}_fts, rank) VALUES ('integrity-check', 1)")


HOSTILE = [
    "", "   ", '"', '""', '"""', "*", "a*", "-a", "^a", "a AND", "OR", "NOT a", "NEAR(a b)", "a:b", "name:mnist",
    "{name}: mnist", "(", ")", "a)(", "'", "\\", "%", "_", ";", "--", "a\0b", "\0", "\ud800a", "a" * 100_000,
    "a " * 100_000, '"a" OR "b"', "+", "😀", "²", "a\u202eb", "\n\t", "'; DROP TABLE runs; --", "é" * 300,
]  # fmt: skip


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_nothing_a_user_types_breaks_the_search(filled, words):
    assert isinstance(search.search(filled.read(), words, limit=10), list)


def test_operators_are_words(filled):
    assert names(filled, "mnist OR otter") == []
    assert names(filled, "name:mnist") == []
    assert names(filled, '"quotes"') == ["mnist-clean:v0"]
    assert names(filled, "otter NOT sunny") == []


@given(words=st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_query(shared, words):
    search.search(shared.read(), words, limit=3)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    from localart.catalog import Catalog, create_catalog

    folder = tmp_path_factory.mktemp("search")
    create_catalog(folder / "localart.db", now="now", facts={"store": "s"})
    catalog = Catalog(
        folder / "localart.db",
        folder / "lock",
        read_only=False,
        network=False,
        site="here",
        clock=lambda: "now",
        new_uid=iter(map(str, range(1000))).__next__,
    )
    log_texts(catalog, {"a": "1"}, name="mnist", description="0 a é *")
    yield catalog
    catalog.close()
