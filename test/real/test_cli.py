"""The commands against a running service: what they print in both languages, what they end with, and what they do."""
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unicodedata

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from badserver import BadServer  # noqa: E402
from harness.daemon import PROGRAM, Daemon, Tap  # noqa: E402

DONE, NO, USAGE, UNREACHABLE = 0, 1, 2, 3  # exit statuses
COMMANDS = ["serve", "check", "status", "send", "token", "reset-link", "pause", "resume", "queue", "explain", "audit", "backup", "key", "restore"]
OWN_SEQUENCE = "\r\x1b[K"  # how a terminal's line is cleared; nothing else may be sent
TOKEN = re.compile(r"abs_[\w-]{30,}")
PDF = bytes(range(256)) * 300
SIMPLE = ["send", "--to", "anna@example.test", "--subject", "x", "--text", "-"]


def environment(language):
    return {"PATH": os.environ["PATH"], "TZ": "UTC", **language}


LADDER = ("Look up server name", "Connect", "Server greeting", "Ask for capabilities", "Switch to encryption", "Negotiate encryption",
          "Verify certificate", "Log in", "Sender accepted")


ENGLISH = environment({"LANG": "C.UTF-8"})
GERMAN = environment({"LANG": "de_DE.UTF-8"})
LANGUAGES = [  # what it is called, the environment, whether it asks for German
    ("LANG=de_DE.UTF-8", GERMAN, True),
    ("LANGUAGE=de", environment({"LANG": "C.UTF-8", "LANGUAGE": "de:en"}), True),
    ("LANG=C.UTF-8", ENGLISH, False),
    ("LC_ALL=en_GB.UTF-8", environment({"LANG": "de_DE.UTF-8", "LC_ALL": "en_GB.UTF-8"}), False),
    ("no locale at all", environment({}), False),
]


def command(*arguments, stdin="", env=None):
    return subprocess.run([str(PROGRAM), *arguments], input=stdin, capture_output=True, text=True, timeout=120, check=False,
                          encoding="utf-8", env=env or ENGLISH)


class Shell:
    """Commands to one daemon."""

    def __init__(self, absender):
        self.absender = absender

    def __call__(self, *arguments, **options):
        return command(*arguments, "--data", self.absender.data, **options)

    def sandbox(self, *more):
        return ["check", "--host", "localhost", "--port", str(self.absender.sandbox_ports["starttls"]), "--from",
                "noreply@example.test", "--from-name", "Praxis Müller", "--username", "sandbox@localhost", "--password-stdin", *more]


def said(run, status, *parts):
    """Whether the command ended with `status` and printed all parts on the output that belongs to it."""
    text = run.stdout if status == DONE else run.stdout + run.stderr
    return run.returncode == status and all(re.search(part, text, re.M) for part in parts)


# --- Without a service ----------------------------------------------------------------------------------


