import random

import pytest
from blake3 import blake3

from localart.errors import BlobDamaged, SourceChanged, SourceError, StoreError
from localart.model import BlobRef
from localart.progress import Silence
from localart.store import BlobWriter, Codec, FrameKind, check_pack, scan_pack
from localart.store.checking import payload_of
from localart.store.frames import MAX_RECORD_BYTES
from localart.store.source import BytesSource

MIB = 1 << 20


class Source:
    """Bytes that are announced with another length, read in small steps, or fail."""

    def __init__(self, content, *, size=None, step=None, fails_at=None):
        self.content, self.step, self.fails_at = content, step, fails_at
        self.size_bytes = len(content) if size is None else size
        self.bytes_read = 0

    def read_at(self, buffer, offset):
        if self.fails_at is not None and offset + len(buffer) > self.fails_at:
            raise SourceError("The disk of this file is broken")
        part = self.content[offset : offset + min(len(buffer), self.step or len(buffer))]
        buffer[: len(part)] = part
        self.bytes_read += len(part)
        return len(part)


def ref(content):
    return BlobRef(blake3(content).digest(), len(content))


def json_files(count, seed=0):
    rng = random.Random(seed)
    return [
        (b'{"id": %d, "label": "cat", "score": %f}' % (number, rng.random()), ".json")
        for number in range(count)
    ]


# --- small contents ---


def test_small_contents_come_back_in_the_order_they_were_put(store):
    items = [*json_files(500), (b"", ".txt"), (b"", ".json"), (b"x", ""), *json_files(3)]

    blobs = store.writer.put(items)
    store.publish()

    assert blobs == [ref(content) for content, _ in items]
    assert [store.read(blob) for blob in blobs] == [content for content, _ in items]


def test_contents_of_one_kind_share_frames_of_half_a_mebibyte(store, noise):
    items = [(noise(20_000, number), ".png") for number in range(60)]

    store.writer.put(items)
    [batch] = store.publish()

    assert [frame.raw_bytes for frame in batch.frames] == [520_000, 520_000, 160_000]
    assert {frame.codec for frame in batch.frames} == {Codec.RAW}


def test_each_kind_has_its_own_frames_and_codec(store, noise, floats):
    store.writer.put([*json_files(300), (noise(9000), ".jpg"), (floats(9000), ".npy")])
    [batch] = store.publish()

    assert sorted(frame.codec for frame in batch.frames) == [Codec.RAW, Codec.ZSTD, Codec.PLANES4]


def test_thousands_of_empty_files_with_one_content_are_one_blob(store):
    blobs = store.writer.put([(b"", ".txt")] * 5000)
    [batch] = store.publish()

    assert set(blobs) == {ref(b"")}
    assert [frame.raw_bytes for frame in batch.frames] == [0]
    assert store.read(blobs[0]) == b""


def test_tiny_contents_are_split_over_several_frames(store):
    blobs = store.writer.put([(b"%d" % number, ".txt") for number in range(5000)])
    [batch] = store.publish()

    assert max(len(frame.members) for frame in batch.frames) == 2048
    assert store.read(blobs[-1]) == b"4999"


def test_what_waits_in_many_groups_is_bounded(store, noise):
    for number in range(60):
        store.writer.put([(noise(200_000, number), f".kind{number}")])
        assert store.writer.staged_bytes - number * 200_200 <= 8 * MIB + 200_000

    store.publish()
    assert len(store.shelf.pieces) == 60


def test_equal_contents_are_stored_once(store):
    blobs = store.writer.put([(b"same", ".a"), (b"same", ".b"), (b"other", ".a")])
    again = store.writer.put([(b"same", ".c")])
    [batch] = store.publish()

    assert blobs[0] == blobs[1] == again[0]
    assert sum(len(frame.members) for frame in batch.frames) == 2


def test_published_contents_are_not_stored_again(store):
    store.keep(b"here already")

    blobs = store.writer.put([(b"here already", ".bin")])

    assert blobs == [ref(b"here already")]
    assert store.writer.seal() == ()


def test_the_index_is_asked_once_for_all_contents_of_a_call(store):
    store.writer.put(json_files(2000))

    assert store.shelf.questions == 1


def test_sealed_contents_are_known_before_their_rows_are(store):
    store.writer.put([(b"content", ".txt")])
    batches = store.writer.seal()

    store.writer.put([(b"content", ".txt")])

    assert store.writer.seal() == ()
    store.shelf.commit(batches)
    store.writer.published()
    assert store.writer.put([(b"content", ".txt")]) == [ref(b"content")]
    assert store.writer.seal() == ()


def test_sealing_nothing_makes_no_pack(store):
    assert store.writer.seal() == ()
    store.writer.published()
    assert store.pack_files() == []


