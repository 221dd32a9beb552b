#!/usr/bin/env python3
"""Every usual mistake with the providers people have, from the wrong input over the diagnosis to the offered click, and that after
the click the next verification passes. TAP. Needs root (providerworld.py)."""
import pathlib
import re
import sys
from typing import NamedTuple

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from harness.daemon import Daemon, Tap  # noqa: E402
from providerworld import IMPLICIT, STARTTLS, WRONG_PASSWORD, ProviderWorld  # noqa: E402

SETTINGS = ("host", "port", "security", "username", "from_email")  # what an action may carry
SECURITY = {IMPLICIT: "implicit", STARTTLS: "starttls"}
SECOND_SENTENCE = re.compile(r"[.!?]\s+[A-ZÄÖÜ]")

tap = Tap()


class Mistake(NamedTuple):
    name: str
    provider: str
    wrong: dict  # settings in place of the right ones
    diagnosis: str
    action: str
    carries: dict = {}  # what the action must bring
    remedy: dict = {}  # what the person adds by hand
    connected_to: str = ""  # whose certificate came, where it tells what went wrong


# With everything reachable.
MISTAKES = (
    Mistake("IONOS: wrong password", "ionos", {"password": WRONG_PASSWORD}, "ionos_bad_credentials", "enter_password_again",
            remedy={"password": "ionos-mailbox"}),
    Mistake("IONOS: another's sender address", "ionos", {"from_email": "chef@fremde-firma.example"}, "sender_not_owned",
            "use_from_of_login", {"from_email": "info@praxis-ionos.example"}),
    Mistake("IONOS: its old host name", "ionos", {"host": "smtp.1und1.de"}, "tls_hostname_mismatch", "use_right_host",
            {"host": "smtp.ionos.de"}),
    Mistake("STRATO: wrong password", "strato", {"password": WRONG_PASSWORD}, "auth_failed_generic", "enter_password_again",
            remedy={"password": "strato-mailbox"}),
    Mistake("STRATO: another's sender address", "strato", {"from_email": "chef@fremde-firma.example"}, "sender_not_owned",
            "use_from_of_login", {"from_email": "kontakt@kanzlei-strato.example"}),
    Mistake("STRATO: a name of the own domain", "strato", {"host": "mail.kanzlei-strato.example"}, "tls_hostname_mismatch",
            "use_right_host", {"host": "smtp.strato.de"}),
    Mistake("ALL-INKL: wrong password", "allinkl", {"password": WRONG_PASSWORD}, "auth_failed_generic", "enter_password_again",
            remedy={"password": "kas-mailbox"}),
    Mistake("ALL-INKL: smtp.all-inkl.com", "allinkl", {"host": "smtp.all-inkl.com"}, "tls_hostname_mismatch_allinkl", "use_right_host",
            {"host": "w0123456.kasserver.com"}, connected_to="*.kasserver.com"),
    Mistake("ALL-INKL: another's sender address, signed in as the address", "allinkl",
            {"from_email": "chef@fremde-firma.example", "username": "vorstand@verein-allinkl.example"}, "sender_not_owned",
            "use_from_of_login", {"from_email": "vorstand@verein-allinkl.example"}),
    Mistake("ALL-INKL: the KAS login", "allinkl", {"username": "w0123456"}, "auth_failed_generic", "use_address_as_username",
            {"username": "vorstand@verein-allinkl.example"}, {"password": "kas-mailbox"}),
    Mistake("Gmail: wrong password", "gmail", {"password": WRONG_PASSWORD}, "gmail_bad_credentials", "open_app_password",
            {"url": "https://myaccount.google.com/apppasswords"}, {"password": "abcdefghijklmnop"}),
    Mistake("Gmail: the account's password", "gmail", {"password": "google-account"}, "gmail_app_password_required",
            "open_app_password", {"url": "https://myaccount.google.com/apppasswords"}, {"password": "abcdefghijklmnop"}),
    Mistake("Gmail: host mistyped", "gmail", {"host": "smtp.gmial.com"}, "dns_host_not_found", "use_right_host",
            {"host": "smtp.gmail.com"}),
    Mistake("Gmail: a name of the own domain", "gmail", {"host": "mail.firma-google.example"}, "tls_hostname_mismatch",
            "use_right_host", {"host": "smtp.gmail.com"}),
    Mistake("Microsoft 365: a name of the own domain", "microsoft365",
            {"host": "mail.schule-microsoft.example", "port": STARTTLS, "security": "starttls"}, "tls_hostname_mismatch",
            "use_right_host", {"host": "smtp.office365.com"}),
    Mistake("Microsoft 365: wrong password", "microsoft365", {"password": WRONG_PASSWORD}, "m365_wrong_credentials",
            "enter_password_again", remedy={"password": "microsoft-account"}),
    Mistake("Microsoft 365: port 465 is dropped on the way", "microsoft365", {"port": IMPLICIT, "security": "implicit"},
            "connect_port_blocked", "use_sibling_port", {"port": STARTTLS, "security": "starttls"}),
)
# Where only one of the two ports is open.
BLOCKED = tuple(
    Mistake(f"{name}: port 587 is refused", provider, {"port": STARTTLS, "security": "starttls"}, "connect_port_blocked", "use_sibling_port",
            {"port": IMPLICIT, "security": "implicit"})
    for name, provider in (("IONOS", "ionos"), ("STRATO", "strato"), ("ALL-INKL", "allinkl"), ("Gmail", "gmail")))


