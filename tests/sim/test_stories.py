"""What the simulation has found, each in the fewest steps: these broke a law before it was mended.

A story belongs to its seed: that decides how Drive lags and what is set.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sim.runs import run_steps
from tests.sim.steps import Step

S = Step
STORIES: dict[str, tuple[int, list[Step]]] = {
    "a time and an inode beyond 63 bits end no pass": (0, [S("touch", 0, 5), S("sync")]),
    "a ledger lost while the listing lags makes no second mirror": (
        26, [S("break_ledger"), S("sync")],
    ),
    "a ledger lost right after a file was made makes no second file": (
        18, [S("sync", c=3), S("write", 0, 54250), S("sync"), S("break_ledger"), S("sync")],
    ),
    "an old ledger does not know what took a moved file's place": (
        43, [S("keep_state"), S("move_out"), S("sync"), S("bring_state_back")],
    ),
    "the mirror comes out of the trash while the listing lags": (
        2, [S("root_there", 2, 1), S("lose_ledger")],
    ),
    "an old ledger does not know what a folder took into the trash": (
        49,
        [
            S("write", 0, 1), S("keep_state"), S("folder", 1, 3), S("delete"), S("settle"),
            S("trash_there"), S("rename_there"), S("bring_state_back"),
        ],
    ),
    "what an old ledger finds in a renamed folder comes back with it": (
        49,
        [
            S("write", 0, 1), S("keep_state"), S("folder", 1, 3), S("delete"), S("settle"),
            S("trash_there", 1), S("rename_there", 0, 1), S("bring_state_back"),
        ],
    ),
    "an old ledger does not know that we moved a folder since": (
        49,
        [
            S("special", 1, 3), S("write", 0, 1), S("keep_state"), S("folder", 1, 5516),
            S("delete"), S("rename", 0, 0, 2), S("sync"), S("write", 1), S("bring_state_back"),
            S("edit", 2),
        ],
    ),
    "a listing shows the mirror's folder though it was deleted": (
        39, [S("wait", 2), S("lose_ledger"), S("root_there", 2), S("sync", c=2)],
    ),
    "what a claim replaces is pinned though the pass was cut off": (
        58,
        [
            S("sync", 43944), S("sync", 52838), S("lose_ledger"), S("edit_there"),
            S("sync", 35786),
        ],
    ),
    "a person takes a file out of the trash before we know that it is there": (
        55,
        [
            S("unmount"), S("unmount"), S("write", 0, 1), S("folder", 1, 3, 2), S("sync"),
            S("delete_tree", 1), S("edit"), S("sync", 36469), S("untrash_there", 1),
            S("delete"), S("sync"),
        ],
    ),
    "a lost ledger does not forget the deletions of the day": (
        62,
        [
            S("delete"), S("write", 1, 55556), S("root_there", 2, 1), S("delete", 1),
            S("folder", 0, 2), S("hard_link", 0, 0, 1), S("delete_tree", 1), S("edit", 1),
            S("rename", 2, 0, 2), S("root_there", 46720), S("sync"), S("break_ledger"),
            S("sync"), S("swap_kind", 2),
        ],
    ),
    "a folder that is not listed yet has not lost what is in it": (
        8,
        [
            S("move_out", 1), S("rename_there", 0, 1), S("root_there", 2), S("edit_there"),
            S("break_ledger"), S("sync"), S("move_in"), S("sync", c=3),
        ],
    ),
    "what was made anew is found in the trash of the folder above": (
        22,
        [
            S("keep_state"), S("edit", 1), S("delete_there", 1), S("settle"),
            S("root_there", 3), S("bring_state_back"),
        ],
    ),
    "what we moved is found in the trash of the folder above": (
        22,
        [
            S("unmount"), S("unmount"), S("unmount"), S("write", 0, 1), S("unmount"),
            S("keep_state"), S("edit"), S("sync_part"), S("rename", 1, 0, 1), S("settle"),
            S("root_there", 3), S("bring_state_back"),
        ],
    ),
    "two folders of ours at one place keep their files apart": (
        480,
        [
            S("keep_home"), S("write", 0, 1), S("delete"), S("move_out"), S("settle"),
            S("move_in"), S("delete"), S("other_home"), S("hard_link", 0, 0, 2),
            S("lose_ledger"), S("sync", c=3), S("rename", 0, 0, 3), S("sync"),
            S("bring_home_back"),
        ],
    ),
    "what was edited right after it was made is pinned though the pass died before it knew": (
        1171,
        [
            S("write", 0, 1, 38339), S("write", 1, 3), S("delete"), S("save_anew"),
            S("sync", 0, 29868), S("edit_there", 60224),
        ],
    ),
    "a ledger lost right after a write waits for the listing though the clock has jumped": (
        537,
        [
            S("move_there"), S("rename", 1, 0, 37775), S("sync"), S("clock"), S("lose_ledger"),
        ],
    ),
    "an old ledger's file in the trash of its folder has been made anew since": (
        2226,
        [
            S("delete", 2), S("sync"), S("keep_state"), S("trash_there"), S("delete"),
            S("break_ledger"), S("sync"), S("bring_state_back"),
        ],
    ),
    "an id whose object was deleted for good at once is not tried for ever": (
        481,
        [
            S("trash_there", 1), S("delete"), S("empty_trash"), S("edit"),
            S("folder", 0, 1, 23007), S("sync", 0, 15279, 2), S("sync", 35604, 0, 15513),
        ],
    ),
    "an edit that Google does not pin is not replaced": (
        1202,
        [
            S("edit_there"), S("folder", 1, 3), S("rename", 1, 0, 1), S("trash_there"),
            S("write", 0, 2), S("sync", 0, 0, 31429), S("break_ledger"), S("sync_part", 1),
            S("sync", 36848),
        ],
    ),
    "a write of ours that was done twice is no edit, and what was moved out is not pinned": (
        1188,
        [
            S("save_anew"), S("sync", 10327), S("rename_there", 0, 1), S("wait", 3),
            S("move_out", 2),
        ],
    ),
    "a file beside a folder of the same name does not go where the folder went": (
        1343,
        [
            S("hard_link", 0, 0, 1), S("write", 0, 2), S("settle"), S("lose_ledger"),
            S("rename_there", 0, 1),
        ],
    ),
    "a folder that came back is found by the feed where the listing lags": (
        1612,
        [
            S("swap_kind", 1), S("copy", 0, 1, 3), S("edit_there", 1), S("rename_there", 1, 1),
            S("settle"), S("write", 0, 1), S("break_ledger"), S("move_out"), S("edit_there"),
            S("settle"), S("mode"), S("trash_there"), S("sync"), S("move_in"),
            S("sync", 0, 0, 2), S("sync"),
        ],
    ),
    "an old ledger learns of what lies in the trash only because its folder does": (
        1908,
        [
            S("keep_state"), S("edit", 1), S("delete_there", 2), S("sync"), S("trash_there"),
            S("bring_state_back"),
        ],
    ),
    "a yes to take a mirror over is no yes once a third home has it": (
        686,
        [
            S("copy", 0, 0, 1), S("delete_tree"), S("other_home"), S("sync", 52334),
            S("rename", 0, 50471, 64770), S("answer", 39769, 64950, 39108),
            S("sync", 64988, 9714, 27392), S("sync", 43248, 60587, 65325),
            S("sync", 3095, 22579, 42597), S("lose_state", 8402, 9186, 25318),
            S("sync", 16809, 37475, 29903), S("answer", 28810, 39551, 4672),
            S("sync_part", 54181, 55689, 5687), S("other_home", 22249, 16586, 50945),
        ],
    ),
    "a rebuild that believed a lagging listing is looked at again as soon as it can be": (
        1656,
        [
            S("edit_there"), S("touch", 1), S("write", 0, 1), S("sync"), S("write", 0, 24923),
            S("edit_there"), S("delete_tree"), S("sync"), S("copy_there"), S("answer", 0, 0, 1),
            S("edit", 1, 56117, 30030), S("sync", 65379, 25042, 58923),
            S("wait", 21891, 12138, 30788), S("sync_part", 23304, 37534, 57282),
            S("break_ledger", 47265, 32954, 63852), S("trash_there", 35945, 50525, 23938),
            S("sync", 21588, 54288, 12748),
        ],
    ),
    "a file that Drive does not find, and is asked for twice, gets no twin": (
        2824,
        [
            S("sync", 40447), S("sync", 124), S("sync", 24257), S("edit", 0, 0, 46480),
            S("write", 0, 31677), S("sync", 9379),
        ],
    ),
    "a ledger lost when all is in the trash does not forget what went there today": (
        2975,
        [
            S("delete"), S("delete"), S("sync"), S("copy", 0, 47715), S("copy", 0, 0, 10859),
            S("move_out"), S("break_ledger"), S("sync"), S("delete", 1703), S("replace", 0, 14029),
        ],
    ),
    "what a listing hid while the ledger was rebuilt is seen by the next pass": (
        3726, [S("folder"), S("break_ledger"), S("wait", 2853), S("edit_there"), S("sync")],
    ),
    "the mirror's folder, made and deleted before we knew, is made under another id": (
        4404,
        [
            S("sync", 9459), S("sync", 34315), S("sync", 38298), S("sync", 46344), S("lose_state"),
            S("sync", 64677), S("sync", 28424), S("sync", 43187), S("answer", 0, 0, 20375),
            S("sync", 4007), S("delete_there", 13289),
        ],
    ),
    "a yes to take the mirror out of the trash is void once another home has it": (
        4231,
        [
            S("other_home"), S("answer", 26934), S("root_there", 60779), S("sync"), S("answer"),
            S("other_home"),
        ],
    ),
    "an edit is kept once, though the file that is to replace it cannot be read": (
        4743,
        [
            S("replace"), S("other_home"), S("sync"), S("edit_there"), S("hard_link"),
            S("refuse", 43806), S("edit_there"), S("edit", 28579, 0, 28959),
        ],
    ),
    "a rebuild that was cut off counts until a pass comes to its end": (
        5576,
        [
            S("other_home"), S("sync", 56944), S("sync", 6566), S("copy"), S("unmount"),
            S("sync", 48754), S("sync", 27234), S("sync", 16007), S("delete_tree"), S("copy"),
            S("sync", 54185), S("copy"), S("folder", 0, 3720, 15826), S("copy"), S("unmount"),
            S("sync"), S("lose_ledger"), S("delete_tree"), S("rename", 0, 0, 43952),
            S("sync", 14569), S("wait", 58124), S("edit"),
        ],
    ),
    "what only a folder took into the trash is known when the folder comes back": (
        6352, [S("unmount"), S("sync"), S("trash_there"), S("sync")],
    ),
    "a folder that was moved out is not taken for the mirror's, where that was deleted for good": (
        6753,
        [
            S("sync", 19064), S("move_out"), S("sync"), S("sync"), S("sync"), S("hard_link"),
            S("other_home"), S("folder"), S("sync"), S("write"), S("write"), S("write"),
            S("sync"), S("folder", 0, 14332, 61163), S("excludes"), S("sync", 0, 0, 27989),
            S("edit_there"), S("move_out"), S("empty_trash"), S("wait"), S("lose_ledger"),
        ],
    ),
    "a folder renamed here lives on, though what is left of it was deleted there": (
        6630,
        [
            S("root_there"), S("rename", 0, 0, 48264), S("swap_kind", 806), S("delete"),
            S("delete_there", 59163),
        ],
    ),
    "what lies in a folder that a listing does not show yet is no twin of the one before": (
        9036,
        [
            S("trash_there", 38835), S("trash_there"), S("break_ledger"), S("sync"), S("edit"),
            S("sync"), S("sync"),
        ],
    ),
    "a mirror is not taken over while its own folder refuses to be": (
        7023,
        [
            S("sync", 43907), S("rename", 0, 0, 48849), S("sync", 64457, 0, 63389),
            S("delete_there", 265), S("move_there", 2944), S("keep_state"),
            S("rename", 60066, 39081), S("sync", 0, 54177), S("sync", 33076, 1647),
            S("sync", 21506), S("sync", 16137), S("sync", 305), S("rename", 49015, 10629, 49879),
            S("sync", 17548), S("save_anew"), S("other_home"), S("lose_state"),
            S("sync", 56445), S("answer"), S("sync", 14689), S("bring_state_back"),
        ],
    ),
    "a folder that we moved a moment ago is not where a lagging listing has it": (
        7199,
        [
            S("trash_there"), S("move_out"), S("move_out"), S("rename_there"), S("sync"),
            S("rename", 39269, 41853, 42946), S("delete_there"), S("folder", 0, 49858),
            S("delete"), S("sync"), S("rename", 1261, 0, 11738), S("folder", 9854),
            S("swap_kind", 12076, 6358), S("same_size"), S("delete_tree", 22898), S("sync"),
            S("special", 0, 51079), S("folder", 0, 60987), S("delete"), S("copy_there"),
            S("rename", 60086, 0, 10524), S("sync"), S("write", 36319, 0, 9453),
            S("hard_link", 0, 35843, 46965), S("sync"), S("move_there", 8883, 8021),
            S("lose_ledger"), S("sync"), S("edit"), S("sync", 42066),
        ],
    ),
    "a mirror begun afresh does not begin a new day of deletions": (
        9566,
        [
            S("replace", 0, 44347), S("sync", 52746), S("root_there", 35189),
            S("folder", 0, 62699, 56714), S("sync"), S("rename", 60069, 23704),
            S("answer", 0, 0, 39833), S("sync"), S("delete"), S("replace", 0, 58802), S("delete"),
        ],
    ),
    "a takeover that was cut short goes on though the ledger was lost": (
        7839,
        [
            S("root_there", 59680), S("sync", 0, 0, 61891), S("answer", 0, 0, 42795),
            S("keep_state"), S("sync"), S("bring_state_back"), S("sync"), S("sync"),
            S("answer"), S("sync", 0, 36519), S("lose_ledger"),
        ],
    ),
    "rules that changed after only a part was synced have changed": (
        8242,
        [
            S("swap_kind", 28171, 34928), S("copy", 0, 22355, 49745), S("keep_home"),
            S("rename", 0, 0, 14012), S("lose_state"), S("rename", 27488, 49789),
            S("root_there"), S("sync_part"), S("delete"), S("excludes", 0, 30359),
        ],
    ),
    "a reply that does not say where a folder lies does not move it": (
        8817, [S("folder", 0, 18046), S("sync", 42159)],
    ),
    "a rebuild waits for what was written within the very second": (
        8692,
        [
            S("lose_state"), S("delete"), S("sync"), S("touch", 0, 44477),
            S("folder", 23965, 0, 7705), S("write", 5966, 41928), S("write", 979, 48376),
            S("answer", 0, 0, 56269), S("refuse", 54041), S("sync_part"), S("edit_there"),
            S("sync"), S("folder"), S("lose_ledger"),
        ],
    ),
    "a mirror is taken over with what the other home wrote a moment ago": (
        11438,
        [
            S("folder", 0, 13676), S("sync", 0, 0, 29667), S("same_size"), S("sync"),
            S("write", 0, 28015), S("rename", 2341, 0, 23930), S("delete"), S("other_home"),
            S("copy", 0, 54739), S("sync"), S("sync"), S("replace", 50250, 13051),
            S("write", 2061, 35887), S("rename", 40218, 52583), S("folder", 9187, 26921, 13810),
            S("sync"), S("move_there", 0, 63762), S("write", 857, 45088), S("answer", 43139),
            S("delete_there"), S("rename", 17965, 0, 62035), S("write", 7086),
            S("rename_there"), S("sync"), S("other_home"),
        ],
    ),
    "what a person moves back in a folder that was let go is theirs": (
        11611,
        [
            S("folder", 57489, 10713, 60022), S("keep_state"), S("folder", 0, 38039, 8387),
            S("sync"), S("move_out"), S("bring_state_back"), S("sync"), S("same_size"), S("sync"),
            S("sync"), S("move_in"),
        ],
    ),
    "what a takeover left unstamped in a mirror of ours is not a stranger's": (
        10654,
        [
            S("write"), S("keep_state"), S("settle"), S("unmount"), S("other_home"),
            S("answer", 3519), S("other_home"), S("sync"), S("answer"), S("sync", 0, 63329),
            S("bring_state_back"), S("sync"), S("answer", 0, 0, 30415), S("sync"),
        ],
    ),
    "folders above a mirror that was deleted are found again though listings lag": (
        13348, [S("root_there", 2396), S("sync"), S("answer"), S("sync")],
    ),
    "an archived file that is back as it was is newer on Drive where somebody edited it there": (
        17475,
        [
            S("move_out"), S("sync"), S("special", 0, 3832), S("edit", 16411, 0, 46712),
            S("move_there", 11037, 52564), S("sync"), S("edit_there"), S("trash_there"),
            S("delete", 39470), S("keep_home"), S("lose_ledger"), S("rename", 0, 0, 36212),
            S("swap_kind", 15141, 56262), S("sync"), S("delete"), S("edit_there", 61481),
            S("edit_there", 35360), S("move_out", 46227), S("delete_there"), S("move_in"),
            S("sync"), S("rename", 0, 0, 13090), S("sync", 0, 0, 38029), S("write"),
            S("write", 0, 13956), S("sync"), S("rename_there", 6901), S("edit_there", 5998),
            S("bring_home_back"),
        ],
    ),
    "what a frozen writer makes late finds its id used where something else lies now": (
        19664,
        [
            S("root_there", 7042), S("empty_trash"), S("sync"), S("delete_tree"), S("answer"),
            S("write"), S("write", 0, 856), S("copy", 0, 0, 38064), S("sync"),
            S("copy", 0, 0, 13577), S("sync"), S("rename", 0, 0, 8453), S("move_out", 28443),
            S("sync", 0, 0, 14039),
        ],
    ),
    "a writer that froze signs what it wrote before another one took over": (
        5420,
        [
            S("folder", 13169, 58148), S("sync"), S("sync"), S("folder", 20852, 0, 3611),
            S("sync", 0, 0, 15555), S("delete_tree"), S("write", 0, 0, 1827), S("delete_there"),
            S("sync", 0, 0, 15069), S("edit_there"), S("same_size"), S("sync", 0, 0, 55918),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STORIES)
def test_story(tmp_path: Path, name: str) -> None:
    seed, steps = STORIES[name]
    run_steps(tmp_path, seed, steps)
