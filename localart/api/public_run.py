"""A run as `Api` shows it, in any state: to read, and to correct."""

import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localart.api.asking import asked
from localart.api.files import File, get_file, list_files
from localart.api.history import HistoryScan, as_frame, checked_keys, sampled_history
from localart.api.listing import Listing, Pages
from localart.api.run_facts import RunFacts
from localart.artifact import Artifact
from localart.catalog import run_files, version_listing
from localart.errors import InvalidRequest, NotLocalError
from localart.jsonable import normalise_value
from localart.model import RunState
from localart.names import check_alias, check_label, check_prose, check_run_tag, check_tag, shown
from localart.operations.edit_run import Difference, RunEdit, delete_run, edit_run, keep_file
from localart.operations.run_life import mark_crashed
from localart.records import dataclass

if TYPE_CHECKING:
    from localart.api.api import Api

_POLL_SECONDS = 0.25
_CONSOLE = "output.log"


@dataclass(frozen=True, slots=True)
class ConsoleLine:
    """One line of what a run printed. `level` is "error" for one that went to stderr, where that was noted."""

    number: int
    content: str
    timestamp: str | None = None
    level: str = ""
    label: str = ""


class PublicRun(RunFacts):
    """One run: its facts, history, files and artifacts. `update()` keeps what was changed of it."""

    @classmethod
    def create(
        cls,
        api: "Api",
        run_id: str | None = None,
        project: str | None = None,
        entity: str | None = None,
        state: str = "running",
    ) -> "PublicRun":
        """The same as `api.create_run(…)`."""
        if state != "running":
            raise NotLocalError("Runs do not wait in a queue here", hint="start the run when it can begin")
        return api.create_run(run_id=run_id, project=project, entity=entity)

    # --- changing it -----------------------------------------------------------------------------------

    @asked
    def update(self) -> None:
        """Keep what was changed of name, notes, tags, group, job_type, config and summary, all or nothing.

        Of a running run, its own process may overwrite the config and the summary when it ends.
        """
        tags = tuple(check_run_tag(tag) for tag in self.tags)
        edit = RunEdit(
            columns=self._changed_columns(),
            config=Difference.between(self._record.config, normalise_value(self.config, "config")),
            summary=self._summary_difference(),
            tags=None if tags == self._record.tags else tags,
        )
        self._show(edit_run(self._repository, self._record, edit))

    def save(self) -> None:
        """The same as `update()`."""
        self.update()

    def _changed_columns(self) -> dict[str, str | None]:
        wanted: dict[str, tuple[str | None, str | None]] = {
            "name": (self._record.name, check_label(self.name, "Run name")),
            "notes": (self._record.notes, None if self.notes is None else check_prose(self.notes, "Notes")),
            "group_name": (
                self._record.group,
                None if self.group is None else check_label(self.group, "Group"),
            ),
            "job_type": (
                self._record.job_type,
                None if self.job_type is None else check_label(self.job_type, "Job type"),
            ),
        }
        return {column: after for column, (before, after) in wanted.items() if before != after}

    def _summary_difference(self) -> Difference:
        if self._summary is None:  # nobody has looked at it, so nobody has changed it
            return Difference()
        return Difference.between(self._summary_before, normalise_value(dict(self._summary), "summary"))

    def _keep_summary(self, values: Mapping[str, Any]) -> None:
        edit = RunEdit(summary=self._summary_difference())
        edit_run(self._repository, self._record, edit)
        self._summary_before = dict(normalise_value(dict(values), "summary"))

    @asked
    def delete(self, delete_artifacts: bool = False) -> None:
        """Delete it with its metrics and files; with `delete_artifacts` also the versions it made.

        CommError while its process lives. What it used stays; versions that stay have no producer then.
        """
        delete_run(self._repository, self._record, with_versions=delete_artifacts)

    @asked
    def wait_until_finished(self) -> None:
        """Return when it has ended, however; it then shows how."""
        while True:
            mark_crashed(self._repository)
            self.load()
            if self._record.state is not RunState.RUNNING:
                return
            time.sleep(_POLL_SECONDS)

    def update_state(self, state: str) -> bool:
        """NotLocalError: how a run stands is for its own process to say."""
        raise NotLocalError(
            f"A run is not made {shown(str(state))} from outside",
            hint="its process ends it, or it is found crashed",
        )

    def stop(self) -> None:
        """NotLocalError: there is no server to pass a wish on."""
        raise NotLocalError(
            "A run cannot be stopped through the store", hint="interrupt its process (Ctrl-C)"
        )

    # --- history ---------------------------------------------------------------------------------------

    @asked
    def scan_history(
        self,
        keys: Sequence[str] | None = None,
        page_size: int = 1_000,
        min_step: int | None = 0,
        max_step: int | None = None,
        use_cache: bool = True,
    ) -> HistoryScan:
        """Every step as a dict, streamed; with `keys`, only rows that have them all. `max_step` is left out."""
        del use_cache
        return HistoryScan(
            self._repository,
            self._record,
            keys=keys,
            page_size=page_size,
            min_step=min_step,
            max_step=max_step,
        )

    beta_scan_history = scan_history

    @asked
    def history(
        self,
        samples: int = 500,
        keys: Sequence[str] | None = None,
        x_axis: str = "_step",
        pandas: bool = True,
        stream: str = "default",
    ) -> Any:
        """At most `samples` rows, evenly picked, as a pandas DataFrame; a list of dicts without pandas."""
        if stream not in {"default", "system"}:
            raise InvalidRequest("stream must be 'default' or 'system'", hint="leave it out")
        if stream == "system":
            wanted = checked_keys(keys) if keys else sorted(self.system_metrics)
            rows = self._sampled(samples, wanted, x_axis) if wanted else []
        else:
            rows = self._sampled(samples, keys, x_axis)
        return as_frame(rows) if pandas else rows

    def _sampled(self, samples: int, keys: Sequence[str] | None, x_axis: str) -> list[dict[str, Any]]:
        return sampled_history(self._repository, self._record, samples=samples, keys=keys, x_axis=x_axis)

    def download_history_exports(self, download_dir: object, require_complete_history: bool = True) -> None:
        """NotLocalError: there are no exports on a server."""
        del download_dir, require_complete_history
        raise NotLocalError(
            "There are no history exports to download", hint="history() and scan_history() read it at once"
        )

    def console_logs(self, *, per_page: int = 1_000, last: int | None = None) -> Iterator[ConsoleLine]:
        """What it printed, line by line (only the `last` ones), where that was kept as `output.log`."""
        del per_page
        found = run_files.find_files(self._repository.read(), self._record.key, [_CONSOLE])
        text = self._repository.read_blob(found[0].blob).decode("utf-8", "replace") if found else ""
        lines = list(enumerate(text.splitlines()))
        return (ConsoleLine(number, line) for number, line in (lines if last is None else lines[-last:]))

    # --- artifacts -------------------------------------------------------------------------------------

    @asked
    def logged_artifacts(self, per_page: int = 100) -> Listing[Artifact]:
        """The versions it made or logged again."""
        return self._linked("output", per_page)

    @asked
    def used_artifacts(self, per_page: int = 100) -> Listing[Artifact]:
        """The versions it used."""
        return self._linked("input", per_page)

    def _linked(self, direction: str, per_page: int) -> Listing[Artifact]:
        repository, key = self._repository, self._record.key

        def load(keys: Sequence[int]) -> dict[Any, Artifact]:
            found = version_listing.versions_of(repository.read(), keys)
            return {version.id: Artifact.from_version(repository, version) for version in found}

        return Listing(
            Pages(
                count=lambda: version_listing.count_linked(repository.read(), key, direction),
                keys=lambda offset, limit: version_listing.linked_keys(
                    repository.read(), key, direction, offset=offset, limit=limit
                ),
                load=load,
            ),
            per_page=per_page,
        )

    @asked
    def use_artifact(self, artifact: Artifact, use_as: str | None = None) -> Artifact:
        """Note a logged version as an input of this run, also long after it ended."""
        from localart.operations.use import use_version

        use_version(self._repository, _logged(artifact).version_record, run=self._record, used_as=use_as)
        return artifact

    @asked
    def log_artifact(
        self,
        artifact: Artifact,
        aliases: Collection[str] | None = None,
        tags: Collection[str] | None = None,
    ) -> Artifact:
        """Note a logged version of the same project as an output of this run; aliases and tags go to it."""
        from localart.operations.log import relog_version

        version = _logged(artifact).version_record
        if version.project != self.project:
            raise InvalidRequest(
                f"{version.full_name} is not in project {shown(self.project)}",
                hint="a run's outputs lie in its own project",
            )
        now = relog_version(
            self._repository, version, run=self._record,
            aliases=tuple(check_alias(alias) for alias in aliases or ()),
            tags=tuple(check_tag(tag) for tag in tags or ()),
        )  # fmt: skip
        artifact.become(self._repository, now)
        return artifact

    # --- files -----------------------------------------------------------------------------------------

    @asked
    def files(
        self, names: Sequence[str] | None = None, pattern: str | None = None, per_page: int = 50
    ) -> Listing[File]:
        """The files it keeps: all, those called `names`, or those like `pattern` (SQL's LIKE: `%.json`)."""
        return list_files(self._repository, self._record, names=names, pattern=pattern, per_page=per_page)

    @asked
    def file(self, name: str) -> File:
        """The file called `name`; CommError when it keeps none."""
        return get_file(self._repository, self._record, name)

    def read_file(self, path: str) -> bytes:
        """The bytes of one kept file; KeyError when there is none."""
        found = run_files.find_files(self._repository.read(), self._record.key, [path])
        if not found:
            raise KeyError(path)
        return self._repository.read_blob(found[0].blob)

    @asked
    def upload_file(self, path: str | os.PathLike[str], root: str | os.PathLike[str] = ".") -> File:
        """Keep a local file with the run, named by its path below `root`; also long after the run ended."""
        local = Path(path).absolute()
        name = os.path.relpath(local, Path(root).absolute()).replace(os.sep, "/")
        keep_file(self._repository, self._record, local, name)
        return self.file(name)


def _logged(artifact: object) -> Artifact:
    if not isinstance(artifact, Artifact):
        raise TypeError(f"this takes an Artifact of Api().artifact(…), not {type(artifact).__name__}")
    if artifact.is_draft():
        raise InvalidRequest(
            f"Artifact {shown(artifact.name)} is not logged yet",
            hint="log it in a run, or with `localart put`",
        )
    return artifact
