"""Ports for servers of the tests."""
import contextlib
import pathlib
import random
import socket

FIRST = 10240
TRIES = 1000


def free_ports(count):
    """Ports that nobody listens on. They lie below those that the system gives to outgoing connections: so none of these takes one
    while its server is being started again."""
    end = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    with contextlib.ExitStack() as stack:
        sockets = []
        for _ in range(TRIES):
            if len(sockets) == count:
                break
            s = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                s.bind(("127.0.0.1", random.SystemRandom().randrange(FIRST, end) if end > FIRST + TRIES else 0))
                sockets.append(s)
        return [s.getsockname()[1] for s in sockets]


def free_port():
    return free_ports(1)[0]