def test_staged_work_is_counted_until_it_is_sealed(store, noise):
    store.writer.put([(noise(1000), ".bin"), (b"abc", ".txt")])
    assert (store.writer.staged_blobs, store.writer.staged_bytes) == (2, 1003)

    store.writer.put_large(BytesSource(noise(MIB)), group=".bin")
    assert store.writer.staged_blobs > 20

    store.writer.seal()
    assert (store.writer.staged_blobs, store.writer.staged_bytes) == (0, 0)


def test_a_large_content_may_come_with_the_small_ones(store, noise):
    items = [(b"small", ".txt"), (noise(600_000), ".bin"), (noise(600_000), ".bin")]

    blobs = store.writer.put(items)
    store.publish()

    assert [store.read(blob) for blob in blobs] == [content for content, _ in items]
    assert len(store.shelf.chunked) == 1


# --- large contents ---


@pytest.mark.parametrize("size", [262_145, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 9 * MIB + 5])
def test_a_large_file_comes_back_whole(store, noise, size):
    content = noise(size)

    blob = store.writer.put_large(BytesSource(content), group=".bin")
    [batch] = store.publish()

    assert blob == ref(content)
    assert store.read(blob) == content
    assert all(frame.raw_bytes <= MIB for frame in batch.frames)
    assert sum(frame.raw_bytes for frame in batch.frames) == size


def test_a_file_over_256_mebibytes_is_cut_into_larger_chunks(store):
    class Zeros:
        size_bytes = (256 << 20) + 1

        def read_at(self, buffer, offset):
            count = min(len(buffer), self.size_bytes - offset)
            buffer[:count] = bytes(count)
            return count

    blob = store.writer.put_large(Zeros(), group="")
    [batch] = store.publish()

    assert len(batch.frames) == 1
    assert batch.chunked[0].chunks[0].size_bytes == 262_144
    assert sum(len(view) for view in store.reader.stream(store.shelf.layout(blob))) == blob.size_bytes


@pytest.mark.parametrize("size", [0, 1, 262_144])
def test_a_file_up_to_256_kibibytes_is_one_blob(store, noise, size):
    blob = store.writer.put_large(BytesSource(noise(size)), group=".bin")
    store.publish()

    assert len(store.shelf.layout(blob).pieces) == 1
    assert store.read(blob) == noise(size)


def test_a_source_that_gives_little_at_a_time_is_read_to_its_end(store, noise):
    content = noise(400_000)

    blob = store.writer.put_large(Source(content, step=1009), group=".bin")
    store.publish()

    assert store.read(blob) == content


def test_floats_are_stored_in_planes_across_chunks_and_buffers(store, floats):
    content = b"header.." * 100 + floats(1_300_000)

    blob = store.writer.put_large(BytesSource(content), group=".bin")
    [batch] = store.publish()

    assert {frame.codec for frame in batch.frames} == {Codec.PLANES4}
    assert sum(frame.stored_bytes for frame in batch.frames) < 0.88 * len(content)
    assert all(chunk.size_bytes % 8 == 0 for chunk in batch.chunked[0].chunks[:-1])
    assert store.read(blob) == content


def test_only_what_changed_of_a_file_is_stored_again(store, noise):
    before = noise(6 * MIB)
    after = before[: 3 * MIB] + b"inserted" + before[3 * MIB :]
    store.writer.put_large(BytesSource(before), group=".bin")
    store.publish()

    blob = store.writer.put_large(BytesSource(after), group=".bin")
    [batch] = store.publish()

    assert sum(frame.raw_bytes for frame in batch.frames) < 200_000
    assert store.read(blob) == after


def test_scattered_new_chunks_share_frames_across_buffers(store, noise):
    before = bytearray(noise(20 * MIB))
    store.writer.put_large(BytesSource(bytes(before)), group=".bin")
    store.publish()
    for at in range(0, len(before), MIB):
        before[at + 5000] ^= 1

    blob = store.writer.put_large(BytesSource(bytes(before)), group=".bin")
    [batch] = store.publish()

    assert len(batch.frames) <= 2
    assert store.read(blob) == before


def test_a_file_that_repeats_itself_is_stored_once(store, noise):
    content = noise(300_000) * 20

    blob = store.writer.put_large(BytesSource(content), group=".bin")
    [batch] = store.publish()

    assert sum(frame.raw_bytes for frame in batch.frames) < 500_000
    assert store.read(blob) == content


def test_a_file_staged_twice_is_reported_once(store, noise):
    content = noise(MIB)

    first = store.writer.put_large(BytesSource(content), group=".bin")
    second = store.writer.put_large(BytesSource(content), group=".bin")
    [batch] = store.publish()

    assert first == second
    assert len(batch.chunked) == 1


