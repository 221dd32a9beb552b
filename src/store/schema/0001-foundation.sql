-- The first schema. Rules: STRICT tables; org_id in every row that belongs to an organisation;
-- enumerations are the numbers of the C enums and checked; times are milliseconds since 1970, NULL
-- where there is none; ids are UUIDv7 (16 bytes); secrets are hashed or sealed by the vault.

CREATE TABLE schema_version (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;

-- Which database this is; every sealed value is bound to it.
CREATE TABLE instance (
    row INTEGER PRIMARY KEY CHECK (row = 1),
    id BLOB NOT NULL CHECK (length(id) = 16)
) STRICT;
INSERT INTO instance (row, id) VALUES (1, randomblob(16));

CREATE TABLE organisations (
    row INTEGER PRIMARY KEY
) STRICT;
INSERT INTO organisations (row) VALUES (1);

-- Keys ---------------------------------------------------------------------------------------------

CREATE TABLE key_checks (
    kek_id BLOB PRIMARY KEY CHECK (length(kek_id) = 16),
    record BLOB NOT NULL
) STRICT;

CREATE TABLE day_keys (
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    day INTEGER NOT NULL,
    kek_id BLOB NOT NULL CHECK (length(kek_id) = 16),
    wrapped BLOB NOT NULL,
    PRIMARY KEY (org_id, day)
) STRICT, WITHOUT ROWID;

-- SMTP settings ------------------------------------------------------------------------------------

-- NULL means "not entered, the default is in force". There is no number for plaintext.
CREATE TABLE smtp_slots (
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    slot INTEGER NOT NULL CHECK (slot IN (1, 2)), -- 1 draft, 2 active
    host TEXT,
    port INTEGER CHECK (port BETWEEN 1 AND 65535),
    security INTEGER CHECK (security IN (1, 2)), -- STARTTLS, implicit
    username TEXT,
    from_email TEXT,
    from_name TEXT,
    ehlo_name TEXT,
    max_connections INTEGER NOT NULL CHECK (max_connections BETWEEN 1 AND 20),
    send_window INTEGER NOT NULL CHECK (send_window BETWEEN 1 AND 256),
    quota_per_minute INTEGER NOT NULL CHECK (quota_per_minute >= 0),
    quota_per_hour INTEGER NOT NULL CHECK (quota_per_hour >= 0),
    quota_per_day INTEGER NOT NULL CHECK (quota_per_day >= 0),
    password_sealed BLOB,
    password_set_at INTEGER,
    PRIMARY KEY (org_id, slot),
    CHECK (slot = 1 OR (host IS NOT NULL AND from_email IS NOT NULL AND password_sealed IS NOT NULL))
) STRICT;

CREATE TABLE smtp_state (
    org_id INTEGER PRIMARY KEY REFERENCES organisations (row),
    revision INTEGER NOT NULL DEFAULT 0,
    config_version INTEGER NOT NULL DEFAULT 0,
    draft_changed_at INTEGER,
    active_since INTEGER,
    sending_enabled INTEGER NOT NULL DEFAULT 0 CHECK (sending_enabled IN (0, 1)),
    sending_reason TEXT,
    sending_until INTEGER,
    sending_changed_by TEXT,
    sending_changed_at INTEGER,
    health INTEGER NOT NULL DEFAULT 0 CHECK (health BETWEEN 0 AND 4),
    health_at INTEGER,
    health_diagnosis TEXT
) STRICT;
INSERT INTO smtp_state (org_id, sending_reason) VALUES (1, 'initial');

-- Passwords a server refused: keyed hashes, so that the same one is not sent twice.
CREATE TABLE login_failures (
    row INTEGER PRIMARY KEY,
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    host TEXT NOT NULL,
    username TEXT NOT NULL,
    fingerprint BLOB NOT NULL CHECK (length(fingerprint) = 32),
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX login_failures_of ON login_failures (org_id, host, username, at);

CREATE TABLE verifications (
    row INTEGER PRIMARY KEY,
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    id BLOB NOT NULL CHECK (length(id) = 16),
    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 4),
    revision INTEGER NOT NULL,
    activate INTEGER NOT NULL CHECK (activate IN (0, 1)),
    activated INTEGER NOT NULL CHECK (activated IN (0, 1)),
    host TEXT,
    port INTEGER NOT NULL,
    security TEXT,
    username TEXT,
    from_email TEXT,
    probe_recipient TEXT,
    started_at INTEGER NOT NULL,
    finished_at INTEGER,
    diagnosis TEXT,
    diagnosis_phase TEXT,
    reply_code INTEGER NOT NULL,
    reply_enhanced TEXT,
    reply_text TEXT,
    error_name TEXT,
    tls_version TEXT,
    tls_cipher TEXT,
    certificate_subject TEXT,
    certificate_issuer TEXT,
    certificate_names TEXT,
    certificate_not_before INTEGER,
    certificate_not_after INTEGER,
    capabilities TEXT,
    auth_mechanism TEXT,
    UNIQUE (org_id, id)
) STRICT;

CREATE TABLE verification_phases (
    org_id INTEGER NOT NULL,
    verification_row INTEGER NOT NULL REFERENCES verifications (row) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 4),
    ms INTEGER NOT NULL,
    detail TEXT,
    PRIMARY KEY (verification_row, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE verification_lines (
    org_id INTEGER NOT NULL,
    verification_row INTEGER NOT NULL REFERENCES verifications (row) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    from_client INTEGER NOT NULL CHECK (from_client IN (0, 1)),
    text TEXT NOT NULL,
    PRIMARY KEY (verification_row, position)
) STRICT, WITHOUT ROWID;

-- Emails -------------------------------------------------------------------------------------------

-- Written once. What changes is in recipients, what is secret is in bodies.
CREATE TABLE emails (
    row INTEGER PRIMARY KEY,
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    id BLOB NOT NULL CHECK (length(id) = 16),
    class INTEGER NOT NULL CHECK (class BETWEEN 1 AND 5),
    sender TEXT NOT NULL,
    from_header TEXT,
    to_header TEXT,
    cc_header TEXT,
    bcc_header TEXT,
    reply_to_header TEXT,
    subject TEXT CHECK (subject IS NULL OR class NOT IN (1, 2)), -- a secret class shows none
    message_id TEXT,
    tags TEXT, -- JSON
    size_bytes INTEGER NOT NULL,
    needs_smtputf8 INTEGER NOT NULL CHECK (needs_smtputf8 IN (0, 1)),
    at_most_once INTEGER NOT NULL CHECK (at_most_once IN (0, 1)),
    is_test INTEGER NOT NULL CHECK (is_test IN (0, 1)),
    created_at INTEGER NOT NULL,
    scheduled_at INTEGER,
    expires_at INTEGER,
    token_row INTEGER,
    member_row INTEGER,
    UNIQUE (org_id, id)
) STRICT;

-- The message bytes, sealed with the key of that organisation and day; NULL: erased.
CREATE TABLE bodies (
    email_row INTEGER PRIMARY KEY REFERENCES emails (row) ON DELETE CASCADE,
    org_id INTEGER NOT NULL,
    day INTEGER NOT NULL,
    content BLOB
) STRICT;

-- One row a recipient, the only one that a change of state touches. row = the email's row * 128 +
-- position, so an email's recipients are a range of keys and need no index of their own.
-- next_at IS NULL: at its end. While it is being sent the old next_at stays.
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
    CHECK (next_at IS NOT NULL OR state NOT IN (1, 2, 3, 4)),
    CHECK (next_at IS NULL OR state <= 5)
) STRICT;
CREATE INDEX recipients_waiting ON recipients (org_id, class, next_at) WHERE next_at IS NOT NULL;
CREATE INDEX recipients_tests ON recipients (org_id, class, next_at)
    WHERE is_test = 1 AND next_at IS NOT NULL;
CREATE INDEX recipients_deadline ON recipients (deadline_at) WHERE next_at IS NOT NULL;
-- For lists by state. The way of a mail without trouble (queued, sending, accepted) does not touch
-- it.
CREATE INDEX recipients_notable ON recipients (org_id, state) WHERE state NOT IN (2, 3, 6);

-- Recipients per state, moved in the same transaction.
CREATE TABLE recipient_counts (
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 10),
    n INTEGER NOT NULL CHECK (n >= 0),
    PRIMARY KEY (org_id, state)
) STRICT, WITHOUT ROWID;
INSERT INTO recipient_counts (org_id, state, n)
    VALUES (1, 1, 0), (1, 2, 0), (1, 3, 0), (1, 4, 0), (1, 5, 0),
           (1, 6, 0), (1, 7, 0), (1, 8, 0), (1, 9, 0), (1, 10, 0);

