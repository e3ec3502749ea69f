"""The rows that people see, compared with what the journal tells of them: the part of verify that finds changed rows.

What a broken chain of records tells is believed by nobody: then only the seals count. Memory grows with versions, runs
and edges, not with files or values.
"""

import sqlite3
from collections.abc import Iterator, Mapping

from localart.catalog import soundness_journal, soundness_rows, told, told_rest
from localart.catalog.told import Told
from localart.operations.verify import REPAIR, Code, Finding, Tally

_LISTED = 100


class Story:
    """The journal, and the rows beside it. What a broken chain tells is believed by nobody."""

    def __init__(self, connection: sqlite3.Connection, tally: Tally) -> None:
        self._connection = connection
        self._tally = tally
        self._told: Told | None = None

    def chain(self, connection: sqlite3.Connection) -> Iterator[Finding]:
        """Every record must follow from the one before it."""
        story, wrong = Told(), 0
        for record in soundness_journal.iter_journal(connection):
            self._tally.record_count += 1
            if not record.is_sound:
                wrong += 1
                if wrong <= _LISTED:
                    yield Finding(
                        code=Code.JOURNAL,
                        what=f"Record {record.seq} of the journal is not what was written, or its neighbour is missing",
                        where="localart.db",
                        subject=f"journal:{record.seq}",
                        advice=REPAIR,
                    )
            elif not wrong:
                told.take_in(story, record)
        if not wrong:
            self._told = story

    def versions(self, connection: sqlite3.Connection) -> Iterator[Finding]:
        """Every version's row: its seal, and what was told."""
        seen: set[str] = set()
        for row in soundness_rows.iter_version_rows(connection):
            self._tally.version_count += 1
            seen.add(row.uid)
            wrong = [] if row.is_sealed else ["its seal does not fit"]
            wrong += _version_differences(self._told, row)
            if wrong:
                yield Finding(
                    code=Code.VERSION,
                    what=f"The row of {row.name} is not what was written: {', '.join(wrong)}",
                    where="localart.db",
                    subject=f"version:{row.uid}",
                    versions=(row.name,),
                    advice=REPAIR,
                )
        for uid, one in self._told.versions.items() if self._told else ():
            if uid not in seen and one.is_sure:
                yield Finding(
                    code=Code.VERSION,
                    what=f"The row of {one.name} is missing",
                    where="localart.db",
                    subject=f"version:{uid}",
                    versions=(one.name,),
                    advice=REPAIR,
                )

    def runs(self, connection: sqlite3.Connection) -> Iterator[Finding]:
        """Every run must be what the journal tells, as far as it tells it."""
        if self._told is None:
            return
        seen = set()
        for row in soundness_rows.iter_run_rows(connection):
            seen.add(row.uid)
            one = self._told.runs.get(row.uid)
            if one is None:
                continue
            wrong = [
                name
                for name, (_, digest) in one.columns.items()
                if told.column_digest(row.columns[name]) != digest
            ]
            has, should = (row.project, row.id, row.created_at), (one.project, one.id, one.created_at)
            wrong += [
                name for name, a, b in zip(("project", "id", "time"), has, should, strict=True) if a != b
            ]
            wrong += ["tags"] if row.tags != one.tags else []
            if wrong:
                yield _run_finding(row.uid, one.id, f"another {', '.join(wrong)}")
        for uid, one in self._told.runs.items():
            if uid not in seen:
                yield _run_finding(uid, one.id, "it is missing")

    def aliases(self, connection: sqlite3.Connection) -> Iterator[Finding]:
        """Every alias: its seal, and where it was told to point."""
        found = {}
        for row in soundness_rows.iter_alias_rows(connection):
            key = (row.project, row.artifact, row.name)
            found[key] = row.version
            if not row.is_sealed:
                yield _alias_finding(key, "its seal does not fit")
        for artifact in self._told.artifacts.values() if self._told else ():
            own = {
                name: found.pop(key)
                for name in [
                    *artifact.aliases,
                    *(k[2] for k in found if k[:2] == (artifact.project, artifact.name)),
                ]
                if (key := (artifact.project, artifact.name, name)) in found
            }
            if artifact.is_sure:
                for name in sorted({*own, *artifact.aliases}):
                    if own.get(name) != artifact.aliases.get(name):
                        yield _alias_finding(
                            (artifact.project, artifact.name, name), "the journal tells otherwise"
                        )

    def edges(self, connection: sqlite3.Connection) -> Iterator[Finding]:
        """Every edge must be there as told, and no other."""
        if self._told is None:
            return
        unsure = {uid for uid, one in self._told.versions.items() if not one.is_sure}
        runs = soundness_rows.run_uids(connection)
        wanted = {
            key: one for key, one in self._told.edges.items() if key[0] in runs and key[1] not in unsure
        }
        wrong = []
        for row in soundness_rows.iter_edge_rows(connection):
            key = (row.run, row.version, row.direction)
            one = wanted.pop(key, None)
            if key[1] in unsure:
                continue
            metadata = None if row.metadata is None else told.metadata_digest(row.metadata)
            if one is None or (bool(row.made), row.used_as, metadata) != (
                one.made,
                one.used_as,
                one.metadata,
            ):
                wrong.append(key)
        for run, version, direction in [*wrong, *wanted][:_LISTED]:
            name = self._told.versions[version].name if version in self._told.versions else str(version)
            yield Finding(
                code=Code.EDGE,
                what=f"That {name} is an {direction} of run {run} is not told alike by rows and journal",
                where="localart.db",
                subject=f"edge:{run}:{version}:{direction}",
                versions=(name,),
                advice=REPAIR,
            )

    def links(self, connection: sqlite3.Connection) -> Iterator[Finding]:
        """Every place in a portfolio must be as told."""
        if self._told is None:
            return
        found = {
            (row.project, row.artifact, row.number): (row.version, row.is_live)
            for row in soundness_rows.iter_link_rows(connection)
        }
        for artifact in self._told.artifacts.values():
            for number, uid in artifact.links.items() if artifact.is_sure else ():
                version, is_live = found.pop((artifact.project, artifact.name, number), ("", False))
                if (version if is_live else None) != uid:
                    yield Finding(
                        code=Code.LINK,
                        what=f"Link v{number} of {artifact.project}/{artifact.name} is not what the journal tells",
                        where="localart.db",
                        subject=f"link:{artifact.project}/{artifact.name}:{number}",
                        advice=REPAIR,
                    )

    def counters(self, connection: sqlite3.Connection) -> Iterator[Finding]:
        """Numbers are given without gaps, and the counter stands behind the last one (I7)."""
        rows = soundness_rows.artifact_rows(connection)
        for row in rows:
            expected = self._told.artifacts.get((row.project, row.name)) if self._told else None
            wrong = row.next_number != row.given or row.highest != row.given - 1
            if expected is not None and expected.is_sure:
                wrong |= (row.type, row.kind, row.next_number) != (
                    expected.type,
                    expected.kind,
                    expected.next_number,
                )
            if wrong or (self._told is not None and expected is None):
                yield _counter_finding(f"{row.project}/{row.name}", "is not what the journal tells")
        known = {(row.project, row.name) for row in rows}
        for key in self._told.artifacts if self._told else ():
            if key not in known:
                yield _counter_finding("/".join(key), "is missing")

    def rest(self, connection: sqlite3.Connection) -> Iterator[Finding]:
        """Projects, what artifacts say of themselves, alerts and files of runs must be as told."""
        if self._told is None:
            return
        for of, name in told_rest.differences(self._told.rest, told_rest.rest_of(connection)):
            yield Finding(
                code=Code.RUN if of == "run" else Code.COUNTER,
                what=f"The rows of {of} {name} are not what the journal tells",
                where="localart.db",
                subject=f"{of}:{name}",
                advice=REPAIR,
            )


