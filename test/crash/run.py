#!/usr/bin/env python3
"""kill -9 of the real daemon under load, while the server it sends to goes on: nothing that was answered with success is lost,
nothing is doubled unless it says so, a batch is taken whole or not at all, and what got no answer can be asked for again.

  test/crash/run.py [CYCLES [SEED]]
"""
import collections
import contextlib
import os
import pathlib
import random
import sqlite3
import sys
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "real"), str(TESTS / "crash")]
from badserver import BadServer  # noqa: E402
from harness.daemon import Daemon, Tap  # noqa: E402
from ledger import Book, Load, Verdict, chosen_seed, faults_on_disk, subject_of, verify  # noqa: E402

PASSWORD = "correct horse"


def crash(absender, book, cycles):
    """How many requests were repeated, and what did not add up on the disk just after a kill."""
    repeated, faults = 0, []
    for cycle in range(cycles):
        load = Load(absender, book, cycle)
        load.wait_for_first()
        time.sleep(random.uniform(0.0, 0.2))
        absender.kill()
        load.join()
        faults += faults_on_disk(absender.data)
        absender.start()
        repeated += book.repeat_unanswered(absender)
    return repeated, faults


def control(tap):
    """A mail taken out of the database, and some that the server has too often: a judge that does not see them is none."""
    book = Book()
    with BadServer("all_extensions") as server, daemon_for(server) as absender:
        make_ready(absender, server)
        book.hand_over(absender, ["gone", "twice", "thrice", "fine"])
        book.hand_over(absender, ["once"], delivery="at_most_once")
        absender.wait_until_sent()
        absender.stop()
        with contextlib.closing(sqlite3.connect(os.path.join(absender.data, "absender.db"))) as db, db:
            row = db.execute("SELECT row FROM emails WHERE subject = 'gone'").fetchone()[0]
            for table, column in (("attempts", "recipient_row >> 7"), ("recipients", "row >> 7"), ("bodies", "email_row"), ("emails", "row")):
                db.execute(f"DELETE FROM {table} WHERE {column} = ?", (row,))
        absender.start()
        copies = {"twice": 1, "thrice": 2, "once": 1}
        server.sessions[0].mails += [mail for mail in server.mails() for _ in range(copies.get(subject_of(mail.data), 0))]
        verdict = Verdict(absender, server, book)
        tap.equal((verdict.lost, verdict.doubled, bool(verdict.books)), (["gone"], ["once", "thrice", "twice"], True),
                  "control: a mail that was removed and those that were doubled are found")
        tap.equal(verdict.too_often, ["once", "thrice"], "control: a third copy is found, and the second of what was to come at most once")


def daemon_for(server):
    return Daemon("--dev", "--ca-file", str(server.ca_file), "--allow-port", str(server.port))


def make_ready(absender, server):
    verify(absender, server, PASSWORD)
    absender.switch(True)
    absender.make_token()


def main():
    cycles = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = chosen_seed(sys.argv[2] if len(sys.argv) > 2 else None)
    tap, book = Tap(), Book()
    print(f"# seed {seed}; again: test/crash/run.py {cycles} {seed}")
    control(tap)
    with BadServer("all_extensions") as server, daemon_for(server) as absender:
        make_ready(absender, server)
        repeated, faults = crash(absender, book, cycles)
        tap.ok(len(book.taken) >= cycles, f"{len(book.taken)} mails were taken over {cycles} crashes", len(book.taken))
        tap.equal(faults, [], "the books balance in what each crash leaves on the disk")
        verdict = Verdict(absender, server, book)
        verdict.tell(tap)
        tap.equal(dict(collections.Counter(verdict.states.values())), {"accepted": len(verdict.states)},
                  "in the end every mail is accepted, the uncertain ones at their second try")
        print(f"# {verdict.remark(book)}, {repeated} requests were repeated")
        tap.equal(absender.stop(), 0, "it stops in order")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
