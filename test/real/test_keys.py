"""Keys that change while the service works: by command, under load, after wrong, missing and swapped key files, from a systemd credential,
and taken to another place. Nothing becomes unreadable, nothing is lost, and no key or passphrase shows anywhere."""
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from badserver import BadServer  # noqa: E402
from harness.daemon import Daemon, Tap  # noqa: E402
from test_cli import DONE, ENGLISH, GERMAN, NO, USAGE, Shell, command, on_terminal, said  # noqa: E402

PASSPHRASE = "correct horse battery staple"
MAILS = 400  # handed over while keys change
SETTLE_SECONDS = 120
CANNOT_START = 1


def keys_of(absender):
    return absender.operator("GET", "/v1/keys").json["data"]


def settled(absender):
    """Once nothing is under a former key."""
    until = time.monotonic() + SETTLE_SECONDS
    while any(key["sealed"] for key in keys_of(absender)[1:]):
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def secrets_of(text):
    """The keys themselves, as hexadecimal digits."""
    return set(re.findall(r"^key ([0-9a-f]{64})$", text.decode("ascii"), re.M))


def secrets_in(key_file):
    return secrets_of(pathlib.Path(key_file).read_bytes())


def refused_start(absender, language=ENGLISH):
    run = subprocess.run(absender.arguments(), capture_output=True, text=True, timeout=120, check=False, env={**language, **absender.environment})
    return run.returncode, run.stderr.strip()


# --- The commands --------------------------------------------------------------------------------------


def check_commands(tap, shell):
    absender, active = shell.absender, keys_of(shell.absender)[0]
    run = shell("key", "status")
    tap.ok(said(run, DONE, f"^{active['id']}$", "State:.*in use", "Made:.*20", "Values:"), "status shows the key, its age and what it seals", run)
    german = shell("key", "status", env=GERMAN)
    tap.ok(said(german, DONE, "Status:.*in Gebrauch", "Erzeugt:"), "in German too", german)
    listed = json.loads(shell("key", "status", "--json").stdout)
    tap.equal((listed["source"], listed["data"][0]["state"], listed["data"][0]["created_at"] is not None), ("file", "active", True), "and as JSON")
    run = shell("key", "add")
    added = keys_of(absender)[1]
    tap.ok(said(run, DONE, added["id"], "ready to be activated") and added["state"] == "ready", "add makes a key that waits", run)
    run = shell("key", "retire", active["id"])
    tap.ok(said(run, NO, "still in use", "Activate another one first"), "the key in use is not retired", run)
    run = shell("key", "activate", "00" * 16)
    tap.equal(run.returncode, NO, "an unknown key is not activated")
    run = shell("key", "activate", added["id"])
    first, second = keys_of(absender)
    tap.ok(said(run, DONE, added["id"], "in use"), "activate ends when everything is sealed anew", run)
    tap.equal((first["id"], first["state"], second["state"], second["sealed"]), (added["id"], "active", "retiring", 0), "nothing is left under the former")
    run = shell("key", "retire", active["id"])
    tap.ok(said(run, DONE, added["id"]) and active["id"] not in run.stdout, "then the former goes", run)
    tap.equal(len(secrets_in(os.path.join(absender.data, "key"))), 1, "out of the key file too")
    for arguments in (["key"], ["key", "burn"], ["key", "add", "more"], ["key", "activate"], ["key", "activate", "first"]):
        tap.equal(shell(*arguments).returncode, USAGE, f"{' '.join(arguments)} is not understood")
    status, shown = on_terminal(absender, "key", "activate", added["id"])
    tap.ok(status == DONE and re.search(r"\] +\d+ %  \d+ of \d+", shown), "on a terminal activate shows how far it is", shown)


def check_rights(tap, absender):
    absender.sign_in_first_admin()
    tap.equal(absender.request("GET", "/v1/keys").status, 200, "an administrator sees the keys")
    key = keys_of(absender)[0]["id"]
    for method, path in (("POST", "/v1/keys"), ("POST", f"/v1/keys/{key}/activate"), ("POST", f"/v1/keys/{key}/retire")):
        tap.equal(absender.request(method, path, {}).status, 403, f"and changes none: {method} {path.replace(key, '…')}")
    tap.equal(absender.request("POST", "/v1/keys/export", {"passphrase": PASSPHRASE}).status, 403, "nor exports them")
    absender.make_token("smtp:read", "smtp:write")
    tap.equal(absender.request("GET", "/v1/keys").status, 403, "a token sees none")
    absender.token = None
    noted = {event["action"] for event in absender.operator("GET", "/v1/audit-events").json["data"]}
    tap.ok({"key.added", "key.activated", "key.retired"} <= noted, "every change stands in the audit log", noted)


