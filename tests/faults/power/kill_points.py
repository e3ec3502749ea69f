"""Kill a process at each call that changes something, and see that the store is as before the step or after it."""

import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from failing_shim import WHY_NOT, build_shim
from power.observing import State, found_by_verify, numbers_in, observe, wrong_by_rows_and_bytes
from power.sync_order import paths_below
from power.tracing import TELL, WRITE_CLASS, Call, Ending, Victims, read_trace

from localart.errors import LocalartError
from localart.operations.rebuild import rebuild

_SIGKILL = 9
_AFTER = {
    "unlink": "link", "branch": "finish", "recover": "dying", "repair": "harm", "repack": "scatter",
}  # fmt: skip
"""What is done to the prepared store before a scenario begins, if anything."""
_FACT_BY_FACT = {"recover", "branch", "pictures", "repair"}
"""Steps of several changes, each whole by itself: what is said of a thing is the old or the new."""
SLICE = os.environ.get("LOCALART_TEST_SLICE", "1/1")
"""`n/m`: of the points of a sweep, the n-th of every m."""


@dataclass(frozen=True, slots=True)
class KillPoint:
    """The `number`th call of this name in a thread; `place` is what it would have changed.

    Without `by_strace` the `number`th call that writes, counted over all threads.
    """

    call: str
    number: int
    place: str
    by_strace: bool = True


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: the store it begins with, the states after each step, and where it can be killed."""

    name: str
    before: Path | None
    states: Sequence[State]
    numbers: Sequence[Any]
    points: Sequence[KillPoint]


@dataclass(frozen=True, slots=True)
class Trace:
    """What a scenario told the kernel: the store, the file its steps are acknowledged in, what was there before."""

    store: Path
    acks: Path
    existing: set[str]
    steps: int
    calls: Sequence[Call]


class KillBench:
    """A folder in which scenarios are rehearsed and killed."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        if not WHY_NOT:
            environment = {
                **environment,
                "LD_PRELOAD": str(build_shim(folder)),
                "LOCALART_FAIL_BELOW": str(folder / "new"),
            }
        self._victims = Victims(folder, environment)
        self._prepared = folder / "prepared"
        self.missed = 0
        """How many calls that were to fail were not made this time."""

    def __enter__(self) -> Self:
        self._must_end_well(self._victims.run("prepare", self._prepared))
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the victims' server."""
        self._victims.close()

    def trace(self, name: str) -> Trace:
        """Run a scenario to its end, unharmed, and note its calls."""
        store = self._fresh(self._before(name))
        existing = paths_below(store)
        log = self._folder / "trace"
        ending = self._victims.run(name, store, strace=["-y", "-e", f"trace={WRITE_CLASS}", "-o", str(log)])
        self._must_end_well(ending)
        with log.open() as lines:
            calls = list(read_trace(lines))
        return Trace(store, self._victims.acks, existing, ending.returned, calls)

    def rehearse(self, name: str) -> Scenario:
        """Run a scenario unharmed: whole under strace for its calls, then step by step for its states."""
        before = self._before(name)
        trace = self.trace(name)
        states = [() if before is None else observe(before)]
        ended, numbers = observe(trace.store), numbers_in(trace.store)
        for step in range(1, trace.steps + 1):
            store = self._fresh(before)
            self._must_end_well(self._victims.run(name, store, steps=step))
            states.append(observe(store))
        return Scenario(name, before, [*states, ended], numbers, list(_points(trace.calls, trace.store)))

    def _before(self, name: str) -> Path | None:
        if name == "first":
            return None
        after = _AFTER.get(name)
        if after is None:
            return self._prepared
        store = self._folder / f"after-{after}"
        if not store.exists():
            shutil.copytree(self._prepared, store)
            self._must_end_well(self._victims.run(after, store))
        return store

    def kill(self, scenario: Scenario, point: KillPoint) -> Iterator[str]:
        """What is wrong after a kill at `point`, and after the same steps once more."""
        store = self._fresh(scenario.before)
        ending = self._killed(scenario, point, store)
        if ending.signal != _SIGKILL:
            if point.by_strace or ending.code:
                yield f"was not killed: {ending}"
            self.missed += 1
            return
        try:
            yield from self._difference_after(scenario, ending, store)
            yield from self._wrong_after_kill(store)
            yield from self._once_more(scenario, store)
            yield from self._rebuilt(scenario, store)
        except LocalartError as error:
            yield f"the store cannot be read: {type(error).__name__}: {error}"

    def _killed(self, scenario: Scenario, point: KillPoint, store: Path) -> Ending:
        if not point.by_strace:
            return self._victims.run(scenario.name, store, death=point.number)
        inject = ["-o", "/dev/null", "-e", f"trace={point.call}", "-e",
                  f"inject={point.call}:signal=SIGKILL:when={point.number}"]  # fmt: skip
        return self._victims.run(scenario.name, store, strace=inject)

    def calls(self, scenario: Scenario) -> list[KillPoint]:
        """All calls of the scenario that write below the folder the store is in, in their order."""
        self._must_end_well(self._victims.run(scenario.name, self._fresh(scenario.before), death=TELL))
        lines = Path(f"{self._victims.acks}.calls").read_text().splitlines()
        return [
            KillPoint(call, number, place.removeprefix(str(self._folder / "new")), by_strace=False)
            for number, (call, _, place) in enumerate((line.partition(" ") for line in lines), start=1)
        ]

    def _wrong_after_kill(self, store: Path) -> Iterator[str]:
        return self._wrong_with(store)

    def _wrong_with(self, store: Path) -> Iterator[str]:
        return wrong_by_rows_and_bytes(store)

    def _found_wrong(self, store: Path, *, data: bool = True) -> Iterator[str]:
        return found_by_verify(store, data=data)

    @staticmethod
    def _difference_after(scenario: Scenario, ending: Ending, store: Path) -> Iterator[str]:
        state = observe(store)
        allowed = scenario.states[ending.returned : ending.returned + 2]
        if scenario.name in _FACT_BY_FACT and _is_between(state, *allowed):
            return
        if state not in allowed:
            yield f"after {ending.returned} steps: {_difference(state, allowed[0])}"

    def _once_more(self, scenario: Scenario, store: Path) -> Iterator[str]:
        began = time.monotonic()
        ending = self._victims.run(scenario.name, store)
        seconds = time.monotonic() - began
        if (ending.signal, ending.code) != (0, 0):
            yield f"the same again ended with {ending}"
        elif observe(store) != scenario.states[-1]:
            yield f"the same again: {_difference(observe(store), scenario.states[-1])}"
        elif not set(scenario.numbers) <= set(numbers_in(store)):
            yield f"the same again: logged numbers are {numbers_in(store)}"
        if seconds > 5:
            yield f"the same again took {seconds:.1f} s"
        yield from self._found_wrong(store)

    def _rebuilt(self, scenario: Scenario, store: Path) -> Iterator[str]:
        """What the packs say, also of what was killed in them, is what the catalog says."""
        (store / "localart.db").unlink()
        rebuild(store)
        if observe(store) != scenario.states[-1]:
            yield f"rebuilt from its packs: {_difference(observe(store), scenario.states[-1])}"
        yield from (f"rebuilt from its packs: {line}" for line in self._found_wrong(store, data=False))

    def _fresh(self, before: Path | None) -> Path:
        store = self._folder / "new" / "home" / "store"  # all three are made with the store
        shutil.rmtree(self._folder / "new", ignore_errors=True)
        if before is not None:
            shutil.copytree(before, store)
        return store

    @staticmethod
    def _must_end_well(ending: Ending) -> Ending:
        assert (ending.signal, ending.code) == (0, 0), ending
        return ending


