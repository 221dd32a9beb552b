#!/usr/bin/env python3
"""What keeps the disk from filling up, and a disk that is full all the same: the real daemon on a small file system of its own, filled to the brim by somebody else while mails are taken and sent.
No more mail is taken, with a reason; what was taken is sent, and its outcome is written in the room of the reserve; nothing is lost or
sent twice; and with the room everything comes back by itself."""
import contextlib
import http.client
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from harness.daemon import PROGRAM, Daemon, Tap  # noqa: E402

DISK_MIB, FLOOR_MIB, RESERVE_BYTES = 160, 12, 16 << 20
DISK_FAILED = 75  # exit status
LOOK_SECONDS = 1.2  # the daemon looks once a second
ENOUGH_SECONDS = 120  # for anything that is done at once, on any machine


@contextlib.contextmanager
def small_disk():
    """A tmpfs, or None if we may not mount one."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="absender-disk-"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(folder)], capture_output=True, check=False)
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        yield folder if mounted.returncode == 0 else None
    finally:
        tempfile.tempdir = before
        if mounted.returncode == 0:
            subprocess.run(["umount", "-l", str(folder)], check=False)
        shutil.rmtree(folder, ignore_errors=True)


class Ballast:
    """What somebody else puts on the disk."""

    def __init__(self, disk):
        self.path, self.disk = disk / "ballast", disk

    def free(self):
        now = os.statvfs(self.disk)
        return now.f_bavail * now.f_frsize

    def fill(self):
        """To the last byte of what is free now: a reserve that is given up meanwhile is not for us."""
        block, left = bytes(1 << 20), self.free()
        with open(self.path, "ab", buffering=0) as file, contextlib.suppress(OSError):
            while left > 0:
                left -= file.write(block[:left])

    def remove(self):
        self.path.unlink(missing_ok=True)


class Flood(threading.Thread):
    """Hands over one mail after the other, until told to end; remembers what was answered."""

    def __init__(self, absender):
        super().__init__(daemon=True)
        self.absender, self.over = absender, threading.Event()
        self.taken, self.refused = [], []
        self.start()

    def run(self):
        n = 0
        while not self.over.is_set():
            n += 1
            answer = self.absender.send(subject=f"Flood {n}", text="x" * 3000)
            if answer.status == 200:
                self.taken.append(answer.json["id"])
            else:
                self.refused.append(answer)
                time.sleep(0.05)

    def end(self):
        self.over.set()
        self.join()


def until(condition, seconds=ENOUGH_SECONDS):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return condition()


def gauge(absender, name):
    for line in absender.request("GET", "/metrics").body.decode().splitlines():
        if line.startswith(name + " "):
            return int(line.split()[1])
    return None


def states(absender, ids):
    found = {email["id"]: email["state"] for email in absender.emails()}
    return {found.get(each, "lost") for each in ids}


def check_books(tap, absender, when):
    """Every start checks them."""
    absender.stop()
    absender.start()
    tap.ok(until(lambda: gauge(absender, "absender_books_balanced") == 1), f"the books balance {when}",
           absender.request("GET", "/metrics").body.decode())


def begin(absender):
    absender.make_token("emails:send", "emails:read", "smtp:read", "smtp:write")
    absender.use_sandbox()


def check_refusals(tap, absender):
    """The ways in which mail is taken, and what each says."""
    mail = {"to": "anna@example.test", "subject": "No", "text": "No"}
    for what, path, body in (("a mail", "/v1/emails", mail), ("a batch", "/v1/emails/batch", [mail, mail]),
                             ("a test mail", "/v1/smtp/test-emails", {"to": "anna@example.test"})):
        answer = absender.request("POST", path, body)
        tap.equal((answer.status, answer.json["code"], answer.headers.get("Retry-After")), (503, "storage_low", "60"),
                  f"{what} is refused as storage_low, to be tried again in a minute")
    english = absender.request("POST", "/v1/emails", mail).json["detail"]
    german = absender.request("POST", "/v1/emails", mail, {"Accept-Language": "de"}).json["detail"]
    tap.ok(f"and {FLOOR_MIB} MiB are kept" in english, "the answer says in English how much is free and kept", english)
    tap.ok(f", {FLOOR_MIB} MiB bleiben reserviert" in german, "and in German", german)
    ready = absender.request("GET", "/readyz")
    tap.equal((ready.status, ready.json["code"]), (503, "storage_low"), "/readyz says so, too")
    free, floor = gauge(absender, "absender_disk_free_bytes"), gauge(absender, "absender_disk_floor_bytes")
    tap.ok(free < floor == FLOOR_MIB << 20, "/metrics shows the free space below the floor", (free, floor))


def check_what_still_works(tap, absender, scheduled):
    answer = absender.request("POST", f"/v1/emails/{scheduled}/cancel")
    tap.equal(answer.status, 200, "on a full disk a mail can be cancelled")
    for enabled in (False, True):
        answer = absender.operator("PUT", "/v1/smtp/sending", {"enabled": enabled})
        tap.equal(answer.status, 200, f"sending can be switched {'on' if enabled else 'off'}")
    answer = absender.operator("PATCH", "/v1/smtp/draft", {"from_name": "Ein neuer Name"}, {"If-Match": "*"})
    tap.equal(answer.status, 200, "and settings can be edited")


def check_brim(tap, absender, ballast):
    """Filled once, with mails under way and more of them waiting: the reserve is what their outcomes are written into."""
    reserve = pathlib.Path(absender.data) / "reserve"
    tap.ok(reserve.exists() and reserve.stat().st_size == RESERVE_BYTES, "a reserve of 16 MiB is kept beside the database")
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
    scheduled = absender.send(scheduled_at=later).json["id"]
    flood = Flood(absender)
    until(lambda: len(flood.taken) > 50)
    absender.switch(False)
    until(lambda: len(flood.taken) > 400)
    ballast.fill()
    tap.ok(until(lambda: len(flood.refused) > 20), "no mail is taken on a full disk", len(flood.refused))
    flood.end()
    codes = {answer.json["code"] for answer in flood.refused}
    tap.ok(codes <= {"storage_low", "storage_unavailable"}, "each refusal names the disk", codes)
    tap.ok(not reserve.exists(), "the reserve was given up")
    tap.ok(absender.waiting()["held"] > 300, "hundreds of mails wait", absender.waiting())
    check_refusals(tap, absender)
    check_what_still_works(tap, absender, scheduled)
    left = absender.wait_until_sent()
    tap.equal(states(absender, flood.taken), {"accepted"}, f"all {len(flood.taken)} mails taken were sent, and that is on record ({left})")
    tap.ok(ballast.free() < RESERVE_BYTES, "and the disk is full still", ballast.free())
    absender.kill()
    absender.start()
    tap.equal(states(absender, flood.taken), {"accepted"}, "after a crash on the full disk it starts, and they are so still")
    tap.equal(absender.send().status, 503, "and it takes no mail still")
    ballast.remove()
    tap.ok(until(lambda: absender.send(subject="Room").status == 200, ENOUGH_SECONDS), "with room, mail is taken again at once")
    tap.ok(until(reserve.exists), "and the reserve is there again")
    tap.equal(absender.request("GET", "/readyz").status, 200, "and /readyz is content")
    absender.wait_until_sent()
    return flood.taken


def check_worse(tap, absender, ballast):
    """Filled again and again, so that the reserve's room is eaten, too: now nothing at all can be written."""
    absender.wait_until_sent()
    before = absender.sandbox()["captured"]
    flood = Flood(absender)
    until(lambda: len(flood.taken) > 50)
    for _ in range(5):
        ballast.fill()
        time.sleep(LOOK_SECONDS)
    flood.end()
    live = absender.request("GET", "/livez")
    tap.equal(live.status, 200, "with the reserve eaten by somebody else the daemon lives")
    tap.ok(flood.refused, "and refuses mail")
    ballast.remove()
    tap.ok(until(lambda: absender.send(subject="Room").status == 200, ENOUGH_SECONDS), "with room, mail is taken again at once")
    absender.wait_until_sent("uncertain")
    tap.equal(states(absender, flood.taken), {"accepted"}, f"all {len(flood.taken)} mails taken were sent, and that is on record")
    sent = absender.sandbox()["captured"] - before
    extra = 1 + len(flood.refused)  # "Room", and what was committed though its answer was an error
    tap.ok(len(flood.taken) + 1 <= sent <= len(flood.taken) + extra, "and none of them twice", (len(flood.taken), sent, extra))
    check_books(tap, absender, "after all this")


