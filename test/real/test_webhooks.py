#!/usr/bin/env python3
"""Webhooks against real HTTPS receivers on loopback: who is told what, signed how; what happens to receivers that fail, hang, redirect,
lie about their name or have gone; that private addresses stay private; and that nothing is lost over a restart. TAP."""
import base64
import contextlib
import hashlib
import hmac
import http.server
import json
import pathlib
import sqlite3
import ssl
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from certificates import Certificates  # noqa: E402
from dnsserver import DnsServer  # noqa: E402
from badserver import BadServer  # noqa: E402
from harness.daemon import ADMIN, ROOT, Daemon, Tap, free_port  # noqa: E402

NAMES = ["good.example", "slow.example", "redirect.example", "failing.example", "gone.example", "flaky.example", "talkative.example",
         "strict.example", "closed.example", "foreign.example", "alerts.example"]
WRONG_NAME = "wrongname.example"  # its certificate is not among those of the receiver
PRIVATE = "private.example"
WAIT_SECONDS = 120
SLOW_SECONDS = 120  # more than anybody waits
SECRET_SUBJECT, SECRET_TEXT = "Subject-4711-of-nobody-else", "Content-4712-of-nobody-else"

tap = Tap()


# --- The receiver -----------------------------------------------------------------------------------------------------------------

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        host = self.headers["Host"].split(":")[0]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((host, self.path, dict(self.headers), body))
        if host == "slow.example":
            self.server.ended.wait(SLOW_SECONDS)
            return
        status = {"redirect.example": 307, "failing.example": 500, "gone.example": 410,
                  "flaky.example": 503 if self.server.is_down else 204}.get(host, 200)
        said = b"x" * (1 << 20) if host == "talkative.example" else b"thanks"
        self.send_response(status)
        if status == 307:
            self.send_header("Location", f"https://good.example:{self.server.server_port}/redirected")
        if status != 204:
            self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        with contextlib.suppress(OSError):  # who reads no more has hung up
            if status != 204:
                self.wfile.write(said)

    def log_message(self, *_):
        """Nowhere: the test's output is TAP."""


