"""The providers people really have, in small, on this machine: a real DNS server that knows their names, and for each provider a
server at a 127.x address of its own, on the true ports, with certificates of a test CA, which answers logins and senders in the
provider's own words (data/failure-examples.json, and the sources of data/providers.json).

    with ProviderWorld() as world:
        Daemon("--dev", "--ca-file", world.ca_file, "--dns-server", world.dns.address)
        world.providers["gmail"].email, .password, .hosts, …

To use it from elsewhere: python3 test/real/providerworld.py --serve prints one line of JSON (describe() below), then one for each
session that begins ({"session": preset}) and for each page that is asked for ({"asked": "host/path"}), and goes on until its standard input
ends or it is told to stop. Needs root, for ports below 1024.
"""
import argparse
import base64
import contextlib
import http.server
import json
import pathlib
import random
import select
import signal
import socket
import ssl
import sys
import tempfile
import threading
from typing import NamedTuple

from badserver import Closed, Dialogue, Plan, Session, address_of
from certificates import Certificates
from dnsserver import DnsServer

IMPLICIT, STARTTLS = 465, 587
WRONG_PASSWORD = "not-the-password"


class Provider(NamedTuple):
    """What a provider's server says and whom it knows."""

    preset: str
    hosts: tuple  # names that lead to it, the right one first
    certificate: tuple  # names its certificate is for
    email: str  # the customer's mailbox
    password: str  # with which programs may log in
    usernames: tuple  # all that may be given for it
    mx: str  # of the customer's domain
    spf: str  # what stands at the customer's domain
    wrong: bytes  # the reply to a wrong password
    refused_sender: bytes  # the reply to a sender that is not the customer's; empty: takes it
    ports: tuple = (IMPLICIT, STARTTLS)
    filtered: tuple = ()  # ports that neither take a connection nor refuse it
    account_password: str = ""  # opens the web pages, but no program may log in with it …
    needs_app_password: bytes = b""  # … and is told so
    refuses_sender_late: bool = False  # only when the mail is there
    records: tuple = ()  # further ones of its own


