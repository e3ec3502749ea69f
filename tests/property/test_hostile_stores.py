"""Whatever is logged under whatever names: refused with nothing changed, or exactly back from a store opened anew.

One example is a run, an artifact with metadata and files that came in by every way, the log, and downloads into a
folder where links, pipes and other files lie in wait, one of them put there while the download runs. Everything is as
hostile as `hostile_text` can make it, and the folder beside the target must never change.

`LOCALART_TEST_EXAMPLES` says how many a sweep plays (10,000); `LOCALART_TEST_SLICE=3/40` plays the third of 40 parts;
`LOCALART_TEST_SEED` gives others than last time.
"""

import json
import math
import os
import shutil
import sys
import unicodedata
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

import pytest
from hostile_text import mappings, paths, texts, twins, values
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import localart
from localart import Artifact
from localart.errors import LocalartError
from localart.files.unfinished import is_unfinished
from localart.names import check_entry_path
from localart.operations.verify import verify_store
from localart.repository.opening import close_all

EXAMPLES = int(os.environ.get("LOCALART_TEST_EXAMPLES", "10000"))
SEED = int(os.environ.get("LOCALART_TEST_SEED", "0"))
SLICE = os.environ.get("LOCALART_TEST_SLICE", "1/1")
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")
PART = 250  # examples that share a store

REFUSALS = (LocalartError, ValueError, TypeError)
PRECIOUS = b"precious"
WAYS = ["file", "new_file", "reference", "remote", "tree", "tree_named"]
TRAPS = ["link", "dangling", "wrong", "hard", "folder", "pipe", "above_link", "above_file", "above_dangling"]
CLEAN_TRAPS = {"link", "dangling", "wrong", "hard", "pipe"}  # what a download replaces; it refuses the others
FIELDS = {
    "project": texts, "run": texts, "name": texts, "type": texts, "alias": texts, "tag": texts,
    "description": texts, "metadata": mappings, "config": values,
}  # fmt: skip


@st.composite
def cases(draw):
    """Up to two hostile fields in an otherwise ordinary example, for one refusal would hide the rest."""
    fields = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=2, unique=True))
    files = draw(st.lists(st.tuples(st.sampled_from(WAYS), paths, st.binary(max_size=20)), max_size=3))
    if files and draw(st.booleans()):
        way, path, content = files[0]
        files.append((way, draw(st.sampled_from(twins(path[:2000]))), content + b"'s twin"))
    return {
        "fields": {field: draw(FIELDS[field]) for field in fields},
        "files": files,
        "traps": draw(st.lists(st.tuples(st.sampled_from(TRAPS), st.integers(0, 3)), max_size=2)),
        "race": draw(st.none() | st.integers(0, 20)),
    }


# --- one example ---------------------------------------------------------------------------------------------


