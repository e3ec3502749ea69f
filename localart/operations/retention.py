"""Delete versions by rules: plan, show, execute.

Without a rule that says what to keep, only versions whose lifetime has passed go. With one, every version of the
places asked for goes that no rule keeps. Some stay whatever the rules say: those with a protected alias, those a
running run uses, those linked in a portfolio (unless asked for), and an artifact's last one. "Last" and ties go by
the number of a version, never by a clock; a version from the future is young.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from localart.catalog import artifacts, history, retention, versions
from localart.catalog.usage import set_usage
from localart.errors import InvalidName, ProjectNotFound, UsageError
from localart.model import ArtifactKind, ArtifactRecord, VersionRecord
from localart.names import shown
from localart.operations.delete import delete_in
from localart.operations.resolve import resolve_artifact
from localart.operations.trash import is_clock_behind
from localart.repository import Repository

_SLICE = 500  # versions a transaction, and what one `undo` brings back
_PATIENCE = 10  # times that others may change something before it is judged under the lock
_UNITS = {"h": 3_600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """Keep the version with the highest, or lowest, value of a metadata key or of its run's summary."""

    metric: str
    lowest: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRules:
    """What to keep. Nothing set: only versions whose time has run out go, except aliased ones."""

    keep_last: int | None = None
    keep_best: tuple[Best, ...] = ()
    keep_within_seconds: int | None = None
    keep_tagged: bool = False
    keep_inputs: bool = False
    keep_ancestors: bool = False
    keep_aliased: bool = True
    linked_too: bool = False

    @property
    def says_what_to_keep(self) -> bool:
        """Whether versions go that have not expired."""
        return bool(
            self.keep_last is not None
            or self.keep_best
            or self.keep_within_seconds is not None
            or self.keep_tagged
            or self.keep_inputs
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One version, and every reason to keep it; without any it goes, because of `freed_for`.

    `exclusive_bytes`: what it holds alone, of a version that goes.
    """

    version: VersionRecord
    reasons: tuple[str, ...]
    freed_for: str
    exclusive_bytes: int = 0

    @property
    def is_kept(self) -> bool:
        """Whether anything speaks for it."""
        return bool(self.reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPlan:
    """What would go and what stays, by artifact and number. `freed_bytes`: what those that go hold together alone.

    `seq` is the last change in the history that the plan knows of; `clock_is_behind`: ages were not judged.
    """

    rules: RetentionRules
    places: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    freed_bytes: int
    seq: int
    clock_is_behind: bool

    @property
    def doomed(self) -> tuple[VersionRecord, ...]:
        """The versions that go."""
        return tuple(one.version for one in self.verdicts if not one.is_kept)


def parse_best(text: str) -> Best:
    """`loss:min`, `accuracy:max`, or `accuracy`, which means the highest."""
    metric, colon, way = text.rpartition(":")
    if colon and way in {"min", "max"} and metric:
        return Best(metric=metric, lowest=way == "min")
    if not text:
        raise InvalidName("The metric to keep the best of has no name", hint="for example loss:min")
    return Best(metric=text)


def parse_age(text: str) -> int:
    """Seconds in `12h`, `30d` or `2w`."""
    match = re.fullmatch(r"([0-9]{1,6})([hdw])", text, re.ASCII)
    if match is None:
        raise InvalidName(f"{shown(text)} is no age", hint="for example 12h, 30d or 2w")
    return int(match[1]) * _UNITS[match[2]]


def plan_retention(
    repository: Repository, rules: RetentionRules, places: Sequence[str] = ()
) -> RetentionPlan:
    """Say which versions of `places` (`project/` or `[project/]name`; none: all) would go. Changes nothing.

    UsageError when something would go although a metric to keep the best of is a number nowhere: it may be mistyped.
    """
    is_behind = is_clock_behind(repository)
    with repository.catalog.snapshot() as connection:
        seq = history.newest_seq(connection)
        verdicts = judge(repository, rules, places)
    _check_metrics(rules, verdicts)
    usage = set_usage(repository.read(), [one.version.id for one in verdicts if not one.is_kept])
    return RetentionPlan(
        rules=rules,
        places=tuple(places),
        verdicts=tuple(
            Verdict(
                version=one.version,
                reasons=one.reasons,
                freed_for=one.freed_for,
                exclusive_bytes=usage.each.get(one.version.id, 0),
            )
            for one in verdicts
        ),
        freed_bytes=usage.together,
        seq=seq,
        clock_is_behind=is_behind,
    )


def execute_retention(
    repository: Repository, plan: RetentionPlan, *, at_once: bool = False
) -> tuple[VersionRecord, ...]:
    """Delete what the plan said, as far as the rules still say so; what was deleted.

    Others work meanwhile: when they changed something, the versions are judged again first, and none goes that was
    not in the plan. They go to the trash; `at_once`: prune may free their bytes. Killed midway, the rest stays.
    """
    doomed = [version.id for version in plan.doomed]
    gone: list[VersionRecord] = []
    seq, attempts = plan.seq, 0
    while doomed:
        with repository.write() as tx:
            attempts += 1
            if attempts > _PATIENCE:
                doomed = _still_doomed(repository, plan, doomed)
            if attempts > _PATIENCE or history.newest_seq(tx.connection) == seq:
                for row_id in doomed[:_SLICE]:
                    gone.append(versions.get_version(tx.connection, row_id))
                    delete_in(tx, gone[-1], at_once=at_once)
                doomed, attempts = doomed[_SLICE:], 0
                seq = history.newest_seq(tx.connection)
                continue
        with repository.catalog.snapshot() as connection:
            seq = history.newest_seq(connection)
            doomed = _still_doomed(repository, plan, doomed)
    return tuple(gone)


def _still_doomed(repository: Repository, plan: RetentionPlan, doomed: Sequence[int]) -> list[int]:
    found = judge(repository, plan.rules, plan.places)
    freed = {one.version.id for one in found if not one.is_kept}
    return [row_id for row_id in doomed if row_id in freed]


# --- judging ---------------------------------------------------------------------------------------


def judge(repository: Repository, rules: RetentionRules, places: Sequence[str]) -> list[Verdict]:
    """A verdict on every version that may go, by project, artifact and number (the newest first)."""
    found = _Facts(repository, rules)
    candidates: dict[int, _Candidate] = {}
    for artifact in _artifacts(repository, places):
        line = list(versions.iter_versions(repository.read(), artifact.id))
        some = {one.version.id: one for one in _candidates(found, rules, line)}
        if some and len(some) == len(line) and not any(one.reasons for one in some.values()):
            some[line[0].id].reasons.append("the only one left")
        candidates |= some
    if rules.keep_ancestors:
        _keep_ancestors(repository, candidates)
    return [
        Verdict(version=one.version, reasons=tuple(one.reasons), freed_for=one.freed_for)
        for one in candidates.values()
    ]


@dataclass(slots=True)
class _Candidate:
    version: VersionRecord
    freed_for: str
    reasons: list[str] = field(default_factory=list)


class _Facts:
    """What is known of the whole store."""

    def __init__(self, repository: Repository, rules: RetentionRules) -> None:
        connection = repository.read()
        self.connection = connection
        self.now = repository.clock()
        self.trusts_clock = not is_clock_behind(repository)
        expired = versions.expired_versions(connection, self.now) if self.trusts_clock else []
        self.expired = {version.id for version in expired}
        retention.refuse_damage(connection)
        self.linked = retention.linked_as(connection)
        self.protected = retention.protected_by(connection)
        self.used_now = retention.used_now(connection)
        self.used = retention.used_by(connection) if rules.keep_inputs else {}


def _artifacts(repository: Repository, places: Sequence[str]) -> Iterator[ArtifactRecord]:
    everything = artifacts.list_collections(repository.read())
    chosen = (
        everything if not places else [one for place in places for one in _at(repository, place, everything)]
    )
    unique = {one.id: one for one in chosen if one.kind is ArtifactKind.SEQUENCE}
    yield from sorted(unique.values(), key=lambda one: (one.project, one.name))


def _at(repository: Repository, place: str, everything: Sequence[ArtifactRecord]) -> Sequence[ArtifactRecord]:
    if not place.endswith("/"):
        if ":" in place:
            raise InvalidName(
                f"{shown(place)} is one version; rules are about whole artifacts",
                hint="leave ':' and after out",
            )
        return [resolve_artifact(repository, place, project=None)]
    project = place.rstrip("/").rpartition("/")[2]
    found = [one for one in everything if one.project == project]
    if not found:
        raise ProjectNotFound(
            f"No artifact is in a project {shown(project)}", hint="`localart ls` lists them"
        )
    return found


def _candidates(facts: _Facts, rules: RetentionRules, line: Sequence[VersionRecord]) -> Iterator[_Candidate]:
    best = _best_of(facts, rules, line)
    for rank, version in enumerate(line):
        is_expired = version.id in facts.expired
        if not (is_expired or rules.says_what_to_keep):
            continue
        freed_for = "its lifetime has passed" if is_expired else "no rule keeps it"
        reasons = [
            *_by_force(facts, rules, version),
            *_by_rule(facts, rules, version, rank),
            *best.get(version.id, ()),
        ]
        yield _Candidate(version, freed_for, reasons)


def _by_force(facts: _Facts, rules: RetentionRules, version: VersionRecord) -> Iterator[str]:
    """What keeps a version whatever the rules say."""
    for alias in facts.protected.get(version.id, ()):
        yield f"protected alias {alias}"
    for run in facts.used_now.get(version.id, ())[:1]:
        yield f"used by {run}, which is running"
    if not rules.linked_too:
        for link in facts.linked.get(version.id, ()):
            yield f"linked as {link}"


def _by_rule(facts: _Facts, rules: RetentionRules, version: VersionRecord, rank: int) -> Iterator[str]:
    if rules.keep_last is not None and rank < rules.keep_last:
        yield f"last {rules.keep_last}"
    if rules.keep_aliased:
        # each newest version is `latest`: that alone does not outlast a lifetime somebody set
        yield from (
            f"alias {alias}"
            for alias in version.aliases
            if alias != versions.LATEST or version.id not in facts.expired
        )
    if rules.keep_within_seconds is not None and _is_within(facts, version, rules.keep_within_seconds):
        yield "young enough"
    if rules.keep_tagged:
        yield from (f"tag {tag}" for tag in version.tags)
    if used := facts.used.get(version.id):
        yield f"input of {used[0]}" + (f" and {len(used) - 1} more" if len(used) > 1 else "")


def _check_metrics(rules: RetentionRules, verdicts: Sequence[Verdict]) -> None:
    if all(one.is_kept for one in verdicts):
        return
    said = {reason for one in verdicts for reason in one.reasons}
    for rule in rules.keep_best:
        if not any(reason.startswith(f"best by {rule.metric} (") for reason in said):
            raise UsageError(
                f"No version there has a number {shown(rule.metric)} to be the best by",
                hint="`localart show NAME` lists a version's metadata, `localart run ID` a run's summary",
            )


def _is_within(facts: _Facts, version: VersionRecord, seconds: int) -> bool:
    if not facts.trusts_clock:
        return True
    age = datetime.fromisoformat(facts.now) - datetime.fromisoformat(version.created_at)
    return age.total_seconds() <= seconds


def _best_of(
    facts: _Facts, rules: RetentionRules, line: Sequence[VersionRecord]
) -> Mapping[int, Sequence[str]]:
    """Version → for which metrics it is the best; of equals the newest."""
    found: dict[int, list[str]] = defaultdict(list)
    for rule in rules.keep_best:
        values = [(version.id, _value(facts, version, rule.metric)) for version in line]
        known = [(row_id, value) for row_id, value in values if value is not None]
        if known:
            choose: Callable[..., tuple[int, float]] = min if rule.lowest else max
            winner, value = choose(known, key=lambda one: one[1])
            found[winner].append(f"best by {rule.metric} ({value:g})")
    return found


def _value(facts: _Facts, version: VersionRecord, metric: str) -> float | None:
    """The number a version has for a metric: in its metadata, or else in the summary of the run that made it."""
    for words in (version.metadata, retention.summary_of_maker(facts.connection, version.id)):
        value = words.get(metric, _inside(words, metric))
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return value
    return None


def _inside(words: Mapping[str, object], path: str) -> object:
    """`a.b` → what is at `b` in the object at `a`."""
    value: object = words
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _keep_ancestors(repository: Repository, candidates: Mapping[int, _Candidate]) -> None:
    freed = {row_id for row_id, one in candidates.items() if not one.reasons}
    kept = retention.committed_ids(repository.read()) - freed
    for ancestor, descendant in retention.ancestors(repository.read(), kept).items():
        candidate = candidates.get(ancestor)
        if candidate is not None:
            name = versions.get_version(repository.read(), descendant).label
            candidate.reasons.append(f"{name} came of it")
