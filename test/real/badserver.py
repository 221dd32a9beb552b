"""Fake SMTP servers on loopback that do one thing wrong each, and record every byte they get.

    with BadServer("certificate_expired") as server:
        server.port, server.ca_file
        ...                               # let the client under test try
        for session in server.sessions:
            session.wire                  # bytes as they came from the socket, TLS records included
            session.clear                 # what was read as SMTP outside TLS
            session.inside_tls            # what was read as SMTP inside TLS
            session.tls                   # "none", "failed" or "established"
            session.leaks(user, password) # credentials in any form, readable by someone on the wire

SCENARIOS names them all. To try by hand: python3 test/real/badserver.py SCENARIO; the record is printed
as JSON when standard input ends.
"""
import argparse
import base64
import contextlib
import json
import pathlib
import select
import signal
import socket
import ssl
import sys
import tempfile
import threading
import time
from typing import NamedTuple

from certificates import Certificates

HOST = "mail.example.test"
LOGIN = "AUTH PLAIN LOGIN"
ENDLESS_BYTES = 64 * 1024 * 1024  # where even the endless server gives up
ENDLESS_SECONDS = 120


class Closed(Exception):
    """The client is gone, or the server is being stopped."""


# --- What the servers say ------------------------------------------------------------------------------


class Plan(NamedTuple):
    """A whole dialogue; the defaults are those of a server without fault."""

    does: str
    implicit: bool = False  # TLS from the first byte
    certificate: str = "good"
    greeting: bytes = b"220 mail.example.test ESMTP ready\r\n"
    before_tls: tuple = ("STARTTLS",)  # what EHLO offers
    after_tls: tuple = (LOGIN, "PIPELINING", "SIZE 10485760", "ENHANCEDSTATUSCODES")
    starttls: bytes = b"220 2.0.0 Ready to start TLS\r\n"
    auth: bytes = b"235 2.7.0 Authentication successful\r\n"
    mail: bytes = b"250 2.1.0 Ok\r\n"
    rcpt: bytes = b"250 2.1.5 Ok\r\n"
    rset: bytes = b"250 2.0.0 Ok\r\n"
    endless: bytes = b""  # the answer to EHLO: this, again and again
    is_silent: bool = False
    is_filtered: bool = False
    closes_at_once: bool = False


SCENARIOS = {
    "good": Plan("everything right, with STARTTLS"),
    "good_implicit": Plan("everything right, with TLS from the first byte", implicit=True),
    "starttls_missing": Plan("no STARTTLS, but a login in clear", before_tls=(LOGIN, "SIZE")),
    "starttls_stripped": Plan("STARTTLS overwritten on the way", before_tls=("XXXXXXXX", LOGIN),
                              starttls=b"502 5.5.1 Command not recognized\r\n"),
    "starttls_refused": Plan("STARTTLS offered, then refused", before_tls=("STARTTLS", LOGIN),
                             starttls=b"454 4.7.0 TLS not available due to local problem\r\n"),
    "starttls_injected": Plan("bytes behind the 220 of STARTTLS (CVE-2011-0411 and its kin)",
                              starttls=b"220 2.0.0 Ready to start TLS\r\n250-mail.example.test\r\n"
                                       b"250 AUTH PLAIN LOGIN\r\n"),
    "certificate_expired": Plan("an expired certificate", certificate="expired"),
    "certificate_self_signed": Plan("a self-signed certificate", certificate="self_signed"),
    "certificate_wrong_name": Plan("another host's certificate", certificate="wrong_name"),
    "certificate_expired_implicit": Plan("an expired certificate", implicit=True, certificate="expired"),
    "certificate_self_signed_implicit": Plan("a self-signed certificate", implicit=True,
                                             certificate="self_signed"),
    "certificate_wrong_name_implicit": Plan("another host's certificate", implicit=True,
                                            certificate="wrong_name"),
    "plaintext_on_tls_port": Plan("SMTP in clear, for a client that speaks TLS at once"),
    "tls_on_plaintext_port": Plan("TLS at once, for a client that waits for a greeting", implicit=True),
    "wrong_password": Plan("login refused", auth=b"535 5.7.8 Error: authentication failed\r\n"),
    "auth_missing": Plan("no login offered inside TLS", after_tls=("PIPELINING",),
                         auth=b"503 5.5.1 Error: authentication not enabled\r\n"),
    "sender_refused": Plan("MAIL FROM refused", mail=b"553 5.7.1 Sender address rejected: not owned by user\r\n"),
    "recipient_refused": Plan("RCPT TO refused", rcpt=b"550 5.1.1 No such user here\r\n"),
    "rset_refused": Plan("RSET refused after an accepted sender", rset=b"500 5.5.1 What?\r\n"),
    "greeting_refused": Plan("554 instead of a greeting", greeting=b"554 5.7.1 No SMTP service here\r\n"),
    "endless_reply": Plan("an EHLO reply of lines without end", endless=b"250-X-MORE\r\n" * 512),
    "endless_line": Plan("an EHLO reply of one line without end", endless=b"250-" + b"x" * 8188),
    "silent": Plan("a connection on which nothing is ever said", is_silent=True),
    "filtered": Plan("a port that takes no connection and refuses none", is_filtered=True),
    "immediate_close": Plan("a connection closed at once", closes_at_once=True),
}


