"""What applications may do with their tokens, the snippets of their page, and the example: a booking service that sends through us."""
import concurrent.futures
import contextlib
import datetime
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from harness.daemon import PROGRAM, ROOT, Daemon, Tap  # noqa: E402
from process import Process  # noqa: E402

SNIPPETS = ROOT / "examples/snippets"
BOOKING = ROOT / "examples/booking/booking.py"
NODE_NEEDED = 18  # fetch
STATES = {word: state for state, word in json.loads(BOOKING.with_name("words.json").read_text("utf-8"))["en"]["states"].items()}
MANY = 220  # more than a page of GET /v1/emails
EXPIRED_SECONDS = 120  # by then a token that had one second more is known to have ended


def make_token(absender, **more):
    """A token with limits; absender uses it from now on. Its id."""
    answer = absender.operator("POST", "/v1/tokens", {"name": "shop", "scopes": ["emails:send", "emails:read"], **more})
    assert answer.status == 201, answer
    absender.token = answer.json["token"]
    return answer.json["id"]


def token(absender, token_id):
    return absender.operator("GET", f"/v1/tokens/{token_id}").json


def send(absender, key=None):
    """An email before there are settings: it names its sender and is held."""
    return absender.send(key=key, **{"from": "shop@example.test"})


def from_now(seconds):
    then = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def refusal(answer):
    return answer.status, answer.json.get("code")


# --- Limits -------------------------------------------------------------------------------------------


def check_networks(tap):
    """Behind a proxy the client's own address counts, and only what the proxy that is trusted says of it."""
    with Daemon("--dev", "--trusted-proxy", "127.0.0.1") as absender:
        make_token(absender, networks=["192.0.2.0/24", "2001:db8::/32"])
        for said, status in [("192.0.2.7", 200), ("198.51.100.7", 403), ("2001:db8::7", 200), ("2001:db9::7", 403), ("::ffff:192.0.2.7", 200),
                             ("192.0.2.7, 198.51.100.7", 403), ("198.51.100.7, 192.0.2.7", 200), ("nonsense", 403), (None, 403)]:
            answer = absender.request("GET", "/v1/emails", headers={"X-Forwarded-For": said} if said else None)
            tap.equal(answer.status, status, f"a token of two networks, used from {said or 'the proxy itself'}: {status}")
    with Daemon("--dev") as absender:
        make_token(absender, networks=["192.0.2.0/24"])
        answer = absender.request("GET", "/v1/emails", headers={"X-Forwarded-For": "192.0.2.7"})
        tap.equal(refusal(answer), (403, "network_not_allowed"), "what nobody trusted says of the client's address is not believed")
        sent = absender.send()
        tap.equal(refusal(sent), (403, "network_not_allowed"), "nothing is taken from elsewhere")
        tap.ok("127.0.0.1" in sent.json["message"], "the answer names the address that was seen", sent)


def check_senders(tap):
    with Daemon("--dev") as absender:
        absender.use_sandbox()
        make_token(absender, from_addresses=["noreply@example.test"])
        tap.equal(absender.send(subject="mine").status, 200, "without a sender the one of the settings is taken, which it may use")
        tap.equal(absender.send(**{"from": "Shop <noreply@example.test>"}).status, 200, "the name before it is free")
        tap.equal(refusal(absender.send(**{"from": "boss@example.test"})), (422, "sender_not_allowed"), "the settings' sender still counts")
        make_token(absender, from_addresses=["shop@example.test"])
        refused = absender.send(subject="not mine")
        tap.equal(refusal(refused), (403, "from_not_allowed_for_token"), "a token of another address may not use the settings' sender")
        tap.ok("shop@example.test" in refused.json["message"], "the answer names the addresses it may use", refused)
        german = absender.request("POST", "/v1/emails", {"to": "a@example.test", "subject": "x", "text": "x"},
                                  {"Accept-Language": "de", "Accept": "application/problem+json"}).json
        tap.equal((german["title"], german["detail"]), ("Mit diesem Token darf diese Absenderadresse nicht verwendet werden.",
                                                        "Mit diesem Token ist als Absender nur shop@example.test erlaubt."), "in German too")
        absender.wait_until_sent()
        subjects = sorted(each["subject"] for each in absender.operator("GET", "/v1/sandbox/messages").json["data"])
        tap.equal(subjects, ["Hello", "mine"], "only what was allowed went out")


