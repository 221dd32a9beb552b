"""Mail through a real Postfix with Dovecot's login, by both TLS forms: it arrives once, as written, from the sender it may use."""
import base64
import datetime
import pathlib
import re
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from mailserver import MailServer, REFUSED_RECIPIENT  # noqa: E402
from harness.daemon import Daemon, Tap  # noqa: E402

MAILS = 40
LOGGED_SECONDS = 120  # by then a log has what was done
EXPIRY_SECONDS = 6  # time enough to hand a mail over on any machine
TEXT = "Guten Tag, Grüße aus Köln.\n.\n..two dots\n\nfrom the end\n" + "lang " * 300
HTML = "<p>Schöne Grüße</p>"
PDF = bytes(range(256)) * 40


def settings(server, security, **more):
    return {"host": "localhost", "port": getattr(server, f"{security}_port"), "security": security, "from_email": server.user,
            "from_name": "Praxis Müller", "username": server.user, "password": server.password, **more}


def check_form(tap, security):
    with MailServer() as server, Daemon("--dev", "--ca-file", str(server.ca_file), "--allow-port", str(server.starttls_port),
                                        "--allow-port", str(server.implicit_port)) as absender:
        run = absender.verify(settings(server, security), probe="anna@example.test")
        if not tap.ok(isinstance(run, dict) and run["state"] == "passed", f"{security}: Postfix passes the whole ladder", run):
            return
        tap.equal([phase["state"] for phase in run["phases"]], ["passed"] * len(run["phases"]), f"{security}: every rung")
        tap.equal(run["server"]["auth_mechanism"], "SCRAM-SHA-256", f"{security}: the best login is chosen")
        conversation = str(run["transcript"])
        secrets = (server.password, base64.b64encode(server.password.encode()).decode().rstrip("="), "n,,n=", ",p=")
        tap.equal([secret for secret in secrets if secret in conversation], [], f"{security}: the login is not in the transcript")
        lines = [line["text"] for line in run["transcript"] if line["from"] == "client" and line["text"].startswith("AUTH")]
        tap.ok(lines and all("[redacted]" in line for line in lines), f"{security}: only its label is", lines)
        tap.equal(server.mails(), [], f"{security}: a verification sends nothing")
        absender.switch(True)
        absender.make_token()
        first = absender.send(subject="Grüße 🎉 " + "ü" * 60, text=TEXT, html=HTML, cc=["Bernd Böhm <bernd@example.test>"],
                              bcc=["carla@example.test"], headers={"X-Booking": "4711"},
                              attachments=[{"filename": "Übersicht.pdf", "content": base64.b64encode(PDF).decode()}])
        tap.equal(first.status, 200, f"{security}: a mail is taken")
        mails = server.wait_for_mails(3)
        tap.equal(sorted(mail.recipient for mail in mails), ["anna@example.test", "bernd@example.test", "carla@example.test"],
                  f"{security}: every recipient has it once")
        bodies = {mail.data[mail.data.index(b"\nDate: "):] for mail in mails}
        tap.equal(len(bodies), 1, f"{security}: the same bytes for everybody")
        message = mails[0].message
        tap.equal(str(message["Subject"]), "Grüße 🎉 " + "ü" * 60, f"{security}: the subject is read back")
        tap.equal(str(message["From"]), "Praxis Müller <noreply@example.test>", f"{security}: the sender")
        tap.equal((message["Bcc"], message["X-Booking"]), (None, "4711"), f"{security}: Bcc stays secret, the own header is there")
        text = message.get_body(("plain",)).get_content().replace("\r\n", "\n")
        tap.equal(text.rstrip("\n"), TEXT.rstrip("\n"), f"{security}: the text, dots and umlauts included")
        tap.equal(message.get_body(("html",)).get_content().strip(), HTML, f"{security}: the HTML")
        attachment = next(message.iter_attachments())
        tap.equal((attachment.get_filename(), attachment.get_content()), ("Übersicht.pdf", PDF), f"{security}: the attachment")
        tap.equal(message.defects, [], f"{security}: no defect")

        ids = [absender.send(subject=f"number {number}").json["id"] for number in range(MAILS)]
        for email in ids:
            absender.wait_for_state(email, "accepted")
        subjects = [str(mail.message["Subject"]) for mail in server.wait_for_mails(3 + MAILS)]
        tap.equal(sorted(s for s in subjects if s.startswith("number")), sorted(f"number {n}" for n in range(MAILS)),
                  f"{security}: {MAILS} mails arrive once each")
        logins = server.log().count("Accepted") or server.log().count("sasl_username=")
        metrics = absender.request("GET", "/metrics").body.decode()
        accepted = re.search(r'^absender_\w*accepted\w*(?:\{[^}]*\})? (\d+)', metrics, re.M)
        tap.ok(accepted and int(accepted.group(1)) == 3 + MAILS, f"{security}: the metrics count them", metrics)
        print(f"# {security}: {logins} logged transactions")

        refused = absender.send(to=[REFUSED_RECIPIENT, "dora@example.test"], subject="half")
        email = absender.wait_for_state(refused.json["id"], "rejected")
        states = {recipient["address"]: recipient["state"] for recipient in email["recipients"]}
        tap.equal(states, {REFUSED_RECIPIENT: "rejected", "dora@example.test": "accepted"}, f"{security}: each recipient has its own outcome")
        attempt = next(r for r in email["recipients"] if r["state"] == "rejected")["attempts_log"][-1]
        tap.ok(attempt["reply"] == 550 and attempt["diagnosis"], f"{security}: the refusal is explained", attempt)


