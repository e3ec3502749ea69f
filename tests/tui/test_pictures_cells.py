"""Pixels as characters, and as the bytes that terminals draw."""

import base64
import re
import unicodedata
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localart.media.headers import find_header
from localart.media.png import Pixels, encode_png
from localart_tui.pictures.cells import HALF_BLOCK, SHADES, half_blocks, picture_size, shades
from localart_tui.pictures.decoding import decode, decode_png
from localart_tui.pictures.protocols import (
    MARKS,
    PLACEHOLDER,
    Protocol,
    choose_protocol,
    encode_sixel,
    kitty_colour,
    kitty_forget,
    kitty_rows,
    kitty_send,
)
from localart_tui.pictures.scaling import fitted, opaque, resized
from localart_tui.text import cell_width

RED, BLUE = (255, 0, 0), (0, 0, 255)


def pixels_of(rows: list[list[tuple]]) -> Pixels:
    data = bytes(channel for row in rows for pixel in row for channel in pixel)
    return Pixels(width=len(rows[0]), height=len(rows), channels=len(rows[0][0]), data=data)


def test_a_cell_holds_the_pixel_above_and_the_one_below():
    ((run,),) = half_blocks(pixels_of([[RED], [BLUE]]), 10, 10, ground=(0, 0, 0))

    assert (run.text, run.upper, run.lower) == (HALF_BLOCK, RED, BLUE)


def test_an_odd_last_row_lies_on_the_ground():
    rows = half_blocks(pixels_of([[RED], [RED], [BLUE]]), 10, 10, ground=(9, 9, 9))

    assert (rows[1][0].upper, rows[1][0].lower) == (BLUE, (9, 9, 9))


def test_equal_neighbours_are_one_run():
    (row,) = half_blocks(pixels_of([[RED] * 30, [RED] * 30]), 30, 5, ground=(0, 0, 0))

    assert len(row) == 1
    assert row[0].text == " " * 30


def test_transparent_pixels_show_the_ground():
    ((run,),) = half_blocks(pixels_of([[(255, 0, 0, 0)], [(255, 0, 0, 255)]]), 1, 1, ground=(7, 8, 9))

    assert (run.upper, run.lower) == ((7, 8, 9), RED)


def test_shades_go_from_blank_to_dense():
    grey = pixels_of([[(value,) for value in range(0, 256, 25)]] * 2)

    (row,) = shades(grey, 11, 1)

    assert row[0].text[0] == SHADES[0]
    assert row[0].text[-1] == SHADES[-1]
    assert list(row[0].text) == sorted(row[0].text, key=SHADES.index)
    assert shades(grey, 11, 1, is_dark=False)[0][0].text[0] == SHADES[-1]


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4), st.integers(0, 30), st.integers(0, 20))
def test_any_picture_fits_its_place(width, height, channels, columns, rows):
    pixels = Pixels(width=width, height=height, channels=channels, data=bytes(width * height * channels))

    across, down = picture_size(width, height, columns, rows)
    drawn = half_blocks(pixels, columns, rows, ground=(0, 0, 0))

    assert across <= max(columns, 1)
    assert down <= max(rows, 1)
    assert [sum(cell_width(run.text) for run in row) for row in drawn] == [across] * down
    assert len(shades(pixels, columns, rows)) == down


def test_scaling_down_averages_and_never_scales_up():
    checker = pixels_of([[(0,), (255,)] * 6, [(255,), (0,)] * 6] * 6)

    assert all(100 < value < 160 for value in resized(checker, 3, 3).data)
    assert fitted(10, 5, 100, 100) == (10, 5)
    assert fitted(1000, 1, 10, 10) == (10, 1)


# --- PNG without Pillow ----------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_our_own_png_comes_back(channels):
    pixels = Pixels(
        width=50, height=40, channels=channels, data=bytes(n * 7 % 256 for n in range(50 * 40 * channels))
    )

    assert decode_png(encode_png(pixels)) == pixels


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P"])
def test_every_filter_and_the_palette_are_decoded_as_pillow_does(mode):
    image_module = pytest.importorskip("PIL.Image")
    from io import BytesIO

    image = image_module.new("RGB", (64, 48))
    image.putdata([((x * 5 + y) % 256, (y * 9) % 256, (x * y) % 256) for y in range(48) for x in range(64)])
    image = image.convert(mode)
    file = BytesIO()
    image.save(file, "PNG", optimize=True)

    found = decode_png(file.getvalue())

    expected = image.convert("RGB") if mode == "P" else image
    assert found.data == expected.tobytes()


