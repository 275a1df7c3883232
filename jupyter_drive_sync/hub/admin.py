"""What the administrators of a hub see and do, and the routes for it.

The routes are made on a base class of the service's own, which lets administrators alone in, checks
forms, and sets the headers of pages.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from logging import Logger
from typing import Any, Final, cast

from tornado import web

from jupyter_drive_sync.hub.admin_page import ACTIONS, Row, View, confirm_page
from jupyter_drive_sync.hub.manifest import Graduations
from jupyter_drive_sync.hub.nightly import Nightly
from jupyter_drive_sync.hub.people import Person
from jupyter_drive_sync.hub.standing import (
    STATES,
    counted,
    standing,
    testing_mode,
)

PAGE: Final = 100
"""People on a page."""
_JSON_PAGE: Final = 1_000
_CELLS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Beginnings of a cell that a spreadsheet would take for a formula."""
_COLUMNS: Final = (
    "user", "server", "account", "state", "sentence", "since", "backed_up", "last_sync", "files",
    "left_out", "problem", "consented",
)  # fmt: skip

Revoke = Callable[[str, str], Awaitable[object]]
"""Ends a permission, at Google too: user and home id."""


class AdminDesk:
    """Everything behind the page.

    Args:
        nightly: the nights.
        graduations: last syncs.
        revoke: ends a permission.
        refresh: reads who has consented; the page shall not wait for the next night.
        wall: seconds since the epoch.
        log: tells who did what.
    """

    def __init__(
        self,
        *,
        nightly: Nightly,
        graduations: Graduations,
        revoke: Revoke,
        refresh: Callable[[], Awaitable[object]],
        wall: Callable[[], float],
        log: Logger,
    ) -> None:
        self.nightly = nightly
        self.graduations = graduations
        self.wall = wall
        self._revoke = revoke
        self._refresh = refresh
        self._log = log

    # -- what is shown ----------------------------------------------------------------------------

    async def people(self) -> list[Row]:
        """Return everybody, the most urgent first."""
        await self._refresh()
        wave = self.nightly.wave
        at_work = {turn.key for turn in wave.under_way} if wave else set()
        upcoming = "tonight" if wave is None else "in this night"
        rows = [
            Row(
                person,
                standing(
                    person,
                    self.nightly.held_by(person.user),
                    under_way=(person.user, person.server) in at_work,
                    first_possible=upcoming,
                ),
            )
            for person in await self.nightly.journal.do(self.nightly.journal.store.people)
        ]
        order = [*STATES]
        return sorted(rows, key=lambda row: (order.index(row.standing.state), row.person.user))

    async def night(self) -> dict[str, Any]:
        """Describe the night that is on, or the next one."""
        wave = self.nightly.wave
        now = self.wall()
        journal = self.nightly.journal
        nights = await journal.do(journal.store.nights, 2)
        latest = next((night for night in nights if night.state != "running"), None)
        last = None
        if latest is not None:
            turns = await journal.do(journal.store.turns, latest.id, ["done"])
            outcomes = dict(Counter(turn.outcome for turn in turns).most_common())
            last = {"id": latest.id, "outcomes": outcomes, "reason": latest.reason}
        done = wave.counts.total() if wave else 0
        total = done + wave.waiting + len(wave.under_way) if wave else 0
        return {
            "running": wave is not None,
            "id": wave.night.id if wave else None,
            "mode": self.nightly.settings.mode,
            "paused": self.nightly.paused,
            "done": done,
            "total": total,
            "under_way": len(wave.under_way) if wave else 0,
            "outcomes": dict(wave.counts) if wave else {},
            "eta_seconds": _eta(wave.night.begin, now, done, total) if wave else None,
            "ends": wave.night.end if wave else None,
            "next": self.nightly.upcoming(now),
            "spent": dict(self.nightly.spent),
            "last": last,
        }

    def notices(self, people: Sequence[Person]) -> list[str]:
        """Say what concerns many at once."""
        said = []
        seven, dead = testing_mode(people, self.wall())
        if seven:
            said.append(
                f"{seven} of {dead} permissions that ended lately ended 7 days after consent: the "
                'Google app is in "Testing". Publish it in Google Auth Platform, Audience; the '
                "people cannot mend this, and each has to consent once more."
            )
        if self.nightly.groups_unknown:
            said.append(
                "A group is held, but the service may not know who is in it, so everybody is held: "
                "the role drive-sync lacks the scope read:users:groups."
            )
        return said

    async def csv(self) -> str:
        """Write everybody as CSV; no cell can be taken for a formula."""
        out = io.StringIO()
        table = csv.writer(out)
        table.writerow(_COLUMNS)
        for row in await self.people():
            table.writerow([_cell(value) for value in _described(row).values()])
        return out.getvalue()

    async def metrics(self) -> bytes:
        """Write the figures for Prometheus."""
        rows = await self.people()
        people = [(row.standing.state, row.person) for row in rows]
        nightly = self.nightly
        return nightly.metrics.render(people, nightly.wave, nightly.spent, self.wall())

    # -- what is done -----------------------------------------------------------------------------

    async def act(
        self, admin: str, action: str, who: Sequence[str], *, reason: str, folder: str
    ) -> str:
        """Do something for some people; return what was done, in words.

        Args:
            admin: who wants it.
            action: one of :data:`.admin_page.ACTIONS`.
            who: people, as ``user/server``.
            reason: for a hold.
            folder: for a last sync of a part.

        Raises:
            ValueError: there is no such action, or nobody is named.
        """
        if action not in ACTIONS or not who:
            raise ValueError("nobody, or nothing to do")
        self._log.info("%s: %s for %s", admin, action, ", ".join(who))
        keys = [_key(each) for each in who]
        users = sorted({user for user, _ in keys})
        if action == "retry":
            number = await self.nightly.retry(users)
            return f"{_people(number)} will be synced as soon as may be."
        if action == "hold":
            now = self.wall()
            for user in users:
                await self.nightly.hold("user", user, begin=now, end=0, reason=reason, by=admin)
            return f"{_people(len(users))} will not be disturbed until you lift it below."
        if action in ("leave_out", "take_in"):
            number = await self.nightly.opt(users, out=action == "leave_out")
            where = "left out of" if action == "leave_out" else "taken into"
            return f"{_people(number)} will be {where} the nights."
        if action == "graduate":
            number = await self.graduations.ask(keys, folder, admin)
            return f"{_people(number)} will be synced a last time in the next night."
        return await self._end_permissions(keys)

    async def _end_permissions(self, keys: Sequence[tuple[str, str]]) -> str:
        ended, failed = 0, []
        for key in keys:
            person = await self.nightly.journal.do(self.nightly.journal.store.person, *key)
            if person is None:
                continue
            try:
                await self._revoke(person.user, person.home_id)
                ended += 1
            except Exception as problem:
                self._log.warning("The permission of %s was not ended: %s", person.user, problem)
                failed.append(person.user)
        also = f" That of {', '.join(failed)} could not be ended; try again." if failed else ""
        return f"The permission of {_people(ended)} was ended.{also}"


