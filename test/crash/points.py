#!/usr/bin/env python3
"""The daemon dies at every named place (CRASH_POINT in src/), is started again, and nothing is lost: all places of the source, each
at its n-th passing. A place that is never reached fails. After each death the books on the disk balance, what was answered with success
is there, and what got no answer is asked for again; at the end of a life of many deaths the server has seen nothing twice that was not
called uncertain.

  test/crash/points.py [ROUNDS [SEED [POINT...]]]     the first round dies at the first passing, later rounds at any
"""
import concurrent.futures
import contextlib
import http.client
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import string
import subprocess
import sys
import tempfile
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "real"), str(TESTS / "crash")]
from badserver import BadServer  # noqa: E402
from harness.daemon import ROOT, Daemon, Tap  # noqa: E402
from ledger import Book, Verdict, chosen_seed, faults_of_books, faults_on_disk, faults_said, settings  # noqa: E402

PROGRAM = os.environ.get("ABSENDER_CRASH_PROGRAM", ROOT / "build/sanitize/src/absender")
PASSWORD = "correct horse"
RUNGS = 8  # of a ladder with STARTTLS, without the sender's
SCHEMA_STEPS = len(list((ROOT / "src/store/schema").glob("*.sql")))
# Until a place is reached, on any machine; the store calls itself idle after one second, and the clock's places come after fifteen.
REST_SECONDS = 10
HOUSEKEEPING_SECONDS = 90
BACKLOG = 6  # more than a load brings along (BRING_MAILS), so that mails are fetched in every life
AT_ONCE = 9  # a daemon that is starting keeps one core busy, and much is waiting
USUAL_CHAINS = 3
END_SECONDS = 60  # at most, between a connection that breaks off and the process that is gone

# Places that a new data directory passes once, in this order; a process counts from its own start.
STARTING = ["schema_step_run:1", "schema_step_committed:1"] * SCHEMA_STEPS + ["key_check_due:1"]
FRESH = [*STARTING, "day_key_made:1"]
# Places that the clock passes, 15 seconds after the start; each has a life of its own, in which all mail is old.
SLOW = ["housekeeping_begun", "expiry_written", "housekeeping_committed", "body_erased", "email_removal_due", "sweep_committed"]
OLD_MS = 400 * 24 * 3600 * 1000  # older than anything is kept
# Places that another command passes, on a folder whose daemon was killed; a name of it: what the former database must be for that.
RESTORE = {"restore_prepared": "whole", "restore_former_folded": "whole", "restore_former_kept": "whole", "restore_renamed": "whole",
           "restore_stopper_put": "damaged"}
# How often a life surely passes a place; others once. The first round takes the first passing, or what is said after the slash.
PASSINGS = {
    "accept_begun": 6, "accept_inserted": 12, "accept_key_due": 6, "accept_committed": 6, "group_begun": 20, "group_commit_due": 20,
    "group_over": 20, "changes_told": 20, "jobs_finished": 20, "mark_asked": 2, "mark_written": 2,
    "mark_committed": 2, "mark_told": 2, "bytes_left": 12, "reply_read": 8, "record_due": 2, "record_written": 2, "record_committed": 2,
    "record_told": 2, "verification_rung": RUNGS, "switch_due": 3, "switch_committed": 3,
    "key_file_written": 3, "key_file_renamed": 3, "value_rewrapped": 4,
}
EACH_PASSING = {"verification_rung"}  # each is a stage of its own
LATE = {"bytes_left": 12}  # the earlier ones are a session's beginning


def places_in_source():
    """name: file, of every CRASH_POINT; a name that stands twice is a mistake."""
    found = {}
    for path in sorted((ROOT / "src").rglob("*.c")):
        for name in re.findall(r'CRASH_POINT\("(\w+)"\)', path.read_text(encoding="utf-8")):
            if name in found:
                raise SystemExit(f"the crash point {name} stands in {found[name]} and in {path}")
            found[name] = path.relative_to(ROOT)
    return found


def later_time(hours):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600 * hours))


def name_of(place):
    return place.split(":")[0]


def plan(places, is_first_round):
    """Chains of name:n, each for one data directory."""
    known = {name_of(each) for each in FRESH} | set(SLOW) | set(RESTORE)
    usual = []
    for name in sorted(set(places) - known):
        most = PASSINGS.get(name, 1)
        if name in EACH_PASSING:
            usual += [f"{name}:{n + 1}" for n in range(most)]
        else:
            usual.append(f"{name}:{LATE.get(name, 1) if is_first_round else random.randint(1, most)}")
    random.shuffle(usual)
    fresh = [each for each in FRESH if name_of(each) in places]
    chains = [usual[part::USUAL_CHAINS] for part in range(USUAL_CHAINS)]
    return [[f"{name}:1"] for name in SLOW if name in places] + [fresh + chains[0], *chains[1:]]


