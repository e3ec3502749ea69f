"""How time and bytes grow with versions, files and writers: `poe growth`, or `python tests/bench/growth.py --help`.

Writes `growth.json` (every figure), `growth.md` (the table, and why each line is as straight as it is) and
`growth.svg` (the plot) beside this file. Each point is a process of its own with a store of its own. Exit code 1:
something took more of the processor, or more bytes, than in proportion.
"""

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median

from growth_plot import Line, Panel, draw
from report import describe_machine
from timing import clean_environment

HERE = Path(__file__).parent
_CPU = "(CPU)"
_AT_MOST = 1.15  # the exponent from one size to the next; the rest is for noise
_LOOKS = 25


@dataclass(frozen=True, slots=True)
class Series:
    """Something that grows: its sizes, how often each is measured, why it is at most linear, and what says so.

    Processor time is `judged` where one process works, for a busy disk does not change it; the clock where several
    do, for they also wait for each other.
    """

    name: str
    unit: str
    sizes: tuple[int, ...]
    repeats: tuple[int, ...]
    title: str
    why: str
    judged: tuple[str, ...] = (f"log {_CPU}", f"log again {_CPU}", "find one")


@dataclass(frozen=True, slots=True)
class Point:
    """What one size cost: medians of seconds by what was done, and the bytes of the store."""

    series: str
    size: int
    seconds: dict[str, float]
    stored_bytes: int


SERIES = (
    Series(
        "versions",
        "versions",
        (10, 100, 1_000),
        (5, 5, 3),
        "one artifact, 20 files of 4 KB, one of them new in each version",
        "A log asks for its artifact, for the latest version and for the content it brings by key, never for all"
        " versions, so that the thousandth costs what the tenth did; the steps of SQLite are counted in"
        " `tests/scale`. A version adds its changed file, its manifest of 20 rows, and its own rows and journal"
        " records. Finding one among a thousand is as many steps of a B-tree, or one more.",
    ),
    Series(
        "files",
        "files",
        (10_000, 100_000, 1_000_000),
        (3, 3, 1),
        "files of a few bytes in 1,000 folders, all different, in memory",
        "Each file is opened, read, hashed and packed once, and adds one row of content (with its digest in an"
        " index) and one of the manifest; slices of 20,000 rows keep each transaction bounded. A draft holds bytes, not"
        " records that the garbage collector would walk again and again, and the rows of contents are found beside each"
        " other, not one by one in an index that is larger than SQLite's cache. Most of what is left over linear is the"
        " insertion of digests, which fall anywhere into that index. Logged again unchanged, the folder is walked and"
        " compared with what was noted of it as a whole.",
    ),
    Series(
        "writers",
        "writers",
        (1, 2, 4, 8),
        (3, 3, 3, 3),
        "processes that log 40 versions each to one artifact of one store, at once, on as many cores as there are",
        "Content is hashed, packed and synced beside each other; only the few rows of a version wait for the writer"
        " lock. On the clock eight writers take less than eight times as long for eight times the versions. The"
        " processor time of all of them together does grow faster than their number (see the column); waiting for the"
        " lock and reading what another has written are likely reasons, but that was not measured.",
        judged=("log",),
    ),
)


def main() -> int:
    """Measure what is asked for, keep the rest as it was, write all three files."""
    options = _options()
    if options.child:
        _CHILDREN[options.child](options.size, Path(options.folder))
        return 0
    asked = [series for series in SERIES if series.name in options.only.split(",")]
    known = json.loads(options.json.read_text()) if options.json.exists() else {"facts": {}, "points": []}
    points = [Point(**point) for point in known["points"]]
    facts = dict(known["facts"])
    with tempfile.TemporaryDirectory(prefix="localart-growth-", dir=options.work) as work:
        for series in asked:
            least, most = options.least.get(series.name, 0), options.most.get(series.name, math.inf)
            sizes = [size for size in series.sizes if least <= size <= most]
            points = [
                point
                for point in points
                if (point.series, point.size) not in {(series.name, size) for size in sizes}
            ]
            points += [_measure(series, size, Path(work)) for size in sizes]
            facts[series.name] = describe_machine(Path(work))
    points.sort(key=lambda point: ([series.name for series in SERIES].index(point.series), point.size))
    options.json.write_text(json.dumps({"facts": facts, "points": [*map(asdict, points)]}, indent=1) + "\n")
    options.json.with_suffix(".md").write_text("\n".join(_page(facts, points)) + "\n")
    options.json.with_suffix(".svg").write_text(draw(_panels(points)))
    worst = max((exponent for _, exponent in _exponents(points)), default=0.0)
    print(f"steepest: n^{worst:.2f}")
    return 1 if worst > _AT_MOST else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="poe growth", description=__doc__)
    parser.add_argument("--only", default="versions,files,writers", metavar="versions,files")
    parser.add_argument(
        "--most", type=_limits, default={}, metavar="files=100000", help="leave larger sizes out"
    )
    parser.add_argument(
        "--least", type=_limits, default={}, metavar="files=1000000", help="… and smaller ones"
    )
    parser.add_argument("--work", type=Path, help="where the stores go (default: a temporary folder)")
    parser.add_argument("--json", type=Path, default=HERE / "growth.json", metavar="FILE")
    parser.add_argument("--child", choices=("versions", "files", "writers", "writer"), help=argparse.SUPPRESS)
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    return parser.parse_args()