class Game:
    """A store, and a place beside it where each example has folders of its own."""

    def __init__(self, home: Path, place: Path) -> None:
        self.home = home
        self.outside = place / "outside"
        self.source = place / "source"
        self.target = place / "target"
        self.numbers = count()
        self.played = {
            "refused": 0,
            "exact": 0,
            "files": 0,
            "refused files": 0,
            "unsafe targets": 0,
            "races": 0,
        }
        self.outside.mkdir()
        (self.outside / "precious").write_bytes(PRECIOUS)
        self.around = self.surroundings()

    def play(self, case) -> None:
        for folder in (self.source, self.target):
            folder.mkdir()
        try:
            self.log_and_look(case)
            assert self.surroundings() == self.around
        finally:
            shutil.rmtree(self.source)
            shutil.rmtree(self.target)

    def log_and_look(self, case) -> None:
        number = next(self.numbers)
        told = {
            "project": "p", "run": f"run{number}", "name": f"n{number}", "type": "t", "alias": "al", "tag": "tag",
            "description": "", "metadata": {}, "config": 0, **case["fields"],
        }  # fmt: skip
        before = self.counts()
        try:
            run = localart.init(
                project=told["project"], id=told["run"], config={"c": told["config"]}, reinit="create_new"
            )
        except REFUSALS as refusal:
            self.refused(refusal)
            assert self.counts() == before
            return
        with run:
            artifact, expected = self.draft(told, case["files"], number)
            logged = artifact is not None and self.logged(run, artifact, told)
        close_all()
        self.check_run(told, run)
        if not logged:
            assert self.counts() == (before[0] + 1, before[1])
            return
        self.check_version(told, artifact, expected)
        self.check_downloads(artifact, expected, case)
        self.played["exact"] += 1

    def refused(self, refusal: BaseException) -> None:
        """In one line that can be printed."""
        self.played["refused"] += 1
        check_safe(refusal)

    def counts(self) -> tuple[int, int]:
        """Runs and versions, as a store opened anew has them."""
        close_all()
        connection = localart.Api().repository.read()
        return tuple(
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("runs", "versions")
        )

    def surroundings(self) -> dict[str, object]:
        """Everything beside the store and the target: names, and what is in the files."""
        found: dict[str, object] = {}
        for top in (self.home, self.outside, self.outside.parent):
            for folder, folders, names in os.walk(top):
                if Path(folder) == self.home:
                    folders[:] = [name for name in folders if name not in {"store", "cache"}]
                if Path(folder) == self.outside.parent:
                    folders[:] = [name for name in folders if name not in {"source", "target"}]
                found |= {os.path.join(folder, name): None for name in folders}
                found |= {os.path.join(folder, name): Path(folder, name).read_bytes() for name in names}
        found["/"] = tuple(sorted(os.listdir("/")))
        found["store"] = tuple(
            sorted(set(os.listdir(self.home / "store")) - {"localart.db-wal", "localart.db-shm"})
        )
        return found

    # --- logging ---

    def draft(self, told, files, number):
        """The artifact with what was taken of `files`, and what must be in it; None when it is refused."""
        try:
            artifact = Artifact(told["name"], told["type"], told["description"], told["metadata"])
        except REFUSALS as refusal:
            self.refused(refusal)
            return None, {}
        expected = {}
        own = [("new_file", "the one", str(number).encode()), ("file", "its folder/other", b"")]
        for at, (way, path, content) in enumerate([*own, *files]):
            held = listing(artifact)
            folder = self.source / str(at)
            folder.mkdir()
            try:
                expected |= TAKE[way](artifact, folder, path, content)
                self.played["files"] += 1
            except REFUSALS as refusal:
                self.played["refused files"] += 1
                check_safe(refusal)
                assert listing(artifact) == held
        assert sorted(entry.path for entry in artifact.manifest) == sorted(expected)
        return artifact, expected

    def logged(self, run, artifact, told) -> bool:
        try:
            run.log_artifact(artifact, aliases=[told["alias"]], tags=[told["tag"]])
        except REFUSALS as refusal:
            self.refused(refusal)
            assert artifact.is_draft()
            return False
        return True

    # --- looking ---

    def check_run(self, told, run) -> None:
        found = localart.Api().run(f"{run.project}/{run.id}")
        assert (found.project, found.id, found.state) == (run.project, run.id, "finished")
        if told["run"]:
            assert found.id == told["run"]
        if told["project"]:
            assert found.project == told["project"]
        assert same(found.config, {"c": as_json(told["config"], is_metadata=False)})

    def check_version(self, told, artifact, expected) -> None:
        api = localart.Api()
        for selector in (artifact.version, told["alias"]):
            found = api.artifact(f"{artifact.project}/{told['name']}:{selector}")
            assert (found.version, found.type, found.description) == (
                artifact.version, told["type"], told["description"],
            )  # fmt: skip
            assert same(found.metadata, as_json(told["metadata"], is_metadata=True))
            assert told["alias"] in found.aliases
            assert found.tags == [told["tag"]]
            assert sorted(entry.path for entry in found.manifest) == sorted(expected)
        for path, content in expected.items():
            assert is_plain(path)
            if content is not None and found.get_entry(path).ref is None:
                with found.open(path) as file:
                    assert file.read() == content

    def check_downloads(self, artifact, expected, case) -> None:
        found = localart.Api().artifact(f"{artifact.project}/{artifact.source_name}")
        there = {path: content for path, content in expected.items() if content is not None}
        root = self.target / "root"
        root.mkdir()
        laid = [
            kind for kind, at in case["traps"] if self.lay(root, sorted(expected)[at % len(expected)], kind)
        ]
        may_fail = not CLEAN_TRAPS.issuperset(laid) or case["race"] is not None
        try:
            with racing(root, self.outside, case["race"]) as has_swapped:
                found.download(root, allow_missing_references=True)
            if not has_swapped:
                assert {path: (root / path).read_bytes() for path in there} == there
                assert not any((root / path).is_symlink() for path in there)
        except REFUSALS as refusal:
            assert may_fail, laid
            check_safe(refusal)
            self.played["unsafe targets"] += 1
        self.played["races"] += bool(has_swapped)
        assert not any(is_unfinished(name) for _, _, names in os.walk(self.target) for name in names)
        shutil.rmtree(root)
        assert Path(found.download(root, allow_missing_references=True)) == root
        assert files_below(root) == there

    def lay(self, root: Path, path: str, kind: str) -> bool:
        """Put something in the way of `path`; whether there was room for it."""
        above, _, _ = path.partition("/")
        if kind.startswith("above_") and above == path:
            return False
        place = root / (above if kind.startswith("above_") else path)
        if os.path.lexists(place) or not place.parent.resolve().is_relative_to(root.resolve()):
            return False  # another trap is there, or a link above it that leads out
        with suppress(OSError):  # a file is above it
            place.parent.mkdir(parents=True, exist_ok=True)
            PUT[kind](place, self.outside)
            return True
        return False


