"""Graduation: a last sync that the service itself verifies, and the proof of it.

In the next night the home is synced once more, and whoever syncs it writes a manifest with all
checksums to the person's Drive. Their word is no proof: the service then lists the person's Drive
with an access token of its own, and compares. What is proven is kept here and on that Drive; from
then on nothing of it goes to Drive's trash any more, and the home may be archived.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from logging import Logger
from typing import Any, Final

from sqlalchemy import Engine, Float, Integer, String, Text, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from jupyter_drive_sync.errors import DriveSyncError
from jupyter_drive_sync.hub.database import Base
from jupyter_drive_sync.hub.journal import Journal
from jupyter_drive_sync.hub.people import Person
from jupyter_drive_sync.runner.parent import Child, follow
from jupyter_drive_sync.runner.protocol import (
    NEED_OTHER_TOKEN,
    Job,
    Token,
    encode_refusal,
    encode_token,
)

_LISTED: Final = 10_000
Tokens = Callable[[str, bool], Token]
Verify = Callable[[str, str, str, float], Awaitable[Mapping[str, Any]]]
"""Compares with Drive: user, home id, folder, and since when a manifest counts."""


class GraduationRow(Base):
    """One last sync, of a home or a folder of it."""

    __tablename__ = "graduations"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    user: Mapped[str] = mapped_column(String(255), index=True)
    server: Mapped[str] = mapped_column(String(255), default="")
    home_id: Mapped[str] = mapped_column(String(64), default="")
    folder: Mapped[str] = mapped_column(String(1000), default="")
    state: Mapped[str] = mapped_column(String(10))
    """``asked``, ``proven``, ``unproven`` (it is tried again in the next night)."""
    asked_at: Mapped[float] = mapped_column(Float)
    by: Mapped[str] = mapped_column(String(255))
    verified_at: Mapped[float | None] = mapped_column(Float, default=None)
    files: Mapped[int] = mapped_column(Integer, default=0)
    problem: Mapped[str] = mapped_column(Text, default="")
    sha256: Mapped[str] = mapped_column(String(64), default="")
    manifest: Mapped[str] = mapped_column(Text, default="")


class Graduations:
    """Asks for last syncs, and verifies them.

    Args:
        engine: the database.
        journal: writes off the event loop.
        verify: compares with Drive.
        wall: seconds since the epoch.
        log: tells what was proven.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        journal: Journal,
        verify: Verify,
        wall: Callable[[], float],
        log: Logger,
    ) -> None:
        self._engine = engine
        self._journal = journal
        self._verify = verify
        self._wall = wall
        self._log = log

    async def ask(self, keys: Collection[tuple[str, str]], folder: str, by: str) -> int:
        """Have homes synced a last time; return how many.

        Args:
            keys: user and server of each.
            folder: the part of each home, from its top; ``""`` for all.
            by: who wants it.

        Raises:
            ValueError: the folder is no path below a home.
        """
        plain = folder.strip("/")
        if any(part in ("", ".", "..") for part in plain.split("/")) and plain:
            raise ValueError("the folder is no path below a home")
        return await self._journal.do(self._ask, keys, plain, by)

    def _ask(self, keys: Collection[tuple[str, str]], folder: str, by: str) -> int:
        number = 0
        with Session(self._engine) as session:
            for user, server in keys:
                person = session.get(Person, (user, server))
                if person is None:
                    continue
                # The state folder of a home knows one last sync at a time.
                person.final = True
                person.final_folder = folder
                session.add(
                    GraduationRow(
                        user=user,
                        server=server,
                        home_id=person.home_id,
                        folder=folder,
                        state="asked",
                        asked_at=self._wall(),
                        by=by,
                    )
                )
                number += 1
            session.commit()
        return number

    async def synced(self, person: Person) -> bool:
        """Verify somebody's last sync; tell whether it is proven.

        Args:
            person: synced just now.
        """
        asked = await self._journal.do(self._open, person.user, person.server)
        if asked is None:
            return False
        try:
            found = await self._verify(person.user, person.home_id, asked.folder, asked.asked_at)
        except DriveSyncError as problem:
            found = {"proven": False, "wrong": [["", problem.sentence]], "wrong_count": 1}
        proven = bool(found["proven"])
        wrong = "; ".join(f"{path}: {why}".strip(": ") for path, why in found.get("wrong", ())[:20])
        values = {
            "state": "proven" if proven else "unproven",
            "verified_at": self._wall(),
            "home_id": person.home_id,
            "files": int(found.get("files", 0)),
            "problem": "" if proven else f"{found.get('wrong_count', 1)} not proven. {wrong}",
            "sha256": str(found.get("sha256", "")) if proven else "",
            "manifest": str(found.get("manifest", "")) if proven else "",
        }
        await self._journal.do(self._close, asked.id, person, asked.folder, values)
        self._log.info("The last sync of %s: %s", person.user, values["state"])
        return proven

    def _open(self, user: str, server: str) -> GraduationRow | None:
        with Session(self._engine, expire_on_commit=False) as session:
            rows = session.scalars(
                select(GraduationRow)
                .where(
                    GraduationRow.user == user,
                    GraduationRow.server == server,
                    GraduationRow.state != "proven",
                )
                .order_by(GraduationRow.id.desc())
            )
            return rows.first()

    def _close(self, number: int, person: Person, folder: str, values: Mapping[str, Any]) -> None:
        with Session(self._engine) as session:
            session.execute(
                update(GraduationRow).where(GraduationRow.id == number).values(dict(values))
            )
            if values["state"] == "proven":
                kept = session.get(Person, (person.user, person.server))
                if kept is not None:
                    kept.final = False
                    kept.final_folder = ""
                    kept.frozen_at = self._wall() if not folder else kept.frozen_at
            session.commit()

    async def manifest(self, number: int) -> str | None:
        """Return the manifest of a proven graduation."""
        return await self._journal.do(self._manifest, number)

    def _manifest(self, number: int) -> str | None:
        with Session(self._engine) as session:
            row = session.get(GraduationRow, number)
            return row.manifest or None if row else None

    async def listed(self) -> list[dict[str, Any]]:
        """Describe all graduations, newest first."""
        return await self._journal.do(self._listed)

    def _listed(self) -> list[dict[str, Any]]:
        columns = [column for column in GraduationRow.__table__.columns if column.key != "manifest"]
        with Session(self._engine) as session:
            rows = session.execute(
                select(*columns).order_by(GraduationRow.id.desc()).limit(_LISTED)
            )
            return [dict(row) for row in rows.mappings()]


def verify_in_child(tokens: Tokens, user_home: str, folder: str, since: float) -> Mapping[str, Any]:
    """Compare with Drive, in a child process with the service's own rights; waits for it.

    Args:
        tokens: makes access tokens of that person.
        user_home: the home's id.
        folder: the part of it.
        since: epoch seconds when it was asked for.

    Raises:
        DriveSyncError: Drive does not answer, or the permission is gone.
    """
    with tempfile.TemporaryDirectory(prefix="drive-sync-verify-") as state:
        job = Job(
            kind="verify",
            id=uuid.uuid4().hex[:12],
            home=state,
            state_dir=state,
            drive_folder="",
            client_file="",
            credentials="broker",
            args={"home_id": user_home, "folder": folder, "since": since},
        )

        def supply(what: str) -> str:
            try:
                return encode_token(tokens(user_home, what == NEED_OTHER_TOKEN))
            except DriveSyncError as problem:
                return encode_refusal(problem)

        with Child(job) as child:
            return follow(child, lambda _: None, supply)