def right_settings(provider):
    port = provider.ports[0]
    return {"host": provider.hosts[0], "port": port, "security": SECURITY[port], "username": provider.usernames[0],
            "password": provider.password, "from_email": provider.email}


def verdict(run):
    """Of a verification or a refusing answer: in short, for a comparison that shows what came."""
    if not isinstance(run, dict):
        return repr(run)
    return run["state"] if run["diagnosis"] is None else run["diagnosis"]["id"]


def check_words(absender, run, name):
    """The same run, read in both languages: one sentence says what is wrong."""
    for language in ("de", "en"):
        diagnosis = absender.request("GET", f"/v1/smtp/verifications/{run['id']}", headers={"Accept-Language": language},
                                     as_operator=True).json["diagnosis"]
        meaning = diagnosis["meaning"]
        tap.ok(meaning.endswith((".", "!", "?")) and not SECOND_SENTENCE.search(meaning) and diagnosis["fix"] and
               all(action["label"] for action in diagnosis["actions"]), f"{name}: one sentence says so ({language})", diagnosis)


def check_mistake(absender, world, mistake):
    settings = {**right_settings(world.providers[mistake.provider].provider), **mistake.wrong}
    run = absender.verify(settings)
    if not tap.equal(verdict(run), mistake.diagnosis, f"{mistake.name}: is {mistake.diagnosis}"):
        return
    check_words(absender, run, mistake.name)
    if mistake.connected_to:
        tap.equal(run["connected_to"], {"wanted": settings["host"], "got": mistake.connected_to}, f"{mistake.name}: the one who answered is named")
    actions = {action["code"]: action for action in run["diagnosis"]["actions"]}
    action = actions.get(mistake.action, {})
    brought = {key: action.get(key) for key in mistake.carries}
    tap.ok(mistake.action in actions and brought == mistake.carries, f"{mistake.name}: {mistake.action} is offered",
           run["diagnosis"]["actions"])
    clicked = {key: action[key] for key in SETTINGS if action.get(key) is not None}
    run = absender.verify({**settings, **clicked, **mistake.remedy})
    tap.equal(verdict(run), "passed", f"{mistake.name}: after the click it passes")


def check_right(absender, world):
    for name, server in world.providers.items():
        settings = right_settings(server.provider)
        tap.equal(verdict(absender.verify(settings)), "passed", f"{name}: right settings pass")
        found = absender.operator("GET", f"/v1/smtp/discovery?email={server.provider.email}").json
        best = found["best"] or {}
        tap.equal([best.get("host"), best.get("port"), best.get("preset")],
                  [settings["host"], settings["port"], server.provider.preset or None], f"{name}: the address alone leads there")


def check_microsoft_tenant(absender, world):
    """The administrator switches on what was off."""
    server = world.providers["microsoft365"]
    settings = {**right_settings(server.provider), "password": server.provider.account_password}
    run = absender.verify(settings)
    tap.equal(verdict(run), "m365_smtp_auth_disabled_tenant", "Microsoft 365: SMTP AUTH is off for the tenant")
    check_words(absender, run, "Microsoft 365: off for the tenant")
    tap.ok({"open_support", "ask_operator"} <= {action["code"] for action in run["diagnosis"]["actions"]},
           "Microsoft 365: who can switch it on is named", run["diagnosis"]["actions"])
    true_provider = server.provider
    server.provider = true_provider._replace(password=true_provider.account_password, account_password="")
    tap.equal(verdict(absender.verify(settings)), "passed", "Microsoft 365: switched on, the same password passes")
    server.provider = true_provider