@contextlib.contextmanager
def receiver(files):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.daemon_threads = True
    served.seen, served.ended, served.is_down, served.connected = [], threading.Event(), True, 0
    served.socket = context.wrap_socket(served.socket, server_side=True, do_handshake_on_connect=False)
    served.handle_error = lambda *_: None  # a handshake that is broken off is one of the cases

    def count(*_):
        served.connected += 1
        return True
    served.verify_request = count
    thread = threading.Thread(target=served.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.ended.set()
        served.shutdown()
        served.server_close()
        thread.join()


def told(served, host):
    return [json.loads(body) for to, _, _, body in list(served.seen) if to == host]


def types(served, host):
    return [event["type"] for event in told(served, host)]


# --- The daemon -------------------------------------------------------------------------------------------------------------------

def make(absender, url, *events, **more):
    answer = absender.operator("POST", "/v1/webhooks", {"url": url, **({"events": list(events)} if events else {}), **more})
    assert answer.status == 201, answer
    return answer.json


def url(served, host, path="/hook"):
    return f"https://{host}:{served.server_port}{path}"


def deliveries(absender, hook):
    answer = absender.operator("GET", f"/v1/webhooks/{hook['id']}/deliveries")
    assert answer.status == 200, answer
    return answer.json["data"]


def try_out(absender, hook):
    answer = absender.operator("POST", f"/v1/webhooks/{hook['id']}/test")
    assert answer.status == 202, answer
    return answer.json["event_id"]


def settled(absender, hook, event_id, wait=WAIT_SECONDS):
    """The delivery once it was tried."""
    until = time.monotonic() + wait
    while True:
        one = [each for each in deliveries(absender, hook) if each["event_id"] == event_id][0]
        if one["attempts"] or time.monotonic() > until:
            return one
        time.sleep(0.02)


def wait_until(condition, wait=WAIT_SECONDS):
    until = time.monotonic() + wait
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def is_signed(secret, headers, body):
    key = base64.b64decode(secret.removeprefix("whsec_"))
    said = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return headers["webhook-signature"] == "v1," + base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()


# --- What is told -----------------------------------------------------------------------------------------------------------------

def check_life_of_a_mail(absender, served):
    hook = make(absender, url(served, "good.example"))
    absender.use_sandbox()
    absender.make_token()
    wanted = ["email.accepted", "smtp.activated", "smtp.sending_resumed", "smtp.verified"]
    sent = absender.send(subject=SECRET_SUBJECT, text=SECRET_TEXT, tags=[{"name": "order", "value": "4711"}]).json["id"]
    absender.wait_for_state(sent, "accepted")
    tap.ok(wait_until(lambda: sorted(types(served, "good.example")) == wanted), "setting up, switching on and a mail are told",
           types(served, "good.example"))
    mail = [event for event in told(served, "good.example") if event["type"] == "email.accepted"][0]["data"]
    tap.equal((mail["email_id"], mail["recipient"], mail["state"], mail["tags"]),
              (sent, "anna@example.test", "accepted", [{"name": "order", "value": "4711"}]), "with the mail's id, recipient, state and tags")
    everything = b"".join(body + repr(headers).encode() for _, _, headers, body in served.seen)
    tap.ok(SECRET_SUBJECT.encode() not in everything and SECRET_TEXT.encode() not in everything, "and nothing of its content")
    signed = [is_signed(hook["secret"], headers, body) for _, _, headers, body in served.seen]
    tap.ok(signed and all(signed), "everything is signed as Standard Webhooks has it", signed)
    tap.ok(all(abs(int(headers["webhook-timestamp"]) - time.time()) < 300 for _, _, headers, _ in served.seen), "with the time of the attempt")
    tap.equal({headers["Content-Type"] for _, _, headers, _ in served.seen}, {"application/json"}, "as JSON")
    absender.switch(False)
    tap.ok(wait_until(lambda: "smtp.sending_paused" in types(served, "good.example")), "a pause is told")
    waiting = absender.send(subject="held").json["id"]
    assert absender.operator("POST", f"/v1/emails/{waiting}/cancel").status == 200
    tap.ok(wait_until(lambda: "email.cancelled" in types(served, "good.example")), "so is a mail that is cancelled")
    absender.switch(True)
    return hook


def check_refusals(absender, served):
    """The sandbox's own troubles, by the recipient's name."""
    hook = make(absender, url(served, "strict.example"), "email.rejected", "email.deferred")
    ids = {name: absender.send(to=f"{name}@example.test", subject=name).json["id"] for name in ("reject", "defer")}
    tap.ok(wait_until(lambda: len(told(served, "strict.example")) >= 2), "a refusal and a deferral are told", told(served, "strict.example"))
    by_type = {event["type"]: event["data"] for event in told(served, "strict.example")}
    tap.equal({kind: data["email_id"] for kind, data in by_type.items()},
              {"email.rejected": ids["reject"], "email.deferred": ids["defer"]}, "each with its mail")
    tap.ok(all(data["diagnosis"] and data["reply_code"] for data in by_type.values()), "and why", by_type)
    assert absender.operator("DELETE", f"/v1/webhooks/{hook['id']}").status == 200


def check_secret(absender, served, hook):
    answer = absender.operator("POST", f"/v1/webhooks/{hook['id']}/secret")
    fresh = answer.json["secret"]
    tap.ok(answer.status == 200 and fresh != hook["secret"], "a webhook can have a new secret", answer)
    event = try_out(absender, hook)
    settled(absender, hook, event)
    _, _, headers, body = [each for each in served.seen if each[2]["webhook-id"] == event][0]
    tap.ok(is_signed(fresh, headers, body) and not is_signed(hook["secret"], headers, body), "which signs from then on")
    shown = [absender.operator("GET", path).body.decode() for path in
             ("/v1/webhooks", f"/v1/webhooks/{hook['id']}", f"/v1/webhooks/{hook['id']}/deliveries", "/v1/audit-events")]
    kept = pathlib.Path(absender.data, "absender.db").read_bytes() + pathlib.Path(absender.data, "absender.db-wal").read_bytes()
    log = pathlib.Path(absender.log.name).read_text("utf-8", "replace")
    for form in (fresh, base64.b64decode(fresh.removeprefix("whsec_")).hex()):
        tap.ok(form not in "".join(shown) + log and form.encode() not in kept, "no secret is shown twice, logged or kept in clear")
    tap.ok(base64.b64decode(fresh.removeprefix("whsec_")) not in kept, "nor its bytes")


# --- Everything there is to tell --------------------------------------------------------------------------------------------------

def told_of(served, kind, wanted):
    """Whether an event of this type with these data arrived."""
    return wait_until(lambda: any(event["type"] == kind and wanted.items() <= event["data"].items() for event in told(served, "alerts.example")))


def make_everything_happen(absender, served, server):
    """Each event of doc/openapi.yaml, by what it tells of. Answers what is to be told, type → what its data holds."""
    hook = make(absender, url(served, "alerts.example"))
    expected = {}
    absender.sign_in_first_admin()
    answer = absender.request("POST", "/v1/password-resets", {"email": ADMIN["email"]}, {"Cookie": ""})
    assert answer.status == 202, answer
    expected["reset.waiting"] = {}
    told_of(served, "reset.waiting", {})  # before a mail can be made

    settings = {"host": "localhost", "port": server.port, "security": "starttls", "username": "absender", "password": "one",
                "from_email": "noreply@example.test"}
    assert absender.verify(settings)["state"] == "passed"
    expected["smtp.verified"] = expected["smtp.activated"] = {"host": "localhost", "port": server.port}
    absender.make_token()
    good, server.plan = server.plan, server.plan._replace(auth=b"535 5.7.8 Error: authentication failed\r\n")
    absender.switch(True)
    expected["smtp.sending_resumed"] = {}
    held = absender.send(subject="held by the breaker").json["id"]
    expected["smtp.breaker_opened"] = {"health": "credential_fault"}
    told_of(served, "smtp.breaker_opened", {})
    server.plan = good
    assert absender.verify({**settings, "password": "another"})["state"] == "passed"
    expected["smtp.breaker_closed"] = {"health": "ok"}
    expected["email.accepted"] = {"email_id": held, "state": "accepted"}
    absender.wait_for_state(held, "accepted")

    absender.use_sandbox()  # by the recipient's name it refuses, defers, and hangs up at a mail's end
    for kind, recipient in (("rejected", "reject"), ("deferred", "defer"), ("uncertain", "drop")):
        sent = absender.send(to=f"{recipient}@example.test").json["id"]
        expected[f"email.{kind}"] = {"email_id": sent, "recipient": f"{recipient}@example.test", "state": kind}
        absender.wait_for_state(sent, kind)
    absender.switch(False)
    expected["smtp.sending_paused"] = {}
    for kind, deed in (("cancelled", "cancel"), ("handed_over", "hand-over")):
        sent = absender.send(subject=kind).json["id"]
        assert absender.operator("POST", f"/v1/emails/{sent}/{deed}").status == 200
        expected[f"email.{kind}"] = {"email_id": sent, "state": kind}
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 2))
    expected["email.expired"] = {"email_id": absender.send(subject="too late", expires_at=soon).json["id"], "state": "expired"}
    make_a_date_near(absender)
    expected["date.near"] = {"what": "token", "days": 1}
    return hook, expected


