"""The store that rules are tried on."""

from pathlib import Path

import pytest
from retention_bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
