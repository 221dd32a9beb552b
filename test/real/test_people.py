"""People come in and come back: invitations and password resets on a real daemon, first without any mail, then through the sandbox.
One link lets one person in however many hold it; nobody can tell from an answer or its time who has an account; nobody is flooded;
no header changes a link."""
import argparse
import concurrent.futures
import contextlib
import http.client
import os
import pathlib
import random
import re
import sqlite3
import statistics
import subprocess
import sys
import time
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from harness.daemon import ADMIN, PROGRAM, Daemon, Tap  # noqa: E402
from email import message_from_bytes, policy  # noqa: E402

PASSWORD, FRESH = "a long enough password", "another fine passphrase"
AT_ONCE = 100
PER_HOUSE = 100  # LIMIT_LINK_MAILS_PER_ORG
SETTLED_SECONDS = 120  # by then what was asked for has become a mail on any machine
PAIRS = 48  # of timings in a round; a hundred requests an hour are taken, and a restart forgets them
SHORT = 480  # pairs; --pairs for another number
# Cliff's delta: below 0.15 is negligible (Romano 2006); chance alone spreads by 0.037 and, over 2,000 pairs, by 0.018.
EFFECTS = {SHORT: 0.15, 2000: 0.08}


# --- Steps --------------------------------------------------------------------------------------------

def stranger(absender, method, path, body=None, headers=None):
    """Without the admin's cookie; many may do so at once."""
    return absender.request(method, path, body, {"Cookie": "", "X-CSRF-Token": "", **(headers or {})})


def token_of(link):
    return link.rsplit("/", 1)[1]


def invite(absender, email, **more):
    answer = absender.request("POST", "/v1/invitations", {"email": email, "role": "member", **more})
    assert answer.status == 201, answer
    return answer.json


def accept(absender, link, name="Bob", headers=None):
    return stranger(absender, "POST", "/v1/invitations/accept", {"token": token_of(link), "name": name, "password": PASSWORD}, headers)


def ask_reset(absender, email, client=None):
    return stranger(absender, "POST", "/v1/password-resets", {"email": email}, {"X-Forwarded-For": client} if client else None)


def redeem(absender, link, password=FRESH, headers=None):
    return stranger(absender, "POST", "/v1/password-resets/redeem", {"token": token_of(link), "password": password}, headers)


def sign_in(absender, email, password):
    return stranger(absender, "POST", "/v1/sessions", {"email": email, "password": password}).status


def resets(absender, email, wait=SETTLED_SECONDS):
    """The newest request of this member, once there is one."""
    until = time.monotonic() + wait
    while True:
        found = [each for each in absender.operator("GET", "/v1/password-resets?limit=200").json["data"] if each["member"]["email"] == email]
        if found or time.monotonic() > until:
            return found
        time.sleep(0.02)


def mails_to(absender, address, count=1, wait=SETTLED_SECONDS):
    """What the sandbox took for this address, newest first, once there are `count`."""
    until = time.monotonic() + wait
    while True:
        page = absender.operator("GET", "/v1/sandbox/messages?limit=200").json["data"]
        found = [each for each in page if address in each["to"]]
        if len(found) >= count:
            return found
        assert time.monotonic() < until, f"{len(found)} of {count} mails to {address}"
        time.sleep(0.05)


def read(absender, message):
    raw = absender.operator("GET", f"/v1/sandbox/messages/{message['id']}/raw").body
    return message_from_bytes(raw, policy=policy.default)


def link_in(mail):
    links = set()
    for kind in ("plain", "html"):
        links.update(re.findall(r"https?://[^\s\"<>]+/#/(?:invitation|reset)/[\w-]{43}", mail.get_body((kind,)).get_content()))
    assert len(links) == 1, links
    return links.pop()


# --- The whole way ------------------------------------------------------------------------------------

