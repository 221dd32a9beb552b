"""What a person does with mail that waits, against real servers: why it waits, in German and in English; what resuming would do, and
that it does it; retry, another time, many at once, with each refusal; and an error answer followed by a repeat yields one mail."""
import contextlib
import datetime
import http.client
import pathlib
import sqlite3
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from badserver import BadServer  # noqa: E402
from harness.daemon import Daemon, Tap  # noqa: E402
from test_faults import dns, settings  # noqa: E402

SENDER = "noreply@example.test"
NOTHING = "em_" + "0" * 32
KILLS = 8
MANY = 1100
PUT_OFF_SECONDS = 6
HOUSEKEEPING_SECONDS = 120  # expired mail is ended every quarter of a minute
EXPIRY_SECONDS = 6  # time enough to hand a mail over on any machine


def from_now(seconds):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def send(absender, **email):
    answer = absender.operator("POST", "/v1/emails", {"from": SENDER, "to": "anna@example.test", "subject": "Hello", "text": "Hello", **email})
    assert answer.status == 200, answer
    return answer.json["id"]


def why(absender, email_id):
    """The explanation in both languages."""
    said = {}
    for language in ("de", "en"):
        answer = absender.operator("GET", f"/v1/emails/{email_id}/explanation", headers={"Accept-Language": language})
        assert answer.status == 200, answer
        said[language] = answer.json
    return said


def check_why(tap, absender, email_id, code, german, english, changes=(), wait=0):
    until = time.monotonic() + wait
    while True:
        said = why(absender, email_id)
        if said["de"]["code"] == code or time.monotonic() > until:
            break
        time.sleep(0.1)
    codes = [change["code"] for change in said["de"]["changes"]]
    tap.ok(said["de"]["code"] == said["en"]["code"] == code and german in said["de"]["sentence"] and english in said["en"]["sentence"]
           and all(change in codes for change in changes), f"{code}: „{said['de']['sentence']}“", said)
    return said["de"]


def pause(absender, until):
    answer = absender.operator("PUT", "/v1/smtp/sending", {"enabled": False, "until": until})
    assert answer.status == 200, answer


def use_sandbox(absender, **more):
    box = absender.sandbox()
    run = absender.verify({"host": "localhost", "port": box["starttls_port"], "security": "starttls", "from_email": SENDER,
                           "username": "sandbox@localhost", "password": "sandbox", **more})
    assert isinstance(run, dict) and run["state"] == "passed", run


# --- Why ----------------------------------------------------------------------------------------------


