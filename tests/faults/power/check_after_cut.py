"""Look at a store whose power was cut, and say whether it kept its promises.

    python check_after_cut.py EXPECTED.json

EXPECTED: `root` of the store, `folder` for downloads, `seed` and, for each writer, its `events`: all of its calls
in order, with `done` of them returned before the cut, and the last `moment` the power can have been there
(CLOCK_MONOTONIC); `ended`: others may have marked its runs as crashed. Prints one line a broken promise, then
a JSON line of figures; exit code 1 if broken.
"""

import json
import os
import random
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from cut_contents import (
    ARTIFACTS,
    METRICS_AT_RISK_SECONDS,
    PROJECT,
    WriterState,
    source_of,
    state_after,
    tree_of,
)
from store_checks import damages, folder_content

_DOWNLOADS = 4


def main(expected_path: str) -> int:
    """Check everything; 0 when every promise was kept."""
    expected = json.loads(Path(expected_path).read_text())
    root = Path(expected["root"])
    os.environ["LOCALART_DIR"] = str(root)
    from localart.repository.opening import close_all, default_repository

    writers = expected["writers"]
    was_there = any(writer["done"] for writer in writers.values())
    began = time.monotonic()
    repository = default_repository(create=not was_there)
    broken = list(damages(repository))
    figures = {"versions": 0, "metrics_late": 0}
    for name, writer in writers.items():
        broken += _check_writer(repository, name, writer, figures)
    found = {name: _observed(repository, name) for name in writers}
    broken += _check_downloads(found, Path(expected["folder"]), random.Random(expected["seed"]))
    broken += _check_next_logs(found, Path(expected["folder"]))
    broken += [f"after the next log: {damage}" for damage in damages(repository)]
    close_all()
    figures["seconds"] = round(time.monotonic() - began, 3)
    for line in broken:
        print(line)
    print(json.dumps(figures))
    return 1 if broken else 0


# --- what the catalog says -----------------------------------------------------------------------------


def _observed(repository: Any, writer: str) -> WriterState:
    state = WriterState()
    connection = repository.read()
    for name, number, deleted in connection.execute(
        "SELECT a.name, v.number, v.state = 'DELETED' FROM versions v JOIN artifacts a ON a.id = v.artifact"
        " WHERE a.name LIKE ? ORDER BY v.number",
        (f"{writer}-%",),
    ).fetchall():
        artifact = name.partition("-")[2]
        state.versions[artifact] = number + 1
        if deleted:
            state.deleted.add(f"{artifact}:v{number}")
    for name, alias, number in connection.execute(
        "SELECT a.name, l.name, v.number FROM aliases l JOIN artifacts a ON a.id = l.artifact"
        " JOIN versions v ON v.id = l.version WHERE a.name LIKE ?",
        (f"{writer}-%",),
    ).fetchall():
        state.aliases[f"{name.partition('-')[2]}:{alias}"] = number
    for run, kept in connection.execute(
        "SELECT run_id, state FROM runs WHERE run_id LIKE ?", (f"{writer}-%",)
    ).fetchall():
        state.runs[run] = kept
    return state


def _check_writer(
    repository: Any, name: str, writer: Mapping[str, Any], figures: dict[str, int]
) -> Iterator[str]:
    """The state is that after all calls that returned, or with the one that was under way."""
    events, done = writer["events"], writer["done"]
    observed = _observed(repository, name)
    if writer["ended"]:
        observed.runs = {run: state.replace("crashed", "running") for run, state in observed.runs.items()}
    allowed = [state_after(events[:done]), state_after(events[: done + 1])]
    if observed not in allowed:
        yield f"{name}: {observed} after {done} calls, not {allowed[0]}"
    figures["versions"] += sum(allowed[0].versions.values())
    yield from _check_metrics(repository, name, events[:done], writer["moment"], figures)


def _check_metrics(
    repository: Any, name: str, done: Sequence[Mapping[str, Any]], cut: float, figures: dict[str, int]
) -> Iterator[str]:
    """Older than a second, or followed by a durable call of the same writer: it is there."""
    kept = {
        (run, step)
        for run, step in repository.read()
        .execute(
            "SELECT r.run_id, m.step FROM metrics m JOIN runs r ON r.id = m.run WHERE r.run_id LIKE ?",
            (f"{name}-%",),
        )
        .fetchall()
    }
    last_durable = max(
        (at for at, event in enumerate(done) if event["do"] not in {"metric", "close", "prune"}), default=-1
    )
    for at, event in enumerate(done):
        if event["do"] != "metric" or (event["run"], event["step"]) in kept:
            continue
        age = cut - event["time"]
        if at < last_durable or age > METRICS_AT_RISK_SECONDS:
            yield f"{name}: step {event['step']} of {event['run']} is gone, {age:.2f} s after it was logged"
        figures["metrics_late"] += 1


# --- what users get ------------------------------------------------------------------------------------


def _check_downloads(found: Mapping[str, WriterState], folder: Path, chance: random.Random) -> Iterator[str]:
    """The newest version of everything and some others, byte by byte."""
    import localart

    wanted = [
        (writer, artifact, number)
        for writer, state in found.items()
        for artifact, count in state.versions.items()
        for number in range(count)
        if f"{artifact}:v{number}" not in state.deleted
    ]
    newest = [(w, a, n) for w, a, n in wanted if n == found[w].versions[a] - 1]
    for writer, artifact, number in {*newest, *chance.sample(wanted, min(_DOWNLOADS, len(wanted)))}:
        name = f"{PROJECT}/{writer}-{artifact}:v{number}"
        target = folder / f"{writer}-{artifact}-{number}"
        localart.Api().artifact(name).download(target)
        if folder_content(target) != tree_of(artifact, writer, number):
            yield f"{name} is not what was logged"
        shutil.rmtree(target)


def _check_next_logs(found: Mapping[str, WriterState], folder: Path) -> Iterator[str]:
    """The store takes the next version of everything, with the next number."""
    import localart

    with localart.init(project=PROJECT, id="after-the-cut") as run:
        for writer, state in found.items():
            for artifact in ARTIFACTS:
                number = state.versions.get(artifact, 0)
                draft = localart.Artifact(f"{writer}-{artifact}", "data")
                if artifact == "many":
                    draft.add_dir(source_of(writer, number))  # read before, for all the stat cache knows
                else:
                    for path, content in tree_of(artifact, writer, number).items():
                        with draft.new_file(path, "wb") as file:
                            file.write(content)
                run.log_artifact(draft)
                target = folder / "next"
                localart.Api().artifact(f"{PROJECT}/{writer}-{artifact}:latest").download(target)
                if draft.version != f"v{number}" or folder_content(target) != tree_of(
                    artifact, writer, number
                ):
                    yield f"the next log of {writer}-{artifact} made {draft.version}, not v{number}, or other bytes"
                shutil.rmtree(target)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
