"""A catalog of its own for each test."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localart.catalog import Catalog, create_catalog


class Ticking:
    """A clock and a maker of uids that never say the same twice."""

    def __init__(self) -> None:
        self._count = itertools.count(1)

    def now(self) -> str:
        return f"2026-01-01T00:00:00.{next(self._count):06d}Z"

    def uid(self) -> str:
        return f"00000000-0000-7000-8000-{next(self._count):012x}"


@pytest.fixture
def open_catalog(tmp_path: Path) -> Iterator[Callable[..., Catalog]]:
    """Open the catalog `localart.db` of the test, made first if need be; all are closed afterwards."""
    opened: list[Catalog] = []
    ticking = Ticking()

    def open_one(folder: Path = tmp_path, *, read_only: bool = False, network: bool = False) -> Catalog:
        path = folder / "localart.db"
        (folder / "locks").mkdir(exist_ok=True, parents=True)
        if not path.exists():
            create_catalog(path, now=ticking.now(), facts={"store": "a-store", "created_at": ticking.now()})
        catalog = Catalog(
            path,
            folder / "locks" / "writer.lock",
            read_only=read_only,
            network=network,
            site="here",
            clock=ticking.now,
            new_uid=ticking.uid,
        )
        opened.append(catalog)
        return catalog

    yield open_one
    for catalog in opened:
        catalog.close()


@pytest.fixture
def catalog(open_catalog) -> Catalog:
    return open_catalog()
