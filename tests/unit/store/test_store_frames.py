import errno
import os
import struct
from pathlib import Path

import pytest
from blake3 import blake3
from xxhash import xxh3_64_intdigest

from localart.errors import BlobDamaged, BlobMissing, StoreError, StoreTooNew
from localart.model import BlobRef, FramePlace
from localart.store import FrameKind, OnDamage, check_pack, scan_pack
from localart.store.checking import payload_of
from localart.store.codecs import Codec, Recipe, compress
from localart.store.frames import decode_header, encode_frame, encode_pack_header, read_frame, walk_pack

PACK = "00112233445566778899aabbccddeeff"
GOLDEN = Path(__file__).with_name("golden_pack.hex")


def member(content):
    return BlobRef(blake3(content).digest(), len(content))


def frame_bytes(contents, *, kind=FrameKind.DATA, recipe=Recipe(Codec.RAW)):  # noqa: B008
    raw = b"".join(contents)
    codec, body = compress(recipe, [raw])
    head, parts = encode_frame(
        kind, body, codec=codec, raw_bytes=len(raw), members=[member(content) for content in contents]
    )
    assert head.stored_bytes == sum(len(part) for part in parts)
    return b"".join(parts)


def write_pack(folder, *frames, pack=PACK):
    path = folder / f"{pack}.pack"
    path.write_bytes(b"".join([encode_pack_header(pack), *frames]))
    return path


def ramp(count):
    return b"".join(struct.pack("<f", number / 7) for number in range(count))


GOLDEN_CONTENTS = [
    (FrameKind.DATA, [b"first", b"", b"second"], Recipe(Codec.RAW)),
    (FrameKind.DATA, [b"to be compressed " * 8, b"as well " * 9], Recipe(Codec.ZSTD, 3)),
    (FrameKind.DATA, [ramp(80)], Recipe(Codec.PLANES2)),
    (FrameKind.DATA, [ramp(100), ramp(60)], Recipe(Codec.PLANES4)),
    (FrameKind.MANIFEST, [b'{"manifest": 1}'], Recipe(Codec.RAW)),
    (FrameKind.JOURNAL, [b'{"journal": 2}' * 9], Recipe(Codec.ZSTD, 1)),
]


def golden_frames():
    return [frame_bytes(contents, kind=kind, recipe=recipe) for kind, contents, recipe in GOLDEN_CONTENTS]


def test_the_bytes_of_a_raw_frame_are_as_documented():
    frame = frame_bytes([b"ab", b"c"])

    fixed = struct.pack("<4sBBBBIIIIQ", b"\xf5LAF", 1, 1, 0, 0, 2, 3, 3, 0, xxh3_64_intdigest(b"abc"))
    table = blake3(b"ab").digest() + struct.pack("<I", 2) + blake3(b"c").digest() + struct.pack("<I", 1)
    assert frame == fixed + struct.pack("<Q", xxh3_64_intdigest(fixed + table)) + table + b"abc"


def test_the_bytes_of_a_pack_header_are_as_documented():
    head = b"\x89lapack\n" + struct.pack("<HH", 1, 0) + bytes.fromhex(PACK)

    assert encode_pack_header(PACK) == head + struct.pack("<I", xxh3_64_intdigest(head) & 0xFFFFFFFF)


def test_a_pack_of_the_first_format_reads_as_ever(tmp_path):
    path = tmp_path / f"{PACK}.pack"
    path.write_bytes(bytes.fromhex(GOLDEN.read_text()))

    found = list(scan_pack(path, on_damage=OnDamage.RAISE))

    assert [scanned.kind for scanned in found] == [kind for kind, _, _ in GOLDEN_CONTENTS]
    assert [scanned.frame.codec for scanned in found] == [0, 1, 2, 3, 0, 1]
    for scanned, (_, contents, _) in zip(found, GOLDEN_CONTENTS, strict=True):
        assert scanned.frame.members == tuple(member(content) for content in contents)
        assert payload_of(PACK, scanned) == b"".join(contents)
    assert list(check_pack(path)) == []


def test_frames_are_found_with_their_places(tmp_path):
    frames = golden_frames()
    path = write_pack(tmp_path, *frames)

    found = [scanned.frame for scanned in scan_pack(path)]

    assert [frame.stored_bytes for frame in found] == [len(frame) for frame in frames]
    assert [frame.start for frame in found] == [32 + sum(map(len, frames[:n])) for n in range(len(frames))]


