"""A thread pool that starts when the first task comes: small stores never pay for one."""

from collections.abc import Callable
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Task = ParamSpec("Task")
Result = TypeVar("Result")


class Workers:
    """Up to `threads` threads, named after `name`.

    Compressing, hashing and disk calls release the GIL, so they run side by side.
    """

    def __init__(self, threads: int, *, name: str = "localart-store") -> None:
        self._threads = max(1, threads)
        self._name = name
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
        """Run `task` on some thread; tasks begin in the order they come.

        When the process is at its end, in an `atexit` or a thread that outlives the main one, Python gives no more
        threads to pools: then it is run here, before this returns.
        """
        try:
            return self._started().submit(task, *args, **kwargs)
        except RuntimeError as error:
            if "shutdown" not in str(error):
                raise
        return _done_here(lambda: task(*args, **kwargs))

    def _started(self) -> "ThreadPoolExecutor":
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix=self._name)
        return self._pool

    def close(self) -> None:
        """Finish what runs, drop what waits, and end the threads."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)

    def forget(self) -> None:
        """In a forked child, where the threads do not exist."""
        self._pool = None


def _done_here(task: Callable[[], Result]) -> "Future[Result]":
    from concurrent.futures import Future

    future: Future[Result] = Future()
    try:
        future.set_result(task())
    except BaseException as error:  # noqa: BLE001 - whoever asks for the result gets it, as from a thread
        future.set_exception(error)
    return future
