"""A worker of the night: ``python -m jupyter_drive_sync.hub.worker --shard 0/2``.

Runs where the homes are mounted, such as in the pods of a Kubernetes CronJob; asks the service for
orders until the night is over, and ends.
"""

from __future__ import annotations

import argparse
import base64
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, Final

from jupyter_drive_sync.errors import DriveSyncError, Internal, Offline
from jupyter_drive_sync.hub.home_runner import ChildRunner, Heard, Order, Tokens
from jupyter_drive_sync.hub.work import VARIABLE
from jupyter_drive_sync.runner.protocol import Event, Problem, Progress, Reported, Token, problem_of

_TIMEOUT: Final = 60.0
_PING: Final = 30.0
_TRIES: Final = 20
_PAUSE: Final = 15.0
_SAID: Final = ("outcome", "objects", "counters", "problem", "paused")
"""What the service wants to know of a result: no name of a file is among it."""


class Lost(Exception):
    """The service gave the turn to somebody else, or does not know us."""


class Service:
    """The service, by HTTP.

    Args:
        url: of the service, such as ``http://hub:10101/services/drive-sync/``.
        secret: what shows that we are a worker.
        name: ours.
        over: set when we have to end.
    """

    def __init__(self, url: str, secret: str, name: str, over: threading.Event) -> None:
        self._url = f"{url.rstrip('/')}/api/shard/"
        self._secret = secret
        self._name = name
        self._over = over
        # No proxy: the service is a neighbour.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(self, what: str, **values: Any) -> Mapping[str, Any]:
        """Ask or tell something, again and again while the service restarts.

        Raises:
            Lost: the turn is not ours any more.
            Offline: the service does not answer.
            Reported: it answered with an error.
        """
        body = json.dumps({"worker": self._name, **values}).encode()
        for _ in range(_TRIES):
            request = urllib.request.Request(  # noqa: S310 - the admin's own address
                self._url + what,
                body,
                {"authorization": f"Bearer {self._secret}", "content-type": "application/json"},
            )
            try:
                with self._opener.open(request, timeout=_TIMEOUT) as reply:
                    said: Mapping[str, Any] = json.loads(reply.read())
            except urllib.error.HTTPError as problem:
                problem.close()
                if problem.code in (400, 403, 404, 409):
                    raise Lost(f"the service answers {problem.code}") from None
            except (OSError, ValueError):
                pass
            else:
                if "refusal" in said:
                    raise Reported(Problem(**said["refusal"]))
                return said
            if self._over.wait(_PAUSE):
                break
        raise Offline


class Handed:
    """Courses of the person whose home we have just now (see :class:`.handing.Shelf`).

    Args:
        service: has them.
        order: says whose.
    """

    def __init__(self, service: Service, order: Order) -> None:
        self._service = service
        self._whose = {"user": order.user, "server": order.server}

    def course(self, name: str) -> list[Mapping[str, Any]]:
        """Return the files of a course.

        Raises:
            DriveSyncError: the service has none, or does not answer.
        """
        return list(self._ask("course", name=name)["files"])

    def piece(self, name: str, md5: str, offset: int, length: int) -> bytes:
        """Return a piece of a content (errors as :meth:`course`)."""
        said = self._ask("piece", name=name, md5=md5, offset=offset, length=length)
        return base64.b64decode(said["piece"])

    def _ask(self, what: str, **values: Any) -> Mapping[str, Any]:
        try:
            return self._service.ask(what, **self._whose, **values)
        except Lost as problem:
            raise Offline(detail=str(problem)) from None