PROVIDERS = (
    Provider(
        preset="ionos", hosts=("smtp.ionos.de", "smtp.1und1.de"), certificate=("smtp.ionos.de", "smtp.ionos.com"),
        email="info@praxis-ionos.example", password="ionos-mailbox", usernames=("info@praxis-ionos.example",),
        mx="mx00.kundenserver.de", spf="v=spf1 include:_spf-eu.ionos.com ~all",
        wrong=b"535 Authentication credentials invalid\r\n", refused_sender=b"550 Sender address is not allowed.\r\n",
        records=('_spf-eu.ionos.com. TXT "v=spf1 ip4:212.227.126.128/25 ip4:212.227.15.0/24 ~all"',
                 's1-ionos._domainkey.praxis-ionos.example. CNAME s1.dkim.ionos.com.',
                 's2-ionos._domainkey.praxis-ionos.example. CNAME s2.dkim.ionos.com.',
                 '_dmarc.praxis-ionos.example. TXT "v=DMARC1; p=none"')),
    Provider(
        preset="strato", hosts=("smtp.strato.de", "mail.kanzlei-strato.example"), certificate=("smtp.strato.de",),
        email="kontakt@kanzlei-strato.example", password="strato-mailbox", usernames=("kontakt@kanzlei-strato.example",),
        mx="smtpin.rzone.de", spf="v=spf1 redirect=smtp.rzone.de",
        wrong=b"535 5.7.8 Error: authentication failed: UGFzc3dvcmQ6\r\n",
        refused_sender=b"553 5.7.1 <{sender}>: Sender address rejected: not owned by user {username}\r\n",
        records=('smtp.rzone.de. TXT "v=spf1 ip4:81.169.146.0/24 ip4:85.215.255.0/24 -all"',)),
    Provider(
        preset="allinkl", hosts=("w0123456.kasserver.com", "smtp.all-inkl.com"), certificate=("*.kasserver.com", "kasserver.com"),
        email="vorstand@verein-allinkl.example", password="kas-mailbox", usernames=("m0123456", "vorstand@verein-allinkl.example"),
        mx="w0123456.kasserver.com", spf="v=spf1 a mx include:spf.kasserver.com ~all",
        wrong=b"535 5.7.8 Error: authentication failed: authentication failure\r\n",
        refused_sender=b"553 5.7.1 <{sender}>: Sender address rejected: not owned by user {username}\r\n",
        records=('spf.kasserver.com. TXT "v=spf1 ip4:85.13.128.0/18 -all"',)),
    Provider(
        preset="gmail", hosts=("smtp.gmail.com", "mail.firma-google.example"), certificate=("smtp.gmail.com",),
        email="team@firma-google.example", password="abcdefghijklmnop", usernames=("team@firma-google.example",),
        mx="smtp.google.com", spf="v=spf1 include:_spf.google.com ~all",
        wrong=b"535-5.7.8 Username and Password not accepted. For more information, go to\r\n"
              b"535 5.7.8  https://support.google.com/mail/?p=BadCredentials 5b1f17b1804b1-46e2e5baac9 - gsmtp\r\n",
        refused_sender=b"",  # it replaces the sender and says nothing
        account_password="google-account",
        needs_app_password=b"534-5.7.9 Application-specific password required. For more information, go to\r\n"
                           b"534 5.7.9  https://support.google.com/mail/?p=InvalidSecondFactor 5b1f17b1804b1-46e2e5baac9 - gsmtp\r\n",
        records=('_spf.google.com. TXT "v=spf1 ip4:74.125.0.0/16 ip4:209.85.128.0/17 ip6:2a00:1450:4000::/36 ~all"',)),
    Provider(
        preset="microsoft365", hosts=("smtp.office365.com", "mail.schule-microsoft.example"), certificate=("outlook.office365.com", "smtp.office365.com"),
        email="sekretariat@schule-microsoft.example", password="microsoft-account",
        usernames=("sekretariat@schule-microsoft.example",), mx="schule-microsoft-example.mail.protection.outlook.com",
        spf="v=spf1 include:spf.protection.outlook.com -all", ports=(STARTTLS,), filtered=(IMPLICIT,),
        wrong=b"535 5.7.139 Authentication unsuccessful, the user credentials were incorrect. [FR3P281CA0001.DEUP281.PROD.OUTLOOK.COM]\r\n",
        account_password="microsoft-disabled",
        needs_app_password=b"535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit "
                           b"https://aka.ms/smtp_auth_disabled for more information. [FR3P281CA0001.DEUP281.PROD.OUTLOOK.COM]\r\n",
        refused_sender=b"554 5.2.252 SendAsDenied; {username} not allowed to send as {sender}; STOREDRV.Submission.Exception:"
                       b"SendAsDeniedException.MapiExceptionSendAsDenied\r\n",
        refuses_sender_late=True,
        records=('spf.protection.outlook.com. TXT "v=spf1 ip4:40.92.0.0/15 ip4:52.100.0.0/15 -all"',)),
)

# Domains whose mail is at nobody we know: their server says so itself.
OWN = Provider(
    preset="", hosts=("mail.srv-verein.example", "mail.autoconfig-verein.example"),
    certificate=("mail.srv-verein.example", "mail.autoconfig-verein.example"), email="post@srv-verein.example", password="own-mailbox",
    usernames=("post@srv-verein.example", "post@autoconfig-verein.example", "post"), mx="mail.srv-verein.example", spf="v=spf1 mx -all",
    wrong=b"535 5.7.8 Error: authentication failed: authentication failure\r\n",
    refused_sender=b"553 5.7.1 <{sender}>: Sender address rejected: not owned by user {username}\r\n",
    records=("_submissions._tcp.srv-verein.example. SRV 0 1 465 mail.srv-verein.example.",
             "_submission._tcp.srv-verein.example. SRV 10 1 587 mail.srv-verein.example.",
             "autoconfig-verein.example. MX 10 mail.autoconfig-verein.example."))