def check_words(tap):
    for what, run in (("--help", command("--help")), ("help", command("help"))):
        named = re.findall(r"^  ([\w-]+) ", run.stdout, re.M)
        tap.ok(run.returncode == DONE and named == COMMANDS, f"{what} names every command", run)
    german = command("--help", env=GERMAN)
    tap.ok(said(german, DONE, "den Mailversand ausschalten", "Alle nehmen --data ORDNER"), "--help speaks German", german)
    for flag in ("--version", "-V"):
        run = command(flag)
        tap.ok(re.fullmatch(r"absender \d+\.\d+\.\d+\n", run.stdout) and run.returncode == DONE, f"{flag} prints the version", run)
    tap.equal(command().returncode, USAGE, "no command is no command")
    for name in COMMANDS:
        run = command(name, "--help")
        tap.ok(said(run, DONE, "--data", name) and not run.stderr, f"{name} --help explains it", run)
        german = command(name, "--help", env=GERMAN)
        placeholders = re.findall(r"\b(?:HOST|ADDRESS|FILE|DIR|SCOPE|CLASS|KEY|TIME)\b", german.stdout)
        tap.ok(said(german, DONE, "--data") and not placeholders and german.stdout != run.stdout, f"{name} --help in German", german)
    tap.ok(said(command("bogus"), USAGE, '^absender: there is no command "bogus"$'), "an unknown command is named, exit status 2")
    tap.ok(said(command("bogus", env=GERMAN), USAGE, "Den Befehl „bogus“ gibt es nicht"), "in German too")
    for arguments, why in [(["status", "--nonsense"], "Unknown option --nonsense"), (["status", "more"], "wrong number of arguments"),
                           (["token", "create"], "needs .create., --name and at least one --scope"),
                           (["token", "burn", "--name", "x", "--scope", "emails:send"], "needs .create."),
                           (["send", "--to", "anna@example.test", "--subject", "x"], "needs --text or --html"),
                           (["send", "--text", "-"], "needs --to and --subject"),
                           ([*SIMPLE, "--html", "-"], "only one of --text and --html"),
                           ([*SIMPLE[:-1], "/nonexistent"], "/nonexistent cannot be read"),
                           (["check", "--password", "secret"], "Unknown option --password"),
                           (["check", "--password=secret"], "Unknown option --password")]:
        tap.ok(said(command(*arguments), USAGE, why), f"{' '.join(arguments)}: exit status 2, {why}", command(*arguments))


def check_explain(tap):
    bounce = ("<anna@example.com>: host mx.example.com[192.0.2.1] said: 550 5.1.1\n"
              "    <anna@example.com>: User unknown (in reply to RCPT TO command)\n")
    for what, run in (("typed", command("explain", "535 5.7.8 Error: authentication failed")),
                      ("pasted", command("explain", stdin="535 5.7.8 Error: authentication failed\n"))):
        tap.ok(said(run, DONE, r"^535 5\.7\.8", "auth_failed_generic"), f"explain: a reply that is {what}", run)
    run = command("explain", stdin=bounce, env=GERMAN)
    tap.ok(said(run, DONE, "recipient_unknown", "Empfänger"), "explain: a bounce, in German", run)
    run = command("explain", "--json", "--host", "smtp.ionos.de", "535 Authentication credentials invalid")
    found = json.loads(run.stdout)
    tap.equal([each["diagnosis"] for each in found], ["ionos_bad_credentials"], "explain --json --host: the provider's own row")
    quiet, late = "12:00:00 queue active\n" * 40000, "535 5.7.8 Error: authentication failed\n"
    run = command("explain", stdin="the mailbox is full\n" + quiet + late + quiet)
    tap.ok(said(run, DONE, "auth_failed_generic") and run.stdout.count("[") == 1,
           "explain: a long log is read to its end, and a reply in it counts more than words before it", run)
    run = command("explain", stdin=late * 4000 + "550 5.1.1 User unknown (in reply to RCPT TO command)\n")
    tap.equal(re.findall(r"\[(\w+)\]", run.stdout), ["auth_failed_generic", "recipient_unknown"], "explain: each diagnosis is said once")
    run = command("explain", stdin=late.strip() + "x" * 70000 + "\n")
    tap.ok(said(run, DONE, "auth_failed_generic") and "too long" in run.stderr, "explain: a line that is cut is named", run)
    tap.ok(said(command("explain", "Dear Anna"), NO, "no reply and no error"), "explain: a letter has nothing to explain")
    tap.ok(said(command("explain", "--jsonl", "text"), USAGE, "standard input only"), "explain --jsonl takes no arguments")
    lines = [{"id": 7, "phase": "auth", "reply": "535 5.7.8 no", "error": None}, {"id": "b", "phase": "connect", "error": "ETIMEDOUT", "port": 25},
             {"id": None, "phase": "tls", "verify": 62, "host": "smtp.all-inkl.com"}, {"phase": "lunch"}]
    run = command("explain", "--jsonl", stdin="\n".join(map(json.dumps, lines)) + "\n\nno JSON\n")
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    tap.equal([(each["id"], each.get("diagnosis")) for each in answers],
              [(7, "auth_failed_generic"), ("b", "connect_timeout_port_25"), (None, "tls_hostname_mismatch_allinkl"), (None, "fallback_unknown"),
               (None, None)], "explain --jsonl: a line for each line")
    tap.equal((sorted(answers[0]), run.returncode), (["breaker", "class", "diagnosis", "id", "retry"], NO),
              "explain --jsonl: the members named, and exit status 1 for a line that is no JSON")
    lines = [{"id": 1, "phase": "tls", "verify": "62"}, {"id": 2, "phase": "auth", "reply": ["535 5.7.8 no"]}, {"id": 3, "port": 99999},
             {"id": 4, "phase": None, "port": None, "note": [], "reply": "535 5.7.8 no"}]
    run = command("explain", "--jsonl", stdin="\n".join(map(json.dumps, lines)))
    tap.equal([[each["id"], each.get("fault"), each.get("diagnosis")] for each in map(json.loads, run.stdout.splitlines())],
              [[1, "verify is not a number from 0 to 2147483647", None], [2, "reply is not a text", None], [3, "port is not a number from 0 to 65535", None],
               [4, None, "auth_failed_generic"]], "explain --jsonl: a member of the wrong kind is a fault, and named")
    tap.equal(run.returncode, NO, "explain --jsonl: and exit status 1")


