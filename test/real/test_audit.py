#!/usr/bin/env python3
"""The audit log of the whole program: what people do through the API stands in it, with who and from where; `absender audit verify` says
yes, and no as soon as somebody with the database file flips a byte, takes a row out or cuts off the end (T54). And the public URL: an
unknown Host is answered 421, whatever the headers say about where links lead (T35). TAP."""
import contextlib
import http.client
import os
import pathlib
import sqlite3
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from harness.daemon import ADMIN, Daemon, Tap  # noqa: E402

URL = "http://mail.example.test"
DEEDS = ["setup.done", "smtp.draft_changed", "smtp.verified", "smtp.activated", "smtp.sending_on", "smtp.sending_off", "smtp.test_mail",
         "email.cancelled", "email.rescheduled", "emails.bulk", "token.created", "token.revoked", "sandbox.mail_opened", "sandbox.cleared", "backup.started",
         "organisation.changed", "smtp.restored"]

tap = Tap()


def good(answer, *statuses):
    assert answer.status in (statuses or (200, 201, 202)), answer
    return answer.json


def run(absender, *arguments):
    done = subprocess.run([absender.program, "audit", *arguments, "--data", absender.data], capture_output=True, text=True, check=False,
                          env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": ""})
    return done.returncode, done.stdout + done.stderr


def events(absender, query=""):
    return good(absender.operator("GET", f"/v1/audit-events?limit=200{query}"))["data"]


def wait_for(absender, action, count=1):
    until = time.monotonic() + 120
    while len(events(absender, f"&action={action}")) < count:
        assert time.monotonic() < until, f"no {action}"
        time.sleep(0.05)


def check_captured(absender):
    """What the sandbox caught may hold a link that makes its reader anybody: no reading without a word in the log."""
    until = time.monotonic() + 120
    while not (caught := good(absender.request("GET", "/v1/sandbox/messages"))["data"]):
        assert time.monotonic() < until, "the test mail was not captured"
        time.sleep(0.05)
    subject, caught = caught[0]["subject"], caught[0]["id"]
    single = good(absender.request("GET", f"/v1/sandbox/messages/{caught}"))
    tap.ok(subject and subject == single["subject"], "an admin sees what a captured mail is about", subject)
    tap.equal(events(absender, "&action=sandbox.mail_opened"), [], "what a list shows of a captured mail is not noted")
    opened = absender.request("GET", f"/v1/sandbox/messages/{caught}/raw")
    tap.ok(opened.status == 200 and b"\r\nMessage-ID: " in opened.body, "a captured mail is opened", opened)
    noted = [(event["actor"], event["client"], event["target"]) for event in events(absender, "&action=sandbox.mail_opened")]
    tap.equal(noted, [(ADMIN["email"], "127.0.0.1", caught)], "and the log says by whom, from where, and which")
    reader = good(absender.operator("POST", "/v1/tokens", {"name": "Reader", "scopes": ["smtp:read", "emails:read"]}))
    refused = absender.request("GET", f"/v1/sandbox/messages/{caught}/raw", headers={"Authorization": f"Bearer {reader['token']}", "Cookie": ""})
    seen = [absender.request("GET", path, headers={"Authorization": f"Bearer {reader['token']}", "Cookie": ""}).json
            for path in ("/v1/sandbox/messages", f"/v1/sandbox/messages/{caught}")]
    tap.equal([(each["id"], each["subject"]) for each in (*seen[0]["data"], seen[1]) if each["id"] == caught or each["subject"]],
              [(caught, None)] * 2, "without every right not even what it is about")
    missing = absender.request("GET", "/v1/sandbox/messages/cap_00000000000070008000000000000000/raw")
    tap.equal((refused.status, refused.json["code"], missing.status), (403, "scope_not_allowed", 404), "who may not, does not; what is not there is not opened")
    tap.equal(len(events(absender, "&action=sandbox.mail_opened")), 1, "and neither is noted")


def check_deeds(absender):
    absender.sign_in_first_admin()
    absender.use_sandbox()
    version = good(absender.request("GET", "/v1/smtp/history"))["data"][0]["id"]
    good(absender.request("PUT", "/v1/smtp/sending", {"enabled": False, "reason": "moving"}))
    good(absender.request("POST", "/v1/smtp/test-emails", {"to": "anna@example.test"}))
    token = good(absender.operator("POST", "/v1/tokens", {"name": "Shop", "scopes": ["emails:send", "emails:read"]}))
    absender.token = token["token"]
    ids = [absender.send(subject=f"mail {i}").json["id"] for i in range(7)]
    good(absender.request("PATCH", f"/v1/emails/{ids[5]}", {"scheduled_at": None}), 200, 409)
    later = absender.send(subject="later", scheduled_at="2099-01-01T00:00:00Z")
    if later.status != 200:  # at most 30 days ahead
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400))
        later = absender.send(subject="later", scheduled_at=at)
    good(absender.request("PATCH", f"/v1/emails/{good(later)['id']}", {"scheduled_at": None}))
    good(absender.request("POST", f"/v1/emails/{ids[0]}/cancel"))
    bulk = good(absender.request("POST", "/v1/emails/bulk", {"action": "cancel", "ids": ids}))
    absender.token = None
    tap.equal(bulk["done"], 6, "the rest is cancelled at once")
    good(absender.request("PUT", "/v1/smtp/sending", {"enabled": True}))
    good(absender.request("DELETE", f"/v1/tokens/{token['id']}"))
    check_captured(absender)
    good(absender.request("DELETE", "/v1/sandbox/messages"))
    good(absender.request("PATCH", "/v1/organisation", {"name": "Verein"}))
    good(absender.operator("POST", "/v1/backups", {"path": os.path.join(absender.data, "backup")}))
    good(absender.request("POST", f"/v1/smtp/history/{version}/restore", {}))
    wait_for(absender, "smtp.activated", 2)
    seen = events(absender)
    missing = [deed for deed in DEEDS if deed not in {event["action"] for event in seen}]
    tap.ok(not missing, "every deed stands in the log", missing)
    by = {event["action"]: event for event in seen}
    tap.equal([by[deed]["actor"] for deed in ("organisation.changed", "backup.started", "email.cancelled", "smtp.verified")],
              [ADMIN["email"], "operator", "token Shop", "operator"], "with who did it")
    tap.equal([by[deed]["client"] for deed in ("organisation.changed", "backup.started")], ["127.0.0.1", "local"], "and from where")
    tap.equal(by["smtp.sending_off"]["detail"], "moving", "a pause with its reason")
    named = [event["detail"] for event in seen if event["action"] == "emails.bulk"]
    tap.ok(all(any(each in detail for detail in named) for each in ids[1:]), "a bulk action names each email", named)
    count = len(seen)
    good(absender.request("POST", f"/v1/emails/{ids[0]}/cancel"), 409)
    good(absender.request("PATCH", "/v1/organisation", {"colour": "red"}), 422)
    tap.equal(len(events(absender)), count, "what was refused is not noted")
    texts = {event["text"] for event in events(absender)}
    german = good(absender.operator("GET", "/v1/audit-events?action=organisation.", headers={"Accept-Language": "de"}))["data"][0]["text"]
    tap.ok(german == "Organisation geändert" and "Organisation changed" in texts, "in German and English", texts)


