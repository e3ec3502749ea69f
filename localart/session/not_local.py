"""What only a server could do. Each call says so, and names the local way; nothing is an AttributeError."""

from typing import Never

from localart.errors import NotLocalError


def sweep(*_args: object, **_named: object) -> Never:
    """Sweeps need a server that hands out the next settings."""
    raise NotLocalError(
        "Sweeps are run by W&B's server",
        hint="loop over your settings and call localart.init(config=…, group='sweep', reinit='finish_previous'),"
        " or let Optuna choose them",
    )


def agent(*_args: object, **_named: object) -> Never:
    """Agents ask a server for settings."""
    raise NotLocalError("Sweep agents ask W&B's server for settings", hint="call your function in a loop")


def controller(*_args: object, **_named: object) -> Never:
    """Controllers steer a server's sweep."""
    raise NotLocalError(
        "Sweep controllers steer W&B's server", hint="call your function in a loop, or use Optuna"
    )


def launch(*_args: object, **_named: object) -> Never:
    """Launch queues jobs on a server."""
    raise NotLocalError("Launch queues jobs on W&B's server", hint="start the script, or use your scheduler")


def launch_add(*_args: object, **_named: object) -> Never:
    """Launch queues jobs on a server."""
    launch()


def attach(*_args: object, **_named: object) -> Never:
    """W&B attaches to a run that its service process holds; here the process that runs it does."""
    raise NotLocalError(
        "A run belongs to the process that began it",
        hint="localart.init(id='…', resume='must') takes it up again",
    )


def sagemaker_auth(*_args: object, **_named: object) -> Never:
    """There is no server to send credentials to."""
    raise NotLocalError("There is no server to log in to", hint="leave the call out: a store is a folder")


def visualize(*_args: object, **_named: object) -> Never:
    """W&B's server keeps the charts that a name stands for."""
    raise NotLocalError(
        "Charts of one's own are kept by W&B's server",
        hint="log the Table itself, or draw it with localart.plot",
    )


def EvalTable(*_args: object, **_named: object) -> Never:  # noqa: N802  # W&B's name
    """Evaluation tables belong to W&B's Weave."""
    raise NotLocalError("Evaluation tables belong to W&B's Weave", hint="log a localart.Table")


def Graph(*_args: object, **_named: object) -> Never:  # noqa: N802  # W&B's name
    """W&B's server draws the graph of a network."""
    raise NotLocalError(
        "The graph of a network is drawn by W&B's server",
        hint="log a picture of it with localart.Image, or its text with localart.Html",
    )
