"""The store that is pruned."""

from pathlib import Path

import pytest
from prune_bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A store with nothing in it yet."""
    return Bench(tmp_path)