# --- One connection ------------------------------------------------------------------------------------


def credential_forms(user, password):
    """The password as it may travel in SMTP: PLAIN, LOGIN, or as it is."""
    texts = [password, user + "\0" + password, "\0" + user + "\0" + password, user + "\0" + user + "\0" + password]
    encoded = [base64.b64encode(text.encode()).rstrip(b"=") for text in texts]
    return [password.encode(), *encoded]


class Session:
    """Bytes in and out, in clear first, then perhaps inside TLS; everything is recorded."""

    def __init__(self, connection):
        self.wire = bytearray()
        self.clear = bytearray()
        self.inside_tls = bytearray()
        self.tls = "none"
        self.tls_error = None
        self._socket = connection
        self._buffer = bytearray()  # read, but not yet as a line
        self._incoming = self._outgoing = self._tls = None

    def leaks(self, user, password):
        return any(form in self.wire for form in credential_forms(user, password))

    def describe(self):
        text = {name: getattr(self, name).decode("latin-1") for name in ("clear", "inside_tls")}
        return {**text, "wire": base64.b64encode(self.wire).decode(), "tls": self.tls, "tls_error": self.tls_error}

    def close(self):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def send(self, data):
        if self._tls is None:
            self._send_raw(data)
        else:
            self._tls.write(data)
            self._flush()

    def read_line(self):
        """A line without its end; also one that the client never finished."""
        while b"\n" not in self._buffer:
            self._buffer += self._read()
        line, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer = bytearray(rest)
        return line.rstrip(b"\r")

    def read_until_closed(self):
        while True:
            self._read()

    def start_tls(self, context):
        """The handshake. What was read in clear and not used yet is dropped: it stays in the record."""
        self._buffer.clear()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                try:
                    self._incoming.write(self._receive())
                except Closed:
                    self.tls, self.tls_error = "failed", "closed by the client"
                    raise
            except ssl.SSLError as error:
                self.tls, self.tls_error = "failed", str(error)
                self._flush()
                raise Closed from error
        self._flush()
        self._tls = tls
        self.tls = "established"

    def _receive(self):
        try:
            data = self._socket.recv(65536)
        except OSError as error:
            raise Closed from error
        if not data:
            raise Closed
        self.wire += data
        return data

    def _read(self):
        if self._tls is None:
            data = self._receive()
            self.clear += data
            return data
        while True:
            try:
                data = self._tls.read(65536)
            except ssl.SSLWantReadError:
                self._incoming.write(self._receive())
                continue
            except ssl.SSLError as error:
                raise Closed from error
            if not data:
                raise Closed
            self.inside_tls += data
            return data

    def _flush(self):
        self._send_raw(self._outgoing.read())

    def _send_raw(self, data):
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Closed from error


# --- The dialogue --------------------------------------------------------------------------------------


