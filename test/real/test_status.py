#!/usr/bin/env python3
"""What the settings page remembers, in the whole program: a test mail goes out through the sandbox, its link proves the arrival and an
event tells it; an earlier version of the settings comes back by a verification that passes; the hour's mail is counted; a quota
counts at once. TAP."""
import email
import email.policy
import http.client
import json
import pathlib
import re
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from harness.daemon import Daemon, Tap  # noqa: E402

WAIT_S = 120

tap = Tap()


def wait_for(what):
    until = time.monotonic() + WAIT_S
    while time.monotonic() < until:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    return None


def status_of(absender):
    return absender.operator("GET", "/v1/smtp").json


def captured(absender):
    """The newest captured mail, as a program would read it."""
    found = absender.operator("GET", "/v1/sandbox/messages").json["data"]
    if not found:
        return None
    raw = absender.operator("GET", f"/v1/sandbox/messages/{found[0]['id']}/raw").body
    return email.message_from_bytes(raw, policy=email.policy.default)


def events_until(absender, is_wanted):
    """Status events of one stream until the wanted one, or None."""
    connection = http.client.HTTPConnection("127.0.0.1", absender.port, timeout=WAIT_S)
    connection.request("GET", "/v1/smtp/events", headers={"Cookie": absender.cookie, "Accept": "text/event-stream"})
    stream = connection.getresponse()
    try:
        for line in stream:
            if line.startswith(b"data: ") and is_wanted(data := json.loads(line[6:])):
                return data
    except (TimeoutError, OSError):
        return None
    finally:
        connection.close()
    return None


def check_test_mail(absender):
    answer = absender.operator("POST", "/v1/smtp/test-emails", {"to": "anna@example.test"}, {"Accept-Language": "de"})
    tap.ok(answer.status == 202, "a test mail is taken while sending is paused", answer)
    accepted = wait_for(lambda: (status_of(absender)["last_test"] or {}).get("accepted_at"))
    last = status_of(absender)["last_test"]
    tap.ok(accepted and last["state"] == "accepted" and last["is_current"] and not last["arrived_at"], "the provider has taken it", last)
    mail = captured(absender)
    plain, html = (mail.get_body((kind,)).get_content() for kind in ("plain", "html"))
    links = [re.search(r"http\S+/#/arrived/([\w-]{43})\b", part) for part in (plain, html)]
    tap.ok(all(links) and links[0].group(1) == links[1].group(1), "text and HTML carry the same link", plain + html)
    arrival = absender.request("POST", "/v1/test-arrivals", {"token": links[0].group(1), "folder": "spam"})
    tap.ok(arrival.status == 200 and arrival.json["folder"] == "spam" and arrival.json["arrived_after_s"] >= 0, "who holds it says so",
           arrival)
    told = events_until(absender, lambda data: (data.get("last_test") or {}).get("folder") == "spam")
    tap.ok(told, "an event tells the folder", status_of(absender)["last_test"])
    tap.ok(absender.request("POST", "/v1/test-arrivals", {"token": "x" * 43, "folder": "inbox"}).status == 404, "another token is unknown")


def check_activity(absender):
    activity = absender.operator("GET", "/v1/smtp/activity").json
    counted = sum(hour["accepted"] for hour in activity["hours"])
    tap.ok(len(activity["hours"]) == 24 and counted == 1 and activity["waiting"] == 0, "the test mail is counted in its hour", activity)
    tap.ok(status_of(absender)["last_accepted_at"], "and is the last accepted mail")


def check_quota(absender):
    answer = absender.operator("PATCH", "/v1/smtp/draft", {"quota": {"per_day": 100}, "max_connections": 2}, {"If-Match": "*"})
    status = answer.json
    tap.ok(status["setup"] == "complete" and status["draft"] is None and status["quota"]["per_day"] == {"limit": 100, "used": 1,
           "free_at": None} and status["active"]["max_connections"] == 2, "limits count at once, and what was sent counts", status)
    proven = status["last_test"]["email_id"]
    tap.ok(status["last_test"]["is_current"], "the test mail still proves these settings")
    answer = absender.operator("POST", "/v1/smtp/test-emails", {"to": "anna@example.test"})
    taken = wait_for(lambda: (last := status_of(absender)["last_test"])["email_id"] != proven and last["accepted_at"])
    tap.ok(answer.status == 202 and taken, "mail goes out over new sessions", status_of(absender)["last_test"])


def check_history(absender):
    absender.use_sandbox("implicit")
    history = absender.operator("GET", "/v1/smtp/history").json["data"]
    tap.ok([row["security"] for row in history] == ["implicit", "starttls"] and history[0]["is_active"] and
           history[0]["activated_by"] == "operator", "both versions are listed", history)
    tap.ok(not status_of(absender)["last_test"]["is_current"], "the test mail was sent with other settings")
    started = absender.request("POST", f"/v1/smtp/history/{history[1]['id']}/restore")
    tap.ok(started.status == 202, "the earlier version is verified", started)
    run = wait_for(lambda: (found := absender.operator("GET", f"/v1/smtp/verifications/{started.json['id']}").json)["state"] != "running"
                   and found)
    tap.ok(run and run["state"] == "passed" and run["activated"], "with its own password", run)
    history = absender.operator("GET", "/v1/smtp/history").json["data"]
    tap.ok(history[0]["security"] == "starttls" and history[0]["is_active"] and history[0]["activated_by"] == "admin@example.test",
           "and is active again", history)
    active = status_of(absender)["active"]
    tap.ok(active["quota"]["per_day"] == 100 and active["max_connections"] == 2, "with the limits it had", active)


def main():
    with Daemon("--dev") as absender:
        absender.sign_in_first_admin()
        absender.use_sandbox()
        absender.switch(False)
        check_test_mail(absender)
        check_activity(absender)
        check_quota(absender)
        check_history(absender)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