def check_nobody_there(tap, folder):
    for name, arguments in {"status": [], "resume": [], "send": ["--to", "anna@example.test", "--subject", "x", "--text", "-"],
                            "check": [], "token": ["create", "--name", "x", "--scope", "emails:send"]}.items():
        run = command(name, *arguments, "--data", folder)
        tap.ok(said(run, UNREACHABLE, f"^absender {name}: no Absender answers at {folder}/control.sock"),
               f"{name} without a service: exit status 3 and a sentence with the socket", run)
    run = command("status", env={**GERMAN, "ABSENDER_DATA": folder})
    tap.ok(said(run, UNREACHABLE, f"an {folder}/control.sock antwortet kein Absender"), "ABSENDER_DATA is asked, German is spoken", run)


# --- With one -------------------------------------------------------------------------------------------


def check_status(tap, shell):
    for name, env, is_german in LANGUAGES:
        run = shell("status", env=env)
        words = ["^Einrichtung: +nicht eingerichtet$", "^Versand: +ausgeschaltet", "^Wartend: +nichts$"] if is_german else \
            ["^Setup: +not configured$", "^Sending: +off", "^Waiting: +nothing$"]
        tap.ok(said(run, DONE, *words), f"status with {name} is in {'German' if is_german else 'English'}", run)
    check_same_json(tap, shell, "at first")


def check_same_json(tap, shell, when):
    run = shell("status", "--json")
    tap.equal(json.loads(run.stdout), shell.absender.operator("GET", "/v1/smtp").json, f"status --json is what the API says, {when}")


