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
            session.mails                 # what it took: sender, recipients, content
            session.ahead                 # commands that had bytes behind them before they were answered

SCENARIOS names those that a verification must see through, ODD those that only mail in numbers finds out. To try by hand: python3 test/real/badserver.py SCENARIO; the record is printed
as JSON when standard input ends.
"""
import argparse
import base64
import contextlib
import json
import pathlib
import re
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
LINGER_SECONDS = 10


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
    swallows: bool = False  # reads nothing that came together with a mail's end
    trips: bool = False  # takes what came together with a mail's end for commands out of order
    mails_a_session: int = 0  # 421 to the next one; 0: no limit
    sessions_at_once: int = 0  # 421 instead of a greeting above that; 0: no limit
    refuses_chunk: int = 0  # each so-manieth BDAT of a session is refused; 0: none
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

ALL_EXTENSIONS = (LOGIN, "PIPELINING", "CHUNKING", "SIZE 10485760", "ENHANCEDSTATUSCODES", "8BITMIME")

ODD = {
    "all_extensions": Plan("everything offered, and followed", after_tls=ALL_EXTENSIONS),
    "stepwise": Plan("no extension to write ahead with", after_tls=(LOGIN, "SIZE 10485760")),
    "swallows": Plan("PIPELINING offered, but what follows a final dot in the same segment is never read", swallows=True),
    "swallows_chunks": Plan("CHUNKING offered, but what follows a last chunk in the same segment is never read", swallows=True,
                            after_tls=ALL_EXTENSIONS),
    "trips": Plan("PIPELINING offered, but 503 to what follows a final dot in the same segment", trips=True),
    "trips_on_chunks": Plan("CHUNKING offered, but 503 to what follows a last chunk in the same segment", trips=True,
                            after_tls=ALL_EXTENSIONS),
    "421_after_mails": Plan("421 after seven mails", mails_a_session=7),
    "421_after_chunked_mails": Plan("421 after seven mails", mails_a_session=7, after_tls=ALL_EXTENSIONS),
    "one_session": Plan("421 to a second connection", sessions_at_once=1),
    "refuses_chunks": Plan("every fifth chunk refused for the moment", refuses_chunk=5, after_tls=ALL_EXTENSIONS),
}


# --- One connection ------------------------------------------------------------------------------------


def credential_forms(user, password):
    """The password as it may travel in SMTP: PLAIN, LOGIN, or as it is."""
    texts = [password, user + "\0" + password, "\0" + user + "\0" + password, user + "\0" + user + "\0" + password]
    encoded = [base64.b64encode(text.encode()).rstrip(b"=") for text in texts]
    return [password.encode(), *encoded]


class Received(NamedTuple):
    """A mail that the server has said 250 to."""

    sender: str
    recipients: tuple
    data: bytes  # without dot-stuffing


class Session:
    """Bytes in and out, in clear first, then perhaps inside TLS; everything is recorded."""

    def __init__(self, connection):
        self.wire = bytearray()
        self.clear = bytearray()
        self.inside_tls = bytearray()
        self.tls = "none"
        self.tls_error = None
        self.mails = []
        self.is_open = True
        self.ahead = 0
        self._socket = connection
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()  # read, but not yet as a line
        self._incoming = self._outgoing = self._tls = None

    def leaks(self, user, password):
        return any(form in self.wire for form in credential_forms(user, password))

    def describe(self):
        text = {name: getattr(self, name).decode("latin-1") for name in ("clear", "inside_tls")}
        return {**text, "wire": base64.b64encode(self.wire).decode(), "tls": self.tls, "tls_error": self.tls_error}

    def close(self):
        self.is_open = False
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def leave(self):
        """Ends as a careful server does: were it closed with something unread, the client might never see the last replies."""
        self._socket.shutdown(socket.SHUT_WR)
        self._socket.settimeout(LINGER_SECONDS)
        self.read_until_closed()

    def send(self, data):
        if self._tls is None:
            self._send_raw(data)
        else:
            self._tls.write(data)
            self._flush()

    def read_line(self):
        """A line without its end."""
        return self._read_through(b"\n")[:-1].rstrip(b"\r")

    def read_content(self):
        """A message up to its final dot, without dot-stuffing."""
        self._buffer[:0] = b"\r\n"
        return self._read_through(b"\r\n.\r\n")[:-3].replace(b"\r\n.", b"\r\n")[2:]

    def read_octets(self, count):
        while len(self._buffer) < count:
            self._buffer += self._read()
        return self._take(count)

    def has_more(self):
        """Whether something came together with what has been read last."""
        return bool(self._buffer)

    def swallow(self):
        """Forgets what came together with what has been read last, and what has come since."""
        self._buffer.clear()
        while select.select([self._socket], [], [], 0)[0]:
            self._read()

    def _read_through(self, end):
        searched = 0
        while (at := self._buffer.find(end, searched)) < 0:
            searched = max(0, len(self._buffer) - len(end))
            self._buffer += self._read()
        return self._take(at + len(end))

    def _take(self, count):
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken

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
        data = b""
        while True:  # all records that are there, so that it shows what was written together
            try:
                more = self._tls.read(65536)
            except ssl.SSLWantReadError:
                if data:
                    return data
                self._incoming.write(self._receive())
                continue
            except ssl.SSLError as error:
                raise Closed from error
            if not more:
                raise Closed
            self.inside_tls += more
            data += more

    def _flush(self):
        self._send_raw(self._outgoing.read())

    def _send_raw(self, data):
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise Closed from error


# --- The dialogue --------------------------------------------------------------------------------------


VERBS = {"EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "BDAT", "RSET", "NOOP", "QUIT"}


def address_of(arguments):
    return re.search(r"<([^>]*)>", arguments).group(1)


class Dialogue:
    """Plays one plan on one session."""

    def __init__(self, plan, session, context, is_one_too_many=False):
        self.plan, self.session, self.context = plan, session, context
        self.is_one_too_many = is_one_too_many
        self.sender, self.recipients, self.chunks = None, [], []
        self.chunk_count = 0
        self.is_tripped = False  # until all that came together with the last mail's end is read

    def run(self):
        if self.plan.closes_at_once:
            return
        if self.plan.is_silent:
            self.session.read_until_closed()
        if self.plan.implicit:
            self.session.start_tls(self.context)
        if self.is_one_too_many:
            self.session.send(b"421 4.7.0 Too many connections from your address\r\n")
            return
        self.session.send(self.plan.greeting)
        while True:
            line = self.session.read_line()
            verb, _, rest = line.decode("latin-1").partition(" ")
            verb = verb.upper()
            self.session.ahead += self.session.has_more() and verb != "BDAT"
            reply = self.answer_out_of_order(verb, rest) if self.is_tripped else self.answer(verb, rest)
            self.session.send(reply)
            if verb == "QUIT":
                return
            if reply.startswith(b"421"):
                self.session.leave()
            if verb == "STARTTLS" and self.plan.starttls.startswith(b"220"):
                self.session.start_tls(self.context)

    def answer(self, verb, rest):
        answer = getattr(self, f"answer_{verb.lower()}", None) if verb in VERBS else None
        return answer(rest) if answer else b"500 5.5.2 Error: command not recognized\r\n"

    def answer_out_of_order(self, verb, rest):
        if verb == "BDAT":
            self.session.read_octets(int(rest.split()[0]))
        self.is_tripped = self.session.has_more()
        return self.answer(verb, rest) if verb in ("RSET", "QUIT") else b"503 5.5.1 Error: out of order\r\n"

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
        prompts = {"PLAIN": [b""], "XOAUTH2": [b""], "LOGIN": [b"VXNlcm5hbWU6", b"UGFzc3dvcmQ6"]}.get(mechanism.upper())
        if prompts is None:
            return b"504 5.5.4 Mechanism not supported\r\n"
        for prompt in prompts[1:] if initial else prompts:
            self.session.send(b"334 " + prompt + b"\r\n")
            if self.session.read_line() == b"*":
                return b"501 5.7.0 Authentication aborted\r\n"
        return self.plan.auth

    def answer_mail(self, arguments):
        if self.plan.mails_a_session and len(self.session.mails) >= self.plan.mails_a_session:
            return b"421 4.7.0 Too many messages in one session\r\n"
        if self.sender is not None:
            return b"503 5.5.1 Error: nested MAIL command\r\n"
        if self.plan.mail.startswith(b"250"):
            self.sender = address_of(arguments)
        return self.plan.mail

    def answer_rcpt(self, arguments):
        if self.sender is None:
            return b"503 5.5.1 Error: need MAIL command\r\n"
        if self.plan.rcpt.startswith(b"250"):
            self.recipients.append(address_of(arguments))
        return self.plan.rcpt

    def answer_data(self, _):
        if not self.recipients:
            return b"503 5.5.1 Error: need RCPT command\r\n"
        self.session.send(b"354 End data with <CR><LF>.<CR><LF>\r\n")
        return self.take_mail(self.session.read_content())

    def answer_bdat(self, arguments):
        size, _, last = arguments.partition(" ")
        self.chunks.append(self.session.read_octets(int(size)))
        self.chunk_count += 1
        if self.plan.refuses_chunk and self.chunk_count % self.plan.refuses_chunk == 0:
            self.forget_mail()
            return b"452 4.3.1 Insufficient system storage\r\n"
        if not self.recipients:
            self.forget_mail()
            return b"503 5.5.1 Error: need RCPT command\r\n"
        return self.take_mail(b"".join(self.chunks)) if last else b"250 2.0.0 Ok: chunk\r\n"

    def take_mail(self, data):
        self.session.mails.append(Received(self.sender, tuple(self.recipients), data))
        self.forget_mail()
        if self.plan.swallows:
            self.session.swallow()
        self.is_tripped = self.plan.trips and self.session.has_more()
        return b"250 2.0.0 Ok: queued\r\n"

    def forget_mail(self):
        self.sender, self.recipients, self.chunks = None, [], []

    def answer_rset(self, _):
        self.forget_mail()
        return self.plan.rset

    def answer_noop(self, _):
        return b"250 2.0.0 Ok\r\n"

    def answer_quit(self, _):
        return b"221 2.0.0 Bye\r\n"


# --- The server ----------------------------------------------------------------------------------------


class BadServer:
    def __init__(self, scenario):
        self.plan = (SCENARIOS | ODD)[scenario]
        self.sessions = []  # in the order of connecting
        self.refused_sessions = 0  # with a 421 for a greeting
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

    def mails(self):
        """All that it has said 250 to."""
        return [mail for session in list(self.sessions) for mail in session.mails]

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
            is_one_too_many = 0 < self.plan.sessions_at_once < sum(each.is_open for each in self.sessions)
            self.refused_sessions += is_one_too_many
            self._start(self._serve, session, context, is_one_too_many)

    def _serve(self, session, context, is_one_too_many):
        try:
            Dialogue(self.plan, session, context, is_one_too_many).run()
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
        epilog="\n".join(f"{name:34}{plan.does}" for name, plan in (SCENARIOS | ODD).items()))
    parser.add_argument("scenario", choices=[*SCENARIOS, *ODD], metavar="SCENARIO")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with BadServer(options.scenario) as server, contextlib.suppress(KeyboardInterrupt):
        print(json.dumps(server.describe()), flush=True)
        sys.stdin.read()
    print(json.dumps([session.describe() for session in server.sessions]))


if __name__ == "__main__":
    main()
