"""Whatever a file holds, a preview is a short record, made without an exception and without much memory."""

import dataclasses
import json
import pickle
import struct
import tracemalloc
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from preview_files import VALID, npy, safetensors, text, zipped

from localart.media.png import Pixels, encode_png
from localart_tui.previews.opening import open_preview
from localart_tui.previews.record import HexDump, Picture, Preview
from localart_tui.previews.source import BoundedFile, BytesInMemory, NotShown

PATHS = sorted(VALID)


class Counted(BytesInMemory):
    """Counts what is read of it."""

    bytes_read = 0

    def read(self, offset: int, length: int) -> bytes:
        content = super().read(offset, length)
        self.bytes_read += len(content)
        return content


class Huge:
    """A file of any size whose bytes are all alike; no more of it is made than is asked for."""

    def __init__(self, head: bytes, size_bytes: int, filler: bytes = b"a") -> None:
        self.size_bytes = size_bytes
        self._head, self._filler = head, filler
        self.most = 0

    def read(self, offset: int, length: int) -> bytes:
        self.most = max(self.most, length)
        length = max(min(length, self.size_bytes - offset), 0)
        return (self._head[offset : offset + length]).ljust(length, self._filler)


def check_bounded(found: Preview) -> None:
    """Every text is short, every list is, too."""
    total = 0
    for section in found.sections:
        if isinstance(section, Picture | HexDump):
            continue
        for value in dataclasses.astuple(section):
            total += size_of(value)
    assert total < 12_000_000


def size_of(value: object) -> int:
    if isinstance(value, str):
        assert len(value) <= 2100
        return len(value)
    if isinstance(value, tuple | list):
        return len(value) + sum(size_of(one) for one in value)
    return 1


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(PATHS), st.data())
def test_spoiled_and_cut_files_never_raise(path, data):
    content = bytearray(VALID[path])
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(
            st.sampled_from([0, 1, 0x7F, 0x80, 0xFF, 0x28])
        )
    cut = data.draw(st.integers(0, len(content)))
    name = data.draw(st.sampled_from([path, *PATHS]))

    check_bounded(open_preview(BytesInMemory(bytes(content[:cut])), name))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.sampled_from(PATHS), st.integers(0, 12))
def test_anything_behind_a_files_first_bytes_never_raises(content, path, kept):
    check_bounded(open_preview(BytesInMemory(VALID[path][:kept] + content), path))


@pytest.mark.sweep
@pytest.mark.parametrize("path", PATHS)
def test_a_file_cut_anywhere_never_raises(path):
    for cut in range(len(VALID[path])):
        check_bounded(open_preview(BytesInMemory(VALID[path][:cut]), path))


def deep_tuple(levels: int) -> bytes:
    return b"\x80\x02" + b")" + b"\x85" * levels + b"."


def laughs(levels: int) -> bytes:
    """A list of two lists that are the same one, and so on: 2 ** levels leaves in a few bytes."""
    return b"\x80\x02]" + b"".join(b"q%c](h%ch%ce" % (n, n, n) for n in range(levels)) + b"."


def png_header(width: int, height: int) -> bytes:
    sound = bytearray(encode_png(Pixels(width=1, height=1, channels=3, data=b"abc")))
    sound[16:24] = struct.pack(">II", width, height)
    return bytes(sound)


def png_bomb() -> bytes:
    header = struct.pack(">IIBBBBB", 7000, 7000, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(7001 * 7000), 9)
    chunks = ((b"IHDR", header), (b"IDAT", body), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        for name, content in chunks
    )


