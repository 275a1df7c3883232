"""The pages of the hub's service, in the words and the look of those inside Jupyter."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.hub.grants import HubGrant
from jupyter_drive_sync.runner.page import STYLE, Page

_AGAIN: Final = "Go back to Jupyter and press Authorize again."
_ADMIN: Final = "You cannot change that yourself: please tell whoever runs this hub."

_SHELL: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width">{head}<style>{style}
form {{ margin: 1rem 0; }}
button {{ font: inherit; padding: .5rem 1rem; min-height: 2.75rem; border-radius: 4px;
  border: 1px solid var(--line); background: var(--soft); color: var(--text); cursor: pointer; }}
form[data-form=connect] button {{ border-color: var(--link); background: var(--link);
  color: var(--page); font-weight: 600; }}
ul {{ list-style: none; margin: 0; padding: 0; }}
li {{ margin: 1rem 0; padding: 1rem; border: 1px solid var(--line); border-radius: 6px; }}
li form {{ margin: 0; }}
label {{ display: flex; gap: .75rem; align-items: flex-start; }}
input[type=checkbox] {{ flex: none; width: 1.5rem; height: 1.5rem; margin: 0; }}
</style></head><body><main data-drive-sync="{verdict}"><h1>{title}</h1>
{body}
<p><a href="{jupyter}">Go to Jupyter</a></p></main></body></html>
"""


@dataclass(frozen=True, slots=True)
class Form:
    """What a form needs to be taken.

    Attributes:
        action: address that it goes to.
        xsrf: token against forged requests.
        jupyter: where *Go to Jupyter* leads.
    """

    action: str
    xsrf: str
    jupyter: str


def ask(user: str, home_id: str, jupyter: str, known: HubGrant | None, form: Form) -> str:
    """Write the page that asks a person to go on to Google."""
    said = (
        f"<p>Your files on this hub, those of <b>{_text(user)}</b>, will be copied to your own "
        "Google Drive every night. Google asks you next which account, and whether you allow it: "
        "tick the box for Google Drive there. Jupyter sees only what it copied there itself.</p>"
    )
    if known is not None:
        said += (
            f"<p>Connected now: <b>{_text(known.email)}</b>. Choose the same account to go on with "
            "the same copies.</p>"
        )
    said += _form(form, "Continue to Google", {"home": home_id, "next": jupyter}, data="connect")
    return _shell("ask", "Connect your Google Drive", said, form.jupyter)


def onward(url: str, jupyter: str) -> str:
    """Write the page that brings the browser on to Google.

    A page and not a redirect: ``form-action`` would have to name whoever Google sends people to.
    """
    address = html.escape(url, quote=True)
    return _shell(
        "onward",
        "One moment",
        f'<p><a href="{address}">Continue to Google</a></p>',
        jupyter,
        head=f'<meta http-equiv="refresh" content="0;url={address}">',
    )


def overview(user: str, grants: Sequence[HubGrant], form: Form, connect: str, end: str) -> str:
    """Write the page on which a person sees what is connected, and can end it.

    Args:
        user: who it is.
        grants: what is connected.
        form: without an action.
        connect: address of the page that connects.
        end: address that disconnects.
    """
    several = sum(1 for grant in grants if grant.home_id) > 1
    rows = "".join(
        _row(grant, Form(end, form.xsrf, form.jupyter), several=several) for grant in grants
    )
    said = f"<ul>{rows}</ul>" if rows else "<p>No Google Drive is connected yet.</p>"
    said += f'<p><a href="{html.escape(connect, quote=True)}">Connect a Google Drive</a></p>'
    return _shell("overview", f"Google Drive of {user}", said, form.jupyter)


def _row(grant: HubGrant, form: Form, *, several: bool) -> str:
    """Write one connection; the id of its home would tell a person nothing."""
    alive = grant.dead_since is None
    state = "connected since" if alive else "no longer accepted by Google, connected on"
    home = "the files of one of your servers" if several else "your files on this hub"
    used = f"last used on {_day(grant.last_refresh)}" if grant.last_refresh else "not used yet"
    said = (
        f"<b>{_text(grant.email)}</b>, {state} {_day(grant.created)}, for "
        f"{home if grant.home_id else 'the next server that you start'}; {used}."
    )
    also = (
        '<p><label><input type="checkbox" name="revoke" value="1"> End it at Google too: every '
        "other computer and hub that uses the same Google project for this account ends as well."
        "</label></p>"
    )
    ending = _form(form, "Disconnect", {"home": grant.home_id}, data="end", more=also)
    return f"<li>{said}{ending}</li>"


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def connected(email: str, before: HubGrant | None, sub: str) -> Page:
    """Say that it worked, and with which account."""
    said = (
        f"Jupyter may now copy your files to the Google Drive of {email}. It sees only what it "
        "copied there itself. If that is not your account, disconnect at once, in Jupyter."
    )
    if before is not None and before.sub and before.sub != sub:
        said += (
            f" It was {before.email} before: your copies are there, so nothing is sent to the new "
            "account before you have decided in Jupyter."
        )
    return Page("connected", 200, "Connected. You can close this tab.", said)


