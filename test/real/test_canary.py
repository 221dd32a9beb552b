#!/usr/bin/env python3
"""The canary proof (threats T3, T41, T63, T66; vault.md 6): every secret there is goes through the whole program once, then it is looked
for in all encodings: in the database with its log and a backup, in everything printed, in every answer and event of the API, in the
audit log, in what webhooks were told, in the arguments and the environment, and in the memory of the process. It may stand only where
it is shown once by design, and in memory that is locked and left out of dumps. The negative control is a build that leaks on purpose
(src/base/leak_point.h): there the same proof must fail, for each place. TAP."""
import base64
import contextlib
import http.client
import json
import os
import pathlib
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from authserver import AuthServer  # noqa: E402
from badserver import BadServer  # noqa: E402
from certificates import Certificates  # noqa: E402
from dnsserver import DnsServer  # noqa: E402
from mailserver import MailServer  # noqa: E402
from harness.daemon import PROGRAM, ROOT, Daemon, Tap  # noqa: E402
from test_webhooks import NAMES, receiver, url, wait_until  # noqa: E402

LEAKY_PROGRAM = ROOT / "build/release/src/absender-leaky"
MARKER = "Canary-Marker-" + secrets.token_hex(8)  # no secret: shows that the search finds what is there
ADMIN, BEN = "anna@example.test", "ben@example.test"
LEAKED = ["SMTP password", "invitation token"]
LEAKED_OAUTH = ["client secret", "OAuth token"]
# What leaks in one run, and where it is to be found; what would be found by another's leak too (in the log of deeds that answers show, in
# a backup of the database) has a run of its own.
LEAKS = [{"log": "printed", "event": "events", "webhook": "webhooks", "arguments": "cmdline", "environment": "environ"},
         {"audit": "database", "memory": "memory"},
         {"answer": "answers", "backup": "backup"}]
TELLS_ALL = {"log", "event", "answer", "backup", "environment"}  # there is room for every kind of secret
# The cookie of a session may stand in memory, too: libmicrohttpd copies the headers of an answer, and frees them as they are.
NOT_WIPED = "memory"
OVERLAP = 4096  # between two pieces of memory: longer than any encoding
PIECE = 1 << 22
PAGE = 4096

# What is not among the steps, and why that is no gap.
NOT_TRIED = {
    "POST /v1/smtp/oauth/devices": "as the sign-in in a browser: the same secrets, the same reader of answers (test_oauth.py)",
    "POST /v1/smtp/oauth/devices/{id}/poll": "the same",
    "GET /readyz": "not ready: sending was switched off",
}

tap = Tap()


def operations():
    """Name → (method, pattern of its path), the special paths first, so that each request is one operation."""
    paths = json.loads((ROOT / "doc/openapi.json").read_text("utf-8"))["paths"]
    return {f"{method.upper()} {path}": (method.upper(), re.compile(re.sub(r"\\\{\w+\\\}", "[^/]*[0-9][^/]*", re.escape(path))))
            for path, item in paths.items() for method in item if method != "parameters"}


OPERATIONS = operations()


# --- Secrets and how they may look ----------------------------------------------------------------------------------------------------

