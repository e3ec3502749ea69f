"""Reading what is known, without a run: `Api().artifact(…)`, `.artifacts(…)`, `.runs(…)`, `.run(…)`.

::

    api                     the class; each member asks one of these
    runs, versions, project listings of runs, versions, types, projects
    listing                 what every listing can do, and how little it reads
    public_run              one run: run_facts, run_summary, history, files
    collection, registry    all versions of one name; portfolios that link to versions of others
    linked, matching        what a portfolio lists; filters of collections and registries
    server_only             what only a server could do
    asking                  paths as W&B spells them, errors as W&B raises them
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from localart.api.api import Api
from localart.model import ArtifactRecord, RunRecord
from localart.showing import Views, register_views

if TYPE_CHECKING:
    from localart.api.collection import ArtifactCollection
    from localart.api.files import File
    from localart.api.public_run import PublicRun

__all__ = ["Api", "ArtifactCollection", "File", "PublicRun"]

_PLACES = {"ArtifactCollection": "collection", "File": "files", "PublicRun": "public_run"}
"""Loaded when they are first used: who only downloads pays for no runs."""


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


def _run_view(repository: Any, record: RunRecord) -> Any:
    from localart.api.public_run import PublicRun

    return PublicRun(repository, record)


def _collection_view(repository: Any, record: ArtifactRecord) -> Any:
    from localart.api.collection import ArtifactCollection

    return ArtifactCollection(repository, record)


register_views(Views(run=_run_view, collection=_collection_view))
