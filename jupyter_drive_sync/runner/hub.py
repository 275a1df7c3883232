"""A home whose permission the hub keeps: what a server, or a command in its terminal, does then.

Everything here waits for the hub's service.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from jupyter_drive_sync.core.clock import Clock
from jupyter_drive_sync.drive.credentials.hub import Broker, Standing
from jupyter_drive_sync.drive.secrets import SecretsStore
from jupyter_drive_sync.errors import ConsentTimeout, DriveSyncError, NotConnected
from jupyter_drive_sync.runner.account import Account
from jupyter_drive_sync.runner.handing import handing
from jupyter_drive_sync.runner.parent import Child, follow
from jupyter_drive_sync.runner.place import Place
from jupyter_drive_sync.runner.protocol import (
    HOME_ID,
    NEED_OTHER_TOKEN,
    Event,
    Note,
    Token,
    encode_refusal,
    encode_token,
)

LOOK: float = 2.0
"""Seconds between two questions whether a person has consented yet."""


def broker_of(place: Place) -> Broker:
    """Return what asks the hub's service.

    Raises:
        NotConnected: there is none.
    """
    if place.broker is None:
        raise NotConnected
    return Broker(place.broker)


def courses(place: Place) -> list[str]:
    """Return the names of the courses that the hub hands on to this person; off a hub, none.

    Raises:
        Relayed, HubSilent: the hub does not say.
    """
    return broker_of(place).courses() if place.broker is not None else []


def look(place: Place) -> Standing:
    """Ask how a home stands, and keep it where every surface reads it.

    Raises:
        Relayed, HubSilent: the hub does not say.
    """
    home = place.identity()
    standing = broker_of(place).standing(home.home_id, home.before)
    known = Account.load(place.state_dir)
    if standing.connected:
        found = Account(
            permission_id=standing.permission_id,
            email=standing.email,
            name="",
            client_file="",
            connected_at=standing.connected_at,
        )
        if found != known:
            found.save(place.state_dir)
    elif known is not None:
        Account.forget(place.state_dir)
    return standing


def address(place: Place, standing: Standing, jupyter: str = "") -> str:
    """Return where a person goes to connect this home.

    Args:
        place: the home.
        standing: knows the hub's page.
        jupyter: path to lead back to.
    """
    query = {"home": place.identity().home_id, **({"next": jupyter} if jupyter else {})}
    return f"{standing.connect_url}?{urlencode(query)}"


def by_hub(
    place: Place, ask: Callable[[str], None], *, patience: float, clock: Clock
) -> Mapping[str, Any]:
    """Have a person consent at the hub.

    Args:
        place: the home to connect.
        ask: brings the person to the address.
        patience: seconds to wait.
        clock: time.

    Returns:
        The account: ``email``, ``name``, ``permission_id``.

    Raises:
        ConsentTimeout: nothing happened.
        Relayed, HubSilent: the hub does not say.
    """
    before = look(place)
    ask(address(place, before))
    end = clock.monotonic() + patience
    while clock.monotonic() < end:
        clock.sleep(LOOK)
        now = look(place)
        if is_new(before, now):
            return {"email": now.email, "name": "", "permission_id": now.permission_id}
    raise ConsentTimeout(minutes=max(1, round(patience / 60)))


def is_new(before: Standing, now: Standing) -> bool:
    """Tell whether somebody consented between two looks."""
    anew = not before.connected or now.connected_at != before.connected_at
    return now.connected and now.problem is None and anew


def disconnect(place: Place, *, revoke: bool) -> bool:
    """Have the hub forget the permission, and forget here what belongs to it.

    Returns:
        Whether Google was told.

    Raises:
        Relayed, HubSilent: the hub did not; nothing was changed.
    """
    revoked = broker_of(place).disconnect(place.identity().home_id, revoke=revoke)
    SecretsStore(place.state_dir).destroy()
    Account.forget(place.state_dir)
    return revoked


def supplier(place: Place) -> Callable[[str], str] | None:
    """Return what hands a child its access tokens, and courses; None where no hub has any."""
    if place.broker is None:
        return None
    broker = Broker(place.broker)

    def supply(what: str) -> str:
        try:
            # Asked for each time: a home that began afresh meanwhile has another id.
            home = place.identity()
            made = broker.access(home.home_id, home.before, refused=what == NEED_OTHER_TOKEN)
        except DriveSyncError as problem:
            return encode_refusal(problem)
        return encode_token(
            Token(
                made.token.reveal(),
                made.expires_in,
                made.token_uri,
                made.project,
                made.permission_id,
            )
        )

    return handing(broker, supply)


def follow_at(place: Place, child: Child, heard: Callable[[Event], None]) -> Mapping[str, Any]:
    """Hear a child of a home to its end (see :func:`.parent.follow`), and hand it its tokens."""
    return follow(child, unless_home_id(heard), supplier(place))


def unless_home_id(heard: Callable[[Event], None]) -> Callable[[Event], None]:
    """Keep from a listener what a child says to whoever hands out tokens."""

    def hear(event: Event) -> None:
        if not (isinstance(event, Note) and event.code == HOME_ID):
            heard(event)

    return hear