def check_explanations(tap, absender):
    secret = send(absender, **{"class": "reset", "subject": "canary-subject", "text": "canary-text"})
    check_why(tap, absender, secret, "held_not_configured", "noch keine SMTP-Einstellungen", "no SMTP settings", ["enter_settings"])
    use_sandbox(absender)
    check_why(tap, absender, secret, "held_paused", "der Mailversand pausiert ist", "sending is paused", ["switch_on", "cancel"])
    until = from_now(7200)
    pause(absender, until)
    said = check_why(tap, absender, secret, "held_paused", f"um {until[11:16]} Uhr (UTC) weiter", f"at {until[11:16]} (UTC) at the earliest")
    tap.equal(said["next_at"][:16], until[:16], "a pause with an end names it")
    tap.ok(said["expires_at"], "and the mail's own end", said)
    short = send(absender, expires_at=from_now(600))
    said = check_why(tap, absender, short, "held_paused", "Sie verfällt am", "before sending goes on by itself", ["switch_on"])
    tap.ok(said["next_at"] is None and said["expires_at"] < until, "what expires during the pause is not promised for its end", said)
    absender.operator("POST", f"/v1/emails/{short}/cancel")
    tap.ok("canary" not in str(said), "no subject of a secret mail")
    planned = send(absender, scheduled_at=from_now(3600))
    check_why(tap, absender, planned, "scheduled_paused", "geplant, müsste dann aber", "but as things are", ["reschedule", "switch_on"])
    absender.switch(True)
    check_why(tap, absender, planned, "scheduled", "Diese E-Mail ist für den", "is scheduled for", ["reschedule", "cancel"])
    absender.wait_for_state(secret, "accepted")
    check_why(tap, absender, secret, "accepted", "angenommen", "has taken")
    rejected = send(absender, to="reject@example.test")
    absender.wait_for_state(rejected, "rejected")
    check_why(tap, absender, rejected, "rejected", "endgültig abgelehnt", "for good", ["fix_cause", "retry"])
    deferred = send(absender, to="defer@example.test")
    absender.wait_for_state(deferred, "deferred")
    said = check_why(tap, absender, deferred, "deferred_refused", "Der nächste Versuch folgt am", "The next attempt follows",
                     ["fix_cause", "retry", "cancel"])
    tap.ok(said["next_at"], "the next attempt has its time", said)
    lost = send(absender, to="drop@example.test")
    absender.wait_for_state(lost, "uncertain")
    check_why(tap, absender, lost, "uncertain_repeated", "vielleicht doppelt", "arrive twice", ["retry", "cancel"])
    behind = send(absender)
    check_why(tap, absender, behind, "waiting_provider", "zuletzt ließ sich nichts senden", "last attempts to send something failed")
    use_sandbox(absender)  # other settings: what broke says nothing about them
    absender.wait_for_state(behind, "accepted")
    once = send(absender, to="drop@example.test", delivery="at_most_once")
    absender.wait_for_state(once, "uncertain")
    use_sandbox(absender)
    check_why(tap, absender, once, "uncertain_once", "höchstens einmal", "at most once", ["send_new"])
    several = send(absender, to=["anna@example.test", "reject@example.test"])
    absender.wait_for_state(several, "rejected")
    check_why(tap, absender, several, "rejected", "An reject@example.test: ", "To reject@example.test: ")
    cancelled = send(absender, scheduled_at=from_now(3600))
    absender.operator("POST", f"/v1/emails/{cancelled}/cancel")
    check_why(tap, absender, cancelled, "cancelled", "abgebrochen", "was cancelled", ["send_new"])


def check_expiry(tap, absender):
    absender.switch(False)
    expiring = send(absender, expires_at=from_now(EXPIRY_SECONDS))
    check_why(tap, absender, expiring, "expired", "weil ihre Zeit abgelaufen war", "its time was over", ["send_new"], wait=HOUSEKEEPING_SECONDS)
    answer = absender.operator("POST", f"/v1/emails/{expiring}/retry")
    tap.equal((answer.status, answer.json["code"]), (409, "past_expiry"), "nobody lengthens the expiry of the application")
    absender.switch(True)


def check_quota(tap, absender):
    use_sandbox(absender, quota={"per_minute": 1})
    absender.switch(True)
    first = send(absender)
    absender.wait_for_state(first, "accepted")
    second = send(absender)
    said = check_why(tap, absender, second, "held_quota", "Sendekontingent ausgeschöpft", "quota is used up", ["raise_quota"])
    tap.ok(said["next_at"], "when there is room again is said", said)
    status = absender.operator("GET", "/v1/smtp").json
    tap.equal((status["held_reason"], status["quota"]["per_minute"]["limit"], status["quota"]["per_minute"]["used"], status["waiting"]["held"]),
              ("quota", 1, 1, 1), "the status shows 1 of 1 used")
    for _ in range(4):
        send(absender)
    preview = absender.operator("GET", "/v1/smtp/sending/preview").json
    tap.ok(preview["send"]["total"] == 5 and 4 * 60 <= preview["takes_at_least_s"] <= 6 * 60, "five at one a minute take minutes", preview)