def check_verification(tap, shell):
    absender = shell.absender
    run = shell(*shell.sandbox(), stdin="sandbox\n")
    rungs = [f"^  ✓ {rung} +\\d+ ms" for rung in LADDER]
    tap.ok(said(run, DONE, "^Checking localhost:", *rungs, "^✓ The settings work", "not active; --activate"),
           "check shows the ladder, rung by rung, and ends with 0", run)
    smtp = absender.operator("GET", "/v1/smtp").json
    tap.equal((smtp["active"], smtp["draft"], smtp["setup"]), (None, None, "not_configured"), "without --activate it leaves nothing")
    run = shell("check", "--password-stdin")
    tap.ok(said(run, USAGE, "no password came from standard input"), "a password that does not come", run)

    run = shell(*shell.sandbox(), stdin="wrong\n")
    tap.ok(said(run, NO, "^  ✗ Log in ", "^  – Sender accepted", "What it means: .+", "What helps: .+", "The server said: 535",
                "Diagnosis: auth_failed_generic"), "a wrong password: exit status 1, what it means and what helps", run)
    run = shell(*shell.sandbox(), stdin="wrong\n", env=GERMAN)
    tap.ok(said(run, NO, "^  ✗ Anmelden ", "Was es heißt: .+", "Was hilft: .+", "Der Server sagte: 535"), "the same in German", run)

    run = shell(*shell.sandbox("--activate", "--probe", "anna@example.test", "--transcript"), stdin="sandbox\n")
    tap.ok(said(run, DONE, "^  ✓ Probe recipient accepted", "Mail is sent with them from now on", r"^  > AUTH \w+ \[redacted\]$", "^  < 235 "),
           "check --activate --probe --transcript", run)
    tap.ok("c2FuZGJveA" not in run.stdout, "the transcript keeps the password to itself", run.stdout)
    active = absender.operator("GET", "/v1/smtp").json["active"]
    tap.equal((active["host"], active["from_name"]), ("localhost", "Praxis Müller"), "with --activate the settings are active")
    run = shell(*shell.sandbox("--json"), stdin="sandbox\n")
    verification = json.loads(run.stdout)
    known = absender.operator("GET", f"/v1/smtp/verifications/{verification['id']}").json
    tap.equal(verification, known, "check --json is what the API says")
    run = shell("check", "--port", "22")
    tap.ok(said(run, NO, "^  --port: This port is not allowed"), "a refused setting is named by its option", run)
    run = shell("check", "--host", "other.example.test", "--from", "noreply@example.test")
    tap.ok(said(run, NO, "enter the password again"), "another host needs the password again", run)
    check_trials(tap, shell)


def check_trials(tap, shell):
    """A trial carries nothing over: not to the next one, not into the page, not into what mail is sent with."""
    absender = shell.absender
    active = absender.operator("GET", "/v1/smtp").json["active"]
    implicit = ["check", "--host", "localhost", "--port", str(absender.sandbox_ports["implicit"]), "--security", "implicit", "--from",
                "other@example.test", "--username", "sandbox@localhost", "--password-stdin"]
    run = shell(*implicit, stdin="sandbox\n")
    tap.ok(said(run, DONE, "TLS from the start"), "a trial with TLS from the start", run)
    run = shell(*shell.sandbox(), stdin="sandbox\n")
    tap.ok(said(run, DONE, "^Checking .* \\(STARTTLS\\)", "^  ✓ Switch to encryption"), "does not linger in the next one", run)
    run = shell(*shell.sandbox(), stdin="wrong\n")
    tap.equal(run.returncode, NO, "a trial with a wrong password fails")
    events = absender.operator("GET", "/v1/audit-events?action=smtp.draft_changed").json["data"]
    run = shell("check")
    tap.ok(said(run, DONE, "^✓ The settings work", "They are the settings in force") and "--activate" not in run.stdout,
           "and the stored one still works, and is called what it is", run)
    tap.equal(absender.operator("GET", "/v1/audit-events?action=smtp.draft_changed").json["data"], events,
              "a check of what is in force notes no draft, for there was none")
    smtp = absender.operator("GET", "/v1/smtp").json
    tap.equal((smtp["setup"], smtp["draft"], smtp["active"]), ("complete", None, active), "no trial left anything")

    absender.operator("PATCH", "/v1/smtp/draft", {"from_name": "half typ"}, {"If-Match": "*"})
    draft = absender.operator("GET", "/v1/smtp").json["draft"]
    for arguments in (shell.sandbox(), ["check", "--password-stdin"]):
        run = shell(*arguments, stdin="wrong\n")
        tap.ok(said(run, NO, "there is a draft already.*--replace-draft") and not run.stdout, "somebody's draft is left alone", run)
    tap.equal(absender.operator("GET", "/v1/smtp").json["draft"], draft, "it is as it was")
    run = shell(*shell.sandbox("--replace-draft"), stdin="wrong\n")
    tap.ok(said(run, NO, "^  ✗ Log in "), "--replace-draft overwrites it", run)
    run = shell("status", env=GERMAN)
    tap.ok(said(run, DONE, "^Einrichtung: +fehlgeschlagen$", "^  Neue Einstellungen noch nicht übernommen", "^Gesendet wird mit: +localhost:"),
           "status says that mail goes on with the older settings", run)
    absender.operator("DELETE", "/v1/smtp/draft", headers={"If-Match": "*"})


