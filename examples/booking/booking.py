#!/usr/bin/env python3
"""A small booking service: it confirms bookings by mail, sends reset links, and shows its operator what became of its mail.

    ABSENDER_URL=http://127.0.0.1:8465 ABSENDER_TOKEN=abs_… ./booking.py [--port 8090] [--data booking.db]

Python 3 and nothing else."""
import argparse
import datetime
import hashlib
import hmac
import html
import http.server
import json
import os
import pathlib
import secrets
import sqlite3
import threading
import time
import urllib.parse
from string import Template

from absender import Absender, Later, Refused

HERE = pathlib.Path(__file__).parent
PAGES = {path.stem: Template(path.read_text("utf-8")) for path in (HERE / "pages").glob("*.html")}
WORDS = json.loads((HERE / "words.json").read_text("utf-8"))
RESET_MINUTES = 60
SHORTEST_PASSWORD = 10
LOOK_SECONDS = 1  # between two looks at mail that is under way
ENDS = ("accepted", "rejected", "expired", "cancelled", "handed_over", "refused", "forgotten")
SCHEMA = """
CREATE TABLE IF NOT EXISTS bookings (reference TEXT PRIMARY KEY, guest TEXT, email TEXT, date TEXT UNIQUE, language TEXT);
CREATE TABLE IF NOT EXISTS resets (key TEXT PRIMARY KEY, email TEXT, expires_at TEXT, language TEXT, hash TEXT);
CREATE TABLE IF NOT EXISTS passwords (email TEXT PRIMARY KEY, salt BLOB, hash BLOB);
CREATE TABLE IF NOT EXISTS mails (key TEXT PRIMARY KEY, what TEXT, recipient TEXT, id TEXT, state TEXT, why TEXT);
"""


def moment(minutes=0):
    """So many minutes from now, as RFC 3339 writes it."""
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=minutes)
    return then.strftime("%Y-%m-%dT%H:%M:%SZ")


def day_of(text):
    """The day that a form names, if it is one and not over; else None."""
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        return None
    return day if day >= datetime.date.today() else None


def spoken(date, language):
    """"24. Dezember 2026", "24 December 2026"."""
    day, words = datetime.date.fromisoformat(date), WORDS[language]
    return Template(words["date"]).substitute(day=day.day, month=words["months"][day.month - 1], year=day.year)


def hash_token(token):
    return hashlib.sha256(token.encode()).hexdigest()


def hash_password(password, salt):
    return hashlib.scrypt(password.encode(), salt=salt, n=2**14, r=8, p=1)