def check_credential_fault(tap, dns_server):
    with BadServer("good") as server, Daemon("--dev", "--dns-server", dns_server, "--ca-file", str(server.ca_file),
                                            "--allow-port", str(server.port)) as absender:
        run = absender.verify(settings(server.port, "starttls"))
        assert isinstance(run, dict) and run["state"] == "passed", run
        good = server.plan
        server.plan = good._replace(auth=b"535 5.7.8 Error: authentication failed\r\n")
        absender.switch(True)
        email = send(absender)
        said = check_why(tap, absender, email, "held_credential_fault", "der Anbieter die Anmeldung ablehnt", "refuses the login",
                         ["verify_password"], wait=60)
        status = absender.operator("GET", "/v1/smtp").json
        breaker = status["breaker"] or {}
        tap.ok(status["held_reason"] == "credential_fault" and breaker.get("tries_left") == 1 and breaker.get("next_try_at") == said["next_at"],
               "the breaker tells of the one automatic try", (breaker, said))
        tap.ok((breaker.get("diagnosis") or {}).get("fix"), "and what to do", breaker)
        server.plan = good._replace(rcpt=b"550 5.1.1 No such user here\r\n")
        absender.verify({**settings(server.port, "starttls"), "password": "another password"})
        tap.equal(absender.operator("GET", "/v1/smtp").json["breaker"], None, "a verification that passes closes the breaker")
        absender.wait_for_state(email, "rejected")
        tap.ok(True, "the backlog drains by itself; the server refuses this mail")
        server.plan = good
        for session in list(server.sessions):
            session.close()
        answer = absender.operator("POST", f"/v1/emails/{email}/retry")
        tap.equal((answer.status, answer.json.get("retried")), (200, 1), "the rejected mail is retried once the server takes it")
        email = absender.wait_for_state(email, "accepted")
        tap.equal((len(server.mails()), email["recipients"][0]["attempts"]), (1, 2), "it arrives, once, at the second attempt")


# --- Resuming -----------------------------------------------------------------------------------------


def check_resume(tap, absender):
    absender.switch(False)
    queue = {"reset": 2, "invitation": 1, "transactional": 3, "notification": 2, "bulk": 5}
    for name, count in queue.items():
        for number in range(count):
            send(absender, subject=f"resume {name} {number}", **{"class": name})
    for name in ("bulk", "notification"):
        send(absender, subject=f"resume {name} later", scheduled_at=from_now(3600), **{"class": name})
    before = absender.operator("GET", "/v1/smtp/sending/preview").json
    tap.equal({name: before["send"][name] for name in queue}, queue, "the preview counts by class what would be sent")
    tap.equal((before["later"]["bulk"], before["later"]["notification"]), (1, 1), "and what would go later")
    tap.equal(before["send"]["total"], sum(queue.values()), "and their sum")
    tap.equal(before["takes_at_least_s"], None, "without a quota it says no time")
    tap.ok(before["oldest_at"] <= before["at"], "the oldest is older than now", before)
    answer = absender.operator("PUT", "/v1/smtp/sending", {"enabled": True, "cancel_classes": ["bulk"]})
    tap.equal((answer.status, answer.json["cancelled"]), (200, queue["bulk"] + 1), "resuming cancels the bulk mails, scheduled ones too")
    absender.wait_until_sent("scheduled", "deferred", "uncertain")
    subjects = [each["subject"] for each in absender.operator("GET", "/v1/sandbox/messages?limit=200").json["data"]]
    sent = {name: sum(f"resume {name} " in (subject or "") for subject in subjects) for name in queue}
    tap.equal(sent, {**queue, "bulk": 0}, "only the rest is sent")
    after = absender.operator("GET", "/v1/smtp/sending/preview").json
    tap.equal((after["send"]["total"], after["later"]["bulk"], after["later"]["notification"]), (0, 0, 1), "the rest stays")


# --- Actions ------------------------------------------------------------------------------------------


