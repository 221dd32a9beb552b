"""Starts the real program for a test, speaks its API, and never leaves it behind."""
import collections
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from email import message_from_bytes, policy

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / "build/absender"
ADMIN = {"email": "admin@example.test", "name": "Anna Admin", "password": "a long enough password"}

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
        super().__init__("localhost", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    """with Daemon("--dev") as absender: …  The data directory is kept between stop() and start()."""

    def __init__(self, *options, program=PROGRAM):
        self.program = str(program)
        self.options = list(options)
        self.data = tempfile.mkdtemp(prefix="absender-test-")
        self.sandbox_ports = {"starttls": free_port(), "implicit": free_port()}  # the same after a restart
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
                                        start_new_session=True, env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": ""})
        while True:
            said = pathlib.Path(self.log.name).read_text(encoding="utf-8", errors="replace")[start_at:]
            port = re.search(r"listening on http://127\.0\.0\.1:(\d+)", said)
            if port:
                break
            if self.process.poll() is not None or time.monotonic() - begun > 20:
                raise RuntimeError(f"the daemon did not start: {said}")
            time.sleep(0.01)
        self.port = int(port.group(1))
        link = re.search(r"First admin: (\S+)", said)
        self.link = link.group(1) if link else None
        return self

    def stop(self, how=signal.SIGTERM, wait=40):
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

    def request(self, method, path, body=None, headers=None, as_operator=False, raw=None):
        connection = UnixConnection(os.path.join(self.data, "control.sock")) if as_operator else \
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
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
        answer = self.request("POST", "/v1/setup", {"token": token, **ADMIN})
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

    def verify(self, settings, activate=True, probe=None, wait=50):
        """Runs a verification to its end and returns it; or the refusing answer."""
        body = {"settings": settings, "activate": activate}
        if probe:
            body["probe_recipient"] = probe
        answer = self.operator("POST", "/v1/smtp/verifications", body)
        if answer.status != 202:
            return answer
        until = time.monotonic() + wait
        while time.monotonic() < until:
            run = self.operator("GET", f"/v1/smtp/verifications/{answer.json['id']}").json
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

    def wait_for_state(self, email_id, *states, wait=30):
        until = time.monotonic() + wait
        while True:
            email = self.operator("GET", f"/v1/emails/{email_id}").json
            if email["state"] in states:
                return email
            if time.monotonic() > until:
                raise AssertionError(f"{email_id} is {email['state']}, not one of {states}: {email}")
            time.sleep(0.02)

    def captured(self, subject, count=1, wait=15):
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

    def end(self):
        if contract:
            seen = "\n".join(f"{fault} ({times} times)" for fault, times in contract_faults.items())
            self.ok(not contract_faults, f"{len(contract.judged)} different answers are what doc/openapi.yaml promises", seen)
        print(f"1..{self.count}")
        return 1 if self.bad else 0