def test_a_png_that_unpacks_to_more_than_its_size_is_cut():
    image = encode_png(Pixels(width=2, height=2, channels=1, data=b"abcd"))
    bomb = image.replace(
        image[image.index(b"IDAT") - 4 : image.index(b"IEND") - 4],
        _chunk(b"IDAT", zlib.compress(bytes(10_000_000))),
    )

    assert decode_png(bomb).data == bytes(4)


def _chunk(name: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")


def test_pictures_too_large_are_not_decoded():
    header = find_header(encode_png(Pixels(width=1, height=1, channels=1, data=b"a")))
    assert header is not None

    assert "million pixels" in str(
        decode(b"", type(header)(format="png", width=60_000, height=60_000), longest_side=64)
    )


# --- protocols -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environ", "protocol"),
    [
        ({}, Protocol.HALF),
        ({"KITTY_WINDOW_ID": "1"}, Protocol.KITTY),
        ({"TERM": "xterm-kitty"}, Protocol.KITTY),
        ({"TERM_PROGRAM": "ghostty"}, Protocol.KITTY),
        ({"TERM_PROGRAM": "WezTerm"}, Protocol.HALF),
        ({"KITTY_WINDOW_ID": "1", "TMUX": "/tmp/x"}, Protocol.HALF),
        ({"TERM": "xterm-kitty", "SSH_TTY": "/dev/pts/1"}, Protocol.HALF),
        ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, Protocol.HALF),
    ],
    ids=["plain", "kitty", "kitty by TERM", "ghostty", "wezterm", "tmux", "ssh", "no colour"],
)
def test_real_pixels_are_sent_only_to_terminals_that_show_them(environ, protocol):
    assert choose_protocol("auto", environ) is protocol


def test_asking_for_a_protocol_is_enough():
    assert choose_protocol("sixel", {"TMUX": "x"}) is Protocol.SIXEL
    assert choose_protocol("kitty", {"TMUX": "x"}) is Protocol.KITTY
    assert choose_protocol("off", {"KITTY_WINDOW_ID": "1"}) is Protocol.OFF


def test_kitty_gets_the_pixels_whole_and_no_other_sequence():
    pixels = Pixels(width=60, height=50, channels=3, data=bytes(n * 31 % 251 for n in range(9000)))

    sent = kitty_send(7, pixels, 30, 12)

    commands = re.findall(r"\x1b_G([^;\x1b]*)(?:;([A-Za-z0-9+/=]*))?\x1b\\", sent)
    assert "".join(f"\x1b_G{control}{';' if body else ''}{body}\x1b\\" for control, body in commands) == sent
    raw = zlib.decompress(base64.b64decode("".join(body for _, body in commands)))
    assert [raw[at::4] for at in range(3)] == [pixels.data[at::3] for at in range(3)]
    assert set(raw[3::4]) == {255}
    assert all(len(body) <= 4096 for _, body in commands)
    assert commands[-1][0] == "a=p,U=1,q=2,i=7,c=30,r=12"
    assert all("q=2" in control for control, _ in commands)
    assert kitty_forget(7) == "\x1b_Ga=d,d=I,q=2,i=7\x1b\\"


def test_a_placeholder_is_one_cell_that_says_where_it_belongs():
    rows = kitty_rows(3, 2)

    assert rows[1] == "".join(PLACEHOLDER + MARKS[1] + MARKS[column] for column in range(3))
    from rich.cells import cell_len

    assert [cell_len(row) for row in rows] == [3, 3]
    assert kitty_colour(0x123456) == (0x12, 0x34, 0x56)


def test_the_marks_are_the_combining_ones_that_nothing_composes_with():
    composed = {
        chr(int(part, 16))
        for code in range(0x30000)
        for part in unicodedata.decomposition(chr(code)).split()[1:]
        if not unicodedata.decomposition(chr(code)).startswith("<")
    }
    derived = [
        chr(code)
        for code in range(0x300, 0x82E)
        if unicodedata.combining(chr(code)) == 230
        and unicodedata.category(chr(code)) == "Mn"
        and not unicodedata.decomposition(chr(code))
        and chr(code) not in composed
    ]

    assert [mark for mark in derived if mark not in MARKS] == []
    assert list(MARKS) == derived


def test_sixels_paint_each_column_of_six_rows():
    sixel = encode_sixel(pixels_of([[RED] * 5 + [BLUE]] * 6))

    assert sixel.startswith('\x1bP0;1;0q"1;1;6;6')
    assert sixel.endswith("\x1b\\")
    assert "#180;2;100;0;0" in sixel
    assert "#5!5?~$#180!5~?" in sixel


def test_sixels_of_more_rows_are_bands():
    assert encode_sixel(pixels_of([[RED]] * 13)).count("-") == 2


def test_opaque_keeps_grey_grey():
    assert opaque(pixels_of([[(9,), (200,)]]), (0, 0, 0)).data == bytes([9, 9, 9, 200, 200, 200])
