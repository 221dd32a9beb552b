#!/usr/bin/env python3
"""The mail server of our tests does what a provider's does: judged with Python's smtplib."""
import base64
import hashlib
import hmac
import json
import os
import pathlib
import shutil
import smtplib
import socket
import ssl
import subprocess
import sys
import time

import tap
from mailserver import MailServer, PASSWORD, REFUSED_RECIPIENT, USER

MAIL = (f"From: {USER}\r\nTo: anna@example.de\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
        "\r\n.dot\r\n..\r\nlast line\r\n").encode()


def context(server):
    return ssl.create_default_context(cafile=server.ca_file)


def connect_starttls(server):
    client = smtplib.SMTP("localhost", server.starttls_port, timeout=60)
    client.ehlo("app.example.test")
    client.starttls(context=context(server))
    client.ehlo("app.example.test")
    return client


def connect_implicit(server):
    client = smtplib.SMTP_SSL("localhost", server.implicit_port, timeout=60, context=context(server))
    client.ehlo("app.example.test")
    return client


def code_of(call, *arguments):
    """The reply code of a smtplib call, whether it returns or raises it."""
    try:
        return call(*arguments)[0]
    except smtplib.SMTPResponseException as error:
        return error.smtp_code


def check_before_tls(server):
    with smtplib.SMTP("localhost", server.starttls_port, timeout=60) as client:
        client.ehlo("app.example.test")
        tap.ok("STARTTLS is offered", client.has_extn("starttls"))
        tap.ok("AUTH is not offered before TLS", not client.has_extn("auth"))
        plain = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
        code = client.docmd("AUTH", "PLAIN " + plain)[0]
        tap.ok("AUTH before TLS is refused", code >= 500, code)


def check_login(name, connect, server):
    with connect(server) as client:
        for extension in ("auth", "pipelining", "size", "8bitmime", "enhancedstatuscodes", "chunking", "smtputf8"):
            tap.ok(f"{name}: {extension} is offered", client.has_extn(extension))
        mechanisms = set(client.esmtp_features["auth"].split())
        tap.equal(f"{name}: mechanisms", mechanisms, {"PLAIN", "LOGIN", "SCRAM-SHA-256"})
        tap.equal(f"{name}: sending without login is refused", code_of(client.mail, USER), 553)
        tap.equal(f"{name}: wrong password", code_of(client.login, USER, "wrong"), 535)
        tap.equal(f"{name}: right password", code_of(client.login, USER, PASSWORD), 235)
        tap.equal(f"{name}: foreign sender", code_of(client.mail, "boss@example.test"), 553)
        tap.equal(f"{name}: own sender", code_of(client.mail, USER), 250)
        tap.equal(f"{name}: unknown recipient", code_of(client.rcpt, REFUSED_RECIPIENT), 550)
        tap.equal(f"{name}: recipient", code_of(client.rcpt, "anna@example.de"), 250)
        tap.equal(f"{name}: message", code_of(client.data, MAIL), 250)


def check_delivery(server):
    mails = server.wait_for_mails(2)
    tap.equal("both mails are delivered", len(mails), 2)
    for mail in mails:
        tap.equal("the recipient of the envelope is known", mail.recipient, "anna@example.de")
        tap.equal("the subject is read back", str(mail.message["Subject"]), "Grüße")
        tap.equal("dots are read back", mail.message.get_content(), ".dot\n..\nlast line\n")


def scram_sha_256(client):
    """RFC 5802, RFC 7677; smtplib knows no SCRAM. The reply code, and whether the server proved itself."""
    first = f"n={USER},r={base64.b64encode(os.urandom(12)).decode()}"
    code, challenge = client.docmd("AUTH", "SCRAM-SHA-256 " + base64.b64encode(b"n,," + first.encode()).decode())
    if code != 334:
        return code, False
    server_first = base64.b64decode(challenge).decode()
    values = dict(part.split("=", 1) for part in server_first.split(","))
    salted = hashlib.pbkdf2_hmac("sha256", PASSWORD.encode(), base64.b64decode(values["s"]), int(values["i"]))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    final = f"c=biws,r={values['r']}"
    signed = f"{first},{server_first},{final}".encode()
    signature = hmac.digest(hashlib.sha256(client_key).digest(), signed, "sha256")
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(client_key, signature))).decode()
    code, answer = client.docmd(base64.b64encode(f"{final},p={proof}".encode()).decode())
    if code != 334:
        return code, False
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    expected = b"v=" + base64.b64encode(hmac.digest(server_key, signed, "sha256"))
    return client.docmd("")[0], base64.b64decode(answer) == expected


def check_scram(server):
    with connect_starttls(server) as client:
        tap.equal("SCRAM-SHA-256 logs in and the server proves itself", scram_sha_256(client), (235, True))


def check_bad_certificates():
    expected = {"expired": "expired", "wrong_name": "Hostname mismatch", "self_signed": "self-signed"}
    for kind, word in expected.items():
        with MailServer(kind) as server:
            for connect in (connect_starttls, connect_implicit):
                try:
                    connect(server).quit()
                    message = "no error"
                except ssl.SSLCertVerificationError as error:
                    message = str(error)
                tap.ok(f"{kind} certificate, {connect.__name__}", word in message, message)


def is_closed(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return True
    return False


def check_shutdown(server, processes):
    tap.ok("no process is left", not any(os.path.exists(f"/proc/{pid}") for pid in processes), processes)
    tap.ok("its folder is gone", not server.base.exists())
    tap.ok("its ports are closed", is_closed(server.starttls_port) and is_closed(server.implicit_port))


def processes_below(folder):
    """Ids of processes whose command line or environment names the folder."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            texts = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if str(folder).encode() in texts:
            found.append(int(entry.name))
    return found


def check_failing_test():
    """A test that raises leaves nothing behind."""
    try:
        with MailServer() as server:
            processes = processes_below(server.base)
            raise ValueError
    except ValueError:
        check_shutdown(server, processes)


def run_program():
    """mailserver.py as a program, and what it says of its server."""
    script = pathlib.Path(__file__).with_name("mailserver.py")
    run = subprocess.Popen([sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return run, json.loads(run.stdout.readline())


def check_program():
    run, server = run_program()
    with run:
        tap.ok("the program's server listens", not is_closed(server["starttls_port"]))
        run.stdin.close()
        tap.equal("it ends when its input ends", run.wait(timeout=60), 0)
        tap.ok("its port is closed", is_closed(server["starttls_port"]))
    run, server = run_program()
    with run:
        folder = pathlib.Path(server["maildir"]).parents[1]
        run.kill()
        run.wait()
        end = time.monotonic() + 60
        while (left := processes_below(folder)) and time.monotonic() < end:
            time.sleep(0.05)
        tap.ok("killed, it leaves no process", not left, left)
        shutil.rmtree(folder)


def main():
    reason = MailServer.unavailable()
    if reason is not None:
        tap.skip_all(reason)
    with MailServer() as server:
        check_before_tls(server)
        check_login("STARTTLS", connect_starttls, server)
        check_login("implicit TLS", connect_implicit, server)
        check_delivery(server)
        check_scram(server)
        processes = processes_below(server.base)
        tap.ok("processes are running", len(processes) >= 3, processes)
    check_shutdown(server, processes)
    check_bad_certificates()
    check_failing_test()
    check_program()
    tap.done()


if __name__ == "__main__":
    main()
