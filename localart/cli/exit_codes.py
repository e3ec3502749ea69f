"""The exit codes, which scripts may rely on, and which error means which."""

import errno
from enum import IntEnum, unique

from localart import errors


@unique
class ExitCode(IntEnum):
    """How a command ended. Programs should treat a number they do not know as a failure."""

    OK = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    NO_STORE = 10
    BUSY = 11
    TOO_NEW = 12
    NO_SPACE = 13
    REFUSED = 14
    CANNOT_LOOK = 15
    NOT_LOCAL = 16
    INTERRUPTED = 130


MEANINGS = {
    ExitCode.OK: "all went well",
    ExitCode.FAILED: "the operation failed, or damage was found",
    ExitCode.USAGE: "the command line cannot be right",
    ExitCode.PARTIAL: "done in part: some sources could not be read",
    ExitCode.NO_STORE: "there is no store",
    ExitCode.BUSY: "another process kept the store locked",
    ExitCode.TOO_NEW: "the store was written by a newer localart",
    ExitCode.NO_SPACE: "no space left",
    ExitCode.REFUSED: "refused what cannot be trusted",
    ExitCode.CANNOT_LOOK: "could not look: whether the store is sound is not known",
    ExitCode.NOT_LOCAL: "a command for a server; what it says names the local way",
    ExitCode.INTERRUPTED: "interrupted",
}

# The first line that fits counts, so the special comes before the general.
_CODES: tuple[tuple[ExitCode, tuple[type[BaseException], ...]], ...] = (
    (ExitCode.NO_STORE, (errors.StoreNotFound,)),
    (ExitCode.BUSY, (errors.StoreBusy,)),
    (ExitCode.TOO_NEW, (errors.StoreTooNew,)),
    (ExitCode.NO_SPACE, (errors.StoreFull, errors.TargetFull)),
    (ExitCode.REFUSED, (errors.UnsafeStore, errors.UnsafeTarget)),
    (ExitCode.USAGE, (errors.UsageError, errors.InvalidName, errors.InvalidMetadata, errors.ConfigError)),
    (ExitCode.INTERRUPTED, (KeyboardInterrupt,)),
)


def exit_code_of(error: BaseException) -> ExitCode:
    """The exit code that says what `error` means."""
    for code, kinds in _CODES:
        if isinstance(error, kinds):
            return code
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return ExitCode.NO_SPACE
    return ExitCode.FAILED
