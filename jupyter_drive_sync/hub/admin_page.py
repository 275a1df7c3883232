"""The admin's page, written on the server: plain HTML, no script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from jupyter_drive_sync.hub.people import Hold, Person
from jupyter_drive_sync.hub.standing import STATES, Standing

STYLE: Final = """
:root { color-scheme: light dark; --line: #d0d3d9; --soft: #f4f5f7; --text: #1c1e21; --dim: #5a5f66;
  --link: #0b5cad; --ok: #1a7f37; --bad: #b42318; --warn: #8a5a00; --page: #fff; }
@media (prefers-color-scheme: dark) { :root { --line: #3d4249; --soft: #22262b; --text: #e8eaed;
  --dim: #a8aeb6; --link: #7cb7ff; --ok: #57c26f; --bad: #ff8a80; --warn: #f2c14e; --page: #16181b; } }
* { box-sizing: border-box; }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--text); background: var(--page); margin: 0;
  overflow-wrap: anywhere; }
main { max-width: 1200px; margin: 0 auto; padding: 16px; }
h1 { font-size: 1.5rem; margin: 8px 0 16px; } h2 { font-size: 1.1rem; margin: 24px 0 8px; }
a { color: var(--link); }
.cards { display: flex; flex-wrap: wrap; gap: 8px; padding: 0; margin: 0; list-style: none; }
.cards a { display: block; min-width: 8.5em; padding: 8px 12px; border: 1px solid var(--line);
  border-radius: 6px; text-decoration: none; color: var(--text); background: var(--soft); }
.cards a[aria-current] { border-color: var(--link); box-shadow: inset 0 0 0 1px var(--link); }
.cards b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.box { border: 1px solid var(--line); border-left: 4px solid var(--line); border-radius: 6px;
  padding: 10px 14px; margin: 12px 0; background: var(--soft); }
.box.bad { border-left-color: var(--bad); } .box.ok { border-left-color: var(--ok); }
.box p { margin: 4px 0; }
progress { width: 100%; height: 10px; accent-color: var(--link); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 8px; border-bottom: 1px solid var(--line); }
th { font-size: .85rem; color: var(--dim); }
td.name { min-width: 13em; } td.name b { display: block; } .dim { color: var(--dim); font-size: .9rem; }
.num { white-space: nowrap; font-variant-numeric: tabular-nums; }
.state { white-space: nowrap; font-weight: 600; }
.state::before { content: attr(data-shape); display: inline-block; width: 1.4em; }
.synced, .archived { color: var(--ok); } .needs_admin { color: var(--bad); }
.needs_person { color: var(--warn); }
form.bar { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; margin: 12px 0; }
input, select, button { font: inherit; color: inherit; background: var(--page);
  border: 1px solid var(--line); border-radius: 4px; padding: 6px 10px; min-height: 34px; }
input[type=search] { flex: 0 1 19em; min-width: 0; } #reason, #hold-reason { width: 14em; }
input[type=checkbox] { min-height: 0; width: 20px; height: 20px; }
input[type=search] { box-sizing: border-box; width: 16em; max-width: 100%; }
label.tick { display: inline-flex; min-width: 28px; min-height: 28px; align-items: center; }
button { background: var(--soft); cursor: pointer; } button.go { border-color: var(--link); }
:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
.pages { display: flex; gap: 12px; margin: 12px 0; }
.hide { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
@media (max-width: 700px) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  table, tbody, tr, td { display: block; }
  tr { border: 1px solid var(--line); border-radius: 6px; margin: 8px 0; padding: 6px; }
  td { border: 0; padding: 3px 6px; } td:first-child { float: left; } td.name { min-width: 0; }
  td.name ~ td { clear: left; }
  td[data-label]::before { content: attr(data-label) ": "; color: var(--dim); font-size: .9rem; }
  .cards a { min-width: 7em; flex: 1; }
}
"""  # noqa: E501 - a style sheet
_SHAPES: Final = {
    "synced": "\u2713",
    "archived": "\u25a3",
    "syncing": "\u2191",
    "waiting": "\u25cb",
    "held": "\u2016",
    "left_out": "\u2013",
    "needs_person": "!",
    "needs_admin": "\u2715",
}
_OUTCOMES: Final = {
    "synced": "synced",
    "with_errors": "with something left",
    "failed": "not synced",
    "theirs": "left to their own server",
    "late": "went on too long",
    "no_room": "had no room",
    "stopped": "not begun",
}
ACTIONS: Final[Mapping[str, str]] = {
    "retry": "Retry as soon as possible",
    "hold": "Hold: do not disturb",
    "leave_out": "Leave out of the nights",
    "take_in": "Take into the nights again",
    "graduate": "Last sync, verify and archive\u2026",
    "revoke": "End the permission\u2026",
}
"""What can be done for those who are ticked; what ends in three dots is asked about again."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    person: Person
    standing: Standing


@dataclass(frozen=True, slots=True)
class View:
    """Everything that the page shows.

    Attributes:
        prefix: path of the service, with a slash at both ends.
        xsrf: what a form has to bring back.
        rows: the lines of this page.
        found: how many there are in all.
        counts: people by state.
        total: all people.
        not_backed_up: people whose backup is not complete.
        query: of this page: ``state``, ``q``, ``page``.
        night: see :meth:`.admin.AdminDesk.night`.
        notices: sentences above all else.
        holds: that are, or will be, in force.
        groups: that can be named for a hold.
        done: what the last press of a button did.
        zone: the hub's.
        now: epoch seconds.
        size: lines on a page.
    """

    prefix: str
    xsrf: str
    rows: Sequence[Row]
    found: int
    counts: Mapping[str, int]
    total: int
    not_backed_up: int
    query: Mapping[str, str]
    night: Mapping[str, Any]
    notices: Sequence[str]
    holds: Sequence[Hold]
    groups: Sequence[str]
    done: str
    zone: ZoneInfo
    now: float
    size: int

    # -- the page ---------------------------------------------------------------------------------

    def render(self) -> str:
        """Write the page."""
        refresh = '<meta http-equiv="refresh" content="10">' if self.night["running"] else ""
        return _page(
            "Backups of this hub",
            refresh,
            "\n".join(
                (
                    "<h1>Backups of this hub</h1>",
                    f'<p class="box ok" role="status">{escape(self.done)}</p>' if self.done else "",
                    *(f'<p class="box bad">{escape(notice)}</p>' for notice in self.notices),
                    self._night(),
                    self._cards(),
                    self._search(),
                    self._table(),
                    self._pages(),
                    self._holds(),
                )
            ),
        )

    def _night(self) -> str:
        night = self.night
        if night["running"]:
            done, total = night["done"], night["total"]
            left = f", about {_minutes(night['eta_seconds'])} left" if night["eta_seconds"] else ""
            said = (
                f"<p><b>The night is on.</b> {done} of {total} people are done, "
                f"{night['under_way']} under way{left}.</p>"
                f'<progress max="{max(1, total)}" value="{done}" aria-label="People done">'
                f"</progress>"
            )
            button = self._button("pause", "Begin no more tonight")
        else:
            said = f"<p>The next night begins {escape(self._when(night['next']))}.</p>"
            button = ""
            if night["paused"]:
                said = "<p><b>The nights are paused.</b></p>"
                button = self._button("resume", "Resume")
            elif night["mode"] == "off":
                said = "<p>There are no nights here: people's own servers sync.</p>"
            else:
                button = self._button("pause", "Pause the nights")
        spent = night["spent"]
        share = f"{100 * spent['units'] / spent['units_limit']:.1f}"
        said += f'<p class="dim">Today {share} % of the quota for the nights is used.</p>'
        last = night["last"]
        if last and not night["running"]:
            parts = ", ".join(
                f"{number} {_OUTCOMES.get(outcome, outcome)}"
                for outcome, number in last["outcomes"].items()
            )
            said += f'<p class="dim">Last night ({escape(last["id"])}): {parts or "nobody"}.</p>'
        return f'<section class="box" aria-label="The night">{said}{button}</section>'

    def _cards(self) -> str:
        cards = [("", "all", self.total), ("not_backed_up", "not backed up", self.not_backed_up)]
        cards += [(state, STATES[state], number) for state, number in self.counts.items() if number]
        here = ' aria-current="true"'
        items = "".join(
            f'<li><a href="{self._link(state=state, page="")}"'
            f"{here if self.query.get('state', '') == state else ''}>"
            f"<b>{number:,}</b>{escape(words)}</a></li>"
            for state, words, number in cards
        )
        return f'<ul class="cards">{items}</ul>'

    def _search(self) -> str:
        return (
            f'<form class="bar" method="get" action="{self.prefix}admin">'
            f'<input type="hidden" name="state" value="{_attr(self.query.get("state", ""))}">'
            '<label class="hide" for="q">Name or Google account</label>'
            f'<input id="q" name="q" type="search" placeholder="Name or Google account" '
            f'value="{_attr(self.query.get("q", ""))}"><button>Find</button>'
            f'<a href="{self.prefix}admin/people.csv">All as CSV</a></form>'
        )

    def _table(self) -> str:
        if not self.rows:
            nobody = self.query.get("q") or self.query.get("state")
            clear = f' <a href="{self.prefix}admin">Show all</a>' if nobody else ""
            return f"<p>Nobody{' like that' if nobody else ' has consented yet'}.{clear}</p>"
        rows = "".join(self._row(row) for row in self.rows)
        actions = "".join(
            f'<option value="{name}">{escape(words)}</option>' for name, words in ACTIONS.items()
        )
        return (
            f'<form method="post" action="{self.prefix}admin/act">{self._hidden()}'
            '<table><thead><tr><th><span class="hide">Choose</span></th><th>Person</th><th>State'
            "</th><th>Why, and what to do</th><th>Backed up</th>"
            '<th class="num">Files</th></tr></thead>'
            f"<tbody>{rows}</tbody></table>"
            '<div class="bar"><p><label for="action">With those who are ticked:</label> '
            f'<select id="action" name="action">{actions}</select> '
            '<label class="hide" for="reason">Reason, for a hold</label>'
            '<input id="reason" name="reason" placeholder="Reason, for a hold" maxlength="200"> '
            '<button class="go">Do it</button></p></div></form>'
        )

    def _row(self, row: Row) -> str:
        person, how = row.person, row.standing
        name = person.user + (f" / {person.server}" if person.server else "")
        key = f"{person.user}/{person.server}"
        since = f"since {self._when(how.since)}" if how.since and not how.backed_up else ""
        backed = self._when(person.last_sync) if person.last_sync else "never"
        return (
            f'<tr><td><label class="tick"><input type="checkbox" name="who" value="{_attr(key)}">'
            f'<span class="hide">{escape(name)}</span></label></td>'
            f'<td class="name"><b>{escape(name)}</b>'
            f'<span class="dim">{escape(person.account)}</span></td>'
            f'<td><span class="state {how.state}" data-shape="{_SHAPES[how.state]}">'
            f"{escape(STATES[how.state])}</span></td>"
            f'<td>{escape(how.sentence)} <span class="dim">{escape(since)}</span></td>'
            f'<td class="num" data-label="Backed up">{escape(backed)}</td>'
            f'<td class="num" data-label="Files">{person.files:,}</td></tr>'
        )

    def _pages(self) -> str:
        page = int(self.query.get("page") or 1)
        last = max(1, -(-self.found // self.size))
        links = []
        if page > 1:
            links.append(f'<a href="{self._link(page=str(page - 1))}" rel="prev">Earlier</a>')
        if last > 1:
            links.append(f"<span>Page {page} of {last}</span>")
        if page < last:
            links.append(f'<a href="{self._link(page=str(page + 1))}" rel="next">Later</a>')
        return f'<nav class="pages" aria-label="Pages">{"".join(links)}</nav>' if links else ""

    def _holds(self) -> str:
        items = "".join(
            f'<li><form class="bar" method="post" action="{self.prefix}admin/lift">{self._hidden()}'
            f'<input type="hidden" name="hold" value="{hold.id}">'
            f"<span>{escape(_whom(hold))}, {escape(self._span(hold))}"
            f"{escape(f' ({hold.reason})' if hold.reason else '')}, by {escape(hold.by)}</span>"
            "<button>Lift</button></form></li>"
            for hold in self.holds
        )
        groups = "".join(f'<option value="{_attr(name)}">' for name in self.groups)
        return (
            "<h2>Holds</h2><p>While an exam runs: nobody is disturbed, and servers are told so.</p>"
            f"{f'<ul>{items}</ul>' if items else ''}"
            f'<form class="bar" method="post" action="{self.prefix}admin/hold">{self._hidden()}'
            '<label>Hold <select name="kind"><option value="group">the group</option>'
            '<option value="user">the person</option><option value="all">everybody</option>'
            '</select></label> <label class="hide" for="hold-name">Name</label>'
            '<input id="hold-name" name="name" placeholder="Name" maxlength="200" list="groups">'
            f'<datalist id="groups">{groups}</datalist>'
            '<label>until <input type="datetime-local" name="until"></label>'
            '<label class="hide" for="hold-reason">Reason</label>'
            '<input id="hold-reason" name="reason" placeholder="Reason" maxlength="200">'
            f'<button class="go">Hold</button> <span class="dim">{escape(str(self.zone))}</span>'
            "</form>"
        )

    # -- small things -----------------------------------------------------------------------------

    def _button(self, action: str, words: str) -> str:
        return (
            f'<form class="bar" method="post" action="{self.prefix}admin/{action}">'
            f"{self._hidden()}<button>{escape(words)}</button></form>"
        )

    def _hidden(self) -> str:
        return f'<input type="hidden" name="_xsrf" value="{_attr(self.xsrf)}">'

    def _link(self, **changes: str) -> str:
        query = {name: text for name, text in {**self.query, **changes}.items() if text}
        return escape(f"{self.prefix}admin{'?' if query else ''}{urlencode(query)}", quote=True)

    def _when(self, moment: float | None) -> str:
        if not moment:
            return "at no time"
        there = datetime.fromtimestamp(moment, self.zone)
        here = datetime.fromtimestamp(self.now, self.zone)
        if there.date() == here.date():
            return f"{there:%H:%M}"
        return f"{there:%Y-%m-%d %H:%M}"

    def _span(self, hold: Hold) -> str:
        until = f"until {self._when(hold.end)}" if hold.end else "until it is lifted"
        return until if hold.begin <= self.now else f"from {self._when(hold.begin)} {until}"


def confirm_page(prefix: str, xsrf: str, action: str, keys: Sequence[str], hidden: str = "") -> str:
    """Ask once more before something that cannot be taken back."""
    names = ", ".join(key.rstrip("/") for key in keys)
    said = {
        "revoke": (
            "End the permission of these people?",
            (
                "What is on their Drive stays there, and nothing more is copied until they consent "
                "again. At Google, all permissions that they gave this project end."
            ),
            "End it",
        ),
        "graduate": (
            "Sync these people a last time, and archive?",
            (
                "In the next night each home is synced once more, compared with Drive by "
                "checksum, and "
                "written into a manifest. From then on nothing of it is moved to Drive's trash. "
                "For a part of it, name its folder."
            ),
            "Archive",
        ),
    }[action]
    folder = (
        '<label>Only this folder: <input name="folder" maxlength="500" '
        'placeholder="all of the home"></label>'
        if action == "graduate"
        else ""
    )
    whose = "".join(f'<input type="hidden" name="who" value="{_attr(key)}">' for key in keys)
    return _page(
        said[0],
        "",
        f'<h1>{escape(said[0])}</h1><p>{escape(said[1])}</p><p class="box">{escape(names)}</p>'
        f'<form class="bar" method="post" action="{prefix}admin/act">{hidden}'
        f'<input type="hidden" name="_xsrf" value="{_attr(xsrf)}">{whose}'
        f'<input type="hidden" name="action" value="{action}">'
        f'<input type="hidden" name="sure" value="yes">{folder}'
        f'<button class="go">{escape(said[2])}</button> <a href="{prefix}admin">Back</a></form>',
    )


def _page(title: str, head: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width">{head}'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body><main>{body}</main>"
        "</body></html>"
    )


def _attr(text: str) -> str:
    return escape(text, quote=True)


def _whom(hold: Hold) -> str:
    return {"all": "Everybody", "group": f"The group {hold.name}"}.get(hold.kind, hold.name)


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return "1 minute" if minutes == 1 else f"{minutes} minutes"
    return f"{minutes / 60:.1f} hours"
