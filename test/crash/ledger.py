"""What the tests of this folder hold against the daemon: a book of what was asked for and what was answered, and the judgement
over it: 0 lost, nothing twice that was not called uncertain, a repeated request makes nothing twice, the daemon's own books balance."""
import collections
import contextlib
import os
import pathlib
import random
import re
import shutil
import sqlite3
import tempfile
import threading
import time

FIRST_ANSWER_SECONDS = 120
UNCERTAIN_SECONDS = 16 * 60  # later than a mail whose fate is unknown is sent again
ROUNDS = 12  # of sending the uncertain ones again, at most
SUBJECT = re.compile(rb"^Subject: ([-\w.]+)\r$", re.M)


def chosen_seed(text):
    """The seed that was asked for, or a new one."""
    seed = int(text) if text else int(time.time())
    random.seed(seed)
    return seed


def settings(server, password):
    return {"host": "localhost", "port": server.port, "security": "starttls", "from_email": "noreply@example.test",
            "username": "noreply@example.test", "password": password}


def verify(absender, server, password, **more):
    run = absender.verify({**settings(server, password), **more})
    assert isinstance(run, dict) and run["state"] == "passed", run


def subject_of(data):
    return SUBJECT.search(data).group(1).decode()


class Book:
    """Requests under their idempotency keys: what they asked for, and what was answered."""

    def __init__(self):
        self.asked = {}  # key: (path, body), until it is answered
        self.halves = []  # the names of each request
        self.taken = {}  # name: id of the email
        self.cancelled = set()  # names whose cancelling was answered with success
        self.once = set()  # names of those that were asked for at most once

    def hand_over(self, absender, names, **fields):
        """One mail, or a batch. Raises what the connection raises: then there is no answer and no promise."""
        emails = [{"to": "anna@example.test", "subject": name, "text": "Hello", **fields} for name in names]
        path, body = ("/v1/emails", emails[0]) if len(emails) == 1 else ("/v1/emails/batch", emails)
        self.asked[names[0]] = (path, body)
        self.halves.append(names)
        self.once.update(names if fields.get("delivery") == "at_most_once" else [])
        return self._ask(absender, names[0])

    def _ask(self, absender, key):
        path, body = self.asked[key]
        answer = absender.request("POST", path, body, {"Idempotency-Key": key})
        if answer.status != 200:
            raise RuntimeError(f"{key}: {answer}")
        emails = body if isinstance(body, list) else [body]
        ids = [each["id"] for each in answer.json["data"]] if isinstance(body, list) else [answer.json["id"]]
        self.taken.update(zip([email["subject"] for email in emails], ids))
        del self.asked[key]
        return ids

    def repeat_unanswered(self, absender):
        """What got no answer is asked for again with the same key, as an application does; how many requests that were."""
        keys = list(self.asked)
        for key in keys:
            self._ask(absender, key)
        return len(keys)

    def cancel(self, absender, name):
        if absender.operator("POST", f"/v1/emails/{self.taken[name]}/cancel").status == 200:
            self.cancelled.add(name)


class Load:
    """Threads that hand mail over until the daemon is gone; every second one hands over batches."""

    def __init__(self, absender, book, tag, clients=4, batch=6, pause=0.02):
        self.absender, self.book, self.tag, self.batch, self.pause = absender, book, tag, batch, pause
        self.has_answer = threading.Event()
        self.threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(clients)]
        for thread in self.threads:
            thread.start()

    def wait_for_first(self):
        self.has_answer.wait(FIRST_ANSWER_SECONDS)

    def join(self):
        for thread in self.threads:
            thread.join(FIRST_ANSWER_SECONDS)

    def _run(self, number):
        count = 0
        while True:
            names = [f"{self.tag}-{number}-{count}-{part}" for part in range(self.batch if number % 2 else 1)]
            count += 1
            try:
                self.book.hand_over(self.absender, names)
            except Exception:  # the daemon is gone or going: no answer, no promise
                return
            self.has_answer.set()
            time.sleep(self.pause)


# --- The books of the daemon, as they lie on the disk -----------------------------------------------


