"""`localart bench`: how fast and how small, with your own files on your own disk."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from localart.cli.command import Call, command
from localart.cli.figures import count_text, size_text
from localart.cli.tables import Column

if TYPE_CHECKING:
    from localart.cli.trial import Trial

_COLUMNS = (
    Column(title="WORK"),
    Column(title="BEST", right=True),
    Column(title="WORST", right=True),
    Column(title="RATE", right=True),
    Column(title="× COPY", right=True),
)


@command("bench", examples=("localart bench data", "localart bench data --rounds 5 --beside .."))
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--rounds", type=click.IntRange(1, 100), default=3, show_default=True, help="How often each is timed."
)
@click.option(
    "--beside",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the scratch folder is made, and removed again.  [default: the current folder]",
)
def bench_command(call: Call, path: Path, rounds: int, beside: Path | None) -> None:
    """Time localart with your own files beside a plain copy of them.

    PATH is copied, logged into a new store, logged again, and restored, each by a process of its own, in turn. Needs
    room for about four times PATH. Your own store is not touched. Starting a process is part of each time; with little
    data it is nearly all of it, and then no rates are shown.
    """
    from localart.cli.trial import run_trial

    trial = run_trial(path.resolve(), beside=(beside or Path.cwd()), rounds=rounds, say=call.console.say)
    if call.console.as_json:
        call.console.document(_document(trial))
        return
    call.console.table(_COLUMNS, _rows(trial))
    call.console.line()
    call.console.line(
        f"{count_text(trial.file_count, 'file')}, {size_text(trial.copied_bytes)}; the store keeps them in"
        f" {size_text(trial.stored_bytes)}"
    )
    call.console.line(f"to start and log a single byte takes {trial.start.best:.2f} s")
    if trial.is_mostly_start:
        call.console.line(
            "that is most of it, so nothing is said about speed here: name more data, 100 MB or more"
        )


def _rows(trial: "Trial") -> list[tuple[str, ...]]:
    from localart.cli.trial import COPY, COPY_BACK, RESTORE

    best = {timing.work: timing.best for timing in trial.timings}
    return [
        (
            timing.work,
            f"{timing.best:.2f} s",
            f"{max(timing.seconds):.2f} s",
            *_compared(trial, timing.best, best[COPY_BACK if timing.work in {RESTORE, COPY_BACK} else COPY]),
        )
        for timing in trial.timings
    ]


def _compared(trial: "Trial", seconds: float, copying: float) -> tuple[str, str]:
    """The rate, and how many times a copy's time it is."""
    if trial.is_mostly_start:
        return "–", "–"
    return f"{size_text(round(trial.copied_bytes / max(seconds, 1e-9)))}/s", f"{seconds / copying:.2f}"


def _document(trial: "Trial") -> dict[str, object]:
    return {
        "timings": [{"work": timing.work, "seconds": list(timing.seconds)} for timing in trial.timings],
        "start_seconds": list(trial.start.seconds),
        "mostly_start": trial.is_mostly_start,
        "file_count": trial.file_count,
        "copied_bytes": trial.copied_bytes,
        "stored_bytes": trial.stored_bytes,
    }
