"""Ports for servers of the tests."""
import contextlib
import fcntl
import os
import pathlib
import random
import socket
import tempfile
import threading

FIRST, END = 10240, 24576  # below those that a system gives to outgoing connections; the next are test/browser/daemon.mjs's
BLOCK = 64

lock = threading.Lock()
unused = []  # of the blocks that are this process's
held = []  # open as long as this process lives


def own_block():
    """The first port of a block that is this process's alone. A port that was only seen to be free would be somebody else's when a
    daemon that was killed on it starts again."""
    folder = pathlib.Path(tempfile.gettempdir()) / f"absender-test-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    blocks = list(range(FIRST, END, BLOCK))
    random.SystemRandom().shuffle(blocks)
    for first in blocks:
        fd = os.open(folder / str(first), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            continue
        held.append(fd)
        return first
    raise RuntimeError(f"every port between {FIRST} and {END} is another test's")


def is_free(port):
    with contextlib.closing(socket.socket()) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count):
    """Ports that nobody listens on, and that no other test will be given while this process lives."""
    found = []
    with lock:
        while len(found) < count:
            if not unused:
                first = own_block()
                unused.extend(range(first, first + BLOCK))
            port = unused.pop(0)
            if is_free(port):
                found.append(port)
    return found


def free_port():
    return free_ports(1)[0]
