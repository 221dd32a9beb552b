#!/usr/bin/env python3
"""kill -9 of the real daemon under load, while the server it sends to goes on: nothing that was answered with success is lost,
nothing is doubled unless it says so, and a batch is taken whole or not at all.

  test/crash/run.py [CYCLES [SEED]]
"""
import collections
import pathlib
import random
import re
import sys
import threading
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "real")]
from badserver import BadServer  # noqa: E402
from harness.daemon import Daemon, Tap  # noqa: E402

CLIENTS = 4  # every second one hands over batches
BATCH = 6
FIRST_ANSWER_SECONDS = 60
UNCERTAIN_SECONDS = 16 * 60  # later than a mail whose fate is unknown is sent again
ROUNDS = 4
USER, PASSWORD = "noreply@example.test", "correct horse"
SUBJECT = re.compile(rb"^Subject: ([-\d]+)\r$", re.M)


class Load:
    """Hands mail over until the daemon dies; remembers what it said yes to."""

    def __init__(self, absender, cycle):
        self.absender, self.cycle = absender, cycle
        self.taken = {}  # name: id of the email
        self.asked = []  # the names of each request
        self.threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def wait_for_first(self):
        until = time.monotonic() + FIRST_ANSWER_SECONDS
        while not self.taken and time.monotonic() < until:
            time.sleep(0.005)

    def join(self):
        for thread in self.threads:
            thread.join(FIRST_ANSWER_SECONDS)

    def _run(self, number):
        count = 0
        while True:
            names = [f"{self.cycle}-{number}-{count}-{part}" for part in range(BATCH if number % 2 else 1)]
            count += 1
            self.asked.append(names)
            try:
                ids = self._send(names)
            except Exception:
                return  # killed in the middle: no answer, no promise
            self.taken.update(zip(names, ids))
            time.sleep(0.02)

    def _send(self, names):
        emails = [{"to": "anna@example.test", "subject": name, "text": "Hello"} for name in names]
        if len(emails) == 1:
            return [self.absender.request("POST", "/v1/emails", emails[0], {"Idempotency-Key": names[0]}).json["id"]]
        answer = self.absender.request("POST", "/v1/emails/batch", emails, {"Idempotency-Key": names[0]})
        return [each["id"] for each in answer.json["data"]]


def were_uncertain(absender, emails):
    """Subjects of those that were ever called uncertain."""
    details = [absender.operator("GET", f"/v1/emails/{email['id']}").json for email in emails]
    return {email["subject"] for email in details
            if any(attempt["state"] == "uncertain" for attempt in email["recipients"][0]["attempts_log"])}


def crash(absender, cycles):
    """All mails that were taken, and all that were asked for."""
    taken, asked = {}, []
    for cycle in range(cycles):
        load = Load(absender, cycle)
        load.wait_for_first()
        time.sleep(random.uniform(0.0, 0.2))
        absender.kill()
        load.join()
        taken.update(load.taken)
        asked += load.asked
        absender.start()
    return taken, asked


def judge(tap, absender, server, taken, asked):
    absender.wait_until_quiet()
    emails = absender.emails()
    ids = {email["id"] for email in emails}
    tap.equal([name for name, email in taken.items() if email not in ids], [], "no mail that was answered with success is lost")
    subjects = collections.Counter(email["subject"] for email in emails)
    halves = [names[0] for names in asked if len({subjects[name] for name in names}) > 1]
    tap.equal(halves, [], "every batch was taken whole or not at all")
    for _ in range(ROUNDS):
        if not any(absender.wait_until_quiet().values()):
            break
        absender.skip_time(UNCERTAIN_SECONDS)
    states = collections.Counter(email["state"] for email in absender.emails())
    tap.equal(dict(states), {"accepted": len(emails)}, "in the end every mail is accepted, the uncertain ones at their second try")
    counts = collections.Counter(SUBJECT.search(mail.data).group(1).decode() for mail in server.mails())
    tap.equal([name for name in subjects if name not in counts], [], "what is called accepted has arrived")
    uncertain = were_uncertain(absender, emails)
    doubled = [name for name, count in counts.items() if count > 1 and name not in uncertain]
    tap.equal(doubled, [], "nothing arrived twice without having been called uncertain")
    twice = sum(count > 1 for count in counts.values())
    print(f"# {len(taken)} taken, {len(emails)} stored, {len(uncertain)} were uncertain, {twice} arrived twice")


def main():
    cycles = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    random.seed(seed)
    tap = Tap()
    print(f"# seed {seed}; again: test/crash/run.py {cycles} {seed}")
    with BadServer("all_extensions") as server, Daemon("--dev", "--ca-file", str(server.ca_file), "--allow-port", str(server.port)) as absender:
        run = absender.verify({"host": "localhost", "port": server.port, "security": "starttls", "from_email": USER, "username": USER,
                               "password": PASSWORD})
        assert isinstance(run, dict) and run["state"] == "passed", run
        absender.switch(True)
        absender.make_token()
        taken, asked = crash(absender, cycles)
        tap.ok(len(taken) >= cycles, f"{len(taken)} mails were taken over {cycles} crashes", len(taken))
        judge(tap, absender, server, taken, asked)
        tap.equal(absender.stop(), 0, "it stops in order")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
