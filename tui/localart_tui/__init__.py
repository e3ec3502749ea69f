"""localart's terminal browser: in this version only its entry point."""

import shlex
import sys

__all__ = ["main"]

_USAGE = 2


def main(target: str | None) -> int:
    """Say where the same facts are shown; the exit code. `target`: an address, `run:ID`, or None for the store."""
    from localart.names import shown

    instead = f"show {shlex.quote(shown(target, 1000)[1:-1])}" if target else "ls"
    sys.stderr.write(
        "localart: the terminal browser is not part of this version;"
        f" `localart {instead}` shows the same facts\n"
    )
    return _USAGE
