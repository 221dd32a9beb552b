#!/usr/bin/env python3
"""OAuth2 with real servers: oidc-provider issues tokens, Dovecot asks it what they are worth, Postfix takes the mail. From empty settings to
a delivered mail by every way there is; tokens that end, are withdrawn or cannot be had while mail is queued; secrets that are changed; keys
that are changed under load; addresses that no secret goes to. TAP.

  test/real/test_oauth.py [--mails N] [--only WORD]      N: queued when the token ends, a fifth of it elsewhere; WORD: part of a check's name
"""
import argparse
import concurrent.futures
import contextlib
import pathlib
import queue as queues
import socket
import sqlite3
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from authserver import CODE, CREDENTIALS, DEVICE, REFRESH, AuthServer  # noqa: E402
from dnsserver import DnsServer  # noqa: E402
from mailserver import USER, MailServer  # noqa: E402
from harness.daemon import Daemon, Notes, Tap  # noqa: E402
from test_webhooks import receiver  # noqa: E402

MAILS = 300
SHORT_LIFE, LIFE = 12, 3600  # the shorter one is long enough for a verification on any machine
YOUNG_SECONDS = 6  # a token that is refused earlier than that is not exchanged for another
RETRY_SECONDS = 3600  # by then the outbox has tried again
LANES = 3  # of checks beside each other, each with servers of its own: most of it is waiting
QUIET_SECONDS = 2
PRIVATE = "oauth_server_not_allowed"
LOG = 4000
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CUT = 3  # of the mails one part is delivered when the token is withdrawn


# --- What all checks do -------------------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def running(mail, *options, mode=("--dev",)):
    """An Absender that can use these servers; what it logged stands in a failure."""
    with Daemon(*mode, *mail.options(), *options) as absender:
        try:
            yield absender
        except (AssertionError, TimeoutError, RuntimeError, KeyError, TypeError) as error:
            said = pathlib.Path(absender.log.name).read_text("utf-8", "replace")
            raise AssertionError(f"{type(error).__name__}: {error}\n--- the mail server:\n{mail.log()[-LOG:]}\n--- Absender:\n{said[-LOG:]}") from error


def settings(mail, oauth, security="starttls"):
    return {"host": "localhost", "port": getattr(mail, f"{security}_port"), "security": security, "from_email": USER, "username": USER,
            "auth": "oauth2", "oauth": oauth}


def set_up(absender, mail, oauth):
    """Verified; sending is off."""
    run = absender.verify(settings(mail, oauth))
    assert isinstance(run, dict) and run["state"] == "passed", run
    absender.switch(False)


def status(absender):
    return absender.operator("GET", "/v1/smtp").json


def withdraw(auth, name="application"):
    """Its tokens, when they are old enough to be worth another try."""
    time.sleep(YOUNG_SECONDS)
    auth.revoke(name)


def granted(auth):
    """What tokens were given for, in order."""
    return [each["grant_type"] for each in auth.requests() if each["status"] == 200]


def refused(auth):
    return [each["error"] for each in auth.requests() if each["status"] != 200]


def deliver(absender, mail, count=1):
    """Mails sent and delivered, besides those that were before."""
    before = mail.count()
    absender.send_many([{"to": f"anna{number}@example.de", "subject": f"{number}", "text": "Hello"} for number in range(count)])
    mail.wait_for(before + count)


def queue(absender, count):
    """So many mails that wait until sending is switched on."""
    return absender.send_many([{"to": f"anna{number}@example.de", "subject": f"{number}", "text": "Hello " * 20} for number in range(count)])


def states(absender, ids):
    """How many of these mails are in which state."""
    found, wanted = {}, set(ids)
    for each in absender.emails():
        if each["id"] in wanted:
            found[each["state"]] = found.get(each["state"], 0) + 1
    return found