def check_token(tap, shell):
    absender = shell.absender
    run = shell("token", "create", "--name", "shop", "--scope", "emails:send")
    token = run.stdout.removesuffix("\n")
    tap.ok(run.returncode == DONE and TOKEN.fullmatch(token) and "not shown again" in run.stderr,
           "token create prints the token alone on standard output, the advice beside it", run)
    listed = absender.operator("GET", "/v1/tokens").body.decode()
    tap.ok("shop" in listed and token not in listed, "the API lists it, and never shows it again", listed)
    absender.token = token
    tap.equal(absender.send(subject="with the token").status, 200, "it hands over mail")
    others = [absender.request("GET", path).status for path in ("/v1/emails", "/v1/smtp", "/v1/tokens")]
    tap.equal(others, [403] * 3, "it may do nothing else")
    absender.token = None
    run = shell("token", "create", "--name", "reader", "--scope", "emails:read", "--scope", "smtp:read", "--json")
    made = json.loads(run.stdout)
    tap.ok(made["scopes"] == ["emails:read", "smtp:read"] and TOKEN.fullmatch(made["token"]), "two scopes, as JSON", run)
    for more, pointer in ((["--scope", "everything"], "--scope"),
                          (["--scope", "emails:send", "--expires-at", "2020-01-01T00:00:00Z"], "--expires-at")):
        run = shell("token", "create", "--name", "x", *more)
        tap.ok(said(run, NO, f"^  {pointer}: ") and not run.stdout, f"token create {' '.join(more)} is refused by name", run)


