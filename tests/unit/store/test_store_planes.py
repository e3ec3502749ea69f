"""Byte planes are the same with NumPy and without, and come together again."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localart.store import planes
from localart.store.planes import join_planes, loaded_numpy, split_planes


def without_numpy(patched):
    patched.setattr(planes, "loaded_numpy", lambda: None)


@given(raw=st.binary(max_size=200), width=st.sampled_from([1, 2, 4]))
def test_planes_are_alike_with_numpy_and_without_and_join_again(raw, width):
    """Seen to fail when a plane's shift is left out, and when the rest is dealt to the last planes."""
    with pytest.MonkeyPatch.context() as patched:
        fast = [bytes(plane) for plane in split_planes(raw, width)]
        joined = [bytes(join_planes(fast, len(raw)))]
        without_numpy(patched)
        assert [bytes(plane) for plane in split_planes(raw, width)] == fast
        joined.append(bytes(join_planes(fast, len(raw))))

    assert fast == [raw[first::width] for first in range(width)]
    assert joined == [raw, raw]


@pytest.mark.parametrize("numbers", [[0, 0], [255, 1], [256, 3], [65_536, 0], [2**32 - 1, 2**31]])
def test_planes_of_zeros_only_are_kept_too(numbers):
    raw = np.array(numbers, "<u4").tobytes()

    assert [bytes(plane) for plane in split_planes(raw, 4)] == [raw[first::4] for first in range(4)]
    assert bytes(join_planes([raw[first::4] for first in range(4)], len(raw))) == raw


def test_what_is_joined_may_be_written_to_and_leaves_the_planes_alone():
    parts = [b"\1\2", b"\0\0", b"\0\0", b"\0\0"]

    memoryview(join_planes(parts, 8))[:] = bytes(8)

    assert parts[0] == b"\1\2"


def test_a_numpy_that_is_still_being_imported_is_not_used(monkeypatch):
    """Seen to fail when whatever stands in `sys.modules` is used."""
    halfway = ModuleType("numpy")
    halfway.__spec__ = SimpleNamespace(_initializing=True)
    monkeypatch.setitem(sys.modules, "numpy", halfway)

    assert loaded_numpy() is None
    assert [bytes(plane) for plane in split_planes(b"abcd", 2)] == [b"ac", b"bd"]
