"""Somebody who looks at the store while others write: keeps snapshots open for seconds, until told to end."""

import os
import random
import select
import sys
import time
from pathlib import Path

from localart.repository import open_repository


def main() -> None:
    """Read until standard input closes."""
    root = Path(os.environ["LOCALART_DIR"])
    while not (root / "LOCALART").exists():
        if _told_to_end(0.05):
            return
    patience = random.Random(1)
    while True:
        repository = open_repository(root, create=False)
        with repository.catalog.snapshot() as connection:
            connection.execute("SELECT count(*) FROM entries").fetchone()
            done = _told_to_end(patience.choice([0.01, 0.3, 2.5]))
        repository.close()
        if done or _told_to_end(patience.choice([0, 0.2])):
            return
        time.sleep(0)


def _told_to_end(seconds: float) -> bool:
    return bool(select.select([sys.stdin], [], [], seconds)[0])


if __name__ == "__main__":
    main()
