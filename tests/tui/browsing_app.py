"""The whole browser on a store, driven without a terminal."""

from contextlib import asynccontextmanager
from pathlib import Path

from localart_tui.app import LocalartApp, Options
from localart_tui.data.store import open_store
from localart_tui.filterbar import FilterBar
from localart_tui.places import Place


@asynccontextmanager
async def browsing(root, place=None, *, size=(100, 30), app_class=LocalartApp, **options):
    """The app and its pilot, on the page, read and painted."""
    store = open_store(Path(root))
    app = app_class(store, place or Place("home"), Options(**options))
    try:
        async with app.run_test(size=size) as pilot:
            await ready(pilot)
            yield app, pilot
    finally:
        store.close()


async def ready(pilot, seconds=5.0):
    """Wait until the page in front has read what it shows (or failed to)."""
    for _ in range(int(seconds / 0.01)):
        await pilot.pause(0.01)
        page = pilot.app.page
        busy = [
            worker for worker in pilot.app.workers if worker.group in {"load", "files", "lineage", "preview"}
        ]
        if page is not None and page.is_mounted and not busy and (page.loaded is not None or page.error):
            await pilot.pause()
            return
    raise AssertionError("the page did not settle")


async def press(pilot, *keys):
    """Press keys one by one, each until the page has settled."""
    for key in keys:
        await pilot.press(key)
        typing = pilot.app.page is not None and pilot.app.page.query_one(FilterBar).is_typing
        await pilot.pause(0.08 if typing else 0)  # a typed filter rests 60 ms
        await ready(pilot)


def screen_text(app):
    """What is on the screen, a line a row, without colours."""
    strips = app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip).rstrip() for strip in strips)


def bar(app, name):
    """A row around the page, as it reads."""
    from localart_tui.chrome import Bar

    return app.page.query_one(f"#{name}", Bar).plain
