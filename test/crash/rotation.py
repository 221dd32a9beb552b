#!/usr/bin/env python3
"""kill -9 while keys are rotated under load, again and again: whatever step it falls on, the key file is whole, everything stored opens
after the next start, what was begun is brought to its end, and no mail is lost. Mail is sent with OAuth2 meanwhile, whose token is renewed
all the time, and every kind of secret stands in the draft and in former versions of the settings.

  test/crash/rotation.py [CYCLES [SEED]]
"""
import contextlib
import http.client
import os
import pathlib
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import threading
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "real"), str(TESTS / "crash")]
from authserver import AuthServer  # noqa: E402
from badserver import BadServer  # noqa: E402
from dnsserver import DnsServer  # noqa: E402
from harness.daemon import Daemon, Tap  # noqa: E402
from ledger import Book, Load, Verdict, chosen_seed, faults_on_disk, settings, verify  # noqa: E402

PASSWORD = "correct horse"
WEBHOOKS = 16
SETTLE_SECONDS = 120
MOST_KEYS = 8
TOKEN_SECONDS = 20  # an access token is renewed when little of that is left
SETTINGS_SECRETS = ("password", "oauth_client_secret", "oauth_private_key", "oauth_service_account", "oauth_refresh_token")
SEALED = (*((table, f"{secret}_sealed") for table in ("smtp_slots", "smtp_history") for secret in SETTINGS_SECRETS), ("oauth_tokens", "sealed"),
          ("webhooks", "secret_sealed"), ("day_keys", "wrapped"), ("fingerprint_key", "wrapped"))
HTTP_ERRORS = (OSError, ValueError, KeyError, http.client.HTTPException)


class Hands:
    """Somebody who changes the key all the time, until the daemon is gone."""

    def __init__(self, absender):
        self.absender, self.rotations = absender, 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        with contextlib.suppress(*HTTP_ERRORS):
            while True:
                rotate(self.absender)
                self.rotations += 1


def keys_of(absender):
    return absender.operator("GET", "/v1/keys").json["data"]


def wait_until_settled(absender):
    """Until nothing is under another key than the first."""
    until = time.monotonic() + SETTLE_SECONDS
    while any(key["sealed"] for key in keys_of(absender)[1:]):
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def retire_all(absender):
    """Exit statuses of taking away every key but the one in use."""
    return [absender.operator("POST", f"/v1/keys/{key['id']}/retire").status for key in keys_of(absender)[1:]]


def rotate(absender):
    if len(keys_of(absender)) < MOST_KEYS:
        added = absender.operator("POST", "/v1/keys").json["data"][-1]["id"]
        absender.operator("POST", f"/v1/keys/{added}/activate")
    wait_until_settled(absender)
    retire_all(absender)


def keys_on_disk(data):
    return set(re.findall(r"^id ([0-9a-f]{32})$", pathlib.Path(data, "key").read_text(encoding="ascii"), re.M))


def homeless(data):
    """Stored values whose key is not in the key file; looked at in a copy, so that the next start finds what the death has left."""
    keys, found = keys_on_disk(data), []
    with tempfile.TemporaryDirectory(prefix="absender-keys-") as copy:
        for name in ("absender.db", "absender.db-wal"):
            if os.path.exists(os.path.join(data, name)):
                shutil.copy(os.path.join(data, name), copy)
        with contextlib.closing(sqlite3.connect(os.path.join(copy, "absender.db"))) as db:
            for table, column in SEALED:
                for kek_id, in db.execute(f"SELECT DISTINCT lower(hex(substr({column}, 5, 16))) FROM {table} WHERE {column} IS NOT NULL"):
                    found += [] if kek_id in keys else [f"{table}.{column} needs {kek_id}"]
    return found


# --- Every kind of secret -------------------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def world():
    """A server that takes every login, an authorisation server that takes only what it has given out, and a daemon that may use both."""
    with AuthServer(lifetime=TOKEN_SECONDS, knows_providers=True) as auth, BadServer("all_extensions") as server, \
            DnsServer([*auth.records(), "localhost. A 127.0.0.1"]) as dns, tempfile.TemporaryDirectory(prefix="absender-trusted-") as folder:
        server.plan = server.plan._replace(after_tls=("AUTH PLAIN LOGIN XOAUTH2", *server.plan.after_tls[1:]))
        trusted = pathlib.Path(folder, "trusted.pem")
        trusted.write_bytes(b"".join(pathlib.Path(each.ca_file).read_bytes() for each in (server, auth)))
        with Daemon("--dev", "--ca-file", str(trusted), "--allow-port", str(server.port), "--dns-server", dns.address) as absender:
            yield auth, server, absender


def oauth_settings(server, oauth):
    return {**settings(server, PASSWORD), "auth": "oauth2", "oauth": oauth}


def sign_in(absender, auth, server):
    """A person's refresh token, in the draft."""
    patch_draft(absender, oauth_settings(server, auth.oauth("person")))
    begun = absender.request("POST", "/v1/smtp/oauth/authorizations", {})
    answer = absender.request("POST", "/v1/smtp/oauth/authorizations/redeem", {"address": auth.sign_in(begun.json["url"])})
    assert answer.status in (200, 201), answer


