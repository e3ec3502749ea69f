"""What is typed into the finder, and what it finds, section by section.

::

    mnist raw            whatever holds both words: names, aliases, runs, files, values, commands
    a:mnist  r:train  f:labels.csv  > theme      artifacts, runs, files, commands alone
    t:model resnet       artifacts of this type
    m:acc>0.9            versions by their metadata; m:acc those that have it
    c:lr=0.1  s:loss<1   runs by config or summary; state:failed, size>1G, tag:checked, alias:best, as in filters
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localart.catalog import browsing_runs, browsing_versions, finding
from localart.catalog.browsing_runs import RUN_FIELDS
from localart.catalog.browsing_versions import VERSION_FIELDS
from localart.catalog.conditions import Condition, ListQuery
from localart.catalog.projects import list_projects
from localart.errors import LocalartError
from localart.jsonable import load_values
from localart_tui.data.listing import conditions
from localart_tui.data.metadata import flatten
from localart_tui.filtering import Filter, Test, parse_filter
from localart_tui.places import Place, View

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence

    from localart.catalog.finding import Found, Hit
    from localart_tui.data.store import Store

_Answered = tuple[list["Answer"], int]

LONGEST_QUERY = 500
MOST_LISTED = 5_000
FIRST_HITS = 20
_SAMPLED = 200
_MOST_WORDS = 8
_FIELDS = VERSION_FIELDS | RUN_FIELDS
_HAS_KEY = re.compile(r"([mcs]):([^:=<>!]+)(?:[=<>!:]=?)?")
_HEADS = {"m": "metadata", "c": "config", "s": "summary"}
_PREFIXES = {"a": "artifacts", "r": "runs", "f": "files", "m": "versions", "p": "projects"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What was asked for: `only` one section ("": all), words, a type, and conditions on versions and runs."""

    text: str = ""
    only: str = ""
    words: tuple[str, ...] = ()
    kind: str = ""
    filter: Filter = field(default_factory=Filter)
    has_keys: tuple[tuple[str, str], ...] = ()

    @property
    def is_condition(self) -> bool:
        """Whether it asks for values rather than for names."""
        return bool(self.filter or self.has_keys)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A line of a section: `place` is opened; without one, `query` is what to go on typing."""

    title: str
    detail: str
    place: Place | None = None
    query: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What was found of one kind; `count` in all, though no more than 10,000 are counted."""

    key: str
    title: str
    answers: tuple[Answer, ...]
    count: int

    @property
    def count_text(self) -> str:
        """`1,204`, `10,000+`."""
        return f"{self.count:,}{'+' if self.count >= finding.MOST_COUNTED else ''}"


TITLES = {
    "exact": "Exactly this",
    "projects": "Projects",
    "artifacts": "Artifacts",
    "aliases": "Aliases and tags",
    "versions": "Versions",
    "runs": "Runs",
    "keys": "Keys of metadata, configs and summaries",
    "files": "Files",
}
"""The sections, in the order they are looked for and shown: the quick ones first."""


def parse_query(text: str) -> Query:
    """What was typed, as a query. Never fails: what means nothing else is a word."""
    text = text[:LONGEST_QUERY].strip()
    head, colon, rest = text.partition(":")
    only = ""
    if colon and head in _PREFIXES and not (head == "m" and _HAS_KEY.match(text)):
        only, text = _PREFIXES[head], rest
    return _parsed(text, only)


def _parsed(text: str, only: str) -> Query:
    words, kind, keys, rest = [], "", [], []
    for token in text.split():
        found = _HAS_KEY.fullmatch(token)
        if token.startswith("t:") and len(token) > 2:
            kind = token[2:]
        elif found:
            keys.append((_HEADS[found[1]], found[2]))
        elif _is_condition(token):
            rest.append(token)
        else:
            words.append(token)
    return Query(
        text=text.strip(),
        only=only,
        words=tuple(words[:_MOST_WORDS]),
        kind=kind,
        filter=_filter(" ".join(rest[:_MOST_WORDS])),
        has_keys=tuple(keys[:_MOST_WORDS]),
    )


