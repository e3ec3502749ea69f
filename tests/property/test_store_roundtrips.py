"""Whatever is put comes back, through any codec, cut and order of calls."""

import tempfile
from pathlib import Path

from blake3 import blake3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyfastcdc import FastCDC

from localart.model import BlobLayout, BlobRef, FramePlace, PackState, Piece
from localart.store import BlobReader, BlobWriter, Codec, check_pack
from localart.store.chunking import Chunker
from localart.store.codecs import DELTAS, Recipe, choose_codec, compress, decompress
from localart.store.frames import FrameKind, decode_header, encode_frame
from localart.store.source import BytesSource

RELAXED = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])

pieces_of_content = st.one_of(
    st.binary(max_size=300),
    st.integers(0, 5000).map(lambda count: b"ab\0" * count),
    st.tuples(st.integers(0, 20_000), st.integers(0, 9)).map(lambda drawn: _noise(*drawn)),
)
contents = st.lists(pieces_of_content, max_size=4).map(b"".join)


def _noise(size, seed):
    return blake3(bytes([seed])).digest(length=size)


def ref(content):
    return BlobRef(blake3(content).digest(), len(content))


@given(raw=contents, codec=st.sampled_from(sorted(set(Codec) - DELTAS)), cut=st.integers(0, 1000))
@RELAXED
def test_a_compressed_body_decompresses_to_the_same_bytes(raw, codec, cut):
    written, body = compress(Recipe(codec), [raw[:cut], raw[cut:]])

    assert bytes(decompress(written, b"".join(body), len(raw))) == raw
    assert sum(len(part) for part in body) <= len(raw)


@given(sample=contents, planes=st.booleans())
@RELAXED
def test_any_sample_has_a_recipe(sample, planes):
    recipe = choose_codec(sample, planes=planes)

    assert planes or recipe.codec in {Codec.RAW, Codec.ZSTD}


@given(parts=st.lists(st.binary(max_size=40), max_size=30), kind=st.sampled_from(FrameKind))
@RELAXED
def test_a_frame_says_what_it_was_made_of(parts, kind):
    raw = b"".join(parts)
    head, stored = encode_frame(
        kind, [raw], codec=0, raw_bytes=len(raw), members=[ref(part) for part in parts]
    )

    found = decode_header(b"".join(stored), pack="0" * 32, start=7)

    assert found == head
    assert found.members == tuple(ref(part) for part in parts)
    assert b"".join(stored)[found.head_bytes :] == raw


@given(
    size=st.integers(1, 900_000),
    seed=st.integers(0, 9),
    windows=st.lists(st.integers(262_152, 400_000), min_size=1, max_size=20),
    aligned=st.booleans(),
)
@RELAXED
def test_cuts_do_not_depend_on_how_a_file_is_read(size, seed, windows, aligned):
    content = _noise(size, seed)
    chunker = Chunker(size, aligned=aligned)
    found, base, turn = [], 0, 0
    while base < size:
        stop = min(base + windows[turn % len(windows)], size)
        ends = chunker.cut(memoryview(content)[base:stop], final=stop == size)
        found += [base + end for end in ends]
        base, turn = found[-1], turn + 1

    whole, at = [], 0
    for chunk in FastCDC(65536 if aligned else 16384).cut_buf(content):
        at += chunk.length
        whole.append(at - at % 8 if aligned and at < size else at)
    assert found == whole


class Shelf:
    def __init__(self):
        self.packs, self.pieces, self.chunked = {}, {}, {}

    def known_blobs(self, digests):
        return {digest for digest in digests if digest in self.pieces or digest in self.chunked}

    def knows_size(self, size_bytes):
        return any(blob.size_bytes == size_bytes for blob in self.chunked.values())

    def states(self):
        return [PackState(pack=pack, end=end) for pack, end in self.packs.items()]

    def commit(self, batches):
        for batch in batches:
            self.packs[batch.pack] = max(batch.end, self.packs.get(batch.pack, 0))
            for frame in batch.frames:
                place = FramePlace(
                    batch.pack, frame.start, frame.stored_bytes, frame.raw_bytes, frame.codec, frame.checksum
                )
                offset = 0
                for member in frame.members:
                    self.pieces.setdefault(member.digest, Piece(place, offset, member))
                    offset += member.size_bytes
            self.chunked.update({blob.digest: blob for blob in batch.chunked})

    def layout(self, blob):
        if blob.digest in self.pieces:
            return BlobLayout(blob, (self.pieces[blob.digest],))
        chunks = self.chunked[blob.digest].chunks
        return BlobLayout(blob, tuple(self.pieces[chunk.digest] for chunk in chunks))


large = st.tuples(st.integers(262_145, 600_000), st.integers(0, 3)).map(lambda drawn: _noise(*drawn))
steps = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"), st.lists(st.tuples(contents, st.sampled_from(["", ".a", ".b"])), max_size=8)
        ),
        st.tuples(st.just("large"), st.one_of(large, contents)),
        st.tuples(st.just("seal"), st.none()),
        st.tuples(st.just("record"), st.binary(max_size=200)),
        st.tuples(st.just("discard"), st.none()),
        st.tuples(st.just("reopen"), st.none()),
    ),
    max_size=14,
)


@given(steps=steps)
@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_everything_published_can_be_read_whatever_happened_in_between(steps):
    with tempfile.TemporaryDirectory() as folder:
        root, shelf, staged, published = Path(folder), Shelf(), {}, {}
        (root / "packs").mkdir()
        writer = BlobWriter(root, index=shelf, packs=shelf.states)
        reader = BlobReader(root)
        for what, argument in [*steps, ("seal", None)]:
            if what == "put":
                for blob, (content, _) in zip(writer.put(argument), argument, strict=True):
                    staged[blob] = content
            elif what == "large":
                staged[writer.put_large(BytesSource(argument), group=".x")] = argument
            elif what == "record":
                shelf.commit([writer.append_record(FrameKind.JOURNAL, argument)])
            elif what == "seal":
                shelf.commit(writer.seal())
                writer.published()
                published.update(staged)
                staged.clear()
            else:
                (writer.discard if what == "discard" else writer.close)()
                staged.clear()
        layouts = [shelf.layout(blob) for blob in published]

        assert {blob: bytes(content) for blob, content in reader.read_many(layouts)} == published
        assert {layout.blob: b"".join(reader.stream(layout)) for layout in layouts} == published
        assert published.keys() == {ref(content) for content in published.values()}
        writer.close()
        reader.close()
        for path in (root / "packs").iterdir():
            assert list(check_pack(path)) == []
