"""Tell what one demo did: as text for a person, as a document for a program."""

import shlex
from collections.abc import Iterator
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from localart.demo.facts import DemoReport, MadeVersion, StepFacts
from localart.lineage.document import to_document as lineage_document
from localart.lineage.lanes import render_lanes

_LISTED_ALIASES = 3
_PROSE_CELLS = 88


def tell(report: DemoReport, *, width: int | None = None) -> str:
    """The closing report: graph, runs, versions, store, and what to type next."""
    return "\n".join(
        [
            *_headline(report),
            "",
            "What the runs left behind",
            *_indented(render_lanes(report.lineage, max_width=None if width is None else width - 2)),
            "",
            "What each run used and made",
            *(line for step in report.steps for line in _step_lines(step)),
            "",
            *_verdict(report),
            "",
            *_store_lines(report),
            "",
            "What to type next",
            *_indented("\n".join(f"{command:<50} {purpose}" for command, purpose in _next_commands(report))),
        ]
    )


def to_document(report: DemoReport) -> dict[str, Any]:
    """The same facts as plain JSON; accuracies are shares from 0 to 1, sizes bytes."""
    return {
        "project": report.project,
        "store": report.store,
        "changed": report.changed,
        "seconds": round(report.seconds, 3),
        "steps": [asdict(step) for step in report.steps],
        "new_versions": [version.label for version in report.made if version.is_new],
        "unchanged_versions": [version.label for version in report.made if not version.is_new],
        "validation_accuracy": report.validation_accuracy,
        "test_accuracy": report.test_accuracy,
        "worst_captions": list(report.worst_captions),
        "lineage": lineage_document(report.lineage),
        "figures": asdict(report.figures),
        "next": [command for command, _ in _next_commands(report)],
    }


# --- the parts of the text --------------------------------------------------------------------------------


def _headline(report: DemoReport) -> Iterator[str]:
    yield f"Five runs in project {report.project}, {report.seconds:.1f} s. What they downloaded is in ./artifacts."
    yield (
        f"The network reads {report.test_accuracy:.1%} of the test digits right"
        f" ({report.validation_accuracy:.1%} in validation);"
    )
    yield f"the {len(report.worst_captions)} it is most wrong about are kept as pictures."


def _indented(text: str) -> list[str]:
    return [f"  {line}".rstrip() for line in text.splitlines()]


def _step_lines(step: StepFacts) -> Iterator[str]:
    yield f"  {step.job_type:<16} {step.run_name} (run:{step.run_id}), {step.state}"
    for label in step.inputs:
        yield f"    used  {label}"
    for version in step.outputs:
        yield f"    made  {_version_text(version)}"


def _version_text(version: MadeVersion) -> str:
    news = "new" if version.is_new else "unchanged"
    aliases = ", ".join(version.aliases[:_LISTED_ALIASES])
    return f"{version.label:<24} {version.type:<11} {_size(version.size_bytes):>8}  {news:<9}  {aliases}".rstrip()


def _verdict(report: DemoReport) -> Iterator[str]:
    new = [version.label for version in report.made if version.is_new]
    kept = [version.label for version in report.made if not version.is_new]
    if new:
        yield from wrap(
            f"New versions: {', '.join(new)}", _PROSE_CELLS, subsequent_indent="  ", break_on_hyphens=False
        )
    if kept:
        known = f"Unchanged content, so no new version: {', '.join(kept)}"
        yield from wrap(known, _PROSE_CELLS, subsequent_indent="  ", break_on_hyphens=False)


def _store_lines(report: DemoReport) -> Iterator[str]:
    figures = report.figures
    yield f"The store {report.store}"
    yield (
        f"  holds {figures.version_count} versions of {figures.artifact_count} artifacts,"
        f" and {figures.run_count} runs in {_projects(figures.project_count)}"
    )
    saved = 1 - figures.stored_bytes / figures.logged_bytes if figures.logged_bytes else 0.0
    yield (
        f"  {_size(figures.logged_bytes)} were logged; with the runs' pictures they take"
        f" {_size(figures.stored_bytes)} in packs" + (f": {saved:.0%} saved" if saved > 0 else "")
    )


def _projects(count: int) -> str:
    return "1 project" if count == 1 else f"{count} projects"


def _next_commands(report: DemoReport) -> Iterator[tuple[str, str]]:
    """Commands that work as they stand, and what each is for."""
    project, train = report.project, report.steps[3]
    yield (
        f"localart show {project}/trained-digits-net:best",
        "all facts of a version",
    )
    yield f"localart show {shlex.quote(f'run:{train.run_id}')}", "all facts of a run"
    yield f"localart lineage {project}/trained-digits-net", "what made it, what used it"
    yield f"localart get {project}/worst-digits", "the 32 pictures, as files"
    yield f"localart ls {project}", "everything in the project"
    yield f"localart tui {shlex.quote(f'run:{train.run_id}')}", "look around in the terminal"
    if report.changed:
        yield "localart demo", "the first recipe again"
    else:
        yield "localart demo --change", "another recipe, new versions"


def _size(size_bytes: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return f"{size_bytes} B"