def _is_condition(token: str) -> bool:
    terms = _filter(token).terms
    return bool(terms) and terms[0].test not in {Test.WORD, Test.PATTERN}


def _filter(text: str) -> Filter:
    try:
        return parse_filter(text, _FIELDS)
    except LocalartError:
        return Filter()


# --- sections ----------------------------------------------------------------------------------------


def section_keys(query: Query) -> Sequence[str]:
    """The sections that this query is looked for in."""
    if query.only:
        return ["aliases", "versions"] if query.only == "versions" else [query.only]
    if query.is_condition:
        return ["exact", "versions", "runs"]
    if query.kind:
        return ["artifacts"]
    return [key for key in TITLES if key != "versions"] + ["versions"] if _is_short(query) else list(TITLES)


def _is_short(query: Query) -> bool:
    """One or two letters begin too many words to be worth showing before all else."""
    return all(len(word) < 3 for word in query.words)


@dataclass(frozen=True, slots=True)
class _Asked:
    store: Store
    connection: sqlite3.Connection
    query: Query
    limit: int


def find_section(store: Store, connection: sqlite3.Connection, query: Query, key: str, limit: int) -> Section:
    """The first `limit` hits of one section. For a reading thread."""
    answers, count = _SECTIONS[key](_Asked(store, connection, query, limit))
    return Section(key=key, title=TITLES[key], answers=tuple(answers), count=count)


def _exact(asked: _Asked) -> _Answered:
    """What the whole text is the address of."""
    from localart.operations.resolve import resolve_run, resolve_version

    text = asked.query.text
    try:
        if text.startswith("run:"):
            run = resolve_run(asked.store.repository, text)
            place = Place("run", f"run:{run.project}/{run.id}")
            return [Answer(title=f"run:{run.id}", detail=run.name, place=place)], 1
        if ":" in text and " " not in text:
            version = resolve_version(asked.store.repository, text, project=None)
            place = Place("artifact", version.full_name)
            return [Answer(title=version.full_name, detail=version.type, place=place)], 1
    except LocalartError:
        pass  # while somebody types, most texts are not yet anything
    return [], 0


def _projects(asked: _Asked) -> _Answered:
    found = [
        Answer(
            title=one.name,
            detail=f"{one.artifact_count:,} artifacts, {one.run_count:,} runs",
            place=Place("artifacts", one.name),
        )
        for one in list_projects(asked.connection)
        if all(word.casefold() in one.name.casefold() for word in asked.query.words)
    ]  # fmt: skip
    return found[: asked.limit], len(found)


def _artifacts(asked: _Asked) -> _Answered:
    found = finding.find_artifacts(
        asked.connection, asked.query.words, kind=asked.query.kind, limit=asked.limit
    )
    return _answers(found, lambda hit: Place("versions", hit.address))


def _aliases(asked: _Asked) -> _Answered:
    found = finding.find_aliases(asked.connection, asked.query.words, limit=asked.limit)
    return _answers(found, lambda hit: Place("artifact", hit.address))


def _versions(asked: _Asked) -> _Answered:
    if asked.query.is_condition:
        return _conditioned_versions(asked)
    found = finding.find_versions(asked.connection, asked.query.words, limit=asked.limit)
    return _answers(found, lambda hit: Place("artifact", hit.address))


def _runs(asked: _Asked) -> _Answered:
    if asked.query.is_condition:
        return _conditioned_runs(asked)
    found = finding.find_runs(asked.connection, asked.query.words, limit=asked.limit)
    return _answers(found, lambda hit: Place("run", hit.address))


def _files(asked: _Asked) -> _Answered:
    found = finding.find_files(asked.connection, asked.query.words, limit=asked.limit)
    newest = {hit.title: hit for hit in found.hits}  # the layer added last is met last
    answers = [
        Answer(
            title=hit.title,
            detail=hit.address,
            place=Place("artifact", hit.address, view=View(tab="files", cursor=hit.title)),
        )
        for hit in newest.values()
    ]
    return answers, found.count if found.count > len(found.hits) else len(answers)


