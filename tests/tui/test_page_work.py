"""What was read for a page that is being taken apart is dropped, and never hides a mistake on a page that stays."""

import asyncio

import pytest
from textual.app import App
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import WorkerFailed
from tui_driven import driven

from localart_tui.reading import page_work


class Going(Static):
    """Tells when it is gone: its page still runs then."""

    def on_unmount(self):
        self.screen.answer.set()


class Reader(Screen):
    """Reads something, and shows it where `wanted` says."""

    def __init__(self, wanted):
        super().__init__()
        self.wanted = wanted
        self.answer = asyncio.Event()
        self.reached = []

    def compose(self):
        yield Going(id="text")

    def on_mount(self):
        self.read_slowly()

    @page_work("load")
    async def read_slowly(self):
        await self.answer.wait()
        self.reached.append("answer")
        self.query_one(self.wanted).update("read")
        self.reached.append("shown")


@driven
async def test_what_comes_while_a_page_is_taken_apart_is_dropped():
    """Fails when `page_work` lets every `NoMatches` through: the browser would end."""
    app = App()
    async with app.run_test() as pilot:
        page = Reader("#text")
        await app.push_screen(page)
        await pilot.pause()
        await app.pop_screen()
        await pilot.pause()

        assert page.reached == ["answer"]
        assert app.is_running


async def read_what_is_not_there(page, *, is_hidden):
    app = App()
    async with app.run_test() as pilot:
        await app.push_screen(page)
        page.display = not is_hidden
        await pilot.pause()
        page.answer.set()
        await pilot.pause()


@driven
async def test_a_widget_that_a_page_should_have_is_an_error():
    """Fails when `_is_going` is true of a page that is shown."""
    page = Reader("#none")
    with pytest.raises(WorkerFailed, match="#none"):
        await read_what_is_not_there(page, is_hidden=False)
    assert page.reached == ["answer"]


@driven
async def test_a_hidden_page_is_not_one_that_goes():
    """Fails when `_is_going` asks only whether something is displayed."""
    page = Reader("#none")
    with pytest.raises(WorkerFailed, match="#none"):
        await read_what_is_not_there(page, is_hidden=True)
    assert page.reached == ["answer"]