def disconnected(*, revoked: bool) -> Page:
    """Say that a connection has ended."""
    more = " Google was told as well." if revoked else ""
    return Page(
        "disconnected",
        200,
        "Disconnected",
        f"Our access is deleted, and your files stay on Drive and here.{more}",
    )


def not_set_up() -> Page:
    """Say that the service itself cannot work; why is in the log, for whoever can read it."""
    return Page(
        "not_set_up",
        409,
        "Not set up yet",
        f"Google Drive is not set up rightly on this hub. {_ADMIN} The reason is in the log.",
    )


def refused(problem: DriveSyncError) -> Page:
    """Say why a consent came to nothing, to whom it concerns."""
    title = "Not connected"
    said = _WORDS.get(problem.code)
    if said is not None:
        return Page(problem.code, 400, title, said)
    if problem.who == "admin":
        return Page(problem.code, 502, title, f"{problem.sentence} {_ADMIN}")
    status = 503 if problem.who == "wait" else 400
    return Page(problem.code, status, title, f"{problem.sentence} {_AGAIN}")


_WORDS: Final[dict[str, str]] = {
    "auth.scope_missing": "The Drive box was not ticked on Google's page, so nothing can be "
    f"copied. {_AGAIN} Leave the box ticked.",
    "org.blocked": "Your school's Google rules do not allow this app yet. "
    f"{_ADMIN} They will find what to do in the service's log.",
    "project.api_off": f"Google Drive is not switched on for this hub. {_ADMIN}",
    "project.client_gone": f"The hub's key to Google no longer exists. {_ADMIN}",
}
"""What the student reads; what the administrator has to do stands in the log."""

FOR_ADMIN: Final[dict[str, str]] = {
    "org.blocked": "trust client {client} in the Google Admin console, under Security, Access and "
    "data control, API controls; for accounts under 18 explicitly",
    "project.api_off": "enable the Google Drive API in project {project}, under APIs and services",
    "project.client_gone": "the OAuth client {client} was deleted or its secret changed; restore "
    "it within 30 days, or make another one and have everybody consent again",
    "client_file.invalid": "register {redirect} among the authorized redirect URIs of client "
    "{client}, and download the client file again",
}

EXPIRED: Final = Page(
    "expired",
    410,
    "This took too long",
    f"The question to Google was open for more than 10 minutes, or was asked anew. {_AGAIN}",
)
REPLAYED: Final = Page(
    "replayed",
    409,
    "This page was used already",
    "An answer from Google counts once; nothing was done a second time. Go back to Jupyter: it "
    "shows whether it is connected. If it is not, press Authorize again.",
)
FORGED: Final = Page(
    "forged",
    403,
    "This answer was not asked for",
    "It belongs to no question that you asked in this browser, so nothing was done with it. If you "
    "wanted to connect your Google Drive, go back to Jupyter, in this browser, and press "
    "Authorize.",
)
LOGGED_OUT: Final = Page(
    "logged_out",
    403,
    "You are not logged in here",
    "Nothing was done. Open Jupyter in this browser, log in, and press Authorize again.",
)
NOT_ALLOWED: Final = Page(
    "forbidden",
    403,
    "This is not for you",
    "This page is not for your account at this hub, or it was sent without the token of its form; "
    "nothing was done.",
)
MISSING: Final = Page("missing", 404, "Nothing here", "There is nothing at this address.")
BROKEN: Final = Page(
    "broken",
    500,
    "Something went wrong",
    f"We did not foresee this; your files are untouched. {_AGAIN}",
)


def _form(form: Form, label: str, values: Mapping[str, str], *, data: str, more: str = "") -> str:
    fields = "".join(
        f'<input type="hidden" name="{_text(name)}" value="{html.escape(value, quote=True)}">'
        for name, value in {**values, "_xsrf": form.xsrf}.items()
    )
    return (
        f'<form method="post" action="{html.escape(form.action, quote=True)}" data-form="{data}">'
        f"{fields}{more}<button>{_text(label)}</button></form>"
    )


def _shell(verdict: str, title: str, body: str, jupyter: str, head: str = "") -> str:
    return _SHELL.format(
        title=_text(title),
        head=head,
        style=STYLE,
        verdict=verdict,
        body=body,
        jupyter=html.escape(jupyter, quote=True),
    )


def _text(text: str) -> str:
    return html.escape(text)