CREATE TABLE attempts (
    recipient_row INTEGER NOT NULL,
    number INTEGER NOT NULL,
    org_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 10),
    config_version INTEGER NOT NULL,
    reply_code INTEGER NOT NULL,
    phase TEXT,
    reply_enhanced TEXT,
    reply_text TEXT,
    diagnosis TEXT,
    server TEXT,
    PRIMARY KEY (recipient_row, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE idempotency_keys (
    row INTEGER PRIMARY KEY,
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    token_row INTEGER NOT NULL, -- 0: a session
    key TEXT NOT NULL,
    body_hash BLOB NOT NULL CHECK (length(body_hash) = 32),
    ids BLOB NOT NULL CHECK (length(ids) % 16 = 0),
    created_at INTEGER NOT NULL,
    UNIQUE (org_id, token_row, key)
) STRICT;
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

-- People -------------------------------------------------------------------------------------------

CREATE TABLE members (
    row INTEGER PRIMARY KEY,
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    email TEXT NOT NULL,
    name TEXT,
    role INTEGER NOT NULL CHECK (role IN (1, 2)),
    password_hash TEXT,
    language TEXT CHECK (language IN ('de', 'en')),
    created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX members_email ON members (lower(email));

CREATE TABLE setup_token (
    row INTEGER PRIMARY KEY CHECK (row = 1),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sessions (
    row INTEGER PRIMARY KEY,
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    member_row INTEGER NOT NULL REFERENCES members (row) ON DELETE CASCADE,
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL
) STRICT;

CREATE TABLE tokens (
    row INTEGER PRIMARY KEY,
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    name TEXT NOT NULL,
    hint TEXT NOT NULL,
    scopes INTEGER NOT NULL CHECK (scopes BETWEEN 0 AND 63),
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    used_at INTEGER,
    revoked_at INTEGER
) STRICT;

-- Sandbox ------------------------------------------------------------------------------------------

CREATE TABLE captures (
    row INTEGER PRIMARY KEY,
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    id BLOB NOT NULL CHECK (length(id) = 16),
    at INTEGER NOT NULL,
    sender TEXT NOT NULL,
    recipients TEXT NOT NULL,
    subject TEXT,
    size_bytes INTEGER NOT NULL,
    day INTEGER NOT NULL,
    content BLOB NOT NULL,
    UNIQUE (org_id, id)
) STRICT;
