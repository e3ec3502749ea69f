"""What the rule tests share: a run to work in."""

from collections.abc import Iterator

import pytest

import localart


@pytest.fixture
def run() -> Iterator[localart.Run]:
    """An active run in project `demo`, finished afterwards."""
    with localart.init(project="demo", job_type="step") as active:
        yield active


@pytest.fixture(autouse=True)
def nothing_active() -> Iterator[None]:
    """Leave no run active, not even a disabled one, whatever a test did."""
    yield
    localart.finish()
