#!/usr/bin/env python3
"""What providers do to mail, played by a real server over TLS against the real daemon: each fault ends as doc/reliability.md says.

  test/crash/faults.py [FAULT...]
"""
import concurrent.futures
import contextlib
import datetime
import pathlib
import signal
import socket
import statistics
import sys
import threading
import time

TESTS = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "real"), str(TESTS / "crash")]
from harness.daemon import Daemon, Notes, Tap  # noqa: E402
from ledger import UNCERTAIN_SECONDS, Book, details, settings, verify  # noqa: E402
from neighbour import begin_sending, found  # noqa: E402
from provider import Provider  # noqa: E402

PASSWORD, NEW_PASSWORD = "correct horse", "another horse"
NEXT_CONNECTION_SECONDS = 100
RETRY_SECONDS = 16 * 60  # later than any first or second retry
GREYLISTED_SECONDS = 6 * 60  # later than greylisted mail is tried again
BREAKER_SECONDS = 10 * 60  # between a refused login and the one automatic try
SOON_SECONDS = 4  # what is left of that when the test goes on
EXPIRES_SECONDS = 15  # from being handed over; long after it has reached the server
HELD = 1000
BACKLOG = 5000
STORM = 100
SILENT_SECONDS, NOTICED_SECONDS = 1.5, 15.0  # the slow reply alone takes longer
HEALTHY, EVERY_SECONDS, PATIENCE_SECONDS = 120, 0.05, 2.0
STUCK_BYTES = 6 * 1024 * 1024  # more than the sockets of both sides hold
GRACE_SECONDS = 30
WAIT_SECONDS = 120  # for anything that is done at once, on any machine
FROZEN_SECONDS = 2
AT_ONCE = 11  # most of it is waiting


@contextlib.contextmanager
def ready(**settings_more):
    """A provider, and a daemon that sends to it."""
    with Provider() as server, Daemon("--dev", "--ca-file", str(server.ca_file), "--allow-port", str(server.port)) as absender:
        verify(absender, server, PASSWORD, **settings_more)
        absender.switch(True)
        absender.make_token()
        yield server, absender


def wait_until(condition):
    """Or until it is too late, which the next statement says."""
    until = time.monotonic() + WAIT_SECONDS
    while not condition() and time.monotonic() < until:
        time.sleep(0.02)


def names_of(prefix, count):
    return [f"{prefix}-{number}" for number in range(count)]


def states_of(absender):
    return {email["subject"]: email["state"] for email in absender.emails()}


def attempts(absender, email):
    return absender.operator("GET", f"/v1/emails/{email}").json["recipients"][0]["attempts_log"]


def lost_reply(tap):
    """F11, C6: taken by the server, and the connection gone before it could say so."""
    with ready(window=1, max_connections=1) as (server, absender):
        book, once, often = Book(), names_of("once", 2), names_of("often", 4)
        server.moods.drops_after = frozenset(once + often)
        book.hand_over(absender, once, delivery="at_most_once")
        book.hand_over(absender, often)
        for number in range(len(once + often)):  # after a lost connection the next one is not tried at once
            wait_until(lambda number=number: list(states_of(absender).values()).count("uncertain") > number)
            absender.skip_time(NEXT_CONNECTION_SECONDS)
        states = states_of(absender)
        tap.equal(states, dict.fromkeys(once + often, "uncertain"), "what the server may have is uncertain")
        tap.equal({len(copies) for copies in server.copies.values()}, {1}, "an uncertain mail is not sent again before its time")
        for _ in range(2):
            absender.skip_time(UNCERTAIN_SECONDS)
            absender.wait_until_quiet(1)
        wait_until(lambda: list(states_of(absender).values()).count("accepted") == len(often))
        tap.equal([len(server.copies[name]) for name in once + often], [1] * 2 + [2] * 4,
                  "it is sent once more after 15 minutes, and never if it was asked for at most once")
        tap.equal([name for name in often if len(set(server.copies[name])) != 1], [], "the second copy is the first, byte for byte")
        states = states_of(absender)
        tap.equal(states, {**dict.fromkeys(once, "uncertain"), **dict.fromkeys(often, "accepted")},
                  "its second reply decides; the others are told as uncertain")
        said = [[each["state"] for each in attempts(absender, book.taken[name])] for name in often]
        tap.equal(said, [["uncertain", "accepted"]] * 4, "a possible duplicate says so")


