-- What the outbox must remember over restarts: the quota's counts, and the books.

-- Mails that the provider was asked to take, by the minute (milliseconds since 1970 / 60,000). Older
-- than a day they are removed.
CREATE TABLE sent_by_minute (
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    minute INTEGER NOT NULL,
    n INTEGER NOT NULL CHECK (n >= 0),
    PRIMARY KEY (org_id, minute)
) STRICT, WITHOUT ROWID;

-- Recipients in all: state 0 counts every one ever taken, the others those whose rows were removed
-- after their end. So taken = removed + what recipient_counts says is there, at every moment.
CREATE TABLE books (
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 10),
    n INTEGER NOT NULL CHECK (n >= 0),
    PRIMARY KEY (org_id, state)
) STRICT, WITHOUT ROWID;
INSERT INTO books (org_id, state, n) SELECT org_id, 0, sum(n) FROM recipient_counts GROUP BY org_id;
INSERT INTO books (org_id, state, n)
    SELECT org_id, state, 0 FROM recipient_counts WHERE state >= 5;

-- How far the erasing of old bodies and the removing of old emails have come: everything below these
-- rows has been looked at and was over.
CREATE TABLE retention (
    row INTEGER PRIMARY KEY CHECK (row = 1),
    bodies_below INTEGER NOT NULL,
    emails_below INTEGER NOT NULL
) STRICT;
INSERT INTO retention (row, bodies_below, emails_below) VALUES (1, 0, 0);
