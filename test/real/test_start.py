"""Starting, stopping and starting again: what must not start says why, what stops stops in order, what was there is there again,
and no secret lies where it should not."""
import base64
import contextlib
import http.client
import os
import pathlib
import re
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from badserver import BadServer  # noqa: E402
from harness.daemon import ADMIN, PROGRAM, Daemon, Tap, free_port  # noqa: E402

CANNOT, USAGE = 1, 2  # exit statuses
STOP_SECONDS = 25  # less than the grace, on a machine that is busy with other things; alone it is a fraction of one
STREAMS = 3
GRACE_SECONDS = 30
SLOW_SECONDS = 5  # so long the sandbox thinks about mail for slow@


# --- What must not start --------------------------------------------------------------------------------


def serve(data, *options, listen="127.0.0.1:0", language="C"):
    """Runs a program that is expected to end by itself."""
    try:
        return subprocess.run([str(PROGRAM), "serve", "--data", str(data), "--listen", listen, *options], capture_output=True,
                              text=True, timeout=120, check=False, env={**os.environ, "LC_ALL": language, "LANGUAGE": ""})
    except subprocess.TimeoutExpired as late:
        return subprocess.CompletedProcess(late.cmd, "it started", str(late.stdout), str(late.stderr))


def check_refusal(tap, run, status, sentence, what):
    lines = run.stderr.splitlines()
    good = run.returncode == status and len(lines) == 1 and re.search(sentence, lines[0]) and not run.stdout
    tap.ok(good, f"{what}: exit status {status} and one sentence: {sentence}", run)


def key_open_to_all(data):
    (data / "key").chmod(0o644)


def key_open_to_group(data):
    (data / "key").chmod(0o640)


def key_is_a_symlink(data):
    (data / "key").rename(data / "elsewhere")
    (data / "key").symlink_to("elsewhere")


def key_has_two_names(data):
    os.link(data / "key", data / "second")


def key_damaged(data):
    text = (data / "key").read_text()
    digit = re.search(r"^key (.)", text, re.M)
    (data / "key").write_text(text[:digit.start(1)] + f"{int(digit.group(1), 16) ^ 1:x}" + text[digit.end(1):])


def key_cut_short(data):
    lines = (data / "key").read_text().splitlines(keepends=True)
    (data / "key").write_text("".join(lines[:-1]))


def key_of_another(data):
    with Daemon() as other:
        shutil.copy(os.path.join(other.data, "key"), data / "key")


def key_missing(data):
    (data / "key").unlink()


def database_newer(data):
    with contextlib.closing(sqlite3.connect(data / "absender.db")) as db, db:
        db.execute("INSERT INTO schema_version (number, name, applied_at) VALUES (99, 'tomorrow', 0)")


def database_is_something_else(data):
    (data / "absender.db").write_bytes(b"not a database\n" * 4096)


STATE_FAULTS = [
    (key_open_to_all, "key file .* is open to others.*chmod 600 .*/key"),
    (key_open_to_group, "key file .* is open to others.*chmod 600 .*/key"),
    (key_is_a_symlink, "key file .* is a symbolic link"),
    (key_has_two_names, "key file .* has 2 names"),
    (key_damaged, "key file .* has a damaged key"),
    (key_cut_short, "key file .* is cut short"),
    (key_of_another, r"key \w+ is needed, but the key file holds \w+"),
    (key_missing, "key file .* is missing, and a new key could not open what is stored"),
    (database_newer, "schema 99 .* newer version of Absender"),
    (database_is_something_else, "file is not a database"),
]