def encodings(secret):
    """All the bytes under which this text may hide."""
    raw = secret.encode()
    forms = {raw, raw.hex().encode(), raw.hex().upper().encode(), raw[::-1], secret.encode("utf-16-le"), secret.encode("utf-16-be"),
             urllib.parse.quote(secret, safe="").encode(), json.dumps(secret)[1:-1].encode(),
             json.dumps(secret, ensure_ascii=False)[1:-1].encode()}
    if re.fullmatch(r"(?:[0-9a-f]{2}){32,}", secret):  # of a key
        forms.add(bytes.fromhex(secret))
    elif re.fullmatch(r"[A-Za-z0-9+/]{64}", secret):  # a line of PEM
        forms.add(base64.b64decode(secret))
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):  # what stands before it shifts the digits (AUTH PLAIN)
            digits = encode(b"\0" * shift + raw)
            whole = digits[(shift * 8 + 5) // 6:(shift + len(raw)) * 8 // 6]  # those that are all of its own
            forms.add(whole)
    return forms


class Canaries:
    """The secrets of one run. shown_in: the places where one may stand, because it is shown there once by design."""

    def __init__(self):
        self.all = {}

    def add(self, name, secret, *shown_in):
        self.all[name] = (encodings(secret), set(shown_in))
        return secret

    def make(self, name):
        return self.add(name, secrets.token_urlsafe(24) + '"ß')  # what JSON, URLs and UTF-16 write differently

    def called(self, beginning):
        """Those whose name begins so: a text or a tuple of them."""
        some = Canaries()
        some.all = {name: each for name, each in self.all.items() if name.startswith(beginning)}
        return some

    def found_in(self, place, data):
        return {name for name, (forms, shown_in) in self.all.items() if place not in shown_in and any(form in data for form in forms)}


# --- The program, with all it says written down -----------------------------------------------------------------------------------------

class Witnessed(Daemon):
    """Every answer is kept, with its head."""

    def __init__(self, *options, **more):
        super().__init__(*options, **more)
        self.answers = []  # (place, bytes)
        self.went_well = set()  # operations of the contract, "GET /v1/emails/{id}"

    def request(self, method, path, *arguments, **more):
        answer = super().request(method, path, *arguments, **more)
        if answer.status < 300:
            self.went_well |= {name for name, (verb, pattern) in OPERATIONS.items() if verb == method and pattern.fullmatch(path.split("?")[0])}
        self.answers.append((f"answer {len(self.answers)}: {method} {path}", repr(answer.headers).encode() + b"\n" + answer.body))
        return answer

    def last_place(self):
        return self.answers[-1][0]

    def listen(self, kept, lines, is_over):
        """One stream to its end: with its session, or with the line. Without a session there is none."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", "/v1/smtp/events", headers={"Cookie": self.cookie or "", "Accept": "text/event-stream"})
            lines.append(connection.sock)
            events = connection.getresponse()
            if events.status == 200:
                self.went_well.add("GET /v1/smtp/events")
            while events.status == 200 and not is_over.is_set() and (piece := events.read1(65536)):
                kept.append(piece)
        finally:
            connection.close()

    @contextlib.contextmanager
    def stream(self):
        """The events that the page sees, for so long; a thread reads them, and comes back as a browser does, with the cookie it has then."""
        kept, lines, is_over = [], [], threading.Event()

        def read():
            while not is_over.wait(0.1):
                with contextlib.suppress(OSError, http.client.HTTPException):
                    self.listen(kept, lines, is_over)
        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        assert wait_until(lambda: kept), "no event"
        try:
            yield kept
        finally:
            is_over.set()
            with contextlib.suppress(OSError):  # closed already
                lines[-1].shutdown(socket.SHUT_RDWR)
            thread.join()


def regions(pid):
    """(first, last, whether it is locked and left out of dumps) of what can be written."""
    found, span = [], None
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8").splitlines():
        head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line)
        if head:
            span = (int(head[1], 16), int(head[2], 16), head[3])
        elif line.startswith("VmFlags:") and span and span[2].startswith("rw"):
            flags = line.split()[1:]
            found.append((span[0], span[1], "lo" in flags and "dd" in flags))
    return found


def used(piece):
    """Without the pages that hold nothing."""
    pages = [piece[at:at + PAGE] for at in range(0, len(piece), PAGE)]
    return b"".join(page for page, after in zip(pages, [*pages[1:], b""]) if page.strip(b"\0") or after.strip(b"\0"))


def memory(pid):
    """Pieces of its memory that is not locked."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for first, last, is_guarded in regions(pid):
            at = first
            while at < last and not is_guarded:
                with contextlib.suppress(OSError, ValueError):
                    mem.seek(at)
                    yield used(mem.read(min(PIECE + OVERLAP, last - at)))
                at += PIECE


def evidence(absender, events, served):
    """(place, bytes) of everything to look through."""
    pid = absender.process.pid
    for path in sorted(pathlib.Path(absender.data).iterdir()):
        if path.is_file() and not path.is_socket() and path.name != "key" and not path.name.endswith(".pem"):
            place = "printed" if path.name == "log" else "backup" if path.name == "backup" else "database"
            yield place, path.read_bytes()
    for place, data in absender.answers:
        yield place, data
    yield "events", b"".join(events)
    for _, path, headers, body in list(served.seen):
        yield "webhooks", f"{path}\n{headers!r}\n".encode() + body
    for name in ("cmdline", "environ"):
        yield name, pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
    for piece in memory(pid):
        yield "memory", piece


def search(canaries, everything):
    """{kind of place: {"name of the secret (where)"}}"""
    found = {}
    for place, data in everything:
        for name in canaries.found_in(place, data):
            kind = "answers" if place.startswith("answer") else place
            found.setdefault(kind, set()).add(f"{name} ({place})")
    return found


# --- Everything a secret can go through ---------------------------------------------------------------------------------------------------

def good(answer, status=200):
    assert answer.status in (status if isinstance(status, tuple) else (status,)), answer
    return answer.json


def set_up(absender, canaries):
    token = canaries.add("set-up token", absender.link.rsplit("/", 1)[1], "printed")
    absender.password = canaries.make("admin's password")
    body = {"token": token, "email": ADMIN, "name": "Anna", "password": absender.password, "org_name": MARKER,
            "public_url": f"http://127.0.0.1:{absender.port}"}
    sign_in(absender, canaries, "first session", absender.request("POST", "/v1/setup", body), 201)


def sign_in(absender, canaries, name, answer, status=200):
    absender.csrf = good(answer, status)["csrf_token"]
    absender.cookie = answer.headers["Set-Cookie"].split(";")[0]
    canaries.add(f"cookie of the {name}", absender.cookie.split("=", 1)[1], absender.last_place(), NOT_WIPED)


def set_up_smtp(absender, canaries, server):
    settings = {"host": "localhost", "port": server.port, "security": "starttls", "username": "absender", "from_email": "noreply@example.test",
                "from_name": MARKER, "password": canaries.make(LEAKED[0])}
    tag = {"If-Match": "*"}
    good(absender.request("PATCH", "/v1/smtp/draft", {**settings, "password": canaries.make(f"{LEAKED[0]} that was replaced")}, tag))
    good(absender.request("PATCH", "/v1/smtp/draft", settings, tag))
    run = good(absender.request("POST", "/v1/smtp/verifications", {}), 202)["id"]
    assert wait_until(lambda: good(absender.request("GET", f"/v1/smtp/verifications/{run}"))["state"] != "running")
    assert good(absender.request("GET", f"/v1/smtp/verifications/{run}"))["state"] == "passed", absender.answers[-1]
    good(absender.request("PUT", "/v1/smtp/sending", {"enabled": True}))


def link_token(server, recipient, kind, n=1):
    """The token of the n-th mail to this address with a link of that kind."""
    def tokens():
        return [found[1].decode() for mail in server.mails() if recipient in mail.recipients
                for found in [re.search(rb"/#/" + kind.encode() + rb"/([\w-]{43})", re.sub(rb"=\r?\n", b"", mail.data))] if found]
    assert wait_until(lambda: len(tokens()) >= n), f"no mail with a link /#/{kind}/ to {recipient}"
    return tokens()[n - 1]


def invite(absender, canaries, server):
    invitation = good(absender.request("POST", "/v1/invitations", {"email": BEN, "role": "member"}), 201)
    assert invitation["delivery"] in ("queued", "sent"), invitation
    token = canaries.add("invitation token", link_token(server, BEN, "invitation"), absender.last_place())
    absender_cookie = absender.cookie, absender.csrf
    absender.cookie = absender.csrf = None
    good(absender.request("POST", "/v1/invitations/lookup", {"token": token}))
    accepted = absender.request("POST", "/v1/invitations/accept", {"token": token, "name": "Ben", "password": canaries.make("member's password")})
    good(accepted, 201)
    canaries.add("member's cookie", accepted.headers["Set-Cookie"].split(";")[0].split("=", 1)[1], absender.last_place())
    good(absender.request("POST", "/v1/password-resets", {"email": BEN}), 202)
    token = canaries.add("reset token", link_token(server, BEN, "reset"))
    good(absender.request("POST", "/v1/password-resets/lookup", {"token": token}))
    good(absender.request("POST", "/v1/password-resets/redeem", {"token": token, "password": canaries.make("password after a reset")}))
    refused = absender.request("POST", "/v1/sessions", {"email": BEN, "password": canaries.make("wrong password")})
    assert refused.status == 401, refused
    absender.cookie, absender.csrf = absender_cookie


def use_token(absender, canaries, server):
    made = good(absender.request("POST", "/v1/tokens", {"name": "Shop", "scopes": ["emails:send", "emails:read"]}), 201)
    absender.token = canaries.add("API token", made["token"], absender.last_place())
    body = {"to": "eva@example.test", "subject": "Your link", "class": "reset", "text": "https://shop.example/" + canaries.add("application's link", secrets.token_urlsafe(32))}
    sent = good(absender.request("POST", "/v1/emails", body))["id"]
    absender.wait_for_state(sent, "accepted")
    good(absender.request("GET", f"/v1/emails/{sent}"))
    absender.token = None


def test_mail(absender, canaries, server):
    good(absender.request("POST", "/v1/smtp/test-emails", {"to": ADMIN}), 202)
    token = canaries.add("test mail's token", link_token(server, ADMIN, "arrived"))
    good(absender.request("POST", "/v1/test-arrivals", {"token": token, "folder": "inbox"}))


def hook(absender, canaries, served):
    made = good(absender.request("POST", "/v1/webhooks", {"url": url(served, "good.example"), "name": MARKER}), 201)
    secret = canaries.add("webhook secret", made["secret"].removeprefix("whsec_"), absender.last_place())
    canaries.add("webhook secret's bytes", base64.b64decode(secret).decode("latin-1"))
    good(absender.request("POST", f"/v1/webhooks/{made['id']}/test"), 202)
    assert wait_until(lambda: served.seen)


def sign_in_to_provider(absender, canaries, auth, mail):
    """What comes of it stands in the draft."""
    good(absender.request("PATCH", "/v1/smtp/draft", oauth_settings(mail, auth.oauth("person", "google")), {"If-Match": "*"}))
    begun = good(absender.request("POST", "/v1/smtp/oauth/authorizations", {}), 201)
    canaries.add("state of the sign-in", re.search(r"[?&]state=([^&]+)", begun["url"])[1], absender.last_place())
    address = auth.sign_in(begun["url"])
    canaries.add("code of the sign-in", re.search(r"[?&]code=([^&]+)", address)[1])
    good(absender.request("POST", "/v1/smtp/oauth/authorizations/redeem", {"address": address}))


def oauth_settings(mail, oauth):
    return {"host": "localhost", "port": mail.starttls_port, "security": "starttls", "from_email": mail.user, "username": mail.user,
            "auth": "oauth2", "oauth": oauth}


def verify(absender, settings):
    """In force afterwards; None: the draft."""
    body = {"settings": settings} if settings else {}
    run = good(absender.request("POST", "/v1/smtp/verifications", body), 202)["id"]
    assert wait_until(lambda: good(absender.request("GET", f"/v1/smtp/verifications/{run}"))["state"] != "running")
    assert good(absender.request("GET", f"/v1/smtp/verifications/{run}"))["state"] == "passed", absender.answers[-1]


def pem_line(key):
    """A part of a private key that no other key has."""
    return key.splitlines()[5]


def use_oauth(absender, canaries, auth, mail):
    """Each way to a token once, with a mail each."""
    for name, client in auth.clients.items():
        if "client_secret" in client and name not in ("mailserver", "service_account", "stranger"):
            canaries.add(f"client secret of {name}", client["client_secret"])
    for name, (_, key) in auth.keys.items():
        canaries.add(f"private key of {name}", pem_line(key))
    for oauth in (auth.oauth("application"), auth.oauth("certificate", "microsoft"), auth.oauth("service_account", "google"), None):
        if oauth is None:
            sign_in_to_provider(absender, canaries, auth, mail)
        verify(absender, oauth and oauth_settings(mail, oauth))
        good(absender.request("PUT", "/v1/smtp/sending", {"enabled": True}))
        sent = good(absender.operator("POST", "/v1/emails", {"to": "eva@example.test", "subject": "Hello", "text": "Hello"}))["id"]
        absender.wait_for_state(sent, "accepted")
    for number, token in enumerate(auth.tokens()):
        canaries.add(f"OAuth token {number}", token)


def change_key(absender, canaries):
    """Exported, and another one for everything."""
    good(absender.operator("POST", "/v1/keys/export", {"passphrase": canaries.make("passphrase of an export")}))
    added = good(absender.operator("POST", "/v1/keys"), 201)["data"]
    new = next(each["id"] for each in added if each["state"] == "ready")
    add_keys(absender, canaries)
    good(absender.operator("POST", f"/v1/keys/{new}/activate"), 202)
    assert wait_until(lambda: all(each["sealed"] == 0 for each in good(absender.operator("GET", "/v1/keys"))["data"] if each["id"] != new))
    good(absender.operator("POST", f"/v1/keys/{next(each['id'] for each in added if each['id'] != new)}/retire"))


def add_keys(absender, canaries):
    """Those that stand in the key file now."""
    for line in pathlib.Path(absender.data, "key").read_text("utf-8").splitlines():
        for key in re.findall(r"[A-Za-z0-9+/=_-]{40,}", line):
            canaries.add(f"key {len(canaries.all)} of the key file", key)


def link_of(canaries, absender, name, answer, status=200):
    """The token of a link that is shown once, here."""
    return canaries.add(name, good(answer, status)["link"].rsplit("/", 1)[1], absender.last_place())


def hand_links_over(absender, canaries):
    """By hand: copied, sent again, taken back."""
    made = absender.request("POST", "/v1/invitations", {"email": "carla@example.test", "role": "member"})
    link_of(canaries, absender, "invitation token of Carla", made, 201)
    for deed in ("resend", "link"):
        answer = absender.request("POST", f"/v1/invitations/{made.json['id']}/{deed}")
        link_of(canaries, absender, f"invitation token after {deed}", answer)
    good(absender.request("POST", f"/v1/invitations/{made.json['id']}/revoke"))
    ben = next(each["id"] for each in good(absender.request("GET", "/v1/members"))["data"] if each["email"] == BEN)
    good(absender.request("PATCH", f"/v1/members/{ben}", {"name": "Ben B."}))
    link_of(canaries, absender, "reset token for Ben", absender.request("POST", f"/v1/members/{ben}/reset-link"), 201)
    reset = good(absender.request("GET", "/v1/password-resets"))["data"][0]["id"]
    link_of(canaries, absender, "reset token copied again", absender.request("POST", f"/v1/password-resets/{reset}/link"))
    good(absender.request("POST", f"/v1/password-resets/{reset}/dismiss"))
    good(absender.request("DELETE", f"/v1/members/{ben}"))


def use_sessions(absender, canaries):
    """One more than this browser's, each way to end one, and a new password."""
    def another(name):
        kept = absender.cookie, absender.csrf
        absender.cookie = absender.csrf = None
        sign_in(absender, canaries, name, absender.request("POST", "/v1/sessions", {"email": ADMIN, "password": absender.password}))
        other, (absender.cookie, absender.csrf) = (absender.cookie, absender.csrf), kept
        return {"Cookie": other[0], "X-CSRF-Token": other[1]}

    good(absender.request("PATCH", "/v1/account", {"name": "Anna A."}))
    another("second session")
    listed = good(absender.request("GET", "/v1/account/sessions"))["data"]
    good(absender.request("DELETE", f"/v1/account/sessions/{next(each['id'] for each in listed if not each['is_current'])}"))
    good(absender.request("DELETE", "/v1/sessions/current", headers=another("third session")))
    another("fourth session")
    good(absender.request("DELETE", "/v1/account/sessions"))
    fresh = canaries.make("admin's new password")
    changed = absender.request("POST", "/v1/account/password", {"current_password": absender.password, "new_password": fresh})
    sign_in(absender, canaries, "session after a new password", changed)


def use_applications(absender, canaries, served):
    token = good(absender.request("GET", "/v1/tokens"))["data"][0]["id"]
    good(absender.request("GET", f"/v1/tokens/{token}"))
    good(absender.request("PATCH", f"/v1/tokens/{token}", {"name": "Shop 2"}))
    good(absender.request("DELETE", f"/v1/tokens/{token}"))
    hook = good(absender.request("GET", "/v1/webhooks"))["data"][0]["id"]
    secret = good(absender.request("POST", f"/v1/webhooks/{hook}/secret"))["secret"].removeprefix("whsec_")
    canaries.add("webhook secret that was renewed", secret, absender.last_place())
    event = good(absender.request("POST", f"/v1/webhooks/{hook}/test"), 202)["event_id"]
    assert wait_until(lambda: any(headers.get("webhook-id") == event for _, _, headers, _ in list(served.seen)))
    good(absender.request("POST", f"/v1/webhooks/{hook}/replay", {"event_id": event}), 202)
    good(absender.request("PATCH", f"/v1/webhooks/{hook}", {"name": MARKER}))
    other = good(absender.request("POST", "/v1/webhooks", {"url": url(served, "good.example"), "events": ["date.near"]}), 201)
    canaries.add("webhook secret of another", other["secret"].removeprefix("whsec_"), absender.last_place())
    good(absender.request("DELETE", f"/v1/webhooks/{other['id']}"))


def use_texts(absender):
    text = {"name": "order", "locale": "de", "subject": MARKER, "text": "Hallo {{guest}}"}
    made = good(absender.request("POST", "/v1/templates", text))["id"]
    good(absender.request("POST", "/v1/templates/preview", {"name": "order", "locale": "de", "variables": {"guest": "Anna"}}))
    good(absender.request("DELETE", f"/v1/templates/{made}"))
    good(absender.request("POST", "/v1/header-checks", {"headers": "From: a@example.test\r\nSubject: x\r\n"}))
    good(absender.request("POST", "/v1/diagnoses", {"text": "535 5.7.8 Error: authentication failed"}))
    good(absender.request("POST", "/v1/domain-checks", {"domain": "example.test"}))
    good(absender.request("GET", "/v1/smtp/discovery?email=anna@example.test"))


def use_emails(absender, canaries):
    """Each deed on a mail with a link in it that waits."""
    good(absender.request("PUT", "/v1/smtp/sending", {"enabled": False}))

    def mail(name):
        link = canaries.add(f"application's link, {name}", secrets.token_urlsafe(32))
        return {"to": "eva@example.test", "subject": "Your link", "class": "reset", "text": f"https://shop.example/{link}"}

    first, second, third = (each["id"] for each in good(absender.request("POST", "/v1/emails/batch", [mail(f"in a batch {n}") for n in range(3)]))["data"])
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 600))
    later = good(absender.request("POST", "/v1/emails", {**mail("scheduled"), "scheduled_at": soon}))["id"]
    good(absender.request("PATCH", f"/v1/emails/{later}", {"scheduled_at": None}))
    for deed, email in (("cancel", first), ("hand-over", second)):
        good(absender.request("POST", f"/v1/emails/{email}/{deed}"))
    good(absender.request("POST", "/v1/emails/bulk", {"action": "cancel", "ids": [third, later]}))
    refused = good(absender.request("POST", "/v1/emails", {**mail("refused by the server"), "class": "transactional", "to": "reject@example.test"}))["id"]
    good(absender.request("PUT", "/v1/smtp/sending", {"enabled": True}))
    assert wait_until(lambda: good(absender.request("GET", f"/v1/emails/{refused}"))["state"] == "rejected")
    good(absender.request("POST", f"/v1/emails/{refused}/retry"))


