"""Labels made fit to be drawn: one printable line that cannot move the cursor, hide text, or pass for a line.

Widths are terminal cells: wide East Asian characters count two, combining marks none.
"""

import re
import unicodedata

from localart.model import GraphNode, NodeKind
from localart.records import dataclass

MAX_LABEL = 120

_HIDDEN_CATEGORIES = {"Cc", "Cf", "Cn", "Co", "Cs", "Me", "Zl", "Zp"}
_DRAWN = {*map(chr, range(0x2500, 0x2580)), "●", "▣", "▶", "◀", "▏", "↺", "⇠"}
_TAIL = re.compile(r"(:[^:\s]+|[-_ ]×?[0-9]+| ×[0-9]+(?: [✓✗…][0-9]+)+| x[0-9]+(?: (?:ok|bad|~)[0-9]+)+)$")
_WITH_ALIASES = re.compile(r"(\S+:v[0-9]+)\s+(.+)")
_ASCII_STAND_INS = str.maketrans({"…": "~", "×": "x", "–": "-", "→": "->", "↺": "@", "✓": "ok", "✗": "bad"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """What is written beside a node, already clean. `detail` is "" when the title says it."""

    title: str
    aliases: str
    detail: str
    state: str


def caption(node: GraphNode, limit: int = MAX_LABEL) -> Caption:
    """The texts of `node`, each of at most `limit` characters; a committed version's state goes unsaid."""
    label = _unlike_lines(clean(node.label or node.key, limit))
    split = _WITH_ALIASES.fullmatch(label) if node.kind is NodeKind.VERSION else None
    title, aliases = split.groups() if split else (label, "")
    group = _unlike_lines(clean(node.group, limit))
    repeated = group == title or title.startswith(f"{group} ×")
    state = "" if node.state == "COMMITTED" else clean(node.state, limit)
    return Caption(title=title, aliases=aliases, detail="" if repeated else group, state=state)


def _unlike_lines(text: str) -> str:
    """`text` without the signs that drawings are made of, so that it cannot pretend to be part of one."""
    return text if text.isascii() else "".join(_visible(char) if char in _DRAWN else char for char in text)


def clean(text: str, limit: int = MAX_LABEL) -> str:
    r"""`text` on one line of at most `limit` characters; what is invisible is spelled out, as in `\x1b`.

    A text that is too long loses its middle, so that `:v3` at its end stays. Only the kept part is read.
    """
    if len(text) <= limit and text.isascii() and text.isprintable():
        return text
    kept = _without_middle(text, limit)
    spelled = (_visible(char) if unicodedata.category(char) in _HIDDEN_CATEGORIES else char for char in kept)
    return _without_middle("".join(spelled), limit)


def _visible(char: str) -> str:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")


def _without_middle(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    tail = _tail(text, limit)
    return text[: limit - 1 - len(tail)] + "…" + tail


def _tail(text: str, width: int) -> str:
    """The end of `text` worth keeping: `:v3` or `-77`, when it leaves room for at least half of the rest."""
    found = _TAIL.search(text[-max(width // 2, 1) :])
    return found[0] if found else ""


def shorten(text: str, width: int) -> str:
    """Clean `text` in at most `width` cells: `mnist-r…:v0`, never `mnist-raw:…`. Nothing when `width` < 1."""
    if width < 1:
        return ""
    if cell_width(text) <= width:
        return text
    tail = _tail(text, width)
    return _first_cells(text, width - 1 - cell_width(tail)) + "…" + tail


def _first_cells(text: str, width: int) -> str:
    used = 0
    for position, char in enumerate(text):
        used += cell_width(char)
        if used > width:
            return text[:position].rstrip(":")
    return text


def cut(text: str, width: int) -> str:
    """Clean `text` up to `width` cells, the last of them `…` if there was more."""
    return text if cell_width(text) <= width else _first_cells(text, width - 1) + "…"


def padded(text: str, width: int) -> str:
    """Clean `text` in exactly `width` cells."""
    fitted = shorten(text, width)
    return fitted + " " * (width - cell_width(fitted))


def cell_width(text: str) -> int:
    """How many terminal cells clean `text` takes."""
    if text.isascii():
        return len(text)
    return sum(map(char_cells, text))


def char_cells(char: str) -> int:
    """How many cells one clean character takes: 0, 1 or 2."""
    if unicodedata.combining(char) or unicodedata.category(char) == "Mn":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def to_ascii(text: str) -> str:
    r"""Clean `text` in ASCII: stand-ins for our own signs, `\xe9` for the rest."""
    return text.translate(_ASCII_STAND_INS).encode("ascii", "backslashreplace").decode("ascii")
