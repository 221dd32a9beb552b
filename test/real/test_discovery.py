#!/usr/bin/env python3
"""Discovery over a real DNS and real HTTPS: every way in which a domain can say where its mail is submitted, and every way in which
that can go wrong; and that nobody learns more than the domain. Needs root, for port 443 of an address of its own. TAP."""
import contextlib
import http.server
import os
import pathlib
import ssl
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from certificates import Certificates  # noqa: E402
from dnsserver import DnsServer  # noqa: E402
from harness.daemon import Daemon, Tap  # noqa: E402

ADDRESS = f"127.77.{os.getpid() >> 8 & 255}.{os.getpid() & 255 or 1}"  # no other test of this machine uses it
PUBLIC = "autoconfig.thunderbird.net"
SERVER = """<outgoingServer type="smtp"><hostname>{host}</hostname><port>{port}</port><socketType>{socket}</socketType>
<username>{username}</username><authentication>password-cleartext</authentication></outgoingServer>"""
SLACK_SECONDS = 5  # of a machine with much else to do
TRIES = 3  # a machine may be busier than that for a moment

tap = Tap()


def configuration(*servers):
    return f'<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="x">{"".join(servers)}</emailProvider></clientConfig>'.encode()


def server(host, port=465, socket="SSL", username="%EMAILADDRESS%"):
    return SERVER.format(host=host, port=port, socket=socket, username=username)


