"""The catalog: everything localart knows, in one SQLite file. The only room that speaks SQL.

Tables hold projects, runs, artifacts, versions, aliases, edges and tags; manifests and entries; packs, frames,
blobs and chunks; metrics; and the journal. They are STRICT, with foreign keys, and documented in
`migrations/0001_first_format.sql`. The views `versions_view`, `runs_view`, `lineage_view`, `files` and
`metrics_view` are the stable face for `sqlite-utils`, Datasette and `localart sql`.

Invariants this room keeps
    I4  Writers take BEGIN IMMEDIATE under the writer lock; nothing slow happens inside a transaction (one small
        append + fsync of the commit record, 0.15 ms, is allowed: it makes the packs self-describing, so that
        the catalog can be rebuilt from them).
    I7  Version numbers of an artifact are 0, 1, 2, … without gaps or repeats, whoever writes at once; never
        reused.
"""

from localart.catalog.catalog import Catalog, create_catalog, has_records, read_store_facts

__all__ = ["Catalog", "create_catalog", "has_records", "read_store_facts"]
