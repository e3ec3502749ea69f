"""Reading what is known, without a run: `Api().artifact(…)`, `.artifacts(…)`, `.runs(…)`, `.run(…)`.

::

    api                     the class; each member asks one of these
    runs, versions, project listings of runs, versions, types, projects
    listing                 what every listing can do, and how little it reads
    public_run              one run: run_facts, run_summary, history, files
    server_only             what only a server could do
    asking                  paths as W&B spells them, errors as W&B raises them
"""

from localart.api.api import Api
from localart.api.public_run import PublicRun

__all__ = ["Api", "PublicRun"]
