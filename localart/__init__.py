"""W&B Artifacts without the server.

    import localart

    with localart.init(project="demo", job_type="load-data") as run:
        artifact = localart.Artifact("mnist-raw", type="dataset")
        artifact.add_dir("data/")
        run.log_artifact(artifact)

Everything lands in one folder: `localart.db` (what is known) and `packs/` (the bytes). No network. Code
written for `wandb` runs with `import localart as wandb`.

Names load when they are first used, so that the import costs next to nothing.
"""

TYPE_CHECKING = False  # the constant type checkers know; importing typing would double the cost

if TYPE_CHECKING:
    from localart import errors as errors
    from localart.api import Api as Api
    from localart.artifact import Artifact as Artifact
    from localart.errors import CommError as CommError
    from localart.errors import Error as Error
    from localart.errors import LocalartError as LocalartError
    from localart.errors import UsageError as UsageError
    from localart.media import Image as Image
    from localart.runs import Run as Run
    from localart.runs.configuration import Config
    from localart.runs.summary_values import Summary
    from localart.session import AnyRun
    from localart.session import finish as finish
    from localart.session import init as init
    from localart.session import log as log
    from localart.session import log_artifact as log_artifact
    from localart.session import login as login
    from localart.session import save as save
    from localart.session import use_artifact as use_artifact

    run: AnyRun | None
    config: Config
    summary: Summary

__version__ = "0.1.0"

_PLACES = {
    "Api": "localart.api",
    "Artifact": "localart.artifact",
    "CommError": "localart.errors",
    "Error": "localart.errors",
    "Image": "localart.media.image",
    "LocalartError": "localart.errors",
    "Run": "localart.runs",
    "UsageError": "localart.errors",
    "errors": "localart",
    "finish": "localart.session",
    "init": "localart.session",
    "log": "localart.session",
    "log_artifact": "localart.session",
    "login": "localart.session",
    "save": "localart.session",
    "use_artifact": "localart.session",
}
_LIVE = {"config": "active_config", "run": "active_run", "summary": "active_summary"}

__all__ = [
    "Api",
    "Artifact",
    "CommError",
    "Error",
    "Image",
    "LocalartError",
    "Run",
    "UsageError",
    "config",
    "errors",
    "finish",
    "init",
    "log",
    "log_artifact",
    "login",
    "run",
    "save",
    "summary",
    "use_artifact",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _LIVE:
        return getattr(import_module("localart.session"), _LIVE[name])()
    if name == "errors":
        return import_module("localart.errors")
    if name in _PLACES:
        if name == "Artifact":
            import_module("localart.session")  # so that a draft can be saved by itself
        value = getattr(import_module(_PLACES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'localart' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
