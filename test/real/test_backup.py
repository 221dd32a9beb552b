"""Backup and restore with a running service: made under load, restored after everything but the key is gone; and the commands for the
queue beside them."""
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from harness.daemon import Daemon, Tap  # noqa: E402
from test_cli import DONE, ENGLISH, GERMAN, NO, UNREACHABLE, USAGE, Shell, command, on_terminal, said  # noqa: E402

MAILS = 1500  # before the backup begins
BATCH = 40
GRACE_SECONDS = 30
LOADERS = 2


class Load:
    """Mail handed over without end; what was answered with success is accepted."""

    def __init__(self, absender):
        self.absender, self.accepted, self.goes_on = absender, [], True
        self.threads = [threading.Thread(target=self.run, args=(n,)) for n in range(LOADERS)]

    def run(self, n):
        number = 0
        while self.goes_on:
            mails = [{"to": f"load{n}.{number + i}@example.test", "subject": "load", "text": "x" * 3000} for i in range(BATCH)]
            try:
                answer = self.absender.request("POST", "/v1/emails/batch", mails)
            except OSError:
                return  # it was killed
            if answer.status == 200:
                self.accepted += [each["id"] for each in answer.json["data"]]
            number += BATCH

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.goes_on = False
        for thread in self.threads:
            thread.join()


def wipe_but_for_the_key(absender):
    for path in pathlib.Path(absender.data).iterdir():
        if path.name not in ("key", "log"):
            path.unlink()


def count(path, sql):
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return db.execute(sql).fetchone()[0]


def parts(folder):
    return sorted(path.name for path in folder.iterdir() if ".part" in path.name)


# --- Under load -----------------------------------------------------------------------------------------


def back_up_under_load(tap, absender, backup):
    """What was accepted before the backup began."""
    with Load(absender) as load:
        while len(load.accepted) < 10 * BATCH:
            time.sleep(0.01)
        before = list(load.accepted)
        run = Shell(absender)("backup", str(backup))
        while len(load.accepted) < len(before) + 10 * BATCH:
            time.sleep(0.01)
        absender.kill()
    tap.ok(said(run, DONE, f"^✓ The backup is complete: {re.escape(str(backup))}, [0-9.]+ MiB$", "The key is not in it"),
           "backup under load ends, and says where it is and what is not in it", run)
    tap.ok(re.search(r"^\d+ %: [0-9.]+ of [0-9.]+ MiB$", run.stdout, re.M) and "\r" not in run.stdout,
           "without a terminal its progress is plain lines", run.stdout)
    tap.equal(stat.S_IMODE(backup.stat().st_mode), 0o600, "the backup is its owner's alone")
    tap.equal(parts(backup.parent), [], "nothing unfinished is left")
    key = pathlib.Path(absender.data, "key").read_bytes()
    tap.ok(key not in backup.read_bytes(), "the key is not in it")
    return before


def check_everything_is_there(tap, absender, before):
    there = {email["id"]: email for email in absender.emails()}
    missing = [each for each in before if each not in there]
    tap.ok(not missing, f"all {len(before)} emails accepted before the backup began are there", missing[:5])
    smtp = absender.operator("GET", "/v1/smtp").json
    tap.equal((smtp["sending"]["enabled"], smtp["sending"]["reason"], smtp["sending"]["until"]), (False, "restored", None),
              "it starts paused, with the reason")
    sent = absender.operator("GET", "/metrics").body.decode()
    waiting = absender.waiting()
    time.sleep(1)
    tap.equal(absender.waiting(), waiting, "and sends nothing")
    tap.ok("absender_smtp_accepted_total 0" in sent, "nothing at all", sent)
    return there


def check_after_restore(tap, absender, before):
    shell = Shell(absender)
    check_everything_is_there(tap, absender, before)
    run = shell("status")
    tap.ok(said(run, DONE, "^Sending: +off, restored from a backup"), "status says why", run)
    run = shell("queue", "check")
    tap.ok(said(run, DONE, "^✓ The books balance", "^Taken in all: +\\d+$"), "queue check: the books balance", run)
    run = shell("resume")
    tap.ok(said(run, DONE, "^Sent at once: +\\d+", "^Sending: +on"), "resume shows what will be sent, and switches on", run)
    absender.wait_until_sent("uncertain", "deferred")
    ends = {email["state"] for email in absender.emails()}
    tap.ok(ends <= {"accepted", "uncertain"}, "everything is sent, but what was being sent when the backup was made", ends)
    run = shell("queue", "check", env=GERMAN)
    tap.ok(said(run, DONE, "^✓ Die Bücher stimmen"), "and the books balance, in German too", run)