def check_quota(tap):
    with Daemon("--dev") as absender:
        token_id = make_token(absender, quota={"per_hour": 10})
        tap.equal([send(absender, key=f"k{number}").status for number in range(8)], [200] * 8, "a token hands over within its quota")
        batch = [{"from": "a@example.test", "to": "b@example.test", "subject": "x", "text": "x"}] * 3
        refused = absender.request("POST", "/v1/emails/batch", batch)
        tap.equal(refusal(refused), (429, "token_quota_exceeded"), "a batch that does not fit is refused as a whole")
        tap.ok(3500 <= int(refused.headers["Retry-After"]) <= 3720, "Retry-After says when it will", refused.headers)
        tap.equal(absender.request("POST", "/v1/emails/batch", batch[:2]).status, 200, "what fits is taken")
        tap.equal(send(absender, key="k3").headers.get("Idempotent-Replayed"), "true", "a repeat is answered when the quota is used up")
        tap.equal(token(absender, token_id)["usage"], {"minute": 10, "hour": 10, "day": 10}, "and counted once")
        absender.stop()
        absender.start()
        tap.equal(refusal(send(absender)), (429, "token_quota_exceeded"), "the quota outlives a restart")
        tap.equal(token(absender, token_id)["usage"]["hour"], 10, "with what was used")
        changed = absender.operator("PATCH", f"/v1/tokens/{token_id}", {"quota": {"per_hour": 11}})
        tap.equal((changed.status, send(absender).status, send(absender).status), (200, 200, 429), "a higher quota counts at once")
        total = len(absender.emails())
        tap.equal(total, 11, "as many emails were taken as the quotas allowed")


def check_quota_under_load(tap):
    """Many at once take no more than there is room for."""
    with Daemon("--dev") as absender:
        make_token(absender, quota={"per_day": 50})
        absender.operator("PUT", "/v1/smtp/sending", {"enabled": False})

        def post(number):
            return absender.request("POST", "/v1/emails", {"from": "a@example.test", "to": "b@example.test", "subject": str(number), "text": "x"}).status

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(post, range(120)))
        tap.equal((answers.count(200), answers.count(429), len(absender.emails())), (50, 70, 50), "120 at once: exactly the quota is taken")


def check_expiry(tap):
    with Daemon("--dev") as absender:
        token_id = make_token(absender, expires_at=from_now(3600))
        tap.equal(send(absender).status, 200, "a token works until it expires")
        absender.operator("PATCH", f"/v1/tokens/{token_id}", {"expires_at": from_now(1)})
        until = time.monotonic() + EXPIRED_SECONDS
        while (status := send(absender).status) == 200 and time.monotonic() < until:
            time.sleep(0.05)
        tap.equal(status, 401, "and not after")
        tap.equal(absender.operator("GET", "/v1/tokens").json["data"][0]["id"], token_id, "it is still in the list")
        absender.operator("PATCH", f"/v1/tokens/{token_id}", {"expires_at": None})
        tap.equal(send(absender).status, 200, "its time may be changed")
        tap.ok(token(absender, token_id)["used_at"], "the last use is shown")
        deeds = [each["action"] for each in absender.operator("GET", "/v1/audit-events").json["data"] if each["action"].startswith("token.")]
        tap.equal(deeds, ["token.changed", "token.changed", "token.created"], "who made and changed it is in the audit log")