def fresh(auth, mail):
    """As they were when they were started, but for what a check of its own has changed of the clients."""
    auth.turn("up")
    auth.change_lifetime(LIFE)
    auth.forget_requests()
    mail.forget()


def forget_token(absender):
    """A stopped Absender has kept none."""
    with contextlib.closing(sqlite3.connect(f"{absender.data}/absender.db")) as db, db:
        db.execute("DELETE FROM oauth_tokens")


def until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            return value
        time.sleep(0.1)
    return value


def check_secrecy(tap, name, auth, absender, *answers):
    """No token and no secret in what was said."""
    said = repr(answers) + pathlib.Path(absender.log.name).read_text("utf-8", "replace") + repr(status(absender))
    secrets = [*auth.tokens(), *(client["client_secret"] for client in auth.clients.values() if "client_secret" in client)]
    tap.ok(not any(secret in said for secret in secrets), f"{name}: no token and no secret is shown or logged")


# --- From nothing to a delivered mail -----------------------------------------------------------------------------------------------------

def check_first_rung(tap, name, run, server):
    rung = run["phases"][0]
    tap.ok(rung["name"] == "token" and rung["state"] == "passed" and server in str(rung["detail"]), f"{name}: the first rung says who gave the token", rung)


def check_complete(tap, name, auth, mail, absender, oauth, grant, server="localhost", security="starttls"):
    """From the settings of nobody."""
    auth.forget_requests()
    before = status(absender)
    tap.equal((before["setup"], before["sending_with"]), ("not_configured", None), f"{name}: nothing is set up")
    run = absender.verify(settings(mail, oauth, security))
    if not (isinstance(run, dict) and run["state"] == "passed"):
        tap.ok(False, f"{name}: the verification passes", run)
        return
    check_first_rung(tap, name, run, server)
    tap.equal(status(absender)["setup"], "complete", f"{name}: the settings are complete")
    absender.switch(True)
    deliver(absender, mail)
    tap.equal((granted(auth), refused(auth)), ([grant], []), f"{name}: a mail is delivered, and all of it took one token")
    check_secrecy(tap, name, auth, absender, run)


def check_ways(tap, auth, *_):
    """The ways without a person, by each mechanism and form of TLS."""
    for mechanism in ("xoauth2", "oauthbearer"):
        with MailServer(oauth=auth, token_mechanisms=(mechanism,)) as mail:
            for client, security in (("application", "starttls"), ("certificate", "implicit")):
                with running(mail) as absender:
                    absender.make_token()
                    name = f"{client} by {mechanism}"
                    check_complete(tap, name, auth, mail, absender, auth.oauth(client), CREDENTIALS, security=security)
            tap.ok(until(lambda mail=mail, mechanism=mechanism: f"sasl_method={mechanism.upper()}" in mail.log()), f"Postfix was logged in to by {mechanism}")


def check_providers(tap, *_):
    """Microsoft and Google at their own addresses, as far as a DNS of ours says so."""
    with AuthServer(knows_providers=True) as auth, MailServer(oauth=auth) as mail, DnsServer([*auth.records(), "localhost. A 127.0.0.1"]) as dns:
        microsoft, google = "login.microsoftonline.com", "oauth2.googleapis.com"
        for name, client, provider, grant, server in (("Microsoft, secret", "application", "microsoft", CREDENTIALS, microsoft),
                                                      ("Microsoft, certificate", "certificate", "microsoft", CREDENTIALS, microsoft),
                                                      ("Google, service account", "service_account", "google", JWT_BEARER, google)):
            with running(mail, "--dns-server", dns.address) as absender:
                absender.make_token()
                check_complete(tap, name, auth, mail, absender, auth.oauth(client, provider), grant, server)
        for provider in ("google", "microsoft"):
            with running(mail, "--dns-server", dns.address) as absender:
                check_sign_in(tap, f"{provider}, signed in", auth, mail, absender, provider)
        with running(mail, "--dns-server", dns.address) as absender:
            run = absender.verify(settings(mail, auth.oauth("application", "microsoft", tenant="11111111-2222-4333-8444-555555555555")))
            check_refusal(tap, "another tenant", auth, absender, run, "token", "AADSTS90002")
        check_addresses(tap, auth, mail, dns)
        check_redirect(tap, auth, mail, dns)