def test_a_known_file_is_hashed_once_and_not_cut(store, noise):
    content = noise(5 * MIB)
    store.writer.put_large(BytesSource(content), group=".bin")
    store.publish()
    source = Source(content)

    blob = store.writer.put_large(source, group=".bin")

    assert blob == ref(content)
    assert source.bytes_read == len(content)
    assert store.writer.seal() == ()


def test_a_new_file_of_a_known_size_is_stored(store, noise):
    store.writer.put_large(BytesSource(noise(MIB, 1)), group=".bin")
    store.publish()

    blob = store.writer.put_large(BytesSource(noise(MIB, 2)), group=".bin")
    store.publish()

    assert store.read(blob) == noise(MIB, 2)


def test_a_new_order_of_old_chunks_is_published_without_new_frames(store):
    # chunks of one repeated byte are all cut at the largest size, so they line up
    ones, twos = b"\1" * 524_288, b"\2" * 524_288
    store.writer.put_large(BytesSource(ones + twos), group=".bin")
    store.publish()
    store.writer.close()

    blob = store.writer.put_large(BytesSource(twos + ones), group=".bin")
    [batch] = store.publish()

    assert batch.frames == ()
    assert store.read(blob) == twos + ones


@pytest.mark.parametrize("size", [100_000, MIB, 9 * MIB])
@pytest.mark.parametrize("difference", [-1, 1, -70_000, 70_000])
def test_a_source_that_shrinks_or_grows_is_refused_and_leaves_nothing(store, noise, size, difference):
    with pytest.raises(SourceChanged, match="bytes long"):
        store.writer.put_large(Source(noise(size + difference), size=size), group=".bin")

    assert store.writer.seal() == ()
    blob = store.writer.put_large(BytesSource(noise(size)), group=".bin")
    store.publish()
    assert store.read(blob) == noise(size)


def test_a_source_of_known_size_that_shrinks_is_refused(store, noise):
    store.writer.put_large(BytesSource(noise(MIB)), group=".bin")
    store.publish()

    with pytest.raises(SourceChanged):
        store.writer.put_large(Source(noise(MIB - 5), size=MIB), group=".bin")
    with pytest.raises(SourceChanged):
        store.writer.put_large(Source(noise(MIB + 5), size=MIB), group=".bin")


def test_a_source_that_fails_midway_leaves_the_rest_of_the_work_alone(store, noise):
    store.writer.put([(b"kept", ".txt")])

    with pytest.raises(SourceError, match="broken"):
        store.writer.put_large(Source(noise(12 * MIB), fails_at=9 * MIB), group=".bin")
    [batch] = store.publish()

    assert [frame.members for frame in batch.frames] == [(ref(b"kept"),)]
    assert store.read(ref(b"kept")) == b"kept"


def test_progress_hears_of_every_byte_and_file(store, noise):
    class Heard(Silence):
        bytes = files = stored = 0

        def advance(self, *, byte_count=0, file_count=0, stored_bytes=0):
            self.bytes, self.files = self.bytes + byte_count, self.files + file_count
            self.stored += stored_bytes

    heard = Heard()
    writer = store.new_writer(progress=heard)

    writer.put([(b"a" * 1000, ".txt"), (b"a" * 1000, ".txt")])
    writer.put_large(BytesSource(noise(5 * MIB)), group=".bin")
    batches = store.publish(writer)
    writer.put_large(BytesSource(noise(5 * MIB)), group=".bin")
    writer.close()

    assert (heard.bytes, heard.files) == (2000 + 10 * MIB, 4)
    assert heard.stored == sum(frame.stored_bytes for batch in batches for frame in batch.frames)


# --- records ---


def test_a_record_is_durable_at_once_and_found_in_the_pack(store):
    store.keep(b"content")

    batch = store.writer.append_record(FrameKind.MANIFEST, b'{"n": 1}' * 500)
    store.shelf.commit((batch,))
    again = store.writer.append_record(FrameKind.JOURNAL, b"{}")

    assert (batch.frames, batch.chunked) == ((), ())
    [path] = store.pack_files()
    assert (path.stem, path.stat().st_size) == (again.pack, again.end)
    found = list(scan_pack(path))
    assert [scanned.kind for scanned in found] == [FrameKind.DATA, FrameKind.MANIFEST, FrameKind.JOURNAL]
    assert payload_of(path.stem, found[1]) == b'{"n": 1}' * 500
    assert found[1].frame.stored_bytes < 200


def test_a_record_does_not_seal_what_is_staged(store, noise):
    store.writer.put([(noise(200_000, number), ".bin") for number in range(10)])

    record = store.writer.append_record(FrameKind.JOURNAL, b"{}")
    store.shelf.commit((record,))
    batches = store.publish()

    assert sum(len(frame.members) for batch in batches for frame in batch.frames) == 10
    assert store.read(ref(noise(200_000, 3))) == noise(200_000, 3)
    assert list(check_pack(store.pack_files()[0])) == []


