"""The disk under the store, or under a download, is full: said plainly, nothing acknowledged is lost."""

import errno
import os
import random
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

import localart
from localart import Artifact
from localart.errors import BlobMissing, LocalartError, StoreFull, TargetFull

KIB = 1024


@pytest.fixture
def disk(tmp_path_factory):
    """A file system of 4 MiB."""
    place = tmp_path_factory.mktemp("disk")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("may not mount here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def store(disk, monkeypatch):
    """A store on the small disk that holds `base:v0`."""
    monkeypatch.setenv("LOCALART_DIR", str(disk / "store"))
    with localart.init(project="p") as run:
        log(run, "base", {"x": noise(50_000, 1)})
    return disk / "store"


def noise(size, seed):
    return random.Random(seed).randbytes(size)


def draft(name, files):
    artifact = Artifact(name, "dataset")
    for path, content in files.items():
        Path(path).write_bytes(content)
        artifact.add_file(path)
    return artifact


def log(run, name, files):
    return run.log_artifact(draft(name, files))


def fill(disk, *, leaving):
    """Fill the disk up to `leaving` bytes, also while the store still writes to it."""
    system = os.statvfs(disk)
    with (disk / "ballast").open("wb", buffering=0) as file:
        try:
            file.write(bytes(max(0, system.f_bavail * system.f_frsize - leaving)))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


def free(disk):
    (disk / "ballast").unlink()


def contents(address, folder):
    """What a version holds, read by a new download."""
    root = Path(localart.Api().artifact(address).download(folder))
    return {path.name: path.read_bytes() for path in root.iterdir()}


READER = """
import sys, localart
for address in sys.argv[2:]:
    localart.Api().artifact(address).download(f"{sys.argv[1]}/{address}")
"""


def read_elsewhere(addresses, folder):
    """What versions hold, downloaded in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", READER, str(folder), *addresses], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {
        address: {path.name: path.read_bytes() for path in (folder / address).iterdir()}
        for address in addresses
    }


# --- the store's disk ------------------------------------------------------------------------------

LEVELS = [0, 20, 60, 120, 220, 600]
ALL_LEVELS = [*range(0, 200, 4), *range(200, 800, 20)]


@pytest.mark.parametrize(
    "level",
    [level if level in LEVELS else pytest.param(level, marks=pytest.mark.sweep) for level in ALL_LEVELS],
)
def test_whatever_room_is_left_nothing_acknowledged_is_lost(store, disk, tmp_path, level):
    """Seen to fail when `aliases.point` only says that it has moved an alias, and when a download skips its rename."""
    acknowledged = {"p/base:v0": {"x": noise(50_000, 1)}}
    aliases: list[str] = []
    refusals: list[LocalartError] = []

    def attempt(act):
        try:
            return act()
        except (StoreFull, TargetFull) as error:
            refusals.append(error)
            return None

    def point(alias):
        version = localart.Api().artifact("p/base:v0")
        version.aliases += [alias]
        version.save()
        aliases.append(alias)

    run = localart.init(project="p")
    fill(disk, leaving=level * KIB)
    for number in range(3):
        small = {f"s{k}": noise(20_000, level * 100 + number * 10 + k) for k in range(5)}
        large = {"large": noise(400_000, level * 100 + number)}
        attempt(lambda: run.log({"loss": 0.5}))
        for name, files in (("small", small), ("large", large)):
            logged = attempt(lambda: log(run, name, files))  # noqa: B023
            if logged is not None:
                acknowledged[f"p/{logged.source_name}"] = files
        attempt(lambda: run.config.update({f"k{number}": "v" * 3000}))  # noqa: B023
        attempt(lambda: point(f"alias{number}"))  # noqa: B023
    brought = {address: disk / "out" / str(number) for number, address in enumerate(acknowledged)}
    for address, folder in brought.items():
        arrived = attempt(lambda: localart.Api().artifact(address).download(folder))  # noqa: B023
        there = {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}
        assert there.items() <= acknowledged[address].items()
        assert there == acknowledged[address] or arrived is None
    assert refusals or level > 400
    assert all(error.hint and "space" in error.message.lower() for error in refusals)
    while_full = contents("p/base:v0", tmp_path / "while-full")
    while_full_elsewhere = read_elsewhere(["p/base:v0"], tmp_path / "elsewhere")["p/base:v0"]
    free(disk)
    again = log(run, "again", {"y": noise(400_000, 7)})
    run.finish()

    assert while_full == while_full_elsewhere == acknowledged["p/base:v0"]
    acknowledged[f"p/{again.source_name}"] = {"y": noise(400_000, 7)}
    for number, (address, files) in enumerate(acknowledged.items()):
        assert contents(address, tmp_path / f"here{number}") == files
    assert read_elsewhere(acknowledged, tmp_path / "there") == acknowledged
    assert {*aliases} <= {*localart.Api().artifact("p/base:v0").aliases}
    assert localart.Api().run(f"p/{run.id}").state == "finished"
    for address, folder in brought.items():
        assert contents(address, folder) == acknowledged[address]


def test_small_files_need_not_be_added_again(store, disk, tmp_path):
    """Seen to fail when a full disk is not told from other failures: the error is then none of a full store."""
    files = {f"{number}.{number % 3}": noise(10_000, number) for number in range(30)}
    run = localart.init(project="p")
    artifact = draft("ds", files)
    for leaving in (0, 40 * KIB, 200 * KIB):
        fill(disk, leaving=leaving)
        with pytest.raises(StoreFull):
            run.log_artifact(artifact)
        with suppress(StoreFull):
            run.config.update({"k": "v" * 5000})
        free(disk)

    run.log_artifact(artifact)

    assert contents("p/ds:v0", tmp_path / "out") == files
    assert read_elsewhere(["p/ds:v0"], tmp_path / "there") == {"p/ds:v0": files}


def test_a_large_file_is_stored_or_refused_by_name_until_it_is_added_again(store, disk, tmp_path):
    run = localart.init(project="p")
    artifact = draft("ds", {"large": noise(700_000, 2), "small": b"small"})
    fill(disk, leaving=0)
    with pytest.raises(StoreFull):
        run.log_artifact(artifact)
    free(disk)

    refusal = None
    try:
        run.log_artifact(artifact)  # its bytes may have been written just before the disk was full
    except BlobMissing as error:
        refusal = error
        artifact.add_file("large")
        run.log_artifact(artifact)

    if refusal is not None:
        assert "The content of 'large' was added, but is not in the store" in refusal.message
        assert "add it again" in refusal.hint

    assert artifact.version == "v0"
    assert contents("p/ds:v0", tmp_path / "out") == {"large": noise(700_000, 2), "small": b"small"}


def test_an_interrupted_write_is_as_good_as_none(store, tmp_path, monkeypatch):
    run = localart.init(project="p")
    artifact = draft("ds", {"small": b"small"})

    def interrupt(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwritev", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run.log_artifact(artifact)

    with pytest.raises(BlobMissing, match="'small' was added"):
        run.log_artifact(artifact)
    artifact.add_file("small")
    run.log_artifact(artifact)
    assert contents("p/ds:v0", tmp_path / "out") == {"small": b"small"}


def test_a_store_that_cannot_be_made_for_want_of_space_is_made_later(disk, monkeypatch):
    monkeypatch.setenv("LOCALART_DIR", str(disk / "new"))
    fill(disk, leaving=0)
    with pytest.raises(StoreFull, match="No space left"):
        localart.init(project="p")
    free(disk)

    with localart.init(project="p") as run:
        log(run, "ds", {"x": b"x"})

    assert localart.Api().artifact("p/ds").version == "v0"


# --- limits on the size of a file ------------------------------------------------------------------

LIMITED = """
import resource, sys
import localart
from localart import Artifact
run = localart.init(project="p")
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
artifact = Artifact("large", "dataset")
for act in (lambda: artifact.add_file(sys.argv[1]), lambda: run.log({"text": "x" * 1_000_000})):
    try:
        act()
        run.log_artifact(artifact)
    except localart.errors.StoreError as error:
        print(type(error).__name__, error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
again = Artifact("large", "dataset")
again.add_file(sys.argv[1])
print(run.log_artifact(again).source_name)
run.finish()
"""


def test_a_limit_on_file_sizes_is_said_and_passes(tmp_path):
    (tmp_path / "large").write_bytes(noise(2_000_000, 5))

    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "large")], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    content, metric, logged = done.stdout.splitlines()
    assert content.startswith("StoreFull No space is left for writing new content")
    assert metric.startswith("StoreFull No space is left for logging")
    assert logged == "large:v0"
    assert contents("p/large:v0", tmp_path / "out") == {"large": noise(2_000_000, 5)}


# --- the disk of a download ------------------------------------------------------------------------


def test_a_download_that_does_not_fit_says_where_and_goes_on_later(disk, workdir, tmp_path):
    files = {f"f{k}": noise(300_000, k) for k in range(20)}
    with localart.init(project="p") as run:
        artifact = log(run, "ds", files)

    with pytest.raises(TargetFull, match="No space left in") as caught:
        artifact.download(disk / "out")
    fitted = {path.name: path.read_bytes() for path in (disk / "out").iterdir()}

    assert str(disk / "out") in caught.value.message
    assert caught.value.hint
    assert 0 < len(fitted) < 20
    assert all(files[name] == content for name, content in fitted.items())
    assert contents("p/ds:v0", tmp_path / "out") == files


def test_refusals_are_localarts_own(store, disk):
    fill(disk, leaving=0)

    with pytest.raises(LocalartError):
        localart.init(project="p")
