"""What the service remembers of people and nights, and how it is written down.

Each method is one transaction. A turn (one person in one night) is written *before* each thing
that the night does in the world, so that whoever finds the record after a crash knows what may have
been done: ``planned``, ``starting`` (the hub is about to be asked), ``syncing`` (the server is up,
or the process runs), ``stopping``, ``done``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Float,
    Integer,
    String,
    Text,
    bindparam,
    delete,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from jupyter_drive_sync.hub.budget import Spent
from jupyter_drive_sync.hub.database import Base

_NIGHTS_KEPT: Final = 60
OPEN: Final = ("planned", "starting", "syncing", "stopping")
"""States of a turn that is not over."""


class Person(Base):
    """Somebody who consented, and one home of theirs.

    Moments are epoch seconds.
    """

    __tablename__ = "people"

    user: Mapped[str] = mapped_column(String(255), primary_key=True)
    server: Mapped[str] = mapped_column(String(255), primary_key=True, default="")
    """Name of the server that the home belongs to; ``""`` is the default one."""
    home_id: Mapped[str] = mapped_column(String(64), default="")
    granted_at: Mapped[float] = mapped_column(Float, default=0.0)
    account: Mapped[str] = mapped_column(String(320), default="")
    """Address of the Google account."""
    baseline: Mapped[float] = mapped_column(Float, default=0.0)
    """Activity up to here is on Drive."""
    last_sync: Mapped[float | None] = mapped_column(Float, default=None)
    """End of the last complete sync; a server's word, but in mounted mode."""
    last_try: Mapped[float | None] = mapped_column(Float, default=None)
    outcome: Mapped[str] = mapped_column(String(40), default="")
    problem: Mapped[str] = mapped_column(String(80), default="")
    """Code of what is wrong, as in ``errors.py``; ``night.…`` for what the night met."""
    problem_who: Mapped[str] = mapped_column(String(10), default="")
    problem_text: Mapped[str] = mapped_column(String(500), default="")
    problem_since: Mapped[float | None] = mapped_column(Float, default=None)
    failures: Mapped[int] = mapped_column(Integer, default=0)
    """Nights in a row that failed."""
    files: Mapped[int] = mapped_column(Integer, default=0)
    left_out: Mapped[int] = mapped_column(Integer, default=0)
    holds: Mapped[int] = mapped_column(Integer, default=0)
    """Questions that wait for the person."""
    usual_units: Mapped[int] = mapped_column(BigInteger, default=0)
    usual_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    unfinished: Mapped[bool] = mapped_column(default=False)
    nights_waited: Mapped[int] = mapped_column(Integer, default=0)
    """Nights in which the budget had no room for the first upload."""
    opted_out: Mapped[bool] = mapped_column(default=False)
    retry: Mapped[bool] = mapped_column(default=False)
    parked_until: Mapped[float] = mapped_column(Float, default=0.0)
    revoked: Mapped[bool] = mapped_column(default=False)
    ended_at: Mapped[float | None] = mapped_column(Float, default=None)
    """When Google ended the permission."""
    final: Mapped[bool] = mapped_column(default=False)
    """The next sync is the last one, see :mod:`.manifest`."""
    final_folder: Mapped[str] = mapped_column(String(1000), default="")
    frozen_at: Mapped[float | None] = mapped_column(Float, default=None)


class NightRow(Base):
    """One night."""

    __tablename__ = "nights"

    id: Mapped[str] = mapped_column(String(10), primary_key=True)
    mode: Mapped[str] = mapped_column(String(10))
    begin: Mapped[float] = mapped_column(Float)
    end: Mapped[float] = mapped_column(Float)
    state: Mapped[str] = mapped_column(String(10))
    """``running``, ``done``, ``stopped``."""
    people: Mapped[int] = mapped_column(Integer, default=0)
    due: Mapped[int] = mapped_column(Integer, default=0)
    ended: Mapped[float | None] = mapped_column(Float, default=None)
    reason: Mapped[str] = mapped_column(Text, default="")


