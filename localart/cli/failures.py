"""Errors as a person reads them: one line that says what, one that says what to do, and an exit code."""

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import TextIO

import click

from localart.cli.exit_codes import ExitCode, exit_code_of
from localart.errors import LocalartError
from localart.names import shown

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
            return _plainly(error.format_message()), _usage_hint(error, command)
        case click.ClickException():
            return error.format_message(), ""
        case click.Abort() | KeyboardInterrupt():
            return "interrupted", "nothing is half done; the same command goes on, or starts anew"
        case LocalartError():
            return error.message, _typed(error.hint)
        case OSError():
            return _system_words(error)
        case MemoryError():
            return "out of memory", "end other programs and try again"
        case _:
            return (
                f"something went wrong that should not: {type(error).__name__}: {error}",
                "run it again with --debug and report what it prints",
            )


def _system_words(error: OSError) -> tuple[str, str]:
    """What the system refused; without a file's name it is the output's or the working folder's trouble."""
    if error.filename is not None:
        return f"{error.strerror or error}: {shown(str(error.filename), 300)}", ""
    if isinstance(error, FileNotFoundError):
        return "The working folder was removed", "cd into a folder that exists, or name absolute paths"
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "No space left on the disk that this writes to", "free some and run the command again"
    return str(error.strerror or error), ""


def _typed(hint: str) -> str:
    for written, typed in TYPED.items():
        hint = hint.replace(written, typed)
    return hint


def _plainly(message: str) -> str:
    """Click's words about numbers, in a user's."""
    message = re.sub(r"is not a valid integer( range)?\.", "is no whole number.", message)
    message = message.replace("is not a valid float range.", "is no number.")
    message = re.sub(r"is not in the range x>=([\d.]+)\.", r"is less than \1.", message)
    return re.sub(r"is not in the range ([\d.]+)<=x<=([\d.]+)\.", r"is not from \1 to \2.", message)


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
    return _settle(sys.stdout)


def settle_stderr() -> None:
    """The same for the talk: when nobody is left to hear it, the exit code still says how it went."""
    _settle(sys.stderr)


def _settle(stream: TextIO | None) -> BaseException | None:
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
