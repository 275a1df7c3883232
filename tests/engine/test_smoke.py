from __future__ import annotations

from tests.engine.world import World


def test_first_pass_and_idle(world: World) -> None:
    for folder in range(3):
        for number in range(4):
            world.write(f"course/d{folder}/f{number}.txt", f"{folder}{number}")
    report = world.sync()
    assert world.mirrored() == world.local()
    print(world.server.log.counts(), report.run)
    world.sync()
    assert world.requests() == 1
    world.write("course/d0/f0.txt", "new")
    world.sync()
    assert world.requests() == 2
    assert world.mirrored() == world.local()
    (world.home / "course/d1").rename(world.home / "course/moved")
    world.sync()
    print(world.server.log.counts())
    assert world.requests() == 2
    assert world.mirrored() == world.local()