def send_test_mail(absender, *states):
    """Its state and its last diagnosis."""
    answer = absender.operator("POST", "/v1/smtp/test-emails", {"to": "anna@schule-microsoft.example"})
    assert answer.status == 202, answer
    email = absender.wait_for_state(answer.json["id"], *states)
    attempts = [attempt for recipient in email["recipients"] for attempt in recipient["attempts_log"]]
    return email["state"], attempts[-1]["diagnosis"] or {}


def check_late_refusal(absender, world):
    """Microsoft takes MAIL and RCPT, and refuses when the mail is there: only a test mail shows it."""
    server = world.providers["microsoft365"]
    settings = {**right_settings(server.provider), "from_email": "chef@fremde-firma.example"}
    tap.equal(verdict(absender.verify(settings)), "passed", "Microsoft 365: another's sender address passes the verification")
    state, diagnosis = send_test_mail(absender, "deferred", "rejected", "accepted")
    tap.equal((state, diagnosis.get("id")), ("deferred", "m365_send_as_denied"),
              "Microsoft 365: and the test mail tells that it may not be used")
    tap.ok(any(action.get("from_email") == server.provider.email for action in diagnosis.get("actions", [])),
           "Microsoft 365: and offers the mailbox's own address", diagnosis)
    tap.ok(not server.mails(), "Microsoft 365: nothing was sent under it")
    failure = absender.operator("GET", "/v1/smtp").json["last_failure"]
    actions = {action["code"]: action for action in failure["diagnosis"]["actions"]} if failure else {}
    if tap.equal(actions.get("use_from_of_login", {}).get("from_email"), server.provider.email,
                 "Microsoft 365: the status offers the mailbox's own address"):
        run = absender.verify({**settings, "from_email": actions["use_from_of_login"]["from_email"]})
        tap.equal(verdict(run), "passed", "Microsoft 365: after the click it passes")
        tap.equal(send_test_mail(absender, "accepted", "rejected")[0], "accepted", "Microsoft 365: and the test mail is taken")


def check_rewriting(absender, world):
    """Google says nothing: it takes any sender and puts the account's in its place."""
    run = absender.verify({**right_settings(world.providers["gmail"].provider), "from_email": "chef@fremde-firma.example"})
    tap.equal(verdict(run), "passed", "Gmail: takes another's sender address without a word")


def check_autoconfig(absender, world):
    found = absender.operator("GET", "/v1/smtp/discovery?email=post@autoconfig-verein.example").json
    tap.equal([found["best"][key] for key in ("source", "host", "port", "username")],
              ["autoconfig", "mail.autoconfig-verein.example", IMPLICIT, "post@autoconfig-verein.example"],
              "Autoconfig over HTTPS of the domain itself is found")
    tap.ok(world.website.paths and not any("post" in path or "@" in path for path in world.website.paths),
           "and was not told the address", world.website.paths)


def check_policy(world):
    """The same world for a service that may not connect to this machine: names that lead there are seen, and left alone."""
    server = world.providers["ionos"]
    before = len(server.sessions), len(world.website.paths)
    with Daemon("--ca-file", world.ca_file, "--dns-server", world.dns.address) as absender:
        tap.equal(verdict(absender.verify(right_settings(server.provider))), "dns_answer_private_address",
                  "a provider's name that leads to this machine is not connected to")
        found = absender.operator("GET", "/v1/smtp/discovery?email=post@autoconfig-verein.example").json
        step = next(step for step in found["steps"] if step["name"] == "autoconfig")
        tap.ok(found["best"] is None and step["state"] in ("failed", "nothing"), "nor is a domain's Autoconfig", found)
    tap.equal((len(server.sessions), len(world.website.paths)), before, "and nobody was called")


def check_secrets(world):
    """No password on a connection without TLS, nor to a server whose certificate did not fit."""
    for name, server in world.providers.items():
        provider = server.provider
        leaks = [session.describe() for session in server.sessions for password in (provider.password, provider.account_password)
                 if password and session.leaks(provider.usernames[0], password)]
        tap.ok(not leaks, f"{name}: no password outside TLS in {len(server.sessions)} connections", leaks)


def main():
    with ProviderWorld() as world, Daemon("--dev", "--ca-file", world.ca_file, "--dns-server", world.dns.address) as absender:
        check_right(absender, world)
        for mistake in MISTAKES:
            check_mistake(absender, world, mistake)
        check_microsoft_tenant(absender, world)
        check_rewriting(absender, world)
        check_late_refusal(absender, world)
        check_autoconfig(absender, world)
        check_secrets(world)
        check_policy(world)
    with ProviderWorld((IMPLICIT,)) as world, Daemon("--dev", "--ca-file", world.ca_file, "--dns-server", world.dns.address) as absender:
        for mistake in BLOCKED:
            check_mistake(absender, world, mistake)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
