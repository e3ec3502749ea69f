import hashlib
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from localart.media.headers import ImageHeader, find_header
from localart.media.png import Pixels, encode_png


@st.composite
def rasters(draw):
    width, height, channels = draw(st.integers(1, 40)), draw(st.integers(1, 70)), draw(st.integers(1, 4))
    generator = np.random.default_rng(draw(st.integers(0, 2**32)))
    step = draw(st.sampled_from([1, 3, 128, 256]))
    data = (np.cumsum(generator.integers(0, step, (height, width, channels)), axis=1) % 256).astype(np.uint8)
    return Pixels(width=width, height=height, channels=channels, data=data.tobytes())


@settings(deadline=None, max_examples=60)
@given(rasters())
def test_every_raster_reads_back_through_pillow(pixels):
    with Pillow.open(io.BytesIO(encode_png(pixels))) as image:
        image.load()
        assert image.mode == {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[pixels.channels]
        assert image.size == (pixels.width, pixels.height)
        assert image.tobytes() == pixels.data


@settings(deadline=None, max_examples=20)
@given(rasters())
def test_encoding_twice_gives_the_same_bytes(pixels):
    assert encode_png(pixels) == encode_png(pixels)


def test_smooth_pictures_are_filtered_and_flat_ones_are_not():
    ramp = np.add.outer(np.arange(200), np.arange(300)).astype(np.uint8)
    smooth = Pixels(width=300, height=200, channels=1, data=ramp.tobytes())
    flat = Pixels(width=300, height=200, channels=1, data=bytes(300 * 200))

    assert len(encode_png(smooth)) < 1500
    assert len(encode_png(flat)) < 400


def test_the_frame_of_a_png_is_golden():
    # Compressed bytes belong to the zlib in use; everything around them is fixed by the format.
    encoded = encode_png(Pixels(width=2, height=1, channels=3, data=bytes(range(6))))

    assert encoded[:33].hex() == "89504e470d0a1a0a0000000d4948445200000002000000010802000000" + "7b40e8dd"
    assert encoded[-12:].hex() == "0000000049454e44ae426082"


@pytest.mark.parametrize(
    ("name", "options", "format_name"),
    [
        ("PNG", {}, "png"),
        ("JPEG", {}, "jpg"),
        ("JPEG", {"progressive": True}, "jpg"),
        ("JPEG", {"exif": b"Exif\x00\x00" + bytes(3000)}, "jpg"),
        ("GIF", {}, "gif"),
        ("BMP", {}, "bmp"),
        ("WEBP", {}, "webp"),
        ("WEBP", {"lossless": True}, "webp"),
        ("WEBP", {"exif": b"Exif\x00\x00" + bytes(30)}, "webp"),
    ],
)
def test_headers_tell_format_and_size(name, options, format_name):
    encoded = io.BytesIO()
    Pillow.new("RGB", (300, 171), "green").save(encoded, name, **options)

    assert find_header(encoded.getvalue()) == ImageHeader(format=format_name, width=300, height=171)


def test_a_bitmap_that_goes_top_down_has_a_positive_height():
    encoded = io.BytesIO()
    Pillow.new("RGB", (3, 2)).save(encoded, "BMP")
    flipped = bytearray(encoded.getvalue())
    flipped[22:26] = (-2).to_bytes(4, "little", signed=True)

    assert find_header(bytes(flipped)) == ImageHeader(format="bmp", width=3, height=2)


def test_a_bitmap_of_the_oldest_kind_has_small_numbers():
    header = (
        b"BM" + bytes(12) + (12).to_bytes(4, "little") + (3).to_bytes(2, "little") + (2).to_bytes(2, "little")
    )

    assert find_header(header) == ImageHeader(format="bmp", width=3, height=2)


def test_a_png_must_begin_with_its_header_chunk():
    encoded = encode_png(Pixels(width=1, height=1, channels=1, data=b"a"))

    assert find_header(encoded.replace(b"IHDR", b"JUNK")) is None


@pytest.mark.parametrize("name", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_a_header_that_is_cut_off_or_garbled_never_raises(name):
    encoded = io.BytesIO()
    Pillow.new("RGB", (30, 17)).save(encoded, name)
    whole = encoded.getvalue()

    for length in range(min(len(whole), 700)):
        find_header(whole[:length])
    for seed in range(300):
        noise = hashlib.shake_128(bytes([seed % 256, seed // 256])).digest(64)
        find_header(whole[:4] + noise)
    assert find_header(whole[:9]) is None
    assert find_header(b"") is None
