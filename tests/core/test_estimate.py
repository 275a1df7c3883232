"""What a plan will cost."""

from __future__ import annotations

import pytest

from jupyter_drive_sync.core.estimate import Estimate, estimate
from jupyter_drive_sync.core.plan import Plan, make
from jupyter_drive_sync.core.settings import MiB, Settings
from tests.core.trees import file, folder, home, known, known_folder, ledger, stat_of

SETTINGS = Settings()


def cost(plan: Plan, settings: Settings = SETTINGS) -> Estimate:
    return estimate(plan, settings)


def sized(path: str, size: int) -> object:
    return file(path, stat=stat_of(path)._replace(size=size))


def test_nothing_to_do_is_one_request() -> None:
    plan = make(home(file("a")), ledger(known("a")))
    assert cost(plan) == Estimate(files=0, size=0, requests=1, quota_units=100, minutes=0.0)


@pytest.mark.parametrize("count", [1, 7, 250])
def test_changed_contents_are_a_request_each(count: int) -> None:
    names = [f"f{number}" for number in range(count)]
    plan = make(home(*(file(n, "changed text") for n in names)), ledger(*map(known, names)))
    assert cost(plan).requests == count + 1
    assert cost(plan).quota_units == 100 + 50 * count
    assert (cost(plan).files, cost(plan).size) == (count, 12 * count)


@pytest.mark.parametrize(("count", "ids"), [(1, 1), (1000, 1), (1001, 2)])
def test_new_files_need_ids(count: int, ids: int) -> None:
    plan = make(home(*(file(f"{n}") for n in range(count))), ledger())
    assert cost(plan).requests == 1 + ids + count


def test_new_folders_go_in_a_batch_per_hundred_of_a_level() -> None:
    tops = [folder(f"t{number}") for number in range(101)]
    plan = make(home(*tops, folder("t1/below")), ledger())
    assert cost(plan).requests == 1 + 1 + 2 + 1
    assert cost(plan).quota_units == 100 + 5 + 50 * 102


def test_a_renamed_folder_is_a_batch() -> None:
    names = [f"{number}" for number in range(500)]
    tree = ledger(*(known(f"old/{name}") for name in names))
    plan = make(
        home(*(file(f"new/{n}", stat=stat_of(f"old/{n}", f"old/{n}")) for n in names)), tree
    )
    assert cost(plan).requests == 2


def test_deletions_go_in_batches() -> None:
    names = [f"f{number}" for number in range(150)]
    plan = make(home(), ledger(*map(known, names)))
    assert cost(plan).requests == 1 + 2
    assert cost(plan).minutes == pytest.approx(150 / 2.5 / 60)


@pytest.mark.parametrize(
    ("size", "requests"),
    [(5_000_000, 1), (5_000_001, 2), (8 * MiB, 2), (8 * MiB + 1, 3), (30 * MiB, 5)],
)
def test_a_large_file_is_sent_in_chunks(size: int, requests: int) -> None:
    plan = make(home(sized("big", size)), ledger(known("big")))
    assert cost(plan).requests == 1 + requests


def test_the_time_is_that_of_the_bytes_or_that_of_the_writes() -> None:
    big = make(home(sized("big", 600_000_000)), ledger())
    assert cost(big).minutes == pytest.approx(2.0)
    small = make(home(*(file(f"{n}") for n in range(300))), ledger())
    assert cost(small).minutes == pytest.approx(2.0)


def test_a_bandwidth_limit_makes_it_longer_and_never_shorter() -> None:
    plan = make(home(sized("big", 600_000_000)), ledger())
    assert cost(plan, Settings(bandwidth=1_000_000)).minutes == pytest.approx(10.0)
    assert cost(plan, Settings(bandwidth=1_000_000_000)).minutes == pytest.approx(2.0)


def test_folders_that_are_known_cost_nothing() -> None:
    plan = make(home(folder("d"), file("d/new")), ledger(known_folder("d")))
    assert cost(plan).requests == 1 + 1 + 1
