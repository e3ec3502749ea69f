"""Find artifacts, versions and runs by the words in their names, descriptions, metadata and configs."""

from localart.catalog import search as text_search
from localart.records import dataclass
from localart.repository import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One thing found. `kind` is artifact, version or run; `address` is what other calls take for it.

    `detail` is its type, or a run's name; `excerpt` shows where the words stand, in [ ].
    """

    kind: str
    address: str
    project: str
    detail: str
    excerpt: str


def search(repository: Repository, words: str, *, limit: int) -> tuple[Hit, ...]:
    """What holds all of `words`, each by its beginning: at most `limit` of a kind, best first within it.

    Nothing in `words` is an operator; without a letter or digit nothing is found.
    """
    found = text_search.search(repository.read(), words, limit=limit)
    return tuple(
        Hit(kind=hit.kind, address=_address(hit), project=hit.project, detail=hit.detail, excerpt=hit.excerpt)
        for hit in found
    )


def _address(hit: text_search.SearchHit) -> str:
    return hit.name if hit.name.startswith("run:") else f"{hit.project}/{hit.name}"
