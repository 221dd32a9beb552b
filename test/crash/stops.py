#!/usr/bin/env python3
"""SIGTERM under load, again and again, while settings are edited, verified and switched: the daemon ends in order and in time, nothing
is lost, and nothing becomes uncertain, because what stands behind its end gets its reply first.

  test/crash/stops.py [CYCLES [SEED]]
"""
import collections
import contextlib
import http.client
import pathlib
import random
import sys
import threading
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "real"), str(TESTS / "crash")]
from harness.daemon import Daemon, Tap  # noqa: E402
from ledger import Book, Load, Verdict, chosen_seed, faults_on_disk, settings, verify  # noqa: E402
from provider import Provider  # noqa: E402

PASSWORD = "correct horse"
GRACE_SECONDS = 30
REPLY_SECONDS = 0.03  # long enough that a stop finds mails behind their end
HTTP_ERRORS = (OSError, ValueError, AssertionError, KeyError, RuntimeError, http.client.HTTPException)


class Hands:
    """Somebody who edits, verifies, pauses and resumes all the time, until the daemon is gone."""

    def __init__(self, absender, server):
        self.absender, self.server = absender, server
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        with contextlib.suppress(*HTTP_ERRORS):
            while True:
                self.absender.operator("PATCH", "/v1/smtp/draft", {"from_name": f"Praxis {random.random()}"}, {"If-Match": "*"})
                self.absender.verify(settings(self.server, PASSWORD), wait=20)
                self.absender.switch(False)
                self.absender.switch(True)
                time.sleep(random.uniform(0.0, 0.1))


def stop_again_and_again(absender, server, book, cycles):
    """(exit codes, the longest stop in seconds, faults in the books)"""
    codes, longest, faults = collections.Counter(), 0.0, []
    for cycle in range(cycles):
        with contextlib.suppress(*HTTP_ERRORS):
            absender.switch(True)  # the stop may have come while it was paused
        load, hands = Load(absender, book, f"stop{cycle}"), Hands(absender, server)
        load.wait_for_first()
        time.sleep(random.uniform(0.0, 0.4))
        begun = time.monotonic()
        codes[absender.stop()] += 1
        longest = max(longest, time.monotonic() - begun)
        load.join()
        hands.thread.join()
        faults += faults_on_disk(absender.data)
        absender.start()
        book.repeat_unanswered(absender)
    return dict(codes), longest, faults


def main():
    cycles = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    seed = chosen_seed(sys.argv[2] if len(sys.argv) > 2 else None)
    tap, book = Tap(), Book()
    print(f"# seed {seed}; again: test/crash/stops.py {cycles} {seed}")
    with Provider() as server, Daemon("--dev", "--ca-file", str(server.ca_file), "--allow-port", str(server.port)) as absender:
        server.moods.reply_seconds = REPLY_SECONDS
        verify(absender, server, PASSWORD)
        absender.switch(True)
        absender.make_token()
        codes, longest, faults = stop_again_and_again(absender, server, book, cycles)
        tap.equal(codes, {0: cycles}, "every stop is in order")
        tap.ok(longest < GRACE_SECONDS, f"and within the grace ({longest:.1f} s at most)", longest)
        tap.equal(faults, [], "the books balance in what each stop leaves on the disk")
        server.moods.reply_seconds = 0.0
        absender.switch(True)
        verdict = Verdict(absender, server, book)
        verdict.tell(tap)
        tap.equal(sorted(verdict.uncertain), [], "no stop made a mail uncertain")
        tap.equal(dict(collections.Counter(verdict.states.values())), {"accepted": len(verdict.states)}, "in the end every mail is accepted")
        print(f"# {verdict.remark(book)}")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
