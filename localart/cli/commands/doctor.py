"""`localart doctor`: whether the store is sound, and what this machine can do."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from localart.cli.command import Call, command
from localart.cli.console import BOLD, RED, YELLOW, Console
from localart.cli.examination import Examination, Level, examine, how_found
from localart.cli.exit_codes import ExitCode
from localart.cli.figures import count_text, share_text, size_text, time_text

if TYPE_CHECKING:
    from localart.catalog.figures import StoreFigures
    from localart.cli.examination import Finding, MachineFacts, PlaceFacts

_STYLES = {Level.OK: "", Level.NOTE: YELLOW, Level.WRONG: RED}


@command("doctor", examples=("localart doctor",))
def doctor_command(call: Call) -> None:
    """Check the store and say what this machine can do. Changes nothing, and needs no network.

    Exit code 0 when nothing is wrong, 1 when something is, 10 without a store, 12 when it is too new.
    """
    path = call.store_path
    found_by = how_found(call.settings, path, is_given=call.store_option is not None)
    found = examine(path, found_by=found_by)
    if call.console.as_json:
        call.console.document(_document(found))
    else:
        _print_machine(call.console, found.machine)
        _print_store(call.console, found)
        for finding in found.findings:
            _print_finding(call.console, finding)
        call.console.line("all is well" if found.code is ExitCode.OK else "something is wrong", style=BOLD)
    call.exit(found.code)


def _document(found: Examination) -> dict[str, Any]:
    return {
        "ok": found.code is ExitCode.OK,
        "machine": asdict(found.machine),
        "store": {**asdict(found.place), "path": str(found.place.path)},
        "catalog": None if found.catalog is None else asdict(found.catalog),
        "figures": None if found.figures is None else asdict(found.figures),
        "verified": [asdict(mark) for mark in found.verified],
        "findings": [asdict(finding) for finding in found.findings],
    }


def _print_machine(console: Console, machine: "MachineFacts") -> None:
    console.line(f"localart {machine.localart}", style=BOLD)
    _fact(console, "python", machine.python)
    _fact(console, "sqlite", machine.sqlite)
    _fact(console, "system", machine.system)
    for name, number in machine.packages.items():
        _fact(console, name, number or "not installed")


def _print_store(console: Console, found: Examination) -> None:
    place = found.place
    console.line()
    console.line(f"store {place.path}", style=BOLD)
    _fact(console, "found by", place.found_by)
    if not place.exists:
        return
    if found.catalog is not None:
        _fact(console, "format", str(found.catalog.format))
        _fact(console, "journal", found.catalog.journal_mode)
    if place.database_bytes is not None:
        _fact(console, "database", size_text(place.database_bytes))
    _fact(console, "packs", f"{count_text(place.pack_count, 'file')}, {size_text(place.pack_bytes)}")
    if found.figures is not None:
        _print_figures(console, found.figures)
    _fact(console, "disk", _disk(place))
    for mark in found.verified:
        _fact(console, "verified", f"{time_text(mark.time)}, {mark.words}")
    if not found.verified:
        _fact(console, "verified", "never; `localart verify` looks")
    console.line()


def _print_figures(console: Console, figures: "StoreFigures") -> None:
    _fact(
        console,
        "holds",
        f"{count_text(figures.project_count, 'project')}, {count_text(figures.run_count, 'run')},"
        f" {count_text(figures.artifact_count, 'artifact')}, {count_text(figures.version_count, 'version')}",
    )
    _fact(console, "logged", size_text(figures.logged_bytes))
    shared = max(0, figures.logged_bytes - figures.unique_bytes)
    _fact(console, "unique", _saving(figures.unique_bytes, shared, figures.logged_bytes, "dedup"))
    squeezed = max(0, figures.unique_bytes - figures.stored_bytes)
    _fact(console, "stored", _saving(figures.stored_bytes, squeezed, figures.unique_bytes, "compression"))


def _saving(size_bytes: int, saved: int, before: int, by: str) -> str:
    return size_text(size_bytes) + (f" ({by} saves {share_text(saved, before)})" if saved else "")


def _disk(place: "PlaceFacts") -> str:
    free = "" if place.free_bytes is None else f"{size_text(place.free_bytes)} free, "
    copies = {None: "", True: ", shares blocks between copies", False: ", no shared copies (reflinks)"}
    return f"{free}{'network' if place.network else 'local'}{copies[place.reflink]}"


def _print_finding(console: Console, finding: "Finding") -> None:
    console.line(f"{finding.level.value:<5}  {finding.what}", style=_STYLES[finding.level])
    if finding.hint:
        console.line(f"       {finding.hint}")


def _fact(console: Console, name: str, value: str) -> None:
    console.line(f"  {name:<14}{value}")
