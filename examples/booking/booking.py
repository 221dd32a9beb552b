#!/usr/bin/env python3
"""A small booking service: it confirms bookings by mail, sends reset links, and shows what became of its mail.

    ABSENDER_URL=http://127.0.0.1:8465 ABSENDER_TOKEN=abs_… ./booking.py [--port 8090] [--data booking.db]

Python 3 and nothing else."""
import argparse
import datetime
import hashlib
import html
import http.server
import os
import pathlib
import secrets
import sqlite3
import threading
import time
import urllib.parse
from string import Template

from absender import Absender, Later, Refused

PAGE = Template((pathlib.Path(__file__).parent / "page.html").read_text("utf-8"))
RESET_MINUTES = 60
LOOK_SECONDS = 1  # between two looks at mail that is under way
ENDS = ("accepted", "rejected", "expired", "cancelled", "handed_over", "refused")
SCHEMA = """
CREATE TABLE IF NOT EXISTS bookings (reference TEXT PRIMARY KEY, guest TEXT, email TEXT, date TEXT);
CREATE TABLE IF NOT EXISTS resets (hash TEXT PRIMARY KEY, email TEXT, expires_at TEXT);
CREATE TABLE IF NOT EXISTS mails (key TEXT PRIMARY KEY, what TEXT, recipient TEXT, id TEXT, state TEXT, why TEXT);
"""


class Booking:
    """What the service knows and does. A booking and the note that its mail is due are one transaction; a thread hands over what is
    due until it is taken. So no confirmation is lost, and thanks to the key none is sent twice."""

    def __init__(self, absender, data):
        self.absender, self.data = absender, data
        self.url = None  # where guests reach us
        self.resets = []  # (key, email): with links, so they are never written down
        self.wake = threading.Event()
        with self.database() as database:
            database.executescript(SCHEMA)

    def database(self):
        database = sqlite3.connect(self.data, timeout=10)
        database.row_factory = sqlite3.Row
        return database

    def book(self, guest, email, date):
        reference = "B-" + secrets.token_hex(4).upper()
        with self.database() as database:
            database.execute("INSERT INTO bookings VALUES (?, ?, ?, ?)", (reference, guest, email, date))
            database.execute("INSERT INTO mails VALUES (?, 'confirmation', ?, NULL, 'due', NULL)", (f"confirm-{reference}", email))
        self.wake.set()
        return reference

    def forgotten(self, email):
        """Says nothing and takes no longer if we do not know the address."""
        token = secrets.token_urlsafe(32)
        expires_at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=RESET_MINUTES)
        with self.database() as database:
            if not database.execute("SELECT 1 FROM bookings WHERE email = ?", (email,)).fetchone():
                return
            key = f"reset-{secrets.token_hex(8)}"
            database.execute("INSERT INTO resets VALUES (?, ?, ?)", (hashlib.sha256(token.encode()).hexdigest(), email, expires_at.isoformat()))
            database.execute("INSERT INTO mails VALUES (?, 'reset', ?, NULL, 'due', NULL)", (key, email))
        self.resets.append((key, self.reset_mail(email, token, expires_at)))
        self.wake.set()

    def confirmation_mail(self, booking):
        return {"to": booking["email"],
                "template": {"id": "booking_confirmation", "locale": "en", "variables": {
                    "guest": booking["guest"], "what": "Boathouse, large room", "date": booking["date"],
                    "reference": booking["reference"], "link": f"{self.url}/bookings/{booking['reference']}"}}}

    def reset_mail(self, email, token, expires_at):
        """Of class reset: nobody reads it in a list or a log, and once it is sent or too late its text is erased."""
        return {"to": email, "class": "reset", "expires_at": expires_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
                "subject": "A new password for your bookings",
                "text": f"Hello,\n\nchoose a new password here within {RESET_MINUTES} minutes:\n\n{self.url}/reset/{token}\n\n"
                        "If you did not ask for it, ignore this mail: nothing changes.\n"}

    def mails(self):
        with self.database() as database:
            return database.execute("SELECT * FROM mails ORDER BY rowid DESC LIMIT 50").fetchall()

    def note(self, key, state, email_id=None, why=None):
        with self.database() as database:
            database.execute("UPDATE mails SET state = ?, id = COALESCE(?, id), why = ? WHERE key = ?", (state, email_id, why, key))

    def hand_over(self, key, email):
        """True: done with it, one way or the other."""
        try:
            self.note(key, "queued", email_id=self.absender.send(key, email))
        except Refused as error:
            self.note(key, "refused", why=str(error))
        except Later as error:
            self.note(key, "due", why=str(error))
            time.sleep(min(error.seconds, 5))
            return False
        return True

    def hand_over_all(self):
        with self.database() as database:
            due = database.execute("SELECT b.*, m.key FROM mails m JOIN bookings b ON m.key = 'confirm-' || b.reference "
                                   "WHERE m.state = 'due' ORDER BY m.rowid").fetchall()
        for booking in due:
            if not self.hand_over(booking["key"], self.confirmation_mail(booking)):
                return
        while self.resets and self.hand_over(*self.resets[0]):
            self.resets.pop(0)

    def look(self):
        for mail in self.mails():
            if mail["id"] and mail["state"] not in ENDS:
                self.note(mail["key"], self.absender.state(mail["id"]))

    def work(self):
        while True:
            self.wake.wait(LOOK_SECONDS)
            self.wake.clear()
            self.hand_over_all()
            try:
                self.look()
            except (Later, Refused) as error:
                print(f"cannot look at the mails: {error}", flush=True)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path != "/":
            self.send_error(404)
            return
        rows = "".join("<tr>" + "".join(f"<td>{html.escape(str(mail[name] or ''))}</td>" for name in ("what", "recipient", "state", "why")) + "</tr>"
                       for mail in self.server.booking.mails())
        self.answer(200, PAGE.substitute(rows=rows), {})

    def do_POST(self):
        form = dict(urllib.parse.parse_qsl(self.rfile.read(min(int(self.headers["Content-Length"] or 0), 10000)).decode("utf-8", "replace")))
        if self.path == "/bookings" and all(form.get(name) for name in ("guest", "email", "date")):
            self.server.booking.book(form["guest"], form["email"], form["date"])
        elif self.path == "/resets" and form.get("email"):
            self.server.booking.forgotten(form["email"])
        else:
            self.send_error(400)
            return
        self.answer(303, "", {"Location": "/"})

    def answer(self, status, text, headers):
        body = text.encode()
        self.send_response(status)
        for name, value in {"Content-Type": "text/html; charset=utf-8", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


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
    print(f"Booking: {booking.url}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