# --- Where no secret goes -----------------------------------------------------------------------------------------------------------------

def is_untouched(listener):
    """Whether nobody has connected to it so far."""
    listener.setblocking(False)
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return True
    return False


def check_addresses(tap, auth, mail, dns):
    """Whatever the DNS says, and when it says so, a secret goes to no address that the operator has not allowed."""
    name, trap_at = "login.microsoftonline.com", auth.known_at.replace("127.43.", "127.44.")
    others = ["localhost. A 127.0.0.1"]
    mode = ("--allow-network", "127.0.0.1/32", "--allow-network", f"{auth.known_at}/32")
    with socket.create_server((trap_at, 443)) as trap, running(mail, "--dns-server", dns.address, mode=mode) as absender:
        absender.make_token()
        oauth = auth.oauth("application", "microsoft")
        auth.forget_requests()
        for record in ("A 169.254.169.254", "A 10.1.2.3", f"A {trap_at}", "AAAA ::ffff:169.254.169.254", "AAAA fd00::1"):
            dns.replace([*others, f"{name}. {record}"])
            run = absender.verify(settings(mail, oauth))
            stopped = isinstance(run, dict) and next((phase["name"] for phase in run["phases"] if phase["state"] == "failed"), None)
            tap.equal((stopped, stopped and run["diagnosis"]["id"]), ("token", PRIVATE), f"a token server at {record} is not asked")
        dns.replace([*others, f"{name}. A {auth.known_at}"])
        run = absender.verify(settings(mail, oauth))
        tap.equal(isinstance(run, dict) and run["state"], "passed", "at an address that is allowed it is")
        absender.stop()
        forget_token(absender)
        dns.replace([*others, f"{name}. A {trap_at}"])
        absender.start()
        auth.forget_requests()
        ids = queue(absender, 2)
        absender.switch(True)
        tap.ok(until(lambda: status(absender)["health"]["state"] == "unreachable"), "when the name leads elsewhere later, mail waits", status(absender)["health"])
        tap.equal(((status(absender)["health"]["diagnosis"] or {}).get("id"), states(absender, ids).get("accepted", 0)), (PRIVATE, 0), "and it is said why")
        tap.ok(is_untouched(trap) and not auth.requests(), "nobody connected to where the name led")
        dns.replace([*others, f"{name}. A {auth.known_at}"])
        absender.skip_time(RETRY_SECONDS)
        absender.wait_until_sent()
        tap.equal(states(absender, ids), {"accepted": 2}, "once it leads back all is sent")


def check_redirect(tap, auth, mail, dns):
    """A token server that points elsewhere."""
    names = ["redirect.example", "good.example"]
    dns.replace(["localhost. A 127.0.0.1", *(f"{name}. A 127.0.0.1" for name in names)])
    with receiver(auth.certificates.add("elsewhere", names)) as served, running(mail, "--dns-server", dns.address) as absender:
        oauth = auth.oauth("application", token_url=f"https://redirect.example:{served.server_port}/token")
        run = absender.verify(settings(mail, oauth))
        check_refusal(tap, "a redirect", auth, absender, run, "token")
        tap.equal([(host, path) for host, path, _, _ in served.seen], [("redirect.example", "/token")], "a redirect is not followed")


# --- A person signs in ----------------------------------------------------------------------------------------------------------------

def draft(absender, mail, auth, provider="generic"):
    """The person's settings, without the one thing that the sign-in brings."""
    answer = absender.request("PATCH", "/v1/smtp/draft", settings(mail, auth.oauth("person", provider)), {"If-Match": "*"})
    assert answer.status == 200, answer
    return status(absender)["missing"]