def _version_differences(story: Told | None, row: soundness_rows.VersionRow) -> list[str]:
    if story is None:
        return []
    one = story.versions.get(row.uid)
    if one is None:
        return ["the journal does not know it"]
    if not one.is_sure:
        return []
    is_live = one.state == "COMMITTED"
    pairs: Mapping[str, tuple[object, object]] = {
        "number": (row.number, one.number),
        "artifact": ((row.project, row.artifact), (one.artifact.project, one.artifact.name)),
        "state": (row.state, one.state),
        "content": (row.manifest.hex() if is_live and row.manifest else "", one.manifest if is_live else ""),
        "description": (row.description, one.description),
        "metadata": (told.metadata_digest(row.metadata), one.metadata),
        "tags": (row.tags, tuple(sorted(one.tags))),
        "ttl": (row.ttl_seconds, one.ttl_seconds),
        "time": (row.created_at, one.created_at),
    }
    if not is_live:
        pairs = {name: pair for name, pair in pairs.items() if name != "content"}
    return [f"another {name}" for name, (has, should) in pairs.items() if has != should]


def _run_finding(uid: str, run_id: str, why: str) -> Finding:
    return Finding(
        code=Code.RUN,
        what=f"The row of run:{run_id} is not what the journal tells: {why}",
        where="localart.db",
        subject=f"run:{uid}",
        versions=(f"run:{run_id}",),
        advice=REPAIR,
    )


def _alias_finding(key: tuple[str, str, str], why: str) -> Finding:
    project, artifact, name = key
    return Finding(
        code=Code.ALIAS,
        what=f"The alias {project}/{artifact}:{name} is not what was written: {why}",
        where="localart.db",
        subject=f"alias:{project}/{artifact}:{name}",
        advice=REPAIR,
    )


def _counter_finding(name: str, why: str) -> Finding:
    return Finding(
        code=Code.COUNTER,
        what=f"The row of {name} {why}",
        where="localart.db",
        subject=f"artifact:{name}",
        advice=REPAIR,
    )
