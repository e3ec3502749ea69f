"""Kill a process at each call that changes something, and see that the store is as before the step or after it."""

import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from power.store_checks import damages
from power.sync_order import paths_below
from power.tracing import WRITE_CLASS, Call, Ending, Victims, read_trace

from localart.errors import LocalartError
from localart.repository import open_repository

_SIGKILL = 9


@dataclass(frozen=True, slots=True)
class KillPoint:
    """The `number`th call of this name in a thread; `place` is what it would have changed."""

    call: str
    number: int
    place: str


State = tuple[Any, ...]


def observe(store: Path) -> State:
    """All that users can see of a store, without its times and ids; () where there is none."""
    if not (store / "LOCALART").exists():
        return ()
    repository = open_repository(store, create=False)
    try:
        connection = repository.read()
        return (
            *connection.execute(
                "SELECT project, artifact, version, digest, aliases, tags, state, made_by, metadata"
                " FROM versions_view ORDER BY 1, 2, version_id"
            ).fetchall(),
            *connection.execute(
                "SELECT project, run, inputs, outputs FROM runs_view ORDER BY 1, 2"
            ).fetchall(),
            *connection.execute("SELECT path, blob FROM run_files ORDER BY 1").fetchall(),
            *connection.execute(
                "SELECT run_id, state, finished_at IS NULL FROM runs WHERE run_id = 'victim'"
            ).fetchall(),
        )
    finally:
        repository.close()


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: the store it begins with, the states after each step, and where it can be killed."""

    name: str
    before: Path | None
    states: Sequence[State]
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
        self._victims = Victims(folder, environment)
        self._prepared = folder / "prepared"

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
        ended = observe(trace.store)
        for step in range(1, trace.steps + 1):
            store = self._fresh(before)
            self._must_end_well(self._victims.run(name, store, steps=step))
            states.append(observe(store))
        return Scenario(name, before, [*states, ended], list(_points(trace.calls, trace.store)))

    def _before(self, name: str) -> Path | None:
        return None if name == "first" else self._prepared

    def kill(self, scenario: Scenario, point: KillPoint) -> Iterator[str]:
        """What is wrong after a kill at `point`, and after the same steps once more."""
        store = self._fresh(scenario.before)
        inject = ["-o", "/dev/null", "-e", f"trace={point.call}", "-e",
                  f"inject={point.call}:signal=SIGKILL:when={point.number}"]  # fmt: skip
        ending = self._victims.run(scenario.name, store, strace=inject)
        if ending.signal != _SIGKILL:
            yield f"was not killed: {ending}"
            return
        try:
            yield from self._difference_after(scenario, ending, store)
            yield from _damages(store)
            yield from self._once_more(scenario, store)
        except LocalartError as error:
            yield f"the store cannot be read: {type(error).__name__}: {error}"

    @staticmethod
    def _difference_after(scenario: Scenario, ending: Ending, store: Path) -> Iterator[str]:
        state = observe(store)
        allowed = scenario.states[ending.returned : ending.returned + 2]
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
        if seconds > 5:
            yield f"the same again took {seconds:.1f} s"
        yield from _damages(store)

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


def _difference(state: State, expected: State) -> str:
    return f"the store says {sorted(set(state) - set(expected))}, not {sorted(set(expected) - set(state))}"


def _points(calls: Sequence[Call], store: Path) -> Iterator[KillPoint]:
    """Where the scenario changed something in the store."""
    seen: set[tuple[str, int]] = set()
    for call in calls:
        if call.writes and call.path.startswith(str(store)) and (call.name, call.number) not in seen:
            seen.add((call.name, call.number))
            yield KillPoint(call.name, call.number, call.path.removeprefix(str(store)))


def _damages(store: Path) -> Iterator[str]:
    if not (store / "LOCALART").exists():
        return
    repository = open_repository(store, create=False)
    try:
        yield from damages(repository)
    finally:
        repository.close()