class Dialogue:
    """Plays one plan on one session."""

    def __init__(self, plan, session, context):
        self.plan, self.session, self.context = plan, session, context

    def run(self):
        if self.plan.closes_at_once:
            return
        if self.plan.is_silent:
            self.session.read_until_closed()
        if self.plan.implicit:
            self.session.start_tls(self.context)
        self.session.send(self.plan.greeting)
        while True:
            line = self.session.read_line()
            verb, _, rest = line.decode("latin-1").partition(" ")
            verb = verb.upper()
            answer = getattr(self, f"answer_{verb.lower()}", None) if verb.isalpha() else None
            self.session.send(answer(rest) if answer else b"500 5.5.2 Error: command not recognized\r\n")
            if verb == "QUIT":
                return
            if verb == "STARTTLS" and self.plan.starttls.startswith(b"220"):
                self.session.start_tls(self.context)

    def answer_ehlo(self, _):
        if self.plan.endless:
            self.send_without_end()
        offered = self.plan.after_tls if self.session.tls == "established" else self.plan.before_tls
        lines = [HOST, *offered]
        marks = ["-"] * (len(lines) - 1) + [" "]
        return "".join(f"250{mark}{line}\r\n" for mark, line in zip(marks, lines)).encode()

    def send_without_end(self):
        end = time.monotonic() + ENDLESS_SECONDS
        for _ in range(ENDLESS_BYTES // len(self.plan.endless)):
            if time.monotonic() > end:
                break
            self.session.send(self.plan.endless)
        raise Closed

    def answer_starttls(self, _):
        return self.plan.starttls

    def answer_auth(self, arguments):
        """Takes any credentials, even in clear: that the client offers none there is what tests want to see."""
        mechanism, _, initial = arguments.partition(" ")
        prompts = {"PLAIN": [b""], "LOGIN": [b"VXNlcm5hbWU6", b"UGFzc3dvcmQ6"]}.get(mechanism.upper())
        if prompts is None:
            return b"504 5.5.4 Mechanism not supported\r\n"
        for prompt in prompts[1:] if initial else prompts:
            self.session.send(b"334 " + prompt + b"\r\n")
            if self.session.read_line() == b"*":
                return b"501 5.7.0 Authentication aborted\r\n"
        return self.plan.auth

    def answer_mail(self, _):
        return self.plan.mail

    def answer_rcpt(self, _):
        return self.plan.rcpt

    def answer_data(self, _):
        if not (self.plan.mail.startswith(b"250") and self.plan.rcpt.startswith(b"250")):
            return b"503 5.5.1 Error: need RCPT command\r\n"
        self.session.send(b"354 End data with <CR><LF>.<CR><LF>\r\n")
        while self.session.read_line() != b".":
            pass
        return b"250 2.0.0 Ok: queued\r\n"

    def answer_rset(self, _):
        return self.plan.rset

    def answer_noop(self, _):
        return b"250 2.0.0 Ok\r\n"

    def answer_quit(self, _):
        return b"221 2.0.0 Bye\r\n"


# --- The server ----------------------------------------------------------------------------------------


class BadServer:
    def __init__(self, scenario):
        self.plan = SCENARIOS[scenario]
        self.sessions = []  # in the order of connecting
        self.port = None
        self.ca_file = None
        self._stack = contextlib.ExitStack()
        self._threads = []
        self._listener = None
        self._wake, self._woken = None, None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="absender-badserver-"))
            certificates = Certificates(pathlib.Path(folder))
            self.ca_file = certificates.ca_file
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificates.pair(self.plan.certificate))
            self._listener = stack.enter_context(socket.socket())
            self._listener.bind(("127.0.0.1", 0))
            self._listener.listen(0 if self.plan.is_filtered else 16)
            self.port = self._listener.getsockname()[1]
            if self.plan.is_filtered:
                self._fill_backlog(stack)
            else:
                self._wake, self._woken = map(stack.enter_context, socket.socketpair())
                self._start(self._accept, context)
                stack.callback(self._stop)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def describe(self):
        return {"host": HOST, "port": self.port, "ca_file": str(self.ca_file)}

    def _fill_backlog(self, stack):
        """Nobody accepts, so the kernel drops further SYNs: as if a firewall did."""
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", self.port))

    def _start(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, context):
        while True:
            ready, _, _ = select.select([self._listener, self._woken], [], [])
            if self._woken in ready:
                return
            session = Session(self._listener.accept()[0])
            self.sessions.append(session)
            self._start(self._serve, session, context)

    def _serve(self, session, context):
        try:
            Dialogue(self.plan, session, context).run()
        except Closed:
            pass
        finally:
            session.close()

    def _stop(self):
        self._wake.close()
        self._threads[0].join()  # after it no session is added
        for session in self.sessions:
            session.close()
        for thread in self._threads:
            thread.join()


def main():
    parser = argparse.ArgumentParser(
        description="Runs one bad server until its standard input ends.", formatter_class=argparse.RawTextHelpFormatter,
        epilog="\n".join(f"{name:34}{plan.does}" for name, plan in SCENARIOS.items()))
    parser.add_argument("scenario", choices=SCENARIOS, metavar="SCENARIO")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with BadServer(options.scenario) as server, contextlib.suppress(KeyboardInterrupt):
        print(json.dumps(server.describe()), flush=True)
        sys.stdin.read()
    print(json.dumps([session.describe() for session in server.sessions]))


if __name__ == "__main__":
    main()
