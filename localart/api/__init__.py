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

from localart.api.api import Api
from localart.api.collection import ArtifactCollection
from localart.api.files import File
from localart.api.public_run import PublicRun
from localart.showing import Views, register_views

register_views(Views(run=PublicRun, collection=ArtifactCollection))

__all__ = ["Api", "ArtifactCollection", "File", "PublicRun"]