def verify_draft(absender):
    answer = absender.request("POST", "/v1/smtp/verifications", {})
    assert answer.status == 202, answer
    path = f"/v1/smtp/verifications/{answer.json['id']}"
    return until(lambda: (run := absender.request("GET", path).json)["state"] != "running" and run)


def begin(absender):
    answer = absender.request("POST", "/v1/smtp/oauth/authorizations", {})
    assert answer.status == 201, answer
    return answer.json


def redeem(absender, address):
    return absender.request("POST", "/v1/smtp/oauth/authorizations/redeem", {"address": address})


def check_sign_in(tap, name, auth, mail, absender, provider="generic"):
    absender.sign_in_first_admin()
    tap.equal(draft(absender, mail, auth, provider), ["oauth/refresh_token"], f"{name}: all that is missing is to sign in")
    auth.forget_requests()
    answer = redeem(absender, auth.sign_in(begin(absender)["url"]))
    tap.ok(answer.status in (200, 201) and answer.json["state"] == "done", f"{name}: the code is redeemed", answer)
    run = verify_draft(absender)
    tap.equal(run and run["state"], "passed", f"{name}: the verification passes")
    absender.switch(True)
    for _ in range(2):  # the refresh token that came with the first must have been kept
        auth.change_lifetime(LIFE)
        deliver(absender, mail)
        absender.stop()
        forget_token(absender)
        absender.start()
    deliver(absender, mail)
    tap.equal(refused(auth), [], f"{name}: mails are delivered; every refresh token is used once")
    tap.ok(granted(auth)[0] == CODE and granted(auth).count(REFRESH) >= 3, f"{name}: tokens are renewed by what the sign-in left", granted(auth))
    check_secrecy(tap, name, auth, absender, answer, run)


def check_person(tap, auth, mail, _):
    with running(mail) as absender:
        check_sign_in(tap, "signed in", auth, mail, absender)
    with running(mail) as absender:
        absender.sign_in_first_admin()
        draft(absender, mail, auth)
        check_unfit_redeems(tap, auth, absender)
        check_device(tap, auth, mail, absender)


def check_unfit_redeems(tap, auth, absender):
    first, second = begin(absender), begin(absender)
    address = auth.sign_in(second["url"])
    state = address.partition("state=")[2].partition("&")[0]
    refusals = {"nonsense": redeem(absender, "https://absender.example/oauth/return?nothing=1"),
                "a state of somebody else": redeem(absender, address.replace(state, "x" * 43)),
                "a code of somebody else": redeem(absender, address.replace("code=", "code=x"))}
    for what, answer in refusals.items():
        tap.ok(400 <= answer.status < 500, f"{what} is refused ({answer.status})", answer)
    tap.ok(400 <= redeem(absender, address).status < 500, "a state serves once")
    answer = redeem(absender, auth.sign_in(first["url"]) + "&more=1")
    tap.ok(answer.status in (200, 201), "another sign-in that has begun is not touched", answer)
    answer = redeem(absender, f"{begin(absender)['redirect_uri']}?error=access_denied&state=unknown")
    tap.ok(400 <= answer.status < 500, "a refusal of an unknown state is refused", answer)


def check_device(tap, auth, mail, absender):
    auth.forget_requests()
    answer = absender.request("POST", "/v1/smtp/oauth/devices", {})
    if not tap.ok(answer.status == 201, "a device code can be asked for", answer):
        return
    device = answer.json
    poll = f"/v1/smtp/oauth/devices/{device['id']}/poll"
    tap.equal(absender.request("POST", poll, {}).json["state"], "pending", "until the person has signed in it is pending")
    auth.confirm_device(device["verification_uri"], device["user_code"])
    time.sleep(device["interval_seconds"])
    state = until(lambda: (found := absender.request("POST", poll, {}).json)["state"] != "pending" and found["state"])
    tap.equal(state, "done", "then it is done")
    tap.equal(verify_draft(absender)["state"], "passed", "and the verification passes")
    tap.equal(granted(auth)[0], DEVICE, "the token came for the device's code")


