"""The figures as a table that can be pasted."""

import os
import platform
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from timing import Cost

_COLUMNS = ("median s", "min", "max", "x cp", "x cp+sync", "CPU s", "RSS MB", "stored MB")


@dataclass(frozen=True, slots=True)
class Sample:
    """One operation of one peer in one repeat. `stored_bytes` is None where nothing was stored."""

    workload: str
    operation: str
    peer: str
    repeat: int
    cost: Cost
    stored_bytes: int | None


def describe_machine(work: Path) -> dict[str, str]:
    """When, where and how this is measured. Linux only."""
    models = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
    ]
    cpu = models[0].partition(": ")[2] if models else platform.machine()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    disk = max((len(at), kind) for at, kind in mounts if work.is_relative_to(at))[1]
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{cpu}, {os.cpu_count()} CPUs, {memory:.0f} GiB, {disk}, load {os.getloadavg()[0]:.1f}",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "command": " ".join(["python", *sys.argv]),
    }


def as_text(facts: Mapping[str, str], samples: Sequence[Sample]) -> str:
    """One block a workload and operation, one line a peer; ratios are medians of those to the same repeat."""
    blocks: dict[str, dict[str, list[Sample]]] = {}
    for sample in samples:
        block = blocks.setdefault(f"{sample.workload} {sample.operation}", {})
        block.setdefault(sample.peer, []).append(sample)
    lines = [f"{name:10}{value}" for name, value in facts.items()]
    for title, peers in blocks.items():
        lines += ["", _line(title, _COLUMNS)]
        lines += [_line(f"  {peer}", _cells(some, peers)) for peer, some in peers.items()]
    return "\n".join(lines)


def _line(title: str, cells: Iterable[str]) -> str:
    return f"{title:18}" + "".join(f"{cell:>10}" for cell in cells)


def _cells(some: list[Sample], peers: Mapping[str, list[Sample]]) -> Iterator[str]:
    walls = [sample.cost.wall_seconds for sample in some]
    yield from (f"{seconds:.3f}" for seconds in (median(walls), min(walls), max(walls)))
    for peer in ("cp", "cp+sync"):
        base = {sample.repeat: sample.cost.wall_seconds for sample in peers.get(peer, ())}
        ratios = [
            wall / base[sample.repeat]
            for wall, sample in zip(walls, some, strict=True)
            if sample.repeat in base
        ]
        yield f"{median(ratios):.2f}" if ratios else "-"
    yield f"{median(sample.cost.cpu_seconds for sample in some):.3f}"
    yield f"{max(sample.cost.peak_bytes for sample in some) / 1e6:.0f}"
    stored = some[-1].stored_bytes
    yield "-" if stored is None else f"{stored / 1e6:.1f}"
