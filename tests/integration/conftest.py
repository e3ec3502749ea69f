"""What the frameworks' tests share: how to read a run and its versions back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import localart


@pytest.fixture(autouse=True)
def nothing_active(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Ask no server for models, use no accelerator, and leave no run active."""
    for name, value in {"HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1"}.items():
        monkeypatch.setenv(name, value)
    yield
    localart.finish()


@pytest.fixture
def versions() -> Callable[[str], list[localart.Artifact]]:
    """The versions of the model `project/name`, oldest first."""

    def find(address: str) -> list[localart.Artifact]:
        return list(localart.Api().artifacts("model", address, order="+version_index"))

    return find


@pytest.fixture
def history() -> Callable[[str], list[dict[str, Any]]]:
    """What a run logged, step by step, without clock times."""

    def read(path: str) -> list[dict[str, Any]]:
        return [
            {key: value for key, value in row.items() if key not in {"_timestamp", "_runtime", "_step"}}
            for row in localart.Api().run(path).scan_history()
        ]

    return read


@pytest.fixture
def content() -> Callable[[str | Path], dict[str, bytes]]:
    """Every file below a folder (or the one file) and its bytes."""

    def read(path: str | Path) -> dict[str, bytes]:
        root = Path(path)
        if root.is_file():
            return {root.name: root.read_bytes()}
        return {
            one.relative_to(root).as_posix(): one.read_bytes() for one in root.rglob("*") if one.is_file()
        }

    return read
