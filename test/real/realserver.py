"""What the real mail servers of these tests have in common; each is a class of its own (mailserver.py, eximserver.py, proxyserver.py).

    with Postfix() as server:                        # or Exim(), DovecotProxy()
        server.starttls_port, server.implicit_port   # submission with STARTTLS, and TLS from byte one
        server.ca_file                               # what the client under test must trust
        server.count()                               # deliveries so far, cheaply
        server.deliveries()                          # each with its recipient and its bytes
        server.restart()                             # killed and started again on the same ports

The host names are mail.example.test and localhost, both at 127.0.0.1. USER may log in with PASSWORD after TLS only. Mail to any address
is taken and put into one Maildir, except to REFUSED_RECIPIENT (550).
"""
import contextlib
import email
import email.message
import email.policy
import os
import pathlib
import re
import shutil
import tempfile
import time
from typing import NamedTuple

from certificates import Certificates
from process import free_ports

USER = "noreply@example.test"
PASSWORD = "correct horse"
REFUSED_RECIPIENT = "nobody@example.test"
HOST = "mail.example.test"

QUEUE_ID = re.compile(rb"\bid\s+([\w-]+)")
HEADER = re.compile(rb"(?P<name>[!-9;-~]+):[^\n]*\n(?:[ \t][^\n]*\n)*")


def files_below(*folders):
    """Paths of all files, as far as they do not vanish meanwhile."""
    return [os.path.join(path, name) for folder in folders for path, _, names in os.walk(folder) for name in names]


def mode_of(path):
    """0 if the file has vanished meanwhile."""
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return 0


class Delivery(NamedTuple):
    """One mail in the Maildir."""

    trace: tuple  # names of the headers that the servers put in front, lower case
    recipient: str  # of the envelope
    taken_as: bytes  # the server's own name for it; a mail that is taken once and delivered twice has one
    data: bytes  # what lies behind the trace, with the line ends of SMTP


class Mail(NamedTuple):
    data: bytes  # as delivered: trace headers in front, lines end in LF
    message: email.message.EmailMessage
    recipient: str  # of the envelope


class RealServer:
    """certificate: one of certificates.KINDS. has_chunking, has_pipelining: whether it offers them."""

    user, password, host = USER, PASSWORD, HOST
    needs = ()  # programs that must be installed
    recipient_header = None  # the trace header that names the recipient of the envelope
    trace_headers = frozenset()  # lower case; what servers put in front of a message, and nothing else
    log_files = ()

    def __init__(self, certificate="good", has_chunking=True, has_pipelining=True):
        reason = self.unavailable()
        if reason is not None:
            raise RuntimeError(reason)
        self.certificate = certificate
        self.has_chunking, self.has_pipelining = has_chunking, has_pipelining
        self.base = self.maildir = None
        self.ca_file = None
        self.certificates = None
        self.starttls_port = self.implicit_port = None
        self._stack = contextlib.ExitStack()

    @classmethod
    def unavailable(cls):
        """Why the server cannot run here, or None."""
        if os.geteuid() != 0:
            return f"{cls.__name__} needs root"
        for program in ("openssl", "apt-get", "dpkg", *cls.needs):
            if shutil.which(program) is None:
                return f"{program} is not installed"
        return None

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.base = pathlib.Path(stack.enter_context(
                tempfile.TemporaryDirectory(prefix="absender-mailserver-", ignore_cleanup_errors=True)))
            self.base.chmod(0o755)  # the servers change users and must pass through
            self.maildir = self.base / "mails"
            self.certificates = self.certificates or Certificates(self.base / "tls")
            self.ca_file = self.certificates.ca_file
            self.starttls_port, self.implicit_port = free_ports(2)
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _start(self, stack):
        raise NotImplementedError

    def restart(self):
        raise NotImplementedError

    def log(self):
        """What the servers have logged, for a failing test to show."""
        files = (self.base / name for name in self.log_files)
        return "".join(f.read_text(encoding="utf-8", errors="replace") for f in files if f.exists())

    def _files(self):
        return files_below(self.maildir / "new")

    def count(self):
        return len(self._files())

    def deliveries(self):
        """Everything delivered so far, in no order."""
        for name in self._files():
            yield self._delivery(pathlib.Path(name).read_bytes())

    def _delivery(self, data):
        at, trace, recipient, taken_as = 0, [], None, None
        while (header := HEADER.match(data, at)) and (name := header["name"].decode().lower()) in self.trace_headers:
            if name == self.recipient_header:
                recipient = header.group().partition(b":")[2].strip().decode().lower()
            if name == "received" and taken_as is None:
                taken_as = QUEUE_ID.search(header.group()).group(1)
            trace.append(name)
            at = header.end()
        return Delivery(tuple(trace), recipient, taken_as, data[at:].replace(b"\n", b"\r\n"))

    def wait_for(self, count, seconds=120):
        """Until there are at least `count` deliveries. TimeoutError if for `seconds` no further one comes."""
        seen, since = self.count(), time.monotonic()
        while seen < count:
            if time.monotonic() - since > seconds:
                raise TimeoutError(f"{seen} of {count} mails, and no more for {seconds} s:\n{self.log()[-20000:]}")
            time.sleep(0.05)
            now = self.count()
            if now != seen:
                seen, since = now, time.monotonic()

    def forget(self):
        """What was delivered so far."""
        for name in self._files():
            os.unlink(name)

    def queued(self):
        """Files of mails that are taken but not delivered yet."""
        raise NotImplementedError

    def taken(self):
        """About how many mails it has said 250 to."""
        return self.count() + len(self.queued())

    def wait_until_taken(self, count, seconds=120):
        end = time.monotonic() + seconds
        while self.taken() < count:
            if time.monotonic() > end:
                raise TimeoutError(f"after {seconds} s only {self.taken()} mails are taken:\n{self.log()[-20000:]}")
            time.sleep(0.005)

    def wait_until_idle(self, seconds=120):
        """Until all it has taken is delivered. TimeoutError if for `seconds` nothing more is."""
        seen, since = None, time.monotonic()
        while queued := self.queued():
            if len(queued) != seen:
                seen, since = len(queued), time.monotonic()
            if time.monotonic() - since > seconds:
                raise TimeoutError(f"for {seconds} s these {seen} are not delivered: {queued[:5]}")
            time.sleep(0.1)

    def chunked(self):
        """How many mails came by BDAT; None if the server does not tell."""
        return None

    def mails(self):
        """Everything delivered so far, read as messages, oldest first."""
        found = []
        for file in sorted(map(pathlib.Path, self._files()), key=lambda f: (f.stat().st_mtime_ns, f.name)):
            data = file.read_bytes()
            message = email.message_from_bytes(data, policy=email.policy.default)
            found.append(Mail(data, message, str(message[self.recipient_header])))
        return found

    def wait_for_mails(self, count):
        """mails(), once there are at least `count`."""
        self.wait_for(count)
        return self.mails()

    def settings(self, security, **more):
        """The SMTP settings of an Absender that sends by this server."""
        return {"host": "localhost", "port": getattr(self, f"{security}_port"), "security": security, "from_email": USER,
                "username": USER, "password": PASSWORD, **more}

    def options(self):
        """The options that an Absender needs to use this server."""
        return ("--ca-file", str(self.ca_file), "--allow-port", str(self.starttls_port), "--allow-port", str(self.implicit_port))

    def describe(self):
        return {"host": HOST, "starttls_port": self.starttls_port, "implicit_port": self.implicit_port,
                "ca_file": str(self.ca_file), "user": USER, "password": PASSWORD, "maildir": str(self.maildir / "new")}