AUTOCONFIG_HOST = "autoconfig.autoconfig-verein.example"
PUBLIC_HOST, PUBLIC_DOMAIN = "autoconfig.thunderbird.net", "liste-verein.example"  # whose server only the public database knows
FILTERED_DOMAIN, FILTER_HOST = "filter-verein.example", "mx01.hornetsecurity.com"  # a mail filter in front hides whose mailboxes they are
AUTOCONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="{domain}">
    <domain>{domain}</domain>
    <displayName>Verein</displayName>
    <outgoingServer type="smtp">
      <hostname>mail.{domain}</hostname>
      <port>465</port>
      <socketType>SSL</socketType>
      <username>%EMAILADDRESS%</username>
      <authentication>password-cleartext</authentication>
    </outgoingServer>
  </emailProvider>
</clientConfig>
"""
PAGES = {f"{AUTOCONFIG_HOST}/mail/config-v1.1.xml": AUTOCONFIG.format(domain="autoconfig-verein.example"),
         f"{PUBLIC_HOST}/v1.1/{PUBLIC_DOMAIN}": AUTOCONFIG.format(domain=PUBLIC_DOMAIN)}


class ProviderDialogue(Dialogue):
    """A dialogue that knows one customer."""

    def __init__(self, provider, session, context, is_implicit):
        super().__init__(Plan("a provider", implicit=is_implicit), session, context)
        self.provider = provider
        self.username = None
        self.wants_other_sender = False

    def is_own(self, sender):
        return sender.lower() in (self.provider.email, *self.provider.usernames)

    def refusal(self, sender):
        return self.provider.refused_sender.replace(b"{sender}", sender.encode()).replace(b"{username}", self.username.encode())

    def answer_auth(self, arguments):
        mechanism, _, initial = arguments.partition(" ")
        if mechanism.upper() == "PLAIN":
            answers = [initial.encode() or self.ask(b"")]
            _, username, password = base64.b64decode(answers[0]).decode().split("\0")
        else:
            username, password = (base64.b64decode(self.ask(base64.b64encode(prompt))).decode() for prompt in (b"Username:", b"Password:"))
        return self.judge(username, password)

    def ask(self, prompt):
        self.session.send(b"334 " + prompt + b"\r\n")
        return self.session.read_line()

    def judge(self, username, password):
        is_known = username.lower() in self.provider.usernames
        if is_known and password == self.provider.password:
            self.username = username
            return b"235 2.7.0 Authentication successful\r\n"
        if is_known and self.provider.account_password and password == self.provider.account_password:
            return self.provider.needs_app_password
        return self.provider.wrong

    def answer_mail(self, arguments):
        if self.username is None:
            return b"530 5.7.0 Authentication required\r\n"
        sender = address_of(arguments)
        self.wants_other_sender = bool(self.provider.refused_sender) and not self.is_own(sender)
        if self.wants_other_sender and not self.provider.refuses_sender_late:
            return self.refusal(sender)
        return super().answer_mail(arguments)

    def take_mail(self, data):
        if self.wants_other_sender:
            sender = self.sender
            self.forget_mail()
            return self.refusal(sender)
        return super().take_mail(data)


class ProviderServer:
    """One provider at its address."""

    def __init__(self, provider, address, certificate_files, on_session):
        self.provider, self.address, self.on_session = provider, address, on_session
        self.sessions = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(*certificate_files)
        self._stack = contextlib.ExitStack()
        self._threads = []

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            listeners = {stack.enter_context(self._listen(port)): port for port in self.provider.ports}
            for port in self.provider.filtered:
                self._fill_backlog(stack, port)
            wake, woken = map(stack.enter_context, socket.socketpair())
            self._start(self._accept, listeners, woken)
            stack.callback(self._stop, wake)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def mails(self):
        return [mail for session in list(self.sessions) for mail in session.mails]

    def _listen(self, port, backlog=16):
        listener = socket.create_server((self.address, port), backlog=backlog)
        return listener

    def _fill_backlog(self, stack, port):
        """Nobody accepts, so the kernel drops further SYNs: as if a firewall did."""
        stack.enter_context(self._listen(port, 0))
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex((self.address, port))

    def _start(self, function, *arguments):
        thread = threading.Thread(target=function, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listeners, woken):
        while True:
            ready, _, _ = select.select([*listeners, woken], [], [])
            if woken in ready:
                return
            for listener in ready:
                session = Session(listener.accept()[0])
                self.sessions.append(session)
                self.on_session(self.provider.preset or "own")
                self._start(self._serve, session, listeners[listener] == IMPLICIT)

    def _serve(self, session, is_implicit):
        try:
            ProviderDialogue(self.provider, session, self._context, is_implicit).run()
        except (Closed, ValueError):  # ValueError: what was sent for a login is none
            pass
        finally:
            session.close()

    def _stop(self, wake):
        wake.close()
        self._threads[0].join()  # after it no session is added
        for session in self.sessions:
            session.close()
        for thread in self._threads:
            thread.join()


class Autoconfig(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        page = self.headers["Host"] + self.path
        self.server.paths.append(self.path)
        self.server.on_asked(page)
        is_there = page.split("?")[0] in PAGES
        body = PAGES[page.split("?")[0]].encode() if is_there else b"no"
        self.send_response(200 if is_there else 404)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nowhere: the test's output is TAP."""


