"""Scenarios in which one call that writes fails, run under `failing_calls.c`; and what must hold afterwards.

    python failing_writer.py FOLDER/sources

prepares what the scenarios find in FOLDER. Then reads one JSON object a line, `{"scenario": …}`, and answers with
the calls that scenario makes; or with `"faults": [[number, error, how], …]` in it, with what is wrong after each.
All trials are forks of this process, which imported everything once and never opens a store itself.
"""

import ctypes
import errno
import gc
import json
import os
import shutil
import signal
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kill_victim
from cut_contents import PROJECT, tree_of
from power.kill_points import _AFTER, _FACT_BY_FACT
from power.observing import State, numbers_in, observe
from power.store_checks import damages, folder_content

import localart
from localart.errors import LocalartError
from localart.files.unfinished import is_unfinished
from localart.repository import open_repository
from localart.repository.opening import close_all

shim = ctypes.CDLL(None)
READS, WRITES = range(2)
COUNT, ONCE, FOR_GOOD, FOR_GOOD_ITS_KIND, KILL = range(5)
HOW_LONG = {"once": ONCE, "for good": FOR_GOOD, "for good, such calls": FOR_GOOD_ITS_KIND}
MOST_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Fault:
    """The call that fails, counted from 1 over all threads; with which error; `how` is a key of HOW_LONG."""

    number: int
    error: str
    how: str


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A scenario that went well: what its store said before and after each step, and how many calls wrote."""

    name: str
    states: list[State]
    numbers: list[Any]
    calls: list[str]


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended: the steps that returned, what was raised, the call that failed."""

    returned: int
    raised: list[tuple[str, str]]
    kind: str
    place: str
    signal: int
    is_done: bool


# --- scenarios that only exist here --------------------------------------------------------------------------


def _store() -> Path:
    return Path(os.environ["LOCALART_DIR"])


def download() -> Iterator[None]:
    """Small, many and cut files come to a folder that is new, and over an earlier version."""
    root = _store().with_name("target")
    for artifact, number in DOWNLOADED:
        version = localart.Api().artifact(f"{PROJECT}/{artifact}:v{number}")
        version.download(root / artifact, path_prefix=PREFIXES[artifact])
        yield


DOWNLOADED = (("small", 0), ("many", 0), ("chunked", 0), ("many", 1), ("chunked", 1))
PREFIXES = {"small": "", "many": "part-0/", "chunked": ""}


SCENARIOS: dict[str, Callable[[], Iterator[None]]] = {**kill_victim.SCENARIOS, "download": download}


# --- the bench -----------------------------------------------------------------------------------------------


