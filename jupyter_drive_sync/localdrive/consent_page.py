"""The pages on which a person decides: consent, device code, connected apps, and refusals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jupyter_drive_sync.localdrive.accounts import SCOPES, Account, Project, Scope
from jupyter_drive_sync.localdrive.document import Markup, document, element
from jupyter_drive_sync.localdrive.wire import Response

DECIDE_PATH = "/signin/oauth/consent"
REMOVE_PATH = "/permissions/remove"
ALL_SCOPES = "all"

_REFUSALS = {
    "access_denied": (
        403,
        "This app is being tested, and only test users may use it.",
        "Whoever runs the app can add you as a test user, or publish the app.",
    ),
    "account_disabled": (
        403,
        "This account is suspended.",
        "Whoever runs your organisation\N{RIGHT SINGLE QUOTATION MARK}s accounts can lift that.",
    ),
    "admin_policy_enforced": (
        400,
        "Your organisation does not allow this app.",
        "Ask its administrator to allow the app; nothing that you can do here will help.",
    ),
    "deleted_client": (
        401,
        "The OAuth client was deleted.",
        "Whoever runs the app can restore the client within 30 days, or make a new one.",
    ),
    "invalid_client": (
        401,
        "The OAuth client was not found.",
        "Whoever runs the app must check the client id.",
    ),
    "invalid_request": (400, "The app sent a request that Google does not accept.", ""),
    "invalid_scope": (400, "The app asked for something that does not exist.", ""),
    "redirect_uri_mismatch": (
        400,
        "The address to return to is not registered with this client.",
        "Whoever runs the app can register it; it must match letter by letter.",
    ),
    "stale_page": (
        400,
        "This page is out of date, or was answered before.",
        "Start again from the app.",
    ),
    "unsupported_response_type": (400, "The app must ask for response_type=code.", ""),
}


def refusal_page(code: str, detail: str = "") -> Response:
    """Build the page that ends a consent, with Google's code in it.

    Such errors are shown to the person and never sent to the redirect address, which cannot be
    trusted. Source: Google, "OAuth 2.0 for Web Server Applications", authorization errors.

    Args:
        code: Google's code, such as `redirect_uri_mismatch`.
        detail: What exactly is wrong, for whoever runs the app.
    """
    status, sentence, advice = _REFUSALS[code]
    return document(
        "Access blocked",
        element("h1", "Access blocked"),
        element("p", sentence),
        element("p", advice) if advice else None,
        element("p", element("code", f"Error {status}: {code}"), class_="note bad"),
        element("p", detail, class_="soft") if detail else None,
        status=status,
        narrow=True,
    )


def consent_page(
    project: Project,
    scopes: Sequence[str],
    accounts: Sequence[Account],
    ticket: str,
    ticked: Iterable[str] = (),
) -> Response:
    """Build the page that asks for consent.

    Sign-in scopes come with *Allow*; others have a box each, not ticked, as soon as more than one
    thing is asked for. Source: Google, "How to handle granular permissions".

    Args:
        project: The app.
        scopes: What it asks for, known scopes only.
        accounts: Who may be answering; a choice is shown when there are several.
        ticket: Single-use nonce that binds the answer to this page.
        ticked: Scopes allowed before.
    """
    asked = [SCOPES[url] for url in scopes]
    form = element(
        "form",
        element("input", type="hidden", name="ticket", value=ticket),
        _account_choice(accounts),
        _scope_choice(asked, frozenset(ticked)),
        _restricted_note(asked),
        element(
            "p",
            "You can take this back at any time under ",
            element("a", "connected apps", href="/permissions"),
            ".",
            class_="soft",
        ),
        element(
            "div",
            element("button", "Cancel", name="decision", value="deny", type="submit"),
            element("button", "Allow", name="decision", value="allow", type="submit", class_="act"),
            class_="buttons",
        ),
        method="post",
        action=DECIDE_PATH,
    )
    return document(
        f"{project.name} wants access",
        element("h1", element("b", project.name), " wants access to your Google account"),
        form,
        narrow=True,
    )


def _account_choice(accounts: Sequence[Account]) -> Markup:
    if len(accounts) == 1:
        only = accounts[0]
        return element(
            "p",
            element("input", type="hidden", name="account", value=only.email),
            "Account: ",
            element("b", only.email),
        )
    rows = [
        element(
            "label",
            element("input", type="radio", name="account", value=account.email, checked=index == 0),
            element("span", account.name, element("small", account.email)),
        )
        for index, account in enumerate(accounts)
    ]
    return element("fieldset", element("legend", "Choose an account"), *rows)


def _scope_choice(asked: Sequence[Scope], ticked: frozenset[str]) -> Markup:
    free = [scope for scope in asked if scope.sign_in or len(asked) == 1]
    boxed = [scope for scope in asked if scope not in free]
    listed = [
        element("li", scope.sentence, element("br"), element("code", scope.url, class_="soft"))
        for scope in free
    ]
    given = [
        element("input", type="hidden", name="scope", value=scope.url)
        for scope in free
        if not scope.sign_in
    ]
    boxes = [_box(scope.url, scope.sentence, scope.url, scope.url in ticked) for scope in boxed]
    if len(boxed) > 1:
        boxes.insert(0, _box(ALL_SCOPES, "Select all", "", False))
    return element(
        "div",
        element("p", "The app will be able to:") if free else None,
        element("ul", *listed, class_="plain") if free else None,
        *given,
        element("fieldset", element("legend", "Tick what the app may do"), *boxes)
        if boxes
        else None,
    )


def _box(value: str, sentence: str, detail: str, checked: bool) -> Markup:
    return element(
        "label",
        element("input", type="checkbox", name="scope", value=value, checked=checked),
        element("span", sentence, element("small", element("code", detail)) if detail else None),
    )


def _restricted_note(asked: Sequence[Scope]) -> Markup | None:
    if not any(scope.restricted for scope in asked):
        return None
    return element(
        "p",
        "This app asks for more than the files you use with it. Until an app is verified, "
        "Google warns before such a consent.",
        class_="note",
    )


def device_code_page(sentence: str = "", typed: str = "") -> Response:
    """Build the page on which a device's user code is typed.

    Args:
        sentence: What was wrong with the code typed before.
        typed: That code.
    """
    return document(
        "Connect a device",
        element("h1", "Connect a device"),
        element("p", sentence, class_="note bad", role="alert") if sentence else None,
        element(
            "form",
            element("label", "Enter the code that your device shows", for_="user_code"),
            element(
                "input",
                type="text",
                id="user_code",
                name="user_code",
                value=typed,
                autocomplete="off",
                spellcheck="false",
                required=True,
                maxlength="20",
                placeholder="ABCD-EFGH",
            ),
            element(
                "div", element("button", "Next", type="submit", class_="act"), class_="buttons"
            ),
            method="get",
            action="/device",
        ),
        narrow=True,
    )


def told_page(title: str, sentence: str) -> Response:
    """Build a page that says one thing."""
    return document(title, element("h1", title), element("p", sentence), narrow=True)


def permissions_page(
    account: Account, others: Iterable[Account], apps: Iterable[tuple[Project, Sequence[str], str]]
) -> Response:
    """Build the page of an account's connected apps.

    Args:
        account: Whose page it is.
        others: Every account, for the choice at the top.
        apps: Each app with what it was allowed and the nonce of its button.
    """
    choice = [
        element(
            "a",
            other.email,
            href=f"/permissions?account={other.email}",
            aria_current="page" if other.email == account.email else None,
        )
        for other in others
    ]
    cards = [
        element(
            "section",
            element("h2", project.name),
            element(
                "ul",
                *(element("li", SCOPES[url].sentence) for url in scopes if url in SCOPES),
                class_="plain",
            ),
            element(
                "form",
                element("input", type="hidden", name="ticket", value=ticket),
                element("button", f"Remove access of {project.name}", type="submit"),
                method="post",
                action=REMOVE_PATH,
            ),
        )
        for project, scopes, ticket in apps
    ]
    return document(
        "Connected apps",
        element("nav", *choice, aria_label="Accounts"),
        element("h1", f"Apps with access to {account.email}"),
        *(cards or [element("p", "No app has access to this account.", class_="soft")]),
        crumb="Connected apps",
    )