# --- Under load ----------------------------------------------------------------------------------------


def check_load(tap, absender):
    ids, faults = [], []
    absender.make_token()

    def hand_over():
        for number in range(MAILS):
            answer = absender.send(subject=f"load {number}")
            ids.append(answer.json["id"]) if answer.status == 200 else faults.append(answer)

    thread, rotations = threading.Thread(target=hand_over), 0
    thread.start()
    while thread.is_alive():
        added = absender.operator("POST", "/v1/keys").json["data"][-1]["id"]
        former = keys_of(absender)[0]["id"]
        absender.operator("POST", f"/v1/keys/{added}/activate")
        answer = absender.operator("POST", f"/v1/keys/{former}/retire") if settled(absender) else None
        if answer is None or answer.status != 200:
            faults.append(answer)
        rotations += 1
    thread.join()
    absender.wait_until_sent()
    states = {absender.operator("GET", f"/v1/emails/{each}").json["state"] for each in ids}
    tap.ok(rotations > 1 and not faults, f"{len(ids)} mails are taken while the key changes {rotations} times", faults)
    tap.equal(states, {"accepted"}, "and every one goes out")
    absender.token = None


def check_restart(tap, absender):
    absender.switch(False)
    absender.make_token()
    mail = absender.send(subject="over the night").json["id"]
    added = absender.operator("POST", "/v1/keys").json["data"][-1]["id"]
    absender.operator("POST", f"/v1/keys/{added}/activate")
    absender.kill()
    absender.start()
    tap.ok(settled(absender), "a start finishes what a death broke off")
    for key in keys_of(absender)[1:]:
        absender.operator("POST", f"/v1/keys/{key['id']}/retire")
    absender.stop()
    absender.start()
    absender.switch(True)
    tap.equal(absender.wait_for_state(mail, "accepted")["state"], "accepted", "mail and password open under the new key alone")
    absender.token = None


def check_password_guard(tap):
    """Without --dev, for there a refused password may be tried again."""
    with BadServer("wrong_password") as server, Daemon("--allow-network", "127.0.0.0/8", "--allow-network", "::1/128",
                                                       "--ca-file", str(server.ca_file), "--allow-port", str(server.port)) as absender:
        settings = {"host": "localhost", "port": server.port, "security": "starttls", "from_email": "noreply@example.test", "password": "wrong"}
        run = absender.verify(settings)
        assert run["state"] == "failed", run
        added = absender.operator("POST", "/v1/keys").json["data"][-1]["id"]
        absender.operator("POST", f"/v1/keys/{added}/activate")
        settled(absender)
        for key in keys_of(absender)[1:]:
            absender.operator("POST", f"/v1/keys/{key['id']}/retire")
        absender.stop()
        absender.start()
        again = absender.verify(settings)
        tap.equal((again.status, again.json["code"]), (409, "same_password_refused"), "a refused password is known after the key changed")


# --- Wrong, missing and swapped keys --------------------------------------------------------------------


