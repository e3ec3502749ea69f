"""Measure localart against copies and the tools it finds: `poe bench`, or `python tests/bench/run.py --help`.

Each operation is a process of its own, its start included; `sync` runs before it, untimed; the page cache is
warm; the peers change their order from repeat to repeat, for each leaves the next one's memory and disk in a
different state. Tools that take minutes are measured in fewer repeats. Every restored folder is compared with its
source. Exit code 1: a peer failed.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TypeAlias

from peers import PEERS, Peer, install
from report import Sample, as_text, describe_machine
from timing import CommandFailed, Cost, measure

_WORKLOADS = ("w1", "w2", "w3", "w5", "w6-bf16", "w6-fp32", "w6-optimizer")
_TRAINED = "w6-"  # made by a real training, which needs torch and minutes: only where it is asked for
_WARM = 'find "$SOURCE" -type f -exec cat {} + >/dev/null'  # borg lets go of the cache of all that it read
_SETTLE_SECONDS = 2.1  # a tool that trusts time stamps may not trust files younger than that

Steps: TypeAlias = list[tuple[str, list[Path]]]
"""Operations and the folders each logs, in order; the last folder is restored."""


def main() -> int:
    """Make what is to be logged, measure, print; 0 when every peer did all it was asked."""
    options = _options()
    with tempfile.TemporaryDirectory(prefix="localart-bench-") as own:
        data, work = (Path(given or own).resolve() for given in (options.data, options.work))
        data.mkdir(parents=True, exist_ok=True)
        work.mkdir(parents=True, exist_ok=True)
        tools = (options.peers or data / "peers").resolve()
        if options.install:
            install(tools)
        versions = {peer: version for peer in PEERS if (version := peer.version_text(tools))}
        names = [name for name in _WORKLOADS if name in options.only.split(",")]
        folders = {
            name: data
            / (name.replace("-", "/") if name.startswith(_TRAINED) else f"{name}-{options.scale:g}")
            for name in names
        }
        workloads = {name: _prepare(folder, name) for name, folder in folders.items()}
        facts = describe_machine(work)
        facts["versions"] = "; ".join(f"{peer.name}: {text}" for peer, text in versions.items())
        sizes = {name: sum(map(_size_of, steps[0][1])) / 1e6 for name, steps in workloads.items()}
        facts["logged"] = ", ".join(f"{name}: {megabytes:.1f} MB" for name, megabytes in sizes.items())
        time.sleep(_SETTLE_SECONDS)
        samples, failures = _measure_all([*versions], workloads, work, tools, options)
    print(as_text(facts, samples))
    if options.json:
        options.json.write_text(json.dumps({"facts": facts, "samples": [*map(asdict, samples)]}, indent=1))
    return 1 if failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="poe bench", description=__doc__)
    parser.add_argument("--only", default="w1,w2,w3,w5", metavar="w1,w2", help="these workloads")
    parser.add_argument("--scale", type=float, default=1.0, help="of the workloads' sizes; try 0.02 first")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--slow-repeats", type=int, default=1, help="of tools that take minutes")
    parser.add_argument("--install", action="store_true", help="get dvc, mlflow and wandb with pip, too")
    parser.add_argument("--peers", type=Path, help="where those are kept (default: `peers` in --data)")
    parser.add_argument("--data", type=Path, help="keep the made files here (default: a temporary folder)")
    parser.add_argument("--work", type=Path, help="where stores and restored folders go (default: likewise)")
    parser.add_argument("--touch-mb", type=int, default=0, help="touch this much memory before each timing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample here too")
    return parser.parse_args()


def _prepare(folder: Path, name: str) -> Steps:
    """Make the workload's files, unless they are there. Killed midway: made anew next time."""
    if name.startswith(_TRAINED) and not folder.is_dir():
        subprocess.run([sys.executable, Path(__file__).with_name("finetune.py"), folder.parent], check=True)
    elif not folder.is_dir():
        partial = folder.with_name(f"partial-{folder.name}")
        shutil.rmtree(partial, ignore_errors=True)
        scale = folder.name.partition("-")[2]
        subprocess.run(
            [sys.executable, Path(__file__).with_name("workloads.py"), name, scale, partial], check=True
        )
        partial.rename(folder)
    versions = sorted(folder.glob("v*"))
    steps = [("log", versions), ("log again", versions[-1:]), ("log changed", [*folder.glob("changed")])]
    return [(operation, sources) for operation, sources in steps if sources]


def _measure_all(
    peers: list[Peer], workloads: dict[str, Steps], work: Path, tools: Path, options: argparse.Namespace
) -> tuple[list[Sample], int]:
    """Every sample, ordered by peer, and how many peers failed; says on stderr what is under way."""
    samples: list[Sample] = []
    failures = 0
    for repeat in range(options.repeats):
        turn = repeat % len(peers)
        for name, steps in workloads.items():
            for peer in peers[turn:] + peers[:turn]:
                if peer.is_slow and repeat >= options.slow_repeats:
                    continue
                print(f"{name} {peer.name} {repeat + 1}/{options.repeats}", file=sys.stderr)
                home = Path(tempfile.mkdtemp(prefix=f"{peer.name}-", dir=work))
                try:
                    for operation, cost, stored in _trial(peer, steps, home, tools, options.touch_mb << 20):
                        samples.append(Sample(name, operation, peer.name, repeat, cost, stored))
                except CommandFailed as error:
                    print(error, file=sys.stderr)
                    failures += 1
                finally:
                    shutil.rmtree(home)
    return sorted(samples, key=lambda sample: [peer.name for peer in peers].index(sample.peer)), failures


def _trial(
    peer: Peer, steps: Steps, home: Path, tools: Path, touch: int
) -> Iterator[tuple[str, Cost, int | None]]:
    """One peer's turn at one workload in an empty folder: operation, cost, and bytes stored after a log."""
    variables = {"STORE": str(home / "store"), "TARGET": str(home / "restored"), "PEERS": str(tools)}
    measure(peer.begin, home, variables)
    for operation, sources in steps:
        cost = Cost()
        for source in sources:
            variables |= {"SOURCE": str(source), "LABEL": f"{operation.replace(' ', '-')}-{source.name}"}
            measure(_WARM, home, variables)
            measure(peer.stage, home, variables)
            cost += measure(peer.log, home, variables, touch_bytes=touch)
        yield operation, cost, _size_of(home / "store" / peer.holds)
    for operation in ("restore", "restore again") if peer.restore else ():
        measure(peer.unstage, home, variables)
        yield operation, measure(peer.restore, home, variables, touch_bytes=touch), None
        measure('diff -rq "$SOURCE" "$TARGET"', home, variables)


def _size_of(folder: Path) -> int:
    """Bytes of the files below; `Path.rglob` would take memory that then counts as every peer's."""
    return sum(os.lstat(f"{at}/{name}").st_size for at, _, names in os.walk(folder) for name in names)


if __name__ == "__main__":
    sys.exit(main())
