"""Who carries tasks out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from jupyter_drive_sync.engine.executor import Executor, InOrder, Threads
from tests.engine.world import World


def numbers(count: int) -> Iterator[Callable[[], int]]:
    for number in range(count):
        yield lambda number=number: number


@pytest.mark.parametrize("executor", [InOrder(), Threads(1), Threads(4)], ids=["order", "1", "4"])
def test_every_task_is_run_once(executor: Executor) -> None:
    assert sorted(executor.run(numbers(50))) == list(range(50))
    assert list(executor.run(numbers(0))) == []


def test_in_order_is_in_order_and_lazy() -> None:
    drawn: list[int] = []

    def tasks() -> Iterator[Callable[[], int]]:
        for number in range(10):
            drawn.append(number)
            yield lambda number=number: number

    results = InOrder().run(tasks())
    assert [next(results), next(results)] == [0, 1]
    assert drawn == [0, 1]


def test_threads_are_at_most_so_many_at_once() -> None:
    lock = threading.Lock()
    now = most = 0
    together = threading.Barrier(3, timeout=10)

    def task() -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait()  # passes only if three run at once
        with lock:
            now -= 1

    list(Threads(3).run(task for _ in range(9)))
    assert most == 3


def test_tasks_are_drawn_as_there_is_room() -> None:
    drawn = 0

    def tasks() -> Iterator[Callable[[], int]]:
        nonlocal drawn
        for number in range(100):
            drawn += 1
            yield lambda number=number: number

    results = Threads(4).run(tasks())
    next(results)
    assert drawn <= 8
    results.close()  # type: ignore[attr-defined]
    assert drawn <= 8


@pytest.mark.parametrize("executor", [InOrder(), Threads(4)], ids=["order", "4"])
def test_an_exception_of_a_task_comes_out_and_the_rest_is_not_begun(executor: Executor) -> None:
    begun: list[int] = []

    def task(number: int) -> int:
        begun.append(number)
        if number == 3:
            raise KeyError(number)
        return number

    with pytest.raises(KeyError):
        list(executor.run((lambda number=number: task(number)) for number in range(100)))
    assert len(begun) < 20


def test_a_pass_with_threads_mirrors_the_same(world: World) -> None:
    world.executor = Threads(4)
    for number in range(30):
        world.write(f"d{number % 3}/f{number}", f"{number}")
    world.write("big.bin", b"x" * 6_000_000)
    world.sync()
    world.assert_mirrored()
    for number in range(0, 30, 2):
        world.write(f"d{number % 3}/f{number}", f"changed {number}")
    world.sync()
    world.assert_mirrored()
    world.sync()
    assert world.requests() == 1