def check_wrong_keys(tap, absender, folder):
    """A held mail waits through all of it."""
    key, good = pathlib.Path(absender.data) / "key", folder / "good"
    former = folder / "former"
    shutil.copy(key, former)
    active = keys_of(absender)[0]["id"]
    added = absender.operator("POST", "/v1/keys").json["data"][-1]["id"]
    absender.operator("POST", f"/v1/keys/{added}/activate")
    settled(absender)
    absender.switch(False)
    absender.make_token()
    mail = absender.send(subject="held").json["id"]
    absender.operator("POST", f"/v1/keys/{active}/retire")
    absender.stop()
    shutil.copy(key, good)
    shutil.copy(former, key)
    code, said_so = refused_start(absender)
    tap.ok(code == CANNOT_START and f"key {added} is needed" in said_so and "key import" in said_so, "an old key file is refused with the needed id", said_so)
    code, said_so = refused_start(absender, {**GERMAN})
    tap.ok(code == CANNOT_START and f"Schlüssel {added} wird gebraucht" in said_so, "in German too", said_so)
    key.unlink()
    code, said_so = refused_start(absender)
    tap.ok(code == CANNOT_START and "is missing" in said_so and not key.exists(), "a missing one is not replaced", said_so)
    good_text = good.read_text(encoding="ascii")
    swapped = re.sub(r"^id .*$", f"id {active}", good_text, flags=re.M)
    key.write_text(swapped, encoding="ascii")
    key.chmod(0o600)
    code, said_so = refused_start(absender)
    tap.ok(code == CANNOT_START and "checksum" in said_so, "a key under another's id is found by its checksum", said_so)
    shutil.copy(good, key)
    key.chmod(0o600)
    absender.start()
    absender.switch(True)
    tap.equal(absender.wait_for_state(mail, "accepted")["state"], "accepted", "with the right one the held mail goes out")
    absender.token = None


# --- To another place -----------------------------------------------------------------------------------


def check_export(tap, shell, folder):
    absender, file, key = shell.absender, folder / "exported", pathlib.Path(shell.absender.data) / "key"
    run = shell("key", "export", str(folder / "short"), "--passphrase-stdin", stdin="too short\n")
    tap.ok(said(run, NO, "at least 12 characters") and not (folder / "short").exists(), "a short passphrase is refused", run)
    run = shell("key", "export", str(file), "--passphrase-stdin", stdin=PASSPHRASE + "\n")
    tap.ok(run.returncode == DONE and stat.S_IMODE(file.stat().st_mode) == 0o600, "export writes a file for its owner alone", run)
    tap.ok(not any(secret in file.read_text(encoding="ascii") for secret in secrets_in(key)), "without a key to read in it")
    run = shell("key", "export", str(file), "--passphrase-stdin", stdin=PASSPHRASE + "\n")
    tap.equal(run.returncode, NO, "and replaces none that is there")
    run = shell("key", "import", str(file), "--passphrase-stdin", stdin=PASSPHRASE + "\n")
    tap.ok(said(run, NO, "stop it first"), "import leaves a running service alone", run)
    status, shown = on_terminal(absender, "key", "export", str(folder / "typed"),
                                answers=[("Passphrase: ", PASSPHRASE + "\n"), ("Once more: ", "something else\n")])
    tap.ok(status == USAGE and "two different ones" in shown and PASSPHRASE not in shown, "on a terminal it is asked for twice, unseen", shown)
    absender.switch(False)
    absender.make_token()
    mail = absender.send(subject="exported").json["id"]
    absender.stop()
    key.unlink()
    run = shell("key", "import", str(file), "--passphrase-stdin", stdin="another passphrase\n")
    tap.ok(said(run, NO, "passphrase is wrong") and not key.exists(), "a wrong passphrase brings nothing back", run)
    run = shell("key", "import", str(file), "--passphrase-stdin", stdin=PASSPHRASE + "\n")
    tap.ok(said(run, DONE, "One key was put into"), "the right one does", run)
    again = shell("key", "import", str(file), "--passphrase-stdin", stdin=PASSPHRASE + "\n")
    tap.ok(said(again, DONE, "has all these keys already"), "once", again)
    absender.start()
    absender.switch(True)
    tap.equal(absender.wait_for_state(mail, "accepted")["state"], "accepted", "and everything opens")
    absender.token = None


# --- A credential ---------------------------------------------------------------------------------------


