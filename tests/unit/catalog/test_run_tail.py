"""The tail of a running run: its bytes, and what is read from a torn or damaged one."""

import json
import math
import os
import struct
import zlib
from pathlib import Path

import pytest

from localart.catalog.metrics import Point
from localart.catalog.tail import Tail, iter_tails, read_tail

UID = "01890000-0000-7000-8000-000000000001"
POINTS = [
    Point(0, 1.5, {"loss": 0.25, "n": 3}),
    Point(0, 2.5, {"text": "Ü \n", "flag": True, "none": None, "list": [1, {"a": 2}]}),
    Point(7, 3.5, {"big": 1 << 80, "high": math.inf}),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A tail that holds POINTS."""
    tail = Tail(tmp_path, UID)
    for point in POINTS:
        tail.append(*point)
    (path,) = tail.cut()
    return path


def test_what_was_appended_is_read_in_order(path: Path) -> None:
    assert list(read_tail(path)) == POINTS


def test_nan_is_read_as_nan(tmp_path: Path) -> None:
    tail = Tail(tmp_path, UID)
    tail.append(0, 0.0, {"x": math.nan})

    ((_, _, values),) = read_tail(*tail.cut())

    assert math.isnan(values["x"])


def test_the_bytes_are_as_the_format_says(path: Path) -> None:
    content = path.read_bytes()
    seed = content[8:12]
    body = struct.pack("<qd", 0, 1.5) + b'{"loss":0.25,"n":3}'

    assert path == path.parents[2] / "tmp" / f"run-{UID}" / "1.tail"
    assert content[:8] == b"LATAIL01"
    assert content[12:16] == struct.pack("<I", zlib.crc32(content[:12]))
    checksum = zlib.crc32(body, int.from_bytes(seed, "little"))
    assert content[16 : 24 + len(body)] == struct.pack("<II", 19, checksum) + body


def test_a_tail_that_is_cut_anywhere_holds_the_records_before_the_cut(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    seen = set()
    for end in range(len(content)):
        torn = tmp_path / "torn"
        torn.write_bytes(content[:end])
        read = list(read_tail(torn))
        assert read == POINTS[: len(read)]
        seen.add(len(read))

    assert seen == {0, 1, 2}


def test_no_flipped_bit_is_read_as_something_else(path: Path, tmp_path: Path) -> None:
    content = path.read_bytes()
    for at in range(len(content)):
        flipped = tmp_path / "flipped"
        flipped.write_bytes(content[:at] + bytes([content[at] ^ 0x10]) + content[at + 1 :])
        read = list(read_tail(flipped))
        assert read == POINTS[: len(read)]
        assert len(read) < len(POINTS)


def test_records_of_an_older_file_on_the_same_blocks_are_not_read(tmp_path: Path) -> None:
    """Seen to fail when every tail has the same seed."""
    first, second = Tail(tmp_path, UID), Tail(tmp_path, UID.replace("1", "2"))
    for tail in (first, second):
        for step in range(3):
            tail.append(step, 0.0, {"x": step})
    (old,), (new,) = first.cut(), second.cut()
    one = (len(old.read_bytes()) - 16) // 3

    new.write_bytes(new.read_bytes()[: 16 + one] + old.read_bytes()[16 + one :])

    assert [point.step for point in read_tail(new)] == [0]


def test_each_cut_begins_another_file_and_numbers_go_on(tmp_path: Path) -> None:
    tail = Tail(tmp_path, UID)
    assert tail.cut() == []
    tail.append(0, 0.0, {"x": 0})
    first = tail.cut()
    tail.append(1, 0.0, {"x": 1})
    again = Tail(tmp_path, UID)
    again.append(2, 0.0, {"x": 2})

    found = list(iter_tails(tmp_path, UID))

    assert [path.name for path in found] == ["1.tail", "2.tail", "3.tail"]
    assert found[:1] == first
    assert list(iter_tails(tmp_path, UID.replace("1", "2"))) == []


def test_what_a_full_disk_cut_off_is_taken_back_and_the_next_record_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tail = Tail(tmp_path, UID)
    tail.append(0, 0.0, {"x": 0})
    write = os.write

    def half(fd: int, content: bytes) -> int:
        if len(content) > 100:
            return write(fd, content[:50])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(OSError, match="No space"):
        tail.append(1, 0.0, {"text": "y" * 1000})
    monkeypatch.setattr(os, "write", write)
    tail.append(2, 0.0, {"x": 2})

    assert [point.step for path in tail.cut() for point in read_tail(path)] == [0, 2]


@pytest.mark.parametrize("content", [b"", b"LATAIL01", b"something else, and long enough to be read"])
def test_a_file_that_is_no_tail_holds_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)

    assert list(read_tail(tmp_path / "x")) == []


def test_json_that_python_alone_writes_is_read_back(path: Path) -> None:
    assert json.loads("Infinity") == list(read_tail(path))[2].values["high"]
