"""Free ports of 127.0.0.1 that two parts of one process never share."""

from __future__ import annotations

import socket
from random import SystemRandom

from crmlink_devstack.errors import DevstackError

HOST = "127.0.0.1"
# Below the range from which the kernel takes ports for outgoing connections: a part that was
# killed finds its port still free when it starts again.
RANGE = range(12000, 32000)
_given: set[int] = set()
_random = SystemRandom()


def free_port() -> int:
    """Return a port nobody listens on, and which was not given out before."""
    for _ in range(1000):
        port = _random.choice(RANGE)
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise DevstackError("No free port was found on 127.0.0.1: end some programs and try again.")


def is_free(port: int) -> bool:
    """Tell whether one could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def require_free(port: int, what: str) -> None:
    """Say at once, before anything starts, that the port of a part is taken."""
    if not is_free(port):
        raise DevstackError(
            f"Port {port} of 127.0.0.1, wanted for {what}, is in use: end the program that "
            f"listens there, or choose another port (make run PORT={port + 1})."
        )