def check_send(tap, shell, folder):
    absender = shell.absender
    files = {"text": "Grüße aus Köln\n.\nEnde\n".encode(), "page.html": "<p>Grüße</p>".encode(), "Übersicht.pdf": PDF}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    run = shell("send", "--to", "Anna Böhm <anna@example.test>", "--to", "bernd@example.test", "--cc", "carla@example.test", "--bcc",
                "dora@example.test", "--reply-to", "office@example.test", "--subject", "Grüße", "--text", str(folder / "text"), "--html",
                str(folder / "page.html"), "--attach", str(folder / "Übersicht.pdf"), "--class", "notification")
    tap.ok(said(run, DONE, r"^✓ em_[0-9a-f]{32}: held back"), "send takes everything; held, because sending was never on", run)
    run = shell("resume")
    tap.ok(said(run, DONE, r"^Sending: +on, since .+, by the operator \(command line\)$"), "resume", run)
    recipients, message = absender.captured("Grüße", 4)
    tap.equal(recipients, [f"{name}@example.test" for name in ("anna", "bernd", "carla", "dora")], "every recipient")
    tap.equal((str(message["To"]), str(message["Reply-To"]), message["Bcc"]),
              ("Anna Böhm <anna@example.test>, bernd@example.test", "office@example.test", None), "the header")
    tap.equal((message.get_body(("plain",)).get_content().replace("\r\n", "\n"), message.get_body(("html",)).get_content().strip()),
              (files["text"].decode(), files["page.html"].decode()), "text and HTML from files")
    attachment = next(message.iter_attachments())
    tap.equal((attachment.get_filename(), attachment.get_content()), ("Übersicht.pdf", PDF), "the attachment")

    run = shell("send", "--to", "anna@example.test", "--subject", "piped", "--text", "-", stdin="from a pipe: ä\n")
    tap.ok(said(run, DONE, r"^✓ em_\w+: queued"), "send --text - says what became of it", run)
    tap.equal(absender.captured("piped")[1].get_content().strip(), "from a pipe: ä", "and reads standard input")

    run = shell("send", "--to", "anna@example.test", "--subject", "", "--text", "-", stdin="x", env=GERMAN)
    tap.ok(said(run, DONE, r"^✓ em_\w+: ") and run.stderr == "absender send: Die E-Mail hat keinen Betreff.\n",
           "an empty subject is said, and sent", run)

    once = ["send", "--to", "anna@example.test", "--subject", "once", "--text", "-", "--idempotency-key", "order/4711"]
    ids = [re.search(r"em_\w+", shell(*once, stdin="same").stdout).group() for _ in range(2)]
    tap.equal(len(set(ids)), 1, "the same key and mail: the same id")
    run = shell(*once, stdin="other")
    tap.ok(said(run, NO, "idempotency key was used with another body"), "the same key, another mail: refused", run)
    absender.wait_for_state(ids[0], "accepted")
    subjects = [message["subject"] for message in absender.operator("GET", "/v1/sandbox/messages").json["data"]]
    tap.equal(subjects.count("once"), 1, "it was sent once")
    run = shell(*SIMPLE, "--json", stdin="x")
    tap.equal(sorted(json.loads(run.stdout)), ["id", "last_event", "state"], "send --json is the API's answer")

    for arguments, why in [(["--to", "anna", "--subject", "x"], "^  --to: .*@ and the domain are missing"),
                           (["--to", "anna@example.test", "--subject", "a\nBcc: eve@example.test"], "^  --subject: "),
                           (["--to", "anna@example.test", "--subject", "x", "--from", "boss@example.test"], "sender"),
                           (["--to", "anna@example.test", "--subject", "x", "--class", "spam"], "^  --class: ")]:
        run = shell("send", *arguments, "--text", "-", stdin="x")
        tap.ok(said(run, NO, why) and not run.stdout, f"{arguments} is refused: {why}", run)
    run = shell(*SIMPLE, "--idempotency-key", "a\nb", stdin="x")
    tap.equal(run.returncode, USAGE, "a line end in the key never becomes a header")
    (folder / "large").write_bytes(bytes(20_000_000))
    for files, why in ((1, "larger than"), (4, "too large")):  # more than a message holds; more than a request holds
        run = shell(*SIMPLE, *["--attach", str(folder / "large")] * files, stdin="x")
        tap.ok(said(run, NO, why), f"{files * 20} MB of attachments: {why}", run)


def check_switch(tap, shell):
    absender = shell.absender
    run = shell("pause", "--reason", "Umzug zu einem neuen Anbieter", "--until", "2031-02-03T04:05:00Z")
    tap.ok(said(run, DONE, r"^Sending: +off \(Umzug zu einem neuen Anbieter\), until 2031-02-03 04:05, since .*, by the operator \(command line\)$"),
           "pause says what holds now", run)
    sending = absender.operator("GET", "/v1/smtp").json["sending"]
    tap.equal((sending["enabled"], sending["reason"], sending["until"]),
              (False, "Umzug zu einem neuen Anbieter", "2031-02-03T04:05:00.000Z"), "and it holds")
    shell("send", "--to", "anna@example.test", "--subject", "paused", "--text", "-", stdin="x")
    run = shell("status", env=GERMAN)
    switch = r"^Versand: +ausgeschaltet \(Umzug zu einem neuen Anbieter\), bis 03.02.2031 04:05, seit .*, durch Betreiber \(Kommandozeile\)$"
    tap.ok(said(run, DONE, switch, "^Wartend: +1 zurückgehalten$", "^Zurückgehalten: +der Versand ist ausgeschaltet$",
                "^Gesendet wird mit: +localhost:"),
           "status tells the whole state in German", run)
    check_same_json(tap, shell, "while paused")
    for until in ("tomorrow", "2020-01-01T00:00:00Z"):
        run = shell("pause", "--until", until)
        tap.ok(said(run, NO, "^  --until: "), f"pause --until {until} is refused", run)
    run = shell("resume", "--json")
    tap.equal(json.loads(run.stdout)["sending"]["enabled"], True, "resume --json")
    absender.captured("paused")
    tap.ok(True, "what was held goes out")