def check_backup_and_restore(tap, folder):
    backup = folder / "under-load.backup"
    with Daemon("--dev", "--sandbox-sink") as absender:
        absender.use_sandbox()
        absender.make_token()
        absender.send_many([{"to": f"first{n}@example.test", "subject": "first", "text": "x" * 3000} for n in range(MAILS)])
        before = back_up_under_load(tap, absender, backup)
        wipe_but_for_the_key(absender)
        check_refused_files(tap, absender, folder, backup)
        run = command("restore", str(backup), "--data", absender.data)
        tap.ok(said(run, USAGE, "no terminal to ask on: --yes"), "restore asks, and without a terminal wants --yes", run)
        run = command("restore", str(backup), "--data", absender.data, "--yes")
        tap.ok(said(run, DONE, "^✓ The backup is restored", "The newest email in it is of .*Recipients waiting: [0-9]",
                    "may have been sent", "absender resume"), "restore says what it did, and what to look at before sending", run)
        tap.equal(parts(pathlib.Path(absender.data)), [], "nothing unfinished is left")
        absender.start()
        check_after_restore(tap, absender, before)
        run = command("restore", str(backup), "--data", absender.data, "--yes", "--replace")
        tap.ok(said(run, NO, "an Absender runs on .*: stop it first"), "a running service's database is not replaced", run)
        check_replacing(tap, absender, backup)


def check_replacing(tap, absender, backup):
    absender.send(subject="after the backup")
    taken = len(absender.emails())
    absender.kill()  # part of it is in the log only
    run = command("restore", str(backup), "--data", absender.data, "--yes", env=GERMAN)
    tap.ok(said(run, NO, "gibt es schon eine Datenbank; --replace"), "a database that is there stays, without --replace", run)
    run = command("restore", str(backup), "--data", absender.data, "--yes", "--replace", "--json")
    result = json.loads(run.stdout)
    tap.ok(run.returncode == DONE and result["waiting"] >= 0 and result["newest_at"], "restore --json", run)
    tap.equal(count(result["kept_aside"], "SELECT count(*) FROM emails"), taken, "the former database is kept aside, with what its log held")
    absender.start()
    tap.equal(absender.operator("GET", "/v1/smtp").json["sending"]["reason"], "restored", "the restored one starts paused again")


# --- What is not a backup -------------------------------------------------------------------------------


def check_refused_files(tap, absender, folder, backup):
    whole = backup.read_bytes()
    middle = len(whole) // 2
    spoilt = {
        "garbage": random.Random(1).randbytes(50_000),
        "empty": b"",
        "cut off": whole[:middle],
        "overwritten": whole[:middle] + bytes(100_000) + whole[middle + 100_000:],
    }
    sentences = {"garbage": ("is not a backup of Absender", "ist keine Sicherung von Absender"),
                 "empty": ("is not a backup of Absender", "ist keine Sicherung von Absender"),
                 "cut off": ("is damaged, and nothing was changed", "ist beschädigt, und nichts wurde geändert"),
                 "overwritten": ("is damaged, and nothing was changed", "ist beschädigt, und nichts wurde geändert")}
    for name, data in spoilt.items():
        (folder / name).write_bytes(data)
    newer = folder / "newer"
    shutil.copyfile(backup, newer)
    with contextlib.closing(sqlite3.connect(newer)) as db, db:
        db.execute("INSERT INTO schema_version (number, name, applied_at) VALUES (900, 'later', 1)")
    sentences["newer"] = ("newer version of Absender", "stammt von einer neueren Version von Absender")
    foreign = folder / "foreign"
    with contextlib.closing(sqlite3.connect(foreign)) as db, db:
        db.execute("CREATE TABLE songs (title TEXT)")
    sentences["foreign"] = sentences["garbage"]
    sentences["nowhere"] = ("there is no file", "gibt es nicht")
    before = sorted(os.listdir(absender.data))
    for name, (english, german) in sentences.items():
        for env, sentence in ((ENGLISH, english), (GERMAN, german)):
            run = command("restore", str(folder / name), "--data", absender.data, "--yes", env=env)
            tap.ok(said(run, NO, sentence) and not run.stdout, f"restore of a file that is {name}: {sentence}", run)
    key = pathlib.Path(absender.data, "key")
    key.rename(key.with_name("key.away"))
    run = command("restore", str(backup), "--data", absender.data, "--yes", env=GERMAN)
    tap.ok(said(run, NO, "die Schlüsseldatei .*/key fehlt"), "without the key nothing is restored", run)
    with Daemon("--dev") as other:
        other.stop()
        shutil.copyfile(pathlib.Path(other.data, "key"), key)
        key.chmod(0o600)
    run = command("restore", str(backup), "--data", absender.data, "--yes")
    tap.ok(said(run, NO, "cannot be opened with the key file .*/key \\(.*[0-9a-f]{8}"), "another key is refused, with the ids", run)
    key.with_name("key.away").rename(key)
    tap.equal(sorted(os.listdir(absender.data)), before, "after every refusal the folder is as it was")


