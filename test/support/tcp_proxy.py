"""A TCP proxy that can do what a pulled cable does: connections that are neither served nor closed any more."""

from __future__ import annotations

import socket
import threading


class TcpProxy:
    """Passes bytes on between clients and a server. A context manager.

    Args:
        target: ``HOST:PORT`` of the server.

    Attributes:
        address: ``HOST:PORT`` to connect to.
        connections: How many were made so far.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.partition(":")
        self._target = host, int(port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listening.getsockname()[1]}"
        self.connections = 0
        self._sockets: list[socket.socket] = []
        self._dead: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def forget_connections(self) -> None:
        """Nothing that is sent over the connections of now arrives any more, either way; new ones are served."""
        self._dead.update(self._sockets)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:  # closed
                return
            server = socket.create_connection(self._target)
            self.connections += 1
            self._sockets += [client, server]
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._pass, args=(source, sink), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                if source not in self._dead:
                    sink.sendall(data)
            if source not in self._dead:
                sink.shutdown(socket.SHUT_WR)
        except OSError:  # closed meanwhile
            pass

    def __enter__(self) -> TcpProxy:
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.close()
        for each in self._sockets:
            each.close()