def check_keeping(tap):
    """Threat T50: shown once, kept as a hash, never taken from an address."""
    with Daemon("--dev") as absender:
        make_token(absender)
        text, absender.token = absender.token, None
        for query in ("token", "access_token", "api_key"):
            tap.equal(absender.request("GET", f"/v1/emails?{query}={text}").status, 401, f"a token in the address (?{query}=) is none")
        for what, header in (("of another kind", f"Basic {text}"), ("with a typo", f"Bearer {text[:-1]}{'A' if text[-1] != 'A' else 'B'}"),
                             ("cut short", f"Bearer {text[:-1]}"), ("as it was shown", f"Bearer {text}")):
            status = absender.request("GET", "/v1/emails", headers={"Authorization": header}).status
            tap.equal(status, 200 if what == "as it was shown" else 401, f"a token {what}: {status}")
        absender.stop()
        with contextlib.closing(sqlite3.connect(os.path.join(absender.data, "absender.db"))) as db:
            tap.equal(db.execute("SELECT hash FROM tokens").fetchall(), [(hashlib.sha256(text.encode()).digest(),)], "its SHA-256 is kept")
        files = [path for path in pathlib.Path(absender.data).iterdir() if path.is_file() and text.encode() in path.read_bytes()]
        tap.equal(files, [], "itself it stands in no file, the log included")


# --- Snippets -----------------------------------------------------------------------------------------


def runner(name):
    """The command for a snippet, or why there is none."""
    program = {"sh": "curl", "py": "python3", "mjs": "node"}[name.rsplit(".", 1)[1]]
    if shutil.which(program) is None:
        return None, f"{program} is not installed"
    if program == "node" and int(subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.lstrip("v").split(".")[0]) < NODE_NEEDED:
        return None, f"needs Node.js {NODE_NEEDED}"
    return {"sh": ["sh"], "py": [sys.executable], "mjs": ["node"]}[name.rsplit(".", 1)[1]], None


def run_snippet(absender, command, name, recipient, **environment):
    return subprocess.run([*command, str(SNIPPETS / name), recipient], capture_output=True, text=True, timeout=120, check=False,
                          env={"PATH": os.environ["PATH"], "ABSENDER_URL": f"http://127.0.0.1:{absender.port}",
                               "ABSENDER_TOKEN": absender.token, **environment})


def check_snippets(tap):
    with Daemon("--dev") as absender:
        absender.use_sandbox()
        make_token(absender)
        names = sorted(path.name for path in SNIPPETS.iterdir())
        tap.equal(names, ["send.mjs", "send.py", "send.sh"], "there is a snippet for curl, Python and Node")
        for name in names:
            command, why = runner(name)
            if why:
                tap.skip(f"{name}: sends", why)
                continue
            recipient = f"{name.replace('.', '-')}@example.test"
            first, again = (run_snippet(absender, command, name, recipient, IDEMPOTENCY_KEY=f"booking-{name}") for _ in range(2))
            ids = [re.search(r"em_[0-9a-f]{32}", run.stdout) for run in (first, again)]
            tap.ok(first.returncode == 0 and all(ids), f"{name}: sends and prints the id", first)
            tap.equal(ids[0] and ids[0].group(), ids[1] and ids[1].group(), f"{name}: run again with the same key it sends nothing twice")
            other = run_snippet(absender, command, name, "somebody@example.test", IDEMPOTENCY_KEY=f"booking-{name}")
            tap.ok(other.returncode != 0 and "idempotency" in (other.stdout + other.stderr).lower() and "Traceback" not in other.stderr,
                   f"{name}: with that key for another mail it prints why that is refused", other)
            fresh = re.search(r"em_[0-9a-f]{32}", run_snippet(absender, command, name, recipient).stdout)
            tap.ok(fresh and fresh.group() != ids[0].group(), f"{name}: without a key of one's own each run is a mail of its own", fresh)
            absender.wait_for_state(fresh.group(), "accepted")
            arrived = absender.wait_for_state(ids[0].group(), "accepted")
            tap.equal(arrived["to"], [recipient], f"{name}: the mail goes to its argument")
            wrong = run_snippet(absender, command, name, recipient, ABSENDER_TOKEN="abs_wrong")
            tap.ok(wrong.returncode != 0, f"{name}: a failure is one", wrong)
            text = (SNIPPETS / name).read_text("utf-8")
            tap.ok(absender.token not in text and len(text.splitlines()) <= 25, f"{name}: short, and no token stands in it")
        tap.equal(len(absender.operator("GET", "/v1/sandbox/messages").json["data"]), 2 * len([n for n in names if runner(n)[0]]), "two mails each")