# --- Who may, where, one at a time ----------------------------------------------------------------------


def check_route(tap, absender, folder):
    path = str(folder / "route.backup")
    absender.use_sandbox()
    absender.switch(False)
    absender.sign_in_first_admin()
    tap.equal(absender.request("POST", "/v1/backups", {"path": path}).status, 403, "an org admin in the page cannot make one")
    tap.equal(absender.request("GET", "/v1/queue/check").status, 200, "but can check the books")
    absender.make_token("emails:read", "smtp:write")
    tap.equal(absender.request("POST", "/v1/backups", {"path": path}).status, 403, "nor can a token")
    tap.equal(absender.request("GET", "/v1/backups/current").status, 403, "nor see one")
    tap.equal(absender.request("GET", "/v1/queue/check").status, 403, "nor check the books")
    tap.equal(absender.operator("GET", "/v1/backups/current").status, 404, "before the first there is none")
    answer = absender.operator("POST", "/v1/backups", {"path": "x"})
    tap.equal((answer.status, answer.json["errors"][0]["pointer"]), (422, "/path"), "a path that is not a full one is refused")
    absender.make_token()
    absender.send_many([{"to": f"r{n}@example.test", "subject": "r", "text": "y" * 20_000} for n in range(1500)])
    codes = []
    for n in range(20):  # two in a row, until one meets the other
        first = absender.operator("POST", "/v1/backups", {"path": f"{path}.{n}"})
        second = absender.operator("POST", "/v1/backups", {"path": f"{path}.{n}b"})
        codes.append((first.status, second.status, second.json.get("code")))
        wait_for_backup(absender)
        if second.status == 409:
            break
    tap.equal(codes[-1], (202, 409, "backup_running"), "one at a time")


def wait_for_backup(absender):
    until = time.monotonic() + 120
    while (state := absender.operator("GET", "/v1/backups/current").json)["state"] == "running" and time.monotonic() < until:
        time.sleep(0.02)
    return state


def check_places(tap, absender, folder):
    shell = Shell(absender)
    path = folder / "place.backup"
    tap.equal(shell("backup", str(path)).returncode, DONE, "a backup")
    first = path.read_bytes()
    for env, sentence in ((ENGLISH, "^✗ There is no backup: .* exists already$"), (GERMAN, "^✗ Es gibt keine Sicherung: .* gibt es schon$")):
        run = shell("backup", str(path), env=env)
        tap.ok(said(run, NO, sentence) and path.read_bytes() == first, "never overwrites without being told", run)
    tap.equal(shell("backup", str(path), "--replace").returncode, DONE, "--replace tells it")
    note = folder / "note"
    note.write_text("precious")
    run = shell("backup", str(note), "--replace")
    tap.ok(said(run, NO, "only a backup is replaced") and note.read_text() == "precious", "only a backup is replaced", run)
    run = shell("backup", str(pathlib.Path(absender.data, "absender.db")), "--replace", env=GERMAN)
    tap.ok(said(run, NO, "ist die Datenbank in Betrieb"), "the database in use is not its own backup", run)
    run = shell("backup", str(folder / "no" / "such" / "folder"))
    tap.ok(said(run, NO, "there is no folder"), "a folder that is not there is named", run)
    run = subprocess.run(["env", "-C", str(folder), shell.absender.program, "backup", "relative.backup", "--data", absender.data, "--json"],
                         capture_output=True, text=True, env=ENGLISH, check=False)
    tap.ok(run.returncode == DONE and json.loads(run.stdout)["path"] == str(folder / "relative.backup"),
           "a relative path is the command's, not the service's", run)


