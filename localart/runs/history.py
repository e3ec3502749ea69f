"""What a run logs, step by step. Every call that returned survives the death of the process."""

import operator
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from localart.catalog import metrics
from localart.jsonable import normalise_value
from localart.media.base import Media
from localart.model import RunRecord
from localart.names import check_label
from localart.reporter import Reporter
from localart.repository import Repository
from localart.runs.files import RunFiles

_FLUSH_SECONDS = 0.8  # a power cut may cost the last second


class History:
    """The rows of one running run, and the step it is at."""

    def __init__(
        self, repository: Repository, run: RunRecord, files: RunFiles, reporter: Reporter, *, first_step: int
    ) -> None:
        self._repository = repository
        self._run = run
        self._files = files
        self._reporter = reporter
        self._guard = threading.RLock()
        self._ids: dict[str, int] = {}
        self._flusher = _Flusher(repository)
        self.step = first_step

    def log(
        self, values: Mapping[str, Any], step: int | None, *, commit: bool | None
    ) -> dict[str, Any] | None:
        """Write `values` at the current step, or at `step` when it is not older; the nested plain values.

        None when they were dropped for an older step. The step moves on unless one was given or `commit` is
        False; values of the same step merge.
        """
        _check_keys(values)
        with self._guard:
            # A NumPy or torch whole number is as good as an int; a float is a TypeError.
            at = self.step if step is None else operator.index(step)
            if at < self.step:
                self._reporter.step_dropped(run_id=self._run.id, step=at, current_step=self.step)
                return None
            plain = {key: self._plain_value(key, value, at) for key, value in values.items()}
            self.step = at
            self._write(plain)
            if commit or (commit is None and step is None):
                self.step += 1
        return plain

    def _plain_value(self, key: str, value: Any, step: int) -> Any:
        if isinstance(value, Media):
            return self._files.keep_one(key, step, value)
        if isinstance(value, Sequence) and value and all(isinstance(one, Media) for one in value):
            return self._files.keep_images(key, step, value)
        if isinstance(value, Mapping):
            return {str(name): self._plain_value(f"{key}.{name}", one, step) for name, one in value.items()}
        return normalise_value(value, key)

    def _write(self, plain: dict[str, Any]) -> None:
        flat = dict(_flattened(plain))
        with self._repository.catalog.write(durable=False) as tx:
            unknown = [name for name in flat if name not in self._ids]
            found = metrics.metric_ids(tx, unknown) if unknown else {}
            metrics.insert_metrics(
                tx,
                self._run.key,
                {**self._ids, **found} if found else self._ids,
                self.step,
                time.time(),
                flat,
            )
        self._ids.update(found)
        self._flusher.wake()

    def close(self) -> None:
        """Stop the flusher; the caller's next durable commit covers what was logged."""
        self._flusher.stop()


def _check_keys(values: object) -> None:
    if not isinstance(values, Mapping):
        raise TypeError(f"log() takes a dict, not {type(values).__name__}")
    for key in values:
        if not isinstance(key, str):
            raise TypeError(f"the keys of a logged dict must be str, not {type(key).__name__}")
        check_label(key, "Metric name")


def _flattened(values: Mapping[str, Any], prefix: str = "") -> Sequence[tuple[str, Any]]:
    """`{"b": {"c": 1}}` → `b.c`; records of media (with a `_type`) stay whole."""
    result: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, dict) and value and "_type" not in value:
            result += _flattened(value, f"{prefix}{name}.")
        else:
            result.append((prefix + name, value))
    return result


class _Flusher:
    """Makes metrics durable within a second of being logged, in a thread of its own."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._wanted = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Something was logged."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._loop, name="localart-flush", daemon=True)
            self._thread.start()
        self._wanted.set()

    def _loop(self) -> None:
        while not self._stopped.is_set():
            self._wanted.wait()
            if self._stopped.wait(_FLUSH_SECONDS):
                return
            self._wanted.clear()
            self._repository.catalog.flush()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._wanted.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join(timeout=5)