# --- The example --------------------------------------------------------------------------------------


class Booking:
    """The example program, as its README says to start it."""

    def __init__(self, absender, url=None):
        self.folder = tempfile.mkdtemp(prefix="absender-booking-")
        self.url = url or f"http://127.0.0.1:{absender.port}"
        self.token = absender.token
        self.start()

    def start(self):
        log = pathlib.Path(self.folder, "log")
        log.write_text("", "utf-8")
        self.process = Process("booking", [sys.executable, str(BOOKING), "--port", "0", "--data", f"{self.folder}/booking.db"],
                               {**os.environ, "ABSENDER_URL": self.url, "ABSENDER_TOKEN": self.token}, log)
        until = time.monotonic() + 120
        while not (said := re.search(r"Booking: http://127\.0\.0\.1:(\d+)\n.*(/mails/\S+)\n", log.read_text("utf-8"))):
            assert time.monotonic() < until, log.read_text("utf-8")
            time.sleep(0.05)
        self.port, self.office = int(said.group(1)), said.group(2)

    def stop(self):
        self.process.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, method, path, language="en", **form):
        """(status, page)."""
        body = urllib.parse.urlencode(form) if method == "POST" else None
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            connection.request(method, path, body, {"Content-Type": "application/x-www-form-urlencoded", "Accept-Language": language})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()

    def post(self, path, **form):
        return self.ask("POST", path, **form)[0]

    def mails(self):
        """(what, recipient, state, why) of each, newest first."""
        rows = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td></tr>", self.ask("GET", self.office)[1])
        return [(what, to, STATES.get(word, word), why) for what, to, word, why in rows]

    def states(self):
        """How many mails are in which state, however many there are."""
        with contextlib.closing(sqlite3.connect(f"{self.folder}/booking.db")) as database:
            return dict(database.execute("SELECT state, COUNT(*) FROM mails GROUP BY state").fetchall())

    def path_of(self, link):
        """Of a link in a mail, which must lead here."""
        base = f"http://127.0.0.1:{self.port}"
        assert link.startswith(base + "/"), link
        return link.removeprefix(base)

    def wait_for(self, *states, wait=120):
        """Until the mails, newest first, have these states."""
        until = time.monotonic() + wait
        while (now := tuple(mail[2] for mail in self.mails())) != states and time.monotonic() < until:
            time.sleep(0.1)
        return now


def eventually(check, wait=120):
    """Whether it comes true in time."""
    until = time.monotonic() + wait
    while not (now := check()) and time.monotonic() < until:
        time.sleep(0.1)
    return now


def day_of(number):
    """A day ahead, another for each number: there is one room."""
    return datetime.date.today() + datetime.timedelta(days=30 + number)


def as_said(day):
    return f"{day.day} {day:%B} {day.year}"


def links(message):
    return re.findall(r"https?://\S+", message.get_body(("plain",)).get_content())