def check_full_disk(tap, absender, folder):
    mount = folder / "small"
    mount.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(mount)], capture_output=True, check=False).returncode != 0:
        tap.skip("a full disk", "nothing can be mounted here")
        return
    try:
        for env, sentence in ((ENGLISH, "the backup needs \\d+ MiB more than may be used in"), (GERMAN, "die Sicherung braucht \\d+ MiB mehr")):
            run = Shell(absender)("backup", str(mount / "x.backup"), env=env)
            tap.ok(said(run, NO, sentence), "a disk that is too small is told before", run)
        tap.equal(os.listdir(mount), [], "nothing is left on it")
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def check_stop(tap, absender, folder):
    """Told to stop in the middle of a backup."""
    path = folder / "stopped.backup"
    absender.operator("POST", "/v1/backups", {"path": str(path)})
    began = time.monotonic()
    code = absender.stop(signal.SIGTERM)
    tap.ok(code == 0 and time.monotonic() - began < GRACE_SECONDS, "the service stops in the middle of a backup", code)
    tap.equal(parts(folder), [], "and leaves nothing unfinished")
    tap.ok(not path.exists() or count(path, "SELECT count(*) FROM emails") >= 1500, "a whole backup or none", path)
    absender.start()


def check_terminal(tap, absender, folder):
    path = folder / "terminal.backup"
    status, shown = on_terminal(absender, "backup", str(path))
    tap.ok(status == DONE and re.search(r"\] +\d+ %  [0-9.]+ of [0-9.]+ MiB", shown), "on a terminal there is a bar", shown)
    absender.stop()
    status, shown = on_terminal(absender, "restore", str(path), "--replace", answers=[("[y/N]", "n\n")])
    tap.ok(status == NO and "nothing was changed" in shown, "restore asks on a terminal, and no is no", shown)
    status, shown = on_terminal(absender, "restore", str(path), "--replace", answers=[("[y/N]", "y\n")])
    tap.ok(status == DONE and "The former database is kept as" in shown, "yes is yes", shown)
    absender.start()
    status, shown = on_terminal(absender, "resume", answers=[("[y/N]", "\n")])
    tap.ok(status == NO and "Sent at once:" in shown and "nothing was changed" in shown, "resume asks on a terminal after the preview", shown)
    tap.equal(absender.operator("GET", "/v1/smtp").json["sending"]["enabled"], False, "no answer is no")


def check_routes(tap, folder):
    with Daemon("--dev") as absender:
        check_route(tap, absender, folder)
        check_places(tap, absender, folder)
        check_full_disk(tap, absender, folder)
        check_stop(tap, absender, folder)
        check_terminal(tap, absender, folder)


# --- The queue's commands -------------------------------------------------------------------------------


