"""Read for a page or a part of one: what goes wrong is shown there, what comes too late is dropped."""

from __future__ import annotations

import sqlite3
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from textual import work
from textual.css.query import NoMatches
from textual.widget import Widget

from localart.errors import LocalartError, UsageError
from localart_tui.tones import Tone

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from textual.worker import Worker

    from localart.catalog.connection import Connection
    from localart_tui.page import Page

T = TypeVar("T")
P = ParamSpec("P")
W = TypeVar("W", bound=Widget)


def page_work(
    group: str, *, exclusive: bool = True
) -> Callable[
    [Callable[Concatenate[W, P], Coroutine[Any, Any, None]]], Callable[Concatenate[W, P], Worker[None]]
]:
    """Make a method a worker, as `textual.work` does, that may find its page being taken apart.

    A page's widgets go before its workers are stopped: who waited for the store in between finds none of them.
    Nobody sees that page any more, so the rest of the work is left. On a page that stays it is an error.
    """

    def decorate(
        method: Callable[Concatenate[W, P], Coroutine[Any, Any, None]],
    ) -> Callable[Concatenate[W, P], Worker[None]]:
        @work(exclusive=exclusive, group=group)
        @wraps(method)
        async def run(self: W, *args: P.args, **kwargs: P.kwargs) -> None:
            try:
                await method(self, *args, **kwargs)
            except NoMatches:
                if not _is_going(self):
                    raise

        return run

    return decorate


def _is_going(node: Widget) -> bool:
    """Whether the node or something around it is being removed: then it is hidden whatever its styles say."""
    around = node.ancestors_with_self
    return any(not one.display and one.styles.display != "none" for one in around)


async def read_or_tell(page: Page[Any], job: Callable[[Connection], T]) -> T | None:
    """What `job` gives in a reading thread; None when it failed, and the page says so. May be cancelled."""
    try:
        return await page.store.read(job)
    except UsageError as error:
        page.say((error.message, Tone.WARN))
    except (LocalartError, sqlite3.Error, OSError) as error:
        page.fail(error)
    return None