class Turn(Base):
    """One person in one night."""

    __tablename__ = "turns"

    night: Mapped[str] = mapped_column(String(10), primary_key=True)
    user: Mapped[str] = mapped_column(String(255), primary_key=True)
    server: Mapped[str] = mapped_column(String(255), primary_key=True, default="")
    why: Mapped[str] = mapped_column(String(20))
    at: Mapped[float] = mapped_column(Float)
    """When it may begin."""
    state: Mapped[str] = mapped_column(String(10), index=True)
    outcome: Mapped[str] = mapped_column(String(20), default="")
    """``synced``, ``with_errors``, ``failed``, ``theirs`` (their own server does it), ``late``,
    ``no_room``, ``stopped``."""
    problem: Mapped[str] = mapped_column(String(80), default="")
    activity: Mapped[float] = mapped_column(Float, default=0.0)
    """The hub's word on the person before the night did anything."""
    seen: Mapped[float] = mapped_column(Float, default=0.0)
    """The hub's word on the server's activity once it was up; 0 while that is not known."""
    asked: Mapped[float] = mapped_column(Float, default=0.0)
    began: Mapped[float] = mapped_column(Float, default=0.0)
    ended: Mapped[float] = mapped_column(Float, default=0.0)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    units: Mapped[int] = mapped_column(BigInteger, default=0)
    reckoned_units: Mapped[int] = mapped_column(BigInteger, default=0)
    reckoned_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    reported: Mapped[bool] = mapped_column(default=False)
    shard: Mapped[str] = mapped_column(String(80), default="")
    """The worker that has it, in mounted mode."""
    pinged: Mapped[float] = mapped_column(Float, default=0.0)

    @property
    def key(self) -> tuple[str, str]:
        """Whose it is."""
        return self.user, self.server


class HoldRow(Base):
    """Somebody, or everybody, is not to be disturbed."""

    __tablename__ = "night_holds"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(10))
    """``all``, ``group`` or ``user``."""
    name: Mapped[str] = mapped_column(String(255), default="")
    begin: Mapped[float] = mapped_column(Float)
    end: Mapped[float] = mapped_column(Float)
    """0 is until somebody lifts it."""
    reason: Mapped[str] = mapped_column(String(300), default="")
    by: Mapped[str] = mapped_column(String(255), default="")


class PauseRow(Base):
    """What an admin pressed last on the page: *Pause* or *Resume*; one row."""

    __tablename__ = "night_pause"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    paused: Mapped[bool]
    configured: Mapped[bool]
    """What the configuration said then; where it says something else now, that counts."""