ODD = {"a": 1, "b": [], "c": {"shape": "x", "data_offsets": [5, "y"]}}
MANY = {"dtype": "F32", "shape": [1] * 50, "data_offsets": [0, 4]}
GGUF_ONE_FACT = b"GGUF" + struct.pack("<IQQ", 3, 0, 1)
JOBLIB_HUGE = (
    b"\x80\x02cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(X\x05\x00\x00\x00shapeJ\xff\xff\xff\x7f\x85"
    b"X\x05\x00\x00\x00dtypecnumpy\ndtype\nX\x02\x00\x00\x00f8\x85RubN."
)
HOSTILE: dict[str, tuple[str, bytes]] = {
    "a line of a megabyte": ("x.txt", b"a" * 1_000_000),
    "a million empty lines": ("x.txt", b"\n" * 1_000_000),
    "json, deep": ("x.json", b"[" * 1_000_000),
    "json, deep objects": ("x.json", b'{"a":' * 500_000),
    "json, many values": ("x.json", b"[" + b"[]," * 2_500_000 + b"1]"),
    "json, one long text": ("x.json", json.dumps(["x" * 4_000_000]).encode()),
    "table of nothing": ("x.table.json", b'{"columns": null, "data": [[1]]}'),
    "table, ragged": ("x.table.json", json.dumps({"columns": ["a"] * 500, "data": [[], [1] * 900]}).encode()),
    "csv, one huge cell": ("x.csv", b'"' + b"x" * 300_000),
    "csv, many columns": ("x.csv", b"," * 200_000),
    "npy, billion dimensions": ("x.npy", npy("<f4", (1,) * 20_000)[:60_000]),
    "npy, huge shape": ("x.npy", npy("<f4", (10**9,) * 30)),
    "npy, deep header": ("x.npy", npy(("(" * 30_000) + ")" * 30_000)),
    "npy, long sum": ("x.npy", npy().replace(b"(3, 4)", b"(" + b"+" * 4 + b")")),
    "npy, huge item": ("x.npy", npy("<U999999999", (4,))),
    "npy, no item": ("x.npy", npy("<f0", (10**15,))),
    "safetensors, long header": ("x.safetensors", struct.pack("<Q", 1 << 40) + b"{}"),
    "safetensors, odd header": ("x.safetensors", safetensors(ODD)),
    "safetensors, many tensors": ("x.safetensors", safetensors({f"t{n}": MANY for n in range(3000)})),
    "pickle, deep": ("x.pkl", deep_tuple(100_000)),
    "pickle, laughs": ("x.pkl", laughs(200)),
    "pickle, itself": ("x.pkl", b"\x80\x02]q\x00h\x00a."),
    "pickle, huge text": ("x.pkl", pickle.dumps("x" * 1_500_000)),
    "pickle, huge number": ("x.pkl", pickle.dumps(1 << 4_000_000)),
    "pickle, many names": ("x.pkl", b"".join(b"cmod%d\nname%d\n0" % (n, n) for n in range(50_000)) + b"N."),
    "pickle, claims a gigabyte": ("x.pkl", b"\x80\x04\x8d" + struct.pack("<Q", 1 << 30) + b"x."),
    "pickle, empty stack": ("x.pkl", b"\x80\x02RRRbbb0u."),
    "pickle, packed bomb": ("x.joblib", zlib.compress(bytes(200_000_000), 9)),
    "joblib, huge array": ("x.joblib", JOBLIB_HUGE),
    "zip, bomb": ("x.npz", zipped({"a.npy": npy() + bytes(100_000_000)})),
    "zip, many members": ("x.zip", zipped({f"{n}": b"" for n in range(15_000)})),
    "zip, torch of nothing": ("x.pt", zipped({"a/data.pkl": b""})),
    "zip, a directory that is not there": ("x.zip", b"PK\x05\x06" + b"\xff" * 18),
    "gguf, endless": ("x.gguf", b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1 << 60)),
    "gguf, a long text": ("x.gguf", GGUF_ONE_FACT + struct.pack("<Q", 1 << 62)),
    "gguf, a long list": ("x.gguf", GGUF_ONE_FACT + text(b"a") + struct.pack("<IIQ", 9, 8, 1 << 62)),
    "onnx, endless": ("x.onnx", b"\x08\x01" * 1_000_000),
    "onnx, nested in itself": ("x.onnx", b"\x3a\xff\xff\xff\xff\x0f" * 50_000),
    "wav, a frame of nothing": ("x.wav", VALID["a.wav"][:32] + b"\0\0" + VALID["a.wav"][34:]),
    "wav, endless chunks": ("x.wav", b"RIFF\0\0\0\0WAVE" + b"abcd\0\0\0\0" * 10_000),
    "png, huge": ("x.png", png_header(60_000, 60_000)),
    "png, no size": ("x.png", png_header(0, 0)),
    "png, bomb": ("x.png", png_bomb()),
    "parquet, long footer": ("x.parquet", b"PAR1" + struct.pack("<I", 0xFFFFFFF0) + b"PAR1"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_costs_little_memory_and_gives_short_texts(name):
    path, content = HOSTILE[name]
    open_preview(BytesInMemory(VALID["a.txt"]), "a.txt")

    tracemalloc.start()
    found = open_preview(BytesInMemory(content), path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert found.sections
    assert peak < 120_000_000
    check_bounded(found)


@pytest.mark.parametrize("path", [path for path in PATHS if path not in {"a.parquet", "a.arrow"}])
def test_of_a_huge_file_only_its_beginning_is_read(path):
    huge = Huge(VALID[path], 1 << 44)

    open_preview(huge, path)

    assert huge.most <= 32 << 20


def test_a_preview_of_a_large_text_reads_its_first_quarter_megabyte():
    source = Counted(b"line\n" * 2_000_000)

    open_preview(source, "x.log")

    assert source.bytes_read <= 300_000


def test_a_bounded_file_gives_no_more_than_its_budget():
    file = BoundedFile(BytesInMemory(bytes(1000)), 600)

    assert len(file.read(500)) == 500
    with pytest.raises(NotShown):
        file.read(500)


def test_no_two_runs_differ():
    for path in PATHS:
        source = BytesInMemory(VALID[path])
        assert open_preview(source, path) == open_preview(source, path)