def change(absender, *statements):
    """In the database, while nobody else uses it."""
    absender.stop()
    with contextlib.closing(sqlite3.connect(os.path.join(absender.data, "absender.db"))) as db, db:
        for statement, *values in statements:
            db.execute(statement, values)
    absender.start()


def said(absender):
    return pathlib.Path(absender.log.name).read_text(encoding="utf-8", errors="replace")


def check_hourly(tap):
    """What is done at the start and every hour: old mail is forgotten, and the books are checked."""
    with Daemon("--dev", "--sandbox-sink", "--keep-bodies", "2", "--keep-emails", "5") as absender:
        begin(absender)
        ids = [absender.send(subject=subject).json["id"] for subject in ("older", "old", "new")]
        absender.wait_until_sent()
        day = 86400 * 1000
        change(absender, *((f"UPDATE {table} SET {column} = {column} - ? WHERE {row} = ?", days * day, number)
                           for number, days in ((1, 6), (2, 3))
                           for table, column, row in (("emails", "created_at", "row"), ("recipients", "updated_at", "row >> 7"))))
        line = "retention: 2 bodies erased, 1 emails removed, 0 invitations"
        tap.ok(until(lambda: line in said(absender)), "after its days a mail is forgotten, first the content, then the record",
               said(absender))
        change(absender, ("INSERT INTO invitations (org_id, id, email, role, token_hash, created_at, created_by, expires_at) "
                          "VALUES (1, randomblob(16), 'bob@example.test', 1, randomblob(32), 1, 'anna@example.test', 2)",),
               ("UPDATE tokens SET revoked_at = 3",), ("DROP TRIGGER audit_events_stay_as_they_are",), ("UPDATE audit_events SET at = 4 WHERE row = 1",))
        line = ("retention: 0 bodies erased, 0 emails removed, 1 invitations and resets removed, 1 revoked tokens blanked, "
                "1 events of the audit log forgotten")
        tap.ok(until(lambda: line in said(absender)), "what is forgotten of people is said, too", said(absender))
        tap.equal([absender.operator("GET", f"/v1/emails/{each}").status for each in ids], [404, 200, 200],
                  "and the others are still there")
        check_books(tap, absender, "after that")
        change(absender, ("UPDATE books SET n = n + 1 WHERE state = 0",))
        tap.ok(until(lambda: gauge(absender, "absender_books_balanced") == 0), "if they do not, /metrics says so at the next start")
        line = "the books do not balance: 4 recipients were taken, but 3 are accounted for"
        tap.ok(line in said(absender), "and the log with numbers", said(absender))