def check_state(tap, folder):
    """A data directory that something is wrong with: refused, and left as it is."""
    with Daemon() as absender:
        absender.sign_in_first_admin()
        absender.stop()
        for spoil, sentence in STATE_FAULTS:
            data = folder / spoil.__name__
            shutil.copytree(absender.data, data, symlinks=True)
            spoil(data)
            key = (data / "key").read_bytes() if (data / "key").exists() else None
            check_refusal(tap, serve(data), CANNOT, sentence, spoil.__name__.replace("_", " "))
            now = (data / "key").read_bytes() if (data / "key").exists() else None
            tap.ok(now == key, f"{spoil.__name__.replace('_', ' ')}: the key file stays as it was")
        (folder / "unsafe").mkdir(mode=0o700)
        (folder / "unsafe").chmod(0o777)
        check_refusal(tap, serve(folder / "unsafe"), CANNOT, "its directory may be written by others", "a directory open to all")
        check_refusal(tap, serve(folder / "key_missing", language="de_DE.UTF-8"), CANNOT, "Die Schlüsseldatei .*/key fehlt", "in German")
        (folder / "file").touch()
        check_refusal(tap, serve(folder / "file"), CANNOT, "data directory .*/file cannot be made", "a data directory that is a file")
        absender.start()
        check_refusal(tap, serve(absender.data), CANNOT, "only one Absender may run on it", "a second program on the same data")
        check_refusal(tap, serve(absender.data, language="de_DE.UTF-8"), CANNOT,
                      f"In {absender.data} läuft schon ein Absender .absender status --data {absender.data} zeigt ihn", "in German")
        tap.equal(absender.operator("GET", "/livez").status, 200, "and the first goes on, its control socket too")


