"""A run that keeps nothing (`mode="disabled"`): every call works and does nothing."""

import tempfile
from types import TracebackType
from typing import Any, Self

from localart.runs.configuration import Config
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


class DisabledRun:
    """Looks like a `Run`, writes nothing to any disk. `ended`: a later `init()` does not return it again."""

    def __init__(
        self, *, project: str, name: str, config: Any, job_type: str | None, group: str | None
    ) -> None:
        self.id = "disabled"
        self.project = project
        self.name = name
        self.job_type = job_type
        self.group = group
        self.notes: str | None = None
        self.tags: tuple[str, ...] = ()
        self.entity = ""
        self.path = f"{project}/disabled"
        self.url = None
        self.dir = tempfile.gettempdir()
        self.step = 0
        self.starting_step = 0
        self.resumed = False
        self.disabled = True
        self.ended = False
        self._depth = 0
        self.config = Config(config, on_change=_ignore, allow_val_change=True)
        self.summary = Summary({}, on_change=_ignore)

    def log(self, data: Any, step: int | None = None, commit: bool | None = None) -> None:
        """Count the step, keep nothing."""
        del data
        if step is not None:
            self.step = max(self.step, step)
        elif commit is not False:
            self.step += 1

    def log_artifact(self, *_args: object, **_named: object) -> Any:
        """Return a no-op artifact."""
        return Nothing()

    def use_artifact(self, *_args: object, **_named: object) -> Any:
        """Use nothing."""

    def save(self, *_args: object, **_named: object) -> list[str]:
        """Keep nothing."""
        return []

    def finish(self, *_args: object, **_named: object) -> None:
        """Make room for the next run."""
        self.ended = True

    def __getattr__(self, name: str) -> Nothing:
        if name.startswith("_"):
            raise AttributeError(name)
        return Nothing()

    def __enter__(self) -> Self:
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._depth -= 1
        if self._depth == 0:
            self.finish()


def _ignore(_values: dict[str, Any]) -> None:
    """Keep nothing."""