def check_credential(tap, shell, folder):
    absender, plain = shell.absender, folder / "plain-key"
    credentials = folder / "credentials"
    credentials.mkdir(mode=0o700)
    absender.stop()
    shutil.move(os.path.join(absender.data, "key"), plain)

    def encrypt_and_start():
        """What systemd does, without its cryptography."""
        shutil.copy(plain, credentials / "absender-key")
        (credentials / "absender-key").chmod(0o400)
        absender.environment = {"CREDENTIALS_DIRECTORY": str(credentials)}
        absender.start()

    encrypt_and_start()
    listed = absender.operator("GET", "/v1/keys").json
    tap.equal((listed["source"], os.path.exists(os.path.join(absender.data, "key"))), ("credential", False), "the key may come from systemd")
    tap.ok(said(shell("key", "status"), DONE, "systemd credential"), "status says so")
    run = shell("key", "add")
    tap.ok(said(run, NO, "systemd-creds decrypt", "--key-file", "systemd-creds encrypt"), "adding one says how", run)
    absender.stop()
    former = listed["data"][0]["id"]
    run = command("key", "add", "--key-file", str(plain), "--json")
    added = json.loads(run.stdout)["ids"][1]
    run = command("key", "activate", added, "--key-file", str(plain))
    tap.ok(said(run, DONE, "the one that seals first", added), "a key file is changed without a service", run)
    (credentials / "absender-key").unlink()
    encrypt_and_start()
    tap.ok(settled(absender) and keys_of(absender)[0]["id"] == added, "the next start seals everything with the new one", keys_of(absender))
    absender.stop()
    command("key", "retire", former, "--key-file", str(plain))
    (credentials / "absender-key").unlink()
    encrypt_and_start()
    tap.equal([key["id"] for key in keys_of(absender)], [added], "and needs the former no more")
    run = absender.verify({"from_name": "Praxis"}, activate=True)
    tap.equal(run["state"] if isinstance(run, dict) else run, "passed", "the stored password opens")
    check_unfit_credentials(tap, absender, credentials / "absender-key")
    absender.start()


def check_unfit_credentials(tap, absender, credential):
    """Each is refused with what is wrong, in both languages; none is changed or replaced. The daemon is stopped, and may be started."""
    absender.stop()
    good, key = credential.read_bytes(), pathlib.Path(absender.data) / "key"
    damaged = re.sub(rb"^key [0-9a-f]{2}", b"key 00", good, flags=re.M)
    for what, data, mode, words in (("open to all users", good, 0o444, r"absender-key is open to others \(mode 0444\)"),
                                    ("that its group may change", good, 0o460, r"absender-key is open to others \(mode 0460\)"),
                                    ("with a damaged key", damaged, 0o400, r"absender-key .*checksum"),
                                    ("that is empty", b"", 0o400, r"absender-key "),
                                    ("that is not there", None, None, r"key is missing")):
        credential.unlink(missing_ok=True)
        if data is not None:
            credential.write_bytes(data)
            credential.chmod(mode)
        (code, english), (german_code, german) = refused_start(absender), refused_start(absender, GERMAN)
        tap.ok((code, german_code) == (CANNOT_START, CANNOT_START) and re.search(words, english) and re.match("Absender kann nicht starten: .*chlüsseldatei", german),
               f"a credential {what} is refused", (english, german))
        tap.ok(not any(each in english + german for each in secrets_of(good)), "without showing a key")
        tap.ok(not key.exists() and (credential.read_bytes() if credential.exists() else None) == data, "and no other is made")
    credential.write_bytes(good)
    credential.chmod(0o400)


def check_canary(tap, absender, keys):
    absender.stop()
    haystack = b"".join(path.read_bytes() for path in pathlib.Path(absender.data).iterdir() if path.is_file() and path.name != "key")
    found = [each for each in keys if each.encode() in haystack or bytes.fromhex(each) in haystack]
    tap.equal((len(found), PASSPHRASE.encode() in haystack), (0, False), f"none of {len(keys)} keys nor the passphrase is in database or log")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="absender-keys-") as name, Daemon("--dev") as absender:
        folder, shell, keys = pathlib.Path(name), Shell(absender), set()
        absender.use_sandbox()
        check_commands(tap, shell)
        keys |= secrets_in(os.path.join(absender.data, "key"))
        check_rights(tap, absender)
        absender.cookie = None
        check_load(tap, absender)
        keys |= secrets_in(os.path.join(absender.data, "key"))
        check_restart(tap, absender)
        check_wrong_keys(tap, absender, folder)
        keys |= secrets_in(os.path.join(absender.data, "key"))
        check_export(tap, shell, folder)
        check_credential(tap, shell, folder)
        keys |= secrets_in(folder / "plain-key")
        check_canary(tap, absender, keys)
    check_password_guard(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
