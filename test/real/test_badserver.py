#!/usr/bin/env python3
"""Each bad server does the one thing wrong that it is for, and its record is complete."""
import json
import pathlib
import smtplib
import socket
import ssl
import subprocess
import sys

import tap
from badserver import BadServer, SCENARIOS

USER, PASSWORD = "noreply@example.test", "correct horse"


def careful_client(server, is_implicit, seconds):
    """What a client that follows the rules gets to: a phase's name, or the reply code that stopped it."""
    context = ssl.create_default_context(cafile=server.ca_file)
    try:
        if is_implicit:
            client = smtplib.SMTP_SSL("localhost", server.port, timeout=seconds, context=context)
        else:
            client = smtplib.SMTP("localhost", server.port, timeout=seconds)
        with client:
            client.ehlo_or_helo_if_needed()
            if not is_implicit:
                client.starttls(context=context)
            client.login(USER, PASSWORD)
            client.sendmail(USER, ["anna@example.de"], "Subject: x\r\n\r\n.\r\nx\r\n")
            return "sent"
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except ssl.SSLError:
        return "no TLS"
    except smtplib.SMTPNotSupportedError as error:
        return str(error)
    except smtplib.SMTPRecipientsRefused as error:
        return error.recipients["anna@example.de"][0]
    except smtplib.SMTPResponseException as error:
        return error.smtp_code
    except smtplib.SMTPServerDisconnected as error:
        return "timeout" if "timed out" in str(error) else "closed"


# scenario: (client speaks implicit TLS, what it gets to, the server's view of TLS)
EXPECTED = {
    "good": (False, "sent", "established"),
    "good_implicit": (True, "sent", "established"),
    "starttls_missing": (False, "STARTTLS extension not supported by server.", "none"),
    "starttls_stripped": (False, "STARTTLS extension not supported by server.", "none"),
    "starttls_refused": (False, 454, "none"),
    "certificate_expired": (False, "certificate has expired", "failed"),
    "certificate_self_signed": (False, "self-signed certificate", "failed"),
    "certificate_wrong_name": (False, "Hostname mismatch, certificate is not valid for 'localhost'.", "failed"),
    "certificate_expired_implicit": (True, "certificate has expired", "failed"),
    "certificate_self_signed_implicit": (True, "self-signed certificate", "failed"),
    "certificate_wrong_name_implicit": (True, "Hostname mismatch, certificate is not valid for 'localhost'.",
                                        "failed"),
    "plaintext_on_tls_port": (True, "no TLS", "none"),
    "tls_on_plaintext_port": (False, "timeout", "failed"),
    "wrong_password": (False, 535, "established"),
    "auth_missing": (False, "SMTP AUTH extension not supported by server.", "established"),
    "sender_refused": (False, 553, "established"),
    "recipient_refused": (False, 550, "established"),
    "rset_refused": (False, "sent", "established"),
    "greeting_refused": (False, 554, "none"),
    "silent": (False, "timeout", "none"),
    "immediate_close": (False, "closed", "none"),
}


def check_scenario(name):
    is_implicit, outcome, tls = EXPECTED[name]
    with BadServer(name) as server:
        seconds = 2 if outcome == "timeout" else 60
        tap.equal(f"{name}: what a careful client gets to", careful_client(server, is_implicit, seconds), outcome)
    tap.equal(f"{name}: TLS as the server saw it", [session.tls for session in server.sessions], [tls])
    session = server.sessions[0]
    tap.ok(f"{name}: no credentials on the wire", not session.leaks(USER, PASSWORD), session.describe())
    had_login = b"AUTH" in session.inside_tls
    tap.equal(f"{name}: login inside TLS is recorded", had_login, outcome in ("sent", 535, 553, 550))


def check_injection():
    """Python discards what is behind the 220; read the raw bytes."""
    with BadServer("starttls_injected") as server, socket.create_connection(("127.0.0.1", server.port)) as client:
        client.recv(1000)
        client.sendall(b"EHLO a\r\n")
        client.recv(1000)
        client.sendall(b"STARTTLS\r\n")
        data = client.recv(1000)
    tap.ok("starttls_injected: more than the 220 in one segment",
           data.startswith(b"220 ") and data.endswith(b"250 AUTH PLAIN LOGIN\r\n"), data)
    tap.equal("what was sent in clear is recorded", bytes(server.sessions[0].clear), b"EHLO a\r\nSTARTTLS\r\n")


def check_endless():
    for name in ("endless_reply", "endless_line"):
        with BadServer(name) as server, socket.create_connection(("127.0.0.1", server.port)) as client:
            client.recv(1000)
            client.sendall(b"EHLO a\r\n")
            count = 0
            while count < 4 * 1024 * 1024 and (data := client.recv(65536)):
                count += len(data)
        tap.ok(f"{name}: goes on after 4 MiB", count >= 4 * 1024 * 1024, count)


def check_filtered():
    with BadServer("filtered") as server:
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=2).close()
            outcome = "connected"
        except OSError as error:
            outcome = type(error)
    tap.equal("filtered: connecting takes for ever", outcome, TimeoutError)


def check_leaks_are_found():
    """A careless client, so that the check for leaks is known to find one."""
    for mechanism in ("auth_plain", "auth_login"):
        with BadServer("starttls_missing") as server, smtplib.SMTP("localhost", server.port, timeout=60) as client:
            client.ehlo()
            client.user, client.password = USER, PASSWORD
            client.auth(mechanism.removeprefix("auth_").upper(), getattr(client, mechanism))
        tap.ok(f"a login in clear is found: {mechanism}", server.sessions[0].leaks(USER, PASSWORD))


def check_program():
    script = pathlib.Path(__file__).with_name("badserver.py")
    with subprocess.Popen([sys.executable, script, "good"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as run:
        port = json.loads(run.stdout.readline())["port"]
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(b"QUIT\r\n")
            while client.recv(1000):
                pass
        run.stdin.close()
        record = json.loads(run.stdout.readline())
        tap.equal("the program prints what it recorded", record[0]["clear"], "QUIT\r\n")
        tap.equal("and ends", run.wait(timeout=60), 0)


def main():
    for name in EXPECTED:
        check_scenario(name)
    check_injection()
    check_endless()
    check_filtered()
    check_leaks_are_found()
    check_program()
    left_out = set(SCENARIOS) - set(EXPECTED) - {"starttls_injected", "endless_reply", "endless_line", "filtered"}
    tap.equal("no scenario is left out", left_out, set())
    tap.done()


if __name__ == "__main__":
    main()
