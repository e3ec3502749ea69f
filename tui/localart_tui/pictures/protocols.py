"""Real pixels, for terminals that say that they can: what to write, and when to.

kitty (and Ghostty): the picture is sent once under a number; from then on ordinary text stands for it: U+10EEEE with
two combining marks for row and column, in a foreground colour that is the number. What redraws text redraws the
picture, so it goes through Textual unharmed. Source: kitty's "Terminal graphics protocol", Unicode placeholders.

sixel: pixels are painted where the cursor stands and vanish when text is written there, so they cannot live among
widgets; a picture is shown alone, while the browser is suspended. Source: DEC STD 070, VT330/VT340 manual.
"""

import zlib
from base64 import b64encode
from collections.abc import Iterator, Mapping
from enum import Enum

from localart.media.png import Pixels
from localart_tui.pictures.scaling import opaque

PLACEHOLDER = "\U0010eeee"
LARGEST_ID = 0xFFFFFF
_CHUNK = 4096
_SIXEL_LEVELS = 6
_SIXEL_ROWS = 6

# The first marks of kitty's table of row and column marks: combining class 230, no decomposition, never composed.
_MARK_RANGES = (
    "305 30D-30E 310 312 33D-33F 346 34A-34C 350-352 357 35B 363-36F 483-487 592-595 597-599 59C-5A1 5A8-5A9 5AB-5AC"
    " 5AF 5C4 610-617 657-65B 65D-65E 6D6-6DC 6DF-6E2 6E4 6E7-6E8 6EB-6EC 730 732-733 735-736 73A 73D 73F-741 743 745"
    " 747 749-74A 7EB-7F1 7F3 816-819 81B-823 825-827 829-82D"
)


def _marks() -> Iterator[str]:
    for span in _MARK_RANGES.split():
        first, _, last = span.partition("-")
        yield from map(chr, range(int(first, 16), int(last or first, 16) + 1))


MARKS = tuple(_marks())
MOST_CELLS = len(MARKS)
"""Columns or rows that a placeholder can count."""


class Protocol(Enum):
    """How pictures are drawn."""

    OFF = "off"
    HALF = "half"
    KITTY = "kitty"
    SIXEL = "sixel"


def choose_protocol(wanted: str, environ: Mapping[str, str]) -> Protocol:
    """What `--images` and the environment ask for. `auto` is half blocks unless the terminal is kitty or Ghostty.

    Inside tmux or screen and over SSH `auto` stays with half blocks: what lies between may swallow or mangle pixels.
    WezTerm knows kitty's pictures but not their placeholders, so it gets half blocks as well.
    """
    if wanted != "auto":
        return Protocol(wanted)
    between = ("TMUX", "STY", "SSH_TTY", "SSH_CONNECTION", "NO_COLOR")
    if any(environ.get(name) for name in between):
        return Protocol.HALF
    is_kitty = bool(environ.get("KITTY_WINDOW_ID")) or environ.get("TERM") == "xterm-kitty"
    is_ghostty = environ.get("TERM") == "xterm-ghostty" or environ.get("TERM_PROGRAM") == "ghostty"
    return Protocol.KITTY if is_kitty or is_ghostty else Protocol.HALF


# --- kitty -----------------------------------------------------------------------------------------


def kitty_send(picture_id: int, pixels: Pixels, columns: int, rows: int) -> str:
    """What gives the terminal the pixels and lays them out over `columns` × `rows` cells, invisibly. One write.

    It moves no cursor and asks for no answer (`q=2`); errors are silent: the cells stay empty.
    """
    body = b64encode(zlib.compress(_rgba(pixels), 1)).decode("ascii")
    chunks = [body[at : at + _CHUNK] for at in range(0, len(body), _CHUNK)] or [""]
    first = f"a=t,q=2,f=32,o=z,i={picture_id},s={pixels.width},v={pixels.height}"
    sent = [
        _kitty(f"{first if at == 0 else 'q=2'},m={int(at < len(chunks) - 1)}", chunk)
        for at, chunk in enumerate(chunks)
    ]
    return "".join(sent) + _kitty(f"a=p,U=1,q=2,i={picture_id},c={columns},r={rows}")