def check_booking(tap):
    with Daemon("--dev") as absender:
        absender.use_sandbox()
        absender.switch(False)
        absender.make_token("emails:send", "emails:read")
        with Booking(absender) as booking:
            tap.equal(booking.post("/bookings", guest="Anna <b>", email="anna@example.test", date=day_of(0)), 303, "a room is booked")
            tap.equal(booking.post("/bookings", guest="Otto", email="otto@example.test", date=day_of(0)), 409, "and for nobody else on that day")
            past = [day_of(-40), "2026-02-30", "tomorrow"]
            tap.equal([booking.post("/bookings", guest="Otto", email="otto@example.test", date=day) for day in past], [400] * 3, "what is over, or no day, is not booked")
            tap.equal(booking.wait_for("held"), ("held",), "while sending is paused the page shows the confirmation held")
            absender.switch(True)
            tap.equal(booking.wait_for("accepted"), ("accepted",), "then accepted, by itself")
            page = absender.operator("GET", "/v1/sandbox/messages").json["data"]
            _, confirmation = absender.captured(page[0]["subject"])
            text = confirmation.get_body(("plain",)).get_content()
            tap.ok("Anna <b>" in text and as_said(day_of(0)) in text, "the confirmation comes from the template, with guest and day", text)
            tap.ok("Anna &lt;b&gt;" in confirmation.get_body(("html",)).get_content(), "what a guest typed is escaped in its HTML")
            link = next(each for each in links(confirmation) if "/bookings/B-" in each)
            status, seen = booking.ask("GET", booking.path_of(link))
            tap.ok(status == 200 and "Anna &lt;b&gt;" in seen and as_said(day_of(0)) in seen and link.rsplit("/", 1)[1] in seen, "its link leads to the booking", seen)
            tap.equal(booking.ask("GET", "/bookings/B-000000000000")[0], 404, "and to no other")
            home = booking.ask("GET", "/")
            tap.ok(home[0] == 200 and "anna@" not in home[1] and booking.office not in home[1], "the front page shows nobody's address, nor the way there", home)
            wrong = ("/mails", "/mails/", "/mails/None", "/mails/%C3%BC", booking.office[:-1])
            tap.equal([booking.ask("GET", path)[0] for path in wrong], [404] * len(wrong), "what became of the mails is the operator's alone")
            check_booking_reset(tap, absender, booking)


def check_booking_reset(tap, absender, booking):
    """A password by mail: for whom we know, once, and opening the link uses nothing up."""
    for email in ("stranger@example.test", "anna@example.test"):
        tap.equal(booking.post("/resets", email=email), 303, f"a reset is asked for: {email}")
    tap.equal(booking.wait_for("accepted", "accepted"), ("accepted", "accepted"), "it is sent to whom we know, and to nobody else")
    recipients, reset = absender.captured("A new password for your bookings")
    tap.equal(recipients, ["anna@example.test"], "to her address")
    path = booking.path_of(links(reset)[0])
    secret = path.rsplit("/", 1)[1]
    written = b"".join(each.read_bytes() for each in pathlib.Path(booking.folder).iterdir())
    tap.ok(secret.encode() not in written, "the link's secret is written down nowhere by the program")
    listed = absender.operator("GET", "/v1/emails").body + absender.operator("GET", f"/v1/emails/{absender.emails()[0]['id']}").body
    tap.ok(secret.encode() not in listed and b"A new password" not in listed, "nor shown by us, its subject neither")

    good = {"email": "anna@example.test", "password": "boats on the lake"}
    tap.equal(booking.post("/yours", **good), 403, "nobody has a password yet")
    tap.equal([booking.ask("GET", path)[0] for _ in range(3)], [200] * 3, "scanners that open the link use nothing up")
    tap.equal(booking.post(path, password="short"), 400, "nor does a password that is too short")
    tap.equal([booking.post(path, password=good["password"]), booking.post(path, password="a thief's password"), booking.ask("GET", path)[0]], [200, 404, 404],
              "the link sets a password, once")
    status, seen = booking.ask("POST", "/yours", **good)
    tap.ok(status == 200 and as_said(day_of(0)) in seen, "with which her bookings are shown", seen)
    tap.equal([booking.post("/yours", **{**good, **other}) for other in ({"password": "a thief's password"}, {"email": "stranger@example.test"})], [403, 403],
              "and with no other, to nobody else")
    booking.ask("POST", "/resets", language="de-DE,de;q=0.9", email="anna@example.test")
    booking.wait_for(*["accepted"] * 3)
    _, german = absender.captured("Neues Passwort für Ihre Buchungen")
    status, seen = booking.ask("GET", booking.path_of(links(german)[0]), language="de")
    tap.ok(status == 200 and "Neues Passwort festlegen" in seen, "who reads German gets a German mail and page", seen)
    check_booking_links_end_together(tap, absender, booking, booking.path_of(links(german)[0]))