class DayRow(Base):
    """What a day of Google's has cost."""

    __tablename__ = "quota_days"

    day: Mapped[str] = mapped_column(String(10), primary_key=True)
    units: Mapped[int] = mapped_column(BigInteger)
    bytes: Mapped[int] = mapped_column(BigInteger)


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold (see :class:`HoldRow`)."""

    id: int
    kind: str
    name: str
    begin: float
    end: float
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Granted:
    """Somebody's consent, as the store of grants tells it.

    Attributes:
        user: the hub's name.
        home_id: the home that it is for; ``""`` while no home has asked.
        granted_at: epoch seconds.
        account: address of the Google account.
        server: name of the server whose home it is, where that is known.
        ended_at: epoch seconds when Google ended it; None while it is good.
    """

    user: str
    home_id: str = ""
    granted_at: float = 0.0
    account: str = ""
    server: str = ""
    ended_at: float | None = None


class Store:
    """Reads and writes the tables.

    Args:
        engine: of :func:`~jupyter_drive_sync.hub.database.open_database`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def _session(self) -> Session:
        # Rows are handed out as plain values: nobody reloads them behind the back of a reader.
        return Session(self._engine, expire_on_commit=False)

    # -- people -----------------------------------------------------------------------------------

    def meet(self, granted: Iterable[Granted]) -> list[Person]:
        """Take note of who has consented, and return all of them.

        Who consented anew is no longer revoked; who is not among them any more is forgotten.
        """
        with self._session() as session:
            known = {(row.user, row.server): row for row in session.scalars(select(Person))}
            homes = {(row.user, row.home_id): row for row in known.values() if row.home_id}
            met: dict[tuple[str, str], Person] = {}
            # Homes that are known first: an older grant of another one does not take their place.
            for grant in sorted(granted, key=lambda each: (each.user, each.home_id) not in homes):
                person = homes.get((grant.user, grant.home_id)) or known.get(
                    (grant.user, grant.server)
                )
                key = (person.user, person.server) if person else (grant.user, grant.server)
                if key in met:
                    continue  # a second grant of one server: the first one stands
                if person is None:
                    person = Person(user=grant.user, server=grant.server)
                    _fill(person)
                    session.add(person)
                self._agree(person, grant)
                met[key] = person
            for key, row in known.items():
                if key not in met and row.frozen_at is None:
                    session.delete(row)
            session.commit()
            return [*met.values()]

    @staticmethod
    def _agree(person: Person, grant: Granted) -> None:
        person.home_id = grant.home_id or person.home_id
        person.account = grant.account or person.account
        if grant.granted_at > person.granted_at:
            person.granted_at = grant.granted_at
            person.revoked = False
            if person.problem.startswith("auth."):
                _mend(person)
        person.ended_at = grant.ended_at
        if grant.ended_at is not None:
            person.revoked = True

    def person(self, user: str, server: str) -> Person | None:
        """Return one person."""
        # Asked for with each word of each server: without the costs of a session.
        with self._engine.connect() as db:
            row = db.execute(_PERSON, {"of_user": user, "of_server": server}).mappings().first()
        if row is None:
            return None
        person = Person()
        for name, value in row.items():
            setattr(person, name, value)
        return person

    def learn(self, user: str, server: str, home_id: str) -> None:
        """Take note of which server a home with a consent of its own belongs to."""
        with self._session() as session:
            if session.get(Person, (user, server)) is None:
                person = Person(user=user, server=server, home_id=home_id)
                _fill(person)
                session.add(person)
                session.commit()

    def people(self) -> list[Person]:
        """Return all."""
        with self._session() as session:
            return [*session.scalars(select(Person).order_by(Person.user, Person.server))]

    def change_person(self, user: str, server: str, values: Mapping[str, Any]) -> None:
        """Set some fields; those of somebody unknown are dropped."""
        with self._session() as session:
            session.execute(
                update(Person)
                .where(Person.user == user, Person.server == server)
                .values(dict(values))
            )
            session.commit()

    def change_people(self, users: Collection[str], values: Mapping[str, Any]) -> int:
        """Set some fields of several users; return how many homes that were."""
        with self._session() as session:
            number = 0
            for user in users:
                found: Any = session.execute(
                    update(Person).where(Person.user == user).values(dict(values))
                )
                number += found.rowcount
            session.commit()
            return number

    # -- nights -----------------------------------------------------------------------------------

    def begin(self, night: NightRow, turns: Iterable[Mapping[str, Any]]) -> None:
        """Write a night down with all its turns; drop those of long ago."""
        with self._session() as session:
            old = session.scalars(
                select(NightRow.id).order_by(NightRow.id.desc()).offset(_NIGHTS_KEPT - 1)
            ).all()
            session.execute(delete(Turn).where(Turn.night.in_(old)))
            session.execute(delete(NightRow).where(NightRow.id.in_(old)))
            session.add(night)
            session.flush()
            rows = [*turns]
            if rows:
                session.execute(Turn.__table__.insert(), rows)  # type: ignore[attr-defined]
            session.commit()

    def night(self, id: str) -> NightRow | None:  # noqa: A002 - it is one
        """Return one night."""
        with self._session() as session:
            return session.get(NightRow, id)

    def nights(self, number: int) -> list[NightRow]:
        """Return the latest nights, newest first."""
        with self._session() as session:
            return [*session.scalars(select(NightRow).order_by(NightRow.id.desc()).limit(number))]

    def change_night(self, id: str, values: Mapping[str, Any]) -> None:  # noqa: A002 - it is one
        """Set some fields of a night."""
        with self._session() as session:
            session.execute(update(NightRow).where(NightRow.id == id).values(dict(values)))
            session.commit()

    def unfinished(self) -> list[NightRow]:
        """Return the nights that a killed service left."""
        with self._session() as session:
            return [*session.scalars(select(NightRow).where(NightRow.state == "running"))]

    def turns(self, night: str, states: Collection[str] = OPEN) -> list[Turn]:
        """Return a night's turns in some states, in their order."""
        with self._session() as session:
            asked = select(Turn).where(Turn.night == night, Turn.state.in_(states))
            return [*session.scalars(asked.order_by(Turn.at))]

    def add_turn(self, values: Mapping[str, Any]) -> None:
        """Write one more turn down, in place of an earlier one of the same person."""
        with self._session() as session:
            session.merge(Turn(**values))
            session.commit()

    def change_turn(self, night: str, key: tuple[str, str], values: Mapping[str, Any]) -> None:
        """Set some fields of a turn."""
        with self._engine.begin() as db:
            db.execute(_this_turn(night, key, values))

    def take_word(
        self,
        key: tuple[str, str],
        person: Mapping[str, Any],
        *,
        night: str = "",
        turn: Mapping[str, Any] | None = None,
        spent: Spent | None = None,
    ) -> None:
        """Write down, in one step, what somebody's word or end changes.

        Args:
            key: user and server.
            person: fields of the person.
            night: whose turn it was part of, ``""`` for none.
            turn: fields of that turn.
            spent: what the day has cost by now.
        """
        with self._engine.begin() as db:
            if turn:
                db.execute(_this_turn(night, key, turn))
            if person:
                table = Person.__table__
                mine = (table.c.user == key[0], table.c.server == key[1])
                db.execute(update(table).where(*mine).values(dict(person)))  # type: ignore[arg-type]
            if spent is not None:
                _keep_spent(db, spent)

    def close_turns(self, night: str, keys: Collection[tuple[str, str]], outcome: str) -> None:
        """End turns that never began."""
        with self._session() as session:
            for key in keys:
                session.execute(_this_turn(night, key, {"state": "done", "outcome": outcome}))
                if outcome == "no_room":
                    session.execute(
                        update(Person)
                        .where(Person.user == key[0], Person.server == key[1])
                        .values(nights_waited=Person.nights_waited + 1)
                    )
            session.commit()

    # -- holds and quota --------------------------------------------------------------------------

    def add_hold(self, hold: Mapping[str, Any]) -> int:
        """Write a hold down; return its id."""
        with self._session() as session:
            row = HoldRow(**hold)
            session.add(row)
            session.commit()
            return row.id

    def lift_hold(self, id: int) -> bool:  # noqa: A002 - it is one
        """End a hold; tell whether there was one."""
        with self._session() as session:
            found: Any = session.execute(delete(HoldRow).where(HoldRow.id == id))
            session.commit()
            return bool(found.rowcount)

    def holds(self, now: float) -> list[Hold]:
        """Return the holds that are, or will be, in force; those that are over are dropped."""
        with self._session() as session:
            session.execute(delete(HoldRow).where(HoldRow.end > 0, HoldRow.end <= now))
            session.commit()
            rows = session.scalars(select(HoldRow).order_by(HoldRow.id))
            return [
                Hold(row.id, row.kind, row.name, row.begin, row.end, row.reason, row.by)
                for row in rows
            ]

    def paused(self, configured: bool) -> bool:
        """Tell whether the nights are paused: by what was pressed last, else as configured."""
        with self._session() as session:
            row = session.get(PauseRow, 1)
            return row.paused if row and row.configured == configured else configured

    def keep_paused(self, paused: bool, configured: bool) -> None:
        """Remember what was pressed; a hub that restarts does not forget it."""
        with self._session() as session:
            session.merge(PauseRow(id=1, paused=paused, configured=configured))
            session.commit()

    def spent(self, day: str) -> Spent:
        """Return what a day of Google's has cost."""
        with self._session() as session:
            row = session.get(DayRow, day)
            return Spent(day, row.units, row.bytes) if row else Spent(day)


_PERSON: Final = select(Person.__table__).where(
    Person.__table__.c.user == bindparam("of_user"),
    Person.__table__.c.server == bindparam("of_server"),
)


def _this_turn(night: str, key: tuple[str, str], values: Mapping[str, Any]) -> Any:
    table: Any = Turn.__table__
    mine = (table.c.night == night, table.c.user == key[0], table.c.server == key[1])
    return update(table).where(*mine).values(dict(values))


def _keep_spent(db: Connection, spent: Spent) -> None:
    table: Any = DayRow.__table__
    values = {"units": spent.units, "bytes": spent.bytes}
    if not db.execute(update(table).where(table.c.day == spent.day).values(values)).rowcount:
        db.execute(table.insert().values(day=spent.day, **values))


def _mend(person: Person) -> None:
    person.problem = person.problem_who = person.problem_text = ""
    person.problem_since = None
    person.failures = 0


def _fill(person: Person) -> None:
    """Give a new row its defaults before it is written: it is judged first."""
    for column in Person.__table__.columns:
        if column.default is not None and getattr(person, column.key) is None:
            default: Any = column.default
            setattr(person, column.key, default.arg)
