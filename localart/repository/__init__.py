"""The repository: catalog and store opened together, the only place that sees both.

Invariants this room keeps
    I1  Bytes before rows, rows before deletion of bytes: a crash leaves garbage, never a dangling row.
    I3  Any process may die at any instruction, and power may fail: what was acknowledged is there, byte for
        byte (metrics: a power cut may cost the last second).
    I5  Prune honours live writers' leases: dedup against an old blob cannot race its removal.

The order of one log: bytes into the pack → fdatasync(pack), fsync(folder) → writer lock, BEGIN IMMEDIATE →
rows → commit record into the pack, fsync → COMMIT → acknowledged.
"""

from localart.repository.opening import default_repository, open_repository
from localart.repository.repository import Repository

__all__ = ["Repository", "default_repository", "open_repository"]