def make_a_date_near(absender):
    """A token of a month that ends tomorrow. Whoever looks at dates does so once a minute."""
    absender.operator("POST", "/v1/tokens", {"name": "till", "scopes": ["emails:send"], "expires_at": "2099-01-01T00:00:00Z"})
    absender.stop()
    with contextlib.closing(sqlite3.connect(pathlib.Path(absender.data, "absender.db"))) as db, db:
        now = int(time.time() * 1000)
        changed = db.execute("UPDATE tokens SET created_at = ?, expires_at = ? WHERE name = 'till'", (now - 30 * 86400000, now + 43200000))
        assert changed.rowcount == 1
    absender.start()


def check_everything_is_told(served, hook, expected):
    known = json.loads((ROOT / "doc/openapi.json").read_text("utf-8"))["components"]["schemas"]["WebhookType"]["enum"]
    tap.equal(sorted(expected), sorted(known), "every event that the API names is made to happen")
    for kind, wanted in expected.items():
        tap.ok(told_of(served, kind, wanted), f"{kind} arrives over HTTPS with what it tells of", (wanted, told(served, "alerts.example")))
    signed = [is_signed(hook["secret"], headers, body) for host, _, headers, body in list(served.seen) if host == "alerts.example"]
    tap.ok(len(signed) >= len(known) and all(signed), "each of them signed", signed)


# --- Receivers that fail ----------------------------------------------------------------------------------------------------------

