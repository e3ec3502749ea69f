"""Previews on the screen: rows of clean text, made when looked at, loaded beside the loop."""

import os
import threading
import time

import pytest
from preview_files import VALID, png
from test_previews_hostile import HOSTILE
from textual.app import App
from tui_driven import driven, settled

import localart
from localart.errors import LocalartError
from localart.model import BlobRef
from localart.operations.resolve import resolve_version
from localart_tui.data.contents import StoredBytes, preview_file
from localart_tui.data.store import open_store
from localart_tui.glyphs import ASCII, UNICODE
from localart_tui.previews.layout import Layout
from localart_tui.previews.opening import open_preview
from localart_tui.previews.pane import FilePreview
from localart_tui.previews.record import (
    Facts,
    HexDump,
    Note,
    Preview,
    Table,
    TextLines,
    Tree,
    TreeLine,
    Weight,
)
from localart_tui.previews.source import BytesInMemory
from localart_tui.text import cell_width
from localart_tui.tones import Tone, themes

EVIL = [
    "[/]",
    "[@click=app.quit]x",
    "\x1b]52;c;QQ==\x07",
    "\x9b2J",
    "\u202eevil",
    "a\nb",
    "\ud800",
    "\0",
    "👩\u200d🔬",
    "漢字",
]


def rows(layout: Layout) -> list[str]:
    return ["".join(text for text, _ in layout.row(number)) for number in range(layout.height)]


def laid_out(*sections, width: int = 80, ascii_only: bool = False) -> list[str]:
    return rows(Layout(Preview("kind", sections), width, ascii_only=ascii_only))


# --- rows ------------------------------------------------------------------------------------------


def test_each_section_reads_as_it_should():
    assert laid_out(Facts((("dtype", "float32"), ("shape", "[3]"))))[2:] == ["dtype  float32", "shape  [3]"]
    assert laid_out(Note("careful", Weight.DANGER))[2:] == ["DANGER careful"]
    assert laid_out(TextLines(("a", "\tb")))[2:] == ["a", "    b"]
    assert laid_out(Tree((TreeLine(0, "", "{1 items}"), TreeLine(1, "a", "1"), TreeLine(2, "b", "2"))))[
        2:
    ] == [
        "{1 items}",
        "a  1",
        "  b  2",
    ]
    assert laid_out(Table(("name", "n"), (("a", "1"), ("bb",)), frozenset({1})))[2:] == [
        "name  n",
        "────  ─",
        "a     1",
        "bb     ",
    ]
    assert laid_out(HexDump(b"hello\x00\xff"))[2] == (
        "00000000  68 65 6c 6c 6f 00 ff                              hello.."
    )


def test_code_is_coloured_and_says_what_it_said():
    lines = ("import os", "", "def f():", '    return "x"  # why')

    layout = Layout(Preview("python", (TextLines(lines, "python"),)), 80)

    assert rows(layout)[2:] == list(lines)
    tones = {text.strip(): tone for number in range(layout.height) for text, tone in layout.row(number)}
    assert tones["import"] is Tone.ACCENT
    assert tones["# why"] is Tone.DIM


@pytest.mark.parametrize("path", sorted(VALID))
def test_every_kind_of_file_has_rows_of_clean_text(path):
    layout = Layout(open_preview(BytesInMemory(VALID[path]), path), 80)

    for number in range(layout.height):
        text = "".join(text for text, _ in layout.row(number))
        assert not text or text.isprintable()
        assert cell_width(text) <= max(layout.width, 1)


@pytest.mark.parametrize("name", [name for name in HOSTILE if "bomb" not in name and "million" not in name])
def test_hostile_files_are_laid_out_in_rows_that_end(name):
    path, content = HOSTILE[name]
    layout = Layout(open_preview(BytesInMemory(content), path), 80)

    assert layout.height < 12_000
    for number in (*range(min(layout.height, 60)), layout.height - 1, layout.height):
        assert all(not text or text.isprintable() for text, _ in layout.row(number))


