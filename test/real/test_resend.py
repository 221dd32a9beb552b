"""Applications written for Resend work by changing the base URL: its Node SDK in earnest, its Python SDK by what it puts on the wire."""
import base64
import datetime
import http.client
import json
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from harness import daemon as harness  # noqa: E402
from harness.daemon import ROOT, Answer, Daemon, Tap  # noqa: E402

NODE_NEEDED = 20


def why_no_node():
    if shutil.which("node") is None:
        return "Node.js is not installed"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < NODE_NEEDED:
        return f"Resend's SDK needs Node.js {NODE_NEEDED} or newer, and this is {version}"
    if not (ROOT / "node_modules/resend").is_dir():
        return "Resend's SDK is not installed (npm ci)"
    return None


def part(message, file_name):
    return next((each for each in message.walk() if each.get_filename() == file_name), None)


# --- Node ---------------------------------------------------------------------------------------------


def check_node_mail(tap, absender, said):
    recipients, message = absender.captured("Alles 🎉", 4)
    tap.equal(recipients, [f"{name}@example.test" for name in ("anna", "bernd", "carla", "dora")], "node: to, cc and bcc are sent to")
    header = {name: None if message[name] is None else str(message[name]) for name in ("From", "To", "Cc", "Bcc", "Reply-To", "X-Booking")}
    tap.equal(header, {"From": "Praxis Müller <noreply@example.test>", "To": "anna@example.test, Bernd Böhm <bernd@example.test>",
                       "Cc": "carla@example.test", "Bcc": None, "Reply-To": "office@example.test", "X-Booking": "4711"}, "node: the header")
    tap.equal(message.get_body(("plain",)).get_content().replace("\r\n", "\n").rstrip("\n"), "Grüße\n.\nEnde", "node: the text")
    tap.equal(message.get_body(("html",)).get_content().strip(), '<p>Grüße <img src="cid:logo"></p>', "node: the HTML")
    content = base64.b64decode(said["bytes"])
    buffer, inline = part(message, "Übersicht.bin"), part(message, "logo.png")
    tap.equal(buffer.get_content(), content, "node: an attachment given as a Buffer arrives byte for byte")
    tap.equal((inline.get_content(), inline.get_content_type(), inline["Content-ID"]), (content, "image/png", "<logo>"),
              "node: an inline image has its Content-ID")
    tap.equal(message.defects, [], "node: no defect")


def check_node_answers(tap, said):
    def data(name):
        return said[name]["data"] or {}

    def error(name):
        found = said[name]["error"] or {}
        is_error = said[name]["data"] is None and found.get("message") and found.get("statusCode")
        tap.ok(is_error, f"node: {name}: a message to show", said[name])
        return found.get("name")

    for name in ("everything", "once", "scheduled", "by environment"):
        tap.ok(data(name).get("id", "").startswith("em_") and said[name]["error"] is None, f"node: {name}: {{data: {{id}}}}", said[name])
    read = data("read")
    tap.equal((read.get("id"), read.get("object"), read.get("to"), read.get("tags")),
              (data("everything").get("id"), "email", ["anna@example.test", "Bernd Böhm <bernd@example.test>"],
               [{"name": "category", "value": "confirm_email"}]), "node: emails.get reads it back")
    tap.ok(read.get("last_event") in ("queued", "sent"), "node: with one of Resend's events", read.get("last_event"))
    tap.equal((data("listed").get("object"), len(data("listed").get("data", []))), ("list", 1), "node: emails.list")
    tap.equal(data("once again").get("id"), data("once").get("id"), "node: the same idempotency key gives the same email")
    tap.equal(error("once, but other"), "invalid_idempotent_request", "node: with another body it is refused")
    scheduled = data("scheduled, read")
    tap.equal((scheduled.get("last_event"), scheduled.get("scheduled_at")), ("scheduled", said["scheduledAt"]), "node: scheduledAt is kept")
    tap.equal(data("cancelled").get("id"), data("scheduled").get("id"), "node: emails.cancel")
    tap.equal(data("cancelled, read").get("last_event"), "canceled", "node: it is cancelled")
    batch = [each.get("id", "") for each in data("batch").get("data", [])]
    tap.ok(len(batch) == 2 and all(each.startswith("em_") for each in batch), "node: batch.send: {data: {data: [{id}, {id}]}}", said["batch"])
    tap.equal(data("batch again"), data("batch"), "node: the same idempotency key gives the same batch")
    for name, expected in {"batch with a fault": "validation_error", "empty batch": "validation_error", "wrong key": "invalid_api_key", "wrong key, large mail": "invalid_api_key", "invalid to": "validation_error",
                           "two faults": "validation_error", "no to": "missing_required_field", "remote attachment": "validation_error",
                           "other sender": "validation_error", "unknown email": "not_found", "cancelled again": "application_error"}.items():
        tap.equal(error(name), expected, f"node: {name}: error.name is {expected}")


