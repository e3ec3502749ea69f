"""`localart sql`: any question to the catalog, in SQL, read-only."""

import csv
import io
import sys
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

import click

from localart.cli.command import Call, command
from localart.cli.tables import Column

if TYPE_CHECKING:
    from localart.catalog.readonly_sql import QueryResult, SqlValue

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
_TSV_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@command(
    "sql",
    examples=(
        "localart sql 'select * from versions_view'",
        "localart sql --csv 'select * from runs_view' > runs.csv",
    ),
)
@click.argument("query")
@click.option(
    "--csv", "form", flag_value="csv", help="Write CSV, with a ' before what a spreadsheet would run."
)
@click.option(
    "--tsv", "form", flag_value="tsv", help="Write tab-separated values, with \\t and \\n spelled out."
)
@click.option(
    "--seconds", type=click.FloatRange(min=0.1), default=60.0, show_default=True, help="Stop after this."
)
def sql_command(call: Call, query: str, form: str | None, seconds: float) -> None:
    """Ask the catalog one SQL query (- reads it from stdin). Nothing can be changed.

    Start with the views versions_view, runs_view, lineage_view, files and metrics_view.
    """
    from localart.catalog.readonly_sql import readonly_query

    if form and call.console.as_json:
        raise click.UsageError(f"--json and --{form} exclude each other", click.get_current_context())
    text = sys.stdin.read() if query == "-" else query
    repository = call.open()
    with readonly_query(repository.catalog.path, text, seconds=seconds) as result:
        _write(call, result, form)


def _write(call: Call, result: "QueryResult", form: str | None) -> None:
    if call.console.as_json:
        call.console.stream(
            {"columns": list(result.columns)}, "rows", ([*map(_json, row)] for row in result.rows)
        )
    elif not result.columns:
        call.console.say("the query has no result")
    elif form == "csv":
        for line in _csv_lines(result):
            call.console.raw(line)
    elif form == "tsv":
        for row in chain([result.columns], result.rows):
            call.console.raw("\t".join(map(_tsv, row)) + "\n")
    else:
        columns = [Column(title=name, shrinks=True, least=4) for name in result.columns]
        call.console.table(columns, ([*map(_cell, row)] for row in result.rows))


def _json(value: "SqlValue") -> object:
    return value.hex() if isinstance(value, bytes) else value


def _cell(value: "SqlValue") -> str:
    if value is None:
        return "NULL"
    return value.hex() if isinstance(value, bytes) else str(value)


def _tsv(value: "SqlValue") -> str:
    return "" if value is None else _cell(value).translate(_TSV_ESCAPES)


def _csv_lines(result: "QueryResult") -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(map(_guarded, result.columns))
    for row in result.rows:
        writer.writerow(map(_guarded, row))
        if buffer.tell() > 1 << 16:
            yield _emptied(buffer)
    yield _emptied(buffer)


def _guarded(value: "SqlValue") -> str:
    """A text that a spreadsheet would take for a formula is marked as text."""
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(_FORMULA_SIGNS):
        return f"'{value}"
    return _cell(value)


def _emptied(buffer: io.StringIO) -> str:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text
