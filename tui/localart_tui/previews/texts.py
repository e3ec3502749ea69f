"""Text, code and logs: the beginning, line by line; what is no text goes on as bytes."""

from localart_tui.previews.hexdump import read_hex
from localart_tui.previews.record import LONGEST_LINE, MOST_LINES, Note, Preview, Section, TextLines
from localart_tui.previews.source import ByteSource

TEXT_BYTES = 256 << 10
_SNIFFED = 8192
_LANGUAGES = {
    "py": "python", "yaml": "yaml", "yml": "yaml", "md": "markdown", "json": "json", "toml": "toml", "sh": "bash",
    "js": "javascript", "ts": "typescript", "html": "html", "xml": "xml", "css": "css", "sql": "sql", "ini": "ini",
    "cfg": "ini", "c": "c", "h": "c", "cpp": "cpp", "cu": "cuda", "rs": "rust", "go": "go", "r": "r", "java": "java",
    "tex": "latex", "diff": "diff", "patch": "diff",
}  # fmt: skip


def read_text(source: ByteSource, path: str) -> Preview:
    """The first lines of a text; the first bytes of what is none."""
    head = source.read(0, TEXT_BYTES)
    if not looks_like_text(head):
        return read_hex(source, path)
    return text_preview(head, source.size_bytes, path)


def text_preview(head: bytes, size_bytes: int, path: str) -> Preview:
    """`head`, the beginning of a file of `size_bytes`, as lines."""
    lines = decoded(head, is_cut=len(head) < size_bytes).split("\n")
    shown = tuple(_line(line) for line in lines[:MOST_LINES])
    language = _LANGUAGES.get(path.rpartition(".")[2].lower(), "")
    sections: list[Section] = [TextLines(shown, language)]
    if len(head) < size_bytes or len(lines) > MOST_LINES:
        sections.append(
            Note(f"these are the first {len(shown):,} lines; the file has {size_bytes:,} bytes in all")
        )
    return Preview(f"{language or 'text'}", tuple(sections))


def looks_like_text(head: bytes) -> bool:
    """Whether the first bytes read as text: no NUL (but in UTF-16), few control characters."""
    some = head[:_SNIFFED]
    if some.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if b"\0" in some:
        return False
    control = sum(some.count(bytes([code])) for code in (*range(1, 9), *range(14, 27), *range(28, 32), 127))
    wrong = some.decode("utf-8", "replace").count("\ufffd")
    return control * 20 <= len(some) and wrong * 10 <= len(some)


def decoded(head: bytes, *, is_cut: bool) -> str:
    """Bytes as text, in UTF-16 where they say so, else in UTF-8; a character cut in half at the end is left out."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", "replace")
    text = head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    return text.rstrip("\ufffd") if is_cut else text


def _line(line: str) -> str:
    line = line.removesuffix("\r")
    rest = len(line) - LONGEST_LINE
    return line if rest <= 0 else f"{line[:LONGEST_LINE]}… (+{rest:,} characters)"
