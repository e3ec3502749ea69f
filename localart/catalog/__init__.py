"""The catalog: everything localart knows, in one SQLite file. The only room that speaks SQL.

Tables hold projects, runs, artifacts, versions, aliases, edges and tags; manifests and entries; packs, frames,
blobs and chunks; metrics; and the journal. They are STRICT, with foreign keys, and documented in
`migrations/0001_first_format.sql`. The views `versions_view`, `runs_view`, `lineage_view`, `files` and
`metrics_view` are the stable face for `sqlite-utils`, Datasette and `localart sql`.

::

    catalog, connection, transaction, lock, forks, format    open it, write to it, bring an older one up to date
    projects, artifacts, versions, aliases, edges, runs, …   rows: one noun a file, each with all its SQL
    manifests, blobs, blob_runs, metrics, tail               what versions hold, where bytes lie, what runs log
    seals, history_seals, counts                             what lets a row tell that it was damaged
    soundness_*                                              whether rows, file and journal are as they were written
    told, told_rest                                          what rows must say, as the journal tells it
    mending_*                                                rows set right again from that, and from the packs
    replay, replay_*, history_record                         a lost catalog made anew from the packs alone
    trash, retention, pruning, sparing, moving, usage        what may go, and where that lies which stays
    browsing*, *_listing, run_browsing, finding, folders     what lists on a screen ask, a bounded part at a time
    statcache, known_trees                                   beside the catalog: which local files were read before

Invariants this room keeps
    I4  Writers take BEGIN IMMEDIATE under the writer lock; nothing slow happens inside a transaction (one small
        append + fsync of the commit record, 0.15 ms, is allowed: it makes the packs self-describing, so that
        the catalog can be rebuilt from them).
    I7  Version numbers of an artifact are 0, 1, 2, … without gaps or repeats, whoever writes at once; never
        reused.
"""

from localart.catalog.catalog import Catalog, create_catalog, has_records, read_store_facts

__all__ = ["Catalog", "create_catalog", "has_records", "read_store_facts"]