def use_sandbox(absender, canaries):
    """The captured mail shows its link to an admin, and nobody else and nothing else does."""
    box = good(absender.request("GET", "/v1/sandbox"))
    settings = {"host": "localhost", "port": box["starttls_port"], "security": "starttls", "username": "sandbox@localhost",
                "password": "sandbox", "auth": "auto", "from_email": "noreply@example.test"}
    good(absender.request("PATCH", "/v1/smtp/draft", {"password": canaries.make("password of a draft that was given up")}, {"If-Match": "*"}))
    good(absender.request("DELETE", "/v1/smtp/draft", headers={"If-Match": "*"}))
    verify(absender, settings)
    use_emails(absender, canaries)
    made = absender.request("POST", "/v1/invitations", {"email": "dora@example.test", "role": "member"})
    shown = absender.last_place()
    assert wait_until(lambda: any("dora@example.test" in each["to"] for each in good(absender.request("GET", "/v1/sandbox/messages"))["data"]))
    message = next(each["id"] for each in good(absender.request("GET", "/v1/sandbox/messages"))["data"] if "dora@example.test" in each["to"])
    raw = absender.request("GET", f"/v1/sandbox/messages/{message}/raw")
    token = good(made, 201)["link"].rsplit("/", 1)[1]
    assert raw.status == 200 and token.encode() in raw.body.replace(b"=\r\n", b""), raw
    canaries.add("invitation token in the sandbox", token, shown, absender.last_place())
    good(absender.request("GET", f"/v1/sandbox/messages/{message}"))
    good(absender.request("DELETE", "/v1/sandbox/messages"))
    good(absender.request("DELETE", f"/v1/smtp/verifications/{begin_verification(absender, settings)}"), (200, 202, 409))
    past = good(absender.request("GET", "/v1/smtp/history"))["data"][-1]["id"]
    good(absender.request("POST", f"/v1/smtp/history/{past}/restore"), 202)


