"""Starts the real program for a test, speaks its API, and never leaves it behind."""
import collections
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from email import message_from_bytes, policy

from harness.ports import free_port, free_ports  # noqa: F401

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = pathlib.Path(os.environ.get("ABSENDER_PROGRAM", ROOT / "build/absender"))
BATCH = 500  # emails handed over in one request
# A machine of the CI may be many times slower than a desk's: these only end what would hang.
START_SECONDS = 180
WAIT_SECONDS = 180
ADMIN = {"email": "admin@example.test", "name": "Anna Admin", "password": "a long enough password"}

# A test that is told to end cleans up as one that fails does.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

# With ABSENDER_CHECK_ANSWERS in the environment every answer is held against doc/openapi.yaml, and Tap.end() says what came of it.
contract = None
contract_faults = collections.Counter()
if os.environ.get("ABSENDER_CHECK_ANSWERS"):
    from harness.openapi import Contract
    contract = Contract()


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.body[:400]!r}"


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=120)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def copy_data(source, target):
    """A data directory; nobody may be using it."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.sock", "log"), dirs_exist_ok=True)


class Daemon:
    """with Daemon("--dev") as absender: …  The data directory is kept between stop() and start(). copy_of: a data directory to start
    with; nobody may be using it."""

    def __init__(self, *options, program=PROGRAM, copy_of=None):
        self.program = str(program)
        self.options = list(options)
        self.environment = {}  # what the program finds in its environment besides ours
        self.data = tempfile.mkdtemp(prefix="absender-test-")
        if copy_of is not None:
            copy_data(copy_of, self.data)
        self.sandbox_ports = dict(zip(("starttls", "implicit"), free_ports(2)))  # the same after a restart
        self.process = None
        self.link = None
        self.cookie = self.csrf = self.token = None
        self.log = open(os.path.join(self.data, "log"), "a+", encoding="utf-8", errors="replace")

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
        self.log.close()
        shutil.rmtree(self.data, ignore_errors=True)

    def arguments(self):
        return [self.program, "serve", "--data", self.data, "--listen", "127.0.0.1:0",
                "--sandbox-starttls-port", str(self.sandbox_ports["starttls"]),
                "--sandbox-implicit-port", str(self.sandbox_ports["implicit"]), *self.options]

    def start(self):
        begun = time.monotonic()
        start_at = self.log.seek(0, os.SEEK_END)
        self.process = subprocess.Popen(self.arguments(), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        start_new_session=True,
                                        env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "", **self.environment})
        while True:
            said = pathlib.Path(self.log.name).read_text(encoding="utf-8", errors="replace")[start_at:]
            port = re.search(r"listening on http://127\.0\.0\.1:(\d+)", said)
            if port:
                break
            if self.process.poll() is not None or time.monotonic() - begun > START_SECONDS:
                raise RuntimeError(f"the daemon did not start: {said}")
            time.sleep(0.01)
        self.port = int(port.group(1))
        link = re.search(r"First admin: (\S+)", said)
        self.link = link.group(1) if link else None
        return self

    def stop(self, how=signal.SIGTERM, wait=120):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            code = self.process.wait(wait)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self.process = None
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def copy_data(self, folder):
        """Only while it is stopped."""
        assert self.process is None
        copy_data(self.data, folder)

    def skip_time(self, seconds):
        """Stops, makes everything due that would be in so many seconds, and starts again."""
        self.stop()
        with contextlib.closing(sqlite3.connect(os.path.join(self.data, "absender.db"))) as db, db:
            db.execute("UPDATE recipients SET next_at = next_at - ? WHERE next_at IS NOT NULL", (int(seconds * 1000),))
            db.execute("UPDATE smtp_state SET health_at = health_at - ?", (int(seconds * 1000),))
        self.start()

    def request(self, method, path, body=None, headers=None, as_operator=False, raw=None):
        connection = UnixConnection(os.path.join(self.data, "control.sock")) if as_operator else \
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        sent = {"Accept-Language": "en"}
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        if not as_operator and self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        elif not as_operator and self.cookie:
            sent["Cookie"] = self.cookie
            sent["X-CSRF-Token"] = self.csrf
        sent.update(headers or {})
        try:
            connection.request(method, path, body=data, headers=sent)
            got = connection.getresponse()
            answer = Answer(got.status, dict(got.getheaders()), got.read())
        finally:
            connection.close()
        if contract:
            contract_faults.update(contract.faults(method, path, answer, body))
        return answer

    def operator(self, method, path, body=None, headers=None):
        return self.request(method, path, body, headers, as_operator=True)

    def sign_in_first_admin(self):
        token = self.link.rsplit("/", 1)[1]
        url = {} if self.request("GET", "/v1/session").json["public_url_is_fixed"] else {"public_url": f"http://127.0.0.1:{self.port}"}
        answer = self.request("POST", "/v1/setup", {"token": token, **url, **ADMIN})
        assert answer.status == 201, answer
        self.cookie = answer.headers["Set-Cookie"].split(";")[0]
        self.csrf = answer.json["csrf_token"]
        return answer.json

    def make_token(self, *scopes):
        answer = self.operator("POST", "/v1/tokens", {"name": "test", "scopes": list(scopes) or ["emails:send", "emails:read"]})
        assert answer.status == 201, answer
        self.token = answer.json["token"]
        return self.token

    def sandbox(self):
        return self.operator("GET", "/v1/sandbox").json

    def verify(self, settings, activate=True, probe=None, wait=WAIT_SECONDS):
        """Runs a verification to its end and returns it; or the refusing answer."""
        body = {"settings": settings, "activate": activate}
        if probe:
            body["probe_recipient"] = probe
        answer = self.operator("POST", "/v1/smtp/verifications", body)
        return self.verification(answer.json["id"], wait) if answer.status == 202 else answer

    def verification(self, verification_id, wait=WAIT_SECONDS):
        """One that was begun, once it has ended."""
        until = time.monotonic() + wait
        while time.monotonic() < until:
            run = self.operator("GET", f"/v1/smtp/verifications/{verification_id}").json
            if run["state"] != "running":
                return run
            time.sleep(0.02)
        raise AssertionError(f"verification still running after {wait} s: {run}")

    def switch(self, enabled):
        answer = self.operator("PUT", "/v1/smtp/sending", {"enabled": enabled})
        assert answer.status == 200, answer

    def use_sandbox(self, security="starttls"):
        box = self.sandbox()
        run = self.verify({"host": "localhost", "port": box[f"{security}_port"], "security": security,
                           "from_email": "noreply@example.test", "from_name": "Praxis Müller",
                           "username": "sandbox@localhost", "password": "sandbox"})
        assert isinstance(run, dict) and run["state"] == "passed", run
        self.switch(True)

    def send(self, key=None, **email):
        body = {"to": "anna@example.test", "subject": "Hello", "text": "Hello", **email}
        return self.request("POST", "/v1/emails", body, {"Idempotency-Key": key} if key else None)

    def send_many(self, emails):
        """Hands over all of them, in their order; their ids."""
        ids = []
        for start in range(0, len(emails), BATCH):
            answer = self.request("POST", "/v1/emails/batch", emails[start:start + BATCH])
            assert answer.status == 200, answer
            ids += [each["id"] for each in answer.json["data"]]
        return ids

    def emails(self):
        """All emails as lists show them, newest first."""
        found, after = [], ""
        while True:
            page = self.operator("GET", f"/v1/emails?limit=200{after}").json
            found += page["data"]
            if not page["has_more"]:
                return found
            after = f"&after={page['data'][-1]['id']}"

    def waiting(self):
        """How many recipients wait, by state."""
        return self.operator("GET", "/v1/smtp").json["waiting"]

    def wait_until_sent(self, *left, wait=WAIT_SECONDS):
        """Until nothing waits but recipients in the states `left`. AssertionError if for `wait` seconds nothing changes."""
        seen, since = None, time.monotonic()
        while True:
            now = self.waiting()
            if not any(count for state, count in now.items() if state not in left):
                return now
            if now != seen:
                seen, since = now, time.monotonic()
            if time.monotonic() - since > wait:
                raise AssertionError(f"for {wait} s these wait: {now}")
            time.sleep(0.05)

    def wait_until_quiet(self, seconds=3, wait=300):
        """Until nothing is being sent and for `seconds` nothing has changed: what still waits, waits for a later time."""
        until, seen, since = time.monotonic() + wait, None, time.monotonic()
        while time.monotonic() < until:
            now = self.waiting()
            if now != seen:
                seen, since = now, time.monotonic()
            if not any(now.values()) or (not now["sending"] and time.monotonic() - since > seconds):
                return now
            time.sleep(0.05)
        raise AssertionError(f"after {wait} s there is no quiet: {seen}")

    def wait_for_state(self, email_id, *states, wait=WAIT_SECONDS):
        until = time.monotonic() + wait
        while True:
            email = self.operator("GET", f"/v1/emails/{email_id}").json
            if email["state"] in states:
                return email
            if time.monotonic() > until:
                raise AssertionError(f"{email_id} is {email['state']}, not one of {states}: {email}")
            time.sleep(0.02)

    def captured(self, subject, count=1, wait=WAIT_SECONDS):
        """The sandbox's mails with this subject, once there are `count` (one a recipient): all recipients, and the first one parsed."""
        until = time.monotonic() + wait
        while True:
            page = self.operator("GET", "/v1/sandbox/messages?limit=200").json["data"]
            found = [message for message in page if message["subject"] == subject]
            if len(found) >= count:
                raw = self.operator("GET", f"/v1/sandbox/messages/{found[0]['id']}/raw").body
                message = message_from_bytes(raw, policy=policy.default)
                return sorted(each for message in found for each in message["to"]), message
            if time.monotonic() > until:
                raise AssertionError(f"{len(found)} of {count} mails '{subject}' arrived within {wait} s")
            time.sleep(0.02)