def check_node(tap, absender):
    reason = why_no_node()
    if reason:
        tap.skip("Resend's SDK for Node.js sends mail", reason)
        return
    run = subprocess.run(["node", str(HERE / "resend.mjs"), f"http://127.0.0.1:{absender.port}/v1", absender.token], capture_output=True,
                         text=True, timeout=200, check=False)
    if not tap.ok(run.returncode == 0, "node: the program runs to its end", run.stderr):
        return
    said = json.loads(run.stdout)
    check_node_answers(tap, said)
    check_node_mail(tap, absender, said)
    absender.captured("by environment")
    absender.captured("once")
    tap.equal([absender.captured(subject)[0] for subject in ("batch one", "batch two")], [["emil@example.test"], ["frida@example.test"]],
              "node: a batch is sent, each to its own recipient")
    tap.equal(part(absender.captured("batch two")[1], "a.bin").get_content(), base64.b64decode(said["bytes"]), "node: with its attachment")
    subjects = [message["subject"] for message in absender.operator("GET", "/v1/sandbox/messages?limit=200").json["data"]]
    tap.equal((subjects.count("once"), subjects.count("later")), (1, 0), "node: once is sent once, what was cancelled is not sent")
    tap.equal((subjects.count("batch one"), subjects.count("never")), (1, 0), "node: a batch too, and of one with a fault nothing")


# --- Python -------------------------------------------------------------------------------------------


class Recorded:
    """Puts the recorded requests on the wire again, and reads the answers as the SDK does."""

    def __init__(self, absender):
        self.absender = absender
        self.record = json.loads((HERE / "resend-python-requests.json").read_text(encoding="utf-8"))
        self.requests = {request["name"]: request for request in self.record["requests"]}
        self.later = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).isoformat()

    def play(self, name, token=None, email_id=""):
        """(the id or the whole body, None), or (None, (code, error name, message)) where the SDK would raise."""
        request = self.requests[name]
        path = "/v1" + request["path"].replace("EMAIL_ID", email_id)
        headers = {**self.record["headers"], **request.get("headers", {}), "Authorization": f"Bearer {token or self.absender.token}"}
        body = json.dumps(request["body"]).replace("SCHEDULED_AT", self.later).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.absender.port, timeout=120)
        connection.putrequest(request["method"], path, skip_accept_encoding=True)
        for header, value in {**headers, "Content-Length": str(len(body))}.items():
            connection.putheader(header, value)
        connection.endheaders(body)
        got = connection.getresponse()
        answer = Answer(got.status, dict(got.getheaders()), got.read())
        connection.close()
        if harness.contract:
            sent = json.loads(body) if request["method"] != "GET" else None
            harness.contract_faults.update(harness.contract.faults(request["method"], path, answer, sent))
        if "application/json" not in answer.headers.get("Content-Type", ""):
            return None, (answer.status, "application_error", "Expected JSON response")
        if answer.status >= 400 or answer.json.get("statusCode") not in (None, 200):
            return None, (answer.status, answer.json["name"], answer.json["message"])
        return answer.json, None