FAILING_SYNC = r"""
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
static int fails(void) { return access(getenv("SYNC_FAILS"), F_OK) == 0; }
int fsync(int fd) { if (fails()) { errno = EIO; return -1; } return (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { if (fails()) { errno = EIO; return -1; } return (int)syscall(SYS_fdatasync, fd); }
"""


@contextlib.contextmanager
def environment(**values):
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            del os.environ[name]


def check_failed_sync(tap):
    """A disk that does not keep what it is told to: the daemon ends at once, with a status that has it started again."""
    with tempfile.TemporaryDirectory(prefix="absender-sync-") as folder:
        fails, library = pathlib.Path(folder) / "fails", pathlib.Path(folder) / "sync.so"
        built = shutil.which("cc") and subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)], text=True,
                                                      input=FAILING_SYNC, check=False).returncode == 0
        if not built or b"__asan_init" in PROGRAM.read_bytes():
            tap.skip("a failed sync", "it needs a compiler and a program without sanitizers")
            return
        with environment(LD_PRELOAD=str(library), SYNC_FAILS=str(fails)), Daemon("--dev", "--sandbox-sink") as absender:
            begin(absender)
            sent = absender.send().json["id"]
            absender.wait_until_sent()
            fails.touch()
            with contextlib.suppress(OSError, http.client.HTTPException):
                tap.ok(absender.send(subject="Not kept").status != 200, "what was not synced is not acknowledged")
            tap.equal(absender.process.wait(ENOUGH_SECONDS), DISK_FAILED, "after a failed sync the daemon ends with status 75")
            fails.unlink()
            absender.start()
            tap.equal(states(absender, [sent]), {"accepted"}, "and starts again with what it had acknowledged")
            tap.equal(absender.send().status, 200, "and takes mail")


def main():
    tap = Tap()
    check_hourly(tap)
    check_failed_sync(tap)
    with small_disk() as disk:
        if disk is None:
            tap.skip("a full disk", "only root may mount a small file system")
            return tap.end()
        ballast = Ballast(disk)
        with Daemon("--dev", "--sandbox-sink", "--disk-floor", str(FLOOR_MIB)) as absender:
            begin(absender)
            check_brim(tap, absender, ballast)
            check_worse(tap, absender, ballast)
    return tap.end()


sys.exit(main())