def check_new_times(tap, absender):
    later, due = from_now(7200), time.time() + PUT_OFF_SECONDS
    off = send(absender, subject="put off", scheduled_at=from_now(PUT_OFF_SECONDS))
    tap.equal(absender.operator("PATCH", f"/v1/emails/{off}", {"scheduled_at": later}).status, 200, "a mail can be put off")
    planned = send(absender, subject="new time", scheduled_at=from_now(3600))
    answer = absender.operator("PATCH", f"/v1/emails/{planned}", {"scheduled_at": later})
    tap.equal((answer.status, answer.json["state"], answer.json["scheduled_at"][:16]), (200, "scheduled", later[:16]), "another time is taken")
    answer = absender.operator("PATCH", f"/v1/emails/{planned}", {"scheduled_at": from_now(2)})
    tap.equal(answer.status, 200, "an earlier one too")
    absender.wait_for_state(planned, "accepted")
    tap.ok(absender.captured("new time")[0], "it goes out at that time by itself")
    answer = absender.operator("PATCH", f"/v1/emails/{planned}", {"scheduled_at": later})
    tap.equal((answer.status, answer.json["code"], answer.json["name"]), (409, "not_scheduled", "application_error"),
              "what is sent gets no other time")
    planned = send(absender, subject="at once", scheduled_at=from_now(3600))
    tap.equal(absender.operator("PATCH", f"/v1/emails/{planned}", {"scheduled_at": None}).status, 200, "null means now")
    absender.wait_for_state(planned, "accepted")
    time.sleep(max(0, due + 0.5 - time.time()))
    tap.equal(absender.operator("GET", f"/v1/emails/{off}").json["state"], "scheduled", "what is put off does not go at the old time")


def check_retries(tap, absender):
    rejected, deferred = send(absender, to="reject@example.test"), send(absender, to="defer@example.test")
    secret = send(absender, to="reject@example.test", **{"class": "reset"})
    sent = send(absender)
    for email, state in ((rejected, "rejected"), (deferred, "deferred"), (secret, "rejected"), (sent, "accepted")):
        absender.wait_for_state(email, state)
    once = send(absender, to="drop@example.test", delivery="at_most_once")
    absender.wait_for_state(once, "uncertain")
    use_sandbox(absender)  # after a break the outbox would wait a minute
    lost = send(absender, to="drop@example.test")
    absender.wait_for_state(lost, "uncertain")
    use_sandbox(absender)
    for email, code in ((once, "at_most_once"), (secret, "body_erased"), (sent, "not_retryable")):
        answer = absender.operator("POST", f"/v1/emails/{email}/retry")
        tap.equal((answer.status, answer.json["code"]), (409, code), f"{code}: {answer.json['detail']}")
    answer = absender.operator("POST", "/v1/emails/bulk", {"action": "retry", "ids": [rejected, deferred, lost, once, secret, sent, NOTHING]})
    tap.equal((answer.status, answer.json["done"]), (200, 2), "a bulk retry does what it can")
    tap.equal({each["id"]: each["code"] for each in answer.json["skipped"]},
              {lost: "may_arrive_twice", once: "at_most_once", secret: "body_erased", sent: "not_retryable", NOTHING: "not_found"}, "and says why not the others")
    for email, state in ((rejected, "rejected"), (deferred, "deferred"), (lost, "uncertain")):
        if email == lost:
            answer = absender.operator("POST", f"/v1/emails/{lost}/retry")
            tap.equal((answer.status, answer.json["retried"], answer.json["state"]), (200, 1, "uncertain"), "what is uncertain stays so")
        until = time.monotonic() + 60
        while len((found := absender.operator("GET", f"/v1/emails/{email}").json)["recipients"][0]["attempts_log"]) < 2:
            assert time.monotonic() < until, found
            time.sleep(0.05)
        tap.equal((found["state"], found["possible_duplicate"]), (state, state == "uncertain"), f"{state}: it was tried a second time at once")
    use_sandbox(absender)
    waiting = [send(absender, subject="bulk cancel", scheduled_at=from_now(3600)) for _ in range(45)]
    answer = absender.operator("POST", "/v1/emails/bulk", {"action": "cancel", "ids": waiting})
    tap.equal((answer.status, answer.json), (200, {"object": "bulk", "done": 45, "skipped": [], "next": None}), "45 are cancelled at once")
    answer = absender.operator("POST", "/v1/emails/bulk", {"action": "cancel", "ids": waiting})
    tap.equal((answer.json["done"], {each["code"] for each in answer.json["skipped"]}), (0, {"not_cancellable"}), "a repeat does no harm")