def patch_draft(absender, body):
    answer = absender.operator("PATCH", "/v1/smtp/draft", body, {"If-Match": "*"})
    assert answer.status == 200, answer


def fill_draft(absender, auth, server):
    """With every secret that settings can hold."""
    certificate, key = auth.keys["certificate"]
    oauth = auth.oauth("application", certificate=certificate, private_key=key, service_account_key=auth.service_account_key(), refresh_token="by hand")
    patch_draft(absender, oauth_settings(server, oauth))


def make_ready(absender, auth, server):
    """A version of the settings with each kind of secret; mail goes by the last."""
    absender.sign_in_first_admin()
    verify(absender, server, PASSWORD)
    for oauth in (auth.oauth("certificate"), auth.oauth("service_account", "google"), None, auth.oauth("application")):
        if oauth is None:
            sign_in(absender, auth, server)
        run = absender.verify(oauth_settings(server, oauth) if oauth else {})
        assert isinstance(run, dict) and run["state"] == "passed", run
    fill_draft(absender, auth, server)
    add_webhooks(absender)
    absender.switch(True)
    absender.make_token()


def restored(absender):
    """What becomes of each version of the settings when it is verified with its own secrets and taken again."""
    ends = []
    for version in absender.operator("GET", "/v1/smtp/history").json["data"]:
        begun = absender.operator("POST", f"/v1/smtp/history/{version['id']}/restore", {})
        ends.append(absender.verification(begun.json["id"])["state"] if begun.status == 202 else begun)
    return ends


# --- Kills ----------------------------------------------------------------------------------------------------------------------------

def kill_again_and_again(absender, book, cycles):
    """(rotations that ended, faults in what the kills left behind)"""
    rotations, faults = 0, []
    for cycle in range(cycles):
        load, hands = Load(absender, book, f"rot{cycle}"), Hands(absender)
        load.wait_for_first()
        time.sleep(random.uniform(0.0, 0.5))
        absender.kill()
        load.join()
        hands.thread.join()
        rotations += hands.rotations
        faults += faults_on_disk(absender.data)
        faults += homeless(absender.data)
        absender.start()
        book.repeat_unanswered(absender)
    return rotations, faults


def add_webhooks(absender):
    for number in range(WEBHOOKS):
        answer = absender.operator("POST", "/v1/webhooks", {"url": f"https://hooks{number}.example.test/", "events": ["date.near"]})
        assert answer.status == 201, answer


def main():
    cycles = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    seed = chosen_seed(sys.argv[2] if len(sys.argv) > 2 else None)
    tap, book = Tap(), Book()
    print(f"# seed {seed}; again: test/crash/rotation.py {cycles} {seed}")
    reason = AuthServer.unavailable() or (None if os.geteuid() == 0 else "only root may serve the providers' port")
    if reason is not None:
        tap.skip("keys are changed under kills", reason)
        return tap.end()
    with world() as (auth, server, absender):
        make_ready(absender, auth, server)
        first = keys_on_disk(absender.data)
        rotations, faults = kill_again_and_again(absender, book, cycles)
        tap.equal(faults, [], f"{cycles} kills within rotations ({rotations} others ended): every stored value has its key in the file")
        tap.ok(wait_until_settled(absender), "what a kill broke off is brought to its end by the next start", keys_of(absender))
        tap.equal(set(retire_all(absender)) - {200}, set(), "then every former key may go")
        tap.ok(len(keys_on_disk(absender.data)) == 1 and not first & keys_on_disk(absender.data), "and the first key is long gone")
        verdict = Verdict(absender, server, book)
        verdict.tell(tap)
        absender.stop()
        absender.start()
        tap.equal(homeless(absender.data), [], "the last key alone has sealed everything")
        tap.equal(restored(absender), 5 * ["passed"], "every secret of every version of the settings still opens, and is the one it was")
        fill_draft(absender, auth, server)
        log = pathlib.Path(absender.log.name).read_text(encoding="utf-8", errors="replace")
        tap.equal(re.findall(r".*(?:does not open|[1-9]\d* could not be opened).*", log), [], "0 values were unreadable at any time")
        tap.ok(not any(secret in log for secret in (PASSWORD, *auth.tokens(), auth.clients["application"]["client_secret"])),
               "and the log shows no password, secret or token")
        renewed = sum(each["status"] == 200 for each in auth.requests())
        print(f"# {verdict.remark(book)}; {renewed} access tokens")
        tap.equal(absender.stop(), 0, "it stops in order")
        key = pathlib.Path(absender.data, "key")
        key.write_text(re.sub(r"^id .*$", f"id {'0' * 32}", key.read_text(encoding="ascii"), flags=re.M), encoding="ascii")
        found = {place.split()[0] for place in homeless(absender.data)}
        tap.equal(found, {".".join(place) for place in SEALED}, "control: with another key in the file every place is found out")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