def check_failures(absender, served):
    cases = {  # host → (status, what the sentence says)
        "failing.example": (500, "500"),
        "redirect.example": (307, "307"),
        "slow.example": (None, "5 seconds"),
        WRONG_NAME: (None, "certificate"),
        "nowhere.example": (None, "no address"),
    }
    hooks = {host: make(absender, url(served, host), "date.near") for host in cases}
    hooks["closed.example"] = make(absender, f"https://closed.example:{free_port()}/", "date.near")
    cases["closed.example"] = (None, "nobody listens")
    begun = time.monotonic()
    events = {host: try_out(absender, hook) for host, hook in hooks.items()}
    for host, (status, words) in cases.items():
        one = settled(absender, hooks[host], events[host])
        tap.ok((one["state"], one["status"], one["attempts"]) == ("waiting", status, 1) and words in one["error"],
               f"{host}: it waits for another try and says why", one)
        hook = absender.operator("GET", f"/v1/webhooks/{hooks[host]['id']}").json
        tap.ok(hook["failure"] == one["error"] and hook["failed_at"] and hook["waiting"] == 1, f"{host}: so does the webhook", hook)
    tap.ok(time.monotonic() - begun < SLOW_SECONDS, "nobody waits for the slow one")
    tap.equal([path for _, path, _, _ in served.seen if path == "/redirected"], [], "no redirect is followed")
    for hook in hooks.values():
        assert absender.operator("DELETE", f"/v1/webhooks/{hook['id']}").status == 200


def check_gone(absender, served):
    hook = make(absender, url(served, "gone.example"), "date.near")
    one = settled(absender, hook, try_out(absender, hook))
    shown = absender.operator("GET", f"/v1/webhooks/{hook['id']}").json
    tap.ok((one["state"], one["status"], shown["enabled"]) == ("given_up", 410, False), "410 switches the webhook off", (one, shown))
    answers = [absender.operator("POST", f"/v1/webhooks/{hook['id']}/test"),
               absender.operator("POST", f"/v1/webhooks/{hook['id']}/replay", {"event_id": one["event_id"]})]
    tap.equal([(each.status, each.json["code"]) for each in answers], 2 * [(409, "webhook_disabled")], "then it is neither tried nor told again")
    shown = absender.operator("PATCH", f"/v1/webhooks/{hook['id']}", {"enabled": True}).json
    tap.ok(shown["enabled"] and shown["failure"] is None, "until somebody switches it on", shown)
    assert absender.operator("DELETE", f"/v1/webhooks/{hook['id']}").status == 200


def check_long_answer(absender, served):
    hook = make(absender, url(served, "talkative.example"), "date.near")
    one = settled(absender, hook, try_out(absender, hook))
    tap.equal((one["state"], one["status"]), ("delivered", 200), "an answer without an end counts, and is not read")
    assert absender.operator("DELETE", f"/v1/webhooks/{hook['id']}").status == 200


def make_due(absender):
    with contextlib.closing(sqlite3.connect(pathlib.Path(absender.data, "absender.db"))) as db, db:
        db.execute("UPDATE webhook_deliveries SET next_at = 1 WHERE next_at IS NOT NULL")


def check_outage_and_restart(absender, served):
    hook = make(absender, url(served, "flaky.example"), "email.accepted")
    ids = [absender.send(subject="outage").json["id"] for _ in range(20)]
    for each in ids:
        absender.wait_for_state(each, "accepted")
    tap.ok(wait_until(lambda: told(served, "flaky.example")), "a receiver that is down is tried")
    time.sleep(1)
    n = len(told(served, "flaky.example"))
    tap.ok(n <= 2, "and then left alone, however much waits for it", n)
    tap.equal(absender.operator("GET", f"/v1/webhooks/{hook['id']}").json["waiting"], 20, "everything waits")
    absender.stop()
    make_due(absender)
    served.is_down = False
    served.seen.clear()
    absender.start()
    tap.ok(wait_until(lambda: absender.operator("GET", f"/v1/webhooks/{hook['id']}").json["waiting"] == 0),
           "after a restart, and when the receiver is back, everything is told", deliveries(absender, hook))
    tap.equal(sorted(event["data"]["email_id"] for event in told(served, "flaky.example")), sorted(ids), "each event once")
    before = {headers["webhook-id"]: body for _, _, headers, body in served.seen}
    event_id = sorted(before)[0]
    answer = absender.operator("POST", f"/v1/webhooks/{hook['id']}/replay", {"event_id": event_id})
    tap.ok(answer.status == 202 and answer.json["state"] == "waiting", "an event can be told again", answer)
    tap.ok(wait_until(lambda: sum(headers["webhook-id"] == event_id for _, _, headers, _ in served.seen) == 2), "which happens at once")
    again = [body for _, _, headers, body in served.seen if headers["webhook-id"] == event_id]
    tap.ok(len(set(again)) == 1, "with the same id and body")