def broken_by_kills(bench: KillBench, scenario: str, *, some: int | None = None) -> list[str]:
    """Kill a scenario at all points of this slice, or by strace at `some` of them; every promise that was broken.

    The last of its calls is always among some of them, and so are those where a catalog takes another's name. All of
    them are killed from inside the process where there is a compiler (strace makes a process several times slower).
    How many there were is said on standard error.
    """
    rehearsed, bench.missed = bench.rehearse(scenario), 0
    everything = rehearsed.points if some is not None or WHY_NOT else bench.calls(rehearsed)
    number, _, count = SLICE.partition("/")
    points = everything[int(number) - 1 :: int(count)]
    if some is not None:
        spread = everything[3 :: max(1, len(everything) // some)]
        points = [*spread, *_where_catalogs_move(everything), everything[-1]]
    broken = [f"{point}: {line}" for point in points for line in bench.kill(rehearsed, point)]
    print(
        f"\nkill -9 at each call, {scenario}: {len(points)} of {len(everything)} points,"
        f" {bench.missed} not reached, {len(broken)} promises broken",
        *broken,
        sep="\n",
        file=sys.stderr,
    )
    return broken


def _where_catalogs_move(points: Sequence[KillPoint]) -> list[KillPoint]:
    """Each call that gives a catalog its name, and the one after it: there a store turns into another one."""
    moves = [
        at
        for at, point in enumerate(points)
        if point.call.startswith("rename") and point.place.endswith("/localart.db")
    ]
    return [points[at] for move in moves for at in (move, move + 1) if at < len(points)]


def environment_of_victims() -> dict[str, str]:
    """Ours, without what decides where a store is; what is kept beside a run is tested on its own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("LOCALART_", "WANDB_"))}
    kept |= {"LOCALART_CONSOLE": "off", "LOCALART_X_SAVE_REQUIREMENTS": "false"}
    return kept | {"LOCALART_SILENT": "1", "PYTHONHASHSEED": "0"}


def _is_between(state: State, before: State, after: State) -> bool:
    """Whether each row is one of before or of after, and none is missing that is in both."""
    return set(before) & set(after) <= set(state) <= set(before) | set(after)


def _difference(state: State, expected: State) -> str:
    return f"the store says {sorted(set(state) - set(expected))}, not {sorted(set(expected) - set(state))}"


def _points(calls: Sequence[Call], store: Path) -> Iterator[KillPoint]:
    """Where the scenario changed something in the store."""
    seen: set[tuple[str, int]] = set()
    for call in calls:
        if call.writes and call.path.startswith(str(store)) and (call.name, call.number) not in seen:
            seen.add((call.name, call.number))
            yield KillPoint(call.name, call.number, call.path.removeprefix(str(store)))
