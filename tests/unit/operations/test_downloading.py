"""Downloads: every byte right, only what is wrong written, and known at once the next time."""

import os
import time

import pytest

import localart
from localart.operations import download as downloading

SIZES = {"small": 100, "large": 300_000}


@pytest.fixture
def log():
    """Log files by path as the next version of `data`."""

    def log_files(files: dict[str, bytes]) -> localart.Artifact:
        with localart.init(project="p") as run:
            artifact = localart.Artifact("data", "dataset")
            for path, content in files.items():
                with artifact.new_file(path, "wb") as file:
                    file.write(content)
            return run.log_artifact(artifact)

    return log_files


def report_of(artifact: localart.Artifact, folder, **options) -> downloading.DownloadReport:
    return downloading.download(localart.Api().repository, artifact.version_record, folder, **options)


def tamper(path, at: int = 0) -> None:
    """Change one byte, and nothing else that a program can set."""
    stat = path.stat()
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_second_download_writes_nothing(log, tmp_path):
    artifact = log({"a": b"1", "d/b": b"2" * 300_000})
    first = report_of(artifact, tmp_path)

    second = report_of(artifact, tmp_path)

    assert (first.written_files, first.written_bytes, first.kept_files) == (2, 300_001, 0)
    assert (second.written_files, second.written_bytes, second.kept_files) == (0, 0, 2)


@pytest.mark.parametrize("size", [10, 300_000, 9 << 20])
def test_a_byte_changed_at_once_after_the_download_is_found_and_mended(log, tmp_path, size):
    content = os.urandom(size)
    artifact = log({"a": content, "b": b"untouched"})
    report_of(artifact, tmp_path)
    tamper(tmp_path / "a", at=size // 2)

    report = report_of(artifact, tmp_path)

    assert (report.written_files, report.kept_files) == (1, 1)
    assert (tmp_path / "a").read_bytes() == content


def test_a_byte_changed_after_a_download_that_wrote_nothing_is_found_too(log, tmp_path):
    content = os.urandom(9 << 20)
    artifact = log({"a": content})
    report_of(artifact, tmp_path)
    report_of(artifact, tmp_path)
    tamper(tmp_path / "a")

    assert report_of(artifact, tmp_path).written_files == 1
    assert (tmp_path / "a").read_bytes() == content


def test_a_large_download_is_known_at_once_the_next_time(log, tmp_path, monkeypatch):
    artifact = log({"a": os.urandom(9 << 20)})
    report_of(artifact, tmp_path)

    def refuse(*args: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(downloading.TargetFolder, "find_exact", refuse)
    assert report_of(artifact, tmp_path).kept_files == 1


def test_many_small_files_are_known_at_once_the_next_time(log, tmp_path, monkeypatch):
    artifact = log({f"{number}": b"%d" % number for number in range(1_200)})
    report_of(artifact, tmp_path)

    def refuse(*args: object) -> None:
        raise AssertionError("read again")

    monkeypatch.setattr(downloading.TargetFolder, "find_exact", refuse)
    assert report_of(artifact, tmp_path).kept_files == 1_200


def test_what_was_seen_is_put_by_in_between_so_that_memory_is_bounded(log, tmp_path, monkeypatch):
    monkeypatch.setattr(downloading, "_BATCH", 10)
    monkeypatch.setattr(downloading, "_MOST_SEEN", 30)
    artifact = log({f"{number}": b"%d" % number for number in range(100)})
    repository, held = localart.Api().repository, []
    remember = repository.cache.remember
    monkeypatch.setattr(
        repository.cache, "remember", lambda seen, **how: (held.append(len(seen)), remember(seen, **how))
    )

    downloading.download(repository, artifact.version_record, tmp_path)

    assert sum(held) == 100
    assert max(held) <= 40


def test_a_download_of_references_alone_finishes_however_large(tmp_path):
    big = tmp_path / "big.bin"
    big.write_bytes(os.urandom(9 << 20))
    with localart.init(project="p") as run:
        artifact = localart.Artifact("refs", "dataset")
        artifact.add_reference(big.as_uri())
        logged = run.log_artifact(artifact)

    report = report_of(logged, tmp_path / "out")

    assert report.written_files == 1
    assert (tmp_path / "out" / "big.bin").read_bytes() == big.read_bytes()


def test_files_below_a_prefix_are_brought_alone(log, tmp_path):
    artifact = log({"a/1": b"1", "a/2": b"2", "ab": b"3", "b": b"4"})

    report = report_of(artifact, tmp_path, path_prefix="a/")

    assert report.written_files == 2
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["1", "2"]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"only": ["*.png"]}, ["c.png", "x.png"]),
        ({"only": ["a/*.png"]}, ["x.png"]),
        ({"only": ["*.csv", "/c.png"]}, ["c.png", "t.csv"]),
        ({"only": ["*.png"], "path_prefix": "a/"}, ["x.png"]),
        ({"only": ["*.bin"]}, []),
    ],
)
def test_files_that_match_a_pattern_are_brought_alone(log, tmp_path, options, found):
    artifact = log({"a/x.png": b"1", "a/t.csv": b"2", "c.png": b"3"})

    report = report_of(artifact, tmp_path / "out", **options)

    assert report.written_files == len(found)
    assert sorted(path.name for path in (tmp_path / "out").rglob("*") if path.is_file()) == found