def check_booking_links_end_together(tap, absender, booking, former):
    """former: the path of a link that is still good."""
    booking.post("/resets", email="anna@example.test")
    booking.wait_for(*["accepted"] * 4)
    newest = booking.path_of(links(absender.captured("A new password for your bookings")[1])[0])
    absender.stop()
    booking.post("/resets", email="anna@example.test")
    booking.wait_for("due", *["accepted"] * 4)
    tap.equal([booking.ask("GET", path)[0] for path in (former, newest)], [200, 200], "while none is used all her links are good")
    tap.equal(booking.post(newest, password="boats on the river"), 200, "one sets the password")
    tap.equal([booking.post(former, password="a thief's password"), booking.ask("GET", former)[0]], [404, 404], "then the others are good no more")
    tap.equal(booking.wait_for("expired", *["accepted"] * 4)[0], "expired", "and what was due is not sent")
    absender.start()


def check_booking_looks_at_all(tap):
    """More mails than stand on one page, of the program's or of ours, and one that we know nothing of any more."""
    with Daemon("--dev") as absender:
        absender.use_sandbox()
        absender.switch(False)
        absender.make_token("emails:send", "emails:read")
        with Booking(absender) as booking:
            for number in range(MANY):
                booking.post("/bookings", guest=f"Guest {number}", email=f"guest{number}@example.test", date=day_of(number))
            tap.ok(eventually(lambda: booking.states() == {"held": MANY}), f"{MANY} confirmations are held", booking.states())
            with contextlib.closing(sqlite3.connect(f"{booking.folder}/booking.db")) as database, database:
                database.execute("INSERT INTO mails VALUES ('confirm-B-0', 'confirmation', 'old@example.test', 'em_' || hex(zeroblob(16)), 'held', NULL)")
            absender.switch(True)
            wanted = {"accepted": MANY, "forgotten": 1}
            tap.ok(eventually(lambda: booking.states() == wanted), "all are looked at, the first too, and what is forgotten keeps nobody from it", booking.states())


def check_booking_through_failures(tap):
    """Absender is away, then busy refusing; the program is killed: every booking is confirmed once."""
    with Daemon("--dev") as absender:
        absender.use_sandbox()
        token_id = make_token(absender, quota={"per_minute": 2})
        with contextlib.closing(socket.socket()) as reserved:
            reserved.bind(("127.0.0.1", 0))
            nobody = f"http://127.0.0.1:{reserved.getsockname()[1]}"
            with Booking(absender, url=nobody) as booking:
                for number in range(3):
                    booking.post("/bookings", guest=f"Guest {number}", email=f"guest{number}@example.test", date=day_of(number))
                time.sleep(1.5)
                tap.equal(booking.wait_for("due", "due", "due"), ("due",) * 3, "with nobody there the confirmations are due")
                booking.process.stop()
                booking.url = f"http://127.0.0.1:{absender.port}"
                booking.start()
                tap.equal(booking.wait_for("due", "accepted", "accepted"), ("due", "accepted", "accepted"), "started again it hands over what the quota lets through")
                tap.ok("token_quota_exceeded" in booking.mails()[0][3], "and says why the rest waits", booking.mails())
                absender.operator("PATCH", f"/v1/tokens/{token_id}", {"quota": None})
                tap.equal(booking.wait_for(*["accepted"] * 3), ("accepted",) * 3, "and goes on once there is room")
                to = sorted(each["to"][0] for each in absender.operator("GET", "/v1/sandbox/messages").json["data"])
                tap.equal(to, [f"guest{number}@example.test" for number in range(3)], "each guest has one confirmation")
                absender.operator("PATCH", f"/v1/tokens/{token_id}", {"from_addresses": ["other@example.test"]})
                booking.post("/bookings", guest="Guest 3", email="guest3@example.test", date=day_of(3))
                tap.equal(booking.wait_for("refused", *["accepted"] * 3)[0], "refused", "what is refused for good is not tried again, and shown")