# --- Addresses --------------------------------------------------------------------------------------------------------------------

BAD_URLS = ["http://good.example/", "https://127.0.0.1/", "https://[::1]/", "https://0x7f.1/", "https://2130706433/", "https://017700000001/",
            "https://user@good.example/", "https://user:pass@good.example/", "https://good.example:22/", "https://good.example:25/",
            "ftp://good.example/", "file:///etc/passwd", "https://", "good.example", "https://good.example/ x", "https://good.example/\r\nX: y", ""]


def check_urls(absender):
    for bad in BAD_URLS:
        answer = absender.operator("POST", "/v1/webhooks", {"url": bad})
        tap.ok(answer.status == 422 and answer.json["errors"][0]["pointer"] == "/url", f"{bad!r} is no address of a receiver", answer)
    for name, body in (("no such event", {"url": "https://good.example/", "events": ["email.opened"]}),
                       ("no event", {"url": "https://good.example/", "events": []}),
                       ("a member nobody knows", {"url": "https://good.example/", "secret": "whsec_x"}),
                       ("a name of two lines", {"url": "https://good.example/", "name": "a\nb"})):
        answer = absender.operator("POST", "/v1/webhooks", body)
        tap.equal(answer.status, 422, name)


def check_policy(certificates, dns):
    """Without --dev: whatever the DNS says, no private address is connected to."""
    with receiver(certificates.pair("good")) as served, \
            Daemon("--dns-server", dns.address, "--ca-file", str(certificates.ca_file)) as absender:
        for host in ("good.example", PRIVATE, "metadata.example", "mapped.example", "mixed-private.example"):
            hook = make(absender, url(served, host), "date.near")
            one = settled(absender, hook, try_out(absender, hook))
            tap.ok(one["status"] is None and "private address" in one["error"], f"{host} is not asked", one)
        tap.equal(served.connected, 0, "nobody connected")


def check_limit(absender):
    made = []
    while True:
        answer = absender.operator("POST", "/v1/webhooks", {"url": "https://good.example/", "events": ["date.near"]})
        if answer.status != 201:
            break
        made.append(answer.json["id"])
        assert len(made) < 100
    tap.equal((answer.status, answer.json["code"]), (409, "too_many_webhooks"), "there are only so many webhooks")
    for each in made:
        assert absender.operator("DELETE", f"/v1/webhooks/{each}").status == 200


def check_audit(absender):
    seen = [each["action"] for each in absender.operator("GET", "/v1/audit-events?action=webhook.&limit=200").json["data"]]
    tap.equal(set(seen), {f"webhook.{deed}" for deed in ("created", "changed", "removed", "replayed", "tested")}, "everything is in the audit log")


def records():
    return [f"{name}. A 127.0.0.1" for name in (*NAMES, WRONG_NAME, "localhost")] + [
        f"{PRIVATE}. A 10.1.2.3", "metadata.example. A 169.254.169.254", "mapped.example. AAAA ::ffff:127.0.0.1",
        "mixed-private.example. A 10.1.2.3", "mixed-private.example. AAAA fd00::1"]


def main():
    with tempfile.TemporaryDirectory(prefix="absender-webhooks-") as folder:
        certificates = Certificates(pathlib.Path(folder))
        with DnsServer(records()) as dns, BadServer("good") as server:
            trusted = pathlib.Path(folder) / "trusted.pem"
            trusted.write_bytes(pathlib.Path(certificates.ca_file).read_bytes() + pathlib.Path(server.ca_file).read_bytes())
            files = certificates.add("hooks", NAMES)
            with (receiver(files) as served, receiver(files) as alerted,
                  Daemon("--dev", "--dns-server", dns.address, "--ca-file", str(trusted), "--allow-port", str(server.port)) as alarming,
                  Daemon("--dev", "--dns-server", dns.address, "--ca-file", str(certificates.ca_file)) as absender):
                everything = make_everything_happen(alarming, alerted, server)  # told while the others run
                check_urls(absender)
                hook = check_life_of_a_mail(absender, served)
                check_refusals(absender, served)
                check_secret(absender, served, hook)
                check_long_answer(absender, served)
                check_failures(absender, served)
                check_gone(absender, served)
                check_limit(absender)
                check_outage_and_restart(absender, served)
                check_audit(absender)
                check_everything_is_told(alerted, *everything)
            check_policy(certificates, dns)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
