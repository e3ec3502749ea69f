"""Read for a part of a page: what goes wrong with the store is shown on the page."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, TypeVar

from localart.errors import LocalartError, UsageError
from localart_tui.tones import Tone

if TYPE_CHECKING:
    from collections.abc import Callable

    from localart.catalog.connection import Connection
    from localart_tui.page import Page

T = TypeVar("T")


async def read_or_tell(page: Page[Any], job: Callable[[Connection], T]) -> T | None:
    """What `job` gives in a reading thread; None when it failed, and the page says so. May be cancelled."""
    try:
        return await page.store.read(job)
    except UsageError as error:
        page.say((error.message, Tone.WARN))
    except (LocalartError, sqlite3.Error, OSError) as error:
        page.fail(error)
    return None