class Website:
    """HTTPS with Autoconfig and the public database, at an address of its own."""

    def __init__(self, address, certificate_files, on_asked):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate_files)
        self.server = http.server.ThreadingHTTPServer((address, 443), Autoconfig)
        self.paths = self.server.paths = []  # asked for
        self.server.on_asked = on_asked
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def domain_of(email):
    return email.rpartition("@")[2]


class ProviderWorld:
    def __init__(self, ports=None, on_session=lambda preset: None, on_asked=lambda page: None):
        """ports: where every provider listens, as if a firewall refused the others; None: where each truly does."""
        self.ports, self.on_session, self.on_asked = ports, on_session, on_asked

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="absender-world-")))
            self.certificates = Certificates(self.folder)
            self.ca_file = str(self.certificates.ca_file)
            self.network = f"127.{random.SystemRandom().randrange(1, 255)}.{random.SystemRandom().randrange(256)}"
            self.providers = {provider.preset or "own": self._start(stack, number, provider)
                              for number, provider in enumerate((*PROVIDERS, OWN), 1)}
            web = self.certificates.add("web", [AUTOCONFIG_HOST, PUBLIC_HOST])
            self.website = stack.enter_context(Website(f"{self.network}.100", web, self.on_asked))
            self.dns = stack.enter_context(DnsServer(self.records(), broken=["broken.example"], silent=["silent.example"]))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _start(self, stack, number, provider):
        files = self.certificates.add(provider.preset or "own", provider.certificate)
        if self.ports:
            provider = provider._replace(ports=self.ports, filtered=())
        return stack.enter_context(ProviderServer(provider, f"{self.network}.{number}", files, self.on_session))

    def records(self):
        lines = [f"{AUTOCONFIG_HOST}. A {self.network}.100", f"{PUBLIC_HOST}. A {self.network}.100", f"{FILTERED_DOMAIN}. MX 10 {FILTER_HOST}."]
        for server in self.providers.values():
            provider, domain = server.provider, domain_of(server.provider.email)
            lines += [f"{host}. A {server.address}" for host in provider.hosts]
            lines += [f"{domain}. MX 10 {provider.mx}.", f'{domain}. TXT "{provider.spf}"', *provider.records]
        return sorted(set(lines))

    def describe(self):
        return {"dns_server": self.dns.address, "ca_file": self.ca_file, "network": f"{self.network}.0/24",
                "wrong_password": WRONG_PASSWORD, "autoconfig_email": "post@autoconfig-verein.example",
                "public_email": f"post@{PUBLIC_DOMAIN}", "filtered_email": f"post@{FILTERED_DOMAIN}",
                "providers": {name: {"address": server.address, **server.provider._asdict(), "wrong": None, "refused_sender": None,
                                     "needs_app_password": None} for name, server in self.providers.items()}}


def main():
    parser = argparse.ArgumentParser(description="The providers people have, on this machine.")
    parser.add_argument("--serve", action="store_true", required=True, help="until standard input ends")
    parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    say = threading.Lock()

    def tell(**what):
        with say:
            print(json.dumps(what), flush=True)

    with ProviderWorld(on_session=lambda preset: tell(session=preset), on_asked=lambda page: tell(asked=page)) as world, contextlib.suppress(KeyboardInterrupt):
        print(json.dumps(world.describe()), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
