import os
import random
import struct

import pytest
from blake3 import blake3
from xxhash import xxh3_64_intdigest

from localart.errors import BlobDamaged, BlobMissing, StoreDamaged
from localart.model import BlobLayout, BlobRef, FramePlace, Piece
from localart.store import BlobReader, FrameKind
from localart.store.buffers import Buffers
from localart.store.source import BytesSource

MIB = 1 << 20


def ref(content):
    return BlobRef(blake3(content).digest(), len(content))


def put_large(store, content):
    blob = store.writer.put_large(BytesSource(content), group=".bin")
    store.publish()
    return blob


def stored_pack(store):
    [path] = store.pack_files()
    return path


def test_a_large_blob_streams_in_order_in_parts_of_a_mebibyte(store, noise):
    content = noise(7 * MIB + 3)
    layout = store.shelf.layout(put_large(store, content))

    parts = list(store.reader.stream(layout))

    assert b"".join(parts) == content
    assert max(len(part) for part in parts) <= MIB


def test_any_range_of_a_blob_can_be_read(store, noise):
    content = noise(3 * MIB)
    layout = store.shelf.layout(put_large(store, content))
    rng = random.Random(3)
    cuts = [(0, 10), (0, 3 * MIB - 1), (1, None), (3 * MIB - 1, 5), (3 * MIB, None), (9 * MIB, 1), (5, 0)]
    cuts += [(rng.randrange(3 * MIB), rng.randrange(MIB)) for _ in range(20)]

    for start, length in cuts:
        stop = None if length is None else start + length
        assert b"".join(store.reader.stream(layout, start=start, length=length)) == content[start:stop]


def test_small_and_empty_blobs_stream_too(store):
    for content in (b"", b"abc"):
        layout = store.shelf.layout(store.keep(content))
        assert b"".join(store.reader.stream(layout)) == content


def test_an_empty_blob_may_have_no_pieces(store):
    layout = BlobLayout(ref(b""), ())

    assert store.reader.read(layout) == b""
    with pytest.raises(BlobDamaged):
        store.reader.read(BlobLayout(BlobRef(blake3(b"x").digest(), 0), ()))


def test_a_stream_left_early_leaves_nothing_running(store, noise):
    layout = store.shelf.layout(put_large(store, noise(20 * MIB)))

    stream = store.reader.stream(layout)
    next(stream)
    stream.close()

    assert store.reader.read(layout) == noise(20 * MIB)


def test_many_small_blobs_are_read_frame_by_frame(store, noise):
    items = [(b"text %d" % number, ".txt") for number in range(3000)]
    items += [(noise(30_000, number), ".png") for number in range(50)]
    blobs = store.writer.put(items)
    store.publish()
    large = put_large(store, noise(2 * MIB))
    layouts = [store.shelf.layout(blob) for blob in [*blobs, blobs[0], large]]
    random.Random(1).shuffle(layouts)

    found = [(blob, bytes(content)) for blob, content in store.reader.read_many(layouts)]

    assert len(found) == len(layouts)
    assert dict(found) == {ref(content): content for content, _ in [*items, (noise(2 * MIB), "")]}
    assert found[-1][0] == large


def test_parts_kept_by_their_reader_stay_what_they_are(store, noise):
    content = noise(30 * MIB)
    layout = store.shelf.layout(put_large(store, content))

    kept = list(store.reader.stream(layout))
    again = list(store.reader.stream(layout))

    assert b"".join(kept) == b"".join(again) == content
    assert all(part.readonly for part in kept)


def test_read_buffers_are_used_again_only_when_nobody_sees_them():
    buffers = Buffers(2)
    first = buffers.take(500_000)
    part = first[10:20]
    first_buffer = first.obj

    second = buffers.take(500_000)
    assert second.obj is not first_buffer
    del first, second
    assert buffers.take(500_000).obj is not first_buffer
    del part
    assert buffers.take(500_000).obj is first_buffer


def test_no_more_read_buffers_are_kept_than_allowed():
    buffers = Buffers(2)
    views = [buffers.take(300_000) for _ in range(5)] + [buffers.take(9), buffers.take(9_000_000)]

    assert len({id(view.obj) for view in views}) == 7
    assert [len(view) for view in views] == [300_000] * 5 + [9, 9_000_000]
    assert len(buffers._buffers) == 2


def test_a_file_of_many_versions_is_read_without_decoding_frames_again(store, noise, monkeypatch):
    content = bytearray(noise(6 * MIB))
    put_large(store, bytes(content))
    for version in range(5):
        for at in range(version * 10_000, len(content), 300_000):
            content[at : at + 4] = b"edit"
        blob = put_large(store, bytes(content))
    layout = store.shelf.layout(blob)
    decoded = []
    real = BlobReader._frame
    monkeypatch.setattr(BlobReader, "_frame", lambda self, place: decoded.append(place) or real(self, place))

    assert store.reader.read(layout) == content

    assert len(decoded) == len(set(decoded)) == len({piece.place for piece in layout.pieces})
    assert len(decoded) < len(layout.pieces) / 5


