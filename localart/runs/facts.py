"""What a run tells of itself. Nothing here changes anything."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from localart.model import RunRecord
from localart.records import dataclass
from localart.repository import Repository
from localart.runs.configuration import Config, StaticConfig
from localart.runs.files import RunFiles
from localart.runs.history import History
from localart.runs.portrait import run_html, show_html
from localart.runs.settings import Settings
from localart.runs.summary_values import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """W&B's word on what is still to be sent: nothing, ever."""

    sync_items_total: int = 0
    sync_items_pending: int = 0
    sync_time: datetime | None = None


class RunFacts:
    """The part of a `Run` that is read."""

    _repository: Repository
    _record: RunRecord
    _files: RunFiles
    _history: History
    _settings: Settings
    config: Config
    summary: Summary
    resumed: bool
    """Whether the run existed before."""
    starting_step: int
    """The first step it may log: 0, or the one after the last that an earlier part of it logged."""

    def __repr__(self) -> str:
        return f"<Run {self._record.project}/{self._record.id} ({self._record.name}, {self._record.state})>"

    # --- names -----------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The short id, unique in its project."""
        return self._record.id

    @property
    def project(self) -> str:
        """The project it belongs to."""
        return self._record.project

    def project_name(self) -> str:
        """`project`, as older code asks for it."""
        return self._record.project

    @property
    def entity(self) -> str:
        """Always empty: there is no server that has users."""
        return ""

    @property
    def path(self) -> str:
        """`project/id`."""
        return f"{self._record.project}/{self._record.id}"

    @property
    def job_type(self) -> str:
        """The step of the pipeline it is; empty when none was given."""
        return self._record.job_type or ""

    @property
    def group(self) -> str:
        """The group it belongs to; empty when none was given."""
        return self._record.group or ""

    # --- where it is -----------------------------------------------------------------------------------

    @property
    def dir(self) -> str:
        """A folder whose files are kept with the run when it ends."""
        return self._files.make_folder()

    @property
    def sync_dir(self) -> str:
        """The folder that `dir` lies in."""
        return str(self._files.folder.parent)

    @property
    def url(self) -> None:
        """None: there is no server. `localart tui run:ID` shows the run."""
        return

    @property
    def project_url(self) -> None:
        """None: there is no server."""
        return

    @property
    def sweep_id(self) -> None:
        """None: sweeps take a server."""
        return

    @property
    def sweep_url(self) -> None:
        """None: sweeps take a server."""
        return

    def get_url(self) -> None:
        """`url`, as older code asks for it."""
        return

    def get_project_url(self) -> None:
        """`project_url`, as older code asks for it."""
        return

    # --- how it stands ---------------------------------------------------------------------------------

    @property
    def step(self) -> int:
        """The step the next `log` writes to."""
        return self._history.step

    @property
    def start_time(self) -> float:
        """When it began, in seconds since the epoch."""
        return datetime.fromisoformat(self._record.created_at).timestamp()

    @property
    def disabled(self) -> bool:
        """False: this run is kept."""
        return False

    @property
    def offline(self) -> bool:
        """True: nothing leaves this machine."""
        return True

    @property
    def settings(self) -> Settings:
        """What it was told beside its config, and what it is. To read: changes do nothing any more."""
        record = self._record
        is_now = {
            "entity": "",
            "project": record.project,
            "run_id": record.id,
            "run_name": record.name,
            "run_tags": record.tags,
            "run_group": record.group,
            "run_job_type": record.job_type,
            "run_notes": record.notes,
            "sync_dir": self.sync_dir,
            "files_dir": str(self._files.folder),
        }
        return Settings(mode="offline") | self._settings | Settings(**is_now)

    @property
    def config_static(self) -> StaticConfig:
        """The config as it is now, read-only."""
        return self.config.frozen()

    @property
    def record(self) -> RunRecord:
        """What the catalog knows of it."""
        return self._record

    @property
    def facts(self) -> Mapping[str, Any]:
        """What ran: script, Python, git (see `runs/what_ran.py`)."""
        return self._record.facts

    # --- in a notebook ---------------------------------------------------------------------------------

    def to_html(self, height: int = 420, hidden: bool = False) -> str:
        """What it is, its config and its summary as a small table; folded together when `hidden`."""
        del height
        return run_html(
            self._record, config=self.config.as_dict(), summary=self.summary.as_dict(), hidden=hidden
        )

    def _repr_html_(self) -> str:
        return self.to_html()

    def display(self, height: int = 420, hidden: bool = False) -> bool:
        """Show it in a notebook; False where there is none."""
        return show_html(self.to_html(height, hidden))