@pytest.mark.parametrize("text", EVIL, ids=range(len(EVIL)))
def test_evil_text_anywhere_in_a_preview_is_spelled_out(text):
    preview = Preview(
        text,
        (
            Note(text),
            Facts(((text, text),)),
            TextLines((text,), "python"),
            Table((text,), ((text,),)),
            Tree((TreeLine(1, text, text),)),
        ),
    )

    for row in rows(Layout(preview, 80)):
        assert not row or row.isprintable()
    for row in rows(Layout(preview, 80, ascii_only=True)):
        assert "\x1b" not in row


# --- the widget ------------------------------------------------------------------------------------


class PreviewApp(App):
    def __init__(self, *, glyphs=UNICODE) -> None:
        super().__init__()
        self.glyphs = glyphs
        self.pane = FilePreview()

    def on_mount(self) -> None:
        for theme in themes():
            self.register_theme(theme)
        self.theme = "localart-dark"
        self.pane.focus()

    def compose(self):
        yield self.pane


def seen(app: PreviewApp) -> list[str]:
    return [app.pane.render_line(y).text.rstrip() for y in range(app.pane.size.height)]


def preview_of(path: str, content: bytes | None = None) -> Preview:
    return open_preview(BytesInMemory(VALID[path] if content is None else content), path)


async def loaded(pilot) -> None:
    await pilot.pause(0.15)
    await settled(pilot)


@driven
async def test_a_file_is_shown_and_scrolled_with_keys():
    app = PreviewApp()
    async with app.run_test(size=(60, 12)) as pilot:
        content = "\n".join(f"line {n} " + "x" * 100 for n in range(100)).encode()
        app.pane.load(lambda: preview_of("x.txt", content))
        await loaded(pilot)
        assert seen(app)[2].startswith("line 0 xxx")

        await pilot.press("j")
        assert seen(app)[1].startswith("line 0 ")
        await pilot.press("G")
        assert any("line 99" in row for row in seen(app))
        await pilot.press("g", "right")
        assert not seen(app)[2].startswith("line 0 ")
        await pilot.press("left", "pagedown")
        assert seen(app)[0].startswith("line 8 ")


@driven
async def test_only_the_newest_of_many_quick_wishes_is_made():
    made: list[int] = []

    def make(number: int):
        def run() -> Preview:
            made.append(number)
            return Preview(f"file {number}", ())

        return run

    app = PreviewApp()
    async with app.run_test(size=(60, 12)) as pilot:
        for number in range(20):
            app.pane.load(make(number))
        await loaded(pilot)

        assert made == [19]
        assert seen(app)[0] == "file 19"


@driven
async def test_a_slow_file_says_that_it_is_read_and_never_replaces_a_newer_one():
    go_on = threading.Event()

    def slow() -> Preview:
        go_on.wait(5)
        return Preview("slow", ())

    app = PreviewApp()
    async with app.run_test(size=(60, 12)) as pilot:
        app.pane.load(slow, at_once=True)
        await pilot.pause(0.3)
        assert seen(app)[0] == "reading…"

        app.pane.load(lambda: Preview("quick", ()), at_once=True)
        go_on.set()
        await loaded(pilot)
        assert seen(app)[0] == "quick"


@driven
async def test_a_picture_is_drawn_among_the_rows():
    app = PreviewApp()
    async with app.run_test(size=(60, 30)) as pilot:
        app.pane.show(preview_of("x.png", png(40, 40)))
        await pilot.pause()
        assert any("▀" in row for row in seen(app))

        await pilot.resize_terminal(20, 30)
        await pilot.pause()
        assert max(len(row) for row in seen(app)[5:]) <= 20


