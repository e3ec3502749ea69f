"""What a run logs, step by step. Every call that returned survives the death of the process."""

import operator
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from localart.errors import InvalidMetadata
from localart.jsonable import MAX_DEPTH, normalise_value
from localart.media.base import Media
from localart.media.convert import as_media
from localart.model import RunRecord
from localart.names import check_label, shown
from localart.reporter import Reporter
from localart.repository import Repository
from localart.runs.files import RunFiles
from localart.runs.guests import note_guest
from localart.runs.media import MediaList, RunMedia, spread_charts
from localart.runs.metric_rules import MetricRules
from localart.runs.recorder import Recorder

_LAST_STEP = 1 << 53  # the last one that JSON's numbers count to


class History:
    """The rows of one running run, and the step it is at."""

    def __init__(
        self,
        repository: Repository,
        run: RunRecord,
        files: RunFiles,
        reporter: Reporter,
        *,
        first_step: int,
        rules: MetricRules,
    ) -> None:
        self._run = run
        self._files = files
        self._media = RunMedia(repository, run, files, reporter)
        self._reporter = reporter
        self._guard = threading.RLock()
        self._pid = os.getpid()
        self._recorder = Recorder(repository, run)
        self._rules = rules
        self.step = first_step

    def log(
        self, values: Mapping[str, Any], step: int | None, *, commit: bool | None
    ) -> dict[str, Any] | None:
        """Write `values` at the current step, or at `step` when it is not older; what the summary takes of them.

        None when they were dropped for an older step. The step moves on unless one was given or `commit` is
        False; values of the same step merge.
        """
        checked = _checked_values(values)
        with self._own_guard():
            at = self.step if step is None else _checked_step(step)
            if at < self.step:
                self._reporter.step_dropped(run_id=self._run.id, step=at, current_step=self.step)
                return None
            plain = {key: self._media.keep(key, value, at) for key, value in checked.items()}
            plain = self._record(plain, at)
            self.step = at
            if commit or (commit is None and step is None):
                self.step += 1
        return plain

    def keep_in_summary(self, value: object, where: str) -> Any:
        """Plain JSON for what the user puts into the summary at `where` (`summary.best.image`), media kept."""
        checked = _with_media(value, where)
        if not _has_media([checked]):
            return checked
        with self._own_guard():
            return self._media.keep(where.removeprefix("summary."), checked, self.step)

    def _own_guard(self) -> threading.RLock:
        if self._pid != os.getpid():  # in a forked child: a thread that is not here may hold it for ever
            self._pid, self._guard = os.getpid(), threading.RLock()
            note_guest(self._files.folder.parent)
        return self._guard

    def _record(self, plain: dict[str, Any], step: int) -> dict[str, Any]:
        """Keep the values; what the summary takes of them."""
        flat = dict(_flattened(plain))
        if not self._rules:
            self._recorder.record(step, flat)
            return plain
        whole = self._rules.completed(flat)
        self._rules.prepare(whole)
        self._recorder.record(step, whole)
        added = {name: value for name, value in whole.items() if name not in flat}
        return self._rules.summarised({**added, **plain})

    def become_guest(self, step: int) -> None:
        """Go on at `step`, in a process that did not begin the run."""
        self.step = step
        self._pid = 0
        self._recorder.become_guest()

    def settle(self) -> None:
        """Put what was logged into the catalog now."""
        self._recorder.settle()

    def close(self) -> None:
        """Put what was logged into the catalog, and stop; the caller's next durable commit covers it."""
        self._recorder.close()


def _checked_step(step: object) -> int:
    """A NumPy or torch whole number is as good as an int; a float is a TypeError."""
    at = operator.index(step)  # type: ignore[arg-type]
    if at > _LAST_STEP:
        raise ValueError(f"step must be at most {_LAST_STEP}, not {at}")
    return at


def _checked_values(values: object) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise TypeError(f"log() takes a dict, not {type(values).__name__}")
    for key in values:
        if not isinstance(key, str):
            raise TypeError(f"the keys of a logged dict must be str, not {type(key).__name__}")
    return spread_charts(
        {
            check_label(key, "Metric name"): _checked_value(key, value, depth=1)
            for key, value in values.items()
        }
    )


def _checked_value(key: str, value: Any, *, depth: int) -> Any:
    """Plain JSON, or media that are still to be kept. `key` is the path down to the value."""
    value = as_media(value)
    if isinstance(value, Media):
        return value
    if isinstance(value, Sequence) and value and all(isinstance(one, Media) for one in value):
        return MediaList(value)
    if isinstance(value, Mapping):
        return _checked_mapping(key, value, depth)
    return normalise_value(value, key)


def _with_media(value: object, where: str) -> Any:
    """The value with the media in it, which are still to be kept; all else of it plain."""
    shown_as = as_media(value)
    if isinstance(shown_as, Media) and (isinstance(value, Media) or shown_as.kind != "histogram"):
        return shown_as
    if _is_media_list(value):
        return MediaList(cast("list[Media]", value))
    if isinstance(value, dict) and _has_media(value.values()):
        kept = {name: one for name, one in value.items() if _has_media([one])}
        plain = normalise_value({name: one for name, one in value.items() if name not in kept}, where)
        return plain | {str(name): _with_media(one, f"{where}.{name}") for name, one in kept.items()}
    return normalise_value(value, where)


def _has_media(values: Iterable[object], depth: int = MAX_DEPTH) -> bool:
    """Whether there are media among these, or in the dicts among them."""
    return depth > 0 and any(
        isinstance(one, Media | MediaList)
        or (isinstance(one, dict) and _has_media(one.values(), depth - 1))
        or _is_media_list(one)
        for one in values
    )


def _is_media_list(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(one, Media) for one in value)


def _checked_mapping(key: str, values: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    if depth == MAX_DEPTH:  # a dict that holds itself comes here too
        raise InvalidMetadata(
            f"Metric {shown(key)} is nested deeper than {MAX_DEPTH} levels", hint="flatten it"
        )
    plain: dict[str, Any] = {}
    for name, value in values.items():
        if not isinstance(name, str | int | float | None):
            raise TypeError(
                f"{shown(key)} has a key of type {type(name).__name__}, and metric names are text"
            )
        if str(name) in plain:
            raise InvalidMetadata(
                f"{shown(key)} has two keys that both become {shown(str(name))}", hint="rename one of them"
            )
        inner = check_label(f"{key}.{name}", "Metric name")
        plain[str(name)] = _checked_value(inner, value, depth=depth + 1)
    return spread_charts(plain)


def _flattened(values: Mapping[str, Any], prefix: str = "") -> Sequence[tuple[str, Any]]:
    """`{"b": {"c": 1}}` → `b.c`; records of media (with a `_type`) stay whole."""
    result: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, dict) and value and "_type" not in value:
            result += _flattened(value, f"{prefix}{name}.")
        else:
            result.append((prefix + name, value))
    return result