def check_options(tap, folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        address = f"127.0.0.1:{port}"
        check_refusal(tap, serve(folder / "a", listen=address), CANNOT, f"port {port} on 127.0.0.1 is in use. Choose another: --listen",
                      "a port in use")
        check_refusal(tap, serve(folder / "a", listen=address, language="de_DE.UTF-8"), CANNOT,
                      f"^Absender kann nicht starten: Port {port} auf 127.0.0.1 ist belegt. Anderen wählen: --listen 127.0.0.1:{port + 1}$",
                      "the same in German")
        for kind in ("starttls", "implicit"):
            other = {"starttls": "implicit", "implicit": "starttls"}[kind]
            run = serve(folder / "a", "--dev", f"--sandbox-{kind}-port", str(port), f"--sandbox-{other}-port", "0", language="de_DE.UTF-8")
            check_refusal(tap, run, CANNOT, f"Port {port} auf 127.0.0.1 \\(Sandbox\\) ist belegt.*--sandbox-{kind}-port 0$",
                          f"the sandbox's {kind} port in use")
    check_refusal(tap, serve(folder / "b", listen="0.0.0.0:0"), USAGE, "reachable from outside.*--trusted-proxy",
                  "an open door without a proxy")
    config = folder / "config"
    for options, sentence in [
            (["--nonsense"], "Unknown option --nonsense"),
            (["argument"], "takes no argument 'argument'"),
            (["--listen", "localhost"], '"localhost" is not an address to listen on'),
            (["--allow-network", "10.0.0.0/33"], '"10.0.0.0/33": it must be ADDRESS/BITS'),
            (["--trusted-proxy", "proxy.example.test"], '"proxy.example.test" is not a network'),
            (["--dns-server", "one.one.one.one"], '"one.one.one.one": it must be ADDRESS:PORT'),
            (["--allow-port", "65536"], "'65536' is not a port number"),
            (["--public-url", "mail.example.test"], "'mail.example.test' is not a public URL"),
            (["--public-url", "javascript:alert(1)"], "is not a public URL"),
            (["--public-url", "https://mail.example.test/mail"], "is not a public URL"),
            (["--sandbox-starttls-port", "-1"], "a sandbox port is 0 to 65535")]:
        check_refusal(tap, serve(folder / "c", *options), USAGE, sentence, " ".join(options))
    check_refusal(tap, serve(folder / "d", "--ca-file", "/nonexistent"), USAGE, "no trusted certificate .*/nonexistent",
                  "authorities that are not there")
    for text, sentence in [("[absender]\nlissten = 127.0.0.1:0\n", "unknown key 'lissten'"),
                           ("[mail]\nlisten = 127.0.0.1:0\n", r"must have the group \[absender\] and no other"),
                           ("[absender]\n[extra]\n", r"must have the group \[absender\] and no other"),
                           ("listen = 127.0.0.1:0\n", "does not start with a group"),
                           ("[absender]\nallow-port = many\n", "'many' is not a port number")]:
        config.write_text(text)
        check_refusal(tap, serve(folder / "e", "--config", str(config)), USAGE, sentence, f"a configuration with {text!r}")
    check_refusal(tap, serve(folder / "e", "--config", str(folder / "none")), USAGE, "none: No such file", "no configuration file")


# --- What starts ----------------------------------------------------------------------------------------


class Configured(Daemon):
    """Started by a configuration file alone, but for the options given."""

    def arguments(self):
        return [self.program, "serve", "--config", os.path.join(self.data, "config"), *self.options]


def check_configuration(tap):
    absender = Configured("--public-url", "http://localhost:1")
    made = os.path.join(absender.data, "made/by/program")
    pathlib.Path(absender.data, "config").write_text(f"""[absender]
# a comment
data = {made}
listen = 127.0.0.1:0
public-url = https://mail.example.test/
allow-port = 2526;2527
allow-network = 10.1.0.0/16;192.168.7.0/24
trusted-proxy = 127.0.0.1/32
dns-server = 127.0.0.1:{free_port()}
""")
    before = os.umask(0)
    with absender:
        os.umask(before)
        tap.ok(absender.link.startswith("http://localhost:1/#/setup/"), "the command line goes before the file", absender.link)
        absender.stop()
        absender.options.clear()
        absender.start()
        tap.ok(absender.link.startswith("https://mail.example.test/#/setup/"), "the configuration file is read", absender.link)
        modes = {name: oct(stat.S_IMODE(os.lstat(os.path.join(made, name)).st_mode))
                 for name in (".", "absender.db", "absender.db-wal", "absender.db-shm", "key", "control.sock")}
        tap.equal(modes.pop("."), "0o700", "the data directory is its owner's, whatever the umask")
        tap.equal(set(modes.values()), {"0o600"}, "and so is everything in it")
        home, absender.data = absender.data, made
        settings = {"host": "smtp.example.test", "from_email": "noreply@example.test"}
        answer = absender.operator("PATCH", "/v1/smtp/draft", {**settings, "port": 2527}, {"If-Match": "*"})
        tap.equal(answer.status, 200, "a port that the file allows is allowed")
        answer = absender.operator("PATCH", "/v1/smtp/draft", {"port": 2528}, {"If-Match": "*"})
        tap.equal((answer.status, answer.json["code"]), (422, "port_not_allowed"), "another is not")
        limits = pathlib.Path(f"/proc/{absender.process.pid}/limits").read_text()
        tap.ok(re.search(r"Max core file size +0 +0 ", limits), "a crash leaves no core file with secrets in it", limits)
        tap.equal(absender.stop(), 0, "it stops with 0")
        tap.ok(not os.path.exists(os.path.join(made, "control.sock")), "and takes its control socket along")
        absender.data = home


def set_up(absender, link):
    return absender.request("POST", "/v1/setup", {"token": link.rsplit("/", 1)[1], "public_url": f"http://127.0.0.1:{absender.port}", **ADMIN})


class German(Daemon):
    """Started by somebody whose system speaks German. What harness.daemon waits for is then said in German too."""

    def start(self):
        said = b""
        self.process = subprocess.Popen([*self.arguments(), "--dev"], stdout=subprocess.PIPE, stderr=self.log, start_new_session=True,
                                        env={**os.environ, "LC_ALL": "de_DE.UTF-8", "LANGUAGE": ""})
        while said.count(b"\n") < 3:
            chunk = os.read(self.process.stdout.fileno(), 65536)
            if not chunk:
                break
            said += chunk
        self.said = said.decode()
        return self


def check_german(tap):
    with German() as absender:
        lines = (r"Absender läuft auf http://127\.0\.0\.1:\d+", r"Sandbox: localhost, .* Passwort „sandbox“",
                 r"Erstes Konto anlegen \(Link gilt einmal\): http://\S+/#/setup/\S+")
        tap.ok(re.fullmatch("".join(f"{line}\n" for line in lines), absender.said), "it starts in German", absender.said)
        absender.process.stdout.close()
    run = serve("x", "--help", language="de_DE.UTF-8")
    tap.ok(run.returncode == 0 and re.search("--listen=ADRESSE:PORT +Seiten und API hier anbieten", run.stdout) and not run.stderr,
           "serve --help in German", run)
    run = serve("x", "stray", language="de_DE.UTF-8")
    check_refusal(tap, run, USAGE, "serve nimmt kein Argument „stray“", "a stray argument")
    run = serve("x", "--help")
    tap.ok(run.returncode == 0 and "Serve the pages and the API here" in run.stdout, "serve --help in English", run)


def check_setup_link(tap):
    with Daemon() as absender:
        first = absender.link
        absender.stop()
        absender.start()
        tap.ok(absender.link != first, "while nobody exists each start makes another set-up link")
        answer = set_up(absender, first)
        tap.equal((answer.status, answer.json["code"]), (403, "setup_token_invalid"), "an older link is worth nothing")
        tap.equal(set_up(absender, absender.link).status, 201, "the newest makes the first admin")
        answer = set_up(absender, absender.link)
        tap.equal((answer.status, answer.json["code"]), (403, "setup_token_invalid"), "once")
        absender.stop()
        absender.start()
        tap.equal(absender.link, None, "afterwards no start makes one")
        tap.ok(not absender.request("GET", "/v1/session").json["setup_required"], "and the pages ask for a sign-in")


def check_restart(tap):
    with Daemon("--dev") as absender:
        absender.sign_in_first_admin()
        absender.use_sandbox()
        cookie = {"Cookie": absender.cookie}
        absender.make_token()
        sent = absender.send(subject="before").json["id"]
        absender.wait_for_state(sent, "accepted")
        absender.switch(False)
        held = absender.send(subject="held").json["id"]
        absender.operator("PATCH", "/v1/smtp/draft", {"from_name": "Praxis Maier"}, {"If-Match": "*"})
        paths = ["/v1/smtp", "/v1/emails", f"/v1/emails/{sent}", f"/v1/emails/{held}", "/v1/sandbox/messages"]

        def said(path):  # but for the port, which is another one after a restart
            return {name: value for name, value in absender.operator("GET", path).json.items() if name != "oauth_redirect_uri"}

        before = {path: said(path) for path in paths}
        tokens = [token["id"] for token in absender.operator("GET", "/v1/tokens").json["data"]]
        absender.stop()
        absender.start()
        for path in paths:
            tap.equal(said(path), before[path], f"after a restart {path.partition('/em_')[0]} says the same")
        tap.equal([token["id"] for token in absender.operator("GET", "/v1/tokens").json["data"]], tokens, "the tokens are there")
        token, absender.token = absender.token, None
        session = absender.request("GET", "/v1/session", headers=cookie).json
        tap.equal((session["authenticated"], session["csrf_token"]), (True, absender.csrf), "the session goes on")
        absender.token = token
        tap.equal(absender.send(subject="after").status, 200, "the token still hands over mail")
        absender.switch(True)
        absender.wait_for_state(held, "accepted")
        tap.ok(True, "and what was held goes out, with the sealed password")


def open_stream(absender):
    connection = http.client.HTTPConnection("127.0.0.1", absender.port, timeout=120)
    connection.request("GET", "/v1/smtp/events", headers={"Cookie": absender.cookie})
    stream = connection.getresponse()
    while stream.readline().strip() != b"event: status":
        pass
    return connection, stream


def keep_sending(absender, taken, stop):
    """Hands mail over until it is told to stop, or nobody takes it any more."""
    number = 0
    with contextlib.suppress(OSError, http.client.HTTPException):
        while not stop.is_set():
            subject = f"{threading.get_ident()}-{number}"
            answer = absender.send(subject=subject)
            if answer.status == 200:
                taken[answer.json["id"]] = subject
            number += 1


def captured_subjects(absender):
    subjects, after = [], ""
    while True:
        page = absender.operator("GET", f"/v1/sandbox/messages?limit=200{after}").json
        subjects += [message["subject"] for message in page["data"]]
        if not page["has_more"]:
            return subjects
        after = f"&after={page['data'][-1]['id']}"


def check_stop(tap):
    """SIGTERM in the middle of everything."""
    with Daemon("--dev") as absender:
        absender.sign_in_first_admin()
        absender.use_sandbox()
        absender.make_token()
        streams = [open_stream(absender) for _ in range(STREAMS)]
        taken, stop = {}, threading.Event()
        threads = [threading.Thread(target=keep_sending, args=(absender, taken, stop)) for _ in range(4)]
        for thread in threads:
            thread.start()
        until = time.monotonic() + 120
        while len(taken) < 200 and time.monotonic() < until:
            time.sleep(0.01)
        waiting = absender.operator("GET", "/v1/smtp").json["waiting"]
        begun = time.monotonic()
        code = absender.stop()
        seconds = time.monotonic() - begun
        stop.set()
        for thread in threads:
            thread.join(120)
        tap.equal(code, 0, f"SIGTERM with {STREAMS} streams, 4 senders and {sum(waiting.values())} waiting mails: exit status 0")
        tap.ok(seconds < STOP_SECONDS, f"within {STOP_SECONDS} s", seconds)
        for connection, stream in streams:
            with contextlib.suppress(http.client.IncompleteRead):
                stream.read()
            connection.close()
        tap.ok(True, "every stream has ended")
        absender.start()
        states = {email: absender.wait_for_state(email, "accepted", "uncertain")["state"] for email in taken}
        tap.equal([email for email, state in states.items() if state != "accepted"], [],
                  f"{len(taken)} mails were taken; none is lost, none uncertain")
        subjects = captured_subjects(absender)
        once = [subject for subject in taken.values() if subjects.count(subject) == 1]
        tap.equal(len(once), len(taken), "each arrived once")


def check_stop_behind_the_dot(tap):
    """SIGTERM while the provider thinks about a mail's end: its reply is waited for."""
    with Daemon("--dev") as absender:
        absender.make_token()
        absender.use_sandbox()
        handed_over = time.monotonic()
        sent = absender.send(to="slow@example.test", subject="slow").json["id"]
        absender.wait_for_state(sent, "sending")
        late = absender.send(to="slow@example.test", subject="late").json["id"]
        begun = time.monotonic()
        tap.equal(absender.stop(), 0, "SIGTERM behind the final dot: exit status 0")
        seconds = time.monotonic() - begun
        tap.ok(time.monotonic() - handed_over > SLOW_SECONDS and seconds < GRACE_SECONDS,
               f"after the reply, and not after the {GRACE_SECONDS} s it might take", seconds)
        absender.start()
        tap.equal(absender.wait_for_state(sent, "accepted", "uncertain")["state"], "accepted", "the reply is on record")
        absender.wait_for_state(late, "accepted")
        tap.equal([captured_subjects(absender).count(subject) for subject in ("slow", "late")], [1, 1], "each mail arrived once")


def listen_on(port):
    """As soon as the last connection of the server before us is gone."""
    until = time.monotonic() + 120
    while True:
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def check_stop_before_a_mail(tap):
    """SIGTERM while the provider does not even greet: nothing depends on that session."""
    with contextlib.ExitStack() as stack:
        authority = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="absender-start-"))) / "ca.pem"
        with BadServer("good") as server:
            shutil.copy(server.ca_file, authority)
            absender = stack.enter_context(Daemon("--dev", "--ca-file", str(authority), "--allow-port", str(server.port)))
            absender.make_token()
            run = absender.verify({"host": "localhost", "port": server.port, "security": "starttls", "from_email": "a@example.test",
                                   "password": "a password"})
            port = server.port
        if not tap.ok(isinstance(run, dict) and run["state"] == "passed", "settings that work", run):
            return
        silent = stack.enter_context(listen_on(port))
        silent.settimeout(120)
        absender.switch(True)
        sent = absender.send().json["id"]
        stack.enter_context(contextlib.closing(silent.accept()[0]))
        begun = time.monotonic()
        tap.equal(absender.stop(), 0, "SIGTERM before the greeting: exit status 0")
        seconds = time.monotonic() - begun
        tap.ok(seconds < STOP_SECONDS, "the session is dropped at once", seconds)
        absender.start()
        email = absender.operator("GET", f"/v1/emails/{sent}").json
        tap.ok(email["state"] in ("queued", "sending"), "the mail waits as before", email)


