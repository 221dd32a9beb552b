#!/usr/bin/env python3
"""What the product says about the DNS, against a real recursive server on loopback: answers of every kind, in good time, and the
same for all routes that ask. TAP."""
import pathlib
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from dnsserver import DnsServer  # noqa: E402
from harness.daemon import Daemon, Tap  # noqa: E402
from process import free_ports  # noqa: E402

RECORDS = (
    "mail.whole.example. A 192.0.2.1",
    "whole.example. MX 20 backup.whole.example.",
    "whole.example. MX 10 mail.whole.example.",
    'whole.example. TXT "some-verification=1"',
    'whole.example. TXT "v=spf1 ip4:192.0.2.0/24 " "-all"',  # joined without a space of its own
    '_dmarc.whole.example. TXT "v=DMARC1; p=reject"',
    "alias.example. CNAME target.example.",
    'target.example. TXT "v=spf1 -all"',
    "_dmarc.alias.example. CNAME _dmarc.whole.example.",
    "dangling.example. CNAME nowhere.example.",
    "loop1.example. CNAME loop2.example.",
    "loop2.example. CNAME loop1.example.",
    'many.example. TXT "v=spf1 -all"',
    *(f'many.example. TXT "filling-{number}={"x" * 200}"' for number in range(40)),  # far over one UDP packet
    'nodata.example. A 192.0.2.1',
    'includes-broken.example. TXT "v=spf1 include:sub.broken.example -all"',
    'includes-silent.example. TXT "v=spf1 include:sub.silent.example -all"',
    'includes-loop.example. TXT "v=spf1 include:includes-loop.example -all"',
    'includes-nothing.example. TXT "v=spf1 include:nowhere.example -all"',
    "_submissions._tcp.srv.example. SRV 5 1 465 second.srv.example.",
    "_submissions._tcp.srv.example. SRV 0 1 465 first.srv.example.",
    "first.srv.example. A 192.0.2.1",
    "second.srv.example. A 192.0.2.2",
)
ASKING_SECONDS = 10  # LIMIT_ASKING_MS
SLACK_SECONDS = 5  # of a machine with much else to do
STOP_SECONDS = 9  # less than what those who ask may wait
TRIES = 3  # a machine may be busier than that for a moment
AT_ONCE, WAITING, TOO_MANY = 4, 16, 12  # LIMIT_ASKERS, LIMIT_ASK_QUEUE

tap = Tap()


def domain_check(absender, domain):
    answer = absender.operator("POST", "/v1/domain-checks", {"domain": domain})
    assert answer.status == 200, answer
    return answer.json


def discovery(absender, email):
    answer = absender.operator("GET", f"/v1/smtp/discovery?email={email}")
    assert answer.status == 200, answer
    return answer.json


def check_spf_answers(absender):
    """Whether a record is there, and where it is not, whether that is known."""
    for name, domain, record, verdicts in (
            ("a record in two strings", "whole.example", "v=spf1 ip4:192.0.2.0/24 -all", {"unknown"}),  # of no known provider
            ("a record behind a CNAME", "alias.example", "v=spf1 -all", {"unknown"}),
            ("a record among forty others, over TCP", "many.example", "v=spf1 -all", {"unknown"}),
            ("a name without a text", "nodata.example", None, {"missing"}),
            ("a name that does not exist", "nowhere.example", None, {"missing"}),
            ("a CNAME to nowhere", "dangling.example", None, {"missing"}),
            ("a loop of CNAMEs", "loop1.example", None, {"unknown"}),
            ("SERVFAIL", "sub.broken.example", None, {"unknown"}),
            ("an include without a record", "includes-nothing.example", "v=spf1 include:nowhere.example -all", {"wrong"}),
            ("an include of itself", "includes-loop.example", "v=spf1 include:includes-loop.example -all", {"wrong"}),
            ("an include that is SERVFAIL", "includes-broken.example", "v=spf1 include:sub.broken.example -all", {"unknown", "warning"})):
        spf = domain_check(absender, domain)["spf"]
        tap.ok(spf["record"] == record and spf["verdict"] in verdicts,
               f"SPF: {name}: {'found' if record else 'no record'}, {' or '.join(sorted(verdicts))}", spf)