def kitty_forget(picture_id: int) -> str:
    """What frees the picture in the terminal."""
    return _kitty(f"a=d,d=I,q=2,i={picture_id}")


def _kitty(control: str, payload: str = "") -> str:
    return f"\x1b_G{control}{';' if payload else ''}{payload}\x1b\\"


def kitty_rows(columns: int, rows: int) -> list[str]:
    """The text that stands for the picture, row by row; every cell says where it belongs, so any may be redrawn."""
    return [
        "".join(PLACEHOLDER + MARKS[row] + MARKS[column] for column in range(min(columns, MOST_CELLS)))
        for row in range(min(rows, MOST_CELLS))
    ]


def kitty_colour(picture_id: int) -> tuple[int, int, int]:
    """The foreground colour that names the picture."""
    return picture_id >> 16 & 255, picture_id >> 8 & 255, picture_id & 255


def _rgba(pixels: Pixels) -> bytes:
    if pixels.channels == 4:
        return pixels.data
    if pixels.channels == 2:
        grey, alpha = pixels.data[0::2], pixels.data[1::2]
        return _four(grey, grey, grey, alpha)
    rgb = opaque(pixels, (0, 0, 0)).data
    return _four(rgb[0::3], rgb[1::3], rgb[2::3], b"\xff" * (pixels.width * pixels.height))


def _four(red: bytes, green: bytes, blue: bytes, alpha: bytes) -> bytes:
    result = bytearray(len(red) * 4)
    result[0::4], result[1::4], result[2::4], result[3::4] = red, green, blue, alpha
    return bytes(result)


# --- sixel -----------------------------------------------------------------------------------------


def encode_sixel(pixels: Pixels, *, ground: tuple[int, int, int] = (0, 0, 0)) -> str:
    """The picture as sixels in a fixed palette of 216 colours; painted where the cursor stands."""
    rgb = opaque(pixels, ground)
    numbers = _palette_numbers(rgb.data)
    header = f'\x1bP0;1;0q"1;1;{pixels.width};{pixels.height}'
    palette = "".join(_palette_entry(number) for number in sorted(set(numbers)))
    bands = (
        _band(numbers[top * pixels.width : (top + _SIXEL_ROWS) * pixels.width], pixels.width)
        for top in range(0, pixels.height, _SIXEL_ROWS)
    )
    return header + palette + "-".join(bands) + "\x1b\\"


def _palette_numbers(rgb: bytes) -> bytes:
    level = bytes((value * (_SIXEL_LEVELS - 1) + 127) // 255 for value in range(256))
    red, green, blue = (rgb[at::3].translate(level) for at in range(3))
    return bytes([r * 36 + g * 6 + b for r, g, b in zip(red, green, blue, strict=True)])


def _palette_entry(number: int) -> str:
    shares = (number // 36, number // 6 % 6, number % 6)
    return f"#{number};2;" + ";".join(str(share * 20) for share in shares)


def _band(numbers: bytes, width: int) -> str:
    """Six rows: for each colour in them its bits column by column, then back to the left for the next."""
    rows = [numbers[at : at + width] for at in range(0, len(numbers), width)]
    columns = list(zip(*rows, strict=True))
    return "$".join(f"#{number}{_packed(_bits(columns, number))}" for number in sorted(set(numbers)))


def _bits(columns: list[tuple[int, ...]], number: int) -> bytes:
    return bytes([63 + sum(1 << at for at, one in enumerate(column) if one == number) for column in columns])


def _packed(bits: bytes) -> str:
    result = []
    at = 0
    while at < len(bits):
        end = at + 1
        while end < len(bits) and bits[end] == bits[at]:
            end += 1
        count, char = end - at, chr(bits[at])
        result.append(f"!{count}{char}" if count > 3 else char * count)
        at = end
    return "".join(result)