def check_queue(tap, folder):
    with Daemon("--dev") as absender:
        shell = Shell(absender)
        absender.use_sandbox()
        absender.switch(False)
        absender.make_token()
        ids = [absender.send(subject=f"queue {n}").json["id"] for n in range(3)]
        bulk = absender.send(subject="queue bulk", **{"class": "bulk"}).json["id"]
        secret = absender.send(subject="secret subject", **{"class": "reset"}).json["id"]
        run = shell("queue", "list")
        tap.ok(said(run, DONE, f"^{bulk} .*anna@example.test  queue bulk$", f"^{secret} ") and "secret subject" not in run.stdout,
               "queue list shows the emails, and no subject of a secret class", run)
        run = shell("queue", "list", "--class", "bulk", env=GERMAN)
        tap.ok(said(run, DONE, f"^{bulk}  .*zurückgehalten") and ids[0] not in run.stdout, "--class picks, in German", run)
        run = shell("queue", "list", "--state", "held", "--limit", "2")
        tap.ok(said(run, DONE, "") and "There are more: --limit N" in run.stderr and len(run.stdout.splitlines()) == 2, "--limit bounds, and says so beside the list", run)
        tap.ok(said(shell("queue", "list", "--state", "nonsense"), NO, "state is not known"), "a state that is not known is refused")
        tap.equal(len(json.loads(shell("queue", "list", "--json").stdout)["data"]), 5, "queue list --json")
        for env, words in ((ENGLISH, ("^Why: +.*paused", "^State: +held back", "^Timeline$", "^Recipients$")),
                           (GERMAN, ("^Warum: +.*pausiert", "^Status: +zurückgehalten", "^Verlauf$", "^Empfänger$"))):
            run = shell("queue", "show", ids[0], env=env)
            tap.ok(said(run, DONE, f"{ids[0]}$", *words), "queue show explains", run)
        tap.equal(json.loads(shell("queue", "show", ids[0], "--json").stdout)["explanation"]["object"], "explanation", "queue show --json")
        run = shell("queue", "cancel", ids[0], ids[1])
        tap.ok(said(run, DONE, f"^✓ {ids[0]}: cancelled", f"^✓ {ids[1]}: cancelled"), "queue cancel ends several", run)
        run = shell("queue", "cancel", ids[0], ids[2])
        tap.ok(said(run, NO, f"{ids[0]}: ✗ ", f"✓ {ids[2]}: cancelled"), "one that is refused says so, and the others go on", run)
        run = shell("queue", "retry", ids[0], env=GERMAN)
        tap.ok(said(run, NO, f"{ids[0]}: ✗ "), "queue retry of what cannot be is refused", run)
        tap.ok(said(shell("queue", "show", "em_" + "0" * 32), NO, "✗ "), "an email that is not there")
        for arguments in (["queue"], ["queue", "burn"], ["queue", "show"], ["queue", "list", "--limit", "0"], ["queue", "cancel"]):
            tap.equal(shell(*arguments).returncode, USAGE, f"{' '.join(arguments)}: exit status 2")
        tap.ok(said(command("queue", "check", "--data", str(folder)), UNREACHABLE, "no Absender answers"), "without a service: exit status 3")
        check_resume(tap, shell, secret, bulk)
        check_unbalanced(tap, absender, shell)


def check_resume(tap, shell, secret, bulk):
    run = shell("resume", "--cancel", "nonsense")
    tap.ok(said(run, NO, "--cancel: "), "a class that is not known is refused", run)
    run = shell("resume", "--cancel", "bulk", env=GERMAN)
    tap.ok(said(run, DONE, "^Sofort gesendet: +2 \\(1 reset, 1 bulk\\)$", "^1 abgebrochen$", "^Versand: +eingeschaltet"),
           "resume --cancel ends a class first", run)
    shell.absender.wait_for_state(secret, "accepted")
    tap.equal(shell.absender.operator("GET", f"/v1/emails/{bulk}").json["state"], "cancelled", "what was cancelled is not sent")
    sent = json.loads(shell("resume", "--json", "--yes").stdout)
    tap.equal(sent["sending"]["enabled"], True, "resume --json --yes")


def check_unbalanced(tap, absender, shell):
    """A mail that vanished: somebody was at the file."""
    absender.stop()
    with contextlib.closing(sqlite3.connect(os.path.join(absender.data, "absender.db"))) as db, db:
        db.execute("UPDATE books SET n = n + 1 WHERE state = 0")
    absender.start()
    for env, sentence in ((ENGLISH, "^✗ The books do not balance"), (GERMAN, "^✗ Die Bücher stimmen nicht")):
        run = shell("queue", "check", env=env)
        tap.ok(run.returncode == NO and re.search(sentence, run.stdout, re.M), "queue check: books that do not balance end it with 1", run)
    checked = json.loads(shell("queue", "check", "--json").stdout)
    tap.equal((checked["object"], checked["balanced"], bool(checked["faults"])), ("queue_check", False, True), "queue check --json names it")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="absender-backup-") as folder:
        check_backup_and_restore(tap, pathlib.Path(folder))
    with tempfile.TemporaryDirectory(prefix="absender-backup-") as folder:
        check_routes(tap, pathlib.Path(folder))
        check_queue(tap, pathlib.Path(folder))
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