# --- Refusals -----------------------------------------------------------------------------------------------------------------------------

def check_refusal(tap, name, auth, absender, run, rung, word=""):
    """That this verification failed at that rung, and says in German and in English what to do."""
    if not (isinstance(run, dict) and run["state"] == "failed"):
        tap.ok(False, f"{name}: the verification fails", run)
        return
    german = absender.operator("GET", f"/v1/smtp/verifications/{run['id']}", headers={"Accept-Language": "de"}).json
    stopped = next(phase["name"] for phase in run["phases"] if phase["state"] == "failed")
    tap.equal(stopped, rung, f"{name}: it stops at {rung} ({run['diagnosis']['id']})")
    fixes = run["diagnosis"]["fix"], german["diagnosis"]["fix"]
    tap.ok(all(fixes) and fixes[0] != fixes[1], f"{name}: the fix is there in English and in German", fixes)
    tap.ok(word in repr(run), f"{name}: the server's own word is there", run)
    check_secrecy(tap, name, auth, absender, run, german)


def check_refusals(tap, auth, mail, _):
    good = auth.oauth("application")
    for name, oauth, rung, word in (("a wrong secret", {**good, "client_secret": "not-it"}, "token", "invalid_client"),
                                    ("an unknown client", {**good, "client_id": "nobody"}, "token", "invalid_client"),
                                    ("the wrong address", {**good, "token_url": f"{auth.issuer}/nothing"}, "token", ""),
                                    ("another key", auth.oauth("certificate", certificate=auth.keys["service_account"][0],
                                                               private_key=auth.keys["service_account"][1]), "token", "invalid_client"),
                                    ("a token for another mailbox", auth.oauth("stranger"), "auth", "535")):
        with running(mail) as absender:
            auth.forget_requests()
            run = absender.verify(settings(mail, oauth))
            check_refusal(tap, name, auth, absender, run, rung, word)
            tries = 2 if rung == "auth" else 1  # a token that is refused at the login is renewed once
            tap.ok(len(auth.requests()) <= tries, f"{name}: the server is asked {tries} times at most", auth.requests())
    with running(mail) as absender:
        auth.turn("shut")
        run = absender.verify(settings(mail, good))
        check_refusal(tap, "a token server that is down", auth, absender, run, "token")
        auth.turn("up")
    with running(mail) as absender:
        set_up(absender, mail, good)
        check_binding(tap, auth, absender)


def check_binding(tap, auth, absender):
    answer = absender.operator("PATCH", "/v1/smtp/draft", {"oauth": {"token_url": f"{auth.issuer}/elsewhere"}}, {"If-Match": "*"})
    tap.ok(answer.status == 200 and answer.json.get("oauth_dropped") == ["client_secret"], "another token server is not given the secret", answer)
    tap.ok("oauth/client_secret" in status(absender)["missing"], "it is missing then")


# --- Tokens that end ------------------------------------------------------------------------------------------------------------------

def check_expiry(tap, auth, mail, mails):
    """The token ends while mail is queued: one new one, and all mail is delivered."""
    with running(mail) as absender:
        absender.make_token()
        auth.change_lifetime(SHORT_LIFE)
        set_up(absender, mail, auth.oauth("application"))
        over = time.monotonic() + SHORT_LIFE + 1
        auth.change_lifetime(LIFE)
        ids = queue(absender, mails)
        time.sleep(max(0, over - time.monotonic()))
        auth.forget_requests()
        absender.switch(True)
        mail.wait_for(mails)
        absender.wait_until_sent()
        tap.equal(states(absender, ids), {"accepted": mails}, f"the token has ended: all {mails} mails are accepted")
        tap.equal((granted(auth), refused(auth)), ([CREDENTIALS], []), "one new token was fetched for all connections")
        mail.wait_until_idle()
        tap.equal(mail.count(), mails, "each arrives once")
        check_secrecy(tap, "the token has ended", auth, absender)
        absender.stop()
        absender.start()
        deliver(absender, mail, 5)
        tap.equal(len(auth.requests()), 1, "it is kept over a restart")


