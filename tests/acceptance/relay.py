"""A wire that can be cut: a TCP relay that resets a connection after so many bytes sent up."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterable

_RESET = struct.pack("ii", 1, 0)


class Relay:
    """Relays connections to a loopback port.

    The first connection that has carried more bytes up than the first of `cuts` is reset, then
    the next cut applies, to whatever connections come.

    Args:
        port: Where to relay to.
        cuts: Bytes, counted per connection, after which one is reset.
        outage: How many connections are reset at once after each cut.

    Attributes:
        port: Where to connect to.
        done: How many cuts were made.
        carried: Bytes sent up so far, over all connections.
    """

    def __init__(self, port: int, cuts: Iterable[int] = (), outage: int = 0) -> None:
        self._port = port
        self._cuts = deque(cuts)
        self._outage = outage
        self._down_for = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.done = 0
        self.carried = 0

    def __enter__(self) -> Relay:
        self._run(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            still_open = list(self._open)
        for end in still_open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _run(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._run(self._carry, client)

    def _carry(self, client: socket.socket) -> None:
        if self._is_down():
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            client.close()
            return
        with client, socket.create_connection(("127.0.0.1", self._port)) as server:
            with self._lock:
                self._open |= {client, server}
            down = threading.Thread(target=self._down, args=(server, client), daemon=True)
            down.start()
            with contextlib.suppress(OSError):
                self._up(client, server)
            down.join()
            with self._lock:
                self._open -= {client, server}

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        carried = 0
        try:
            while piece := client.recv(1 << 16):
                carried += len(piece)
                if self._is_cut(carried, len(piece)):
                    for end in (client, server):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                        end.shutdown(socket.SHUT_RDWR)
                    return
                server.sendall(piece)
        finally:
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_WR)

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := server.recv(1 << 16):
                client.sendall(piece)
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_WR)

    def _is_cut(self, carried: int, more: int) -> bool:
        with self._lock:
            self.carried += more
            if self._cuts and carried > self._cuts[0]:
                self._cuts.popleft()
                self._down_for = self._outage
                self.done += 1
                return True
            return False

    def _is_down(self) -> bool:
        with self._lock:
            self._down_for -= 1
            return self._down_for >= 0