@driven
async def test_every_kind_and_every_hostile_file_is_shown_without_a_control_character():
    app = PreviewApp()
    async with app.run_test(size=(60, 20)) as pilot:
        files = [(path, VALID[path]) for path in sorted(VALID)]
        files += [HOSTILE[name] for name in list(HOSTILE)[::5]]
        for path, content in files:
            app.pane.show(preview_of(path, content))
            await pilot.pause()
            assert all(row.isprintable() for row in seen(app) if row)
        app.pane.show(None)
        assert not any(seen(app))


@driven
async def test_in_ascii_rules_and_waves_are_ascii():
    app = PreviewApp(glyphs=ASCII)
    async with app.run_test(size=(60, 30)) as pilot:
        for path in ("a.wav", "a.csv", "a.png"):
            app.pane.show(preview_of(path))
            await pilot.pause()
            assert all(row.isascii() for row in seen(app)[3:])


# --- from the store --------------------------------------------------------------------------------


@pytest.fixture
def stored(store, tmp_path):
    """A version with a large file, a table, an exploit and a reference; the open store and its entries."""
    (tmp_path / "big.bin").write_bytes(os.urandom(2_000_000))
    (tmp_path / "t.csv").write_bytes(VALID["a.csv"])
    (tmp_path / "evil.pkl").write_bytes(VALID["evil.pkl"])
    (tmp_path / "elsewhere.txt").write_text("not here")
    with localart.init(project="p") as run:
        artifact = localart.Artifact("data", type="dataset")
        for name in ("big.bin", "t.csv", "evil.pkl"):
            artifact.add_file(str(tmp_path / name))
        artifact.add_reference(f"file://{tmp_path / 'elsewhere.txt'}")
        run.log_artifact(artifact).wait()
    opened = open_store(store)
    version = resolve_version(opened.repository, "p/data:latest", project=None)
    from localart.catalog import manifests

    connection = opened.connection()
    manifest = manifests.get_manifest(connection, version.manifest_id)
    entries = {entry.path: entry for entry in manifests.iter_entries(connection, manifest)}
    yield opened, entries
    opened.close()


def test_a_stored_file_is_previewed_by_its_digest(stored):
    opened, entries = stored

    assert preview_file(opened, entries["t.csv"]).kind == "CSV table"
    assert any(
        "system" in note.text
        for note in preview_file(opened, entries["evil.pkl"]).sections
        if isinstance(note, Note)
    )
    assert preview_file(opened, entries["big.bin"]).kind == "binary file"


def test_a_range_of_a_stored_file_is_its_bytes(stored, tmp_path):
    opened, entries = stored
    content = (tmp_path / "big.bin").read_bytes()
    entry = entries["big.bin"]
    source = StoredBytes(opened, BlobRef(entry.digest, entry.size_bytes))

    for offset, length in ((0, 10), (1_500_000, 100_000), (1_999_990, 50), (5_000_000, 1)):
        assert source.read(offset, length) == content[offset : offset + length]


def test_a_reference_is_named_and_never_fetched(stored):
    opened, entries = stored

    found = preview_file(opened, entries["elsewhere.txt"])

    assert found.kind == "reference"
    assert "not here" not in str(found)


def test_a_missing_or_damaged_blob_is_a_note(stored, store):
    opened, entries = stored
    for pack in (store / "packs").iterdir():
        content = bytearray(pack.read_bytes())
        for at in range(200, len(content), 5000):
            content[at] ^= 0xFF
        pack.write_bytes(content)

    found = preview_file(opened, entries["big.bin"])

    assert any("cannot be read" in note.text for note in found.sections if isinstance(note, Note))


def test_previews_of_one_store_may_be_made_in_several_threads(stored):
    opened, entries = stored
    failures: list[LocalartError] = []

    def look() -> None:
        for _ in range(5):
            for entry in entries.values():
                if "cannot be read" in str(preview_file(opened, entry)):
                    failures.append(LocalartError("it could not be read"))

    threads = [threading.Thread(target=look) for _ in range(4)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert time.monotonic() - begun < 30