def check_python(tap, absender):
    sdk = Recorded(absender)
    ids = {}
    for name in ("minimal", "idempotent", "everything", "attachment_as_list", "attachment_as_base64", "inline", "scheduled"):
        answer, fault = sdk.play(name)
        if tap.ok(answer and answer["id"].startswith("em_"), f"python: {name}: an id", fault):
            ids[name] = answer["id"]
    tap.equal(absender.captured("minimal")[1].get_content().strip(), "<strong>Hallo Köln</strong>", "python: to as a string, HTML alone")
    recipients, message = absender.captured("Everything 🎉", 4)
    tap.equal(recipients, [f"{name}@example.test" for name in ("anna", "bernd", "carla", "dora")], "python: to, cc and bcc")
    tap.equal((str(message["From"]), str(message["Reply-To"]), message["X-Entity-Ref-ID"]),
              ("Praxis <noreply@example.test>", "office@example.test", "123"), "python: sender, reply_to, own header")
    content = bytes(sdk.requests["attachment_as_list"]["body"]["attachments"][0]["content"])
    for name, subject in (("attachment_as_list", "list"), ("attachment_as_base64", "base64")):
        found = part(absender.captured(subject)[1], "invoice.pdf")
        tap.equal((found.get_content(), found.get_content_type()), (content, "application/pdf"), f"python: {name}: byte for byte")
    tap.equal(part(absender.captured("inline")[1], "logo.png")["Content-ID"], "<logo>", "python: an inline image")
    tap.equal((sdk.play("idempotent")[0] or {}).get("id"), ids["idempotent"], "python: the same idempotency key, the same email")

    batches = [sdk.play(name)[0] or {} for name in ("batch", "idempotent_batch", "idempotent_batch")]
    ids_of = [[each["id"] for each in batch.get("data", [])] for batch in batches]
    tap.ok(all(len(each) == 2 for each in ids_of), "python: Batch.send: two ids", batches)
    tap.ok(ids_of[1] == ids_of[2] != ids_of[0], "python: the same idempotency key, the same batch", ids_of)
    tap.equal(part(absender.captured("python batch two")[1], "invoice.pdf").get_content(), b"%PDF-1", "python: an attachment in a batch")

    for name in ("get", "list", "list_limit"):
        answer, fault = sdk.play(name, email_id=ids["everything"])
        found = answer and (answer if name == "get" else answer["data"][0])
        tap.ok(found and found["object"] == "email", f"python: {name} (it sends a body with GET)", fault)
    answer, fault = sdk.play("cancel", email_id=ids["scheduled"])
    tap.ok(answer and answer["id"] == ids["scheduled"] and answer["object"] == "email", "python: cancel", fault)
    state = absender.operator("GET", f"/v1/emails/{ids['scheduled']}").json["state"]
    tap.equal(state, "cancelled", "python: it is cancelled")

    answer, fault = sdk.play("minimal", token="re_123456789")
    tap.equal((answer, (fault or ())[:2]), (None, (401, "invalid_api_key")), "python: a wrong key has the name the SDK knows")
    answer, fault = sdk.play("cancel", email_id=ids["minimal"])
    tap.equal((answer, (fault or ())[:2]), (None, (409, "application_error")), "python: what is sent cannot be cancelled")
    sdk.requests["minimal"]["body"]["to"] = ["anna"]
    answer, fault = sdk.play("minimal")
    tap.equal((answer, (fault or ())[:2]), (None, (422, "validation_error")), "python: an invalid recipient")
    del sdk.requests["minimal"]["body"]["to"]
    answer, fault = sdk.play("minimal")
    tap.equal((answer, (fault or ())[:2]), (None, (422, "missing_required_field")), "python: no recipient")


def main():
    tap = Tap()
    with Daemon("--dev") as absender:
        absender.use_sandbox()
        absender.make_token()
        check_node(tap, absender)
        check_python(tap, absender)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
