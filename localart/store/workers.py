"""A thread pool that starts when the first task comes: small stores never pay for one."""

from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Task = ParamSpec("Task")
Result = TypeVar("Result")


class Workers:
    """Up to `threads` threads. Compressing, hashing and disk calls release the GIL, so they run side by side."""

    def __init__(self, threads: int) -> None:
        self._threads = max(1, threads)
        self._pool: ThreadPoolExecutor | None = None

    @property
    def count(self) -> int:
        """How many tasks run at once."""
        return self._threads

    @property
    def is_started(self) -> bool:
        """Whether there are threads yet."""
        return self._pool is not None

    def submit(
        self, task: Callable[Task, Result], *args: Task.args, **kwargs: Task.kwargs
    ) -> "Future[Result]":
        """Run `task` on some thread; tasks begin in the order they come."""
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="localart-store")
        return self._pool.submit(task, *args, **kwargs)

    def close(self) -> None:
        """Finish what runs, drop what waits, and end the threads."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)

    def forget(self) -> None:
        """In a forked child, where the threads do not exist."""
        self._pool = None