def check_sender_and_password(tap):
    with MailServer() as server, Daemon("--dev", "--ca-file", str(server.ca_file), "--allow-port", str(server.starttls_port)) as absender:
        run = absender.verify(settings(server, "starttls", from_email="boss@example.test"))
        tap.equal((run["state"], run["diagnosis"]["id"], run["diagnosis"]["phase"]), ("failed", "sender_not_owned", "sender"),
                  "a sender the account may not use is found before any mail is sent")
        tap.equal(absender.operator("GET", "/v1/smtp").json["active"], None, "and nothing became active")
        run = absender.verify(settings(server, "starttls", password="wrong"))
        tap.equal((run["state"], run["diagnosis"]["phase"]), ("failed", "auth"), "a wrong password is named as such")

        run = absender.verify(settings(server, "starttls"))
        tap.equal(run["state"], "passed", "then the right one passes")
        absender.switch(True)
        absender.make_token()
        sent = absender.send(**{"from": "Somebody <boss@example.test>"})
        tap.equal((sent.status, sent.json.get("code")), (422, "sender_not_allowed"), "an application may not use another sender")


def refused_logins(server):
    return server.log().count("auth failed") + server.log().count("authentication failed")


def check_breaker(tap):
    """The provider changes the password: mail is held, none is rejected; the right password lets it go."""
    with MailServer() as server, Daemon("--dev", "--ca-file", str(server.ca_file), "--allow-port", str(server.starttls_port)) as absender:
        absender.verify(settings(server, "starttls"))
        absender.make_token()
        server.change_password("another, longer horse")
        ids = [absender.send(subject=f"held {number}").json["id"] for number in range(5)]
        absender.switch(True)
        for email in ids:
            absender.wait_for_state(email, "held")
        state = absender.operator("GET", "/v1/smtp").json
        tap.equal(state["health"]["state"], "credential_fault", "a refused login is the account's fault")
        tap.equal(state["waiting"]["held"], 5, "all mail is held, none is rejected")
        until = time.monotonic() + LOGGED_SECONDS
        while not (failures := refused_logins(server)) and time.monotonic() < until:
            time.sleep(0.05)
        tap.equal(failures, 1, "the provider saw one refused login for five mails on four connections")
        run = absender.verify(settings(server, "starttls", password="another, longer horse"))
        tap.equal(run["state"], "passed", "the new password passes")
        for email in ids:
            absender.wait_for_state(email, "accepted")
        tap.equal(len(server.wait_for_mails(5)), 5, "and everything goes out by itself")


def check_before_settings(tap):
    """Mail taken before there are settings waits for them; it is not sent as somebody else."""
    with Daemon("--dev") as absender:
        absender.make_token()
        mine = absender.send(**{"from": "noreply@example.test"}).json
        foreign = absender.send(**{"from": "boss@example.test"}).json
        tap.equal((mine["state"], foreign["state"]), ("held", "held"), "without settings mail is taken and held")
        absender.use_sandbox()
        absender.wait_for_state(mine["id"], "accepted")
        email = absender.wait_for_state(foreign["id"], "deferred")
        diagnosis = email["recipients"][0]["attempts_log"][-1]["diagnosis"]["id"]
        tap.equal(diagnosis, "former_sender", "a sender the settings do not allow is held and explained")
        tap.equal(len(absender.operator("GET", "/v1/sandbox/messages").json["data"]), 1, "and was not sent")


def check_replay(tap):
    """A repeat with the same key is the first success, also when the content would be refused by now."""
    with Daemon("--dev") as absender:
        absender.use_sandbox()
        absender.make_token()
        expiry = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=EXPIRY_SECONDS)
        email = {"expires_at": expiry.isoformat(timespec="milliseconds").replace("+00:00", "Z")}
        first = absender.send(key="k", **email)
        tap.equal(first.status, 200, "a mail with an expiry is taken")
        time.sleep(EXPIRY_SECONDS + 0.5)
        again = absender.send(key="k", **email)
        tap.equal((again.status, again.json.get("id"), again.headers.get("Idempotent-Replayed")), (200, first.json["id"], "true"),
                  "its repeat after the expiry gives the same mail")
        tap.equal(absender.send(key="other", **email).status, 422, "a new one is refused")


def main():
    tap = Tap()
    for security in ("starttls", "implicit"):
        check_form(tap, security)
    check_sender_and_password(tap)
    check_breaker(tap)
    check_before_settings(tap)
    check_replay(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