def begin_verification(absender, settings):
    return good(absender.request("POST", "/v1/smtp/verifications", {"settings": settings, "activate": False}), 202)["id"]


def look_at_everything(absender):
    """Every GET there is, as admin and as operator, with the ids that lists name."""
    contract = json.loads((ROOT / "doc/openapi.json").read_text("utf-8"))["paths"]
    lists = [path for path, item in contract.items() if "get" in item and "{" not in path and path not in ("/v1/smtp/events", "/v1/smtp/discovery")]
    for path in lists:
        for ask in (absender.request, absender.operator):
            answer = ask("GET", path)
            items = answer.json.get("data", []) if answer.status == 200 and "json" in answer.headers.get("Content-Type", "") else []
            for item in items[:5]:
                for pattern in contract:
                    if pattern.startswith(f"{path}/{{") and "get" in contract[pattern] and item.get("id"):
                        ask("GET", re.sub(r"\{\w+\}", item["id"], pattern))


def whole_life(absender, canaries, server, served, provider):
    """The events that were heard meanwhile."""
    set_up(absender, canaries)
    with absender.stream() as events:
        set_up_smtp(absender, canaries, server)
        hook(absender, canaries, served)
        invite(absender, canaries, server)
        use_token(absender, canaries, server)
        test_mail(absender, canaries, server)
        if provider:
            use_oauth(absender, canaries, *provider)
        change_key(absender, canaries)
        good(absender.request("PATCH", "/v1/organisation", {"colour": "#1f5fbf"}))
        hand_links_over(absender, canaries)
        use_sessions(absender, canaries)
        use_applications(absender, canaries, served)
        use_texts(absender)
        use_sandbox(absender, canaries)
        look_at_everything(absender)
        good(absender.operator("POST", "/v1/backups", {"path": os.path.join(absender.data, "backup")}), 202)
        assert wait_until(lambda: good(absender.operator("GET", "/v1/backups/current"))["state"] == "complete")
        absender.wait_until_sent()
        for command in (["audit", "list"], ["audit", "verify"], ["status"], ["queue", "list"]):
            said = subprocess.run([absender.program, *command, "--data", absender.data], capture_output=True, check=True)
            absender.answers.append((f"answer to absender {' '.join(command)}", said.stdout + said.stderr))
        heard = len(events)
        good(absender.request("PUT", "/v1/smtp/sending", {"enabled": False}))
        assert wait_until(lambda: len(events) > heard and b"".join(events).endswith(b"\n\n")), "nothing is told at the end"
    return events


