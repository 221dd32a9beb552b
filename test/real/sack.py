"""A sack of mails: taken by an Absender that has no server yet, so that many others can start with a copy of it and send the same
mails by different servers; and what each of them is, octet by octet.

    with Sack(300) as sack:
        with Daemon(…, copy_of=sack.data) as absender:   # all of them wait in it

Every mail has its number in the header X-Number. What its octets are is found out by a copy that sends them to a server of our own
which offers nothing and writes down what it gets; their hash is kept.
"""
import base64
import contextlib
import hashlib
import itertools
import pathlib
import random
import re
import sys
import tempfile
from typing import NamedTuple

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from badserver import BadServer  # noqa: E402
from realserver import PASSWORD, REFUSED_RECIPIENT, USER  # noqa: E402
from harness.daemon import Daemon  # noqa: E402

LONGEST_LINE = 998  # octets, RFC 5322 2.1.1
LARGE_OCTETS = 300_000
NUMBER = re.compile(rb"^X-Number: (\d+)\r$", re.M)

# What the texts are about; each has its number in it, so that no two mails are the same.
KINDS = {
    "a few words": lambda n: {"text": f"Mail {n}.\n"},
    "dots": lambda n: {"text": f".\n..\n.{n}\n...three\n\n.\n"},
    "long lines": lambda n: {"text": f"{n}\n" + "x" * LONGEST_LINE + "\n" + "y" * (5 * LONGEST_LINE) + "\n."},
    "UTF-8 in two forms": lambda n: {"text": f"Grüße aus Köln, Nr. {n} 🎉\n", "html": f"<p>Schöne Grüße, Nr. {n} 🎉</p>"},
    "an attachment": lambda n: {"text": f"{n}", "attachments": [
        {"filename": f"Übersicht {n}.pdf", "content": base64.b64encode(bytes(range(256)) * 12 + str(n).encode()).decode()}]},
    "an empty body": lambda n: {"text": ""},
    "no line end": lambda n: {"text": f"Mail {n} ends in the middle of a"},
    "2 KiB": lambda n: {"text": "".join(f"Line {line} of mail {n}, as an application may write it.\n" for line in range(40))},
    "a script that looks like SMTP": lambda n: {"text": f"QUIT\r\n.\r\nMAIL FROM:<{n}@example.test>\r\nRSET\r\nDATA\r\n.\r\n"},
}


class Letter(NamedTuple):
    """One mail of the sack: what is expected of it."""

    number: int
    kind: str
    recipients: dict  # address: "accepted" or "rejected"
    body: dict  # of the request


def letters(count):
    """So many that at least `count` are to arrive."""
    rng, arriving = random.Random(3), 0
    for number in itertools.count():
        if arriving >= count:
            return
        kind = list(KINDS)[number % len(KINDS)]
        content = KINDS[kind](number)
        to = [f"r{number}@example.test"]
        if number % 25 == 12:
            to = [to[0], REFUSED_RECIPIENT, f"s{number}@example.test"]
        elif number % 25 in (19, 20):  # two in a row of which nothing is left to send
            to = [REFUSED_RECIPIENT]
        if number % 100 == 50:
            content = {"text": f"{number}", "attachments": [
                {"filename": "large", "content": base64.b64encode(rng.randbytes(LARGE_OCTETS)).decode()}]}
        body = {"from": USER, "to": to, "subject": f"Nummer {number} für {kind}", "headers": {"X-Number": str(number)}, **content}
        arriving += sum(each != REFUSED_RECIPIENT for each in to)
        yield Letter(number, kind, {each: "rejected" if each == REFUSED_RECIPIENT else "accepted" for each in to}, body)


def number_of(data):
    found = NUMBER.search(data)
    return int(found.group(1)) if found else None


class Sack:
    def __init__(self, count):
        self.letters = list(letters(count))
        self.ids = []  # of the emails, in the order of the letters
        self._hashes = {}  # number: of the message
        self.kilobytes = 0
        self.data = None
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.data = stack.enter_context(tempfile.TemporaryDirectory(prefix="absender-sack-"))
            with Daemon("--dev") as absender:
                absender.make_token()
                self.ids = absender.send_many([letter.body for letter in self.letters])
                absender.stop()
                absender.copy_data(self.data)
            self._read()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def deliveries(self):
        """(number, recipient) of every mail that is to arrive."""
        return [(letter.number, address) for letter in self.letters
                for address, state in letter.recipients.items() if state == "accepted"]

    def is_same(self, number, data):
        return hashlib.sha256(data).digest() == self._hashes.get(number)

    def _read(self):
        with BadServer("stepwise") as server, Daemon("--dev", "--ca-file", str(server.ca_file), "--allow-port", str(server.port),
                                                     copy_of=self.data) as absender:
            run = absender.verify({"host": "localhost", "port": server.port, "security": "starttls", "from_email": USER,
                                   "username": USER, "password": PASSWORD})
            assert isinstance(run, dict) and run["state"] == "passed", run
            absender.switch(True)
            absender.wait_until_sent()
            for mail in server.mails():
                self._hashes[number_of(mail.data)] = hashlib.sha256(mail.data).digest()
                self.kilobytes += len(mail.data) / 1000
        missing = {letter.number for letter in self.letters} - self._hashes.keys()
        assert not missing, f"the sack's own server did not get {sorted(missing)[:20]}"