# --- The terminal ---------------------------------------------------------------------------------------


def on_terminal(absender, *arguments, answers=()):
    """Runs a command on a terminal of its own: (exit status, everything shown). answers: pairs of a prompt and what to type."""
    ours, theirs = pty.openpty()
    run = subprocess.Popen([str(PROGRAM), *arguments, "--data", absender.data], stdin=theirs, stdout=theirs, stderr=theirs,
                           env=ENGLISH, start_new_session=True)
    os.close(theirs)
    shown, answers, until = b"", list(answers), time.monotonic() + 120
    try:
        while time.monotonic() < until:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    chunk = os.read(ours, 65536)
                except OSError:  # the other end is closed
                    break
                shown += chunk
            if answers and answers[0][0].encode() in shown:
                os.write(ours, answers.pop(0)[1].encode())
        return run.wait(60), shown.decode("utf-8", "backslashreplace")
    finally:
        run.kill()
        run.wait()
        os.close(ours)


def check_many(tap, shell):
    """retry and cancel for all that a filter finds."""
    absender = shell.absender
    shell("pause")
    for name in ("bulk", "bulk", "bulk", "transactional"):
        shell("send", "--to", "anna@example.test", "--subject", f"many {name}", "--class", name, "--text", "-", stdin="x")
    cancel = ["queue", "cancel", "--state", "held", "--class", "bulk"]
    run = shell(*cancel, stdin="y\n")
    tap.ok(said(run, USAGE, "--yes says that you are sure") and not run.stdout, "many are not cancelled by a script that does not say --yes", run)
    status, shown = on_terminal(absender, *cancel, answers=[("[y/N]", "n\n")])
    tap.ok(status == NO and "these emails (3)?" in shown and "nothing was changed" in shown, "on a terminal their number is told, and no means no", shown)
    tap.equal(absender.waiting()["held"], 4, "all of them still wait")
    status, shown = on_terminal(absender, *cancel, answers=[("[y/N]", "y\n")])
    tap.ok(status == DONE and "✓ 3 emails will not be sent any more." in shown, "yes means these, and no others", shown)
    run = shell("queue", "retry", "--class", "bulk", "--yes", env=GERMAN)
    tap.equal((run.returncode, run.stdout), (NO, "✗ Keine E-Mail wurde geändert.\n  3 ausgelassen: nichts zu wiederholen\n"),
              "what cannot be done is told, with the reason")
    run = shell("queue", "cancel", "--state", "lost", "--yes")
    tap.ok(said(run, NO, "^  --state: ") and not run.stdout, "a state that there is not is refused by name", run)
    shell("resume")
    absender.captured("many transactional")
    tap.equal([mail["subject"] for mail in absender.operator("GET", "/v1/sandbox/messages").json["data"] if mail["subject"] == "many bulk"], [],
              "what was left goes, what was cancelled does not")


def controls(text):
    """Control and direction characters that a terminal would obey."""
    text = text.replace(OWN_SEQUENCE, "").replace("\r\n", "").replace("\n", "")
    return [hex(ord(c)) for c in text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]


