"""What the writers of a power cut log, and what a store must say after any number of their calls."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROJECT = "cuts"
ARTIFACTS = ("small", "chunked", "many", "doomed")
PACK_BYTES = 400_000
"""Of writers that prune: so small that packs are full, half dead and quite dead after a few rounds."""
MANY_FILES = 160
CHUNKED_BYTES = 512 << 10
METRICS_AT_RISK_SECONDS = 1.0


def tree_of(artifact: str, writer: str, number: int) -> dict[str, bytes]:
    """Path → bytes of one version: the same whoever asks."""
    trees = {"small": _small_tree, "chunked": _chunked_tree, "many": _many_tree, "doomed": _doomed_tree}
    return trees[artifact](f"{writer}/{artifact}", number)


def _noise(seed: str, size: int) -> bytes:
    return hashlib.shake_128(seed.encode()).digest(size)


def _small_tree(seed: str, number: int) -> dict[str, bytes]:
    text = "".join(f"{number},{line},{line * number % 97}\n" for line in range(400)).encode()
    return {"rows.csv": text, "empty": b"", "deep/folder/weights.bin": _noise(f"{seed}/{number}", 5_000)}


def _chunked_tree(seed: str, number: int) -> dict[str, bytes]:
    """One large file; each version overwrites 2 kB of it somewhere else and appends a little."""
    content = bytearray(_noise(seed, CHUNKED_BYTES))
    for edit in range(1, number + 1):
        at = edit * 7_919 * 13 % (CHUNKED_BYTES - 4096)
        content[at : at + 2048] = _noise(f"{seed}/{edit}", 2048)
        content += _noise(f"{seed}/tail/{edit}", 300)
    return {"model.bin": bytes(content)}


def _doomed_tree(seed: str, number: int) -> dict[str, bytes]:
    """Nothing of it is in another version."""
    return {"a.bin": _noise(f"{seed}/a/{number}", 60_000), "b.bin": _noise(f"{seed}/b/{number}", 60_000)}


def _many_tree(seed: str, number: int) -> dict[str, bytes]:
    """Many tiny files of which three change, one comes and one goes with each version: an overlay."""
    changed = {}
    for edit in range(number + 1):
        changed |= {(edit * 7 + step) % MANY_FILES: edit for step in range(3)}
    tree = {
        f"part-{file % 8}/{file:04d}.txt": f"{seed} {file} {changed.get(file, 0)}\n".encode() * 3
        for file in range(MANY_FILES)
    }
    tree[f"part-0/only-{number}.txt"] = f"{seed} only {number}".encode()
    return tree


def source_of(writer: str, number: int) -> Path:
    """The folder below the working directory that version `number` of `many` is made from."""
    return Path(writer) / str(number)


def write_tree(folder: Path, tree: Mapping[str, bytes]) -> Path:
    """`folder`, with the files of `tree` in it."""
    for path, content in tree.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return folder


@dataclass(slots=True)
class WriterState:
    """What one writer made, as far as the store says or as its calls promise."""

    versions: dict[str, int] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    aliases: dict[str, int] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)


def state_after(events: Iterable[Mapping[str, Any]]) -> WriterState:
    """The state once all of `events` (calls of one writer, in order) have returned."""
    state = WriterState()
    for event in events:
        match event["do"]:
            case "start":
                state.runs[event["run"]] = "running"
            case "finish":
                state.runs[event["run"]] = "finished"
            case "log":
                state.versions[event["artifact"]] = event["number"] + 1
                state.aliases[f"{event['artifact']}:latest"] = event["number"]
                state.aliases |= {f"{event['artifact']}:{name}": event["number"] for name in event["aliases"]}
            case "alias":
                state.aliases[f"{event['artifact']}:{event['alias']}"] = event["number"]
            case "delete":
                state.deleted.add(f"{event['artifact']}:v{event['number']}")
    return state
