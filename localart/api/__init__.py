"""Reading what is known, without a run: `Api().artifact(…)`, `.artifacts(…)`, `.runs(…)`, `.run(…)`."""

from localart.api.api import Api
from localart.api.public_run import PublicRun

__all__ = ["Api", "PublicRun"]