# --- Secrets --------------------------------------------------------------------------------------------


def forms(secret):
    """The secret as it may lie in a file: as it is, in hex, in base64 at each of the three alignments."""
    data = secret.encode()
    yield "raw", data
    yield "hex", data.hex().encode()
    yield "upper hex", data.hex().upper().encode()
    for offset in range(3):
        text = base64.b64encode(bytes(offset) + data)
        whole = (offset + len(data)) // 3 * 4  # behind it the next byte has a say
        yield f"base64 at {offset}", text[(offset * 8 + 5) // 6:whole]


def check_forms(tap):
    secret = "canary-k7Qz"
    for prefix in ("", "x", "xx"):
        text = base64.b64encode(f"{prefix}{secret}tail".encode())
        tap.ok(any(form in text for _, form in forms(secret)), f"the search finds base64 behind {len(prefix)} bytes")


def hits(data, secrets):
    found = []
    for name in ("log", "absender.db", "absender.db-wal", "absender.db-shm", "key"):
        content = pathlib.Path(data, name).read_bytes()
        found += [f"{what} as {form} in {name}" for what, secret in secrets.items() for form, text in forms(secret) if text in content]
    return found


def check_secrets(tap):
    check_forms(tap)
    password, wrong, body = "canary-Smtp-7Qz9", "canary-Wrong-4Ty2", "canary-Body-8Hf3"
    os.environ["G_MESSAGES_DEBUG"] = "all"  # the log says everything it can
    with BadServer("good") as good, BadServer("wrong_password") as bad, \
            Daemon("--dev", "--ca-file", str(good.ca_file), "--allow-port", str(good.port), "--allow-port", str(bad.port)) as absender:
        absender.sign_in_first_admin()
        settings = {"host": "localhost", "security": "starttls", "from_email": "visible@example.test"}
        absender.verify({**settings, "port": bad.port, "password": wrong})
        run = absender.verify({**settings, "port": good.port, "password": password})
        if not tap.ok(isinstance(run, dict) and run["state"] == "passed", "the canary is a password that works", run):
            return
        absender.operator("PATCH", "/v1/smtp/draft", {"from_name": "Draft"}, {"If-Match": "*"})
        absender.make_token()
        absender.switch(True)
        absender.wait_for_state(absender.send(text=body).json["id"], "accepted")
        sign_in = absender.request("POST", "/v1/sessions", {"email": ADMIN["email"], "password": ADMIN["password"]})
        absender.request("POST", "/v1/sessions", {"email": ADMIN["email"], "password": "canary-Typo-2Rw8"})
        secrets = {"the SMTP password": password, "the refused password": wrong, "a mail's text": body, "a token": absender.token,
                   "a session": absender.cookie.split("=", 1)[1], "the admin's password": ADMIN["password"],
                   "the CSRF token": absender.csrf, "a mistyped password": "canary-Typo-2Rw8"}
        tap.ok(sign_in.status == 200 and len(set(secrets.values())) == len(secrets), "all secrets are at hand", sign_in)
        tap.ok(any(password.encode() in session.inside_tls or b"AUTH" in session.inside_tls for session in good.sessions),
               "the password was used")
        tap.ok(hits(absender.data, {"the sender": "visible@example.test"}), "the search finds what is stored in the clear")
        tap.equal(hits(absender.data, secrets), [], "running: no secret in log, database, WAL, shared memory or key file")
        absender.stop()
        for name in ("absender.db-wal", "absender.db-shm"):
            pathlib.Path(absender.data, name).touch()
        tap.equal(hits(absender.data, secrets), [], "stopped: neither")
    del os.environ["G_MESSAGES_DEBUG"]


def check_health(tap):
    with Daemon() as absender:
        for path in ("/livez", "/readyz"):
            answer = absender.request("GET", path)
            tap.equal((answer.status, answer.json["status"]), (200, "ok"), f"{path} needs no credentials")
        tap.equal((answer.json["able_to_send"], answer.json["sending"]), (False, "not_configured"),
                  "/readyz does not claim that mail goes out before it has")
        with contextlib.closing(sqlite3.connect(os.path.join(absender.data, "absender.db"), isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            answer = absender.request("GET", "/readyz")
            tap.equal((answer.status, answer.json["code"]), (503, "storage_unavailable"), "who cannot write is not ready")
            tap.equal(absender.request("GET", "/livez").status, 200, "but alive")
            db.execute("ROLLBACK")
        tap.equal(absender.request("GET", "/readyz").status, 200, "and ready again as soon as it can")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="absender-start-") as folder:
        check_state(tap, pathlib.Path(folder))
        check_options(tap, pathlib.Path(folder))
    check_configuration(tap)
    check_german(tap)
    check_setup_link(tap)
    check_restart(tap)
    check_stop(tap)
    check_stop_behind_the_dot(tap)
    check_stop_before_a_mail(tap)
    check_secrets(tap)
    check_health(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
