"""Headroom and kills, read from made-up trees of both versions of control groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_drive_sync.errors import LowMemory
from jupyter_drive_sync.runner.memory import Memory, memory_guard

MB = 1024 * 1024


def tree(root: Path, files: dict[str, str]) -> Memory:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Memory(root)


def test_a_container_with_version_2(tmp_path: Path) -> None:
    memory = tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/memory.max": f"{1000 * MB}\n",
            "sys/fs/cgroup/memory.current": f"{900 * MB}\n",
            "sys/fs/cgroup/memory.stat": f"anon 1\ninactive_file {50 * MB}\nactive_file 7\n",
            "sys/fs/cgroup/memory.events": "low 0\noom 9\noom_kill 2\n",
        },
    )
    assert memory.headroom() == 150 * MB
    assert memory.oom_kills() == 2


def test_the_tightest_group_above_us_counts(tmp_path: Path) -> None:
    memory = tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/pod/box\n",
            "sys/fs/cgroup/pod/box/memory.max": "max\n",
            "sys/fs/cgroup/pod/box/memory.current": f"{10 * MB}\n",
            "sys/fs/cgroup/pod/memory.max": f"{64 * MB}\n",
            "sys/fs/cgroup/pod/memory.current": f"{60 * MB}\n",
        },
    )
    assert memory.headroom() == 4 * MB


def test_version_1_and_a_path_of_the_host(tmp_path: Path) -> None:
    memory = tree(
        tmp_path,
        {
            "proc/self/cgroup": "9:name=systemd:/x\n4:cpu,memory:/kubepods/abc\n0::/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{512 * MB}\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{500 * MB}\n",
            "sys/fs/cgroup/memory/memory.stat": f"inactive_file 5\ntotal_inactive_file {3 * MB}\n",
            "sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\noom_kill 1\n",
        },
    )
    assert memory.headroom() == 15 * MB
    assert memory.oom_kills() == 1


def test_no_limit_leaves_the_machine(tmp_path: Path) -> None:
    memory = tree(
        tmp_path,
        {
            "proc/self/cgroup": "4:memory:/\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "1\n",
            "proc/meminfo": "MemTotal: 16 kB\nMemAvailable:    2048 kB\n",
        },
    )
    assert memory.headroom() == 2 * MB


@pytest.mark.parametrize("files", [{}, {"proc/self/cgroup": "0::/\n"}])
def test_where_nothing_tells(tmp_path: Path, files: dict[str, str]) -> None:
    memory = tree(tmp_path, files)
    assert memory.headroom() is None
    assert memory.oom_kills() == 0
    memory_guard(memory, 10**12)()


def test_the_guard_says_how_much_is_missing(tmp_path: Path) -> None:
    memory = tree(tmp_path, {"proc/meminfo": "MemAvailable: 102400 kB\n"})
    memory_guard(memory, 100 * MB)()
    with pytest.raises(LowMemory, match=r"only 100 MB of memory left .* 200 MB"):
        memory_guard(memory, 200 * MB)()