PUT = {
    "link": lambda place, outside: place.symlink_to(outside / "precious"),
    "dangling": lambda place, outside: place.symlink_to(outside / "new"),
    "wrong": lambda place, outside: place.write_bytes(b"something else"),
    "hard": lambda place, outside: place.hardlink_to(outside / "precious"),
    "folder": lambda place, outside: place.mkdir(),
    "pipe": lambda place, outside: os.mkfifo(place),
    "above_link": lambda place, outside: place.symlink_to(outside),
    "above_file": lambda place, outside: place.write_bytes(b"in the way"),
    "above_dangling": lambda place, outside: place.symlink_to(outside / "new"),
}


# --- the ways in ---------------------------------------------------------------------------------------------


def take_file(artifact, folder, path, content):
    (folder / "source").write_bytes(content)
    artifact.add_file(folder / "source", name=path)
    return {check_entry_path(path or "source"): content}


def take_new_file(artifact, folder, path, content):
    with artifact.new_file(path, "xb") as file:
        file.write(content)
    return {check_entry_path(path): content}


def take_reference(artifact, folder, path, content):
    (folder / "source").write_bytes(content)
    (entry,) = artifact.add_reference(f"file://{folder}/source", name=path)
    assert entry.path == check_entry_path(path or "source")
    return {entry.path: content}


def take_remote(artifact, folder, path, content):
    (entry,) = artifact.add_reference("s3://bucket/key", name=path)
    assert entry.path == check_entry_path(path or "key")
    return {entry.path: None}


def take_tree(artifact, folder, path, content):
    """A folder with a real file of that name, if there can be one."""
    parts = [part for part in path.split("/") if part not in {"", ".", ".."}]
    try:
        place = os.path.join(os.fsencode(folder), *(os.fsencode(part) for part in parts))
        os.makedirs(os.path.dirname(place), exist_ok=True)
        with open(place, "wb") as file:
            file.write(content)
    except (OSError, ValueError):
        return {}
    (folder / f"{folder.name} beside").write_bytes(b"")  # when the other one is refused, so is this one
    artifact.add_dir(folder)
    return {"/".join(os.fsdecode(part) for part in parts): content, f"{folder.name} beside": b""}


def take_tree_named(artifact, folder, path, content):
    (folder / "in.txt").write_bytes(content)
    artifact.add_dir(folder, name=path)
    return {check_entry_path(f"{path}/in.txt" if path else "in.txt"): content}


TAKE = {
    "file": take_file,
    "new_file": take_new_file,
    "reference": take_reference,
    "remote": take_remote,
    "tree": take_tree,
    "tree_named": take_tree_named,
}


def listing(artifact):
    return [(entry.path, entry.digest, entry.size) for entry in artifact.manifest]


