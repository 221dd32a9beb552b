"""What comes from elsewhere gets nothing: another organisation's objects (T40), another site's pages (T43), fields nobody may set
(T51); and every answer carries the headers that keep a page its own (T55). Generated from doc/openapi.yaml, which test_contract
holds against the table of routes: a new route is tried without being named here."""
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import re
import socket
import sqlite3
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from harness.daemon import ADMIN, Answer, Daemon, Tap, free_port  # noqa: E402
from harness.openapi import Contract  # noqa: E402

HOME, FOREIGN = 1, 2  # organisations
CONTRACT = Contract()
METHODS = ("get", "post", "put", "patch", "delete")
WAITING = "waiting"  # the name here of a mail that can be cancelled
KEY = "key"  # what stands here for the prefix of the ids that have none
OF_NO_ORGANISATION = {KEY, "oau"}  # keys are the instance's; a sign-in by device is its session's, and in no table
STREAM = "/v1/smtp/events"
HEARD_SECONDS = 120

# A body that each route with an {id} would take, so that only the id is left to refuse.
BODIES = {
    "PATCH /v1/members/{id}": {"name": "Eve"},
    "PATCH /v1/tokens/{id}": {"name": "Eve"},
    "PATCH /v1/webhooks/{id}": {"name": "Eve"},
    "PATCH /v1/emails/{id}": {"scheduled_at": None},
}
MAIL = {"to": "anna@example.test", "from": "noreply@example.test"}
# Members that a stranger would like to set, beside what a route takes.
WISHES = {"org_id": 2, "organisation": "2", "id": "x", "role": "org_admin", "scopes": ["people:write"], "is_admin": True, "is_you": True,
          "verified": True, "state": "accepted", "member_row": 1, "password_hash": "x", "created_at": "2020-01-01T00:00:00Z",
          "created_by": "x", "signed_in_at": "2020-01-01T00:00:00Z", "revoked_at": None, "used_at": None, "secret": "x"}


def operations():
    """(method, path, operation, prefix of its {id} or None) of everything in the contract."""
    for path, item in CONTRACT.document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                yield method.upper(), path, operation, prefix_of_id(item.get("parameters", []) + operation.get("parameters", []))


def prefix_of_id(parameters):
    pattern = next((CONTRACT.resolve(each["schema"])["pattern"] for each in map(CONTRACT.resolve, parameters) if each["in"] == "path"), None)
    found = re.match(r"\^([a-z]+)_", pattern or "")
    return found.group(1) if found else KEY if pattern else None


def is_public(operation):
    return operation.get("security") == []


def needs_session(operation):
    return operation.get("security") == [{"session": []}]


# --- A house with one of everything -----------------------------------------------------------------

def one(answer, status=(200, 201, 202)):
    assert answer.status in status, answer
    return answer.json


def wait_for(found, wait=120):
    until = time.monotonic() + wait
    while time.monotonic() < until:
        value = found()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


def in_days(days):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + days * 86400))


def first_id(absender, path):
    return wait_for(lambda: next((each["id"] for each in absender.operator("GET", path).json["data"]), None))


def fill(absender):
    """One object of each kind, by its prefix."""
    absender.use_sandbox()
    admin = absender.sign_in_first_admin()
    email = one(absender.operator("POST", "/v1/emails", {"to": "anna@example.test", "subject": "Hello", "text": "Hello"}))["id"]
    absender.wait_for_state(email, "accepted")
    one(absender.request("POST", "/v1/password-resets", {"email": ADMIN["email"]}, headers={"Cookie": ""}))
    ids = {
        "mem": admin["member"]["id"],
        "ses": one(absender.request("GET", "/v1/account/sessions"))["data"][0]["id"],
        "em": email,
        "ver": one(absender.operator("GET", "/v1/smtp"))["last_verification"]["id"],
        "tok": one(absender.operator("POST", "/v1/tokens", {"name": "theirs", "scopes": ["emails:send"]}))["id"],
        "inv": one(absender.operator("POST", "/v1/invitations", {"email": "bert@example.test", "role": "member"}))["id"],
        "cfg": first_id(absender, "/v1/smtp/history"),
        "cap": first_id(absender, "/v1/sandbox/messages"),
        "rst": first_id(absender, "/v1/password-resets"),
    }
    text = {"name": "theirs", "locale": "de", "subject": "Hallo", "text": "Hallo"}
    ids["tpl"] = one(absender.operator("POST", "/v1/templates", text))["id"]
    ids["whk"] = one(absender.operator("POST", "/v1/webhooks", {"url": f"https://localhost:{free_port()}/", "events": ["email.expired"]}))["id"]
    ids["evt"] = one(absender.operator("POST", f"/v1/webhooks/{ids['whk']}/test"))["event_id"]
    wait_for(lambda: absender.operator("GET", f"/v1/webhooks/{ids['whk']}/deliveries").json["data"][0]["attempts"])
    later = {"to": "anna@example.test", "subject": "Later", "text": "Later", "scheduled_at": in_days(20)}
    absender.wait_until_sent()
    ids[WAITING] = one(absender.operator("POST", "/v1/emails", later))["id"]
    quieten(absender)
    return ids


