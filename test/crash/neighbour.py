"""A second organisation in the real daemon. Nothing founds one yet, so its first rows are put into the database; all else goes over the
API, with the session of its admin."""
import contextlib
import copy
import hashlib
import os
import sqlite3
import time

WAIT_SECONDS = 120
NEIGHBOUR = 2  # its row
SECRET = "B" * 43  # of the session's cookie
FOUNDED = (
    "INSERT INTO organisations (row) VALUES (2)",
    "INSERT INTO smtp_state (org_id, sending_reason) VALUES (2, 'initial')",
    "INSERT INTO recipient_counts (org_id, state, n) SELECT 2, state, 0 FROM recipient_counts WHERE org_id = 1",
    "INSERT INTO books (org_id, state, n) SELECT 2, state, 0 FROM books WHERE org_id = 1",
)


def found(absender):
    """The same daemon as the second organisation's admin sees it. It is started anew."""
    absender.stop()
    now = int(time.time() * 1000)
    with contextlib.closing(sqlite3.connect(os.path.join(absender.data, "absender.db"))) as db, db:
        for statement in FOUNDED:
            db.execute(statement)
        member = db.execute("INSERT INTO members (org_id, id, email, name, role, created_at) VALUES (?, ?, 'nina@example.test', 'Nina', 2, ?)",
                            (NEIGHBOUR, os.urandom(16), now)).lastrowid
        db.execute("INSERT INTO sessions (org_id, member_row, id, hash, created_at, expires_at, used_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                   (NEIGHBOUR, member, os.urandom(16), hashlib.sha256(SECRET.encode()).digest(), now, now + 86400000, now))
    absender.start()
    neighbour = copy.copy(absender)
    neighbour.token, neighbour.cookie, neighbour.csrf = None, f"absender_session={SECRET}", ""
    neighbour.csrf = neighbour.request("GET", "/v1/session").json["csrf_token"]
    return neighbour


def begin_sending(neighbour, settings):
    """Its settings are verified, and its sending is switched on."""
    run = neighbour.request("POST", "/v1/smtp/verifications", {"settings": settings, "activate": True}).json
    until = time.monotonic() + WAIT_SECONDS
    while run["state"] == "running" and time.monotonic() < until:
        time.sleep(0.02)
        run = neighbour.request("GET", f"/v1/smtp/verifications/{run['id']}").json
    assert run["state"] == "passed", run
    answer = neighbour.request("PUT", "/v1/smtp/sending", {"enabled": True})
    assert answer.status == 200, answer
