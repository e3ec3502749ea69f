"""`localart search`: find words in what the catalog knows."""

from typing import TYPE_CHECKING

import click

from localart.cli.command import Call, command
from localart.cli.tables import Column

if TYPE_CHECKING:
    from localart.operations.search import Hit

_COLUMNS = (
    Column(title="KIND"),
    Column(title="ADDRESS", shrinks=True, least=16),
    Column(title="ABOUT", shrinks=True),
    Column(title="WHERE", shrinks=True, least=16),
)


@command("search", examples=("localart search digits net",))
@click.argument("words", nargs=-1, required=True, metavar="WORD...")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True,
              help="At most this many of each kind.")  # fmt: skip
def search_command(call: Call, words: tuple[str, ...], limit: int) -> None:
    """Find artifacts, versions and runs that hold all of the WORDs, best first.

    Names, types, descriptions, notes, metadata and configs are searched; the beginning of a word is enough.
    """
    from localart.operations.search import search

    hits = search(call.open(), " ".join(words), limit=limit)
    if call.console.as_json:
        call.console.stream({"words": list(words)}, "hits", map(_document, hits))
    elif hits:
        call.console.table(_COLUMNS, map(_row, hits))
    else:
        call.console.say("nothing found")


def _row(hit: "Hit") -> tuple[str, ...]:
    return hit.kind, hit.address, hit.detail, " ".join(hit.excerpt.split())


def _document(hit: "Hit") -> dict[str, str]:
    return {
        "kind": hit.kind,
        "address": hit.address,
        "project": hit.project,
        "detail": hit.detail,
        "excerpt": hit.excerpt,
    }
