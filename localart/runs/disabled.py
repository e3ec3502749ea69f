"""A run that keeps nothing (`mode="disabled"`): every call works and does nothing."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from localart.errors import InvalidMetadata
from localart.jsonable import normalise_value
from localart.runs.configuration import Config
from localart.runs.facts import RunStatus
from localart.runs.metric_rules import Metric
from localart.runs.run_names import new_run_id
from localart.runs.settings import Settings
from localart.runs.summary_values import Summary


class Nothing:
    """Answers any attribute and any call with itself."""

    def __getattr__(self, name: str) -> Self:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_args: object, **_named: object) -> Self:  # noqa: D102
        return self

    def __bool__(self) -> bool:
        return False


def _nothing_more(_run: "DisabledRun") -> None:
    """For a run that nobody waits for."""


class DisabledRun:
    """Looks like a `Run`, writes nothing to any disk. `ended`: a later `init()` does not return it again.

    Its summary takes what is logged. After its `with` block it stays the active run; after `finish()` it does not.
    """

    def __init__(
        self,
        *,
        project: str,
        name: str,
        config: Any,
        job_type: str | None,
        group: str | None,
        settings: Settings | None = None,
        run_id: str | None = None,
        notes: str | None = None,
        tags: Sequence[str] = (),
        on_finish: "Callable[[DisabledRun], None]" = _nothing_more,
    ) -> None:
        self.id = run_id or new_run_id()
        self.project = project
        self.name = name
        self.job_type = job_type or ""
        self.group = group or ""
        self.notes = notes
        self.tags = tuple(tags)
        self.entity = ""
        self.path = f"{project}/{self.id}"
        self.url = self.project_url = self.sweep_id = self.sweep_url = None
        import tempfile

        self.dir = self.sync_dir = tempfile.gettempdir()
        self.start_time = time.time()
        self.step = 0
        self.starting_step = 0
        self.resumed = False
        self.disabled = True
        self.offline = True
        is_now = {"mode": "disabled", "entity": "", "project": project, "run_id": self.id, "run_name": name}
        self.settings = (settings or Settings()) | Settings(**is_now)
        self._on_finish = on_finish
        self.ended = False
        self._depth = 0
        self.config = Config(on_change=_ignore, allow_val_change=True)
        self.config.update(config)
        self.summary = Summary({}, on_change=_ignore, convert=_if_plain)

    @property
    def config_static(self) -> Any:
        """The config as it is now, read-only."""
        return self.config.frozen()

    def log(self, data: Any, step: int | None = None, commit: bool | None = None) -> None:
        """Count the step; nothing is kept but in this process's summary."""
        if isinstance(data, Mapping):
            for key, value in data.items():
                with suppress(InvalidMetadata):  # a run that keeps nothing refuses nothing
                    self.summary.update({str(key): value})
        if step is not None:
            self.step = max(self.step, step)
        elif commit is not False:
            self.step += 1

    def log_artifact(self, *_args: object, **_named: object) -> Any:
        """Return a no-op artifact."""
        return Nothing()

    def use_artifact(self, *_args: object, **_named: object) -> Any:
        """Use nothing."""

    def use_model(self, name: str) -> str:
        """Use nothing; a path in the temporary folder."""
        return f"{self.dir}/{name.partition(':')[0]}"

    def log_model(self, *_args: object, **_named: object) -> None:
        """Keep nothing."""

    def log_code(self, *_args: object, **_named: object) -> None:
        """Keep nothing."""

    def define_metric(self, name: str, *_args: object, **_named: object) -> Metric:
        """Define nothing."""
        return Metric(name=name)

    def save(self, *_args: object, **_named: object) -> list[str]:
        """Keep nothing."""
        return []

    def restore(self, *_args: object, **_named: object) -> None:
        """Find nothing."""

    def status(self) -> RunStatus:
        """Nothing waits to be sent anywhere."""
        return RunStatus()

    def to_html(self, height: int = 420, hidden: bool = False) -> str:
        """There is nothing to show."""
        del height, hidden
        return ""

    def display(self, height: int = 420, hidden: bool = False) -> bool:
        """There is nothing to show."""
        del height, hidden
        return False

    def project_name(self) -> str:
        """`project`, as older code asks for it."""
        return self.project

    def get_url(self) -> None:
        """None: there is no server."""

    def get_project_url(self) -> None:
        """None: there is no server."""

    def finish(self, *_args: object, **_named: object) -> None:
        """Make room for the next run, and be the active one no more."""
        self.ended = True
        self._on_finish(self)

    def __getattr__(self, name: str) -> Nothing:
        from localart.runs.run import Run

        if name.startswith("_") or not hasattr(Run, name):
            raise AttributeError(f"a run has no {name!r}")
        return Nothing()

    def __enter__(self) -> Self:
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.ended = True


def _ignore(_values: dict[str, Any]) -> None:
    """Keep nothing."""


def _if_plain(value: object, where: str) -> Any:
    """Plain JSON; what is none (media, say) as it is, for nothing will keep it."""
    try:
        return normalise_value(value, where)
    except (TypeError, ValueError):
        return value
