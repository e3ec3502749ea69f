"""Let go of what a forked child must not share with its parent: locks, pools, reserved offsets."""

import os
import weakref
from typing import Protocol


class Inherited(Protocol):
    """Something that holds files or threads of one process."""

    def forget(self) -> None:
        """Drop everything the parent owns without touching any file, and be usable from new."""
        ...


_live: "weakref.WeakSet[Inherited]" = weakref.WeakSet()


def forget_in_children(owner: Inherited) -> None:
    """Call `owner.forget()` in every child forked while it lives."""
    _live.add(owner)


def _forget_all() -> None:
    for owner in list(_live):
        owner.forget()


os.register_at_fork(after_in_child=_forget_all)
