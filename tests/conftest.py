"""What every test gets: a store and a working folder of its own, and nothing left running afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Point localart at a fresh store, away from whatever the developer's environment says."""
    import os

    for name in list(os.environ):
        if name.startswith(("LOCALART_", "WANDB_")):
            monkeypatch.delenv(name)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("LOCALART_DIR", str(tmp_path / "store"))
    monkeypatch.setenv("LOCALART_SILENT", "1")
    yield
    import sys

    if "localart.session" in sys.modules:
        from localart.session import finish_all

        finish_all()
    if "localart.repository.opening" in sys.modules:
        from localart.repository.opening import close_all

        close_all()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Where this test's store is (made when something is first logged)."""
    return tmp_path / "store"


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    """The working folder of this test."""
    return tmp_path / "work"
