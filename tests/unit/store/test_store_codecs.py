import random
import struct
import threading

import pytest
import zstandard

from localart.errors import BlobDamaged
from localart.store.codecs import DELTAS, RAW, Codec, Recipe, choose_codec, compress, decompress, is_text

WORDS = b"the quick brown fox jumps over the lazy dog, again and again. "


def bf16(count):
    rng = random.Random(1)
    return b"".join(struct.pack("<f", rng.gauss(0, 0.02))[2:] for _ in range(count))


@pytest.mark.parametrize("codec", sorted(set(Codec) - DELTAS))
@pytest.mark.parametrize("size", [4096, 4097, 4098, 4099, 100_003])
def test_every_codec_gives_back_what_it_was_given(codec, size, floats):
    raw = floats(size // 4 + 1)[:size]

    written, body = compress(Recipe(codec), [raw[:1000], raw[1000:]])

    assert written is codec
    assert decompress(codec, b"".join(body), size) == raw


@pytest.mark.parametrize("codec", [Codec.ZSTD, Codec.PLANES2, Codec.PLANES4])
@pytest.mark.parametrize("raw", [b"", b"x", b"ab", b"abc"])
def test_what_a_codec_would_grow_is_kept_raw_and_uncopied(codec, raw):
    written, body = compress(Recipe(codec), [raw])

    assert written is Codec.RAW
    assert body[0] is raw


def test_noise_is_kept_raw(noise):
    assert choose_codec(noise(65536)) == RAW
    assert choose_codec(b"") == RAW


def test_text_is_compressed_harder_than_binary_data():
    assert choose_codec(WORDS * 1000) == Recipe(Codec.ZSTD, 3)
    assert choose_codec(bytes(range(256)) * 256) == Recipe(Codec.ZSTD, 1)


def test_floats_are_split_into_their_byte_planes(floats):
    assert choose_codec(floats(16384)).codec is Codec.PLANES4
    assert choose_codec(bf16(32768)).codec is Codec.PLANES2


def test_planes_are_not_chosen_where_they_are_not_allowed_or_the_sample_is_tiny(floats):
    assert choose_codec(floats(16384), planes=False).codec in {Codec.ZSTD, Codec.RAW}
    assert choose_codec(floats(16)).codec in {Codec.ZSTD, Codec.RAW}


def test_numbers_written_as_text_are_text():
    table = "".join(f"{number * 37 % 1000:08d}" for number in range(8192)).encode()

    assert is_text(table)
    assert choose_codec(table) == Recipe(Codec.ZSTD, 3)


def test_planes_save_more_than_plain_zstd_on_floats(floats):
    raw = floats(100_000)

    def stored(codec):
        return sum(len(part) for part in compress(Recipe(codec), [raw])[1])

    assert stored(Codec.PLANES4) < 0.93 * stored(Codec.ZSTD)


def test_threads_compress_side_by_side(floats):
    contents = [floats(30_000, seed) for seed in range(4)]
    results = {}

    def work(number):
        for _ in range(5):
            codec, body = compress(Recipe(Codec.PLANES4), [contents[number]])
            results[number] = decompress(codec, b"".join(body), len(contents[number]))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [results[number] for number in range(4)] == contents


def zstd(raw, **options):
    return zstandard.ZstdCompressor(**options).compress(raw)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(zstd(bytes(256 << 20)), id="declares more than the frame"),
        pytest.param(zstd(bytes(256 << 20), write_content_size=False), id="declares nothing"),
        pytest.param(zstd(bytes(65536)) + b"junk", id="junk behind"),
        pytest.param(zstd(bytes(65536)) + zstd(b"more"), id="a second frame behind"),
        pytest.param(zstd(bytes(65535)), id="too short"),
        pytest.param(b"", id="empty"),
        pytest.param(b"no zstd at all", id="not zstd"),
        pytest.param(b"\x50\x2a\x4d\x18\x00\x00\x01\x00" + bytes(65536), id="a frame to be skipped"),
    ],
)
def test_a_body_that_is_not_exactly_what_was_declared_is_refused(body):
    with pytest.raises(BlobDamaged):
        decompress(Codec.ZSTD, body, 65536)


def test_a_body_that_lies_about_its_own_size_never_inflates_beyond_it():
    import tracemalloc

    bomb = bytearray(zstd(bytes(64 << 20)))
    declared = bomb.index(struct.pack("<I", 64 << 20))
    bomb[declared : declared + 4] = struct.pack("<I", 65536)

    tracemalloc.start()
    with pytest.raises(BlobDamaged):
        decompress(Codec.ZSTD, bytes(bomb), 65536)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 1 << 20


def planes_body(*planes):
    return struct.pack(f"<{len(planes)}I", *map(len, planes)) + b"".join(planes)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"\0\0\0", id="table cut off"),
        pytest.param(planes_body(zstd(bytes(512)), zstd(bytes(512))) + b"x", id="junk behind"),
        pytest.param(planes_body(zstd(bytes(512)), zstd(bytes(511))), id="a plane too short"),
        pytest.param(planes_body(zstd(bytes(512)), zstd(bytes(1 << 28))), id="a plane too long"),
        pytest.param(struct.pack("<II", 1 << 31, 1 << 31), id="planes that are not there"),
    ],
)
def test_planes_that_do_not_fit_together_are_refused(body):
    with pytest.raises(BlobDamaged):
        decompress(Codec.PLANES2, body, 1024)


def test_an_unknown_codec_and_a_wrong_raw_length_are_refused():
    with pytest.raises(BlobDamaged, match="codec 99"):
        decompress(99, b"abc", 3)
    with pytest.raises(BlobDamaged, match="3 bytes where 4"):
        decompress(Codec.RAW, b"abc", 4)