def _limits(text: str) -> dict[str, int]:
    return {name: int(most) for name, _, most in (part.partition("=") for part in text.split(","))}


# --- measuring -----------------------------------------------------------------------------------------


def _measure(series: Series, size: int, work: Path) -> Point:
    """The medians of as many repeats as the series asks for."""
    told = []
    for repeat in range(series.repeats[series.sizes.index(size)]):
        print(f"{series.name} {size:,} {repeat + 1}", file=sys.stderr)
        folder = Path(tempfile.mkdtemp(dir=work))
        try:
            told.append(json.loads(_run(series.name, size, folder).stdout))
            stored = _size_of(folder / "store")
        finally:
            shutil.rmtree(folder)
    seconds = {what: round(median(one[what] for one in told), 5) for what in told[0]}
    return Point(series.name, size, seconds, stored)


def _run(child: str, size: int, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _command(child, size, folder), env=_environment(folder), stdout=subprocess.PIPE, text=True, check=True
    )


def _command(child: str, size: int, folder: Path) -> list[str]:
    return [sys.executable, __file__, "--child", child, "--size", str(size), "--folder", str(folder)]


def _environment(folder: Path) -> dict[str, str]:
    own = {"DIR": folder / "store", "CACHE_DIR": folder / "cache", "SILENT": 1, "CONSOLE": "off"}
    return clean_environment() | {f"LOCALART_{name}": str(value) for name, value in own.items()}


def _size_of(folder: Path) -> int:
    return sum(os.lstat(f"{at}/{name}").st_size for at, _, names in os.walk(folder) for name in names)


# --- in the child --------------------------------------------------------------------------------------


def _log_versions(count: int, folder: Path, label: str) -> None:
    """Log `count` versions of one artifact; each has another content in one of its files."""
    import localart

    source = folder / f"source-{label}"
    source.mkdir()
    for number in range(20):
        (source / f"{number:02}.bin").write_bytes(os.urandom(4_096))
    with localart.init(project="growth") as run:
        for number in range(count):
            (source / f"{number % 20:02}.bin").write_bytes(os.urandom(4_096))
            artifact = localart.Artifact("line", "dataset", metadata={"number": number})
            artifact.add_dir(source)
            run.log_artifact(artifact)


def _versions(count: int, folder: Path) -> None:
    import localart

    told = _timed("log", lambda: _log_versions(count, folder, "one"))
    looks = []
    for number in range(_LOOKS):
        began = time.perf_counter()
        assert localart.Api().artifact(f"growth/line:v{number * count // _LOOKS}").file_count == 20
        looks.append(time.perf_counter() - began)
    print(json.dumps({**told, "find one": median(looks)}))


