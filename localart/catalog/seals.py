"""Seals: what a row of the catalog carries over its own facts, for SQLite keeps no checksums of its pages."""

from blake3 import blake3

from localart.errors import CatalogDamaged


def seal_of(*facts: object) -> bytes:
    """The seal of a row with these facts."""
    return blake3("\0".join(map(repr, facts)).encode("utf-8", "backslashreplace")).digest()


def damaged(what: str) -> CatalogDamaged:
    """The error for a row that its seal does not fit."""
    return CatalogDamaged(
        f"The catalog's row of {what} is not what was written",
        hint="run `localart verify`, then `localart repair`",
    )
