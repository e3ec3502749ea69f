"""The journal: one chained record for each committed change, never altered."""

import json
import sqlite3
from contextlib import closing

import pytest

from localart.catalog import versions
from localart.catalog.transaction import FIRST_PREVIOUS, chain_digest
from localart.errors import CatalogDamaged
from localart.jsonable import canonical_json

from catalog_rows import log_texts  # isort: skip


def rows_of(catalog) -> list[tuple]:
    sql = "SELECT seq, uid, site, time, kind, body, digest, previous FROM journal ORDER BY seq"
    return catalog.read().execute(sql).fetchall()


def canonical_of(row: tuple) -> bytes:
    seq, uid, site, time, kind, body, _, _ = row
    record = {"body": json.loads(body), "kind": kind, "seq": seq, "site": site, "time": time, "uid": uid}
    return canonical_json(record)


def test_every_record_follows_the_one_before_it(catalog):
    version = log_texts(catalog, {"a": "1"}, metadata={"é": [1, 2.5, None]})
    with catalog.write() as tx:
        versions.set_alias(tx, version, "best")
        versions.set_tags(tx, version, ["x", "y"])
        versions.remove_alias(tx, version, "best")

    rows = rows_of(catalog)

    previous = FIRST_PREVIOUS
    for number, row in enumerate(rows, start=1):
        assert row[0] == number
        assert row[7] == previous
        assert row[6] == chain_digest(previous, canonical_of(row))
        previous = row[6]
    kinds = [row[4] for row in rows]
    assert kinds == ["project.created", "artifact.created", "alias.set", "version.tagged", "alias.removed"]


def test_records_of_a_transaction_are_handed_out_as_they_were_written(catalog):
    with catalog.write() as tx:
        tx.record("test.one", {"b": 1, "a": "é"})
        tx.record("test.two", {})
        records = list(tx.records)

    rows = rows_of(catalog)
    assert [record.digest for record in records] == [row[6] for row in rows]
    assert [record.canonical for record in records] == [canonical_of(row) for row in rows]
    assert rows[0][5] == '{"a":"é","b":1}'


def test_a_transaction_that_fails_leaves_no_record_and_no_gap(catalog):
    def fail() -> None:
        with catalog.write() as tx:
            tx.record("test.lost", {})
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        fail()
    with catalog.write() as tx:
        tx.record("test.kept", {})

    assert [(row[0], row[4], row[7]) for row in rows_of(catalog)] == [(1, "test.kept", FIRST_PREVIOUS)]


@pytest.mark.parametrize(
    "statement", ["UPDATE journal SET kind = 'x'", "DELETE FROM journal", "UPDATE journal SET body = '{}'"]
)
def test_the_journal_can_only_grow(catalog, statement):
    with catalog.write() as tx:
        tx.record("test.one", {})

    def tamper() -> None:
        with catalog.write() as tx:
            tx.execute(statement)

    with pytest.raises(CatalogDamaged, match="append-only"):
        tamper()
    with closing(sqlite3.connect(catalog.path)) as foreign, pytest.raises(sqlite3.IntegrityError):
        foreign.execute(statement)

    assert [row[4] for row in rows_of(catalog)] == ["test.one"]