def check_hostile_server(tap):
    """A server whose every word is a terminal attack."""
    evil = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202e".encode()
    server = BadServer("wrong_password")
    server.plan = server.plan._replace(auth=b"535 5.7.8 no" + evil + b"\x9b\xff\r\n", greeting=b"220 mail" + evil + b"\r\n",
                                       after_tls=(*server.plan.after_tls, "X" + evil.decode("utf-8")))
    with server, Daemon("--dev", "--ca-file", str(server.ca_file), "--allow-port", str(server.port)) as absender:
        settings = ["--host", "localhost", "--port", str(server.port), "--from", "noreply@example.test"]
        shell = Shell(absender)
        run = shell("check", *settings, "--password-stdin", "--transcript", stdin="a password\n")
        tap.ok(run.returncode == NO and re.search("535 5.7.8 no", run.stdout), "a server's words are shown", run)
        tap.equal(controls(run.stdout + run.stderr), [], "to a pipe without control characters")
        password = "typed by hand"
        status, shown = on_terminal(absender, "check", *settings, "--username", "someone else", "--transcript",
                                    answers=[("Password (empty: the stored one): ", password + "\n")])
        tap.ok(status == NO and "535 5.7.8 no" in shown, "to a terminal too", shown)
        tap.equal(controls(shown), [], "without control characters")
        tap.ok(password not in shown, "a password is typed without being seen", shown)
        used = any(b"someone else" in session.inside_tls or b"AUTH" in session.inside_tls for session in server.sessions[1:])
        tap.ok(used, "and used")
        for arguments in (["status"], ["status", "--json"]):
            status, shown = on_terminal(absender, *arguments)
            tap.ok(status == DONE and "535" in shown, f"{' '.join(arguments)} shows what the server said", shown)
            tap.equal(controls(shown), [], "without control characters")
        run = shell("pause", "--reason", "a\x1b[2Jb")
        tap.ok(said(run, NO, "^  --reason: ") and not controls(run.stdout + run.stderr), "nor does a reason bring them in", run)


def check_interrupt(tap):
    """^C while a server says nothing."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = str(silent.getsockname()[1])
        with Daemon("--dev", "--allow-port", port) as absender:
            run = subprocess.Popen([str(PROGRAM), "check", "--host", "localhost", "--port", port, "--from", "anna@example.test",
                                    "--password-stdin", "--data", absender.data], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, env=ENGLISH)
            run.stdin.write("a password\n")
            run.stdin.close()
            silent.settimeout(60)
            peer, _ = silent.accept()  # now it waits for a greeting
            run.send_signal(signal.SIGINT)
            shown, status = run.stdout.read(), run.wait(60)
            peer.close()
            tap.ok(status == NO and "The check was cancelled." in shown, "^C cancels the verification", shown)
            smtp = absender.operator("GET", "/v1/smtp").json
            tap.equal((smtp["draft"], smtp["setup"], smtp["last_verification"]["state"]), (None, "not_configured", "cancelled"),
                      "and leaves nothing behind")


def check_secret_on_terminal(tap):
    with Daemon("--dev") as absender:
        status, shown = on_terminal(absender, *Shell(absender).sandbox()[:-1], answers=[("Password", "\x03")])
        tap.ok(status == USAGE and "cancelled" in shown, "^C at the password ends the command", shown)
        tap.equal(absender.operator("GET", "/v1/smtp").json["draft"], None, "and nothing was changed")
        status, shown = on_terminal(absender, *Shell(absender).sandbox()[:-1], answers=[("Password", "sandboy\x7fx\n")])
        tap.ok(status == DONE and "The settings work." in shown, "a slip can be corrected", shown)


def main():
    tap = Tap()
    check_words(tap)
    check_explain(tap)
    with tempfile.TemporaryDirectory(prefix="absender-cli-") as folder:
        check_nobody_there(tap, folder)
        with Daemon("--dev") as absender:
            shell = Shell(absender)
            check_status(tap, shell)
            check_verification(tap, shell)
            check_token(tap, shell)
            check_send(tap, shell, pathlib.Path(folder))
            check_switch(tap, shell)
            check_many(tap, shell)
    check_hostile_server(tap)
    check_interrupt(tap)
    check_secret_on_terminal(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
