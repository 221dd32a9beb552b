#!/usr/bin/env python3
"""The wall clock of the real daemon is set ten years ahead, ten years back and right again while mail waits: a pause lasts as long as it
was meant to, no mail ends or waits for years because of it, mail goes out meanwhile, and each arrives once.

  test/crash/clocks.py

The clock is one that a library puts before the daemon; what OpenSSL asks for the time is the real one, so certificates stay valid.
"""
import collections
import datetime
import pathlib
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "real"), str(TESTS / "crash")]
from harness.clock import Clock  # noqa: E402
from harness.daemon import PROGRAM, Daemon, Tap  # noqa: E402
from ledger import faults_said  # noqa: E402

YEARS = 3652 * 24 * 3600
PAUSE_SECONDS = 3600
RETRY_SECONDS = 2 * 3600  # the longest wait for a next attempt
ENOUGH_SECONDS = 180  # for what housekeeping does every 15 seconds, on any machine
SLACK_SECONDS = 300  # the test itself takes a while

def seconds_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def until(condition):
    end = time.monotonic() + ENOUGH_SECONDS
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return condition()


def pause(absender, clock):
    ends_at = datetime.datetime.fromtimestamp(clock.now() + PAUSE_SECONDS, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    answer = absender.operator("PUT", "/v1/smtp/sending", {"enabled": False, "reason": "holiday", "until": ends_at})
    assert answer.status == 200, answer


def pause_left(absender, clock):
    """Seconds; None: it is over."""
    sending = absender.operator("GET", "/v1/smtp").json["sending"]
    return None if sending["enabled"] else seconds_of(sending["until"]) - clock.now()


def is_meant(absender, clock):
    left = pause_left(absender, clock)
    return left is not None and PAUSE_SECONDS - SLACK_SECONDS - ENOUGH_SECONDS < left <= PAUSE_SECONDS + SLACK_SECONDS


def waits_reasonably(absender, clock, email):
    """Deferred, and tried again within the longest wait."""
    recipient = absender.operator("GET", f"/v1/emails/{email}").json["recipients"][0]
    return recipient["state"] == "deferred" and seconds_of(recipient["next_attempt_at"]) - clock.now() <= RETRY_SECONDS * 1.25


def jump(tap, absender, clock, lead, name, deferred):
    """Mail waits behind a pause when the clock is set; then it goes, and so does what is handed over under that clock. Its subject, and
    how many there were."""
    subject = f"Under a clock {name}"
    pause(absender, clock)
    # The life of mail that is taken under a clock years behind is over when that is set right (doc/reliability.md).
    held = [absender.send(subject=subject).json["id"] for _ in range(1 if clock.lead >= 0 else 0)]
    clock.set(lead)
    tap.ok(until(lambda: is_meant(absender, clock)), f"the clock is set {name}: a pause ends when it was meant to", pause_left(absender, clock))
    tap.equal([absender.operator("GET", f"/v1/emails/{email}").json["state"] for email in held], ["held"] * len(held), f"{name}: and mail waits for that")
    absender.switch(True)
    later = absender.send(subject=subject).json["id"]
    ended = [absender.wait_for_state(email, "accepted")["state"] for email in (*held, later)]
    tap.equal(ended, ["accepted"] * len(ended), f"{name}: mail goes out, from before and from after")
    tap.ok(until(lambda: waits_reasonably(absender, clock, deferred)), f"{name}: what was deferred is, and for no longer than it should",
           absender.operator("GET", f"/v1/emails/{deferred}").json)
    return subject, len(ended)


def play(tap, absender, clock):
    absender.use_sandbox()
    absender.make_token()
    deferred = absender.send(to="defer@example.test", subject="Later").json["id"]
    absender.wait_for_state(deferred, "deferred")
    leads = ((YEARS, "ten years ahead"), (-YEARS, "ten years back"), (0, "right again"))
    wanted = dict(jump(tap, absender, clock, lead, name, deferred) for lead, name in leads)
    tap.equal(faults_said(absender), [], "the books balance")
    clock.set(-YEARS)
    absender.kill()
    absender.start()
    tap.ok(until(lambda: waits_reasonably(absender, clock, deferred)), "a start under a clock that is ten years behind changes nothing of that",
           absender.operator("GET", f"/v1/emails/{deferred}").json)
    absender.wait_for_state(absender.send(subject="After the start").json["id"], "accepted")
    messages = absender.operator("GET", "/v1/sandbox/messages?limit=200").json["data"]
    arrived = collections.Counter(message["subject"] for message in messages)
    wanted["After the start"] = 1
    tap.equal({subject: arrived[subject] for subject in wanted}, wanted, "each mail arrived once")
    tap.equal(absender.stop(), 0, "it stops in order")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="absender-clock-") as folder:
        clock = Clock(pathlib.Path(folder))
        if not clock.build_for(PROGRAM):
            tap.skip("the clock is set by years", "it needs a compiler and a program without sanitizers")
            return tap.end()
        absender = Daemon("--dev")
        absender.environment = clock.environment()
        with absender:
            play(tap, absender, clock)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