class Booking:
    """What the service knows and does. A booking and the note that its mail is due are one transaction; a thread hands over what is
    due until it is taken. So no confirmation is lost, and thanks to the key none is sent twice."""

    def __init__(self, absender, data):
        self.absender, self.data = absender, data
        self.url = None  # where guests reach us
        self.office = secrets.token_urlsafe(32)  # whose link has it is our operator
        self.tokens = {}  # key of a reset → what its link holds: never written down
        self.wake = threading.Event()
        with self.database() as database:
            database.executescript(SCHEMA)

    def database(self):
        database = sqlite3.connect(self.data, timeout=10)
        database.row_factory = sqlite3.Row
        return database

    # --- What guests do ---

    def book(self, guest, email, date, language):
        """False: somebody else has booked that day; of two at the same moment the database takes one."""
        reference = "B-" + secrets.token_hex(6).upper()
        try:
            with self.database() as database:
                database.execute("INSERT INTO bookings VALUES (?, ?, ?, ?, ?)", (reference, guest, email, date, language))
                database.execute("INSERT INTO mails VALUES (?, 'confirmation', ?, NULL, 'due', NULL)", (f"confirm-{reference}", email))
        except sqlite3.IntegrityError:
            return False
        self.wake.set()
        return True

    def booked(self, reference):
        with self.database() as database:
            return database.execute("SELECT reference, guest, date FROM bookings WHERE reference = ?", (reference,)).fetchall()

    def booked_by(self, email):
        with self.database() as database:
            return database.execute("SELECT reference, guest, date FROM bookings WHERE email = ? ORDER BY date", (email,)).fetchall()

    def forget(self, email, language):
        """The same for every address: whether we know it is looked at later (note_resets), so neither answer nor time tells."""
        with self.database() as database:
            database.execute("INSERT INTO resets VALUES (?, ?, ?, ?, NULL)", (f"reset-{secrets.token_hex(8)}", email, moment(RESET_MINUTES), language))
        self.wake.set()

    def is_open(self, token):
        with self.database() as database:
            return database.execute("SELECT 1 FROM resets WHERE hash = ? AND expires_at > ?", (hash_token(token), moment())).fetchone()

    def redeem(self, token, password):
        """Once: one statement finds the link and uses it up, with all others that this guest has asked for. False: it is not good, or no more."""
        salt, now = secrets.token_bytes(16), moment()
        with self.database() as database:
            found = database.execute("UPDATE resets SET hash = NULL, expires_at = ? WHERE email = (SELECT email FROM resets WHERE hash = ? AND expires_at > ?) "
                                     "RETURNING email", (now, hash_token(token), now)).fetchall()
            for (email,) in found[:1]:
                database.execute("INSERT OR REPLACE INTO passwords VALUES (?, ?, ?)", (email, salt, hash_password(password, salt)))
        return bool(found)

    def knows(self, email, password):
        """The same work for every address."""
        with self.database() as database:
            salt, kept = database.execute("SELECT salt, hash FROM passwords WHERE email = ?", (email,)).fetchone() or (b"", b"")
        return hmac.compare_digest(hash_password(password, salt), kept)

    # --- What becomes mail ---

    def confirmation_mail(self, booking):
        return {"to": booking["email"],
                "template": {"id": "booking_confirmation", "locale": booking["language"], "variables": {
                    "guest": booking["guest"], "what": WORDS[booking["language"]]["room"], "date": spoken(booking["date"], booking["language"]),
                    "reference": booking["reference"], "link": f"{self.url}/bookings/{booking['reference']}"}}}

    def reset_mail(self, reset, token):
        """Of class reset: nobody reads it in a list or a log, and once it is sent or too late its text is erased."""
        words = WORDS[reset["language"]]
        return {"to": reset["email"], "class": "reset", "expires_at": reset["expires_at"], "subject": words["reset_subject"],
                "text": Template(words["reset_text"]).substitute(minutes=RESET_MINUTES, link=f"{self.url}/reset/{token}")}

    def write(self, mail):
        """(Idempotency-Key, email) of a mail that is due. A token lives as long as we do: after a start what is still due gets a fresh
        one, so another key too; should the former have left, its link is dead."""
        with self.database() as database:
            if mail["what"] == "confirmation":
                return mail["key"], self.confirmation_mail(database.execute("SELECT * FROM bookings WHERE 'confirm-' || reference = ?", (mail["key"],)).fetchone())
            token = self.tokens.setdefault(mail["key"], secrets.token_urlsafe(32))
            database.execute("UPDATE resets SET hash = ? WHERE key = ?", (hash_token(token), mail["key"]))
            reset = database.execute("SELECT * FROM resets WHERE key = ?", (mail["key"],)).fetchone()
        return f"{mail['key']}-{hash_token(token)[:16]}", self.reset_mail(reset, token)

    # --- The thread ---

    def note_resets(self):
        with self.database() as database:
            database.execute("DELETE FROM resets WHERE key NOT IN (SELECT key FROM mails) AND email NOT IN (SELECT email FROM bookings)")
            database.execute("INSERT OR IGNORE INTO mails SELECT key, 'reset', email, NULL, 'due', NULL FROM resets")
            database.execute("UPDATE mails SET state = 'expired' WHERE state = 'due' AND key IN (SELECT key FROM resets WHERE expires_at <= ?)", (moment(),))

    def due(self):
        with self.database() as database:
            return database.execute("SELECT * FROM mails WHERE state = 'due' ORDER BY rowid").fetchall()

    def newest(self):
        with self.database() as database:
            return database.execute("SELECT * FROM mails ORDER BY rowid DESC LIMIT 50").fetchall()

    def under_way(self):
        """Its id at Absender → our key, of each mail that has not come to its end."""
        with self.database() as database:
            return dict(database.execute(f"SELECT id, key FROM mails WHERE id IS NOT NULL AND state NOT IN {ENDS}").fetchall())

    def note(self, key, state, email_id=None, why=None):
        with self.database() as database:
            database.execute("UPDATE mails SET state = ?, id = COALESCE(?, id), why = ? WHERE key = ?", (state, email_id, why, key))

    def hand_over(self, mail):
        """True: done with it, one way or the other."""
        try:
            self.note(mail["key"], "queued", email_id=self.absender.send(*self.write(mail)))
        except Refused as error:
            self.note(mail["key"], "refused", why=str(error))
        except Later as error:
            self.note(mail["key"], "due", why=str(error))
            time.sleep(min(error.seconds, 5))
            return False
        self.tokens.pop(mail["key"], None)
        return True

    def look(self):
        """Page by page, the newest first, until all that is under way has been seen; what is on none is forgotten there."""
        waiting, page = self.under_way(), None
        while waiting and page != []:
            page = self.absender.states(after=page and page[-1][0])
            for email_id, state in page:
                if email_id in waiting:
                    self.note(waiting.pop(email_id), state)
        for key in waiting.values():
            self.note(key, "forgotten")

    def work(self):
        while True:
            self.wake.wait(LOOK_SECONDS)
            self.wake.clear()
            self.note_resets()
            for mail in self.due():
                if not self.hand_over(mail):
                    break
            try:
                self.look()
            except (Later, Refused) as error:
                print(f"cannot look at the mails: {error}", flush=True)