class Bench:
    """A folder with a prepared store, in which scenarios are rehearsed and disturbed."""

    def __init__(self, folder: Path) -> None:
        self._new = folder / "new"
        self._prepared = folder / "prepared"
        self._environment = {"LOCALART_CACHE_DIR": str(self._new / "cache")}

    def prepare(self) -> None:
        """Make the store that scenarios begin with."""
        self._must(self._play("prepare", self._prepared))

    def rehearse(self, name: str) -> Rehearsed:
        """Run a scenario unharmed, whole and step by step."""
        self._make_before(name)
        with (self._prepared.parent / "calls").open("w+") as calls:
            shim.tell(calls.fileno())
            whole = self._must(self._play(name, self._fresh(name)))
            shim.tell(-1)
            calls.seek(0)
            made = [line.rstrip("\n").replace(str(self._home), "") for line in calls]
        store = self._home / "store"
        ended, numbers = self._ask(lambda: (observe(store), numbers_in(store)))
        states = [self._ask(lambda: observe(self._fresh(name)))]
        for step in range(1, whole.returned + 1):
            self._must(self._play(name, self._fresh(name), steps=step))
            states.append(self._ask(lambda: observe(store)))
        return Rehearsed(name, [*states, ended], numbers, made)

    def disturb(self, rehearsed: Rehearsed, fault: Fault) -> tuple[str, list[str]] | None:
        """The call that failed, and what is wrong; None when it was not made, for threads take turns that differ."""
        for _ in range(3):
            store = self._fresh(rehearsed.name)
            tries = _tries(rehearsed.name, fault)
            ending = self._play(rehearsed.name, store, fault=fault, tries=tries)
            if ending.kind:
                return ending.kind, list(self._wrong(rehearsed, fault, ending, store))
        return None

    def _wrong(self, rehearsed: Rehearsed, fault: Fault, ending: Ending, store: Path) -> Iterator[str]:
        said = list(_wrong_ending(rehearsed.name, fault, ending))
        found = self._ask(lambda: list(_wrong_store(rehearsed, fault, ending, store)))
        where = f"{ending.kind} of {ending.place.removeprefix(str(self._home))}"
        for line in (*said, *found):
            yield f"{rehearsed.name}: {fault.error} {fault.how} at call {fault.number}, {where}: {line}"

    @property
    def _home(self) -> Path:
        return self._new / "home"

    def _fresh(self, name: str) -> Path:
        """The store a scenario begins with; both folders above it are made with it."""
        shutil.rmtree(self._new, ignore_errors=True)
        store = self._home / "store"
        if name != "first":
            _copy(self._before(name), store)
        return store

    def _before(self, name: str) -> Path:
        return self._prepared.with_name(f"after-{_AFTER[name]}") if name in _AFTER else self._prepared

    def _make_before(self, name: str) -> None:
        """The store after another scenario, for those that begin where that one ends."""
        store = self._before(name)
        if not store.exists():
            _copy(self._prepared, store)
            self._play(_AFTER[name], store)

    # --- children ---

    def _play(
        self, name: str, store: Path, *, steps: int = 0, tries: int = 1, fault: Fault | None = None
    ) -> Ending:
        """Run a scenario in a child; its calls that write are counted, and one fails where a fault is given."""
        os.environ["LOCALART_DIR"] = str(store)
        os.environ |= self._environment

        def child(say: Callable[[object], None]) -> None:
            error = getattr(errno, fault.error) if fault else 0
            shim.arm(
                WRITES,
                ctypes.c_long(fault.number if fault else 0),
                error,
                HOW_LONG[fault.how] if fault else COUNT,
            )
            is_done = any(_played(name, say, steps) for _ in range(tries))
            shim.disarm()
            kind, place = _text(shim.kind_that_failed), _text(shim.place_that_failed)
            say({"done": is_done, "kind": kind, "place": place})

        said, status = _in_child(child)
        last = said.pop() if said and "done" in said[-1] else {"done": False, "kind": "", "place": ""}
        return Ending(
            returned=max((line["returned"] for line in said if "returned" in line), default=0),
            raised=[line["raised"] for line in said if "raised" in line],
            kind=last["kind"],
            place=last["place"],
            signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
            is_done=last["done"],
        )

    @staticmethod
    def _ask(question: Callable[[], Any]) -> Any:
        """Its answer, given by a child."""
        said, _ = _in_child(lambda say: say(question()))
        assert said, "a check ended without an answer"
        return said[0]

    @staticmethod
    def _must(ending: Ending) -> Ending:
        assert ending.is_done, ending
        return ending


