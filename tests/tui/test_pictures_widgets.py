"""Pictures on the screen."""

from textual.app import App
from tui_driven import driven

from localart.media.png import Pixels
from localart_tui.glyphs import ASCII, UNICODE
from localart_tui.pictures.fullscreen import show_in_sixels
from localart_tui.pictures.grid import MOST_PICTURES, PictureGrid, Thumbnail
from localart_tui.pictures.picture import Picture
from localart_tui.pictures.protocols import PLACEHOLDER, Protocol
from localart_tui.tones import themes

SQUARE = Pixels(width=40, height=40, channels=3, data=bytes(n % 256 for n in range(40 * 40 * 3)))


class PictureApp(App):
    def __init__(self, widget, *, images=Protocol.HALF, glyphs=UNICODE) -> None:
        super().__init__()
        self.images = images
        self.glyphs = glyphs
        self.widget = widget
        self.sent: list[str] = []

    def on_mount(self) -> None:
        for theme in themes():
            self.register_theme(theme)
        self.theme = "localart-dark"

    def compose(self):
        yield self.widget


def text(widget) -> list[str]:
    return [widget.render_line(y).text for y in range(widget.size.height)]


@driven
async def test_a_picture_is_half_blocks_with_its_caption_below():
    app = PictureApp(Picture(SQUARE, "step 3 [/]\x1b"))
    async with app.run_test(size=(60, 21)) as pilot:
        await pilot.pause()
        rows = text(app.widget)

        assert "▀" in rows[0]
        assert rows[20].startswith("step 3 [/]\\x1b")
        assert all(len(row) == 60 for row in rows)


@driven
async def test_without_unicode_or_colour_it_is_shades_of_ascii():
    app = PictureApp(Picture(SQUARE), glyphs=ASCII)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()

        assert all(row.isascii() for row in text(app.widget))
        assert any(row.strip() for row in text(app.widget))


@driven
async def test_pictures_off_draws_nothing():
    app = PictureApp(Picture(SQUARE), images=Protocol.OFF)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()

        assert not any(row.strip() for row in text(app.widget))


@driven
async def test_in_kitty_text_stands_for_the_picture_and_it_is_freed_in_the_end(monkeypatch):
    sent: list[str] = []
    monkeypatch.setattr(
        "localart_tui.pictures.painting.write_to_terminal", lambda app, what: sent.append(what)
    )
    app = PictureApp(Picture(SQUARE), images=Protocol.KITTY)
    async with app.run_test(size=(60, 20)) as pilot:
        app.console._color_system = type(app.console._color_system)(3)
        await pilot.pause()
        rows = text(app.widget)

        assert rows[0].count(PLACEHOLDER) == 40
        assert "a=t" in sent[-1]
        await pilot.resize_terminal(30, 20)
        await pilot.pause()
        text(app.widget)
        assert "a=d" in sent[-2]
        await app.widget.remove()
        assert "a=d" in sent[-1]


@driven
async def test_a_grid_shows_thumbnails_and_says_which_was_clicked():
    chosen: list[str] = []

    class GridApp(PictureApp):
        def on_picture_grid_chosen(self, message: PictureGrid.Chosen) -> None:
            chosen.append(message.key)

    thumbnails = [Thumbnail(f"k{n}", f"caption {n}", SQUARE) for n in range(5)]
    app = GridApp(PictureGrid(thumbnails))
    async with app.run_test(size=(80, 30)) as pilot:
        await pilot.pause()
        pictures = list(app.widget.query(Picture))
        assert [text(picture)[-1].strip() for picture in pictures] == [f"caption {n}" for n in range(5)]
        assert len({picture.region.x for picture in pictures}) == 3

        await pilot.click(pictures[3])
        await pilot.pause()
        assert chosen == ["k3"]

        await app.widget.show([Thumbnail(str(n), "") for n in range(100)])
        await pilot.pause()
        last = list(app.widget.query(Picture))[-1]
        assert f"+{100 - MOST_PICTURES} more" in text(last)[-1] + text(last)[0] + text(last)[1]


@driven
async def test_sixels_are_refused_where_the_browser_cannot_be_suspended():
    app = PictureApp(Picture(SQUARE), images=Protocol.SIXEL)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()

        assert show_in_sixels(app, SQUARE, "caption") is False
        assert any("▀" in row for row in text(app.widget))
