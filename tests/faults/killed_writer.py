"""A writer that logs until it is killed, and what must be true of the store it leaves behind.

What a version holds follows from its seed and turn, so that an acknowledged one can be compared byte by byte.
"""

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

from blake3 import blake3

import localart
from localart.catalog import artifacts, blobs, manifests, metrics, versions
from localart.catalog.transaction import FIRST_PREVIOUS, chain_digest
from localart.jsonable import canonical_json
from localart.model import BlobRef, Digest
from localart.repository import Repository
from localart.store import check_pack, pack_path

TREE_FILES = 150  # enough for overlays


def small_files(seed: int, turn: int) -> dict[str, bytes]:
    dice = random.Random(f"small {seed} {turn}")
    return {f"{number}.bin": dice.randbytes(dice.randrange(3_000)) for number in range(4)}


def large_file(seed: int, turn: int) -> dict[str, bytes]:
    """One file that is cut into chunks, most of which the turn before had too."""
    kept, new = random.Random(f"large {seed}"), random.Random(f"large {seed} {turn}")
    return {"large.bin": kept.randbytes(400_000) + new.randbytes(100_000)}


def tree_of_files(seed: int, turn: int) -> dict[str, bytes]:
    """Many files of which a few change each turn."""
    return {
        f"{number % 7}/{number}.txt": f"{seed} {number} {turn - (turn + number) % 50}".encode()
        for number in range(TREE_FILES)
    }


CONTENTS = {"small": small_files, "large": large_file, "tree": tree_of_files}


def log_turn(run: localart.Run, name: str, seed: int, turn: int) -> int:
    artifact = localart.Artifact(name, "dataset", metadata={"seed": seed, "turn": turn})
    for path, content in CONTENTS[name](seed, turn).items():
        with artifact.new_file(path, "wb") as file:
            file.write(content)
    return int(run.log_artifact(artifact, aliases=[f"seed{seed}"]).version[1:])


def write_until_killed(seed: int, acknowledge_fd: int) -> None:
    """Log metrics and versions for ever; a line for each once its call has returned."""

    def acknowledge(**what: object) -> None:
        os.write(acknowledge_fd, json.dumps(what).encode() + b"\n")

    run = localart.init(project="kills", id=f"run{seed}")
    acknowledge(kind="run", run=run.id)
    turn = 0
    while True:
        for name in ("small", "tree", "large" if turn % 3 == 0 else "small"):
            run.log({"turn": turn, "third": turn / 3}, step=turn)
            acknowledge(kind="metric", run=run.id, turn=turn)
            number = log_turn(run, name, seed, turn)
            acknowledge(kind="version", name=name, number=number, seed=seed, turn=turn)
            version = localart.Api().artifact(f"kills/{name}:v{number}")
            version.aliases = [*version.aliases, f"moved{seed}"]
            version.save()
            acknowledge(kind="alias", name=name, number=number, alias=f"moved{seed}")
        turn += 1


# --- afterwards ----------------------------------------------------------------------------------------------


def check_acknowledged(repository: Repository, acknowledged: list[dict]) -> None:
    """Everything a writer was told is there, exactly."""
    histories: dict[str, dict[int, dict]] = {}
    check_aliases(repository, [what for what in acknowledged if what["kind"] == "alias"])
    for what in acknowledged:
        match what["kind"]:
            case "version":
                check_version(repository, what)
            case "metric":
                history = histories.setdefault(what["run"], history_of(repository, what["run"]))
                assert history[what["turn"]] == {"turn": what["turn"], "third": what["turn"] / 3}, what


def check_aliases(repository: Repository, moves: list[dict]) -> None:
    """Each alias is where its writer was last told, or further.

    Seen to fail when `aliases.point` only says that it has moved an alias.
    """
    last = {(what["name"], what["alias"]): what["number"] for what in moves}
    for (name, alias), number in last.items():
        artifact = artifacts.find_artifact(repository.read(), "kills", name)
        found = versions.find_aliased(repository.read(), artifact.id, alias)
        assert found is not None, f"lost: {alias} of {name}"
        assert found.number >= number, (name, alias, found.number, number)


def check_version(repository: Repository, what: dict) -> None:
    read = repository.read()
    artifact = artifacts.find_artifact(read, "kills", what["name"])
    version = versions.find_version(read, artifact.id, what["number"])
    assert version is not None, f"lost: {what}"
    expected = CONTENTS[what["name"]](what["seed"], what["turn"])
    manifest = manifests.get_manifest(read, version.manifest_id)
    found = {entry.path: entry.digest for entry in manifests.verified_entries(read, manifest)}
    assert found == {path: blake3(content).digest() for path, content in expected.items()}, what
    assert version.metadata == {"seed": what["seed"], "turn": what["turn"]}


def history_of(repository: Repository, run_id: str) -> dict[int, dict]:
    from localart.catalog import runs

    run = runs.find_run(repository.read(), "kills", run_id)
    return {row.step: dict(row.values) for row in metrics.iter_history(repository.read(), run.key)}


def check_store(repository: Repository) -> None:
    """No row without its bytes, no byte that is not what its digest says, no number missing."""
    read = repository.read()
    assert read.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert read.execute("PRAGMA foreign_key_check").fetchall() == []
    check_journal(read.execute("SELECT seq, uid, site, time, kind, body, digest, previous FROM journal"))
    for pack, end in read.execute('SELECT name, "end" FROM packs').fetchall():
        assert list(check_pack(pack_path(repository.root, pack), end=end)) == []
    for _ in iter_blobs(repository):
        pass
    for (manifest_id,) in read.execute("SELECT id FROM manifests WHERE complete = 1").fetchall():
        for _ in manifests.verified_entries(read, manifests.get_manifest(read, manifest_id)):
            pass
    check_numbers(repository)


def check_journal(rows) -> None:
    previous = FIRST_PREVIOUS
    for number, (seq, uid, site, time, kind, body, digest, before) in enumerate(rows.fetchall(), start=1):
        record = {"body": json.loads(body), "kind": kind, "seq": seq, "site": site, "time": time, "uid": uid}
        assert (seq, before) == (number, previous)
        assert digest == chain_digest(previous, canonical_json(record))
        previous = digest


def iter_blobs(repository: Repository) -> Iterator[bytes]:
    """Every published content, read through the index as a download does."""
    rows = repository.read().execute("SELECT digest, size FROM blobs").fetchall()
    for digest, size in rows:
        [layout] = blobs.layouts(repository.read(), [BlobRef(Digest(digest), size)])
        content = repository.reader.read(layout)
        assert blake3(content).digest() == digest
        yield content


def check_numbers(repository: Repository) -> None:
    for artifact in artifacts.list_artifacts(repository.read()):
        found = list(versions.iter_versions(repository.read(), artifact.id, newest_first=False))
        assert [version.number for version in found] == list(range(len(found)))
        latest = versions.find_aliased(repository.read(), artifact.id, versions.LATEST)
        assert latest.number == found[-1].number


def downloaded(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
