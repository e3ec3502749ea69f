"""Errors as a person reads them: one line that says what, one that says what to do, and an exit code."""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress

import click

from localart.cli.exit_codes import ExitCode, exit_code_of
from localart.errors import LocalartError

# What the library advises a program to write, as one types it.
TYPED = {
    "pass fetch_references=True, or ": "or ",
    "pass allow_missing_references=True": "pass --allow-missing",
    "pass delete_aliases=True": "pass --with-aliases",
    "pass overwrite=True (merge=True for folders), or choose another name": "rename one of the two",
    "add it again (overwrite=True), and log once more": "run the command again",
    "call localart.init() again": "run the command again",
}
_AFTER = {"--store", "--json"}  # every command takes them, the group does not


def report(error: BaseException, *, debug: bool = False) -> ExitCode:
    """Say on stderr what went wrong; the exit code for it. A reader that went away is no failure."""
    if debug:
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, BrokenPipeError):
        return ExitCode.OK
    code = ExitCode.USAGE if isinstance(error, click.UsageError) else exit_code_of(error)
    if isinstance(error, click.Abort):
        code = ExitCode.INTERRUPTED
    with suppress(OSError):  # stderr is gone too: nobody is left to tell
        _tell(*_words(error))
    return code


def _words(error: BaseException) -> tuple[str, str]:
    """What happened, and what to do."""
    match error:
        case click.UsageError():
            command = error.ctx.command_path if error.ctx else "localart"
            return error.format_message(), _usage_hint(error, command)
        case click.ClickException():
            return error.format_message(), ""
        case click.Abort() | KeyboardInterrupt():
            return "interrupted", "nothing is half done; the same command goes on, or starts anew"
        case LocalartError():
            return error.message, _typed(error.hint)
        case OSError():
            name = f": {error.filename}" if error.filename is not None else ""
            return f"{error.strerror or error}{name}", ""
        case MemoryError():
            return "out of memory", "end other programs and try again"
        case _:
            return (
                f"something went wrong that should not: {type(error).__name__}: {error}",
                "run it again with --debug and report what it prints",
            )


def _typed(hint: str) -> str:
    for written, typed in TYPED.items():
        hint = hint.replace(written, typed)
    return hint


def _usage_hint(error: click.UsageError, command: str) -> str:
    if isinstance(error, click.NoSuchOption) and command == "localart" and error.option_name in _AFTER:
        return f"put it after the command: `localart ls {error.option_name} …`"
    return f"`{command} --help` says how to call it"


def _tell(what: str, advice: str) -> None:
    from localart.cli.console import RED, Console
    from localart.settings import read_settings

    console = Console(as_json=False, no_color=read_settings().no_color)
    for line in _lines(what, advice):
        console.complain(line, style=RED if line.startswith("localart: ") else "")


def _lines(what: str, advice: str) -> Iterator[str]:
    yield f"localart: {what}"
    if advice:
        yield f"  {advice}"


def settle_stdout() -> BaseException | None:
    """Write out what is still buffered; the error when that fails. Afterwards Python's own exit is quiet."""
    stream = sys.stdout
    if stream is None:
        return None
    try:
        stream.flush()
    except ValueError:  # closed
        return None
    except OSError as error:
        _mute(stream.fileno())
        return error
    return None


def _mute(fd: int) -> None:
    """Send what is left in the buffer nowhere: Python flushes once more at exit and would complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, fd)
    os.close(nowhere)
