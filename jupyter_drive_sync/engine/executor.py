"""Who carries tasks out: a thread pool in a pass, one after the other in a simulation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol, TypeVar

T = TypeVar("T")


class Executor(Protocol):
    """Runs tasks and yields their results as they come."""

    def run(self, tasks: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Run tasks; an exception of one is raised after those under way have ended.

        The tasks are drawn lazily: whoever stops drawing results stops the rest.
        """


class InOrder:
    """One after the other, in this thread: the same seed gives the same trace."""

    def run(self, tasks: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Run each task when its result is asked for."""
        for task in tasks:
            yield task()


class Threads:
    """A pool; results come in whatever order they are ready.

    Args:
        most: tasks at once.
    """

    def __init__(self, most: int) -> None:
        self._most = most

    def run(self, tasks: Iterable[Callable[[], T]]) -> Iterator[T]:
        """Keep ``most`` tasks under way."""
        queue = iter(tasks)
        with ThreadPoolExecutor(self._most, thread_name_prefix="drive-sync") as pool:
            under_way: set[Future[T]] = set()
            try:
                while True:
                    while len(under_way) < self._most and (task := next(queue, None)) is not None:
                        under_way.add(pool.submit(task))
                    if not under_way:
                        return
                    done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                    for future in done:
                        yield future.result()
            finally:
                for future in under_way:
                    future.cancel()
