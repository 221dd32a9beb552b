"""Servers that are fine for one mail and odd with many: they cannot follow a client that writes ahead, or limit what a session or a
client may do. No mail is lost, none is sent twice, and the service finds the way to write that the server can follow."""
import collections
import concurrent.futures
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
from badserver import ODD, BadServer  # noqa: E402
from harness.daemon import Daemon, Tap  # noqa: E402

USER, PASSWORD = "noreply@example.test", "correct horse"
MAILS = 80
ROUNDS = 8  # of retries, at most
RETRY_SECONDS = 16 * 60  # later than any mail of this test is due again
CONNECTIONS = 4
AT_ONCE = 3

# What is true of the server's record, once all mail is there. The last session is the one that was taught by those before.
PROPERTIES = {
    "all_extensions": [],
    "stepwise": [("nothing is written ahead", lambda server: ahead(server) == 0)],
    "swallows": [("it is spoken to one command at a time in the end", lambda server: server.sessions[-1].ahead == 0)],
    "swallows_chunks": [("it is spoken to one command at a time in the end", lambda server: server.sessions[-1].ahead == 0)],
    "trips": [("it is spoken to one command at a time in the end", lambda server: server.sessions[-1].ahead == 0)],
    "trips_on_chunks": [("it is spoken to one command at a time in the end", lambda server: server.sessions[-1].ahead == 0)],
    "421_after_mails": [("no session has more than it may", lambda server: most_mails(server) <= 7)],
    "421_after_chunked_mails": [("no session has more than it may", lambda server: most_mails(server) <= 7)],
    "one_session": [("it is not asked again and again for a second session", lambda server: server.refused_sessions <= 2 * CONNECTIONS)],
    "refuses_chunks": [("chunks are used to the end", lambda server: b"BDAT" in server.sessions[-1].inside_tls)],
}


def ahead(server):
    return sum(session.ahead for session in server.sessions)


def most_mails(server):
    return max(len(session.mails) for session in server.sessions)


def differences(found, expected):
    """What is in one and not in the other."""
    return {key: (found.get(key, 0), expected.get(key, 0)) for key in found.keys() | expected.keys()
            if found.get(key, 0) != expected.get(key, 0)}


def send_all(server, absender):
    """The ids of the mails, and after how many rounds nothing waits any more."""
    absender.make_token()
    ids = absender.send_many([{"from": USER, "to": f"r{number}@example.test", "subject": f"{number}", "text": f".{number}\n" * 40}
                              for number in range(MAILS)])
    run = absender.verify({"host": "localhost", "port": server.port, "security": "starttls", "from_email": USER, "username": USER,
                           "password": PASSWORD, "max_connections": CONNECTIONS})
    assert isinstance(run, dict) and run["state"] == "passed", run
    absender.switch(True)
    rounds = 1
    while any(absender.wait_until_quiet().values()) and rounds < ROUNDS:
        absender.skip_time(RETRY_SECONDS)
        rounds += 1
    return ids, rounds


def try_server(name):
    """What came of one server: statements about it, and a remark."""
    found = []
    with BadServer(name) as server, Daemon("--dev", "--ca-file", str(server.ca_file), "--allow-port", str(server.port)) as absender:
        ids, rounds = send_all(server, absender)
        states = collections.Counter(email["state"] for email in absender.emails())
        found.append((states == {"accepted": MAILS}, f"{name}: every mail is accepted", states))
        said = collections.Counter(attempt["state"] for email in ids for attempt in
                                   absender.operator("GET", f"/v1/emails/{email}").json["recipients"][0]["attempts_log"])
        found.append((said["uncertain"] == 0, f"{name}: none was ever uncertain", said))
        counts = collections.Counter(recipient for mail in server.mails() for recipient in mail.recipients)
        wrong = differences(counts, {f"r{number}@example.test": 1 for number in range(MAILS)})
        found.append((not wrong, f"{name}: the server has each once", wrong))
        for statement, is_true in PROPERTIES[name]:
            found.append((is_true(server), f"{name}: {statement}", [(each.ahead, len(each.mails)) for each in server.sessions]))
        leaks = [session.describe() for session in server.sessions if session.leaks(USER, PASSWORD)]
        found.append((not leaks, f"{name}: no credential on the wire outside TLS", leaks))
        remark = f"{len(server.sessions)} sessions, {ahead(server)} commands written ahead, {rounds} rounds, attempts {dict(said)}"
    return found, remark


def main():
    tap = Tap()
    tap.equal(set(ODD), set(PROPERTIES), "no odd server is left out")
    names = sys.argv[1:] or ODD
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:  # most of it is waiting
        for name, trial in [(name, pool.submit(try_server, name)) for name in names]:
            try:
                found, remark = trial.result()
            except (AssertionError, TimeoutError) as error:
                tap.ok(False, f"{name}: runs to its end", error)
                continue
            for good, statement, seen in found:
                tap.ok(good, statement, seen)
            print(f"# {name}: {remark}")
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