def storm(tap):
    """F12, C5: 451 to everything for a while."""
    with ready() as (server, absender):
        book, names = Book(), names_of("storm", STORM)
        server.moods.storm = True
        book.hand_over(absender, names)
        for _ in range(2):
            absender.wait_until_quiet(1)
            absender.skip_time(RETRY_SECONDS)
        absender.wait_until_quiet(1)
        said = [[each["state"] for each in attempts(absender, book.taken[name])] for name in names]
        tap.equal([each for each in said if set(each) - {"deferred"}], [], "4yz for every mail: each is deferred, none is rejected")
        tap.ok(max(map(len, said)) <= 3 and server.refused <= 3 * STORM, "the server is asked once for each mail and retry",
               f"{server.refused} refusals, {max(map(len, said))} attempts")
        server.moods.storm = False
        absender.skip_time(2 * RETRY_SECONDS)
        absender.wait_until_sent()
        tap.equal([name for name in names if len(server.copies[name]) != 1], [], "when the storm is over each arrives, once")


def greylisting(tap):
    """F13: a recipient must have been tried before."""
    with ready() as (server, absender):
        book, names = Book(), names_of("grey", 20)
        server.moods.greylists_for = 2.0
        emails = [book.hand_over(absender, [name], to=f"{name}@example.test")[0] for name in names]
        for email in emails:
            absender.wait_for_state(email, "deferred")
        tap.equal(len(server.copies), 0, "greylisted mail waits")
        time.sleep(2)
        absender.skip_time(GREYLISTED_SECONDS)
        absender.wait_until_sent()
        said = [[each["state"] for each in attempts(absender, email)] for email in emails]
        tap.equal(said, [["deferred", "accepted"]] * len(names), "it goes at the second try")
        tap.equal([name for name in names if len(server.copies[name]) != 1], [], "each arrives once")