def quieten(absender):
    """From here on nothing of it changes by itself: the receiver that is not there is not tried again."""
    absender.stop()
    with database(absender) as db:
        db.execute("UPDATE webhook_deliveries SET next_at = next_at + 864000000 WHERE next_at IS NOT NULL")
    absender.start()


@contextlib.contextmanager
def database(absender):
    assert absender.process is None
    with contextlib.closing(sqlite3.connect(os.path.join(absender.data, "absender.db"))) as db, db:
        yield db


def tables(db):
    """Those whose rows belong to an organisation and may change hands (the audit log refuses)."""
    names = [name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
    return [name for name in names if name != "audit_events" and
            "org_id" in [column[1] for column in db.execute(f"PRAGMA table_info({name})")]]


def move_all(absender, org_id):
    with database(absender) as db:
        db.execute("INSERT OR IGNORE INTO organisations (row) VALUES (?)", (FOREIGN,))
        for table in tables(db):
            db.execute(f"UPDATE OR REPLACE {table} SET org_id = ?", (org_id,))
        db.execute("INSERT OR IGNORE INTO smtp_state (org_id, sending_reason) VALUES (?, 'initial')", (HOME,))


def what_belongs_to(absender, org_id):
    """All that is this organisation's, as it lies in the database; but for when a credential was used last."""
    with database(absender) as db:
        found = {"organisations": db.execute("SELECT * FROM organisations WHERE row = ?", (org_id,)).fetchall()}
        for table in tables(db):
            columns = [column[1] for column in db.execute(f"PRAGMA table_info({table})") if column[1] != "used_at"]
            found[table] = sorted(map(repr, db.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE org_id = ?", (org_id,))))
        return found


def no_change(tap, before, after):
    changed = [table for table in before if before[table] != after[table]]
    tap.ok(not changed, "and nothing of theirs has changed", {table: (before[table], after[table]) for table in changed})


def add_member(absender, email, org_id=HOME):
    """An admin with a session, both as signing in leaves them; her cookie."""
    secret = "A" * 42 + "BCDEFGH"[len(email) % 7]
    now = int(time.time() * 1000)
    with database(absender) as db:
        row = db.execute("INSERT INTO members (org_id, id, email, name, role, created_at) VALUES (?, ?, ?, 'Eve', 2, ?)",
                         (org_id, os.urandom(16), email, now)).lastrowid
        db.execute("INSERT INTO sessions (org_id, member_row, id, hash, created_at, expires_at, used_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                   (org_id, row, os.urandom(16), hashlib.sha256(secret.encode()).digest(), now, now + 86400000, now))
    return f"absender_session={secret}"


def adopt(absender, cookie):
    """The daemon's requests go as this member's from now on."""
    absender.cookie, absender.csrf = cookie, ""
    absender.csrf = one(absender.request("GET", "/v1/session"))["csrf_token"]


# --- T40 --------------------------------------------------------------------------------------------

def with_ids(absender, ids, as_member=False):
    """Each operation with an {id}, asked with the one of its kind, the destructive ones last; (name, answer). As the operator where that
    is possible, for whom nothing is forbidden; as_member: always with the session."""
    order = {"GET": 0, "POST": 1, "PATCH": 2, "PUT": 2, "DELETE": 3}
    last = "/v1/members/{id}"  # with the member her sessions go
    for method, path, operation, prefix in sorted((each for each in operations() if each[3] and each[3] not in OF_NO_ORGANISATION),
                                                  key=lambda each: (order[each[0]], each[1] == last)):
        name = f"{method} {path}"
        body = BODIES.get(name, {"event_id": ids["evt"]} if path.endswith("/replay") else None)
        yield name, absender.request(method, path.replace("{id}", ids[prefix]), body, as_operator=not as_member and not needs_session(operation))


def check_ids(tap, absender, ids, as_member=False):
    """None of their objects is found: by its own route, in a list of ids, in a body."""
    for name, answer in with_ids(absender, ids, as_member):
        tap.ok(answer.status == 404 and answer.json["code"] == "not_found", f"{name} of another organisation's object is 404", answer)
    ask = absender.request if as_member else absender.operator
    mails = [ids[WAITING], ids["em"]]
    bulk = ask("POST", "/v1/emails/bulk", {"action": "cancel", "ids": mails})
    tap.equal((bulk.json.get("done"), bulk.json.get("skipped")), (0, [{"id": each, "code": "not_found"} for each in mails]), "nor in a list of many")
    written = ask("POST", "/v1/emails", {**MAIL, "template": {"id": ids["tpl"], "locale": "de"}})
    tap.equal((written.status, written.json["code"]), (422, "unknown_template"), "nor as the text of a mail")
    hook = one(ask("POST", "/v1/webhooks", {"url": "https://localhost/", "events": ["email.expired"]}))["id"]
    replayed = ask("POST", f"/v1/webhooks/{hook}/replay", {"event_id": ids["evt"]})
    tap.equal((replayed.status, replayed.json["code"]), (404, "not_found"), "nor as an event for one's own webhook")


def check_lists(tap, absender, ids, as_member=False):
    for method, path, operation, prefix in operations():
        if method == "GET" and not prefix and path != STREAM:
            for asked in (path, f"{path}?after={ids['em']}") if path == "/v1/emails" else (path,):
                answer = absender.request(method, asked, as_operator=not as_member and not needs_session(operation))
                said = answer.body.decode(errors="replace")
                seen = [each for each in [*ids.values(), ADMIN["email"], "bert@example.test"] if each in said]
                # The log moves with nobody: what stands in it was done at home.
                is_home_log = path == "/v1/audit-events" and not as_member
                tap.ok(not seen or is_home_log, f"{method} {asked.split('=')[0]} shows nothing of theirs", seen)


class Listener:
    """A page that hears events."""

    def __init__(self, absender, cookie):
        self.socket = socket.create_connection(("127.0.0.1", absender.port))
        self.socket.sendall(f"GET {STREAM} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookie}\r\n\r\n".encode())
        self.text = b""

    def heard(self):
        return re.findall(r"^event: (\w+)", self.text.decode(errors="replace"), re.MULTILINE)

    def listen_for(self, event, seconds):
        """Until it is heard, or for so many seconds."""
        until = time.monotonic() + seconds
        while event not in self.heard() and (left := until - time.monotonic()) > 0:
            self.socket.settimeout(left)
            with contextlib.suppress(TimeoutError):
                got = self.socket.recv(65536)
                if not got:
                    break
                self.text += got
        return self.heard()


def check_streams(tap, absender, theirs, ours):
    """What changes in one house is heard there and nowhere else."""
    pages = [Listener(absender, cookie) for cookie in (ours, theirs)]
    for page in pages:
        page.listen_for("status", HEARD_SECONDS)  # the first one is out: from here on changes are told
    absender.operator("PUT", "/v1/smtp/sending", {"enabled": False, "reason": "ours"})
    heard = [page.listen_for("sending", seconds) for page, seconds in zip(pages, (HEARD_SECONDS, 1))]
    for page in pages:
        page.socket.close()
    tap.ok("sending" in heard[0], "a page hears what changes in its own organisation", heard)
    tap.ok("sending" not in heard[1], "and nothing of what changes in another", heard)


def check_organisations(tap, absender, ids):
    """The strangers are at home in the first organisation, the objects in the other."""
    theirs = absender.cookie
    absender.stop()
    move_all(absender, FOREIGN)
    ours = add_member(absender, "eve@example.test")
    before = what_belongs_to(absender, FOREIGN)
    absender.start()
    adopt(absender, ours)
    check_ids(tap, absender, ids)
    check_lists(tap, absender, ids)
    check_streams(tap, absender, theirs, ours)
    absender.stop()
    no_change(tap, before, what_belongs_to(absender, FOREIGN))

    move_all(absender, HOME)  # the other way round: it was the organisation, not the id or the body
    absender.start()
    adopt(absender, theirs)
    for name, answer in with_ids(absender, ids):
        tap.ok(answer.status not in (401, 403, 404, 500), f"{name} of one's own object is found", answer)
    bulk = absender.operator("POST", "/v1/emails/bulk", {"action": "cancel", "ids": [ids[WAITING]]})
    tap.equal(bulk.json.get("done"), 1, "so is one's own in a list of many")


# What changes something without naming it: it must change something of the caller's.
UNNAMED = [("PATCH", "/v1/organisation", {"name": "Eve"}), ("PATCH", "/v1/smtp/draft", {"host": "evil.example"}), ("DELETE", "/v1/smtp/draft", None),
           ("PUT", "/v1/smtp/sending", {"enabled": False, "reason": "Eve"}), ("DELETE", "/v1/sandbox/messages", None),
           ("DELETE", "/v1/account/sessions", None), ("POST", "/v1/invitations", {"email": "mallory@example.test", "role": "member"}),
           ("POST", "/v1/tokens", {"name": "Eve", "scopes": ["emails:send"]}), ("POST", "/v1/emails", {**MAIL, "subject": "Eve", "text": "Eve"}),
           ("POST", "/v1/templates", {"name": "theirs", "locale": "de", "subject": "Eve", "text": "Eve"})]


def check_second_organisation(tap, absender, ids):
    """The stranger is at home in the second organisation and has her session only: a route that takes the first one for everybody's, or
    asks who calls and not where from, is found out here."""
    theirs = absender.cookie
    kinds = {prefix for *_, prefix in operations() if prefix} - OF_NO_ORGANISATION
    tap.ok(kinds <= set(ids), "there is an object of every kind that a route takes", sorted(kinds - set(ids)))
    absender.stop()
    with database(absender) as db:
        db.execute("INSERT INTO organisations (row) VALUES (?)", (FOREIGN,))
        db.execute("INSERT INTO smtp_state (org_id, sending_reason) VALUES (?, 'initial')", (FOREIGN,))
    hers = add_member(absender, "mallory.second@example.test", FOREIGN)
    before = what_belongs_to(absender, HOME)
    absender.start()
    adopt(absender, hers)
    check_ids(tap, absender, ids, as_member=True)
    check_lists(tap, absender, ids, as_member=True)
    done = {f"{method} {path}": absender.request(method, path, body, {"If-Match": "*"} if "draft" in path else None).status for method, path, body in UNNAMED}
    tap.ok(all(status in (200, 201) for status in done.values()), "what she changes without naming it is done", done)
    log = absender.request("GET", "/v1/audit-events").json["data"]
    tap.ok(log and {each["actor"] for each in log} == {"mallory.second@example.test"}, "and stands in the log of her own house", log)
    absender.stop()
    no_change(tap, before, what_belongs_to(absender, HOME))
    with database(absender) as db:
        for table in tables(db):
            db.execute(f"DELETE FROM {table} WHERE org_id = ?", (FOREIGN,))
    absender.start()
    adopt(absender, theirs)


# --- T43, T51, T55 ----------------------------------------------------------------------------------

HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
           "Cross-Origin-Resource-Policy": "same-origin"}
KEPT = re.compile(r"/$|/assets/|/manual/|/v1/openapi\.json$")  # pages, and what is the same for everybody


def header_faults(path, answer):
    headers = {name.lower(): value for name, value in answer.headers.items()}
    faults = [name for name, value in HEADERS.items() if headers.get(name.lower()) != value]
    if "frame-ancestors 'none'" not in headers.get("content-security-policy", ""):
        faults.append("Content-Security-Policy")
    if not KEPT.search(path) and headers.get("cache-control") != "no-store":
        faults.append("Cache-Control")
    if "x-request-id" not in headers:
        faults.append("X-Request-Id")
    if "server" in headers:
        faults.append("Server")
    return faults


def ask(absender, method, path, body=None, headers=None):
    """Only what stands in `headers`: no cookie, no token, no content type of the harness."""
    connection = http.client.HTTPConnection("127.0.0.1", absender.port, timeout=60)
    try:
        connection.request(method, path, body=None if body is None else json.dumps(body).encode(), headers=headers or {})
        got = connection.getresponse()
        streams = got.getheader("Content-Type") == "text/event-stream"
        return Answer(got.status, dict(got.getheaders()), b"" if streams else got.read())
    finally:
        connection.close()


def concrete(path, prefix):
    return path.replace("{id}", "0" * 32 if prefix == KEY else f"{prefix}_{'0' * 32}")


def is_csrf(answer):
    return answer.status == 403 and answer.json["code"] == "csrf"


def check_pages_elsewhere(tap, absender):
    session = {"Cookie": absender.cookie, "Content-Type": "application/json"}
    good = {**session, "X-CSRF-Token": absender.csrf}
    at = f"http://127.0.0.1:{absender.port}"
    for method, path, operation, prefix in operations():
        if method == "GET":
            continue
        target, name, body = concrete(path, prefix), f"{method} {path}", {} if "requestBody" in operation else None
        # What a page of ours sends comes further than this look, whatever is said then; but it must not end the session.
        if path not in ("/v1/sessions/current", "/v1/account/sessions", "/v1/sandbox/messages", "/v1/backups"):
            tried = ask(absender, method, target, body, {**good, "Origin": at, "Sec-Fetch-Site": "same-origin", "If-Match": '"none"'})
            tap.ok(not is_csrf(tried), f"{name} from a page of ours is looked at", tried)
        for what, headers in [("from a foreign origin", {**good, "Origin": "https://evil.example"}),
                              ("from an opaque origin", {**good, "Origin": "null"}),
                              ("from another site", {**good, "Sec-Fetch-Site": "cross-site"}),
                              ("from a neighbour's page", {**good, "Sec-Fetch-Site": "same-site"})]:
            answer = ask(absender, method, target, body, headers)
            tap.ok(is_csrf(answer), f"{name} {what} is 403", answer)
        if body is not None:
            answer = ask(absender, method, target, body, {**good, "Content-Type": "text/plain"})
            tap.ok(is_csrf(answer), f"{name} as a form's text is 403", answer)
        if not is_public(operation):
            answer = ask(absender, method, target, body, session)
            tap.ok(is_csrf(answer), f"{name} without the CSRF value is 403", answer)
            answer = ask(absender, method, target, body, {**session, "X-CSRF-Token": absender.csrf[::-1]})
            tap.ok(is_csrf(answer), f"{name} with a wrong one is 403", answer)


def properties(schema):
    """The names that a schema (or one of its alternatives) knows."""
    schema = CONTRACT.resolve(schema)
    names = set(schema.get("properties", {}))
    for part in ("allOf", "anyOf", "oneOf"):
        for each in schema.get(part, []):
            names |= properties(each)
    return names


def check_wishes(tap, absender, ids):
    for method, path, operation, prefix in operations():
        if "requestBody" not in operation:
            continue
        content = CONTRACT.resolve(operation["requestBody"])["content"]
        if "application/json" not in content:
            continue
        schema = CONTRACT.resolve(content["application/json"]["schema"])
        is_list = schema.get("type") == "array"
        known = properties(schema["items"] if is_list else schema)
        wishes = {name: value for name, value in WISHES.items() if name not in known}
        headers = {"If-Match": "*"} if path == "/v1/smtp/draft" else {}
        if needs_session(operation):
            headers.update({"Cookie": absender.cookie, "X-CSRF-Token": absender.csrf})
        answer = absender.request(method, path.replace("{id}", ids.get(prefix, "")), [wishes] if is_list else wishes, headers=headers,
                                  as_operator=not is_public(operation) and not needs_session(operation))
        refused = {each["pointer"].rsplit("/", 1)[1] for each in answer.json.get("errors", []) if each["code"] == "unknown_field"}
        tap.ok(answer.status == 422 and refused == set(wishes), f"{method} {path} takes no field that is not its own",
               f"{answer}\nnot refused: {sorted(set(wishes) - refused)}")


def check_headers(tap, absender):
    good = {"Cookie": absender.cookie, "X-CSRF-Token": absender.csrf, "Content-Type": "application/json"}
    tried = [("GET", "/"), ("GET", "/assets/app.js"), ("GET", "/nothing"), ("GET", "/v1/nothing"), ("PUT", "/livez")]
    tried += [(method, concrete(path, prefix)) for method, path, _, prefix in operations()]
    for method, path in tried:
        for who, headers in (("a stranger", {}), ("a member", good)):
            if who == "a member" and method != "GET":
                continue  # what changes something is refused to strangers; that is answer enough
            answer = ask(absender, method, path, None, headers)
            tap.ok(not header_faults(path, answer), f"{method} {path} carries the headers for {who} ({answer.status})",
                   f"{header_faults(path, answer)} {answer.headers}")
    refused = ask(absender, "POST", "/v1/sessions", {}, {"Host": "evil.example", "Content-Length": "2", "Transfer-Encoding": "chunked"})
    tap.ok(not header_faults("/v1/sessions", refused), f"and so does what is no sound request ({refused.status})", refused.headers)


def main():
    tap = Tap()
    with Daemon("--dev") as absender:
        ids = fill(absender)
        check_pages_elsewhere(tap, absender)
        check_wishes(tap, absender, ids)
        check_headers(tap, absender)
        check_second_organisation(tap, absender, ids)
        check_organisations(tap, absender, ids)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