def test_small_parts_of_a_large_file_come_together_and_stay_what_they_are(store, noise):
    """Fails when each place is a part of its own, and when the room they are copied to is used again too early."""
    content = bytearray(noise(6 * MIB))
    put_large(store, bytes(content))
    for version in range(4):
        for at in range(version * 20_000, len(content), 100_000):
            content[at : at + 4] = b"edit"
        blob = put_large(store, bytes(content))
    layout = store.shelf.layout(blob)

    parts = list(store.reader.stream(layout))

    assert b"".join(parts) == content
    assert max(len(part) for part in parts) <= MIB
    assert len(parts) < len({piece.place for piece in layout.pieces}) + 12 < len(layout.pieces) / 5


def test_bytes_handed_out_stay_what_they_are(store, noise):
    blobs = store.writer.put([(noise(30_000, number), ".png") for number in range(100)])
    store.publish()

    kept = list(store.reader.read_many([store.shelf.layout(blob) for blob in blobs]))

    assert all(blake3(content).digest() == blob.digest for blob, content in kept)
    assert all(memoryview(content).readonly for _, content in kept)


def test_neighbours_in_a_frame_are_read_without_the_disk(store):
    blobs = store.writer.put([(b"one", ".txt"), (b"two", ".txt")])
    store.publish()
    assert store.read(blobs[0]) == b"one"

    os.truncate(stored_pack(store), 40)

    assert store.read(blobs[1]) == b"two"
    store.reader.close()
    with pytest.raises(BlobDamaged):
        store.read(blobs[1])


def test_only_a_few_frames_and_packs_are_kept(make_store, noise, open_count):
    store = make_store()
    blobs = []
    for number in range(40):
        blobs.append(store.keep(noise(100, number)))
        store.shelf.packs.clear()  # so that the next writer cannot continue the pack
        store.writer.close()
    before = open_count()

    assert [store.read(blob) for blob in blobs * 2] == [noise(100, number) for number in range(40)] * 2

    assert open_count() - before == 32
    store.reader.close()
    assert open_count() == before


def test_a_missing_pack_is_told_from_a_damaged_one(store):
    blob = store.keep(b"content")
    path = stored_pack(store)
    whole = path.read_bytes()

    path.write_bytes(whole[:-1])
    with pytest.raises(
        BlobDamaged, match=rf"{path.stem} is damaged at byte 32.*localart verify.*localart repair"
    ):
        store.read(blob)
    store.reader.close()
    path.unlink()
    with pytest.raises(BlobMissing, match=rf"{path.stem}.*localart verify.*localart repair"):
        store.read(blob)


def test_an_unlinked_pack_stays_readable_for_who_has_it_open(store, noise):
    blobs = [store.keep(noise(100, number)) for number in range(20)]
    store.read(blobs[0])

    stored_pack(store).unlink()

    assert [store.read(blob) for blob in blobs] == [noise(100, number) for number in range(20)]


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "0" * 31, "Z" * 32, "0" * 32 + "\n"])
def test_a_pack_name_that_is_no_pack_name_is_never_opened(store, name):
    piece = Piece(FramePlace(name, 32, 80, 3, 0, 0), 0, ref(b"abc"))

    with pytest.raises(StoreDamaged, match="cannot exist"):
        store.reader.read(BlobLayout(ref(b"abc"), (piece,)))


def flips_of(path, check):
    """Flip every bit of a file, one at a time."""
    whole = path.read_bytes()
    with path.open("r+b", buffering=0) as file:
        for at, byte in enumerate(whole):
            for bit in range(8):
                os.pwrite(file.fileno(), bytes([byte ^ 1 << bit]), at)
                check(at, bit)
            os.pwrite(file.fileno(), bytes([byte]), at)


def test_no_bit_flip_anywhere_in_a_pack_gives_wrong_bytes(store, floats, noise):
    contents = [noise(120), b"ab" * 60, floats(60, 1), floats(30, 2), b""]
    blobs = store.writer.put([(content, str(number)) for number, content in enumerate(contents)])
    planes = store.writer.put([(floats(2000)[:5120], ".f32")])
    store.publish()
    layouts = [store.shelf.layout(blob) for blob in [*blobs, *planes]]
    wanted = dict(zip([*blobs, *planes], [*contents, floats(2000)[:5120]], strict=True))
    frames = {layout.pieces[0].place for layout in layouts}
    path = stored_pack(store)
    undetected = []

    def check(at, bit):
        with_damage = [place for place in frames if place.start <= at < place.start + place.stored_bytes]
        for layout in layouts:
            place = layout.pieces[0].place
            if place not in with_damage:
                continue
            try:
                content = store.reader._frame(place).checked(layout.pieces[0])
            except BlobDamaged:
                continue
            assert content == wanted[layout.blob], f"wrong bytes after a flip of bit {bit} at {at}"
            undetected.append((at, bit))

    flips_of(path, check)

    assert undetected == []


