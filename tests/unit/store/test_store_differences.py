"""Frames that tell their bytes by the difference from earlier ones."""

import io
import json
import random
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localart.errors import BlobDamaged
from localart.model import BaseSlice, Digest
from localart.store import differences
from localart.store.alignment import align
from localart.store.codecs import Codec, Recipe, choose_difference, compress_difference, decompress
from localart.store.differences import add_difference, decode_bases, encode_bases, fold_difference
from localart.store.ground import Span
from localart.store.source import BytesSource
from localart.store.tensors import find_tensors

DIGEST = Digest(bytes(range(32)))


def noise(size, seed=0):
    return random.Random(seed).randbytes(size)


def floats(count, seed=0, moved=0.0):
    """Weights, and the same weights moved a little."""
    draw = random.Random(seed)
    weights = [draw.gauss(0, 1) for _ in range(count)]
    moves = random.Random(seed + 1)
    return struct.pack(f"<{count}f", *(weight + moved * moves.gauss(0, 1) for weight in weights))


def safetensors(tensors):
    header, at = {}, 0
    for name, body in tensors.items():
        header[name] = {"dtype": "F32", "shape": [len(body) // 4], "data_offsets": [at, at + len(body)]}
        at += len(body)
    text = json.dumps({"__metadata__": {"format": "pt"}, **header}).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(tensors.values())


# --- whole numbers, many at once ---


@given(
    raw=st.binary(max_size=200),
    seed=st.integers(0, 99),
    width=st.sampled_from([1, 2, 4]),
    fast=st.booleans(),
)
@settings(deadline=None, max_examples=200)
def test_what_was_subtracted_is_added_again(raw, seed, width, fast):
    base = noise(len(raw), seed)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(differences, "_has_numpy", lambda: fast)
        folded = fold_difference(raw, base, width)
        patched.setattr(differences, "_has_numpy", lambda: not fast)

        assert add_difference(folded, base, width) == raw
    assert len(folded) == len(raw)


@pytest.mark.parametrize("fast", [False, True])
def test_small_differences_of_either_sign_become_small_numbers(fast, monkeypatch):
    monkeypatch.setattr(differences, "_has_numpy", lambda: fast)
    before, after = struct.pack("<4H", 7, 7, 0, 65535), struct.pack("<4H", 8, 5, 65535, 0)

    assert struct.unpack("<4H", fold_difference(after, before, 2)) == (2, 3, 1, 2)


# --- the body ---


def test_a_difference_is_told_only_where_it_takes_clearly_less():
    before, after, other = floats(16_000), floats(16_000, moved=1e-5), floats(16_000, seed=9)

    assert choose_difference(after, before, Recipe(Codec.PLANES4)) is Codec.DELTA4
    assert choose_difference(other, before, Recipe(Codec.PLANES4)) is None


def test_a_body_gives_its_bytes_back_from_its_bases():
    before, after = floats(20_000), floats(20_000, moved=1e-5)
    bases = [BaseSlice(0, DIGEST, 5, 5 + len(before))]
    codec, parts = compress_difference(Codec.DELTA4, after, before, bases)
    asked = []

    def read_bases(found, size_bytes):
        asked.append((found, size_bytes))
        return before

    body = b"".join(parts)
    assert decompress(codec, body, len(after), read_bases) == after
    assert asked == [(tuple(bases), len(after))]
    assert len(body) < 0.75 * len(after)


def test_a_difference_without_a_way_to_read_its_bases_is_refused():
    before, after = floats(5_000), floats(5_000, moved=1e-5)
    codec, parts = compress_difference(Codec.DELTA4, after, before, [BaseSlice(0, DIGEST, 0, len(before))])

    with pytest.raises(BlobDamaged):
        decompress(codec, b"".join(parts), len(after))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x02\0\0\0" + bytes(44), id="one of two"),
        pytest.param(b"\xff\xff\xff\xff", id="a table of 180 GB"),
        pytest.param(encode_bases([BaseSlice(0, DIGEST, 0, 101)]), id="longer than the frame"),
        pytest.param(encode_bases([BaseSlice(0, DIGEST, 9, 9)]), id="an empty slice"),
        pytest.param(encode_bases([BaseSlice(0, DIGEST, 9, 3)]), id="a slice that ends before it begins"),
        pytest.param(
            encode_bases([BaseSlice(0, DIGEST, 0, 9), BaseSlice(8, DIGEST, 0, 9)]), id="two over each other"
        ),
    ],
)
def test_a_forged_table_of_bases_is_refused(body):
    with pytest.raises(BlobDamaged):
        decode_bases(body, 100)


