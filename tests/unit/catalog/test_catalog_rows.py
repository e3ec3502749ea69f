"""Projects, artifacts, runs, edges, and where bytes lie."""

import pytest
from catalog_rows import PACK, batch_of, blob_of, digest_of, log_texts, publish, scribble, start_run

from localart.catalog import artifacts, blobs, edges, lineage, projects, runs
from localart.errors import BlobMissing, CatalogDamaged, ContentConflict
from localart.model import BlobRef, ChunkedBlob, Direction, PackState, RunState

# --- projects and artifacts ------------------------------------------------------------------------------


def test_projects_tell_what_they_hold(catalog):
    log_texts(catalog, {"a": "1"}, project="p")
    log_texts(catalog, {"a": "1"}, project="q")
    log_texts(catalog, {"a": "1"}, name="other", project="q")
    start_run(catalog, project="p")

    found = [(one.name, one.artifact_count, one.run_count) for one in projects.list_projects(catalog.read())]

    assert found == [("p", 1, 1), ("q", 2, 0)]
    assert projects.find_project(catalog.read(), "nobody") is None


def test_an_artifact_has_one_type_for_ever(catalog):
    log_texts(catalog, {"a": "1"})

    def log_as_model() -> None:
        with catalog.write() as tx:
            artifacts.ensure_artifact(tx, "p", "data", "model", None)

    with pytest.raises(ContentConflict, match="already exists with type 'dataset'"):
        log_as_model()


def test_artifacts_are_listed_by_project_and_type(catalog):
    log_texts(catalog, {"a": "1"}, name="b")
    log_texts(catalog, {"a": "2"}, name="b")
    log_texts(catalog, {"a": "1"}, name="a")
    log_texts(catalog, {"a": "1"}, name="a", project="other")
    with catalog.write() as tx:
        artifacts.ensure_artifact(tx, "p", "model", "model", "without a version")

    listed = artifacts.list_artifacts(catalog.read())

    assert [(one.project, one.name, one.version_count, one.latest) for one in listed] == [
        ("other", "a", 1, 0), ("p", "a", 1, 0), ("p", "b", 2, 1),
    ]  # fmt: skip
    assert [one.name for one in artifacts.list_artifacts(catalog.read(), project="p")] == ["a", "b"]
    assert artifacts.list_artifacts(catalog.read(), kind="model") == []
    assert artifacts.find_artifact(catalog.read(), "p", "model").latest is None
    assert artifacts.find_artifact(catalog.read(), "p", "nobody") is None


def test_a_moved_artifact_takes_its_versions_along(catalog):
    version = log_texts(catalog, {"a": "1"})
    log_texts(catalog, {"a": "1"}, name="taken", project="q")
    record = artifacts.find_artifact(catalog.read(), "p", "data")

    def move(name: str) -> None:
        with catalog.write() as tx:
            artifacts.move_artifact(tx, record, project="q", name=name)

    with pytest.raises(ContentConflict, match="already has an artifact 'taken'"):
        move("taken")
    move("fresh")

    from localart.catalog import versions

    assert versions.get_version(catalog.read(), version.id).full_name == "q/fresh:v0"
    assert artifacts.find_artifact(catalog.read(), "p", "data") is None


# --- runs ------------------------------------------------------------------------------------------------


def test_runs_are_found_by_id_in_their_project_or_newest_anywhere(catalog):
    first, second = start_run(catalog, "r", project="p"), start_run(catalog, "r", project="q")

    assert runs.find_run(catalog.read(), "p", "r").key == first
    assert runs.find_run(catalog.read(), None, "r").key == second
    assert runs.find_run(catalog.read(), "p", "nobody") is None
    assert runs.get_run(catalog.read(), first).state is RunState.RUNNING
    assert runs.count_runs(catalog.read(), 1) == 1


def test_runs_stream_in_either_order_over_many_pages(catalog, monkeypatch):
    monkeypatch.setattr(runs, "_FETCH", 2)
    for number in range(5):
        start_run(catalog, f"r{number}", project="pq"[number % 2])

    assert [run.id for run in runs.iter_runs(catalog.read())] == ["r0", "r1", "r2", "r3", "r4"]
    newest = runs.iter_runs(catalog.read(), project="p", newest_first=True)
    assert [run.id for run in newest] == ["r4", "r2", "r0"]


