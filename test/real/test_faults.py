"""Every fault of the list, played by a fake server on loopback against the real program: the right diagnosis with a fix in both
languages, no credential byte before verified TLS, and the settings mail is sent with stay as they were."""
import concurrent.futures
import contextlib
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from badserver import HOST, SCENARIOS, BadServer  # noqa: E402
from harness.clock import Clock  # noqa: E402
from harness.daemon import PROGRAM, Daemon, Tap, free_port  # noqa: E402

DAY = 24 * 3600
YEAR = 365 * DAY
USER, PASSWORD = "noreply@example.test", "a-password-like-no-other"

# scenario: security, diagnosis, the rung it stops at
EXPECTED = {
    "good": ("starttls", None, None),
    "good_implicit": ("implicit", None, None),
    "starttls_missing": ("starttls", "starttls_not_offered", "starttls"),
    "starttls_stripped": ("starttls", "starttls_not_offered", "starttls"),
    "starttls_refused": ("starttls", "starttls_temporarily_unavailable", "starttls"),
    "starttls_injected": ("starttls", "response_injection_after_starttls", "starttls"),
    "certificate_expired": ("starttls", "tls_certificate_expired", "certificate"),
    "certificate_self_signed": ("starttls", "tls_certificate_self_signed", "certificate"),
    "certificate_wrong_name": ("starttls", "tls_hostname_mismatch", "certificate"),
    "certificate_expired_implicit": ("implicit", "tls_certificate_expired", "certificate"),
    "certificate_self_signed_implicit": ("implicit", "tls_certificate_self_signed", "certificate"),
    "certificate_wrong_name_implicit": ("implicit", "tls_hostname_mismatch", "certificate"),
    "plaintext_on_tls_port": ("implicit", "tls_wrong_version_number", "tls"),
    "tls_on_plaintext_port": ("starttls", "greeting_timeout", "greeting"),
    "wrong_password": ("starttls", "auth_failed_generic", "auth"),
    "auth_missing": ("starttls", "auth_not_offered", "auth"),
    "sender_refused": ("starttls", "sender_not_owned", "sender"),
    "recipient_refused": ("starttls", "recipient_unknown", "recipient"),
    "rset_refused": ("starttls", None, None),  # the sender was allowed before; leaving is all that is left
    "greeting_refused": ("starttls", "greeting_554_no_service", "greeting"),
    "endless_reply": ("starttls", "protocol_malformed_reply", "ehlo"),
    "endless_line": ("starttls", "protocol_malformed_reply", "ehlo"),
    "silent": ("starttls", "greeting_timeout", "greeting"),
    "filtered": ("starttls", "connect_timeout", "connect"),
    "immediate_close": ("starttls", "connection_reset", "greeting"),
}
SLOW = {"tls_on_plaintext_port", "silent", "filtered"}  # somebody waits for a deadline: beside the others


