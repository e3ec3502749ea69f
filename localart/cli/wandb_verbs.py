"""What people who know W&B's command line type here: each verb answers kindly and names the local way.

The verbs are not on the help page. Those that ask for what holds anyway (`login`, `online`) succeed, so that a
script for W&B goes on; those whose work is not done end with exit code 15.
"""

import click

from localart.cli.command import Call, CallCommand
from localart.cli.exit_codes import ExitCode
from localart.records import dataclass


@dataclass(frozen=True, slots=True)
class Verb:
    """What a verb is told. `holds`: what it asks for is so already. `hint`: what to type or do instead."""

    says: str
    hint: str
    holds: bool = False


_LOOP = Verb("Sweeps are a server's.", "start runs in a loop and give them a group: init(group=…)")
_QUEUE = Verb("There are no queues of jobs here.", "start the script itself")
_DOCKER = Verb("Nothing here is run in containers.", "start the container yourself; mount the store's folder")

VERBS = {
    "login": Verb("Nobody has to log in to a folder.", "go on: localart.init() needs no key", holds=True),
    "logout": Verb("Nobody is logged in to a folder.", "nothing to do", holds=True),
    "offline": Verb("Everything is kept locally, always.", "nothing to do", holds=True),
    "online": Verb("Everything is kept in the store at once, as W&B does online.", "nothing to do", holds=True),
    "enabled": Verb("Runs are kept unless LOCALART_MODE or WANDB_MODE says 'disabled'.", "unset them", holds=True),
    "disabled": Verb("Only the environment can disable runs.", "export LOCALART_MODE=disabled"),
    "sync": Verb(
        "There is no server to sync to: a run is in the store from its first log.",
        "copy the store's folder to take it elsewhere; `localart status` says where it is",
    ),
    "restore": Verb(
        "No code or container is restored.",
        "`localart run ID` shows a run's config and commit, `localart pull ID` brings its files",
    ),
    "purge-cache": Verb(
        "Stored bytes are no cache: they are the only copy.",
        "`localart artifact cache cleanup 0` empties what is one, `localart rm` deletes versions",
    ),
    "clean": Verb(
        "There are no run folders to clean up.", "`localart du` shows where the bytes go, `localart prune` frees some"
    ),
    "leet": Verb("The browser here has another name.", "`localart tui`"),
    "server": Verb("No server is needed.", "`localart tui` shows everything in the terminal"),
    "local": Verb("No server is needed.", "`localart tui` shows everything in the terminal"),
    "sweep": _LOOP,
    "sweep-scheduler": _LOOP,
    "agent": _LOOP,
    "controller": _LOOP,
    "launch": _QUEUE,
    "launch-agent": _QUEUE,
    "launch-sweep": _QUEUE,
    "scheduler": _QUEUE,
    "job": _QUEUE,
    "docker": _DOCKER,
    "docker-run": _DOCKER,
    "beta": Verb("Nothing here is in beta apart.", "`localart --help` lists all commands"),
    "import": Verb("Runs of a W&B server cannot be fetched: nothing here uses the network.", "export them there"),
}  # fmt: skip


def wandb_verb(name: str) -> click.Command | None:
    """The command that answers this verb of W&B's, or None when it is none."""
    verb = VERBS.get(name)
    if verb is None:
        return None
    return CallCommand(
        name,
        params=[click.Argument(["anything"], nargs=-1, type=click.UNPROCESSED)],
        callback=click.pass_obj(lambda call, **_: _answer(call, name, verb)),
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        help=f"{verb.says} {verb.hint[:1].upper()}{verb.hint[1:]}.",
        hidden=True,
    )


def _answer(call: Call, name: str, verb: Verb) -> None:
    if call.console.as_json:
        call.console.document({"command": name, "done": verb.holds, "message": verb.says, "hint": verb.hint})
    elif verb.holds:
        call.console.say(f"{verb.says} ({verb.hint})")
    else:
        call.console.complain(f"localart: {verb.says}")
        call.console.complain(f"  {verb.hint}")
    if not verb.holds:
        call.exit(ExitCode.NOT_LOCAL)