# What is at autoconfig.DOMAIN: (status, body), or a number of seconds without a word
SITES = {
    "file.example": (200, configuration(server("smtp.file.example", 587, "STARTTLS"), server("smtp.file.example"))),
    "plain.example": (200, configuration(server("smtp.plain.example", 25, "plain"))),
    "html.example": (200, b"<!DOCTYPE html><html><body>Welcome</body></html>"),
    "none.example": (404, b"no"),
    "moved.example": (301, b""),
    "large.example": (200, configuration(server("smtp.large.example")) + b" " * 70000),
    "slow.example": 30,
    "oldhost.example": (200, configuration(server("smtp.1und1.de"))),
    "allinkl.example": (200, configuration(server("smtp.all-inkl.com"))),
}
# What is at https://DOMAIN/.well-known/autoconfig
WEBSITES = {"website.example": (200, configuration(server("smtp.website.example")))}
WELL_KNOWN = "/.well-known/autoconfig/mail/config-v1.1.xml"
PUBLIC_LIST = {"/v1.1/none.example": (200, configuration(server("smtp.public.example")))}
WRONG_NAME = "wrongname.example"  # its host has a certificate of somebody else's


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        host = self.headers["Host"]
        self.server.seen.append((host, self.path, dict(self.headers)))
        site = (PUBLIC_LIST.get(self.path, (404, b"")) if host == PUBLIC else WEBSITES[host] if self.path == WELL_KNOWN
                else SITES[host.removeprefix("autoconfig.")])
        if isinstance(site, int):
            self.server.ended.wait(site)
            return
        status, body = site
        self.send_response(status)
        if status == 301:
            self.send_header("Location", "https://autoconfig.file.example/mail/config-v1.1.xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):  # who reads no more has hung up
            self.wfile.write(body)

    def log_message(self, *_):
        """Nowhere: the test's output is TAP."""


@contextlib.contextmanager
def website(files):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    served = http.server.ThreadingHTTPServer((ADDRESS, 443), Handler)
    served.daemon_threads = True
    served.seen, served.ended = [], threading.Event()
    served.socket = context.wrap_socket(served.socket, server_side=True, do_handshake_on_connect=False)
    served.handle_error = lambda *_: None  # a handshake that is broken off is one of the cases
    thread = threading.Thread(target=served.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.ended.set()
        served.shutdown()
        served.server_close()
        thread.join()


def records():
    hosts = [*WEBSITES, *(f"autoconfig.{domain}" for domain in (*SITES, WRONG_NAME))]
    return [f"{host}. A {ADDRESS}" for host in (*hosts, PUBLIC)] + [
        "ionos-kunde.example. MX 10 mx00.kundenserver.de.",
        "kas-kunde.example. MX 10 w0123456.kasserver.com.",
        "allinkl.example. MX 10 filter.example.",
        "filtered.example. MX 10 mx01.hornetsecurity.com.",
        "filtered.example. MX 20 mx02.hornetsecurity.com.",
        "chain.example. CNAME chain2.example.",
        "chain2.example. MX 10 mx01.kundenserver.de.",
        "_submissions._tcp.srv.example. SRV 10 5 465 second.srv.example.",
        "_submissions._tcp.srv.example. SRV 0 5 465 first.srv.example.",
        "_submission._tcp.gandi-kunde.example. SRV 0 1 465 mail.gandi.net.",
        "_submissions._tcp.no-service.example. SRV 0 0 0 .",
        "nullmx.example. MX 0 .",
        "_submissions._tcp.loop.example. CNAME _submissions._tcp.loop2.example.",
        "_submissions._tcp.loop2.example. CNAME _submissions._tcp.loop.example.",
    ]


def discover(absender, email, wish=""):
    answer = absender.operator("GET", f"/v1/smtp/discovery?email={email}{wish}")
    assert answer.status == 200, answer
    return answer.json


def summary(found):
    """'mx ionos smtp.ionos.de:465 implicit', or None."""
    best = found["best"]
    return best and f"{best['source']} {best['preset'] or '-'} {best['host'] or '?'}:{best['port']} {best['security']}"


def states(found):
    return {step["name"]: step["state"] for step in found["steps"]}


def check_dns(absender):
    for name, email, best in (
            ("a known domain", "anna@gmx.de", "domain_table gmx mail.gmx.net:465 implicit"),
            ("a hoster by MX", "info@ionos-kunde.example", "mx ionos smtp.ionos.de:465 implicit"),
            ("the MX host itself", "info@kas-kunde.example", "mx allinkl w0123456.kasserver.com:465 implicit"),
            ("MX behind a CNAME", "info@chain.example", "mx ionos smtp.ionos.de:465 implicit"),
            ("SRV of the best priority", "info@srv.example", "srv - first.srv.example:465 implicit"),
            ("SRV with the wrong label", "info@gandi-kunde.example", "srv gandi mail.gandi.net:465 implicit"),
            ("a service that is not there", "info@no-service.example", None),
            ("a null MX", "info@nullmx.example", None),
            ("a loop of CNAMEs", "info@loop.example", None),
            ("a name that does not exist", "info@nowhere.example", None)):
        found = discover(absender, email)
        tap.equal(summary(found), best, name)


def check_files(absender):
    for name, domain, best, state in (
            ("the domain's own file", "file.example", "autoconfig - smtp.file.example:587 starttls", "found"),
            ("a file with plaintext only", "plain.example", None, "nothing"),
            ("a page for people", "html.example", None, "failed"),
            ("no file", "none.example", None, "nothing"),
            ("a redirect is not followed", "moved.example", None, "nothing"),
            ("a file that is too large", "large.example", None, "failed"),
            ("a certificate for another name", WRONG_NAME, None, "failed"),
            ("no such host", "nofile.example", None, "nothing"),
            ("an old host is replaced", "oldhost.example", "autoconfig ionos smtp.ionos.de:465 implicit", "found"),
            ("a wrong host that cannot be mended is left open", "allinkl.example", "autoconfig allinkl ?:465 implicit", "found")):
        found = discover(absender, f"info@{domain}")
        tap.equal((summary(found), states(found)["autoconfig"]), (best, state), name)


def check_website(absender, site):
    found = discover(absender, "anna.geheim@website.example")
    tap.equal((summary(found), states(found)["autoconfig"]), ("well_known - smtp.website.example:465 implicit", "nothing"),
              "the same file at the domain's website is found")
    tap.ok(not any("geheim" in str(request) for request in site.seen), "which is not told the address either", site.seen)


def check_filter(absender):
    found = discover(absender, "info@filtered.example")
    tap.equal((found["best"], found["filter"]), (None, "Hornetsecurity"), "a mail filter in front is named")
    tap.ok("Hornetsecurity" in next(step["detail"] for step in found["steps"] if step["name"] == "mx"), "where its MX was looked up", found)


def check_time(absender):
    for name, email, seconds, step in (("a DNS that is silent", "info@silent.example", 3, "mx"),
                                       ("a website that is silent", "info@slow.example", 4, "autoconfig")):
        for _ in range(TRIES):
            begun = time.monotonic()
            found = discover(absender, email)
            took = time.monotonic() - begun
            if took < seconds + SLACK_SECONDS:
                break
        tap.ok(took < seconds + SLACK_SECONDS and states(found)[step] == "failed", f"{name} costs {seconds} s at most", f"{took:.1f} s")


def check_public_list(absender, site):
    found = discover(absender, "anna.geheim@none.example")
    asked = [host for host, _, _ in site.seen]
    tap.ok(found["can_ask_public_database"] and PUBLIC not in asked, "the public list is not asked unbidden", found)
    found = discover(absender, "anna.geheim@none.example", "&public_database=true")
    tap.equal(summary(found), "public_database - smtp.public.example:465 implicit", "the public list, on request")
    tap.ok(not found["can_ask_public_database"] and found["best"]["confidence"] == "low", "with low confidence", found)
    told = [str(request) for request in site.seen]
    tap.ok(told and not any("geheim" in text or "Cookie" in text for text in told), "nobody learns more than the domain", told)


def check_policy(certificates):
    """Without --dev a private address may not be asked, whatever the DNS says."""
    with DnsServer(records()) as dns, website(certificates.add("other", ["autoconfig.file.example"])) as site:
        with Daemon("--dns-server", dns.address, "--ca-file", str(certificates.ca_file)) as absender:
            found = discover(absender, "info@file.example")
            tap.equal((found["best"], states(found)["autoconfig"], site.seen), (None, "failed", []), "a private address is not asked")


def check_lost():
    """A DNS that knows no name of the outside world: what could not be asked has said nothing."""
    with DnsServer([]) as dns, Daemon("--dev", "--dns-server", dns.address) as absender:
        found = discover(absender, "info@verein.example", "&public_database=true")
        tap.equal((found["best"], states(found)["public_database"]), (None, "failed"), "a public list that is not found was not reached")
        step = next(step for step in found["steps"] if step["name"] == "public_database")
        tap.equal(step["detail"], "Thunderbird's public list could not be reached.", "and that is what is said")


def main():
    with tempfile.TemporaryDirectory(prefix="absender-discovery-") as folder:
        certificates = Certificates(pathlib.Path(folder))
        names = [f"autoconfig.{domain}" for domain in SITES] + [*WEBSITES, PUBLIC]
        with (DnsServer(records(), silent=["silent.example"]) as dns, website(certificates.add("web", names)) as site,
              Daemon("--dev", "--dns-server", dns.address, "--ca-file", str(certificates.ca_file)) as absender):
            check_dns(absender)
            check_files(absender)
            check_website(absender, site)
            check_filter(absender)
            check_time(absender)
            check_public_list(absender, site)
        check_policy(certificates)
        check_lost()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