class Worker:
    """Carries orders out, one after the other.

    Args:
        service: has them.
        runner: syncs a home.
        shard: which part of the people.
        shards: of how many.
        over: set when we have to end.
        log: says what was done.
        idle: seconds between two questions while nobody's turn has come.
    """

    def __init__(
        self,
        *,
        service: Service,
        runner: ChildRunner,
        shard: int,
        shards: int,
        over: threading.Event,
        log: logging.Logger,
        idle: float = 10.0,
    ) -> None:
        self._service = service
        self._runner = runner
        self._shard = shard
        self._shards = shards
        self._over = over
        self._log = log
        self._idle = idle

    def work(self) -> int:
        """Work until there is nothing more to do; return how many homes were synced."""
        number = 0
        while not self._over.is_set():
            said = self._service.ask("claim", shard=self._shard, shards=self._shards)
            if said["order"] is not None:
                self.carry_out(Order(**said["order"]))
                number += 1
            elif said["over"] or self._over.wait(self._idle):
                break
        return number

    def carry_out(self, order: Order) -> None:
        """Carry out one order, and tell how it went."""
        whose: dict[str, Any] = {"user": order.user, "server": order.server}
        ended = threading.Event()
        counts = {"done": 0, "bytes": 0}

        def hear(event: Event) -> None:
            if isinstance(event, Progress):
                counts.update(done=event.done, bytes=event.bytes_done)

        def make(home_id: str, refused: bool) -> Token:
            return Token(**self._service.ask("token", **whose, home_id=home_id, refused=refused))

        def ping() -> None:
            while not ended.wait(_PING):
                if self._over.is_set():
                    ended.set()
                    return
                try:
                    self._service.ask("word", **whose, **counts)
                except (Lost, DriveSyncError):
                    ended.set()

        pinger = threading.Thread(target=ping, daemon=True)
        pinger.start()
        try:
            result = self._sync(order, make, hear, ended)
        finally:
            ended.set()
            pinger.join()
        try:
            self._service.ask("result", **whose, **result)
        except (Lost, DriveSyncError) as problem:
            self._log.warning("How the sync of %s went could not be told: %s", order.user, problem)
        self._log.info("%s: %s", order.user, result.get("problem", {}).get("code") or "done")

    def _sync(self, order: Order, tokens: Tokens, heard: Heard, over: threading.Event) -> Any:
        try:
            values = self._runner.sync(order, tokens, heard, over)
        except DriveSyncError as problem:
            return {"problem": _plain(problem)}
        except Exception:
            self._log.exception("The sync of %s failed", order.user)
            return {"problem": _plain(Internal())}
        said = {name: values[name] for name in _SAID if name in values}
        return {"values": {**said, "holds": bool(values.get("holds"))}}


def _plain(problem: DriveSyncError) -> dict[str, Any]:
    found = problem_of(problem)
    return {
        "code": found.code,
        "who": found.who,
        "sentence": found.sentence,
        "exit_code": found.exit_code,
    }


def _shard(text: str) -> tuple[int, int]:
    shard, _, shards = text.partition("/")
    try:
        if not 0 <= int(shard) < int(shards):
            raise ValueError
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no share such as 0/2") from None
    return int(shard), int(shards)


def main(arguments: Sequence[str] | None = None) -> int:
    """Work through a night; the exit status is 0 unless the service cannot be reached."""
    parser = argparse.ArgumentParser(prog="jupyter_drive_sync.hub.worker", description=__doc__)
    parser.add_argument(
        "--shard", type=_shard, default=(0, 1), help="this worker's share, such as 0/2"
    )
    parser.add_argument(
        "--url",
        default=os.environ.get("DRIVE_SYNC_BROKER_URL", ""),
        help="address of the service; $DRIVE_SYNC_BROKER_URL",
    )
    parser.add_argument("--homes", default="/homes", help="where the homes are mounted")
    parser.add_argument("--concurrency", type=int, default=4, help="homes at once")
    parser.add_argument("--idle", type=float, default=10.0, help="seconds between two questions")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    log = logging.getLogger("drive-sync-worker")
    secret = os.environ.pop(VARIABLE, "")
    if not options.url or not secret:
        log.error("Name the service with --url, and set %s.", VARIABLE)
        return 2
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    name = f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}"
    service = Service(options.url, secret, name, over)
    worker = Worker(
        service=service,
        runner=ChildRunner(options.homes, shelf=lambda order: Handed(service, order)),
        shard=options.shard[0],
        shards=options.shard[1],
        over=over,
        log=log,
        idle=options.idle,
    )
    return _run(worker, max(1, options.concurrency), log)


def _run(worker: Worker, concurrency: int, log: logging.Logger) -> int:
    begun = time.monotonic()
    numbers: list[int] = []
    problems: list[Exception] = []

    def work() -> None:
        try:
            numbers.append(worker.work())
        except (Lost, DriveSyncError) as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.info("%d homes in %d seconds.", sum(numbers), time.monotonic() - begun)
    if problems:
        log.error("The service cannot be used: %s", problems[0])
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