class AdminRoute(web.RequestHandler):
    """What the routes share; see :func:`admin_routes` for what the base has to bring."""

    desk: AdminDesk
    prefix: str
    user: str

    def html(self, text: str) -> None:
        """Answer with a page; the base has its own."""
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(text)

    def send(self, kind: str, text: str | bytes) -> None:
        """Answer with something else."""
        self.set_header("Content-Type", kind)
        self.set_header("Cache-Control", "no-store")
        self.finish(text)

    @property
    def xsrf(self) -> str:
        """What a form has to bring back."""
        token = self.xsrf_token
        return token.decode("ascii") if isinstance(token, bytes) else str(token)

    def back(self, done: str) -> None:
        """Show the page again, with what was done."""
        self.set_signed_cookie("drive-sync-done", done, expires_days=None, path=self.prefix)
        self.redirect(f"{self.prefix}admin", status=303)


class PageView(AdminRoute):
    """The page."""

    async def get(self) -> None:
        """Show it."""
        desk = self.desk
        rows = await desk.people()
        query = {name: self.get_query_argument(name, "")[:200] for name in ("state", "q", "page")}
        if not query["page"].isdigit() or query["page"] == "0":
            query["page"] = ""
        chosen = _chosen(rows, query["state"], query["q"])
        page = int(query["page"] or 1)
        done = self.get_signed_cookie("drive-sync-done") or b""
        if done:
            self.clear_cookie("drive-sync-done", path=self.prefix)
        view = View(
            prefix=self.prefix,
            xsrf=self.xsrf,
            rows=chosen[(page - 1) * PAGE : page * PAGE],
            found=len(chosen),
            counts=counted([row.standing for row in rows]),
            total=len(rows),
            not_backed_up=sum(not row.standing.backed_up for row in rows),
            query=query,
            night=await desk.night(),
            notices=desk.notices([row.person for row in rows]),
            holds=desk.nightly.holds,
            groups=desk.nightly.group_names,
            done=done.decode("utf-8", "replace"),
            zone=desk.nightly.settings.window.zone,
            now=desk.wall(),
            size=PAGE,
        )
        self.html(view.render())