def check_booking_killed_with_a_reset(tap):
    """The link was in memory only: a reset that was due goes on with a fresh one."""
    with Daemon("--dev") as absender, contextlib.closing(socket.socket()) as reserved:
        absender.use_sandbox()
        make_token(absender)
        reserved.bind(("127.0.0.1", 0))  # and nobody listens
        with Booking(absender, url=f"http://127.0.0.1:{reserved.getsockname()[1]}") as booking:
            booking.post("/bookings", guest="Anna", email="anna@example.test", date=day_of(0))
            booking.wait_for("due")
            booking.post("/resets", email="anna@example.test")
            tap.equal(booking.wait_for("due", "due"), ("due", "due"), "with nobody there the reset is due")
            booking.process.process.kill()
            booking.process.stop()
            booking.url = f"http://127.0.0.1:{absender.port}"
            booking.start()
            tap.equal(booking.wait_for("accepted", "accepted"), ("accepted", "accepted"), "after a kill it goes on")
            _, reset = absender.captured("A new password for your bookings")
            tap.equal(booking.post(booking.path_of(links(reset)[0]), password="boats on the lake"), 200, "and its link is good")


# --- The command --------------------------------------------------------------------------------------


def check_command(tap):
    with Daemon("--dev") as absender:
        def run(*arguments):
            return subprocess.run([str(PROGRAM), "token", *arguments, "--data", absender.data], capture_output=True, text=True, timeout=120,
                                  check=False, env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TZ": "UTC"})
        made = run("create", "--name", "till", "--scope", "emails:send", "--from", "till@example.test", "--network", "10.0.0.0/8",
                   "--per-minute", "5", "--per-day", "100")
        tap.ok(made.returncode == 0 and re.fullmatch(r"abs_[\w-]{49}\n", made.stdout), "a token with limits is made", made)
        seen = absender.operator("GET", "/v1/tokens").json["data"][0]
        tap.equal((seen["from_addresses"], seen["networks"], seen["quota"], seen["created_by"]),
                  (["till@example.test"], ["10.0.0.0/8"], {"per_minute": 5, "per_hour": None, "per_day": 100}, "operator"), "as it was said")
        listed = run("list")
        tap.ok(listed.returncode == 0 and seen["id"] in listed.stdout and "till" in listed.stdout and made.stdout.strip() not in listed.stdout,
               "it is listed", listed)
        tap.equal((run("revoke", seen["id"]).returncode, run("revoke", seen["id"]).returncode), (0, 1), "and revoked, once")
        tap.equal(absender.operator("GET", "/v1/tokens").json["data"], [], "then it is gone")
        bad = run("create", "--name", "till", "--scope", "emails:send", "--network", "home")
        tap.ok(bad.returncode == 1 and "not a network" in bad.stderr, "what is wrong is said", bad)


def main():
    tap = Tap()
    check_networks(tap)
    check_senders(tap)
    check_quota(tap)
    check_quota_under_load(tap)
    check_expiry(tap)
    check_keeping(tap)
    check_snippets(tap)
    check_booking(tap)
    check_booking_through_failures(tap)
    check_booking_killed_with_a_reset(tap)
    check_booking_looks_at_all(tap)
    check_command(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