@contextlib.contextmanager
def provider_with_tokens():
    """None where there can be none."""
    reason = AuthServer.unavailable() or MailServer.unavailable()
    if reason is not None:
        tap.skip("the secrets of OAuth2 are among them", reason)
        yield None
        return
    with AuthServer(knows_providers=True) as auth, MailServer(oauth=auth) as mail:
        yield auth, mail


@contextlib.contextmanager
def world(program, provider=None, **environment):
    """The program with a provider and a receiver of webhooks, and secrets that have gone through all of it. provider: AuthServer and
    MailServer, for OAuth2."""
    canaries = Canaries()
    records = [f"{name}. A 127.0.0.1" for name in ("localhost", *NAMES)] + (provider[0].records() if provider else [])
    with tempfile.TemporaryDirectory(prefix="absender-canary-") as folder, BadServer("all_extensions") as server, DnsServer(records) as dns:
        certificates = Certificates(pathlib.Path(folder))
        trusted = pathlib.Path(folder) / "trusted.pem"
        ca_files = [certificates.ca_file, server.ca_file, *([provider[0].ca_file] if provider else [])]
        trusted.write_bytes(b"".join(pathlib.Path(file).read_bytes() for file in ca_files))
        ports = [server.port, *([provider[1].starttls_port] if provider else [])]
        absender = Witnessed("--dev", "--ca-file", str(trusted), "--dns-server", dns.address,
                             *(option for port in ports for option in ("--allow-port", str(port))), program=program)
        absender.environment.update({"G_MESSAGES_DEBUG": "all", **environment})  # all that it can be made to say
        with receiver(certificates.add("hooks", NAMES)) as served, absender:
            add_keys(absender, canaries)
            events = whole_life(absender, canaries, server, served, provider)
            yield canaries, absender, events, served