def test_a_flip_in_a_large_blob_ends_its_stream_with_an_error(store, noise):
    content = noise(3 * MIB)
    layout = store.shelf.layout(put_large(store, content))
    path = stored_pack(store)
    whole = path.read_bytes()

    frames = {(piece.place.start, piece.place.stored_bytes) for piece in layout.pieces}
    read = [at for start, length in sorted(frames) for at in range(start, start + length)]
    for at in random.Random(5).sample(read, 40):  # elsewhere lies the list of its chunks, which is not read
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :])
        got = []
        with pytest.raises(BlobDamaged):
            got.extend(bytes(part) for part in store.reader.stream(layout))
        assert len(b"".join(got)) < len(content)


def forge(store, raw, members, *, kind=FrameKind.DATA, codec=0):
    """A frame with right checksums and a wrong table, appended to the store's pack."""
    table = b"".join(member.digest + struct.pack("<I", member.size_bytes) for member in members)
    fixed = struct.pack(
        "<4sBBBBIIIIQ",
        b"\xf5LAF",
        1,
        kind,
        codec,
        0,
        len(members),
        len(raw),
        len(raw),
        0,
        xxh3_64_intdigest(raw),
    )
    frame = fixed + struct.pack("<Q", xxh3_64_intdigest(fixed + table)) + table + raw
    path = stored_pack(store)
    start = path.stat().st_size
    with path.open("ab") as pack:
        pack.write(frame)
    return FramePlace(path.stem, start, len(frame), len(raw), codec, xxh3_64_intdigest(raw))


def test_a_frame_that_lies_about_its_members_is_found_out(store):
    store.keep(b"something")
    place = forge(store, b"evil bytes", [ref(b"good bytes")])
    layout = BlobLayout(ref(b"good bytes"), (Piece(place, 0, ref(b"good bytes")),))

    for read in (
        lambda: store.reader.read(layout),
        lambda: list(store.reader.stream(layout)),
        lambda: list(store.reader.stream(layout, start=1)),
        lambda: list(store.reader.read_many([layout])),
    ):
        with pytest.raises(BlobDamaged, match="is not what it was"):
            read()


def test_a_row_that_points_at_another_blob_is_found_out(store):
    blobs = store.writer.put([(b"good bytes", ".txt"), (b"evil bytes", ".txt")])
    store.publish()
    good, evil = (store.shelf.pieces[blob.digest] for blob in blobs)

    for piece in (
        Piece(evil.place, evil.offset, good.blob),  # the right name at the wrong offset
        Piece(evil.place, evil.offset, evil.blob),  # another blob's piece
    ):
        layout = BlobLayout(good.blob, (piece,))
        for read in (
            lambda layout=layout: store.reader.read(layout),
            lambda layout=layout: list(store.reader.stream(layout)),
            lambda layout=layout: list(store.reader.read_many([layout])),
        ):
            with pytest.raises(BlobDamaged):
                read()


def test_chunks_in_the_wrong_order_are_found_out_before_the_last_part(store, noise):
    layout = store.shelf.layout(put_large(store, noise(3 * MIB)))
    pieces = list(layout.pieces)
    pieces[3], pieces[40] = pieces[40], pieces[3]

    got = []
    with pytest.raises(BlobDamaged, match="is not what it was"):
        got.extend(store.reader.stream(BlobLayout(layout.blob, tuple(pieces))))

    assert sum(len(part) for part in got) < layout.blob.size_bytes


def test_a_layout_that_does_not_add_up_is_refused_before_reading(store, noise):
    layout = store.shelf.layout(put_large(store, noise(MIB)))
    short = BlobLayout(layout.blob, layout.pieces[:-1])

    for read in (store.reader.read, store.reader.stream, lambda one: list(store.reader.read_many([one]))):
        with pytest.raises(BlobDamaged, match="names"):
            read(short)


def test_records_are_never_read_as_contents(store):
    store.keep(b"something")
    place = forge(store, b"{}", [ref(b"{}")], kind=FrameKind.JOURNAL)

    with pytest.raises(BlobDamaged, match="no contents"):
        store.reader.read(BlobLayout(ref(b"{}"), (Piece(place, 0, ref(b"{}")),)))


def test_a_body_that_cannot_be_decompressed_names_its_pack(store):
    store.keep(b"something")
    place = forge(store, b"not zstd", [ref(b"not zstd")], codec=1)

    with pytest.raises(BlobDamaged, match=rf"{place.pack} is damaged at byte {place.start}.*decompressed"):
        store.reader.read(BlobLayout(ref(b"not zstd"), (Piece(place, 0, ref(b"not zstd")),)))


def test_several_threads_read_at_once(store, noise):
    import threading

    blobs = [put_large(store, noise(2 * MIB, number)) for number in range(4)]
    wrong = []

    def work(number):
        for _ in range(3):
            if store.read(blobs[number]) != noise(2 * MIB, number):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


def test_a_reader_on_an_empty_store_asks_for_no_file(tmp_path):
    assert list(BlobReader(tmp_path).read_many([])) == []