def _answers(found: Found, place: Callable[[Hit], Place]) -> tuple[list[Answer], int]:
    answers = [
        Answer(
            title=hit.title or hit.address,
            detail=" ".join(hit.detail.split()) + (f"  {hit.address}" if hit.title else ""),
            place=place(hit),
        )
        for hit in found.hits
    ]
    return answers, found.count


# --- conditions --------------------------------------------------------------------------------------


def _conditions(query: Query, fields: frozenset[str]) -> tuple[Condition, ...] | None:
    """The query's conditions; None when some of them mean nothing for these rows."""
    wanted = [*conditions(query.filter)]
    wanted += [Condition(field=f"{head}.{path}", test="!=", value="") for head, path in query.has_keys]
    wanted += [Condition(field="text", test="has", value=word) for word in query.words]
    known = all(
        one.field in fields or one.field == "text" or f"{one.field.partition('.')[0]}." in fields
        for one in wanted
    )
    return tuple(wanted) if known else None


def _conditioned_versions(asked: _Asked) -> _Answered:
    wanted = _conditions(asked.query, VERSION_FIELDS)
    if wanted is None:
        return [], 0
    ids = browsing_versions.version_ids(
        asked.connection, ListQuery(conditions=wanted), limit=finding.MOST_COUNTED
    )
    lines = [
        line
        for line in browsing_versions.version_lines(asked.connection, ids[: asked.limit])
        if line is not None
    ]
    answers = [
        Answer(
            title=f"{line.project}/{line.artifact}:v{line.number}",
            detail=", ".join(line.aliases) or line.type,
            place=Place("artifact", f"{line.project}/{line.artifact}:v{line.number}"),
        )
        for line in lines
    ]
    return answers, len(ids)


def _conditioned_runs(asked: _Asked) -> _Answered:
    wanted = _conditions(asked.query, RUN_FIELDS)
    if wanted is None:
        return [], 0
    ids = browsing_runs.run_ids(asked.connection, ListQuery(conditions=wanted), limit=finding.MOST_COUNTED)
    lines = [
        line for line in browsing_runs.run_lines(asked.connection, ids[: asked.limit]) if line is not None
    ]
    answers = [
        Answer(
            title=line.name or line.run_id,
            detail=f"{line.state}  {line.job_type}  run:{line.project}/{line.run_id}",
            place=Place("run", f"run:{line.project}/{line.run_id}"),
        )
        for line in lines
    ]
    return answers, len(ids)


# --- keys --------------------------------------------------------------------------------------------


def _keys(asked: _Asked) -> _Answered:
    """Paths of values in the newest versions and runs; taking one begins a condition on it."""
    counts: dict[tuple[str, str], int] = {}
    for which, path in _sampled_paths(asked.connection):
        if all(word.casefold() in path.casefold() for word in asked.query.words):
            counts[which, path] = counts.get((which, path), 0) + 1
    found = sorted(counts, key=lambda one: (-counts[one], one))
    answers = [
        Answer(
            title=path,
            detail=f"{which} of {counts[which, path]:,} of the newest",
            query=f"{which[0]}:{path}>",
        )
        for which, path in found[: asked.limit]
        if not re.search(r"[\s:=<>!]", path)
    ]
    return answers, len(answers) if len(found) <= asked.limit else len(found)


def _sampled_paths(connection: sqlite3.Connection) -> Iterable[tuple[str, str]]:
    for which, text in finding.newest_values(connection, limit=_SAMPLED):
        try:
            values: Any = load_values(text)
        except (LocalartError, ValueError, RecursionError):
            continue
        for row in flatten(values)[:200]:
            yield which, row.path


_SECTIONS: dict[str, Callable[[_Asked], _Answered]] = {
    "exact": _exact,
    "projects": _projects,
    "artifacts": _artifacts,
    "aliases": _aliases,
    "versions": _versions,
    "runs": _runs,
    "keys": _keys,
    "files": _files,
}
