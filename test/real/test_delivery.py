"""Three real servers take mails in numbers: all arrive once, none twice, octet by octet what was stored; each recipient has its own
outcome; and a server that is killed in the middle costs no mail.

  test/real/test_delivery.py [--mails N] [--only WORD]      N: by each server and form of TLS; WORD: part of a test's name
"""
import argparse
import collections
import contextlib
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from eximserver import EximServer  # noqa: E402
from mailserver import MailServer  # noqa: E402
from proxyserver import ProxyServer  # noqa: E402
from sack import Sack, number_of  # noqa: E402
from harness.daemon import Daemon, Tap  # noqa: E402

SHORT = 300
FEW = 100  # where numbers show nothing more
UNCERTAIN_SECONDS = 16 * 60  # after that a mail whose fate is unknown is sent again
ROUNDS = 8  # of retries, at most
SHOWN = 5  # of many faults
CONNECTIONS, WINDOW = 4, 16  # defaults of the settings
WAITING = ("held", "queued", "scheduled", "sending", "deferred", "uncertain")
LOG = 3_000  # characters shown of a log


class Case:
    """name, server, form of TLS, what the server hides, more settings."""

    def __init__(self, name, server, security, settings=None, is_restarted=False, **options):
        self.name, self.server, self.security, self.settings = name, server, security, settings or {}
        self.is_restarted, self.options = is_restarted, options


def cases():
    """Whether it takes the many, and the case."""
    for name, server in (("Postfix", MailServer), ("Exim", EximServer), ("Dovecot's proxy", ProxyServer)):
        for security in ("starttls", "implicit"):
            yield True, Case(f"{name}, {security}", server, security)
        if server is ProxyServer:  # offers both always: not to use them is all that can be tried
            yield False, Case(f"{name}, window of one", server, "starttls", {"window": 1})
        else:
            yield False, Case(f"{name} without CHUNKING", server, "starttls", has_chunking=False)
            yield False, Case(f"{name} without PIPELINING", server, "implicit", has_pipelining=False)
            yield False, Case(f"{name} with neither", server, "starttls", has_chunking=False, has_pipelining=False)
        yield True, Case(f"{name} restarted", server, "starttls", is_restarted=True)


def few(faults):
    faults = list(faults)
    return f"{len(faults)}: {faults[:SHOWN]}"


def waiting(absender):
    """Some of the mails that have not ended, each with what was tried, or why it does not answer."""
    try:
        found = [each for each in absender.emails() if each["state"] in WAITING][:SHOWN]
    except OSError as error:
        return str(error)
    return "\n".join(str(absender.operator("GET", f"/v1/emails/{each['id']}").json) for each in found)


@contextlib.contextmanager
def sending(case, sack):
    with case.server(**case.options) as server, Daemon("--dev", *server.options(), copy_of=sack.data) as absender:
        run = absender.verify(server.settings(case.security, **case.settings))
        assert isinstance(run, dict) and run["state"] == "passed", run
        try:
            yield server, absender
        except (AssertionError, TimeoutError, RuntimeError) as error:
            said = pathlib.Path(absender.log.name).read_text(encoding="utf-8", errors="replace")
            raise AssertionError(f"{error}\n--- these wait:\n{waiting(absender)}\n--- the server:\n{server.log()[-LOG:]}\n"
                                 f"--- Absender:\n{said[-LOG:]}") from error


def check_arrivals(tap, name, sack, server, may_be_twice=lambda number, address: False):
    """Against what is in the server's Maildir. A server that is killed may itself deliver twice what it has taken once."""
    taken, wrong = collections.defaultdict(set), []
    for delivery in server.deliveries():
        number = number_of(delivery.data)
        taken[number, delivery.recipient].add(delivery.taken_as)
        if not sack.is_same(number, delivery.data):
            wrong.append((number, delivery))
    expected = sack.deliveries()
    missing = [each for each in expected if each not in taken]
    tap.ok(not missing, f"{name}: all {len(expected)} arrive", few(missing))
    doubled = [each for each in expected if len(taken.get(each, ())) > 1 and not may_be_twice(*each)]
    tap.ok(not doubled, f"{name}: none arrives twice", few(doubled))
    foreign = set(taken) - set(expected)
    tap.ok(not foreign, f"{name}: none arrives elsewhere", few(foreign))
    tap.ok(not wrong, f"{name}: every octet is as it was stored", few(wrong))


