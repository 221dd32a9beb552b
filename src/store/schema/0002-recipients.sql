-- Recipients as before, with rules that are cheap to check: for every list of more than two values
-- (`state NOT IN (1, 2, 3, 4)`) SQLite builds a b-tree each time it looks at one, and that was half
-- the price of a change of state.

ALTER TABLE recipients RENAME TO recipients_1;

CREATE TABLE recipients (
    row INTEGER PRIMARY KEY,
    org_id INTEGER NOT NULL,
    class INTEGER NOT NULL CHECK (class BETWEEN 1 AND 5),
    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 10),
    attempts INTEGER NOT NULL,
    is_test INTEGER NOT NULL CHECK (is_test IN (0, 1)),
    next_at INTEGER,
    deadline_at INTEGER NOT NULL, -- expiry or longest lifetime, whichever comes first
    updated_at INTEGER NOT NULL,
    address TEXT NOT NULL,
    CHECK (next_at IS NOT NULL OR state >= 5),
    CHECK (next_at IS NULL OR state <= 5)
) STRICT;

INSERT INTO recipients (row, org_id, class, state, attempts, is_test, next_at, deadline_at, updated_at,
    address)
SELECT row, org_id, class, state, attempts, is_test, next_at, deadline_at, updated_at, address
    FROM recipients_1 ORDER BY row;

DROP TABLE recipients_1;

CREATE INDEX recipients_waiting ON recipients (org_id, class, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX recipients_tests ON recipients (org_id, class, next_at)
    WHERE is_test = 1 AND next_at IS NOT NULL;
CREATE INDEX recipients_deadline ON recipients (deadline_at) WHERE next_at IS NOT NULL;
-- For lists by state. The way of a mail without trouble (queued, sending, accepted) does not touch
-- it.
CREATE INDEX recipients_notable ON recipients (org_id, state)
    WHERE state <> 2 AND state <> 3 AND state <> 6;