def _in_child(work: Callable[[Callable[[object], None]], None]) -> tuple[list[Any], int]:
    """What a child said, and its wait status. It has MOST_SECONDS."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(MOST_SECONDS)
        gc.disable()
        try:
            work(lambda what: _say(writing, what))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as lines:
        said = [json.loads(line, object_hook=_bytes) for line in lines]
    return said, os.waitpid(child, 0)[1]


def _say(fd: int, what: object) -> None:
    text = json.dumps(what, default=lambda value: {"bytes": value.hex()}).encode() + b"\n"
    while text:
        text = text[os.write(fd, text) :]


def _bytes(found: dict[str, Any]) -> Any:
    return bytes.fromhex(found["bytes"]) if found.keys() == {"bytes"} else found


def _text(function: Any) -> str:
    function.restype = ctypes.c_char_p
    return os.fsdecode(function())


def _played(name: str, say: Callable[[object], None], steps: int) -> bool:
    """Whether the scenario came to its end, or to that of so many steps."""
    try:
        for done, _ in enumerate(SCENARIOS[name](), start=1):
            say({"returned": done})
            if done == steps:
                return True
        localart.finish()  # raises what is wrong; at the end of a process it would only be said
        close_all()
    except Exception as error:
        kinds = ",".join(kind.__name__ for kind in type(error).__mro__)
        say({"raised": (kinds, str(error))})
        return False
    return True


def _copy(source: Path, target: Path) -> None:
    """As shutil.copytree does, with fewer calls."""
    target.mkdir(parents=True, mode=0o700)
    for entry in os.scandir(source):
        if entry.is_dir():
            _copy(Path(entry.path), target / entry.name)
        else:
            (target / entry.name).write_bytes(Path(entry.path).read_bytes())
            os.chmod(target / entry.name, entry.stat().st_mode & 0o777)


# --- what must hold ------------------------------------------------------------------------------------------

_CAUSES = {
    "ENOSPC": ("StoreFull", "TargetFull"),
    "EDQUOT": ("StoreFull", "TargetFull"),
    "EROFS": ("StoreReadOnly", "TargetUnwritable"),
    "EIO": ("StoreError", "TargetError"),
}
_ALL_THAT_SQLITE_KNOWS = (
    "The disk under the catalog failed",
    "The catalog cannot be written",
    "The catalog's files cannot be opened",
)
_ACCUSATIONS = ("StoreDamaged", "StoreNotFound", "NotAStore", "StoreBusy", "StoreTooNew", "InvalidName")


def _tries(scenario: str, fault: Fault) -> int:
    """How often the same program tries; `recover` is about a run that no living process has."""
    return 3 if fault.how == "once" and scenario != "recover" else 1


def _wrong_ending(scenario: str, fault: Fault, ending: Ending) -> Iterator[str]:
    if ending.signal:
        yield f"ended with signal {ending.signal}"
    elif not ending.is_done and not ending.raised:
        yield "ended without a word"
    elif not ending.is_done and _tries(scenario, fault) > 1:
        yield f"never succeeded again: {ending.raised}"
    if ending.kind in {"fsync", "fdatasync"} and "/packs" in ending.place and not ending.raised:
        yield "acknowledged what may not be on the disk"
    for kinds, text in ending.raised:
        if not _names(fault.error, kinds.split(","), text, ending.place):
            yield f"says {kinds.split(',')[0]} {text}"


def _names(error: str, kinds: list[str], text: str, place: str) -> bool:
    """Whether what was raised tells the cause and what to do, and blames nothing else."""
    if kinds[0] == "OSError" and "/tmp/new-" in place:  # the user's own write to a file of a draft
        return os.strerror(getattr(errno, error)) in text
    if "LocalartError" not in kinds or not text.endswith(")"):  # no hint
        return False
    if any(words in text for words in _ALL_THAT_SQLITE_KNOWS):
        return True
    return any(kind in kinds for kind in _CAUSES[error]) and not any(kind in kinds for kind in _ACCUSATIONS)


def _wrong_store(rehearsed: Rehearsed, fault: Fault, ending: Ending, store: Path) -> Iterator[str]:
    """What the fault did to the store, as a new process sees it; and whether the same again succeeds."""
    last = rehearsed.states[-1]
    try:
        yield from BESIDE.get(rehearsed.name, _nothing)(store, fault, ending)
        yield from _wrong_state(rehearsed, ending, store)
        if rehearsed.name != "repair" and not ending.is_done:  # after success the look below will do
            yield from _damages(store)
        began = time.monotonic()
        for words in _again(rehearsed.name):
            yield f"the same again: {words}"
        if time.monotonic() - began > 5:
            yield f"the same again took {time.monotonic() - began:.1f} s"
        if _seen(store) != last:
            yield f"the same again: {_difference(_seen(store), last)}"
        elif not _values(rehearsed.numbers) <= _values(_numbers(store)):
            yield f"the same again: logged numbers are {_numbers(store)}"
        yield from BESIDE.get(rehearsed.name, _nothing)(store, None, None)
        yield from _damages(store)
    except LocalartError as found:
        yield f"the store cannot be read: {type(found).__name__}: {found}"


def _wrong_state(rehearsed: Rehearsed, ending: Ending, store: Path) -> Iterator[str]:
    state, last = _seen(store), rehearsed.states[-1]
    if ending.is_done:
        numbers, expected = _numbers(store), rehearsed.numbers
        is_more = not ending.raised and len(numbers) > len(expected)  # a program that tries again logs again
        if state != last:
            yield f"said all was well: {_difference(state, last)}"
        elif is_more or not _values(expected) <= _values(numbers):
            yield f"said all was well: logged numbers are {numbers}"
    elif rehearsed.name in _FACT_BY_FACT:
        half = {*map(repr, state)} - {repr(row) for known in rehearsed.states for row in known}
        if half:
            yield f"neither old nor new: {half}"
    elif state not in (allowed := rehearsed.states[ending.returned : ending.returned + 2]):
        yield f"after {ending.returned} steps: {_difference(state, allowed[0])}"


def _again(name: str) -> Iterator[str]:
    """What goes wrong when the scenario is played in this process, with nothing failing."""
    heard: list[Any] = []
    if not _played(name, heard.append, 0):
        yield str(heard[-1])


def _seen(store: Path) -> Any:
    """As it came from the child that rehearsed it: through JSON."""
    return _through_json(observe(store))


def _numbers(store: Path) -> Any:
    return _through_json(numbers_in(store))


def _values(numbers: Any) -> set[str]:
    """Without their steps: those follow from how often a program tried."""
    return {repr((name, value, body)) for name, _, value, body in numbers}


def _through_json(what: object) -> Any:
    text = json.dumps(what, default=lambda value: {"bytes": value.hex()})
    return json.loads(text, object_hook=_bytes)


def _difference(state: Any, expected: Any) -> str:
    found, wanted = {*map(repr, state)}, {*map(repr, expected)}
    return f"the store says {sorted(found - wanted)}, not {sorted(wanted - found)}"


def _damages(store: Path) -> Iterator[str]:
    if (store / "LOCALART").exists():
        repository = open_repository(store, create=False)
        try:
            yield from damages(repository)
        finally:
            repository.close()


# --- what must hold beside the store -------------------------------------------------------------------------

Beside = Callable[[Path, Fault | None, Ending | None], Iterator[str]]


def _nothing(store: Path, fault: Fault | None, ending: Ending | None) -> Iterator[str]:
    yield from ()


def _wrong_download(store: Path, fault: Fault | None, ending: Ending | None) -> Iterator[str]:
    """Each file is whole, of one version or the other; nothing unfinished is left where it could be removed."""
    target = store.with_name("target")
    trees: dict[str, list[dict[str, bytes]]] = {}
    for artifact, number in DOWNLOADED:
        tree = tree_of(artifact, "victim", number)
        wanted = {path: content for path, content in tree.items() if path.startswith(PREFIXES[artifact])}
        trees.setdefault(artifact, []).append(wanted)
    is_done = ending is None or ending.is_done
    for artifact, versions in trees.items():
        found = folder_content(target / artifact) if (target / artifact).exists() else {}
        for path, content in found.items():
            if any(map(is_unfinished, Path(path).parts)):
                if fault is None or fault.how == "once":
                    yield f"left {artifact}/{path} behind"
            elif content not in [tree.get(path) for tree in versions]:
                yield f"{artifact}/{path} is neither old nor new"
        if is_done and not versions[-1].items() <= found.items():
            yield f"{artifact} was said to be there: {sorted(versions[-1].keys() - found.keys())} missing"


def _wrong_backup(store: Path, fault: Fault | None, ending: Ending | None) -> Iterator[str]:
    copy = store.with_name("store-copy")
    if (copy / "LOCALART").exists():
        yield from (f"in the copy: {line}" for line in _damages(copy))
    elif fault is None:
        yield "there is no copy"


def _wrong_format(store: Path, fault: Fault | None, ending: Ending | None) -> Iterator[str]:
    """The catalog has the old format or the new one, whole, and there is a copy of the old one before it changes."""
    found, has_colours = _format_of(store / "localart.db")  # half of a change is rolled back here
    before = store / "localart.db.before-1"
    if found not in {1, 2} or has_colours != (found == 2):
        yield f"half of a migration: format {found}, with its table: {has_colours}"
    if before.exists() and _format_of(before) != (1, False):
        yield "the copy is not of the old format"
    if found == 2 and not before.exists():
        yield "there is no way back"
    if fault is None and found != 2:
        yield "the same again did not upgrade"


def _format_of(path: Path) -> tuple[int, bool]:
    connection = sqlite3.connect(path)
    try:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master").fetchall()}
        return connection.execute("PRAGMA user_version").fetchone()[0], "colours" in tables
    finally:
        connection.close()


BESIDE: dict[str, Beside] = {
    "download": _wrong_download,
    "backup": _wrong_backup,
    "migrate": _wrong_format,
}


# --- the server ----------------------------------------------------------------------------------------------


def serve(bench: Bench) -> None:
    """Until standard input closes."""
    rehearsed: dict[str, Rehearsed] = {}
    for line in sys.stdin:
        asked = json.loads(line)
        name = asked["scenario"]
        if name not in rehearsed:
            rehearsed[name] = bench.rehearse(name)
        answer: dict[str, Any] = {"calls": rehearsed[name].calls, "broken": [], "missed": 0, "hit": []}
        for fault in asked.get("faults", ()):
            found = bench.disturb(rehearsed[name], Fault(*fault))
            if found is None:
                answer["missed"] += 1
            else:
                answer["hit"].append(found[0])
                answer["broken"].extend(found[1])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    sys.modules["pandas"] = None  # type: ignore[assignment]  # sqlite_utils would load it, and each fork would carry it
    kill_victim.warm_up()
    bench = Bench(Path(sys.argv[1]).parent)
    gc.freeze()
    bench.prepare()
    with suppress(BrokenPipeError):
        serve(bench)
