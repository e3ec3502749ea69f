"""What every test gets: a store and a working folder of its own, and nothing left running afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder beside `tmp_path` that holds this test's store and working folder."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "work").mkdir()
    return folder


@pytest.fixture(autouse=True)
def isolated(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Point localart at a fresh store, away from whatever the developer's environment says."""
    import os

    for name in list(os.environ):
        if name.startswith(("LOCALART_", "WANDB_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(home / "work")
    monkeypatch.setenv("LOCALART_DIR", str(home / "store"))
    monkeypatch.setenv("LOCALART_CACHE_DIR", str(home / "cache"))
    monkeypatch.setenv("LOCALART_SILENT", "1")
    # What is kept beside a run is tested by itself; elsewhere a run has the files a test gives it.
    monkeypatch.setenv("LOCALART_CONSOLE", "off")
    monkeypatch.setenv("LOCALART_X_SAVE_REQUIREMENTS", "false")
    yield
    import sys

    if "localart.session" in sys.modules:
        from localart.session import finish_all

        finish_all()
    if "localart.repository.opening" in sys.modules:
        from localart.repository.opening import close_all

        close_all()


@pytest.fixture
def store(home: Path) -> Path:
    """Where this test's store is (made when something is first logged)."""
    return home / "store"


@pytest.fixture
def workdir(home: Path) -> Path:
    """The working folder of this test."""
    return home / "work"
