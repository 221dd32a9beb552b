"""What every real server of these tests needs: a process that is never left behind, ports, files, waiting."""
import contextlib
import ctypes
import os
import pathlib
import pwd
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from harness.ports import free_ports  # noqa: E402, F401  # for the servers

START_SECONDS = 180  # a machine of the CI may be many times slower than a desk's
STOP_SECONDS = 5
STOP = (signal.SIGTERM, signal.SIGKILL)
PR_SET_CHILD_SUBREAPER = 36

# Ends the process group $1 when the test's end of the pipe closes without a word: the test was killed.
GUARD = 'read -r word || kill -TERM "-$1"'


def run(*arguments, **options):
    """A command that must succeed; its standard output."""
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, arguments))}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Process:
    """A server in the foreground of a session of its own, with all the processes it starts."""

    def __init__(self, name, arguments, environment, log):
        self.name = name
        self.log = log
        # A mail server's master leaves its children, and in a container nobody else would reap them.
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
        with open(log, "ab") as output:
            self.process = subprocess.Popen(arguments, env=environment, stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, start_new_session=True)
        self.guard = subprocess.Popen(["sh", "-c", GUARD, "sh", str(self.process.pid)], stdin=subprocess.PIPE,
                                      start_new_session=True)

    def _members(self):
        """(process id, process group) of all in its session, the ended but not reaped included."""
        found = []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                # "pid (name) state ppid pgrp session …"; the name may hold anything
                fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
                if int(fields[3]) == self.process.pid:
                    found.append((int(stat.parent.name), int(fields[2])))
        return found

    def _reap(self):
        self.process.poll()
        for pid, _ in self._members():
            if pid != self.process.pid:
                with contextlib.suppress(ChildProcessError):  # still its master's
                    os.waitpid(pid, os.WNOHANG)

    def check_alive(self):
        if self.process.poll() is not None:
            text = pathlib.Path(self.log).read_text(encoding="utf-8", errors="replace")
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{text}")

    def stop(self, signals=STOP):
        """May be called again: the second time there is nothing left to stop."""
        if self.guard.poll() is None:
            self.guard.communicate(b"stopped\n")
        for sent in signals:
            for group in {group for _, group in self._members()}:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(group, sent)
            end = time.monotonic() + STOP_SECONDS
            while self._members() and time.monotonic() < end:
                self._reap()
                time.sleep(0.02)
        self.process.wait()


def ensure_user(name, *groups):
    """A system user with a group of the same name, and further groups: what a package's installation would have made."""
    for group in (name, *groups):
        if subprocess.run(["getent", "group", group], stdout=subprocess.DEVNULL, check=False).returncode != 0:
            run("groupadd", "--system", group)
    try:
        return pwd.getpwnam(name)
    except KeyError:
        run("useradd", "--system", "--gid", name, "--home-dir", "/nonexistent", "--no-create-home",
            "--shell", "/usr/sbin/nologin", name)
        return pwd.getpwnam(name)


def write(path, text):
    """A file as if from a while ago: Postfix reads younger ones again until they are two seconds old."""
    path.write_text(text, encoding="utf-8")
    before = time.time() - 10
    os.utime(path, (before, before))


def make_folder(path, owner, mode=0o700):
    path.mkdir()
    os.chown(path, owner.pw_uid, owner.pw_gid)
    path.chmod(mode)
    return path


def is_listening(port):
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    return False


def wait_until(process, condition):
    end = time.monotonic() + START_SECONDS
    while not condition():
        process.check_alive()
        if time.monotonic() > end:
            raise TimeoutError(f"{process.name} is not ready after {START_SECONDS} s")
        time.sleep(0.02)