def test_discarding_keeps_the_records(store, noise):
    store.writer.put([(noise(200_000, number), ".bin") for number in range(10)])
    record = store.writer.append_record(FrameKind.JOURNAL, b"{}")
    store.writer.put([(noise(200_000, number), ".bin") for number in range(20, 30)])

    store.writer.discard()

    [path] = store.pack_files()
    assert path.stat().st_size == record.end
    assert [*scan_pack(path)][-1].kind is FrameKind.JOURNAL


def test_a_record_longer_than_a_frame_can_be_is_refused(store):
    class Long(bytes):
        def __len__(self):
            return MAX_RECORD_BYTES + 1

    with pytest.raises(StoreError, match="too long"):
        store.writer.append_record(FrameKind.MANIFEST, Long())

    assert store.writer.put([(b"x", "")]) == [ref(b"x")]


# --- discarding, copying, closing ---


def test_discarded_contents_are_forgotten_and_can_be_taken_in_again(store, noise):
    store.keep(b"published")
    end = store.shelf.packs[store.pack_files()[0].stem]
    store.writer.put([(b"staged", ".txt"), (noise(300_000), ".bin")])
    store.writer.put_large(BytesSource(noise(MIB)), group=".bin")

    store.writer.discard()

    assert store.writer.staged_blobs == 0
    assert store.writer.seal() == ()
    assert store.pack_files()[0].stat().st_size == end
    assert store.keep(b"staged") == ref(b"staged")
    assert store.read(ref(b"staged")) == b"staged"
    assert store.read(ref(b"published")) == b"published"


def test_discarding_after_a_seal_keeps_the_sealed_bytes(store, noise):
    store.writer.put([(noise(50_000), ".bin")])
    batches = store.writer.seal()

    store.writer.discard()
    store.shelf.commit(batches)

    assert store.read(ref(noise(50_000))) == noise(50_000)


def test_a_frame_is_copied_as_it_is_and_reported_by_the_next_seal(store):
    store.writer.put([(b"one " * 50, ".txt"), (b"two " * 50, ".txt")])
    store.publish()
    piece = store.shelf.pieces[ref(b"one " * 50).digest]
    other = store.new_writer()

    frame = other.copy_frame(piece.place, [ref(b"two " * 50)])
    [batch] = other.seal()

    assert batch.pack != piece.place.pack
    assert batch.frames == (frame,)
    assert frame.members == (ref(b"one " * 50), ref(b"two " * 50))
    assert frame.checksum == piece.place.checksum
    store.shelf.pieces.clear()
    store.shelf.commit((batch,))
    assert store.read(ref(b"one " * 50)) == b"one " * 50
    other.close()


def test_a_damaged_or_different_frame_is_not_copied(store):
    store.keep(b"content")
    place = store.shelf.pieces[ref(b"content").digest].place

    with pytest.raises(BlobDamaged, match="other contents"):
        store.writer.copy_frame(place, [ref(b"something else")])
    path = store.pack_files()[0]
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(BlobDamaged):
        store.writer.copy_frame(place, [ref(b"content")])
    assert store.writer.seal() == ()


def test_closing_leaves_no_trace_of_what_was_never_sealed(store, noise, open_count):
    before = open_count()
    store.writer.put_large(BytesSource(noise(5 * MIB)), group=".bin")
    assert len(store.pack_files()) == 1

    store.writer.close()

    assert store.pack_files() == []
    assert open_count() == before


def test_a_closed_writer_begins_anew_when_it_is_used_again(store):
    store.keep(b"one")
    store.writer.close()

    store.keep(b"two")

    assert len(store.pack_files()) == 1
    assert store.read(ref(b"one")) + store.read(ref(b"two")) == b"onetwo"


def test_calls_from_several_threads_take_turns(store, noise):
    import threading

    def work(number):
        for step in range(10):
            store.writer.put([(noise(30_000, 100 * number + step), ".bin")])
        store.writer.put_large(BytesSource(noise(MIB, number)), group=".bin")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.publish()

    for number in range(4):
        assert store.read(ref(noise(MIB, number))) == noise(MIB, number)
        assert store.read(ref(noise(30_000, 100 * number + 9))) == noise(30_000, 100 * number + 9)


def test_an_error_of_the_index_loses_nothing(store, tmp_path):
    class Broken:
        def known_blobs(self, digests):
            raise StoreError("the catalog is busy")

        def knows_size(self, size_bytes):
            return False

    writer = BlobWriter(store.root, index=Broken(), packs=store.shelf.states)

    with pytest.raises(StoreError, match="busy"):
        writer.put([(b"x", "")])
    assert writer.seal() == ()
    writer.close()