class Tap:
    """Test points: each is a statement. A failing one shows what was seen and the run goes on."""

    def __init__(self):
        self.count = self.bad = 0

    def ok(self, good, statement, seen=None):
        self.count += 1
        self.bad += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {statement}", flush=True)
        if not good and seen is not None:
            print("\n".join(f"# {line}" for line in str(seen).splitlines()), flush=True)
        return bool(good)

    def equal(self, seen, wanted, statement):
        return self.ok(seen == wanted, statement, f"saw    {seen!r}\nwanted {wanted!r}")

    def skip(self, statement, why):
        self.count += 1
        print(f"ok {self.count} - {statement} # SKIP {why}", flush=True)

    def remark(self, text):
        print(f"# {text}", flush=True)

    def end(self):
        if contract:
            seen = "\n".join(f"{fault} ({times} times)" for fault, times in contract_faults.items())
            self.ok(not contract_faults, f"{len(contract.judged)} different answers are what doc/openapi.yaml promises", seen)
        print(f"1..{self.count}")
        return 1 if self.bad else 0


class Notes:
    """A Tap's statements, told later: of checks that run beside others. about: stands in front of each."""

    def __init__(self, about=None):
        self.made, self.about = [], f"{about}: " if about else ""

    def ok(self, good, statement, seen=None):
        self.made.append(("ok", (bool(good), self.about + statement, None if good else str(seen))))
        return bool(good)

    def equal(self, seen, wanted, statement):
        return self.ok(seen == wanted, statement, f"saw    {seen!r}\nwanted {wanted!r}")

    def skip(self, statement, why):
        self.made.append(("skip", (self.about + statement, why)))

    def remark(self, text):
        self.made.append(("remark", (text,)))

    def tell(self, tap):
        for kind, arguments in self.made:
            getattr(tap, kind)(*arguments)
