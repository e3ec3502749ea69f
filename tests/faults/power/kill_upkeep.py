"""What keeps a store in order, step by step: each scenario yields when a step has returned."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import damage_bench
from cut_contents import PROJECT
from kill_steps import SOURCES, alias, open_store

import localart
from localart.catalog import format as catalog_format
from localart.errors import ArtifactNotFound
from localart.operations import backup as backup_module
from localart.operations import rebuild as rebuild_module
from localart.operations.delete import execute_deletion, plan_deletion
from localart.operations.prune import execute_prune
from localart.operations.repair import execute_repair, plan_repair
from localart.operations.resolve import resolve_version
from localart.operations.retention import RetentionRules, execute_retention, plan_retention
from localart.operations.undo import execute_undo, plan_undo
from localart.repository import marker, opening
from localart.repository.opening import close_all, open_repository
from localart.store import packs

_PACK_BYTES = 600_000
COLOURS = """
CREATE TABLE colours(run INTEGER NOT NULL REFERENCES runs(id), name TEXT NOT NULL) STRICT;
ALTER TABLE runs ADD COLUMN colour TEXT;
INSERT INTO colours SELECT id, 'red' FROM runs;
UPDATE runs SET colour = 'red';
"""


def prune() -> Iterator[None]:
    """All versions but the newest ones go by rules, leave the trash, and their bytes are freed."""
    repository = open_store()
    rules = RetentionRules(keep_last=1, keep_aliased=False)
    execute_retention(repository, plan_retention(repository, rules))
    yield
    execute_prune(repository, trash_seconds=0)
    yield


def undo() -> Iterator[None]:
    """A version with its alias goes and comes back; an alias moves and moves back."""
    with suppress(ArtifactNotFound):
        localart.Api().artifact(f"{PROJECT}/many:v0").delete(delete_aliases=True)
    yield
    repository = open_store()
    execute_undo(repository, plan_undo(repository))
    yield
    version = localart.Api().artifact(f"{PROJECT}/small:v1")
    version.aliases += ["best"]
    version.save()
    yield
    execute_undo(repository, plan_undo(repository))
    yield


def rebuild() -> Iterator[None]:
    """The catalog is made again from the packs, and takes the place of the one there is."""
    rebuild_module.rebuild(Path(os.environ["LOCALART_DIR"]), force=True)
    yield


def backup() -> Iterator[None]:
    """The store is copied, aliases move, and what is new is copied. The target is beside the store."""
    store = Path(os.environ["LOCALART_DIR"])
    for number in (0, 1):
        source = open_repository(store)
        backup_module.backup(source, store.with_name(f"{store.name}-copy"))
        source.close()
        yield
        if number == 0:
            yield from alias()
            close_all()


def migrate() -> Iterator[None]:
    """A later localart, whose catalog has one more table and column, opens the store."""
    catalog_format._FOLDER = SOURCES / "migrations"
    marker.STORE_FORMAT = opening.STORE_FORMAT = 2
    open_repository(Path(os.environ["LOCALART_DIR"])).close()
    yield


def harm() -> Iterator[None]:
    """What `repair` finds: frames and rows that are damaged, and a record that the journal lacks."""
    store = Path(os.environ["LOCALART_DIR"])
    for pack in damage_bench.packs_of(store):
        for start, length in damage_bench.frames_of(pack)[::3]:
            damage_bench.harm_frame(pack, start, length)
    for sql in (
        """UPDATE versions SET metadata = '{"number":7}' WHERE id = 1""",
        "DELETE FROM aliases WHERE name = 'best'",
        "DELETE FROM edges WHERE version = 2",
        "DELETE FROM journal WHERE seq = 7",
        "DELETE FROM chains WHERE position > 0",
    ):
        damage_bench.change_rows(store, sql)
    yield


def repair() -> Iterator[None]:
    """All of it is set right, from the journal, the packs and a copy of the store. Begins after `harm`."""
    repository = open_store()
    report = execute_repair(repository, plan_repair(repository), places=[Path("prepared").absolute()])
    assert report.is_sound, report.after.findings
    repository.close()
    yield


def scatter() -> Iterator[None]:
    """What `repack` finds: packs that are half dead, quite dead, and nobody's; frames of differences among them."""
    packs.PACK_BYTES = _PACK_BYTES
    repository = open_store()
    for number in range(4):
        run = localart.init(project=PROJECT, id=f"scatter-{number}")
        for name, content in _scattered(number).items():
            draft = localart.Artifact(name, "data")
            for path, part in content.items():
                with draft.new_file(path, "wb") as file:
                    file.write(part)
            run.log_artifact(draft)
        run.finish()
    doomed = [resolve_version(repository, f"half:v{number}", project=PROJECT) for number in (0, 2)]
    doomed += [resolve_version(repository, f"dead:v{number}", project=PROJECT) for number in range(3)]
    execute_deletion(repository, plan_deletion(doomed, repository), at_once=True)
    close_all()
    orphan = Path(os.environ["LOCALART_DIR"]) / "packs" / f"{'0a' * 16}.pack"
    orphan.write_bytes(damage_bench.noise("orphan", 5_000))
    yield


def _scattered(number: int) -> dict[str, dict[str, bytes]]:
    """A third of `half` is each version's own, all of `dead`."""
    noise = damage_bench.noise
    half = {f"{i:02}.bin": noise((i, number if i % 3 == 0 else 0), 3_000) for i in range(60)}
    large = noise("large", 300_000) + noise(("large", number), 150_000)
    return {"half": {**half, "large.bin": large}, "dead": {"dead.bin": noise(("dead", number), 200_000)}}


def repack() -> Iterator[None]:
    """What is alive moves out of packs that are mostly dead, and they go. Begins after `scatter`."""
    packs.PACK_BYTES = _PACK_BYTES
    execute_prune(open_store())
    yield