def check_safe(refusal: BaseException) -> None:
    """It is one short line in which nothing moves the cursor or hides."""
    said = str(refusal)
    assert len(said) < 2000
    assert not any(unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"} for char in said), ascii(said)


def is_plain(path: str) -> bool:
    return not path.startswith("/") and not {"", ".", ".."} & set(path.split("/")) and "\\" not in path


def files_below(root: Path) -> dict[str, bytes]:
    return {
        os.path.relpath(os.path.join(folder, name), root): Path(folder, name).read_bytes()
        for folder, _, names in os.walk(root)
        for name in names
    }


# --- races ---------------------------------------------------------------------------------------------------

_WATCHED = {"open", "os.rename", "os.mkdir", "os.remove", "os.scandir"}
_listening: list = []  # what is told of such a call; an audit hook itself stays for ever


def _audit(event, _arguments):
    if _listening and event in _WATCHED:
        _listening[-1]()


@contextmanager
def racing(root: Path, outside: Path, at: int | None):
    """Just before the body's `at`-th call that opens, makes or names something, links take the place of what is there.

    A list with one member when it came to that.
    """
    calls, swapped = count(), []

    def swap() -> None:
        if next(calls) < at or not os.listdir(root):
            return
        _listening.clear()
        for name in os.listdir(root):
            if os.path.isdir(root / name) and not os.path.islink(root / name):
                os.rename(root / name, root.parent / f"aside{len(swapped)}")
                os.symlink(outside, root / name)
                swapped.append(name)
            elif not is_unfinished(name):
                os.unlink(root / name)
                os.symlink(outside / "precious", root / name)
                swapped.append(name)

    if not _audited:
        sys.addaudithook(_audit)
        _audited.append(True)
    if at is not None:
        _listening.append(swap)
    try:
        yield swapped
    finally:
        _listening.clear()


_audited: list[bool] = []


# --- what JSON makes of it -----------------------------------------------------------------------------------


def as_json(value, *, is_metadata: bool):
    """What must come back for `value`, said in other words than the library's."""
    if value == {"_type": "float", "value": "nan"} and not is_metadata:
        return math.nan  # this shape is how NaN is written, and so it is read
    if isinstance(value, dict):
        return {
            key if isinstance(key, str) else json.dumps(key): as_json(item, is_metadata=is_metadata)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [as_json(item, is_metadata=is_metadata) for item in value]
    if isinstance(value, set):
        return sorted(value)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, float) and math.isnan(value) and is_metadata:
        return None
    return f"{value.__module__}.{value.__qualname__}" if isinstance(value, type) else value


def same(found, wanted) -> bool:
    """Equal, where 1, 1.0 and True are three things and NaN is NaN."""
    return json.dumps(found, sort_keys=True) == json.dumps(wanted, sort_keys=True)


# --- the tests -----------------------------------------------------------------------------------------------


def play(home: Path, place: Path, *, examples: int, number: int) -> dict[str, int]:
    localart.init(project="p").finish()
    game = Game(home, place)
    how = settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )

    @seed(number)
    @how
    @given(case=cases())
    def whatever(case):
        game.play(case)

    whatever()
    close_all()
    report = verify_store(home / "store", data=True)
    assert report.is_sound, report.findings
    return game.played


@pytest.mark.xdist_group("heavy")
def test_what_is_logged_is_refused_or_exact_and_nothing_else_is_touched(home, tmp_path):
    """Seen to fail when `Folders` follows links, when `..` may be in a path, and when a failed write leaves its file.

    The sweep also sees when a refused `add_dir` keeps what it had taken before.
    """
    played = play(home, tmp_path, examples=100, number=SEED)

    assert min(played.values()) > 0, played


@pytest.mark.sweep
@pytest.mark.timeout(7200)
def test_ten_thousand_hostile_examples(home, tmp_path):
    part, parts = map(int, SLICE.split("/"))
    total: dict[str, int] = {}
    for number in range(part - 1, max(1, EXAMPLES // PART), parts):
        (place := tmp_path / str(number)).mkdir()
        for name, times in play(home, place, examples=PART, number=SEED * 1_000_000 + number).items():
            total[name] = total.get(name, 0) + times
        shutil.rmtree(home / "store")

    print(f"\nhostile examples, slice {SLICE}: {total}", file=sys.stderr)