def test_a_run_changes_its_columns_and_tags(catalog):
    key = start_run(catalog)
    with catalog.write() as tx:
        runs.update_run(tx, key, {"state": "failed", "notes": "é", "config": '{"a":1}', "exit_code": 1})
        runs.update_run(tx, key, {"summary": '{"b":2}'}, journal=False)
        runs.set_run_tags(tx, key, ["b", "a", "b"])
        kinds = [record.canonical for record in tx.records]
    run = runs.get_run(catalog.read(), key)

    assert (run.state, run.notes, run.config, run.summary) == (RunState.FAILED, "é", {"a": 1}, {"b": 2})
    assert (run.tags, run.exit_code) == (("a", "b"), 1)
    assert len(kinds) == 1
    assert runs.running_runs(catalog.read()) == []


def test_a_runs_files_name_stored_bytes_only(catalog):
    publish(catalog, "one", "two")
    key = start_run(catalog)
    with catalog.write() as tx:
        runs.set_run_file(tx, key, "b", blob_of("one"))
        runs.set_run_file(tx, key, "a", blob_of("one"))
        runs.set_run_file(tx, key, "b", blob_of("two"))

    def keep_unknown() -> None:
        with catalog.write() as tx:
            runs.set_run_file(tx, key, "c", blob_of("never"))

    with pytest.raises(BlobMissing, match="save it again"):
        keep_unknown()
    assert runs.run_files(catalog.read(), key) == {"a": blob_of("one"), "b": blob_of("two")}


# --- edges and lineage -----------------------------------------------------------------------------------


@pytest.fixture
def pipeline(catalog):
    """`raw` → run `train` → `model`; the run's key and the versions."""
    raw, model = log_texts(catalog, {"a": "1"}, name="raw"), log_texts(catalog, {"a": "2"}, name="model")
    key = start_run(catalog, "train")
    with catalog.write() as tx:
        edges.add_edge(tx, run_key=key, version_id=raw.id, direction=Direction.INPUT, used_as="data")
        edges.add_edge(tx, run_key=key, version_id=model.id, direction=Direction.OUTPUT, made=True)
    return key, raw, model


def test_edges_say_who_made_and_who_used_a_version(catalog, pipeline):
    key, raw, model = pipeline

    assert edges.producer(catalog.read(), model.id) == key
    assert edges.producer(catalog.read(), raw.id) is None
    assert edges.consumers(catalog.read(), raw.id) == [key]


def test_an_edge_drawn_again_keeps_the_metadata_given_now(catalog, pipeline):
    key, raw, _ = pipeline
    with catalog.write() as tx:
        again = edges.add_edge(tx, run_key=key, version_id=raw.id, direction=Direction.INPUT)
        more = edges.add_edge(
            tx, run_key=key, version_id=raw.id, direction=Direction.INPUT, metadata={"round": 2}
        )

    assert (again, more) == (False, False)
    sql = "SELECT metadata FROM edges WHERE direction = 'input'"
    assert catalog.read().execute(sql).fetchall() == [('{"round":2}',)]


def test_the_graph_around_many_rows_is_read_at_once(catalog, pipeline):
    key, raw, model = pipeline
    ids = [raw.id, model.id, *range(100, 1_300)]

    assert lineage.edges_between(catalog.read(), [key, *range(100, 1_300)], ids) == [
        lineage.EdgeRow(key, raw.id, output=False),
        lineage.EdgeRow(key, model.id, output=True),
    ]
    assert lineage.edges_between(catalog.read(), [key], [model.id]) == [lineage.EdgeRow(key, model.id, True)]
    assert lineage.versions_at(catalog.read(), [key], "input") == [raw.id]
    assert lineage.versions_at(catalog.read(), [key], None) == [raw.id, model.id]
    assert lineage.runs_at(catalog.read(), ids, None) == [key]
    assert lineage.runs_at(catalog.read(), [raw.id], "output") == []
    assert [node.label for node in lineage.run_nodes(catalog.read(), [key])] == ["a run"]
    labels = [node.label for node in lineage.version_nodes(catalog.read(), ids[:2])]
    assert labels == ["raw:v0", "model:v0"]
    with pytest.raises(CatalogDamaged):
        lineage.version_nodes(catalog.read(), ids)


# --- where bytes lie -------------------------------------------------------------------------------------


def test_published_blobs_are_known_and_lie_where_they_were_written(catalog):
    publish(catalog, "one", "three")
    wanted = [blob_of("three"), blob_of("one")]

    three, one = blobs.layouts(catalog.read(), wanted)

    assert (three.blob, one.blob) == tuple(wanted)
    [piece] = three.pieces
    assert (piece.offset, piece.place.pack, piece.place.start) == (3, PACK, 32)
    assert piece.place.checksum == 1 << 63
    assert blobs.known_blobs(catalog.read(), [digest_of("one"), digest_of("two")]) == {digest_of("one")}
    assert blobs.pack_states(catalog.read()) == [PackState(pack=PACK, end=32 + 8 + 1)]