class Life:
    """A data directory and the daemons that die on it, one after the other."""

    def __init__(self, number, server):
        self.number, self.server, self.book = number, server, Book()
        self.daemon = Daemon("--dev", "--ca-file", str(server.ca_file), "--allow-port", str(server.port), program=PROGRAM)
        self.backup = pathlib.Path(self.daemon.data + "-backup.db")
        self.faults = []  # (place, what was wrong)
        self.seen = 0

    def names(self, count):
        self.seen += 1
        return [f"{self.number}.{self.seen}.{part}" for part in range(count)]

    def begin(self, place):
        environment = {"ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "halt_on_error=1"}
        self.daemon.environment = {**environment, "ABSENDER_CRASH_AT": place} if place else environment
        self.daemon.start()

    def prepare(self):
        """What a daemon needs to send: settings that were verified, the switch, a token."""
        state = self.daemon.operator("GET", "/v1/smtp").json
        if not state["active"]:
            run = self.daemon.verify(settings(self.server, PASSWORD))
            if not isinstance(run, dict) or run["state"] != "passed":
                raise RuntimeError(f"no verification: {run}")
        self.daemon.switch(True)
        if not self.daemon.token:
            self.daemon.make_token()
        self.book.repeat_unanswered(self.daemon)

    def live(self, place):
        """Everything that passes a place, until the daemon is dead; then this raises, as its connections do."""
        self.prepare()
        daemon, book = self.daemon, self.book
        for count in (1, 4, 1, 3):
            book.hand_over(daemon, self.names(count))
        book.hand_over(daemon, self.names(1), delivery="at_most_once")
        later = self.names(1)
        book.hand_over(daemon, later, scheduled_at=later_time(1))
        daemon.operator("PATCH", f"/v1/emails/{book.taken[later[0]]}", {"scheduled_at": later_time(2)})
        book.cancel(daemon, later[0])
        self.back_up()
        self.rotate()
        daemon.operator("PATCH", "/v1/smtp/draft", {"from_name": "Praxis"}, {"If-Match": "*"})
        daemon.switch(False)
        book.hand_over(daemon, self.names(BACKLOG))
        daemon.verify(settings(self.server, PASSWORD))
        daemon.switch(True)
        until = time.monotonic() + (HOUSEKEEPING_SECONDS if name_of(place) in SLOW else REST_SECONDS)
        while time.monotonic() < until and daemon.process.poll() is None:
            if place.startswith("stop") and not any(daemon.waiting().values()):
                break
            time.sleep(0.02)
        if place.startswith("stop"):
            daemon.process.send_signal(signal.SIGTERM)
            daemon.process.wait(120)

    def rotate(self):
        """A new key, everything put under it, and the former ones taken away."""
        keys = self.daemon.operator("POST", "/v1/keys").json["data"]
        keys = self.daemon.operator("POST", f"/v1/keys/{keys[-1]['id']}/activate").json["data"]
        while any(key["sealed"] for key in keys[1:]):
            time.sleep(0.01)
            keys = self.daemon.operator("GET", "/v1/keys").json["data"]
        for key in keys[1:]:
            self.daemon.operator("POST", f"/v1/keys/{key['id']}/retire")

    def back_up(self):
        self.daemon.operator("POST", "/v1/backups", {"path": str(self.backup), "replace": True})
        while self.daemon.operator("GET", "/v1/backups/current").json["state"] == "running":
            time.sleep(0.01)

    def faults_of_backup(self):
        """A backup is whole, or it is not there."""
        if not self.backup.exists():
            return []
        with contextlib.closing(sqlite3.connect(self.backup)) as db:
            return [f"backup: {fault}" for fault in faults_of_books(db)]

    def grow_old(self):
        """Hands mail over, sees it accepted, and lets the years pass: now the daemon may forget it, and so does the book."""
        self.begin(None)
        self.prepare()
        self.book.hand_over(self.daemon, self.names(20))
        self.daemon.wait_until_sent()
        self.daemon.stop()
        with contextlib.closing(sqlite3.connect(os.path.join(self.daemon.data, "absender.db"))) as db, db:
            db.execute("UPDATE emails SET created_at = created_at - ?", (OLD_MS,))
            db.execute("UPDATE recipients SET updated_at = updated_at - ?", (OLD_MS,))
        self.book.taken.clear()

    def die_at(self, place):
        """Lives until the daemon is dead, and looks at what is left."""
        if name_of(place) in SLOW:
            self.grow_old()
        with contextlib.suppress(OSError, RuntimeError, AssertionError, ValueError, KeyError, http.client.HTTPException):
            self.begin(place)
            self.live(place)
        code = self.end_of_process()
        self.daemon.stop(signal.SIGKILL)
        faults = [] if code == -signal.SIGKILL else [f"the place was never reached (the daemon's end: {code})"]
        faults += faults_on_disk(self.daemon.data) + self.faults_of_backup()
        if place not in STARTING:  # there the next death is one of the same first start
            faults += self.look_after_start()
        self.faults.append((place, faults))

    def end_of_process(self):
        """None if it lives on."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.daemon.process.wait(END_SECONDS)
        return None

    def look_after_start(self):
        self.begin(None)
        faults = faults_said(self.daemon)
        active = self.daemon.operator("GET", "/v1/smtp").json["active"]
        if active and (active["host"], active["port"]) != ("localhost", self.server.port):
            faults.append(f"settings are active that nobody verified: {active}")
        self.daemon.kill()
        return faults

    def end(self):
        """What can only be said when everything has come to its end."""
        self.begin(None)
        self.prepare()
        verdict = Verdict(self.daemon, self.server, self.book)
        self.daemon.stop()
        self.daemon.log.close()
        return verdict


def run_chain(number, places):
    with BadServer("all_extensions") as server:
        life = Life(number, server)
        try:
            for place in places:
                life.die_at(place)
            return life, life.end()
        finally:
            life.daemon.__exit__()
            for path in life.backup.parent.glob(f"{life.backup.name}*"):
                path.unlink()


class Restore:
    """A folder with BEFORE mails in a backup and LATER more in the log of a killed daemon, on which `restore --replace` dies."""

    BEFORE, LATER = 3, 4

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.backup = self.folder / "mail.backup"
        self.template = self.folder / "template"
        with Daemon("--dev", program=PROGRAM) as daemon:
            daemon.use_sandbox()
            daemon.switch(False)
            daemon.make_token()
            daemon.send_many([{"to": f"a{n}@example.test", "subject": "before", "text": "x"} for n in range(self.BEFORE)])
            daemon.operator("POST", "/v1/backups", {"path": str(self.backup)})
            while daemon.operator("GET", "/v1/backups/current").json["state"] == "running":
                time.sleep(0.01)
            daemon.send_many([{"to": f"b{n}@example.test", "subject": "later", "text": "x"} for n in range(self.LATER)])
            daemon.kill()
            shutil.copytree(daemon.data, self.template, ignore=shutil.ignore_patterns("*.sock", "log"))

    def run(self, data, place=None):
        environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0", **({"ABSENDER_CRASH_AT": place} if place else {})}
        command = [PROGRAM, "restore", str(self.backup), "--data", str(data), "--yes", "--replace"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)

    def mails(self, data):
        """How many a start would show; None if there is nothing that could be started."""
        database = data / "absender.db"
        if database.is_symlink() or not database.exists():
            return None
        with contextlib.closing(sqlite3.connect(database)) as db:
            return db.execute("SELECT count(*) FROM emails").fetchone()[0]

    def tell(self, tap, place):
        data = self.folder / place
        shutil.copytree(self.template, data)
        if RESTORE[place] == "damaged":
            (data / "absender.db").write_bytes(b"no database")
            (data / "absender.db-wal").write_bytes(b"no log")
        died = self.run(data, place)
        found = self.mails(data)
        wanted = {"restore_renamed": self.BEFORE, "restore_stopper_put": None}.get(place, self.BEFORE + self.LATER)
        tap.equal((died.returncode, found), (-signal.SIGKILL, wanted), f"restore killed at {place}: all former mail, all restored, or no start")
        time.sleep(1.1)  # what is kept aside is named after the second
        again = self.run(data)
        tap.equal((again.returncode, self.mails(data)), (0, self.BEFORE), f"and begun again it comes to its end ({place})")


def restore_lives(tap, places):
    with tempfile.TemporaryDirectory(prefix="absender-restore-") as folder:
        restore = Restore(folder)
        for place in places:
            restore.tell(tap, place)


def tell(tap, life, verdict, places):
    for place, faults in life.faults:
        file = places[name_of(place)]
        tap.equal(faults, [], f"killed at {place} ({file}): it is reached, the books balance on the disk and after the start")
    print(f"# life {life.number}: {verdict.remark(life.book)}")
    verdict.tell(tap)
    tap.equal(verdict.sent_though_cancelled, [], "what was cancelled has not been sent")
    wrong = {name: state for name, state in verdict.states.items() if state not in ("accepted", "cancelled", "uncertain", "scheduled")}
    tap.equal(wrong, {}, "every mail is at its end, or waits for its hour")


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    seed = chosen_seed(sys.argv[2] if len(sys.argv) > 2 else None)
    tap, places = Tap(), places_in_source()
    print(f"# seed {seed}; again: test/crash/points.py {rounds} {seed}")
    tap.ok(len(places) >= 45, f"{len(places)} places have a name", places)
    chains = [plan(places, number == 0) for number in range(rounds)]
    asked = sys.argv[3:]
    restore_lives(tap, [name for name in RESTORE if name in (asked or places)])
    if asked:
        chains = [[[name for name in asked if name not in RESTORE]]] if set(asked) - set(RESTORE) else []
    work = [(f"{number}{string.ascii_lowercase[part]}", chain) for number, parts in enumerate(chains) for part, chain in enumerate(parts)]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for life, verdict in pool.map(lambda each: run_chain(*each), work):
            tell(tap, life, verdict, places)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