class Handler(http.server.BaseHTTPRequestHandler):
    """/  /bookings/REFERENCE  /reset/TOKEN  /mails/WORD (the operator's); opening a link uses nothing up."""

    def do_GET(self):
        booking, (place, _, name) = self.server.booking, self.path[1:].partition("/")
        if self.path == "/":
            self.show(200, "home", today=datetime.date.today())
        elif self.path in ("/booked", "/asked"):
            self.show(200, "message", text=self.words[place])
        elif place == "mails" and hmac.compare_digest(name.encode(), booking.office.encode()):
            self.show(200, "mails", [(self.words[mail["what"]], mail["recipient"], self.words["states"].get(mail["state"], mail["state"]), mail["why"]) for mail in booking.newest()])
        elif place == "bookings" and (found := booking.booked(name)):
            self.show(200, "bookings", self.told(found))
        elif place == "reset" and booking.is_open(name):
            self.show(200, "reset")
        else:
            self.show(404, "message", text=self.words["gone"])

    def do_POST(self):
        booking, (place, _, name) = self.server.booking, self.path[1:].partition("/")
        form = dict(urllib.parse.parse_qsl(self.rfile.read(min(int(self.headers["Content-Length"] or 0), 10000)).decode("utf-8", "replace")))
        guest, email, date, password = (form.get(each, "") for each in ("guest", "email", "date", "password"))
        if self.path == "/bookings" and guest and email and (day := day_of(date)):
            if booking.book(guest, email, day.isoformat(), self.language):
                self.answer(303, "", {"Location": "/booked"})
            else:
                self.show(409, "message", text=self.words["taken"])
        elif self.path == "/bookings" and guest and email and date:
            self.show(400, "message", text=self.words["past"])
        elif self.path == "/resets" and email:
            booking.forget(email, self.language)
            self.answer(303, "", {"Location": "/asked"})
        elif self.path == "/yours" and booking.knows(email, password):
            self.show(200, "bookings", self.told(booking.booked_by(email)))
        elif self.path == "/yours":
            self.show(403, "message", text=self.words["wrong"])
        elif place == "reset" and len(password) >= SHORTEST_PASSWORD:
            is_done = booking.redeem(name, password)
            self.show(200 if is_done else 404, "message", text=self.words["done" if is_done else "gone"])
        else:
            self.show(400, "message", text=self.words["incomplete"])

    @property
    def language(self):
        return "de" if self.headers.get("Accept-Language", "").startswith("de") else "en"

    @property
    def words(self):
        return WORDS[self.language]

    def told(self, bookings):
        return [(reference, guest, spoken(date, self.language)) for reference, guest, date in bookings]

    def show(self, status, page, rows=(), **texts):
        """Whatever a guest has typed is escaped."""
        cells = "".join("<tr>" + "".join(f"<td>{html.escape(str(cell or ''))}</td>" for cell in row) + "</tr>" for row in rows)
        main = PAGES[page].substitute(self.words, rows=cells, **texts)
        self.answer(status, PAGES["frame"].substitute(self.words, language=self.language, main=main), {})

    def answer(self, status, text, headers):
        body = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(body)), "Cache-Control": "no-store",
                            "Referrer-Policy": "no-referrer", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nowhere: links hold secrets."""


def main():
    arguments = argparse.ArgumentParser(description="A small booking service")
    arguments.add_argument("--port", type=int, default=8090)
    arguments.add_argument("--data", default="booking.db")
    given = arguments.parse_args()
    booking = Booking(Absender(os.environ["ABSENDER_URL"], os.environ["ABSENDER_TOKEN"]), given.data)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", given.port), Handler)
    server.booking = booking
    booking.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=booking.work, daemon=True).start()
    print(f"Booking: {booking.url}\nIts mails, for you alone: {booking.url}/mails/{booking.office}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