def without_mail(tap, absender):
    invitation = invite(absender, "bob@example.test")
    tap.equal((invitation["delivery"], invitation["email_id"]), ("not_configured", None), "without settings an invitation needs no mail")
    copied = absender.request("POST", f"/v1/invitations/{invitation['id']}/link").json
    tap.equal(accept(absender, invitation["link"]).status, 404, "the former link is dead once a fresh one was copied")
    joined = accept(absender, copied["link"])
    tap.equal((joined.status, joined.json["member"]["email"], joined.json["member"]["role"]), (201, "bob@example.test", "member"),
              "who was invited joins by the copied link, with the address and role of the invitation")
    tap.equal(sign_in(absender, "bob@example.test", PASSWORD), 200, "and signs in from then on")

    ask_reset(absender, "bob@example.test")
    waiting = resets(absender, "bob@example.test")
    tap.equal([each["state"] for each in waiting], ["to_hand_over"], "a forgotten password waits on the hand-over list")
    link = absender.request("POST", f"/v1/password-resets/{waiting[0]['id']}/link").json["link"]
    tap.equal(redeem(absender, link).status, 200, "the copied link sets a new password")
    tap.equal((sign_in(absender, "bob@example.test", PASSWORD), sign_in(absender, "bob@example.test", FRESH)), (401, 200),
              "the old password is over, the new one works")


def the_only_admin_gets_back_in(tap):
    """No mail, no second admin: whoever has the machine has the way in."""
    with Daemon("--dev") as absender:
        absender.sign_in_first_admin()
        command = [str(PROGRAM), "reset-link", "--data", str(absender.data)]
        nobody = subprocess.run([*command, "nobody@example.test"], capture_output=True, text=True, timeout=120, check=False)
        tap.equal((nobody.returncode, nobody.stdout), (1, ""), "there is no link for an address that nobody has")
        made = subprocess.run([*command, ADMIN["email"].upper()], capture_output=True, text=True, timeout=120, check=False)
        link = made.stdout.strip()
        tap.ok(made.returncode == 0 and "\n" not in link and "/#/reset/" in link and token_of(link) not in made.stderr,
               "absender reset-link prints the link alone on standard output", made)
        tap.equal([redeem(absender, link).status for _ in range(2)], [200, 404], "it sets a new password, once")
        tap.equal((sign_in(absender, ADMIN["email"], ADMIN["password"]), sign_in(absender, ADMIN["email"], FRESH)), (401, 200),
                  "the only admin is in again, without any mail")
        events = absender.operator("GET", "/v1/audit-events?action=reset.").json["data"]
        tap.equal([(each["action"], each["actor"]) for each in events], [("reset.used", ADMIN["email"]), ("reset.link_copied", "operator")],
                  "the audit log says that it was the operator")
        tap.ok(token_of(link) not in str(events), "and does not hold the link")


def by_mail(tap, absender):
    invitation = invite(absender, "eva@example.test", language="de")
    messages = mails_to(absender, "eva@example.test")
    mail = read(absender, messages[0])
    tap.ok(link_in(mail) == invitation["link"] and "lädt Sie" in mail["Subject"], "the invitation comes by mail, in her language, with that link",
           mail["Subject"])
    tap.equal(mail["Auto-Submitted"], "auto-generated", "the mail says that a machine wrote it")
    until = time.monotonic() + SETTLED_SECONDS
    while time.monotonic() < until:
        now = absender.request("GET", f"/v1/invitations/{invitation['id']}").json
        if now["delivery"] == "sent":
            break
        time.sleep(0.05)
    tap.equal(now["delivery"], "sent", "the invitation says that its mail was taken")
    tap.equal(accept(absender, invitation["link"], "Eva").status, 201, "she joins by the link in the mail")

    ask_reset(absender, "eva@example.test")
    mail = read(absender, mails_to(absender, "eva@example.test", 2)[0])
    link = link_in(mail)
    tap.ok(token_of(link) not in pathlib.Path(absender.log.name).read_text("utf-8"), "no log has the link")
    tap.equal(redeem(absender, link).status, 200, "the link in the mail sets a new password")
    tap.equal(sign_in(absender, "eva@example.test", FRESH), 200, "and she signs in with it")
    mails_to(absender, "eva@example.test", 3)  # the invitation, the link, the notice; one too many would come behind
    absender.wait_until_sent()
    notices = [mail for mail in (read(absender, message) for message in mails_to(absender, "eva@example.test", 0)) if "geändert" in mail["Subject"]]
    tap.ok(len(notices) == 1 and "/#/reset/" not in notices[0].get_body(("plain",)).get_content(), "a mail tells her once that it was changed", notices)