def test_a_torn_tail_ends_the_walk_or_raises_as_asked(tmp_path):
    frames = golden_frames()
    path = write_pack(tmp_path, *frames)
    whole = path.read_bytes()
    last = len(whole) - len(frames[-1])

    for length in (last + 1, last + 39, last + 41, last + 77, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert len(list(scan_pack(path))) == len(frames) - 1
        assert len(list(scan_pack(path, end=last, on_damage=OnDamage.RAISE))) == len(frames) - 1
        with pytest.raises(BlobDamaged, match=f"{PACK} is damaged at byte {last}"):
            list(scan_pack(path, on_damage=OnDamage.RAISE))


def test_garbage_past_the_end_is_not_looked_at(tmp_path):
    frames = golden_frames()
    path = write_pack(tmp_path, *frames, os.urandom(1000))
    end = 32 + sum(map(len, frames))

    assert len(list(scan_pack(path, end=end, on_damage=OnDamage.RAISE))) == len(frames)
    assert list(check_pack(path, end=end)) == []


def test_the_walk_goes_on_behind_a_damaged_frame(tmp_path):
    frames = golden_frames()
    path = write_pack(tmp_path, *frames)
    starts = [32 + sum(map(len, frames[:number])) for number in range(len(frames))]
    whole = path.read_bytes()
    damages = {
        "header": starts[1] + 9,
        "member table": starts[1] + 45,
        "body": starts[1] + len(frames[1]) - 1,
    }

    for at in damages.values():
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        found = list(scan_pack(path, on_damage=OnDamage.SKIP))
        assert [scanned.frame.start for scanned in found] == [starts[0], *starts[2:]]
        assert [damage.start for damage in check_pack(path)] == [starts[1]]


def test_a_magic_inside_contents_is_not_taken_for_a_frame(tmp_path):
    inner = frame_bytes([b"x"])[:30] + b"\xf5LAF" * 10
    frames = [frame_bytes([inner]), frame_bytes([b"after"])]
    path = write_pack(tmp_path, *frames)
    whole = bytearray(path.read_bytes())
    whole[33] ^= 1
    path.write_bytes(whole)

    found = list(scan_pack(path, on_damage=OnDamage.SKIP))

    assert [scanned.body for scanned in found] == [b"after"]


def test_the_walk_finds_frames_behind_megabytes_of_garbage(tmp_path):
    path = write_pack(tmp_path, frame_bytes([b"one"]), b"\0" * 2_500_000, frame_bytes([b"two"]), b"\0" * 9)

    found = list(scan_pack(path, on_damage=OnDamage.SKIP))

    assert [scanned.body for scanned in found] == [b"one", b"two"]
    assert len(list(check_pack(path))) == 2


def test_checking_names_the_contents_that_went_with_a_frame(tmp_path):
    lying = frame_bytes([b"good", b"evil"])
    table = 40 + 36
    lying = bytearray(lying)
    lying[table : table + 32] = blake3(b"nice").digest()
    guard = xxh3_64_intdigest(bytes(lying[:32] + lying[40:112]))
    lying[32:40] = struct.pack("<Q", guard)
    path = write_pack(tmp_path, frame_bytes([b"fine"]), bytes(lying))

    [damage] = check_pack(path)

    assert damage.lost == (BlobRef(blake3(b"nice").digest(), 4),)
    [*_, scanned] = scan_pack(path)
    with pytest.raises(BlobDamaged, match="1 of its contents"):
        payload_of(PACK, scanned)


def test_checking_finds_bodies_that_cannot_be_decompressed(tmp_path):
    head, parts = encode_frame(
        FrameKind.DATA, [b"not zstd"], codec=1, raw_bytes=9, members=[member(b"123456789")]
    )
    path = write_pack(tmp_path, b"".join(parts))

    [damage] = check_pack(path)

    assert damage.lost == head.members
    assert "cannot be decompressed" in str(damage.error)


def test_a_pack_shorter_than_its_committed_end_is_damaged(tmp_path):
    path = write_pack(tmp_path, frame_bytes([b"one"]))
    size = path.stat().st_size

    assert [damage.start for damage in check_pack(path, end=size + 5)] == [size]


def test_a_pack_under_another_name_is_damaged_but_its_frames_are_found(tmp_path):
    path = write_pack(tmp_path, frame_bytes([b"one"]))
    other = path.rename(tmp_path / f"{'f' * 32}.pack")

    assert [damage.start for damage in check_pack(other)] == [0]
    assert [scanned.body for scanned in scan_pack(other, on_damage=OnDamage.SKIP)] == [b"one"]
    assert list(scan_pack(other)) == []


def test_a_missing_pack_is_said_to_be_missing(tmp_path):
    with pytest.raises(BlobMissing, match=PACK):
        list(scan_pack(tmp_path / f"{PACK}.pack"))


def test_a_pack_that_is_a_link_is_not_followed(tmp_path):
    path = write_pack(tmp_path, frame_bytes([b"one"]))
    link = tmp_path / f"{'a' * 32}.pack"
    link.symlink_to(path)

    with pytest.raises(StoreError):
        list(scan_pack(link))


def test_a_directory_in_place_of_a_pack_is_a_pack_that_is_missing(tmp_path):
    (tmp_path / f"{PACK}.pack").mkdir()

    with pytest.raises(BlobMissing, match="what bears its name is no file"):
        list(scan_pack(tmp_path / f"{PACK}.pack"))


def test_a_disk_that_cannot_be_read_is_a_store_error_not_damage(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError(errno.EIO, "broken disk")

    path = write_pack(tmp_path, frame_bytes([b"one"]))
    monkeypatch.setattr(os, "pread", fail)

    with pytest.raises(StoreError, match="reading pack") as caught:
        list(check_pack(path))
    assert not isinstance(caught.value, BlobDamaged)


def test_a_pack_cut_short_while_it_is_walked_ends_in_damage(tmp_path):
    path = write_pack(tmp_path, frame_bytes([b"one"]), frame_bytes([bytes(9000)]))
    walk = walk_pack(path)
    next(walk)
    head = path.stat().st_size - 9000
    real = os.preadv

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "preadv", lambda *args: os.truncate(path, head + 5) or real(*args))
        _, error = next(walk)

    assert "too early" in str(error)


def test_a_frame_that_is_cut_off_is_not_made_whole_by_what_was_read_before(tmp_path):
    """Frames are read into one buffer after the other. Seen to fail when a short read just ends the reading."""
    path = write_pack(tmp_path, frame_bytes([ramp(500)]))
    [scanned] = scan_pack(path)
    frame = scanned.frame
    place = FramePlace(PACK, 32, frame.stored_bytes, frame.raw_bytes, frame.codec, frame.checksum)
    buffer = memoryview(bytearray(frame.stored_bytes))
    with path.open("rb") as file:
        read_frame(file.fileno(), place, buffer)
    os.truncate(path, path.stat().st_size - 10)

    with path.open("rb") as file, pytest.raises(BlobDamaged, match="the pack ends too early"):
        read_frame(file.fileno(), place, buffer)


def resealed_pack_header(version):
    head = b"\x89lapack\n" + struct.pack("<HH", version, 0) + bytes.fromhex(PACK)
    return head + struct.pack("<I", xxh3_64_intdigest(head) & 0xFFFFFFFF)


def resealed(frame, offset, value):
    """A raw frame without members whose header says something else, with right checksums."""
    forged = bytearray(frame)
    forged[offset : offset + len(value)] = value
    table = forged[40 : 40 + 36 * struct.unpack_from("<I", forged, 8)[0]]
    forged[32:40] = struct.pack("<Q", xxh3_64_intdigest(bytes(forged[:32] + table)))
    return bytes(forged)


def test_packs_and_frames_of_a_later_format_are_refused_as_too_new(tmp_path):
    path = tmp_path / f"{PACK}.pack"
    path.write_bytes(resealed_pack_header(2))
    with pytest.raises(StoreTooNew, match="format 2"):
        list(scan_pack(path))

    with pytest.raises(StoreTooNew, match="version 2"):
        decode_header(resealed(frame_bytes([b"x"]), 4, b"\x02"), pack=PACK, start=0)


@pytest.mark.parametrize(
    ("offset", "value"),
    [
        pytest.param(4, b"\x00", id="version 0"),
        pytest.param(5, b"\x09", id="unknown kind"),
        pytest.param(7, b"\x01", id="not zero"),
        pytest.param(12, struct.pack("<I", 99), id="body longer than raw"),
        pytest.param(16, struct.pack("<I", 4), id="members do not add up"),
        pytest.param(16, struct.pack("<I", 0xFFFFFFFF), id="raw too long"),
        pytest.param(20, b"\x01", id="not zero either"),
    ],
)
def test_a_header_that_contradicts_itself_is_refused_even_with_right_checksums(offset, value):
    with pytest.raises(BlobDamaged, match="contradicts"):
        decode_header(resealed(frame_bytes([b"abc"]), offset, value), pack=PACK, start=0)


def test_more_members_than_allowed_are_refused_before_anything_is_read():
    frame = bytearray(frame_bytes([b"abc"]))
    frame[8:12] = struct.pack("<I", 0xFFFFFFFF)

    with pytest.raises(BlobDamaged, match="no frame"):
        decode_header(frame, pack=PACK, start=0)
    with pytest.raises(BlobDamaged, match="cut off"):
        decode_header(frame[:39], pack=PACK, start=0)
    with pytest.raises(BlobDamaged, match="table is cut off"):
        decode_header(frame_bytes([b"abc"])[:50], pack=PACK, start=0)


def test_a_frame_is_only_read_as_the_one_the_catalog_means(tmp_path):
    path = write_pack(tmp_path, frame_bytes([b"abc"]))
    [scanned] = scan_pack(path)
    frame = scanned.frame
    right = FramePlace(PACK, 32, frame.stored_bytes, 3, 0, frame.checksum)

    with path.open("rb") as pack:
        buffer = bytearray(frame.stored_bytes)
        assert read_frame(pack.fileno(), right, memoryview(buffer)).members == frame.members
        assert buffer.endswith(b"abc")
        for wrong in (
            FramePlace(PACK, 32, frame.stored_bytes, 4, 0, frame.checksum),
            FramePlace(PACK, 32, frame.stored_bytes, 3, 1, frame.checksum),
            FramePlace(PACK, 32, frame.stored_bytes, 3, 0, frame.checksum ^ 1),
            FramePlace(PACK, 32, frame.stored_bytes - 1, 3, 0, frame.checksum),
            FramePlace(PACK, 32, frame.stored_bytes + 1, 3, 0, frame.checksum),
        ):
            with pytest.raises(BlobDamaged):
                read_frame(pack.fileno(), wrong, memoryview(bytearray(wrong.stored_bytes)))