def check_records(absender):
    check = domain_check(absender, "whole.example")
    tap.equal(check["dmarc"]["policy"], "reject", "DMARC is read at its own name")
    tap.equal(domain_check(absender, "alias.example")["dmarc"]["policy"], "reject", "and behind a CNAME")


def in_time(limit, ask):
    """An answer that took no longer than this if one of a few did, and its seconds."""
    for _ in range(TRIES):
        begun = time.monotonic()
        answer = ask()
        if (took := time.monotonic() - begun) < limit:
            break
    return answer, took


def check_silence(absender):
    check, took = in_time(ASKING_SECONDS + SLACK_SECONDS, lambda: domain_check(absender, "sub.silent.example"))
    tap.equal([check[part]["verdict"] for part in ("spf", "dmarc")], ["unknown", "unknown"], "no answer is unknown, not missing")
    tap.ok(took < ASKING_SECONDS + SLACK_SECONDS, "and costs no more than the time a route may ask", f"{took:.1f} s")


def check_discovery(absender):
    found = discovery(absender, "post@srv.example")
    tap.equal([found["best"] and found["best"][key] for key in ("source", "host", "port")], ["srv", "first.srv.example", 465],
              "discovery takes the SRV record of the best priority")
    found, took = in_time(3 + SLACK_SECONDS, lambda: discovery(absender, "post@sub.silent.example"))
    states = {step["name"]: step["state"] for step in found["steps"]}
    tap.equal([states["mx"], states["srv"]], ["failed", "failed"], "discovery: no answer is a failed step")
    tap.ok(took < 3 + SLACK_SECONDS, "after three seconds", f"{took:.1f} s")
    states = {step["name"]: step["state"] for step in discovery(absender, "post@sub.broken.example")["steps"]}
    tap.equal(states["mx"], "failed", "discovery: SERVFAIL is a failed step")
    states = {step["name"]: step["state"] for step in discovery(absender, "post@nowhere.example")["steps"]}
    tap.equal(states["mx"], "nothing", "discovery: NXDOMAIN is nothing found")


def check_busy_and_stop(absender):
    """More requests than can ask and wait, all for a name that never answers; and then the end."""
    statuses = []

    def ask():
        statuses.append(absender.operator("POST", "/v1/domain-checks", {"domain": "sub.silent.example"}).status)

    threads = [threading.Thread(target=ask) for _ in range(AT_ONCE + WAITING + TOO_MANY)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + STOP_SECONDS
    while len(statuses) < TOO_MANY - AT_ONCE and time.monotonic() < until:
        time.sleep(0.02)
    tap.ok(len(statuses) >= TOO_MANY - AT_ONCE and set(statuses) == {503}, "more than can wait are told at once to come back", statuses)
    begun = time.monotonic()
    assert absender.operator("GET", "/v1/smtp").status == 200
    tap.ok(time.monotonic() - begun < STOP_SECONDS, "other routes answer meanwhile", f"{time.monotonic() - begun:.1f} s")
    begun = time.monotonic()
    code = absender.stop()
    took = time.monotonic() - begun
    for thread in threads:
        thread.join()
    tap.equal((code, set(statuses)), (0, {200, 503}), "a stop lets those who ask and wait come to their answer")
    tap.ok(statuses.count(200) <= WAITING + 2 * AT_ONCE, "four at once and sixteen that wait", statuses)
    tap.ok(took < STOP_SECONDS, "at once", f"{took:.1f} s")


def check_nobody():
    """No DNS server where one should be."""
    with Daemon("--dev", "--dns-server", f"127.0.0.1:{free_ports(1)[0]}") as absender:
        check = domain_check(absender, "whole.example")
        tap.equal(check["spf"]["verdict"], "unknown", "nobody at the DNS server's port: unknown")
        found = discovery(absender, "post@gmx.de")
        tap.equal(found["best"] and found["best"]["preset"], "gmx", "and a provider's own domain needs no DNS")


def main():
    with DnsServer(RECORDS, broken=["broken.example"], silent=["silent.example"]) as dns:
        with Daemon("--dev", "--dns-server", dns.address) as absender:
            check_spf_answers(absender)
            check_records(absender)
            check_silence(absender)
            check_discovery(absender)
            check_busy_and_stop(absender)
    check_nobody()
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
