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
    from localart.artifact import ArtifactTTL as ArtifactTTL
    from localart.errors import AuthenticationError as AuthenticationError
    from localart.errors import CommError as CommError
    from localart.errors import Error as Error
    from localart.errors import LocalartError as LocalartError
    from localart.errors import NotLocalError as NotLocalError
    from localart.errors import UnsupportedError as UnsupportedError
    from localart.errors import UsageError as UsageError
    from localart.media.audio import Audio as Audio
    from localart.media.classes import Classes as Classes
    from localart.media.histogram import Histogram as Histogram
    from localart.media.html import Html as Html
    from localart.media.image import Image as Image
    from localart.media.joined import JoinedTable as JoinedTable
    from localart.media.molecule import Molecule as Molecule
    from localart.media.object3d import Object3D as Object3D
    from localart.media.object3d import box3d as box3d
    from localart.media.plotly import Plotly as Plotly
    from localart.media.table import Table as Table
    from localart.media.video import Video as Video
    from localart.plot import plot_table as plot_table
    from localart.runs import Run as Run
    from localart.runs.alerts import AlertLevel as AlertLevel
    from localart.runs.configuration import Config as Config
    from localart.runs.settings import Settings as Settings
    from localart.runs.summary_values import Summary
    from localart.session import EvalTable as EvalTable
    from localart.session import Graph as Graph
    from localart.session import agent as agent
    from localart.session import alert as alert
    from localart.session import attach as attach
    from localart.session import controller as controller
    from localart.session import define_metric as define_metric
    from localart.session import finish as finish
    from localart.session import finish_artifact as finish_artifact
    from localart.session import init as init
    from localart.session import join as join
    from localart.session import launch as launch
    from localart.session import launch_add as launch_add
    from localart.session import link_artifact as link_artifact
    from localart.session import link_model as link_model
    from localart.session import log as log
    from localart.session import log_artifact as log_artifact
    from localart.session import log_code as log_code
    from localart.session import log_model as log_model
    from localart.session import login as login
    from localart.session import mark_preempting as mark_preempting
    from localart.session import pin_config_keys as pin_config_keys
    from localart.session import require as require
    from localart.session import restore as restore
    from localart.session import sagemaker_auth as sagemaker_auth
    from localart.session import save as save
    from localart.session import setup as setup
    from localart.session import sweep as sweep
    from localart.session import teardown as teardown
    from localart.session import termerror as termerror
    from localart.session import termlog as termlog
    from localart.session import termwarn as termwarn
    from localart.session import unwatch as unwatch
    from localart.session import upsert_artifact as upsert_artifact
    from localart.session import use_artifact as use_artifact
    from localart.session import use_model as use_model
    from localart.session import visualize as visualize
    from localart.session import watch as watch

    run: Run | None
    config: Config
    summary: Summary

__version__ = "0.1.0"

_PLACES = {
    "AlertLevel": "localart.runs.alerts",
    "Api": "localart.api",
    "Artifact": "localart.artifact",
    "ArtifactTTL": "localart.artifact",
    "Audio": "localart.media.audio",
    "AuthenticationError": "localart.errors",
    "Classes": "localart.media.classes",
    "CommError": "localart.errors",
    "Config": "localart.runs.configuration",
    "Error": "localart.errors",
    "EvalTable": "localart.session",
    "Graph": "localart.session",
    "Histogram": "localart.media.histogram",
    "Html": "localart.media.html",
    "Image": "localart.media.image",
    "JoinedTable": "localart.media.joined",
    "LocalartError": "localart.errors",
    "Molecule": "localart.media.molecule",
    "NotLocalError": "localart.errors",
    "Object3D": "localart.media.object3d",
    "Plotly": "localart.media.plotly",
    "Run": "localart.runs",
    "Settings": "localart.runs.settings",
    "Table": "localart.media.table",
    "UnsupportedError": "localart.errors",
    "UsageError": "localart.errors",
    "Video": "localart.media.video",
    "agent": "localart.session",
    "apis": "localart.session.older_names",
    "alert": "localart.session",
    "attach": "localart.session",
    "controller": "localart.session",
    "box3d": "localart.media.object3d",
    "data_types": "localart.session.older_names",
    "define_metric": "localart.session",
    "finish": "localart.session",
    "finish_artifact": "localart.session",
    "init": "localart.session",
    "join": "localart.session",
    "launch": "localart.session",
    "launch_add": "localart.session",
    "link_artifact": "localart.session",
    "link_model": "localart.session",
    "log": "localart.session",
    "log_artifact": "localart.session",
    "log_code": "localart.session",
    "log_model": "localart.session",
    "login": "localart.session",
    "mark_preempting": "localart.session",
    "pin_config_keys": "localart.session",
    "plot_table": "localart.plot",
    "require": "localart.session",
    "restore": "localart.session",
    "sagemaker_auth": "localart.session",
    "save": "localart.session",
    "sdk": "localart.session.older_names",
    "setup": "localart.session",
    "sweep": "localart.session",
    "teardown": "localart.session",
    "termerror": "localart.session",
    "termlog": "localart.session",
    "termwarn": "localart.session",
    "unwatch": "localart.session",
    "upsert_artifact": "localart.session",
    "use_artifact": "localart.session",
    "use_model": "localart.session",
    "util": "localart.session.older_names",
    "visualize": "localart.session",
    "wandb_run": "localart.session.older_names",
    "wandb_sdk": "localart.session.older_names",
    "watch": "localart.session",
}
_MODULES = {
    "api": "localart.api",
    "errors": "localart.errors",
    "keras": "localart.integration.keras",
    "lightgbm": "localart.integration.lightgbm",
    "plot": "localart.plot",
    "sklearn": "localart.integration.sklearn",
    "xgboost": "localart.integration.xgboost",
}
_LIVE = {"config": "active_config", "run": "active_run", "summary": "active_summary"}

__all__ = [
    "AlertLevel",
    "Api",
    "Artifact",
    "ArtifactTTL",
    "Audio",
    "AuthenticationError",
    "Classes",
    "CommError",
    "Config",
    "Error",
    "EvalTable",
    "Graph",
    "Histogram",
    "Html",
    "Image",
    "JoinedTable",
    "LocalartError",
    "Molecule",
    "NotLocalError",
    "Object3D",
    "Plotly",
    "Run",
    "Settings",
    "Table",
    "UnsupportedError",
    "UsageError",
    "Video",
    "agent",
    "alert",
    "attach",
    "box3d",
    "config",
    "controller",
    "define_metric",
    "errors",
    "finish",
    "finish_artifact",
    "init",
    "join",
    "launch",
    "launch_add",
    "link_artifact",
    "link_model",
    "log",
    "log_artifact",
    "log_code",
    "log_model",
    "login",
    "mark_preempting",
    "pin_config_keys",
    "plot_table",
    "require",
    "restore",
    "run",
    "sagemaker_auth",
    "save",
    "setup",
    "summary",
    "sweep",
    "teardown",
    "termerror",
    "termlog",
    "termwarn",
    "unwatch",
    "upsert_artifact",
    "use_artifact",
    "use_model",
    "visualize",
    "watch",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _LIVE:
        return getattr(import_module("localart.session"), _LIVE[name])()
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _PLACES:
        if name == "Artifact":
            import_module("localart.session")  # so that a draft can be saved by itself
        value = getattr(import_module(_PLACES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'localart' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_MODULES})
