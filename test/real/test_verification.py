#!/usr/bin/env python3
"""Verifications of the whole program: how long the person waits, the troubles the sandbox plays, and what a run that fails before
the login says about who answered instead. TAP."""
import contextlib
import os
import pathlib
import socket
import statistics
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from harness.daemon import Daemon, Tap  # noqa: E402

RUNS = 20
WAIT_MS = 200
NOBODY = f"127.99.{os.getpid() >> 8 & 255}.{os.getpid() & 255 or 1}"  # an address that no other test of this machine uses
SETTINGS = ("host", "port", "security", "username", "from_email")  # what an action may carry

tap = Tap()


def settings_for(box, username, password, security="starttls"):
    return {"host": box["host"], "port": box[f"{security}_port"], "security": security, "username": username,
            "password": password, "from_email": "anna@example.org"}


def verdict(run):
    if not isinstance(run, dict):
        return repr(run)
    return run["state"] if run["diagnosis"] is None else run["diagnosis"]["id"]


def wait_for_complete(absender, settings):
    """Milliseconds from the click until the page may say "complete"."""
    begun = time.monotonic()
    answer = absender.operator("POST", "/v1/smtp/verifications", {"settings": settings})
    assert answer.status == 202, answer
    while absender.operator("GET", f"/v1/smtp/verifications/{answer.json['id']}").json["state"] == "running":
        time.sleep(0.002)
    ms = (time.monotonic() - begun) * 1000
    assert absender.operator("GET", "/v1/smtp").json["setup"] == "complete"
    return ms


def check_speed(absender, box):
    times = [wait_for_complete(absender, settings_for(box, "sandbox@localhost", "sandbox", ("starttls", "implicit")[i % 2]))
             for i in range(RUNS)]
    told = f"median {statistics.median(times):.0f} ms, longest {max(times):.0f} ms"
    print(f"# {RUNS} verifications against the sandbox: {told}")
    best = min(times)  # what else the machine does is not ours
    tap.ok(best <= WAIT_MS, f"a verification is complete after {best:.0f} ms where it is least disturbed (at most {WAIT_MS})", told)


def check_personality(absender, box, personality):
    name = personality["username"]
    settings = settings_for(box, name, "of-the-account" if name.startswith("app-password") else box["password"])
    run = absender.verify(settings)
    tap.equal(verdict(run), personality["diagnosis"], f"{name} meets {personality['diagnosis']}")
    tap.ok(personality["text"], f"{name}: the page can say so", personality)
    if personality["mendable"]:
        clicked = {key: value for action in run["diagnosis"]["actions"] for key, value in action.items() if key in SETTINGS}
        run = absender.verify({**settings, **clicked, "password": box["password"]})
        tap.equal(verdict(run), "passed", f"{name}: what is offered mends it")


@contextlib.contextmanager
def talker(address, words):
    """Says one thing to everybody on the STARTTLS port and hangs up."""
    door = socket.create_server((address, 587))

    def serve():
        with contextlib.suppress(OSError):
            while True:
                caller, _ = door.accept()
                with caller:
                    caller.sendall(words)
                    caller.shutdown(socket.SHUT_WR)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield
    finally:
        door.shutdown(socket.SHUT_RDWR)
        door.close()


def check_stranger(absender):
    """NOBODY stands for a network that answers in the provider's place."""
    settings = {"host": NOBODY, "port": 587, "security": "starttls", "username": "anna@example.org", "password": "secret-word",
                "from_email": "anna@example.org"}
    run = absender.verify(settings)
    tap.equal([verdict(run), run["sibling"]], ["connect_refused", {"port": 465, "security": "implicit", "state": "closed"}],
              "nobody there: the other port was looked at too")
    tap.ok(all(action["code"] != "use_sibling_port" for action in run["diagnosis"]["actions"]), "and is not offered",
           run["diagnosis"]["actions"])
    with talker(NOBODY, b"HTTP/1.1 302 Found\r\nLocation: http://login.nebelhorn.test/\r\n\r\n"):
        run = absender.verify(settings)
        tap.equal(verdict(run), "captive_portal", "a page that wants a sign-in is told apart")
        tap.ok("nebelhorn" not in str(run), "and of a private address only the code is shown", run["transcript"])
    with talker(NOBODY, b"* OK IMAP4rev1 ready\r\n"):
        tap.equal(verdict(absender.verify(settings)), "greeting_not_smtp", "so is another kind of server")


def check_who(absender):
    run = absender.operator("GET", "/v1/smtp").json["last_verification"]
    tap.equal(run["started_by"], "operator", "a run says who started it")


def main():
    with Daemon("--dev", "--allow-network", f"{NOBODY}/32") as absender:
        box = absender.sandbox()
        check_speed(absender, box)
        for personality in box["personalities"]:
            check_personality(absender, box, personality)
        check_stranger(absender)
        check_who(absender)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
