"""What logging takes from the training beside it: `poe gil`, or `python tests/bench/gil.py --help`.

A pure-Python training loop runs in the main thread while a thread of the same process logs one large file of random
bytes. Its steps a second are compared with those beside `cp` and a sync of the same file, run again and again in a
process of its own for as long as the logging took, and with those beside nothing. Every sample is a fresh process;
the order changes from repeat to repeat. Exit code 1: more was lost beside localart than allowed.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median

_BESIDE = ("localart", "cp", "nothing")
_WARM_UP_SECONDS = 0.3
_CHECK_EVERY = 20  # steps; the clock costs as much as a third of one


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The steps the loop made in some seconds, and the longest time between two looks at the clock."""

    steps: int
    seconds: float
    longest_gap_seconds: float

    @property
    def rate(self) -> float:
        """Steps a second."""
        return self.steps / self.seconds


class Training:
    """Logistic regression by stochastic gradient descent, as one would write it without NumPy."""

    def __init__(self) -> None:
        rng = random.Random(1)
        self._rows = cycle([([rng.random() for _ in range(16)], rng.random() > 0.5) for _ in range(256)])
        self._weights = [0.0] * 16

    def step(self) -> None:
        """One row."""
        row, label = next(self._rows)
        guess = sum(weight * value for weight, value in zip(self._weights, row, strict=True))
        error = label - 1 / (1 + 2.718281828 ** -max(-30.0, min(30.0, guess)))
        self._weights = [
            weight + 0.01 * error * value for weight, value in zip(self._weights, row, strict=True)
        ]

    def run_while(self, goes_on: Callable[[float], bool]) -> Window:
        """Train for as long as `goes_on`, which is told the seconds so far."""
        steps, gap = 0, 0.0
        begin = last = time.perf_counter()
        while goes_on(last - begin):
            for _ in range(_CHECK_EVERY):
                self.step()
            steps += _CHECK_EVERY
            now = time.perf_counter()
            gap, last = max(gap, now - last), now
        return Window(steps=steps, seconds=last - begin, longest_gap_seconds=gap)


def _beside_localart(training: Training, source: Path, work: Path, seconds: float) -> Window:
    del seconds
    import localart

    with localart.init(project="bench", dir=work) as run:
        logging = threading.Thread(target=_log, args=(run, source))
        logging.start()
        return training.run_while(lambda _: logging.is_alive())


def _log(run: "localart.Run", source: Path) -> None:  # noqa: F821  # imported by whoever calls
    import localart

    artifact = localart.Artifact("data", type="dataset")
    artifact.add_file(str(source))
    run.log_artifact(artifact)


def _beside_cp(training: Training, source: Path, work: Path, seconds: float) -> Window:
    script = f'while :; do cp "{source}" "{work}/copy" && sync "{work}/copy" && rm "{work}/copy"; done'
    copying = subprocess.Popen(["sh", "-c", script], start_new_session=True)
    try:
        return training.run_while(lambda elapsed: elapsed < seconds)
    finally:
        os.killpg(copying.pid, 9)
        copying.wait()


def _beside_nothing(training: Training, source: Path, work: Path, seconds: float) -> Window:
    del source, work
    return training.run_while(lambda elapsed: elapsed < seconds)


def _sample(beside: str, source: Path, work: Path, seconds: float) -> Window:
    """One window in a fresh process; what was left to be written is written before."""
    home = Path(tempfile.mkdtemp(dir=work))
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("LOCALART_")},
        "LOCALART_DIR": str(home / "store"),
        "LOCALART_CACHE_DIR": str(home / "cache"),
        "LOCALART_SILENT": "1",
    }
    command = [
        sys.executable,
        __file__,
        "--beside",
        beside,
        "--seconds",
        str(seconds),
        str(source),
        str(home),
    ]
    os.sync()
    try:
        done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    finally:
        shutil.rmtree(home)
    return Window(**json.loads(done.stdout))


def _child(options: argparse.Namespace) -> None:
    training = Training()
    training.run_while(lambda elapsed: elapsed < _WARM_UP_SECONDS)
    window = {"localart": _beside_localart, "cp": _beside_cp, "nothing": _beside_nothing}[options.beside]
    found = window(training, options.source, options.home, options.seconds)
    facts = {"steps": found.steps, "seconds": found.seconds, "longest_gap_seconds": found.longest_gap_seconds}
    print(json.dumps(facts))


def _measure_all(source: Path, work: Path, repeats: int) -> dict[str, list[Window]]:
    """The windows by what ran beside the loop. The first of localart's is only there for its length."""
    seconds = _sample("localart", source, work, 0).seconds
    found: dict[str, list[Window]] = {beside: [] for beside in _BESIDE}
    for repeat in range(repeats):
        turn = repeat % len(_BESIDE)
        for beside in _BESIDE[turn:] + _BESIDE[:turn]:
            print(f"{beside} {repeat + 1}/{repeats}", file=sys.stderr)
            found[beside].append(_sample(beside, source, work, seconds))
    return found


def _report(found: dict[str, list[Window]]) -> float:
    """Print the table; by how much the loop was slower beside localart than beside `cp`, median against median."""
    print("beside    steps/s min  median     max  window s  longest gap ms")
    for beside, windows in found.items():
        rates = sorted(window.rate for window in windows)
        seconds = median(window.seconds for window in windows)
        gap = max(window.longest_gap_seconds for window in windows) * 1e3
        figures = f"{rates[0]:11,.0f} {median(rates):7,.0f} {rates[-1]:7,.0f} {seconds:9.2f} {gap:15.1f}"
        print(f"{beside:9} {figures}")
    rate = {beside: median(window.rate for window in windows) for beside, windows in found.items()}
    lost = 1 - rate["localart"] / rate["cp"]
    print(f"lost beside localart: {lost:.1%} of the steps beside cp", end=", ")
    print(f"{1 - rate['localart'] / rate['nothing']:.1%} of those beside nothing")
    return lost


def main() -> int:
    """Measure and print; 0 when no more was lost than allowed."""
    options = _options()
    if options.beside:
        _child(options)
        return 0
    with tempfile.TemporaryDirectory(prefix="localart-gil-", dir=options.work) as folder:
        source = Path(folder, "data.bin")
        with source.open("wb") as file:
            for _ in range(options.megabytes):
                file.write(os.urandom(1_000_000))
        time.sleep(2.1)  # a file younger than that is not trusted to be done with
        found = _measure_all(source, Path(folder), options.repeats)
    return 1 if _report(found) > options.allowed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="poe gil", description=__doc__)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--allowed", type=float, default=0.10, help="of the steps beside cp")
    parser.add_argument("--work", type=Path, help="where stores and copies go (default: a temporary folder)")
    for name in ("--beside", "--seconds"):
        parser.add_argument(name, help=argparse.SUPPRESS, type=str if name == "--beside" else float)
    for name in ("source", "home"):
        parser.add_argument(name, nargs="?", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