@contextlib.contextmanager
def dns():
    """A real DNS server that knows the fake servers' name and nothing else."""
    port = free_port()
    server = subprocess.Popen(["dnsmasq", "--no-daemon", "--no-resolv", "--no-hosts", "--conf-file=/dev/null", f"--port={port}",
                               "--listen-address=127.0.0.1", "--bind-interfaces", f"--address=/{HOST}/127.0.0.1", "--local=/test/"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def settings(port, security, host=HOST):
    return {"host": host, "port": port, "security": security, "from_email": USER, "username": USER, "password": PASSWORD}


def try_scenario(name, dns_server):
    """What the program says about one server: verification, German diagnosis, settings in force before and after, the server's sessions."""
    security = EXPECTED[name][0]
    with BadServer(name) as server, Daemon("--dev", "--dns-server", dns_server, "--ca-file", str(server.ca_file),
                                           "--allow-port", str(server.port)) as absender:
        absender.use_sandbox()
        before = absender.operator("GET", "/v1/smtp").json
        run = absender.verify(settings(server.port, security), activate=EXPECTED[name][1] is not None,
                              probe="anna@example.test" if name == "recipient_refused" else None)
        if not isinstance(run, dict):
            return run, None, before, None, server.sessions
        german = absender.operator("GET", f"/v1/smtp/verifications/{run['id']}", headers={"Accept-Language": "de"}).json
        after = absender.operator("GET", "/v1/smtp").json
        return run, german, before, after, server.sessions


def check_scenario(tap, name, result):
    _, diagnosis, rung = EXPECTED[name]
    run, german, before, after, sessions = result
    if not isinstance(run, dict):
        tap.ok(False, f"{name}: a verification is started", run)
        return
    if diagnosis is None:
        tap.equal((run["state"], run["diagnosis"]), ("passed", None), f"{name}: passes")
    else:
        found = run["diagnosis"] or {}
        stopped = next((phase["name"] for phase in run["phases"] if phase["state"] == "failed"), None)
        tap.equal((run["state"], found.get("id"), stopped), ("failed", diagnosis, rung), f"{name}: {diagnosis} at {rung}")
        fixes = found.get("fix"), (german["diagnosis"] or {}).get("fix")
        tap.ok(all(fixes) and fixes[0] != fixes[1], f"{name}: the fix is there in English and in German", fixes)
    leaks = [session.describe() for session in sessions if session.leaks(USER, PASSWORD)]
    tap.equal(leaks, [], f"{name}: no credential on the wire outside TLS")
    if diagnosis is not None and rung in ("dns", "connect", "greeting", "ehlo", "starttls", "tls", "certificate"):
        tap.ok(all(b"AUTH" not in session.clear + session.inside_tls for session in sessions), f"{name}: no login was tried")
    tap.equal(after["active"], before["active"], f"{name}: the active settings are untouched")
    canary = PASSWORD in str(run) + str(german) + str(after)
    tap.ok(not canary, f"{name}: the password is in no answer")


def check_addresses(tap, dns_server):
    """Faults that need no server: names, ports, addresses."""
    with Daemon("--dns-server", dns_server, "--allow-port", "9") as absender:  # not --dev: loopback is forbidden
        run = absender.verify(settings(587, "starttls", "unknown.example.test"))
        tap.equal((run["state"], run["diagnosis"]["id"]), ("failed", "dns_host_not_found"), "an unknown host is named as such")
        run = absender.verify(settings(587, "starttls", HOST))
        tap.equal((run["state"], run["diagnosis"]["id"]), ("failed", "dns_answer_private_address"),
                  "a name that leads to a private address is refused")
        run = absender.verify(settings(587, "starttls", "169.254.169.254"))
        tap.equal((run["state"], run["diagnosis"]["id"]), ("failed", "address_not_allowed"), "the metadata address is refused")
        answer = absender.verify(settings(22, "starttls"))
        tap.equal((answer.status, answer.json["errors"][0]["code"]), (422, "port_not_allowed"), "another port is refused by name")
    port = free_port()
    with Daemon("--dev", "--dns-server", dns_server, "--allow-port", str(port)) as absender:
        run = absender.verify(settings(port, "starttls", HOST))
        tap.equal((run["state"], run["diagnosis"]["id"]), ("failed", "connect_refused"), "a closed port is told from a filtered one")


def check_guard(tap, dns_server):
    """DESIGN rule 5: a refused password is not sent twice."""
    for host in (HOST, "localhost"):  # there the sandbox is, too: a server of its own on another port
        with BadServer("wrong_password") as server, Daemon("--dev", "--dns-server", dns_server, "--ca-file", str(server.ca_file),
                                                           "--allow-port", str(server.port)) as absender:
            absender.verify(settings(server.port, "starttls", host))
            again = absender.verify(settings(server.port, "starttls", host))
            said = (again["state"], None) if isinstance(again, dict) else (again.status, again.json["code"])
            tap.equal(said, (409, "same_password_refused"), f"{host}: the same refused password is not sent twice")
            logins = sum(session.inside_tls.count(b"AUTH ") for session in server.sessions)
            tap.equal(logins, 1, f"{host}: the server saw one login")


def check_clock(tap, dns_server):
    """A clock that is wrong makes good certificates look bad: it is named, not the certificate."""
    wrong = {"years behind": (-10 * YEAR, "clock_behind"), "a week behind": (-7 * DAY, "tls_certificate_not_yet_valid"),
             "years ahead": (10 * YEAR, "tls_certificate_expired")}
    with tempfile.TemporaryDirectory(prefix="absender-clock-") as folder:
        clock = Clock(pathlib.Path(folder), certificates_too=True)
        if not clock.build_for(PROGRAM):
            tap.skip("a clock that is wrong", "it needs a compiler and a program without sanitizers")
            return
        with BadServer("good") as server:
            absender = Daemon("--dev", "--dns-server", dns_server, "--ca-file", str(server.ca_file), "--allow-port", str(server.port))
            absender.environment = clock.environment()
            with absender:
                for name, (lead, diagnosis) in wrong.items():
                    clock.set(lead)
                    run = absender.verify(settings(server.port, "starttls"))
                    found = run["diagnosis"] or {}
                    tap.equal((run["state"], found.get("id"), "check_clock" in [action["code"] for action in found.get("actions", [])]),
                              ("failed", diagnosis, True), f"a clock that is {name}: {diagnosis}, and the clock is offered as the cause")
                clock.set(0)
                tap.equal(absender.verify(settings(server.port, "starttls"))["state"], "passed", "set right, the same server passes")


def check_fields(tap):
    """CR, LF and NUL in any field: 422 that names the field (rule 7)."""
    with Daemon("--dev") as absender:
        good = settings(587, "starttls")
        for field in ("host", "username", "from_email", "from_name", "ehlo_name", "password"):
            for bad in ("a\r\nb", "a\nb", "a\rb", "a\0b"):
                answer = absender.operator("POST", "/v1/smtp/verifications", {"settings": {**good, field: bad}})
                pointers = [fault["pointer"] for fault in answer.json.get("errors", [])]
                tap.ok(answer.status == 422 and any(pointer.endswith("/" + field) for pointer in pointers),
                       f"{bad!r} in {field} is refused by name", answer)
        tap.equal(absender.operator("GET", "/v1/smtp").json["draft"], None, "and nothing was changed")


def main():
    tap = Tap()
    missing = set(SCENARIOS) ^ set(EXPECTED)
    tap.equal(missing, set(), "every scenario has its expectation")
    with dns() as dns_server, concurrent.futures.ThreadPoolExecutor(len(SLOW)) as pool:
        slow = {name: pool.submit(try_scenario, name, dns_server) for name in EXPECTED if name in SLOW}
        for name in EXPECTED:
            if name not in SLOW:
                check_scenario(tap, name, try_scenario(name, dns_server))
        check_addresses(tap, dns_server)
        check_guard(tap, dns_server)
        check_clock(tap, dns_server)
        check_fields(tap)
        for name, waiting in slow.items():
            check_scenario(tap, name, waiting.result())
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