def what_a_restart_keeps(tap, absender):
    invitation = invite(absender, "ida@example.test")
    ask_reset(absender, "bob@example.test", "192.0.2.77")
    absender.kill()
    absender.start()
    offer = stranger(absender, "POST", "/v1/invitations/lookup", {"token": token_of(invitation["link"])})
    tap.equal((offer.status, offer.json.get("email")), (200, "ida@example.test"), "an invitation survives a power cut")
    tap.ok(resets(absender, "bob@example.test"), "so does a request for a new password that was answered")
    absender.request("POST", f"/v1/invitations/{invitation['id']}/revoke")


# --- One link, many hands (T38, T39) ------------------------------------------------------------------

def at_once(work):
    """So many do it at the same time, each until it was judged: who is told to come again, comes again. Their status."""
    def judged(i):
        until = time.monotonic() + SETTLED_SECONDS
        while (status := work(i).status) == 503 and time.monotonic() < until:
            time.sleep(0.02)
        return status

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(judged, range(AT_ONCE)))


def race(tap, absender):
    link = invite(absender, "race@example.test")["link"]
    client = lambda i: {"X-Forwarded-For": f"198.51.100.{i}"}  # noqa: E731 (each from elsewhere, so that no limit hides a race)
    found = at_once(lambda i: accept(absender, link, f"Racer {i}", client(i)))
    tap.equal((found.count(201), found.count(404)), (1, AT_ONCE - 1), f"of {AT_ONCE} that accept one invitation at once one comes in")

    member = next(each for each in absender.operator("GET", "/v1/members").json["data"] if each["email"] == "race@example.test")
    link = absender.request("POST", f"/v1/members/{member['id']}/reset-link").json["link"]
    found = at_once(lambda i: redeem(absender, link, f"{FRESH} {i}", client(i)))
    tap.equal((found.count(200), found.count(404)), (1, AT_ONCE - 1), f"of {AT_ONCE} that use one reset at once one sets a password")
    opened = [i for i in range(AT_ONCE) if found[i] == 200 and sign_in(absender, "race@example.test", f"{FRESH} {i}") == 200]
    tap.equal(len(opened), 1, "and that one signs in")


def no_get_uses_anything_up(tap, absender):
    link = invite(absender, "scan@example.test")["link"]
    token = token_of(link)
    for method in ("GET", "HEAD"):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", absender.port)) as connection:
            connection.request(method, "/")
            connection.getresponse().read()
    for method, path in (("GET", f"/v1/invitations/{token}"), ("GET", "/v1/invitations/accept"),
                         ("GET", "/v1/invitations/lookup"), ("HEAD", "/v1/invitations/accept"), ("OPTIONS", "/v1/invitations/accept")):
        stranger(absender, method, path)
    for _ in range(3):
        stranger(absender, "POST", "/v1/invitations/lookup", {"token": token})
    tap.equal(accept(absender, link, "Scanned").status, 201, "scanners that open every link use nothing up")