def check_withdrawal(tap, auth, mail, mails):
    """The token is withdrawn in the middle: who logs in next is refused, gets a new one, and goes on."""
    with running(mail) as absender:
        absender.make_token()
        set_up(absender, mail, auth.oauth("application"))
        ids = queue(absender, mails)
        auth.forget_requests()
        withdraw(auth)
        absender.switch(True)
        mail.wait_for(mails // CUT)
        absender.switch(False)
        withdraw(auth)
        absender.switch(True)
        mail.wait_for(mails)
        absender.wait_until_sent()
        tap.equal(states(absender, ids), {"accepted": mails}, f"tokens are withdrawn: all {mails} mails are accepted")
        tap.ok(1 <= len(granted(auth)) <= 2 and not refused(auth), f"for each withdrawal one new token at most ({len(granted(auth))})", auth.requests())
        tap.equal((status(absender)["breaker"], status(absender)["health"]["state"]), (None, "ok"), "the breaker has not opened")


def check_changed_secret(tap, auth, mail, mails):
    """The secret is worth nothing any more: mail is held, the sentence is clear, and a new secret mends it."""
    with running(mail) as absender:
        absender.make_token()
        oauth = auth.oauth("application")
        set_up(absender, mail, oauth)
        ids = queue(absender, mails)
        new = auth.change_secret("application")
        withdraw(auth)
        auth.forget_requests()
        absender.switch(True)
        breaker = until(lambda: status(absender)["breaker"])
        tap.ok(breaker, "the secret is refused: the breaker opens", status(absender)["health"])
        now = status(absender)
        tap.equal((now["held_reason"], now["health"]["state"]), ("credential_fault", "credential_fault"), "that is why mail is held")
        told = now["health"]["diagnosis"] or {}
        tap.ok(told.get("meaning") and told.get("fix") and "invalid_client" in repr(told), f"in a clear sentence: {told.get('meaning')}", told)
        waiting = states(absender, ids)
        tap.equal(sum(waiting.get(state, 0) for state in ("held", "queued", "deferred")), mails, f"all {mails} mails wait, none is rejected")
        time.sleep(QUIET_SECONDS)
        tap.equal((refused(auth), breaker["tries_left"]), (["invalid_client"], 1), "the secret was sent once, and will be once more by itself")
        run = absender.verify(settings(mail, {**oauth, "client_secret": new}))
        tap.equal(isinstance(run, dict) and run["state"], "passed", "a new secret mends it")
        mail.wait_for(mails)
        absender.wait_until_sent()
        tap.equal(states(absender, ids), {"accepted": mails}, f"all {mails} mails are accepted")
        mail.wait_until_idle()
        tap.equal(mail.count(), mails, "each arrives once")
        check_secrecy(tap, "a changed secret", auth, absender, told, run)


def check_outage(tap, auth, mail, mails):
    """The token server is down when a token is needed: mail waits, no attempt is used up, nothing is rejected."""
    for state in ("shut", "busy"):
        mail.forget()
        with running(mail) as absender:
            absender.make_token()
            set_up(absender, mail, auth.oauth("application"))
            ids = queue(absender, mails)
            absender.stop()
            forget_token(absender)
            auth.turn(state)
            absender.start()
            absender.switch(True)
            until(lambda absender=absender: status(absender)["health"]["state"] not in ("ok", "unknown"))
            absender.wait_until_quiet()
            now = status(absender)
            tap.equal((now["breaker"], now["health"]["state"]), (None, "unreachable"), f"{state}: nobody to give a token is no refusal")
            tap.equal(mail.count(), 0, f"{state}: nothing is sent")
            waiting = states(absender, ids)
            tap.equal(sum(waiting.get(each, 0) for each in ("held", "queued", "deferred")), mails, f"{state}: all mails wait, none is rejected")
            one = absender.operator("GET", f"/v1/emails/{ids[0]}").json["recipients"][0]
            tap.equal(one["attempts"], 0, f"{state}: no mail has used up an attempt")
            auth.turn("up")
            absender.skip_time(RETRY_SECONDS)
            mail.wait_for(mails)
            absender.wait_until_sent()
            tap.equal(states(absender, ids), {"accepted": mails}, f"{state}: once it is back all {mails} are accepted")


# --- Keys ---------------------------------------------------------------------------------------------------------------------------------

def check_keys(tap, auth, mail, mails):
    """Another key, while mail is sent and tokens are renewed."""
    with running(mail) as absender:
        absender.make_token()
        set_up(absender, mail, auth.oauth("application"))
        old = absender.operator("GET", "/v1/keys").json["data"]
        ids = queue(absender, mails)
        absender.switch(True)
        mail.wait_for(mails // 10)
        added = absender.operator("POST", "/v1/keys", {})
        assert added.status in (200, 201), added
        new = next(each["id"] for each in added.json["data"] if each["state"] == "ready")
        activated = absender.operator("POST", f"/v1/keys/{new}/activate", {})
        assert activated.status in (200, 202), activated
        rest = until(lambda: all(each["sealed"] == 0 for each in absender.operator("GET", "/v1/keys").json["data"] if each["id"] == old[0]["id"]))
        tap.ok(rest, "the old key seals nothing any more", absender.operator("GET", "/v1/keys"))
        retired = absender.operator("POST", f"/v1/keys/{old[0]['id']}/retire", {})
        tap.ok(retired.status in (200, 202), "and is retired", retired)
        mail.wait_for(mails)
        absender.wait_until_sent()
        tap.equal(states(absender, ids), {"accepted": mails}, f"a key is changed under load: all {mails} mails are accepted")
        absender.stop()
        absender.start()
        withdraw(auth)
        deliver(absender, mail, 3)
        tap.ok(True, "after a restart the secret is read with the new key, and mail goes out")


CHECKS = {"providers": check_providers, "outage": check_outage, "refusals": check_refusals, "person": check_person, "withdrawal": check_withdrawal,
          "changed secret": check_changed_secret, "expiry": check_expiry, "ways": check_ways, "keys": check_keys}  # the long ones first


def play(tap, name, auth, mail, mails):
    begun = time.monotonic()
    try:
        fresh(auth, mail)
        CHECKS[name](tap, auth, mail, mails)
    except (AssertionError, TimeoutError, RuntimeError, OSError, KeyError, TypeError) as error:
        tap.ok(False, f"{name}: runs to its end", f"{type(error).__name__}: {error}")
    tap.remark(f"{name}: {time.monotonic() - begun:.0f} s")


def play_lane(names, mails):
    """What the checks of one lane said; names: those that no lane has begun."""
    notes = Notes()
    with AuthServer() as auth, MailServer(oauth=auth) as mail, contextlib.suppress(queues.Empty):
        while True:
            name = names.get_nowait()
            play(notes, name, auth, mail, mails if name == "expiry" else max(mails // 5, 1))
    return notes


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mails", type=int, default=MAILS)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    reason = AuthServer.unavailable() or MailServer.unavailable()
    if reason is not None:
        print(f"1..0 # SKIP {reason}")
        return 0
    tap, names = Tap(), queues.SimpleQueue()
    for name in CHECKS:
        if options.only in name:
            names.put(name)
    with concurrent.futures.ThreadPoolExecutor(LANES) as pool:
        for lane in [pool.submit(play_lane, names, options.mails) for _ in range(min(LANES, names.qsize()))]:
            lane.result().tell(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