def check_many_by_filter(tap, absender):
    """More than one request finds: each says where the next goes on, and the last that there is no more."""
    mails = [{"from": SENDER, "to": "many@example.test", "subject": f"many {n}", "text": "Hello", "scheduled_at": from_now(3600)} for n in range(100)]
    for _ in range(MANY // len(mails)):
        answer = absender.operator("POST", "/v1/emails/batch", mails)
        assert answer.status == 200, answer
    body, done = {"action": "cancel", "filter": {"q": "many@example.test"}}, []
    while len(done) < 3:
        answer = absender.operator("POST", "/v1/emails/bulk", body)
        assert answer.status == 200, answer
        done.append((answer.json["done"], len(answer.json["skipped"])))
        if answer.json["next"] is None:
            break
        body["after"] = answer.json["next"]
    tap.equal(done, [(1000, 0), (MANY - 1000, 0)], "all that a filter finds are cancelled, with as many requests as it takes")


def check_refusals(tap, absender):
    foreign = send(absender, scheduled_at=from_now(3600))
    absender.make_token("emails:send")
    own = absender.send(**{"from": SENDER}, scheduled_at=from_now(3600)).json["id"]
    tap.equal(absender.request("PATCH", f"/v1/emails/{own}", {"scheduled_at": from_now(7200)}).status, 200,
              "who may only send changes their own mail")
    for method, action, body in (("PATCH", "", {"scheduled_at": None}), ("POST", "/retry", None), ("POST", "/cancel", None)):
        answer = absender.request(method, f"/v1/emails/{foreign}{action}", body)
        tap.equal((answer.status, answer.json["code"]), (404, "not_found"), f"and nobody else's: {method} {action}")
    for method, path, body in (("GET", f"/v1/emails/{own}/explanation", None), ("GET", "/v1/smtp/sending/preview", None),
                               ("PUT", "/v1/smtp/sending", {"enabled": True, "cancel_classes": ["bulk"]})):
        answer = absender.request(method, path, body)
        tap.equal((answer.status, answer.json["code"]), (403, "forbidden"), f"nor what needs more rights: {method} {path[:22]}")
    absender.token = None
    for path, method, body, code in (
            (f"/v1/emails/{foreign}", "PATCH", {"scheduled_at": "tomorrow"}, "invalid_time"),
            (f"/v1/emails/{foreign}", "PATCH", {"scheduled_at": from_now(40 * 86400)}, "out_of_range"),
            (f"/v1/emails/{foreign}", "PATCH", {}, "required"),
            ("/v1/emails/bulk", "POST", {"action": "retry", "ids": [foreign] * 201}, "out_of_range"),
            ("/v1/emails/bulk", "POST", {"action": "burn", "ids": [foreign]}, "unknown_value"),
            ("/v1/emails/bulk", "POST", {"action": "retry", "ids": ["em_1"]}, "invalid_id"),
            ("/v1/smtp/sending", "PUT", {"enabled": False, "cancel_classes": ["bulk"]}, "not_allowed"),
            ("/v1/smtp/sending", "PUT", {"enabled": True, "cancel_classes": ["junk"]}, "unknown_value")):
        answer = absender.operator(method, path, body)
        german = absender.operator(method, path, body, {"Accept-Language": "de"})
        tap.ok(answer.status == 422 and answer.json["code"] == code and german.json["detail"] != answer.json["detail"],
               f"{method} {path[:16]} {str(body)[:60]}: {code}", (answer, german))
    for action, method, body in (("/retry", "POST", None), ("/explanation", "GET", None), ("", "PATCH", {"scheduled_at": None})):
        tap.equal(absender.operator(method, f"/v1/emails/{NOTHING}{action}", body).status, 404, f"{method} {action} of nothing")


def check_events(tap, absender):
    """A change is told to whoever listens."""
    absender.make_token("emails:send", "emails:read", "smtp:read")
    planned = absender.send(**{"from": SENDER}, scheduled_at=from_now(3600)).json["id"]
    connection = http.client.HTTPConnection("127.0.0.1", absender.port, timeout=60)
    connection.request("GET", "/v1/smtp/events", headers={"Authorization": f"Bearer {absender.token}"})
    stream, seen = connection.getresponse(), []
    while stream.readline().strip() != b"event: status":  # the snapshot: from here on changes are told
        pass
    absender.operator("PATCH", f"/v1/emails/{planned}", {"scheduled_at": from_now(7200)})
    with contextlib.suppress(TimeoutError):
        while not any(planned in line for line in seen):
            seen.append(stream.readline().decode())
    connection.close()
    tap.ok(any(planned in line and '"scheduled"' in line for line in seen), "another time is told to those who listen", seen)
    absender.token = None


# --- Repeats ------------------------------------------------------------------------------------------


def count(absender, subject):
    return sum(email["subject"] == subject for email in absender.emails())


def check_repeat_after_kill(tap, absender):
    """The program is killed around the commit; whoever got no answer repeats with the same key."""
    answered = 0
    for number in range(KILLS):
        subject, got = f"killed {number}", []

        def ask(subject=subject, got=got):
            with contextlib.suppress(OSError, http.client.HTTPException):
                got.append(absender.send(key=subject, subject=subject, **{"from": SENDER}).status)

        client = threading.Thread(target=ask)
        client.start()
        delay = 2 ** number  # milliseconds: from long before the commit to behind the answer
        time.sleep(delay / 1000)
        absender.kill()
        client.join()
        answered += got == [200]
        absender.start()
        repeats = [absender.send(key=subject, subject=subject, **{"from": SENDER}) for _ in range(2)]
        tap.ok([answer.status for answer in repeats] == [200, 200] and repeats[0].json["id"] == repeats[1].json["id"]
               and count(absender, subject) == 1, f"killed after {delay} ms: the repeats yield one mail", repeats)
    print(f"# {answered} of {KILLS} had their answer before the kill", flush=True)


def check_repeat_after_503(tap, absender):
    """The database is locked by somebody else: 503, and nothing was taken."""
    database = sqlite3.connect(pathlib.Path(absender.data) / "absender.db", isolation_level=None)
    database.execute("BEGIN IMMEDIATE")
    answer = absender.send(key="locked", subject="locked", **{"from": SENDER})
    tap.ok(answer.status == 503 and answer.headers.get("Retry-After"), "what cannot be written is answered 503 with Retry-After", answer)
    database.execute("ROLLBACK")
    database.close()
    tap.equal(count(absender, "locked"), 0, "and nothing was taken")
    first, second = (absender.send(key="locked", subject="locked", **{"from": SENDER}) for _ in range(2))
    tap.equal((first.status, first.headers.get("Idempotent-Replayed"), second.headers.get("Idempotent-Replayed")), (200, None, "true"),
              "the repeat is taken, the next one is told that it was")
    tap.equal((first.json["id"] == second.json["id"], count(absender, "locked")), (True, 1), "there is one mail")
    other = absender.send(key="locked", subject="other", **{"from": SENDER})
    tap.equal((other.status, other.json["code"]), (409, "invalid_idempotent_request"), "the key with another body is refused")


def main():
    tap = Tap()
    with Daemon("--dev") as absender:
        check_explanations(tap, absender)
        check_resume(tap, absender)
        check_new_times(tap, absender)
        check_retries(tap, absender)
        check_many_by_filter(tap, absender)
        check_refusals(tap, absender)
        check_events(tap, absender)
        check_expiry(tap, absender)
    with Daemon("--dev") as absender:
        check_quota(tap, absender)
    with dns() as dns_server:
        check_credential_fault(tap, dns_server)
    with Daemon("--dev") as absender:
        absender.make_token("emails:send", "emails:read")
        check_repeat_after_503(tap, absender)
        check_repeat_after_kill(tap, absender)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