def _timed(what: str, work: Callable[[], object]) -> dict[str, float]:
    """What it took: on the clock, and of the processor, which a busy disk or machine does not change."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return {what: time.perf_counter() - began, f"{what} {_CPU}": time.process_time() - cpu}


def _files(count: int, folder: Path) -> None:
    import localart  # its import is no part of the first log

    assert localart.__version__
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 8_000 * count
    with tempfile.TemporaryDirectory(dir=memory if roomy else folder) as name:
        for number in range(min(1_000, count)):
            Path(name, f"{number:03}").mkdir()
        for number in range(count):
            fd = os.open(
                f"{name}/{number % 1_000:03}/{number:07}.txt", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600
            )
            os.write(fd, b"%d" % number)
            os.close(fd)
        time.sleep(2.1)  # the stat cache does not trust what is younger
        began = time.perf_counter()
        assert _read_all(name) == count
        told = {"read them": time.perf_counter() - began}
        for what in ("log", "log again"):
            told |= _timed(what, lambda: _log_folder(name))
    print(json.dumps(told))


def _log_folder(name: str) -> None:
    import localart

    with localart.init(project="growth") as run:
        artifact = localart.Artifact("tree", "dataset")
        artifact.add_dir(name)
        run.log_artifact(artifact)


def _read_all(name: str) -> int:
    """Open and read every file, as anything that logs them must."""
    count = 0
    for at, _, names in os.walk(name):
        for one in names:
            fd = os.open(f"{at}/{one}", os.O_RDONLY)
            os.read(fd, 1 << 18)
            os.close(fd)
            count += 1
    return count


def _writers(count: int, folder: Path) -> None:
    writers = [
        subprocess.Popen(
            [*_command("writer", number, folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment(folder), text=True,
        )
        for number in range(count)
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    began, cpu = time.perf_counter(), 0.0
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        cpu += float(writer.communicate()[0])
        assert writer.returncode == 0
    print(json.dumps({"log": time.perf_counter() - began, f"log {_CPU}": cpu}))


def _writer(number: int, folder: Path) -> None:
    import localart

    localart.Api()  # the store is there, everything is imported
    print("ready", flush=True)
    sys.stdin.readline()
    cpu = time.process_time()
    _log_versions(40, folder, str(number))
    print(time.process_time() - cpu)


_CHILDREN = {"versions": _versions, "files": _files, "writers": _writers, "writer": _writer}


# --- the page ------------------------------------------------------------------------------------------


def _of(points: Iterable[Point], series: Series) -> list[Point]:
    return [point for point in points if point.series == series.name]


def _exponents(points: list[Point]) -> Iterator[tuple[str, float]]:
    """From one size to the next, the power of the size that bytes and what is judged grow by."""
    for series in SERIES:
        for before, after in pairwise(_of(points, series)):
            grown = math.log(after.size / before.size)
            yield series.name, math.log(after.stored_bytes / before.stored_bytes) / grown
            for what in set(series.judged) & set(before.seconds):
                yield series.name, math.log(after.seconds[what] / before.seconds[what]) / grown


def _page(facts: dict[str, dict[str, str]], points: list[Point]) -> Iterator[str]:
    yield "# How localart grows"
    yield ""
    yield "Made by `poe growth` (`python tests/bench/growth.py`). Medians; every point is a process and a store of its"
    yield "own; durable, so every fsync is counted. *n^x*: by which power it grew from the size before; 1.00 is linear."
    yield ""
    yield "![seconds and bytes by size](growth.svg)"
    steep = sorted({name for name, exponent in _exponents(points) if exponent > _AT_MOST})
    if steep:
        yield ""
        yield f"Steeper than n^{_AT_MOST}, and so not linear: {', '.join(steep)}."
    for series in SERIES:
        own = _of(points, series)
        if not own:
            continue
        yield ""
        yield f"## {series.title[0].upper()}{series.title[1:]}"
        yield ""
        yield from _table(series, own)
        yield ""
        yield series.why
        yield ""
        said = facts[series.name]
        yield f"{said['date']}; {said['machine']}; {said['system']}"


def _table(series: Series, own: list[Point]) -> Iterator[str]:
    whats = [*own[0].seconds]
    yield f"| {series.unit} | " + " | ".join(f"{what}, s | n^x" for what in whats) + " | stored, MB | n^x |"
    yield "|" + "---:|" * (3 + 2 * len(whats))
    before: Point | None = None
    for point in own:
        cells = [f"{point.size:,}"]
        for what in whats:
            cells += [
                _seconds(point.seconds[what]),
                _power(before, point, lambda one, what=what: one.seconds[what]),
            ]
        cells += [f"{point.stored_bytes / 1e6:,.2f}", _power(before, point, lambda one: one.stored_bytes)]
        yield "| " + " | ".join(cells) + " |"
        before = point


def _seconds(value: float) -> str:
    return f"{value:.5f}" if value < 0.01 else f"{value:.2f}"


def _power(before: Point | None, after: Point, take) -> str:
    if before is None:
        return ""
    return f"{math.log(take(after) / take(before)) / math.log(after.size / before.size):.2f}"


def _panels(points: list[Point]) -> list[Panel]:
    panels = []
    for series in SERIES:
        own = _of(points, series)
        if own:
            lines = [
                Line(f"{what}, s", [(point.size, point.seconds[what]) for point in own])
                for what in own[0].seconds
                if not what.endswith(_CPU)
            ]
            lines.append(Line("stored, MB", [(point.size, point.stored_bytes / 1e6) for point in own]))
            panels.append(Panel(series.unit, lines))
    return panels


if __name__ == "__main__":
    sys.exit(main())
