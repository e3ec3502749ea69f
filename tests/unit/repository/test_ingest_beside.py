"""A large file logged from a thread is taken in by a process of its own, or here when that does not work."""

import json
import os
import random
import stat
import sys
import threading

import pytest

import localart
from localart.errors import SourceMissing
from localart.progress import SILENCE
from localart.repository import beside, ingest
from localart.repository.opening import default_repository

CONTENT = random.Random(1).randbytes(1_500_000)


@pytest.fixture
def answers(monkeypatch):
    """What the other process brought, a call each; files count as large early."""
    found = []
    plain = ingest.ingest_beside

    def noted(*given, **named):
        found.append(plain(*given, **named))
        return found[-1]

    monkeypatch.setattr(ingest, "ingest_beside", noted)
    monkeypatch.setattr(beside, "WORTH_BYTES", 1_000_000)
    return found


def in_thread(task):
    failed = []

    def run():
        try:
            task()
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]


def log(path, run):
    artifact = localart.Artifact("data", "dataset")
    artifact.add_file(str(path), "x.bin")
    return run.log_artifact(artifact)


def content_of(name):
    with localart.Api().artifact(f"p/{name}").open("x.bin") as file:
        return file.read()


def program(tmp_path, text):
    path = tmp_path / "program"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_a_file_logged_from_a_thread_is_taken_in_elsewhere(tmp_path, answers):
    """Fails when the process cannot start, or what it stored is not relied on."""
    path = tmp_path / "x"
    path.write_bytes(CONTENT)

    with localart.init(project="p") as run:
        in_thread(lambda: log(path, run))

    assert [blob.size_bytes for blob in answers] == [len(CONTENT)]
    assert content_of("data:v0") == CONTENT


def test_the_next_version_is_told_by_its_difference_there_too(tmp_path, answers, store):
    path = tmp_path / "x"
    changed = bytearray(CONTENT)
    changed[1000:1004] = b"edit"
    with localart.init(project="p") as run:
        for content in (CONTENT, bytes(changed)):
            path.write_bytes(content)
            in_thread(lambda: log(path, run))

    assert all(answers)
    assert content_of("data:v1") == changed
    assert sum(pack.stat().st_size for pack in (store / "packs").iterdir()) < 1.4 * len(CONTENT)


def test_the_main_thread_does_it_itself(tmp_path, answers):
    (tmp_path / "x").write_bytes(CONTENT)

    with localart.init(project="p") as run:
        log(tmp_path / "x", run)

    assert answers == []


@pytest.mark.parametrize(
    "text",
    ["exit 1", "echo nonsense", "echo '{}'", "read x; kill -9 $$", "exec sleep 100 >&-", None],
    ids=["fails", "talks", "evades", "dies", "hangs", "is not there"],
)
def test_whatever_goes_wrong_there_the_file_is_taken_in_here(tmp_path, answers, monkeypatch, text):
    (tmp_path / "x").write_bytes(CONTENT)
    wrong = str(tmp_path / "none") if text is None else program(tmp_path, text)
    monkeypatch.setattr(beside, "_PATIENCE_SECONDS", 0.2)
    with localart.init(project="p") as run, monkeypatch.context() as patch:
        patch.setattr(sys, "executable", wrong)
        in_thread(lambda: log(tmp_path / "x", run))

    assert answers == [None]
    assert content_of("data:v0") == CONTENT


def test_a_claim_that_is_not_in_the_store_is_not_believed(tmp_path, answers, monkeypatch):
    """Fails when the digest is taken without asking the catalog."""
    (tmp_path / "x").write_bytes(CONTENT)
    claim = json.dumps({"digest": "ab" * 32, "size_bytes": len(CONTENT)})
    with localart.init(project="p") as run, monkeypatch.context() as patch:
        patch.setattr(sys, "executable", program(tmp_path, f"echo '{claim}'; cat > /dev/null"))
        in_thread(lambda: log(tmp_path / "x", run))

    assert answers == [None]
    assert content_of("data:v0") == CONTENT


def test_a_file_that_is_replaced_meanwhile_is_read_again(tmp_path, answers, monkeypatch):
    """Fails when the answer is taken for the file that stands there now."""
    path, other = tmp_path / "x", CONTENT[::-1]
    path.write_bytes(CONTENT)
    plain = ingest.ingest_beside

    def replaced(*given, **named):
        blob = plain(*given, **named)
        path.unlink()
        path.write_bytes(other)
        return blob

    monkeypatch.setattr(ingest, "ingest_beside", replaced)
    with localart.init(project="p") as run:
        in_thread(lambda: log(path, run))

    assert answers[0] is not None
    assert content_of("data:v0") == other


def test_a_file_that_changed_before_it_was_looked_at_there_is_not_taken(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(CONTENT)
    before = os.stat(path)
    path.write_bytes(CONTENT + b"more")
    heard = []

    with localart.init(project="p"):
        found = beside.ingest_beside(
            default_repository(), str(path), before, entry_path="x", before=None, on_read=heard.append
        )

    assert found is None


def test_a_missing_file_is_said_as_ever(tmp_path, answers):
    with localart.init(project="p") as run, pytest.raises(SourceMissing):
        in_thread(lambda: log(tmp_path / "none", run))


def test_how_far_it_is_is_told(tmp_path, answers, monkeypatch):
    path = tmp_path / "x"
    path.write_bytes(CONTENT)
    told = []

    class Listener(type(SILENCE)):
        def advance(self, *, byte_count=0, file_count=0, stored_bytes=0):
            told.append((byte_count, file_count))

    with localart.init(project="p"):
        repository = default_repository()
        file = ingest.TreeFile("x", str(path), os.stat(path))
        repository.lease.take()
        try:
            in_thread(lambda: list(ingest.ingest_files(repository, [file], progress=Listener())))
        finally:
            repository.lease.drop()

    assert answers[0] is not None
    assert (sum(count for count, _ in told), sum(files for _, files in told)) == (len(CONTENT), 1)