def check_proof(provider):
    with world(PROGRAM, provider) as (canaries, absender, events, served):
        everything = list(evidence(absender, events, served))
        signs_in = {name for name in OPERATIONS if "/oauth/" in name}
        untried = set(OPERATIONS) - absender.went_well - set(NOT_TRIED) - (set() if provider else signs_in)
        tap.ok(not untried, f"{len(absender.went_well)} of {len(OPERATIONS)} operations of the API were called and did what they do", sorted(untried))
        tap.ok(len(canaries.all) >= (50 if provider else 39), f"{len(canaries.all)} secrets have gone through the program", sorted(canaries.all))
        marker = Canaries()
        marker.add("marker", MARKER)
        seen = search(marker, everything)
        tap.ok({"database", "backup", "answers", "events", "memory"} <= set(seen), "the search finds in every place what is there", sorted(seen))
        found = search(canaries, everything)
        for kind in ("printed", "database", "backup", "answers", "events", "webhooks", "cmdline", "environ", "memory"):
            tap.ok(kind not in found, f"no secret: {kind}", "\n".join(sorted(found.get(kind, ()))))
        tap.ok(any(is_guarded for _, _, is_guarded in regions(absender.process.pid)), "what is needed on stands in locked memory, out of dumps")


@contextlib.contextmanager
def program_with_room():
    """The leaky program under a name so long that a secret can be written over it."""
    with tempfile.TemporaryDirectory(prefix="absender-leaky-") as folder:
        deep = pathlib.Path(folder, *(["x" * 200] * 5))
        deep.mkdir(parents=True)
        named = deep / LEAKY_PROGRAM.name
        named.symlink_to(LEAKY_PROGRAM)
        yield named


def check_negative_control(provider):
    subprocess.run([str(ROOT / "tools/build"), "leaks"], check=True, stdout=sys.stderr)
    kinds = [*LEAKED, *(LEAKED_OAUTH if provider else [])]
    for places in LEAKS:
        with program_with_room() as program, world(program, provider, ABSENDER_LEAK=",".join(places), ABSENDER_LEAK_ROOM="x" * 8000) as (
                canaries, absender, events, served):
            found = search(canaries.called(tuple(kinds)), evidence(absender, events, served))
        for place, where in places.items():
            said = " ".join(sorted(found.get(where, ())))
            wanted = [any(each.startswith(kind) for each in found.get(where, ())) for kind in kinds]
            tap.ok(all(wanted) if place in TELLS_ALL else any(wanted), f"a build that leaks ({place}) is found out: {where}", said)


def main():
    with provider_with_tokens() as provider:
        check_proof(provider)
        if "--proof" not in sys.argv[1:]:
            check_negative_control(provider)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