def who_is_here_is_not_invited(tap, absender):
    answer = absender.request("POST", "/v1/invitations", {"email": ADMIN["email"].upper(), "role": "member"})
    tap.equal((answer.status, answer.json["code"]), (409, "already_member"), "who has an account is not invited")
    link = invite(absender, "max@example.test")["link"]
    answer = absender.request("POST", "/v1/invitations/accept", {"token": token_of(link), "name": "Max", "password": PASSWORD})
    tap.equal((answer.status, answer.json["member"]["email"]), (201, "max@example.test"),
              "a link that was passed on makes the invited account, whoever is signed in")
    absender.cookie = answer.headers["Set-Cookie"].split(";")[0]
    absender.csrf = answer.json["csrf_token"]
    tap.equal(absender.request("GET", "/v1/invitations").status, 403, "and that account sees no invitations")
    answer = stranger(absender, "POST", "/v1/sessions", {"email": ADMIN["email"], "password": ADMIN["password"]})
    absender.cookie, absender.csrf = answer.headers["Set-Cookie"].split(";")[0], answer.json["csrf_token"]


# --- Links from nowhere else (T35) --------------------------------------------------------------------

def lies(absender):
    """Headers that say we were reached elsewhere; the first one is true, of another of our names."""
    evil = "evil.example"
    return [{"Host": f"localhost:{absender.port}"}, {"X-Forwarded-Host": evil}, {"X-Forwarded-Proto": "https"}, {"X-Forwarded-Port": "1"},
            {"X-Forwarded-Server": evil}, {"Forwarded": f"host={evil};proto=https"}, {"X-Host": evil}, {"X-Original-Host": evil},
            {"X-HTTP-Host-Override": evil}, {"X-Original-URL": f"https://{evil}/"}, {"X-Rewrite-URL": f"https://{evil}/"},
            {"X-Forwarded-Prefix": f"//{evil}"}]


def headers_change_no_link(tap, absender):
    """Each route that makes a link in the request itself; and what is mailed with it."""
    wanted = invite(absender, "plain@example.test")["link"].split("#")[0]
    seen, variants = {}, lies(absender)
    for number, headers in enumerate(variants):
        def post(path, body=None):
            answer = absender.request("POST", path, body, headers)
            assert answer.status in (200, 201), answer
            seen.setdefault(re.sub(r"[a-z]{3}_\w+", "{id}", path), []).append(answer.json["link"])
            return answer.json

        email = f"host{number}@example.test"
        invitation = post("/v1/invitations", {"email": email, "role": "member"})
        mailed = link_in(read(absender, mails_to(absender, email)[0]))
        post(f"/v1/invitations/{invitation['id']}/resend")
        copied = post(f"/v1/invitations/{invitation['id']}/link")
        member = accept(absender, copied["link"]).json["member"]
        post(f"/v1/members/{member['id']}/reset-link")
        post(f"/v1/password-resets/{resets(absender, email)[0]['id']}/link")
        seen.setdefault("by mail", []).append(mailed)
    for way, links in seen.items():
        begins = {link.split("#")[0] for link in links}
        tap.ok(begins == {wanted} and len(set(links)) == len(variants), f"{len(variants)} headers change no link: {way}", begins)
    answer = stranger(absender, "POST", "/v1/password-resets", {"email": ADMIN["email"]}, {"Host": "evil.example"})
    tap.equal(answer.status, 421, "and who asks for a host that is not ours is not answered (T35)")


# --- Nobody is flooded (T37) --------------------------------------------------------------------------

def nobody_is_flooded(tap, absender):
    before = len(mails_to(absender, "bob@example.test", 0))
    for number in range(50):
        assert ask_reset(absender, "bob@example.test", f"192.0.2.{number}").status == 202
    emails = [f"many{number}@example.test" for number in range(12)]
    for email in emails:
        accept(absender, invite(absender, email)["link"])
    for email in emails:
        assert ask_reset(absender, email, "192.0.2.200").status == 202
    def asked():
        return [email for email in emails if resets(absender, email, wait=0)]
    until = time.monotonic() + SETTLED_SECONDS
    while len(asked()) < 10 and time.monotonic() < until:
        time.sleep(0.05)
    absender.wait_until_sent()
    tap.ok(len(mails_to(absender, "bob@example.test", 0)) - before <= 3, "50 requests for one address are at most 3 mails")
    tap.equal(len(asked()), 10, "one client gets mail to ten addresses an hour, whatever it asks for")


