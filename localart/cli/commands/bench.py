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


@command("bench")
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
    room for about four times PATH. Your own store is not touched.
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


def _rows(trial: "Trial") -> list[tuple[str, ...]]:
    from localart.cli.trial import COPY, COPY_BACK, RESTORE

    best = {timing.work: timing.best for timing in trial.timings}
    return [
        (
            timing.work,
            f"{timing.best:.2f} s",
            f"{max(timing.seconds):.2f} s",
            f"{size_text(round(trial.copied_bytes / max(timing.best, 1e-9)))}/s",
            f"{timing.best / best[COPY_BACK if timing.work in {RESTORE, COPY_BACK} else COPY]:.2f}",
        )
        for timing in trial.timings
    ]


def _document(trial: "Trial") -> dict[str, object]:
    return {
        "timings": [{"work": timing.work, "seconds": list(timing.seconds)} for timing in trial.timings],
        "file_count": trial.file_count,
        "copied_bytes": trial.copied_bytes,
        "stored_bytes": trial.stored_bytes,
    }