# --- where tensors lie ---


def test_tensors_of_a_safetensors_file_are_found():
    content = safetensors({"a": b"1" * 12, "b": b"2" * 20})

    found = find_tensors(BytesSource(content))

    assert {name: content[start : start + length] for name, (start, length) in found.items()} == {
        "a": b"1" * 12,
        "b": b"2" * 20,
    }


def test_tensors_of_a_torch_file_are_found_under_any_archive_name(tmp_path):
    torch = pytest.importorskip("torch")
    tensors = {"first": torch.arange(1000.0), "second": torch.ones(333)}
    found = []
    for name in ("model.pt", "a-longer-name.pt"):
        torch.save(tensors, tmp_path / name)
        content = (tmp_path / name).read_bytes()
        extents = find_tensors(BytesSource(content))
        found.append({key: content[start : start + length] for key, (start, length) in extents.items()})

    assert found[0]["data/0"] == found[1]["data/0"] == tensors["first"].numpy().tobytes()
    assert found[0]["data/1"] == tensors["second"].numpy().tobytes()


def _zip(count):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for number in range(count):
            archive.writestr(f"archive/data/{number}", bytes(100))
    return held.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"PK\x03\x04" + bytes(100), id="a zip without an end"),
        pytest.param(_zip(3)[:-30], id="a zip cut off"),
        pytest.param(struct.pack("<Q", 1 << 60) + b"{" + bytes(50), id="a header of an exabyte"),
        pytest.param(struct.pack("<Q", 50) + b"{" * 50, id="no JSON"),
        pytest.param(struct.pack("<Q", 8) + b'{"a": 1}', id="a tensor without facts"),
        pytest.param(struct.pack("<Q", 100_000) + b'{"a":' * 20_000, id="deep JSON"),
    ],
)
def test_what_is_no_checkpoint_has_no_tensors(content):
    assert find_tensors(BytesSource(content)) == {}


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_whatever_a_header_claims_tensors_lie_inside_the_file(data):
    content = bytearray(data.draw(st.sampled_from([_zip(4), safetensors({"a": bytes(400), "b": bytes(80)})])))
    for _ in range(data.draw(st.integers(0, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = bytes(content[: data.draw(st.integers(0, len(content)))])

    for start, length in find_tensors(BytesSource(content)).values():
        assert 0 <= start < start + length <= len(content)


# --- how files lie over each other ---


def test_a_tensor_lies_over_itself_though_the_header_grew():
    before = safetensors({"a": bytes(400), "b": bytes(800)})
    after = safetensors({"new": bytes(40), "b": bytes(800), "a": bytes(400), "a longer header": bytes(4)})

    spans = align(BytesSource(after), BytesSource(before))

    old, new = find_tensors(BytesSource(before)), find_tensors(BytesSource(after))
    assert spans == [
        Span(new["b"][0], sum(new["b"]), old["b"][0]),
        Span(new["a"][0], sum(new["a"]), old["a"][0]),
    ]


def test_files_that_name_no_tensors_lie_over_each_other_when_they_are_equally_long():
    assert align(BytesSource(b"x" * 50), BytesSource(b"y" * 50)) == [Span(0, 50, 0)]
    assert align(BytesSource(b"x" * 50), BytesSource(b"y" * 49)) == []


def test_a_header_that_claims_the_same_bytes_twice_gives_spans_without_overlaps():
    forged = json.dumps(
        {
            name: {"data_offsets": span}
            for name, span in {"a": [0, 90], "b": [10, 100], "c": [90, 100]}.items()
        }
    ).encode()
    content = BytesSource(struct.pack("<Q", len(forged)) + forged + bytes(100))

    spans = align(content, content)

    assert [(span.start - 8 - len(forged), span.stop - 8 - len(forged)) for span in spans] == [
        (0, 90),
        (90, 100),
    ]