def slow_connections(tap):
    """F14: one connection answers a byte a second, one never reads on; the mail beside them does not wait."""
    with ready() as (server, absender):
        book = Book()
        server.moods.trickles_to, server.moods.hangs_on = frozenset({"slow@example.test"}), frozenset({"stuck@example.test"})
        book.hand_over(absender, ["slow"], to="slow@example.test")
        book.hand_over(absender, ["stuck"], to="stuck@example.test", text="a line of text\n" * (STUCK_BYTES // 15))
        wait_until(lambda: "slow" in server.taken_at)
        time.sleep(SILENT_SECONDS)  # what is handed over before may be written behind it, and then it is the server's
        early = book.hand_over(absender, ["early"])[0]
        absender.wait_for_state(early, "accepted")
        first = server.taken_at["early"] - server.taken_at["slow"]
        tap.ok(first < NOTICED_SECONDS, f"beside a connection that has fallen silent mail goes over another one ({first:.1f} s)")
        asked_at = {}
        for name in names_of("healthy", HEALTHY):
            asked_at[name] = time.monotonic()
            book.hand_over(absender, [name])
            time.sleep(EVERY_SECONDS)
        wait_until(lambda: all(name in server.taken_at for name in asked_at))
        waits = sorted(server.taken_at.get(name, time.monotonic()) - asked for name, asked in asked_at.items())
        p95 = statistics.quantiles(waits, n=20)[-1]
        tap.ok(p95 < PATIENCE_SECONDS, f"beside a slow and a stuck connection p95 is {p95 * 1000:.0f} ms from request to server", waits[-10:])
        absender.wait_for_state(book.taken["slow"], "accepted", wait=WAIT_SECONDS)
        tap.ok(True, "a reply that comes a byte a second is a reply")
        tap.equal([name for name in asked_at if len(server.copies[name]) != 1], [], "each healthy mail arrives once")
        absender.kill()  # or it would wait for the stuck one


def backlog_next_door(tap):
    """The mail of one organisation does not wait behind that of another."""
    with ready() as (server, absender):
        neighbour = found(absender)
        begin_sending(neighbour, settings(server, PASSWORD))
        absender.switch(False)
        absender.send_many([{"to": "anna@example.test", "subject": name, "text": "Hello"} for name in names_of("backlog", BACKLOG)])
        absender.switch(True)
        wait_until(lambda: len(server.taken_at) >= BACKLOG // 50)
        before, asked_at = len(server.taken_at), time.monotonic()
        answer = neighbour.send(to="bert@example.test", subject="reset", **{"class": "reset"})
        wait_until(lambda: "reset" in server.taken_at)
        taken_at = server.taken_at.get("reset", time.monotonic())
        meanwhile = sum(at < taken_at for at in list(server.taken_at.values())) - before
        tap.ok(answer.status == 200 and meanwhile < (BACKLOG - before) // 2,
               f"beside another organisation's {BACKLOG - before} mails that wait, a reset goes after {meanwhile} of them "
               f"({(taken_at - asked_at) * 1000:.0f} ms)", answer)


def refused_logins(tap):
    """F15, C9: the password stops working with mail in the queue."""
    with ready() as (server, absender):
        book = Book()
        absender.switch(False)
        names = names_of("held", HELD)
        book.hand_over(absender, names)
        server.moods.refuses_login, server.logins = True, 0
        absender.switch(True)
        wait_until(lambda: absender.operator("GET", "/v1/smtp").json["health"]["state"] == "credential_fault")
        refused_at = time.monotonic()
        time.sleep(2)  # one too many would come behind
        tap.equal(server.logins, 1, f"535 with {HELD} mails in the queue: one login, not one for each mail or connection")
        absender.stop()
        absender.start()
        time.sleep(1)
        tap.equal(server.logins, 1, "a restart is no further try")
        states = {email["state"] for email in absender.emails()}
        tap.equal(states, {"held"}, "all of it is held, nothing is rejected")
        used = {email["recipients"][0]["attempts"] for email in details(absender, absender.emails()[::100])}
        tap.equal(used, {0}, "no attempts are used up")
        absender.skip_time(BREAKER_SECONDS - SOON_SECONDS - (time.monotonic() - refused_at))
        wait_until(lambda: server.logins >= 2)
        tap.equal(server.logins, 2, "after 10 minutes it is tried once more")
        absender.skip_time(BREAKER_SECONDS - SOON_SECONDS)
        time.sleep(2 * SOON_SECONDS)
        tap.equal(server.logins, 2, "and then not by itself any more")
        server.moods.refuses_login = False
        run = absender.verify(settings(server, NEW_PASSWORD))
        tap.equal(isinstance(run, dict) and run["state"], "passed", "a person verifies another password")
        absender.wait_until_sent()
        tap.equal([name for name in names if len(server.copies[name]) != 1], [], "and all of it drains, each mail once")


def put_off_logins(tap):
    """C9: what the provider cannot check now says nothing about the password."""
    with ready(max_connections=1) as (server, absender):
        book = Book()
        for code in (421, 432, 454):
            absender.stop()  # or a connection that stands would carry the mail
            absender.start()
            server.moods.login_reply = b"%d 4.7.0 Not now\r\n" % code
            name = f"put-off-{code}"
            email = book.hand_over(absender, [name])[0]
            absender.wait_for_state(email, "deferred", wait=WAIT_SECONDS)
            wait_until(lambda: absender.operator("GET", "/v1/smtp").json["health"]["state"] == "unreachable")
            smtp = absender.operator("GET", "/v1/smtp").json
            tap.equal((smtp["health"]["state"], smtp["breaker"], smtp["held_reason"]), ("unreachable", None, None),
                      f"{code} to a login is the provider's trouble: nothing is held")
            server.moods.login_reply = None
            absender.skip_time(RETRY_SECONDS)
            absender.wait_for_state(email, "accepted", wait=WAIT_SECONDS)
            tap.equal(len(server.copies[name]), 1, f"and after {code} it goes on by itself, once")


def is_listening(absender):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", absender.port), WAIT_SECONDS):
        return True
    return False


def stop_before_answer(absender, may_answer):
    """SIGTERM, and only when it is heeded the server may answer; the exit code."""
    absender.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not is_listening(absender))
    may_answer.set()
    return absender.stop(how=0)  # it has been told


def refused_in_a_stop(tap):
    """C9, C15: the provider refuses a login that was said before the stop."""
    with ready() as (server, absender):
        absender.stop()  # or a connection that stands would carry the mail
        absender.start()
        server.moods.refuses_login, server.moods.login_waits_for, server.logins = True, threading.Event(), 0
        email = Book().hand_over(absender, ["held"])[0]
        wait_until(lambda: server.logins == 1)
        code = stop_before_answer(absender, server.moods.login_waits_for)
        absender.start()
        time.sleep(1)  # one too many would come
        smtp = absender.operator("GET", "/v1/smtp").json
        tap.equal((code, smtp["health"]["state"], server.logins), (0, "credential_fault", 1),
                  "a login that is refused while it stops is known at the next start, and not tried again")
        tap.equal(absender.wait_for_state(email, "held")["recipients"][0]["attempts"], 0, "its mail is held, as if nothing had been tried")

        server.moods.login_waits_for = threading.Event()
        body = {"settings": settings(server, NEW_PASSWORD), "activate": True}
        run = absender.operator("POST", "/v1/smtp/verifications", body).json["id"]
        wait_until(lambda: server.logins == 2)
        code = stop_before_answer(absender, server.moods.login_waits_for)
        absender.start()
        seen = absender.verification(run)
        tap.equal((code, seen["state"], (seen["diagnosis"] or {}).get("phase"), server.logins), (0, "failed", "auth", 2),
                  "so is what a verification hears then")


def late_leave(tap):
    """C7: a server lets a mail's end go only after the mail has expired."""
    with ready() as (server, absender):
        book, late_at = Book(), datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=EXPIRES_SECONDS)
        server.moods.dithers_on = {"late@example.test": EXPIRES_SECONDS + SOON_SECONDS}
        email = book.hand_over(absender, ["late"], to="late@example.test", expires_at=late_at.isoformat())[0]
        wait_until(lambda: "late@example.test" in server.known_since)
        tap.equal(absender.wait_for_state(email, "expired", wait=WAIT_SECONDS)["state"], "expired", "a mail that expires behind its envelope ends so")
        said = [each["state"] for each in attempts(absender, email)]
        tap.equal((len(server.copies["late"]), said), (0, ["expired"]), "and nothing of it arrives")


def patience_ends(tap):
    """C15: a mail behind its end gets 30 seconds for its reply; then it is uncertain, and said to be."""
    with ready() as (server, absender):
        book = Book()
        server.moods.keeps_silent_on = frozenset({"silent@example.test"})
        book.hand_over(absender, ["silent"], to="silent@example.test")
        wait_until(lambda: "silent" in server.taken_at)
        begun = time.monotonic()
        code = absender.stop()
        took = time.monotonic() - begun
        tap.ok(code == 0 and GRACE_SECONDS - 1 < took < 2 * GRACE_SECONDS, f"a stop waits for a reply that never comes, and ends ({took:.0f} s)",
               (code, took))
        absender.start()
        tap.equal(absender.wait_for_state(book.taken["silent"], "uncertain")["state"], "uncertain", "that mail is uncertain")
        health = absender.operator("GET", "/v1/smtp").json["health"]["state"]
        tap.ok(health != "unreachable", "and nobody is called unreachable for what we broke off ourselves", health)


def frozen(tap):
    """F19: the process is stopped behind its mails' ends, and goes on later."""
    with ready() as (server, absender):
        book, names = Book(), names_of("frozen", STORM)
        server.moods.reply_seconds = 0.05
        book.hand_over(absender, names)
        for _ in range(4):
            time.sleep(0.3)
            absender.process.send_signal(signal.SIGSTOP)
            time.sleep(FROZEN_SECONDS)
            absender.process.send_signal(signal.SIGCONT)
        absender.wait_until_sent()
        said = {each["state"] for name in names for each in attempts(absender, book.taken[name])}
        tap.equal(said, {"accepted"}, "a process that was stopped takes up the replies where it stood")
        tap.equal([name for name in names if len(server.copies[name]) != 1], [], "each mail arrives once")


FAULTS = {"lost_reply": lost_reply, "storm": storm, "greylisting": greylisting, "slow_connections": slow_connections,
          "backlog_next_door": backlog_next_door, "refused_logins": refused_logins, "put_off_logins": put_off_logins, "refused_in_a_stop": refused_in_a_stop,
          "late_leave": late_leave, "frozen": frozen, "patience_ends": patience_ends}


def play(name):
    notes = Notes(name)
    try:
        FAULTS[name](notes)
    except (AssertionError, OSError, RuntimeError) as error:
        notes.ok(False, "it runs to its end", repr(error))
    return notes


def main():
    tap, names = Tap(), sys.argv[1:] or list(FAULTS)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for notes in pool.map(play, names):
            notes.tell(tap)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