def the_house_is_not_flooded(tap, absender):
    """Members that are all there, asked for from everywhere: a hundred an hour, and the rest leaves nothing."""
    before, count = len(absender.emails()), PER_HOUSE + 3
    absender.stop()  # what was counted before is forgotten
    add_members(absender, count, "house")
    absender.start()
    for number in range(count):
        assert ask_reset(absender, f"house{number}@example.test", f"10.77.{number}.7").status == 202
    with contextlib.closing(sqlite3.connect(os.path.join(absender.data, "absender.db"))) as db:
        asked = lambda: db.execute("SELECT COUNT(*) FROM password_resets WHERE member_row IS NULL").fetchone()[0]  # noqa: E731
        until = time.monotonic() + SETTLED_SECONDS
        while asked() and time.monotonic() < until:
            time.sleep(0.05)
        left = db.execute("SELECT COUNT(*) FROM password_resets r JOIN members m ON m.row = r.member_row WHERE m.email LIKE 'house%'").fetchone()[0]
    tap.equal((left, len(absender.emails()) - before), (PER_HOUSE, PER_HOUSE), f"{count} requests for {count} members are {PER_HOUSE} mails an hour")
    absender.wait_until_sent()


# --- Nobody is told apart (T36) -----------------------------------------------------------------------

def add_members(absender, count, name="known"):
    with contextlib.closing(sqlite3.connect(os.path.join(absender.data, "absender.db"))) as db, db:
        for number in range(count):
            db.execute("INSERT INTO members (org_id, id, email, name, role, created_at) VALUES (1, ?, ?, 'Nobody', 1, 1)",
                       (uuid.uuid4().bytes, f"{name}{number}@example.test"))


def delta(first, second):
    """Cliff's delta: how often one is larger than the other, less how often it is smaller."""
    larger = sum(a > b for a in first for b in second)
    smaller = sum(a < b for a in first for b in second)
    return (larger - smaller) / (len(first) * len(second))


def nobody_is_told_apart(tap, absender, pairs):
    rounds, limit = -(-pairs // PAIRS), EFFECTS[max(each for each in EFFECTS if each <= pairs)]
    absender.stop()
    add_members(absender, PAIRS)
    times, answers = {"known": [], "nobody": []}, set()
    for _ in range(rounds):
        absender.start()
        for number in range(PAIRS):
            for kind in random.sample(("known", "nobody"), 2):
                begun = time.perf_counter()
                answer = ask_reset(absender, f"{kind}{number}@example.test", f"10.{number}.{random.randrange(250)}.7")
                times[kind].append(time.perf_counter() - begun)
                headers = {name: value for name, value in answer.headers.items() if name not in ("Date", "X-Request-Id")}
                answers.add((answer.status, answer.body, tuple(sorted(headers.items()))))
                time.sleep(0.01)
        absender.stop()
    absender.start()
    effect = delta(times["known"], times["nobody"])
    medians = {kind: round(1000 * statistics.median(found), 3) for kind, found in times.items()}
    tap.equal(len(answers), 1, "who has an account and who has not get one answer, byte for byte")
    tap.ok(abs(effect) < limit, f"and in the same time: Cliff's delta {effect:.3f} (at most {limit}) of {PAIRS * rounds} pairs, medians {medians} ms", effect)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=SHORT)
    options = parser.parse_args()
    tap = Tap()
    with Daemon("--dev", "--trusted-proxy", "127.0.0.1/32") as absender:
        absender.sign_in_first_admin()
        without_mail(tap, absender)
        race(tap, absender)
        no_get_uses_anything_up(tap, absender)
        who_is_here_is_not_invited(tap, absender)
        absender.use_sandbox()
        by_mail(tap, absender)
        headers_change_no_link(tap, absender)
        nobody_is_flooded(tap, absender)
        what_a_restart_keeps(tap, absender)
        the_house_is_not_flooded(tap, absender)
        nobody_is_told_apart(tap, absender, options.pairs)
    the_only_admin_gets_back_in(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
