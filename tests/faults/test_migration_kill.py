"""An upgrade of the catalog may die at any instruction: it has the old format or the new one, and a copy of the old.

Broken on purpose: without the transaction around the migrations, or with the copy made after it, this fails.
"""

import sqlite3
from contextlib import closing

import pytest
from power import tracing
from power.kill_points import KillBench, broken_by_kills, environment_of_victims
from power.store_checks import damages

from localart.repository import open_repository
from localart.repository.marker import read_marker

pytestmark = pytest.mark.skipif(bool(tracing.why_not()), reason=tracing.why_not() or "traced")


class MigrationBench(KillBench):
    """Also looks at the format, the marker and the copy."""

    def _difference_after(self, scenario, ending, store):
        # Looked at by an older localart, which may only read: whoever may write rolls back what was half done first.
        yield from _wrong_with_format(store)
        yield from super()._difference_after(scenario, ending, store)

    def _wrong_with(self, store):
        # What verify says of a newer format is tested elsewhere.
        with closing(open_repository(store, create=False)) as repository:
            yield from damages(repository)

    def _found_wrong(self, store, *, data=True):
        del data
        return self._wrong_with(store)

    def _rebuilt(self, scenario, store):
        return ()  # the packs know nothing of the table that is new

    def _once_more(self, scenario, store):
        yield from super()._once_more(scenario, store)
        yield from _wrong_with_format(store)
        if _format(store / "localart.db") != 2:
            yield "the same again did not upgrade"


def _wrong_with_format(store):
    found = _format(store / "localart.db")
    copy = store / "localart.db.before-1"
    if found == 2 and read_marker(store).format != 2:
        yield "an older localart is not told"
    if read_marker(store).format == 2 and not copy.exists():
        yield "there is no way back"
    if copy.exists() and _format(copy) != 1:
        yield "the copy is not of the old format"
    if (_colours(store / "localart.db") is not None) != (found == 2):
        yield f"half of the migration is there: {_colours(store / 'localart.db')} in format {found}"


def _format(path):
    return _ask(path, "PRAGMA user_version")


def _colours(path):
    """How many rows the migration made, once for each run; None when its table is not there."""
    try:
        return _ask(path, "SELECT count(*) FROM colours")
    except sqlite3.OperationalError:
        return None


def _ask(path, sql):
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchone()[0]
    finally:
        connection.close()


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    with MigrationBench(tmp_path_factory.mktemp("bench"), environment_of_victims()) as bench:
        yield bench


@pytest.mark.xdist_group("strace")
def test_a_kill_leaves_the_old_format_or_the_new_one(bench):
    assert broken_by_kills(bench, "migrate", some=6) == []


@pytest.mark.sweep
@pytest.mark.timeout(3600)
def test_a_kill_at_any_call_leaves_the_old_format_or_the_new_one(bench):
    assert broken_by_kills(bench, "migrate") == []