def faults_of_books(db):
    """Each sentence names something that does not add up; none: the books balance."""
    one = lambda sql: db.execute(sql).fetchone()[0]  # noqa: E731
    if not one("SELECT count(*) FROM sqlite_schema WHERE name = 'books'"):
        return []  # it died before the schema was complete
    counted = dict(db.execute("SELECT state, count(*) FROM recipients GROUP BY state"))
    kept = {state: n for state, n in db.execute("SELECT state, sum(n) FROM recipient_counts GROUP BY state") if n}
    taken, removed = one("SELECT sum(n) FROM books WHERE state = 0") or 0, one("SELECT sum(n) FROM books WHERE state > 0") or 0
    homeless = one("SELECT count(*) FROM recipients WHERE next_at IS NOT NULL AND row >> 7 NOT IN (SELECT email_row FROM bodies)")
    faults = [] if counted == kept else [f"there are {counted}, counted are {kept}"]
    faults += [] if taken == sum(counted.values()) + removed else [f"{taken} taken, {counted} there, {removed} removed"]
    faults += [f"{homeless} wait without a body"] if homeless else []
    faults += [text for text, in db.execute("PRAGMA quick_check") if text != "ok"]
    return faults


def faults_on_disk(folder):
    """The same of a data directory whose daemon is dead, looked at in a copy, so that the daemon finds it as it was left."""
    with tempfile.TemporaryDirectory(prefix="absender-books-") as copy:
        for name in ("absender.db", "absender.db-wal"):
            if os.path.exists(os.path.join(folder, name)):
                shutil.copy(os.path.join(folder, name), copy)
        if not (pathlib.Path(copy) / "absender.db").exists():
            return []
        with contextlib.closing(sqlite3.connect(os.path.join(copy, "absender.db"))) as db:
            return faults_of_books(db)


def faults_said(absender):
    """The same as the running daemon says it."""
    answer = absender.operator("GET", "/v1/queue/check")
    if answer.status != 200:
        return [f"the books cannot be asked for: {answer}"]
    return [] if answer.json["balanced"] else answer.json["faults"] or ["not balanced"]


# --- The judgement ----------------------------------------------------------------------------------


def let_it_end(absender):
    """Until nothing waits any more, the uncertain ones sent a second time."""
    for _ in range(ROUNDS):
        if not any(absender.wait_until_quiet().values()):
            return
        absender.skip_time(UNCERTAIN_SECONDS)


def details(absender, emails):
    return [absender.operator("GET", f"/v1/emails/{email['id']}").json for email in emails]


def were_uncertain(found):
    """Subjects of those that were ever called uncertain."""
    return {email["subject"] for email in found
            if any(attempt["state"] == "uncertain" for attempt in email["recipients"][0]["attempts_log"])}


class Verdict:
    """Everything that can be said over a book once all is over."""

    def __init__(self, absender, server, book):
        let_it_end(absender)
        self.emails = absender.emails()
        self.subjects = collections.Counter(email["subject"] for email in self.emails)
        ids = {email["id"] for email in self.emails}
        self.lost = sorted(name for name, email in book.taken.items() if email not in ids)
        self.halves = [names[0] for names in book.halves if len({self.subjects[name] for name in names}) > 1]
        self.repeated = sorted(name for name, count in self.subjects.items() if count > 1)
        self.states = {email["subject"]: email["state"] for email in self.emails}
        self.arrived = collections.Counter(subject_of(mail.data) for mail in server.mails())
        self.uncertain = were_uncertain(details(absender, self.emails))
        self.missing = sorted(name for name, state in self.states.items() if state == "accepted" and name not in self.arrived)
        self.doubled = sorted(name for name, count in self.arrived.items() if count > 1 and name not in self.uncertain)
        self.too_often = sorted(name for name, count in self.arrived.items() if count > (1 if name in book.once else 2))
        self.sent_though_cancelled = sorted(book.cancelled & set(self.arrived) - self.uncertain)
        self.books = faults_said(absender)

    def remark(self, book):
        twice = sum(count > 1 for count in self.arrived.values())
        return f"{len(book.taken)} taken, {len(self.emails)} stored, {len(self.uncertain)} were uncertain, {twice} arrived twice"

    def tell(self, tap):
        """The statements that hold whatever was done to the daemon."""
        tap.equal(self.lost, [], "no mail that was answered with success is lost")
        tap.equal(self.halves, [], "every batch was taken whole or not at all")
        tap.equal(self.repeated, [], "a request repeated under its key after an error makes nothing twice")
        tap.equal(self.missing, [], "what is called accepted has arrived")
        tap.equal(self.doubled, [], "nothing arrived twice without having been called uncertain")
        tap.equal(self.too_often, [], "nothing arrived a third time, and nothing a second time that was asked for at most once")
        tap.equal(self.books, [], "the books balance")
