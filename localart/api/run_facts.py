"""What a run is, was told and came to: the part of the public run that only tells."""

import copy
import json
from collections.abc import Mapping
from typing import Any

from localart.api.attributes import Attributes
from localart.api.local_user import LocalUser
from localart.api.run_summary import RunSummary, nested
from localart.catalog import history_samples, metrics, run_files
from localart.catalog import runs as run_rows
from localart.errors import RunNotFound
from localart.model import JsonObject, RunRecord
from localart.names import shown
from localart.repository import Repository


class RunFacts(Attributes):
    """One run's facts as of when it was fetched; `load()` fetches again.

    `name`, `notes`, `tags`, `group`, `job_type`, `config` and `summary` may be set or edited in place; the public
    run's `update()` keeps that.
    """

    def __init__(self, repository: Repository, record: RunRecord) -> None:
        self._repository = repository
        self._show(record)

    def _show(self, record: RunRecord) -> None:
        self._record = record
        self.name: str = record.name
        self.notes: str | None = record.notes
        self.group: str | None = record.group
        self.job_type: str | None = record.job_type
        self.tags: list[str] = list(record.tags)
        self._config: dict[str, Any] | None = None
        self._summary: RunSummary | None = None
        self._summary_before: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"<Run {self._record.project}/{self._record.id} ({self._record.state})>"

    def load(self, force: bool = False) -> dict[str, Any]:
        """Fetch again, dropping changes that `update()` did not keep; the facts by W&B's names."""
        del force
        found = run_rows.get_runs(self._repository.read(), [self._record.key])
        if not found or found[0].uid != self._record.uid:
            raise RunNotFound(f"Run {shown(self.id)} was deleted", hint="`localart runs` lists what is left")
        self._show(found[0])
        return self.attrs

    def load_full_data(self, force: bool = False) -> dict[str, Any]:
        """The same as `load`: nothing is left out to be fetched later."""
        return self.load(force)

    @property
    def attrs(self) -> dict[str, Any]:
        """The facts under W&B's camel-case names."""
        return {
            "id": self.storage_id, "name": self.id, "displayName": self.name, "state": self.state,
            "createdAt": self.created_at, "heartbeatAt": self.heartbeat_at, "tags": self.tags,
            "notes": self.notes, "description": self.notes, "group": self.group, "groupName": self.group,
            "jobType": self.job_type, "config": self.config, "rawconfig": self.rawconfig,
            "summaryMetrics": self.summary_metrics, "systemMetrics": self.system_metrics,
            "sweepName": None, "commit": self.commit, "readOnly": self.read_only,
            "user": self.user.username, "project": self.project, "projectId": self.project,
        }  # fmt: skip

    # --- what it is ------------------------------------------------------------------------------------

    @property
    def record(self) -> RunRecord:
        """What the catalog knows of it."""
        return self._record

    @property
    def key(self) -> int:
        """Its row in the catalog."""
        return self._record.key

    @property
    def uid(self) -> str:
        """What no other run is ever called."""
        return self._record.uid

    @property
    def id(self) -> str:
        """The short id."""
        return self._record.id

    @property
    def storage_id(self) -> str:
        """What no other run is ever called: its uid."""
        return self._record.uid

    @property
    def display_name(self) -> str:
        """The display name; may be set."""
        return self.name

    @display_name.setter
    def display_name(self, name: str) -> None:
        self.name = name

    @property
    def description(self) -> str | None:
        """Its notes, under the older name; may be set."""
        return self.notes

    @description.setter
    def description(self, text: str | None) -> None:
        self.notes = text

    @property
    def project(self) -> str:
        """Its project."""
        return self._record.project

    @property
    def entity(self) -> str:
        """Always empty."""
        return ""

    @property
    def username(self) -> str:
        """The user it ran as, where that was noted."""
        return self.user.username

    @property
    def user(self) -> LocalUser:
        """The user it ran as, where that was noted."""
        name = str(self.metadata.get("user") or "")
        return LocalUser(username=name, name=name)

    @property
    def path(self) -> list[str]:
        """Entity (empty), project, id."""
        return ["", self._record.project, self._record.id]

    @property
    def url(self) -> None:
        """None: there is no server."""
        return

    @property
    def state(self) -> str:
        """running, finished, failed, crashed or killed."""
        return self._record.state.value

    @property
    def read_only(self) -> bool:
        """Whether nothing of it can be changed, for its store cannot be written."""
        return self._repository.read_only

    @property
    def sweep(self) -> None:
        """None: sweeps are a server's."""
        return

    @property
    def sweep_name(self) -> None:
        """None: sweeps are a server's."""
        return

    @property
    def created_at(self) -> str:
        """When it began, ISO-8601 UTC."""
        return self._record.created_at

    @property
    def finished_at(self) -> str | None:
        """When it ended, ISO-8601 UTC."""
        return self._record.finished_at

    @property
    def exit_code(self) -> int | None:
        """The number it ended with."""
        return self._record.exit_code

    @property
    def error(self) -> str | None:
        """Why it failed or crashed: the traceback, or what is known."""
        return self._record.error

    # --- what was noted of its surroundings ------------------------------------------------------------

    def _facts(self) -> run_files.RunFacts:
        found = run_files.find_facts(self._repository.read(), self._record.key)
        if found is None:
            raise RunNotFound(f"Run {shown(self.id)} was deleted", hint="`localart runs` lists what is left")
        return found

    @property
    def metadata(self) -> dict[str, Any]:
        """What was noted of the machine, the program and its code."""
        return dict(self._facts().facts)

    @property
    def heartbeat_at(self) -> str:
        """When the catalog last heard of it, ISO-8601 UTC."""
        return self._facts().updated_at

    @property
    def commit(self) -> str | None:
        """The Git commit it ran from, where that was noted."""
        git = self.metadata.get("git")
        return git.get("commit") if isinstance(git, Mapping) else None

    # --- config and summary ----------------------------------------------------------------------------

    @property
    def config(self) -> dict[str, Any]:
        """Its config; edit it in place, then `update()`."""
        if self._config is None:
            self._config = _copied(self._record.config)
        return self._config

    @config.setter
    def config(self, config: Mapping[str, Any]) -> None:
        self._config = dict(config)

    @property
    def rawconfig(self) -> dict[str, Any]:
        """Its config: nothing is kept among the user's keys."""
        return self.config

    @property
    def json_config(self) -> str:
        """Its config as JSON in W&B's form, each value in an object of its own."""
        return json.dumps({key: {"value": value, "desc": None} for key, value in self.config.items()})

    @property
    def summary(self) -> RunSummary:
        """Its summary; of a running run, what its metrics say so far. `summary.update({…})` keeps changes."""
        if self._summary is None:
            values: JsonObject = self._record.summary
            if self._record.finished_at is None:
                logged = nested(metrics.last_values(self._repository.read(), self._record.key))
                values = {**logged, **values}
            self._summary_before = _copied(values)
            self._summary = RunSummary(_copied(values), self._keep_summary)
        return self._summary

    @property
    def summary_metrics(self) -> dict[str, Any]:
        """Its summary as a plain dict."""
        return dict(self.summary)

    def _keep_summary(self, values: Mapping[str, Any]) -> None:
        raise NotImplementedError

    @property
    def system_metrics(self) -> dict[str, Any]:
        """The last values it logged below `system.` or `system/`."""
        last = metrics.last_values(self._repository.read(), self._record.key)
        return {name: value for name, value in last.items() if name.startswith(("system.", "system/"))}

    # --- how much it logged ----------------------------------------------------------------------------

    @property
    def lastHistoryStep(self) -> int:  # noqa: N802 - W&B's name
        """The last step it logged at; -1 when it logged nothing."""
        last = metrics.last_step(self._repository.read(), self._record.key)
        return -1 if last is None else last

    @property
    def history_line_count(self) -> int:
        """How many steps it logged at."""
        return history_samples.history_facts(self._repository.read(), self._record.key).row_count

    @property
    def history_keys(self) -> dict[str, Any]:
        """What it logged and how often, in W&B's form."""
        facts = history_samples.history_facts(self._repository.read(), self._record.key)
        keys = {name: {"typeCounts": [{"count": count}]} for name, count in facts.counts.items()}
        return {"keys": keys, "lastStep": facts.last_step, "sets": []}

    historyKeys = history_keys  # noqa: N815 - W&B's names
    historyLineCount = history_line_count  # noqa: N815


def _copied(values: Mapping[str, Any]) -> dict[str, Any]:
    return copy.deepcopy(dict(values))