def test_a_blob_published_twice_stays_where_it_was_first(catalog):
    publish(catalog, "one")
    with catalog.write() as tx:
        blobs.publish(tx, batch_of(["one", "two"], pack="f" * 32))

    [layout] = blobs.layouts(catalog.read(), [blob_of("one")])
    assert layout.pieces[0].place.pack == PACK


def test_a_packs_end_never_goes_back(catalog):
    with catalog.write() as tx:
        blobs.publish(tx, batch_of(["a longer content"], start=500))
        blobs.publish(tx, batch_of(["one"]))

    assert blobs.pack_states(catalog.read())[0].end == 517


def chunked_of(*texts: str) -> ChunkedBlob:
    whole = "".join(texts)
    return ChunkedBlob(
        digest=digest_of(whole), size_bytes=len(whole), chunks=tuple(blob_of(text) for text in texts)
    )


def test_a_large_blob_is_the_sum_of_its_chunks_in_order(catalog):
    large = chunked_of("one", "two", "one", "three")
    with catalog.write() as tx:
        blobs.publish(tx, batch_of(["one", "two", "three"], chunked=[large]))
        blobs.publish(tx, batch_of([], chunked=[large]))

    [layout] = blobs.layouts(catalog.read(), [BlobRef(large.digest, large.size_bytes)])

    assert [piece.blob for piece in layout.pieces] == list(large.chunks)


def test_large_blobs_are_known_by_their_size(catalog):
    text = "x" * 300_000
    with catalog.write() as tx:
        blobs.publish(tx, batch_of([text], chunked=[chunked_of(text, text)]))

    assert blobs.knows_size(catalog.read(), 600_000)
    assert blobs.knows_size(catalog.read(), 300_000)
    assert not blobs.knows_size(catalog.read(), 3)


def test_a_chunk_that_was_never_published_is_missing(catalog):
    def publish_half() -> None:
        with catalog.write() as tx:
            blobs.publish(tx, batch_of(["one"], chunked=[chunked_of("one", "two")]))

    with pytest.raises(BlobMissing, match="no longer in the store"):
        publish_half()
    assert blobs.known_blobs(catalog.read(), [digest_of("one")]) == set()


@pytest.mark.parametrize("wanted", [blob_of("never"), BlobRef(digest_of("one"), 99)])
def test_a_blob_that_is_not_there_in_full_is_missing(catalog, wanted):
    publish(catalog, "one")

    with pytest.raises(BlobMissing, match="does not know all"):
        blobs.layouts(catalog.read(), [wanted])


def test_a_large_blob_that_lost_a_chunk_row_is_missing(catalog):
    large = chunked_of("one", "two")
    with catalog.write() as tx:
        blobs.publish(tx, batch_of(["one", "two"], chunked=[large]))
    scribble(catalog, "DELETE FROM chunks WHERE start = 3")

    with pytest.raises(BlobMissing, match="does not know all"):
        blobs.layouts(catalog.read(), [BlobRef(large.digest, large.size_bytes)])


@pytest.mark.parametrize("scattered", [0, 1_500, 2_900])
def test_many_are_found_wherever_they_lie_and_what_is_not_there_is_not(catalog, scattered):
    """Fails when `_ids` stops at the rows around a sample, or counts what lies there as asked for."""
    publish(catalog, *(f"far {number}" for number in range(3_000)))
    publish(catalog, *(f"filler {number}" for number in range(10_000)))
    publish(catalog, *(f"near {number}" for number in range(3_000)))
    near = [digest_of(f"near {number}") for number in range(3_000 - scattered)]
    far = [digest_of(f"far {number}") for number in range(scattered)]
    unknown = [digest_of(f"unknown {number}") for number in range(100)]

    assert blobs.known_blobs(catalog.read(), unknown + near + far) == {*near, *far}
    found = blobs.blob_ids(catalog.read(), near + far)
    sql = "SELECT digest FROM blobs WHERE id = ?"
    for digest in (near + far)[::97]:
        assert catalog.read().execute(sql, (found[digest],)).fetchone() == (digest,)
    with pytest.raises(BlobMissing, match="no longer in the store"):
        blobs.blob_ids(catalog.read(), near + far + unknown[:1])


def test_thousands_of_blobs_are_asked_for_at_once(catalog):
    texts = [f"text {number}" for number in range(1_700)]
    publish(catalog, *texts)
    digests = [digest_of(text) for text in texts]

    assert blobs.known_blobs(catalog.read(), digests) == set(digests)
    assert len(blobs.blob_ids(catalog.read(), digests)) == 1_700
    assert [
        layout.blob.digest for layout in blobs.layouts(catalog.read(), [blob_of(t) for t in texts])
    ] == digests