class PeopleJson(AdminRoute):
    """Everybody, for programs."""

    async def get(self) -> None:
        """Answer with a page of people."""
        desk = self.desk
        rows = await desk.people()
        state, name = self.get_query_argument("state", ""), self.get_query_argument("q", "")
        chosen = _chosen(rows, state, name)
        text = self.get_query_argument("page", "1")
        page = int(text) if text.isdigit() and int(text) else 1
        part = chosen[(page - 1) * _JSON_PAGE : page * _JSON_PAGE]
        values = {
            "total": len(chosen),
            "page": page,
            "pages": max(1, -(-len(chosen) // _JSON_PAGE)),
            "counts": counted([row.standing for row in rows]),
            "people": [_described(row) for row in part],
        }
        self.send("application/json", json.dumps(values))


class NightJson(AdminRoute):
    """The night, for programs."""

    async def get(self) -> None:
        """Answer with how it goes."""
        self.send("application/json", json.dumps(await self.desk.night()))


class PeopleCsv(AdminRoute):
    """Everybody, for a spreadsheet."""

    async def get(self) -> None:
        """Answer with a file."""
        self.set_header("Content-Disposition", 'attachment; filename="backups.csv"')
        self.send("text/csv; charset=utf-8", await self.desk.csv())


class Metrics(AdminRoute):
    """Figures for Prometheus."""

    async def get(self) -> None:
        """Answer with all of them."""
        self.send("text/plain; version=0.0.4; charset=utf-8", await self.desk.metrics())


class ManifestFile(AdminRoute):
    """The proof of a graduation."""

    async def get(self, number: str) -> None:
        """Answer with the manifest."""
        found = await self.desk.graduations.manifest(int(number))
        if found is None:
            raise web.HTTPError(404)
        self.set_header("Content-Disposition", f'attachment; filename="manifest-{number}.json"')
        self.send("application/json", found)


class GraduationsJson(AdminRoute):
    """All graduations, for programs."""

    async def get(self) -> None:
        """Answer with how each stands."""
        self.send("application/json", json.dumps(await self.desk.graduations.listed()))


class Act(AdminRoute):
    """Something for those who are ticked."""

    async def post(self) -> None:
        """Do it, or ask again first."""
        who = [text[:600] for text in self.get_body_arguments("who")][:10_000]
        action = self.get_body_argument("action", "")
        if not who or action not in ACTIONS:
            self.back("Nobody was ticked, so nothing was done.")
            return
        sure = self.get_body_argument("sure", "") == "yes"
        if action in ("revoke", "graduate") and not sure:
            self.html(confirm_page(self.prefix, self.xsrf, action, who))
            return
        reason = self.get_body_argument("reason", "")[:200]
        folder = self.get_body_argument("folder", "")[:500]
        try:
            done = await self.desk.act(self.user, action, who, reason=reason, folder=folder)
        except ValueError as problem:
            done = f"Nothing was done: {problem}."
        self.back(done)


class AddHold(AdminRoute):
    """A hold."""

    async def post(self) -> None:
        """Make it."""
        desk = self.desk
        kind, name = self.get_body_argument("kind", ""), self.get_body_argument("name", "").strip()
        until = self.get_body_argument("until", "")
        try:
            zone = desk.nightly.settings.window.zone
            end = datetime.fromisoformat(until).replace(tzinfo=zone).timestamp() if until else 0.0
            await desk.nightly.hold(
                kind,
                "" if kind == "all" else name[:200],
                begin=desk.wall(),
                end=end,
                reason=self.get_body_argument("reason", "")[:200],
                by=self.user,
            )
        except ValueError as problem:
            self.back(f"Nothing is held: {problem}.")
        else:
            known = desk.nightly.group_names
            unknown = kind == "group" and bool(known) and name not in known
            also = f" But of the people met so far nobody is in a group {name}." if unknown else ""
            self.back(f"It is held.{also}")


class LiftHold(AdminRoute):
    """The end of a hold."""

    async def post(self) -> None:
        """Lift it."""
        text = self.get_body_argument("hold", "")
        lifted = text.isdigit() and await self.desk.nightly.lift(int(text))
        self.back("The hold is lifted." if lifted else "There was no such hold any more.")


class Pause(AdminRoute):
    """No nights for now, or nights again."""

    async def post(self, what: str) -> None:
        """Pause or resume."""
        await self.desk.nightly.pause(paused=what == "pause")
        self.back("The nights are paused." if what == "pause" else "The nights go on.")


def admin_routes(
    desk: AdminDesk, base: type[web.RequestHandler], prefix: str
) -> list[tuple[str, type[web.RequestHandler]]]:
    """Return the routes for administrators, below the service's prefix.

    Args:
        desk: what is behind them.
        base: lets administrators of the hub alone in, has checked the form of a POST by then,
            knows who it is (``user``), and sets the headers of pages.
        prefix: path of the service, with a slash at both ends.
    """
    routes: list[tuple[str, type[AdminRoute]]] = [
        ("admin", PageView),
        ("admin/people.json", PeopleJson),
        ("admin/people.csv", PeopleCsv),
        ("admin/night.json", NightJson),
        ("admin/graduations.json", GraduationsJson),
        ("admin/manifest/([0-9]{1,9})", ManifestFile),
        ("admin/act", Act),
        ("admin/hold", AddHold),
        ("admin/lift", LiftHold),
        ("admin/(pause|resume)", Pause),
        ("metrics", Metrics),
    ]
    more = {"desk": desk, "prefix": prefix, "admins_only": True}
    # `html` is the base's; the other methods are those of the route.
    return [
        (path, cast("type[web.RequestHandler]", type(kind.__name__, (kind, base), more)))
        for path, kind in routes
    ]


def _chosen(rows: Sequence[Row], state: str, name: str) -> list[Row]:
    """Return the rows that a filter lets through."""
    wanted = name.strip().lower()

    def fits(row: Row) -> bool:
        if state == "not_backed_up":
            if row.standing.backed_up:
                return False
        elif state in STATES and row.standing.state != state:
            return False
        return (
            not wanted or wanted in row.person.user.lower() or wanted in row.person.account.lower()
        )

    return [row for row in rows if fits(row)]


def _described(row: Row) -> dict[str, Any]:
    person, how = row.person, row.standing
    return {
        "user": person.user,
        "server": person.server,
        "account": person.account,
        "state": how.state,
        "sentence": how.sentence,
        "since": _iso(how.since),
        "backed_up": how.backed_up,
        "last_sync": _iso(person.last_sync),
        "files": person.files,
        "left_out": person.left_out,
        "problem": person.problem,
        "consented": _iso(person.granted_at or None),
    }


def _iso(moment: float | None) -> str:
    if moment is None:
        return ""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _cell(value: object) -> object:
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_CELLS) else value


def _key(text: str) -> tuple[str, str]:
    user, _, server = text.rpartition("/")
    return user, server


def _people(number: int) -> str:
    return "1 person" if number == 1 else f"{number} people"


def _eta(begin: float, now: float, done: int, total: int) -> float | None:
    """Reckon the seconds that the rest takes; None while nobody can tell."""
    if done < 5 or now <= begin or total <= done:
        return None
    return (now - begin) / done * (total - done)
