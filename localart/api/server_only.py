"""What W&B's `Api` has and only a server could do: each says so, and names the local way."""

from collections.abc import Callable
from typing import NoReturn

from localart.errors import NotLocalError


def _server_only(what: str, instead: str) -> Callable[..., NoReturn]:
    def refuse(_self: object, *_args: object, **_named: object) -> NoReturn:
        raise NotLocalError(what, hint=instead)

    refuse.__doc__ = f"NotLocalError: {what[:1].lower()}{what[1:]}; {instead}."
    return refuse


_NO_USERS = "whoever can read the store's folder can read the store"
_AUTOMATION = ("There are no automations without a server", "do what should follow in the script that logs")
_QUEUE = ("There are no queues of jobs without a server", "start the script itself")
_JOB = ("There are no jobs without a server", "start the script itself")
_SWEEP = ("There are no sweeps without a server", "start runs in a loop and give them a group")
_INTEGRATION = ("Nobody is notified without a server", "send the message from the script that logs")


class ServerOnly:
    """The members of W&B's `Api` that a folder cannot have."""

    automation = _server_only(*_AUTOMATION)
    automations = _server_only(*_AUTOMATION)
    create_automation = _server_only(*_AUTOMATION)
    update_automation = _server_only(*_AUTOMATION)
    delete_automation = _server_only(*_AUTOMATION)
    create_custom_chart = _server_only(
        "Charts are a server's",
        "plot api.run(…).history() with any library, or look at it with `localart tui`",
    )
    create_run_queue = _server_only(*_QUEUE)
    upsert_run_queue = _server_only(*_QUEUE)
    run_queue = _server_only(*_QUEUE)
    queued_run = _server_only(*_QUEUE)
    job = _server_only(*_JOB)
    list_jobs = _server_only(*_JOB)
    create_team = _server_only("There are no teams without a server", _NO_USERS)
    team = _server_only("There are no teams without a server", _NO_USERS)
    create_user = _server_only("There are no accounts without a server", _NO_USERS)
    user = _server_only("There are no accounts without a server", _NO_USERS)
    users = _server_only("There are no accounts without a server", _NO_USERS)
    organization = _server_only("There are no organizations without a server", _NO_USERS)
    integrations = _server_only(*_INTEGRATION)
    slack_integrations = _server_only(*_INTEGRATION)
    webhook_integrations = _server_only(*_INTEGRATION)
    reports = _server_only(
        "Reports are a server's", "export with `localart lineage`, `localart sql --csv` or run.history()"
    )
    sweep = _server_only(*_SWEEP)
    sync_tensorboard = _server_only(
        "TensorBoard's files are not read afterwards", "log the values with run.log() while training"
    )

    @property
    def client(self) -> NoReturn:
        """NotLocalError: there is no server to send GraphQL to."""
        raise NotLocalError("There is no server to query", hint="`localart sql` asks the catalog anything")