def check_outcomes(tap, name, sack, absender):
    """Against what the service says of each recipient."""
    said = {email["id"]: email for email in absender.emails()}
    faults = []
    for email_id, letter in zip(sack.ids, sack.letters):
        states = {each["address"]: each["state"] for each in said[email_id]["recipients"]}
        if states != letter.recipients:
            faults.append((letter.number, states))
    tap.ok(not faults, f"{name}: every recipient has its own outcome, and it is true", few(faults))


def check_speech(tap, case, server):
    """That the server was spoken to in the way it offered."""
    offers_both = case.options.get("has_chunking", True) and case.options.get("has_pipelining", True) and "window" not in case.settings
    if (spoken := server.chunked()) is not None:
        tap.ok((spoken > 0) == offers_both, f"{case.name}: {'chunks are' if offers_both else 'DATA is'} used", spoken)


def check_case(tap, case, sack):
    begun = time.monotonic()
    with sending(case, sack) as (server, absender):
        absender.switch(True)
        absender.wait_until_sent()
        sent = time.monotonic() - begun
        server.wait_for(len(sack.deliveries()))
        server.wait_until_idle()
        check_arrivals(tap, case.name, sack, server)
        check_outcomes(tap, case.name, sack, absender)
        tap.equal(absender.stop(), 0, f"{case.name}: it stops in order")
        check_speech(tap, case, server)
    print(f"# {case.name}: sent after {sent:.1f} s, all done after {time.monotonic() - begun:.1f} s", flush=True)


def says_it_may_be_twice(sack, absender):
    """A mail may arrive twice where its log says why: its fate was unknown, or the server went away with a 421 in the place of the
    reply (Dovecot does so while the server behind it takes the mail)."""
    def judge(number, address):
        email = absender.operator("GET", f"/v1/emails/{sack.ids[number]}").json
        log = next(each["attempts_log"] for each in email["recipients"] if each["address"] == address)
        return any(attempt["state"] == "uncertain" or attempt["reply"] == 421 for attempt in log)
    return judge


def check_restart(tap, case, sack):
    begun, most_uncertain = time.monotonic(), 0
    with sending(case, sack) as (server, absender):
        absender.switch(True)
        server.wait_until_taken(len(sack.letters) // 10)
        at = server.taken()
        server.restart()
        for _ in range(ROUNDS):
            waiting = absender.wait_until_quiet()
            if not any(waiting.values()):
                break
            most_uncertain = max(most_uncertain, waiting["uncertain"])
            absender.skip_time(UNCERTAIN_SECONDS)
        server.wait_until_idle()
        check_arrivals(tap, case.name, sack, server, says_it_may_be_twice(sack, absender))
        check_outcomes(tap, case.name, sack, absender)
        tap.ok(most_uncertain <= CONNECTIONS * WINDOW, f"{case.name}: no more are uncertain than were on their way ({most_uncertain})")
    print(f"# {case.name}: killed after {at} mails, {most_uncertain} uncertain; {time.monotonic() - begun:.1f} s", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--mails", type=int, default=SHORT)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    reason = next(filter(None, (server.unavailable() for server in (MailServer, EximServer, ProxyServer))), None)
    if reason is not None:
        print(f"1..0 # SKIP {reason}")
        return 0
    tap = Tap()
    with Sack(FEW) as few_mails, Sack(SHORT) as some, contextlib.ExitStack() as stack:
        many = some
        if options.mails != SHORT:
            many = stack.enter_context(Sack(options.mails))
        print(f"# {len(many.letters)} mails, {many.kilobytes:.0f} kB, {len(many.deliveries())} are to arrive", flush=True)
        for is_for_many, case in cases():
            if options.only not in case.name:
                continue
            try:
                if case.is_restarted:  # a killed server's own queue takes its time to recover: numbers show nothing more here
                    check_restart(tap, case, some)
                else:
                    check_case(tap, case, many if is_for_many else few_mails)
            except (AssertionError, TimeoutError, RuntimeError) as error:
                tap.ok(False, f"{case.name}: runs to its end", error)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
