#!/usr/bin/env python3
"""kill -9 while keys are rotated under load, again and again: whatever step it falls on, the key file is whole, everything stored opens
after the next start, what was begun is brought to its end, and no mail is lost.

  test/crash/rotation.py [CYCLES [SEED]]
"""
import contextlib
import http.client
import os
import pathlib
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import threading
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "crash"), str(TESTS / "real")]  # both have a run.py: ours
from badserver import BadServer  # noqa: E402
from harness.daemon import Tap  # noqa: E402
from ledger import Book, Load, Verdict, chosen_seed, faults_on_disk  # noqa: E402
from run import PASSWORD, daemon_for, make_ready  # noqa: E402

WEBHOOKS = 16
SETTLE_SECONDS = 60
MOST_KEYS = 8
SEALED = (("smtp_slots", "password_sealed"), ("smtp_history", "password_sealed"), ("webhooks", "secret_sealed"), ("day_keys", "wrapped"),
          ("fingerprint_key", "wrapped"))
HTTP_ERRORS = (OSError, ValueError, KeyError, http.client.HTTPException)


class Hands:
    """Somebody who changes the key all the time, until the daemon is gone."""

    def __init__(self, absender):
        self.absender, self.rotations = absender, 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        with contextlib.suppress(*HTTP_ERRORS):
            while True:
                rotate(self.absender)
                self.rotations += 1


def keys_of(absender):
    return absender.operator("GET", "/v1/keys").json["data"]


def wait_until_settled(absender):
    """Until nothing is under another key than the first."""
    until = time.monotonic() + SETTLE_SECONDS
    while any(key["sealed"] for key in keys_of(absender)[1:]):
        if time.monotonic() > until:
            return False
    return True


def retire_all(absender):
    """Exit statuses of taking away every key but the one in use."""
    return [absender.operator("POST", f"/v1/keys/{key['id']}/retire").status for key in keys_of(absender)[1:]]


def rotate(absender):
    if len(keys_of(absender)) < MOST_KEYS:
        added = absender.operator("POST", "/v1/keys").json["data"][-1]["id"]
        absender.operator("POST", f"/v1/keys/{added}/activate")
    wait_until_settled(absender)
    retire_all(absender)


def keys_on_disk(data):
    return set(re.findall(r"^id ([0-9a-f]{32})$", pathlib.Path(data, "key").read_text(encoding="ascii"), re.M))


def homeless(data):
    """Stored values whose key is not in the key file; looked at in a copy, so that the next start finds what the death has left."""
    keys, found = keys_on_disk(data), []
    with tempfile.TemporaryDirectory(prefix="absender-keys-") as copy:
        for name in ("absender.db", "absender.db-wal"):
            if os.path.exists(os.path.join(data, name)):
                shutil.copy(os.path.join(data, name), copy)
        with contextlib.closing(sqlite3.connect(os.path.join(copy, "absender.db"))) as db:
            for table, column in SEALED:
                for kek_id, in db.execute(f"SELECT DISTINCT lower(hex(substr({column}, 5, 16))) FROM {table} WHERE {column} IS NOT NULL"):
                    found += [] if kek_id in keys else [f"{table}.{column} needs {kek_id}"]
    return found


def kill_again_and_again(absender, book, cycles):
    """(rotations that ended, faults in what the kills left behind)"""
    rotations, faults = 0, []
    for cycle in range(cycles):
        load, hands = Load(absender, book, f"rot{cycle}"), Hands(absender)
        load.wait_for_first()
        time.sleep(random.uniform(0.0, 0.5))
        absender.kill()
        load.join()
        hands.thread.join()
        rotations += hands.rotations
        faults += faults_on_disk(absender.data)
        faults += homeless(absender.data)
        absender.start()
        book.repeat_unanswered(absender)
    return rotations, faults


def add_webhooks(absender):
    for number in range(WEBHOOKS):
        answer = absender.operator("POST", "/v1/webhooks", {"url": f"https://hooks{number}.example.test/", "events": ["date.near"]})
        assert answer.status == 201, answer


def main():
    cycles = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    seed = chosen_seed(sys.argv[2] if len(sys.argv) > 2 else None)
    tap, book = Tap(), Book()
    print(f"# seed {seed}; again: test/crash/rotation.py {cycles} {seed}")
    with BadServer("all_extensions") as server, daemon_for(server) as absender:
        make_ready(absender, server)
        add_webhooks(absender)
        first = keys_on_disk(absender.data)
        rotations, faults = kill_again_and_again(absender, book, cycles)
        tap.equal(faults, [], f"{cycles} kills within rotations ({rotations} others ended): every stored value has its key in the file")
        tap.ok(wait_until_settled(absender), "what a kill broke off is brought to its end by the next start", keys_of(absender))
        tap.equal(set(retire_all(absender)) - {200}, set(), "then every former key may go")
        tap.ok(len(keys_on_disk(absender.data)) == 1 and not first & keys_on_disk(absender.data), "and the first key is long gone")
        verdict = Verdict(absender, server, book)
        verdict.tell(tap)
        absender.stop()
        absender.start()
        tap.equal(homeless(absender.data), [], "the last key alone has sealed everything")
        run = absender.verify({"from_name": "Praxis Müller"}, activate=True)
        tap.equal(run["state"] if isinstance(run, dict) else run, "passed", "and the stored password still opens")
        log = pathlib.Path(absender.log.name).read_text(encoding="utf-8", errors="replace")
        tap.equal(re.findall(r".*(?:does not open|[1-9]\d* could not be opened).*", log), [], "0 values were unreadable at any time")
        tap.ok(PASSWORD not in log, "and the log shows no password")
        print(f"# {verdict.remark(book)}")
        tap.equal(absender.stop(), 0, "it stops in order")
        key = pathlib.Path(absender.data, "key")
        key.write_text(re.sub(r"^id .*$", f"id {'0' * 32}", key.read_text(encoding="ascii"), flags=re.M), encoding="ascii")
        tap.ok(len(homeless(absender.data)) >= len(SEALED), "control: with another key in the file every place is found out", homeless(absender.data))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