def test_an_artifact_takes_one_pattern_or_several(log, tmp_path):
    artifact = log({"a/x.png": b"1", "a/t.csv": b"2", "c.png": b"3"})

    artifact.download(tmp_path / "one", only="*.csv")
    artifact.download(tmp_path / "two", only=["*.csv", "/c.png"])

    assert [path.name for path in (tmp_path / "one").rglob("*.*")] == ["t.csv"]
    assert sorted(path.name for path in (tmp_path / "two").rglob("*.*")) == ["c.png", "t.csv"]


def test_batches_overlap_and_every_file_is_there(log, tmp_path, monkeypatch):
    monkeypatch.setattr(downloading, "_BATCH", 7)
    files = {f"d{number % 5}/f{number}.{number % 3}": b"%d" % number * 50 for number in range(200)}
    files |= {f"large{number}": os.urandom(300_000 + number) for number in range(4)}
    artifact = log(files)

    report = report_of(artifact, tmp_path)

    assert report.written_files == len(files)
    assert {path: (tmp_path / path).read_bytes() for path in files} == files


def test_folders_appear_while_a_long_download_goes_on(log, tmp_path, monkeypatch):
    """Fails when they wait for the end: a kill would then lose everything."""
    monkeypatch.setattr(downloading, "_BATCH", 10)
    monkeypatch.setattr(downloading, "_MOST_UNSETTLED_SECONDS", -1)
    settled = []
    settle = downloading.TargetFolder.settle
    monkeypatch.setattr(
        downloading.TargetFolder,
        "settle",
        lambda target: (settle(target), settled.append(len(os.listdir(tmp_path)))),
    )
    artifact = log(
        {
            f"d{number:02}/{name}": bytes([number]) * size
            for number in range(40)
            for name, size in SIZES.items()
        }
    )

    report = report_of(artifact, tmp_path)

    assert report.written_files == 80
    assert sorted(settled) == settled
    assert 0 < settled[3] < settled[-1] == 40


def test_equal_contents_are_read_once_and_written_everywhere(log, tmp_path):
    large = os.urandom(400_000)
    report = report_of(log({"a": b"same", "d/b": b"same", "c": large, "e/f": large, "empty": b""}), tmp_path)

    assert report.written_files == 5
    assert (tmp_path / "d" / "b").read_bytes() == b"same"
    assert (tmp_path / "e" / "f").read_bytes() == large
    assert (tmp_path / "empty").read_bytes() == b""


def test_the_wait_for_the_clock_is_short(log, tmp_path):
    artifact = log({"a": os.urandom(9 << 20)})
    report_of(artifact, tmp_path)
    began = time.monotonic()

    report_of(artifact, tmp_path)

    assert time.monotonic() - began < 0.2