def tamper(absender, *statements):
    absender.stop()
    with contextlib.closing(sqlite3.connect(os.path.join(absender.data, "absender.db"))) as db, db:
        for trigger in ("audit_events_stay", "audit_events_stay_as_they_are"):
            db.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        for statement in statements:
            db.execute(statement)
    absender.start()


def check_chain(absender):
    code, said = run(absender, "verify")
    head = said.rsplit("Head:", 1)[1].split()[0]
    tap.ok(code == 0 and len(head) == 64, "the log is what was written, and its head is printed", said)
    code, said = run(absender, "list", "--action", "organisation.", "--limit", "1")
    tap.ok(code == 0 and f"{ADMIN['email']}  Organisation changed (name: – → Verein)" in said, "the command lists it", said)
    tap.equal(run(absender, "verify", "--head", head)[0], 0, "a head that was kept is found again")
    last = max(len(events(absender)), 1)
    tamper(absender, f"DELETE FROM audit_events WHERE row > {last - 2}")
    code, said = run(absender, "verify", "--head", head)
    tap.ok(code == 1 and "cut off" in said, "an end that was cut off shows to who kept the head", said)
    tamper(absender, "UPDATE audit_events SET actor = 'b' || substr(actor, 2) WHERE row = 3")
    code, said = run(absender, "verify")
    tap.ok(code == 1 and "aud_" in said, "a byte that was flipped shows, and where", said)
    tamper(absender, "DELETE FROM audit_events WHERE row IN (2, 3)")
    tap.equal(run(absender, "verify")[0], 1, "rows that were taken out show")


def ask_as(absender, path, host):
    """Under a name that may not be ours: that answer is the same for every route, so the contract names it once for all of them."""
    connection = http.client.HTTPConnection("127.0.0.1", absender.port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def check_names():
    with Daemon("--dev", "--public-url", URL) as absender:
        tap.ok(absender.link.startswith(f"{URL}/#/setup/"), "the set-up link begins with the public URL", absender.link)
        absender.sign_in_first_admin()
        for host, status in {"mail.example.test": 200, "127.0.0.1": 200, "localhost:1": 200, "evil.example": 421, "10.0.0.1": 421}.items():
            tap.equal(ask_as(absender, "/v1/session", host)[0], status, f"Host: {host}")
        status, said = ask_as(absender, "/", "evil.example")
        tap.ok(status == 421 and f"answers as {URL}" in said, "the page neither, and it is said where", said)
        for path in ("/livez", "/readyz", "/metrics"):
            tap.equal(ask_as(absender, path, "probe")[0], 200, f"{path} answers under every name")
        for name, value in {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example", "X-Original-URL": "http://evil.example/"}.items():
            tap.equal(absender.request("GET", "/v1/session", headers={"Host": "localhost", name: value}).json["public_url"], URL,
                      f"{name} changes no link")


def main():
    with Daemon("--dev") as absender:
        check_deeds(absender)
        check_chain(absender)
    check_names()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
