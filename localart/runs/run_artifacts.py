"""What a run does with artifacts: makes them, uses them, links them."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from localart.catalog import versions
from localart.errors import CommError, InvalidName, SourceMissing
from localart.files.uri import is_file_uri
from localart.names import check_alias, check_artifact_name, check_label, check_tag, shown
from localart.reporter import Reporter
from localart.runs.code import CodeFilter, is_code, is_kept_elsewhere, log_code
from localart.runs.facts import RunFacts

if TYPE_CHECKING:
    from localart.artifact import Artifact
    from localart.operations.log import LogReport

_REFERENCE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*://")


class RunArtifacts(RunFacts):
    """The part of a `Run` that is its inputs and outputs."""

    _reporter: Reporter
    _outputs: dict[str, bool]  # whether its content was new

    def _refuse_finished(self, what: str) -> None:
        raise NotImplementedError

    # --- outputs ---------------------------------------------------------------------------------------

    def log_artifact(
        self,
        artifact_or_path: "Artifact | str | os.PathLike[str]",
        name: str | None = None,
        type: str | None = None,  # noqa: A002
        aliases: str | Sequence[str] | None = None,
        tags: str | Sequence[str] | None = None,
    ) -> "Artifact":
        """Log an artifact (or a file, folder or `scheme://` reference) as an output; committed on return."""
        from localart.artifact.committing import log_artifact

        self._refuse_finished("log_artifact")
        wanted = [check_alias(alias) for alias in texts(aliases)]
        labels = [check_tag(tag) for tag in texts(tags)]
        artifact = self._as_artifact(artifact_or_path, name, type)
        is_draft = artifact.is_draft()
        self._history.settle()  # the version remembers the last step
        report = log_artifact(self._repository, artifact, run=self._record, aliases=wanted, tags=labels)
        self._made(report, is_draft=is_draft)
        return artifact

    def _made(self, report: "LogReport", *, is_draft: bool) -> None:
        self._outputs[report.version.label] = report.is_new or self._outputs.get(report.version.label, False)
        if is_draft and not report.is_new:
            self._reporter.already_stored(label=report.version.label)

    def _as_artifact(self, given: Any, name: str | None, kind: str | None) -> "Artifact":
        from localart.artifact import Artifact

        if isinstance(given, Artifact):
            return given
        if not isinstance(given, str | os.PathLike):
            raise TypeError(f"log_artifact takes an Artifact or a path, not {type(given).__name__}")
        text = os.fspath(given)
        is_reference = _REFERENCE.match(text) is not None
        if not is_reference and not os.path.isdir(text) and not os.path.isfile(text):  # noqa: PTH112, PTH113
            raise SourceMissing(f"{shown(text)} is neither a file nor a folder", hint="check the path")
        base = _last_name(text) if is_reference else Path(text).name
        artifact = Artifact(name or self._name_for(base), kind or "unspecified")
        if is_reference:
            artifact.add_reference(text)
        elif os.path.isdir(text):  # noqa: PTH112
            artifact.add_dir(text)
        else:
            artifact.add_file(text)
        return artifact

    def _name_for(self, base: str) -> str:
        try:
            return check_artifact_name(f"run-{self.id}-{base}")
        except InvalidName as error:
            raise InvalidName(
                f"{shown(base)} cannot be part of an artifact's name", hint="pass name='…' to log it"
            ) from error

    def upsert_artifact(
        self,
        artifact_or_path: "Artifact | str",
        name: str | None = None,
        type: str | None = None,  # noqa: A002
        aliases: str | Sequence[str] | None = None,
        distributed_id: str | None = None,
    ) -> "Artifact":
        """Add to a version that several runs make together; nobody sees it before `finish_artifact`.

        They know each other by `distributed_id`, or by their group; TypeError without either.
        """
        from localart.artifact.committing import upsert_artifact

        shared = self._shared_id("upsert", distributed_id)
        artifact = self._as_artifact(artifact_or_path, name, type)
        upsert_artifact(
            self._repository, artifact, run=self._record, distributed_id=shared, aliases=texts(aliases)
        )
        return artifact

    def finish_artifact(
        self,
        artifact_or_path: "Artifact | str",
        name: str | None = None,
        type: str | None = None,  # noqa: A002
        aliases: str | Sequence[str] | None = None,
        distributed_id: str | None = None,
    ) -> "Artifact":
        """Make one version of all that was added with `upsert_artifact`, and of this on top; committed on return."""
        from localart.artifact.committing import finish_artifact

        shared = self._shared_id("finish", distributed_id)
        artifact = self._as_artifact(artifact_or_path, name, type)
        self._history.settle()
        report = finish_artifact(
            self._repository, artifact, run=self._record, distributed_id=shared, aliases=texts(aliases)
        )
        self._made(report, is_draft=True)
        return artifact

    def _shared_id(self, verb: str, distributed_id: str | None) -> str:
        self._refuse_finished(f"{verb}_artifact")
        shared = distributed_id or self.group
        if not shared:
            raise TypeError(
                f"Cannot {verb} artifact unless run is in a group or distributed_id is provided"
                " (call init(group='…') in all runs that make it)"
            )
        return check_label(shared, "distributed_id")

    def log_code(
        self,
        root: str | os.PathLike[str] | None = ".",
        name: str | None = None,
        include_fn: CodeFilter = is_code,
        exclude_fn: CodeFilter = is_kept_elsewhere,
    ) -> "Artifact | None":
        """Log the source files below `root` as an artifact of type `code`; None and a warning when there are none."""
        from localart.artifact import Artifact

        self._refuse_finished("log_code")
        self._history.settle()
        version = log_code(
            self._repository, self._record, root, name=name, include_fn=include_fn, exclude_fn=exclude_fn
        )
        if version is None:
            self._reporter.warn(f"there is no code to log below {root}", hint="pass root=… or include_fn=…")
            return None
        self._outputs[version.label] = True
        return Artifact.from_version(self._repository, version)

    # --- inputs ----------------------------------------------------------------------------------------

    def use_artifact(
        self,
        artifact_or_name: "Artifact | str",
        type: str | None = None,  # noqa: A002
        aliases: Sequence[str] | None = None,
        use_as: str | None = None,
    ) -> "Artifact":
        """Take a version as an input: `name`, `name:alias`, `name:vN`, `project/name:alias` or an Artifact."""
        from localart.artifact import Artifact
        from localart.operations.use import use_version

        self._refuse_finished("use_artifact")
        if use_as is not None:
            check_label(use_as, "use_as")
        if isinstance(artifact_or_name, Artifact):
            artifact = artifact_or_name
            if artifact.is_draft():
                self.log_artifact(artifact, aliases=aliases)
        else:
            artifact = self._find(artifact_or_name, type)
        use_version(self._repository, artifact.version_record, run=self._record, used_as=use_as)
        return artifact

    def _find(self, name: str, kind: str | None) -> "Artifact":
        from localart.artifact.committing import find_artifact

        return find_artifact(self._repository, name, project=self.project, kind=kind)

    # --- models ----------------------------------------------------------------------------------------

    def log_model(
        self,
        path: str | os.PathLike[str],
        name: str | None = None,
        aliases: str | Sequence[str] | None = None,
    ) -> None:
        """Log a file, folder or reference as an artifact of type `model`."""
        self._refuse_finished("log_model")
        self.log_artifact(path, name=name, type="model", aliases=aliases)

    def use_model(self, name: str) -> str:
        """Take a model as an input and download it: the path of its file if it has one, else of its folder.

        AssertionError for an artifact whose type does not contain `model`.
        """
        self._refuse_finished("use_model")
        artifact = self.use_artifact(name)
        _check_model(artifact)
        folder = artifact.download()
        held = list(artifact.manifest.entries)
        return os.path.join(folder, held[0]) if len(held) == 1 else folder  # noqa: PTH118 - W&B returns text

    def link_model(
        self,
        path: str | os.PathLike[str],
        registered_model_name: str,
        name: str | None = None,
        aliases: str | Sequence[str] | None = None,
    ) -> "Artifact | None":
        """Log a model and link it to `registered_model_name` in the project `model-registry`."""
        from localart.operations.link import MODEL_REGISTRY

        self._refuse_finished("link_model")
        if "/" in registered_model_name:
            raise AssertionError(
                f"{shown(registered_model_name)} is a path; give only the name of the registered model"
            )
        kind = "model" if name is None else self._model_type(name)
        artifact = self.log_artifact(path, name=name, type=kind)
        return self.link_artifact(artifact, f"{MODEL_REGISTRY}/{registered_model_name}", aliases)

    def _model_type(self, name: str) -> str:
        try:
            known = self._find(f"{name}:latest", None)
        except (ValueError, CommError):
            return "model"
        _check_model(known)
        return known.type

    # --- links -----------------------------------------------------------------------------------------

    def link_artifact(
        self, artifact: "Artifact", target_path: str, aliases: str | Sequence[str] | None = None
    ) -> "Artifact":
        """Give a version (a draft is logged first) a place in a collection; the artifact as seen there."""
        from localart.artifact import Artifact
        from localart.artifact.committing import link_artifact

        self._refuse_finished("link_artifact")
        if not isinstance(artifact, Artifact):
            raise TypeError(f"link_artifact takes an Artifact, not {type(artifact).__name__}")
        self._history.settle()
        is_draft = artifact.is_draft()
        linked = link_artifact(self._repository, artifact, target_path, run=self._record, aliases=aliases)
        if is_draft:
            self._outputs[artifact.version_record.label] = True
        return linked

    # --- what came of it -------------------------------------------------------------------------------

    def logged_artifacts(self) -> "list[Artifact]":
        """The versions it made, in order."""
        return self._linked("output")

    def used_artifacts(self) -> "list[Artifact]":
        """The versions it used, in order."""
        return self._linked("input")

    def _linked(self, direction: str) -> "list[Artifact]":
        from localart.artifact import Artifact

        found = versions.linked_versions(self._repository.read(), self._record.key, direction)
        return [Artifact.from_version(self._repository, version) for version in found]

    # --- artifacts in the config -----------------------------------------------------------------------

    def _adopt(self, key: str, value: Any) -> tuple[Any, Any]:
        """An artifact that is a config value counts as used; the artifact, and the JSON that stands for it."""
        artifact = self.use_artifact(value, use_as=key)
        version = artifact.version_record
        return artifact, {
            "_type": "artifactVersion",
            "_version": "v0",
            "id": version.uid,
            "version": f"v{version.number}",
            "sequenceName": version.artifact,
            "usedAs": key,
        }


def _check_model(artifact: "Artifact") -> None:
    if "model" not in artifact.type.lower():
        raise AssertionError(
            f"{shown(artifact.name)} is of type {shown(artifact.type)}; this call takes artifacts whose type contains"
            " 'model'"
        )


def _last_name(uri: str) -> str:
    path = uri if is_file_uri(uri) else re.split(r"[?#]", uri)[0]
    return unquote(path).rstrip("/").rpartition("/")[2]


def texts(given: str | Sequence[str] | None) -> Sequence[str]:
    """One text is as good as a list of one."""
    return (given,) if isinstance(given, str) else given or ()
