-- People beside the first admin, what they and applications may do, what was done by whom, the texts
-- of system mails, and webhooks.

-- What mails and pages show; NULL: not said. public_url: where people reach the pages (links in mails
-- begin with it); the operator's --public-url goes before it.
ALTER TABLE organisations ADD COLUMN name TEXT;
ALTER TABLE organisations ADD COLUMN colour TEXT CHECK (length(colour) = 7); -- "#1f5fbf"
ALTER TABLE organisations ADD COLUMN language TEXT CHECK (language IN ('de', 'en'));
ALTER TABLE organisations ADD COLUMN public_url TEXT;

-- A member who was removed keeps the row, so that no later one gets its number; what was personal is
-- erased, and the address is free again.
ALTER TABLE members ADD COLUMN removed_at INTEGER;
ALTER TABLE members ADD COLUMN password_changed_at INTEGER;
ALTER TABLE members ADD COLUMN signed_in_at INTEGER;
-- Whether notices come by mail; security notices always do.
ALTER TABLE members ADD COLUMN has_notices INTEGER NOT NULL DEFAULT 1 CHECK (has_notices IN (0, 1));
DROP INDEX members_email;
CREATE UNIQUE INDEX members_email ON members (lower(email)) WHERE removed_at IS NULL;

-- From where, as the browser said: what a person needs to know her own sessions.
ALTER TABLE sessions ADD COLUMN client TEXT;
ALTER TABLE sessions ADD COLUMN agent TEXT;

-- One token at a time: a fresh one replaces the hash, and the former link is dead. email_id: the mail
-- that carried the link last; NULL: it was only to be copied.
CREATE TABLE invitations (
    row INTEGER PRIMARY KEY,
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    email TEXT NOT NULL,
    role INTEGER NOT NULL CHECK (role IN (1, 2)),
    language TEXT CHECK (language IN ('de', 'en')),
    token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    email_id BLOB CHECK (length(email_id) = 16),
    copied_at INTEGER,
    accepted_at INTEGER,
    revoked_at INTEGER
) STRICT;
CREATE UNIQUE INDEX invitations_open ON invitations (org_id, lower(email))
    WHERE accepted_at IS NULL AND revoked_at IS NULL;

-- Everybody who asks gets a row, so that asking costs the same whether the account exists; what is
-- asked for nobody is removed when it is looked at. 1 asked, 2 mailed, 3 to be handed over, 4 handed
-- over, 5 used, 6 over (a newer one, or too late).
CREATE TABLE password_resets (
    row INTEGER PRIMARY KEY,
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    account TEXT NOT NULL,
    member_row INTEGER REFERENCES members (row),
    language TEXT CHECK (language IN ('de', 'en')),
    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 6),
    asked_at INTEGER NOT NULL,
    asked_from TEXT NOT NULL,
    token_hash BLOB UNIQUE CHECK (length(token_hash) = 32),
    expires_at INTEGER,
    email_id BLOB CHECK (length(email_id) = 16),
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX password_resets_open ON password_resets (org_id, state) WHERE state <= 4;
CREATE INDEX password_resets_age ON password_resets (asked_at);

-- What an application may do; NULL: what the settings allow, from anywhere.
ALTER TABLE tokens ADD COLUMN from_addresses TEXT; -- JSON array
ALTER TABLE tokens ADD COLUMN networks TEXT; -- JSON array of CIDRs
ALTER TABLE tokens ADD COLUMN quota_per_minute INTEGER NOT NULL DEFAULT 0 CHECK (quota_per_minute >= 0);
ALTER TABLE tokens ADD COLUMN quota_per_hour INTEGER NOT NULL DEFAULT 0 CHECK (quota_per_hour >= 0);
ALTER TABLE tokens ADD COLUMN quota_per_day INTEGER NOT NULL DEFAULT 0 CHECK (quota_per_day >= 0);
ALTER TABLE tokens ADD COLUMN created_by TEXT;

-- How many mails each token handed over (a recipient counts as one): what its quota must remember over
-- restarts. Minutes since 1970; older than a day they are removed.
CREATE TABLE token_use_by_minute (
    minute INTEGER NOT NULL,
    token_row INTEGER NOT NULL REFERENCES tokens (row),
    org_id INTEGER NOT NULL,
    n INTEGER NOT NULL CHECK (n > 0),
    PRIMARY KEY (minute, token_row)
) STRICT, WITHOUT ROWID;

-- Who did what. Each row's hash covers the row and the hash before it, so that nothing can be changed
-- or taken out of the middle unseen.
CREATE TABLE audit_events (
    row INTEGER PRIMARY KEY,
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT,
    detail TEXT,
    client TEXT,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE INDEX audit_events_chain ON audit_events (org_id, row); -- the last one is looked up with each deed
CREATE INDEX audit_events_action ON audit_events (org_id, action, row);
CREATE TRIGGER audit_events_stay BEFORE DELETE ON audit_events
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_events_stay_as_they_are BEFORE UPDATE ON audit_events
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- An organisation's own texts, under a name of their own or instead of one of ours.
CREATE TABLE templates (
    row INTEGER PRIMARY KEY,
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    name TEXT NOT NULL,
    locale TEXT NOT NULL CHECK (locale IN ('de', 'en')),
    subject TEXT NOT NULL,
    text TEXT NOT NULL,
    html TEXT,
    changed_at INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    UNIQUE (org_id, name, locale)
) STRICT;

-- Where alerts go that must not go by mail. secret: what signs them, sealed.
-- AUTOINCREMENT, here and for deliveries: what is under way for one that was removed must never be
-- written down for a later one. is_removed: hidden and switched off, its deliveries go bit by bit,
-- then the row.
CREATE TABLE webhooks (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    url TEXT NOT NULL,
    name TEXT,
    events INTEGER NOT NULL CHECK (events > 0), -- bits
    secret_sealed BLOB NOT NULL,
    is_enabled INTEGER NOT NULL CHECK (is_enabled IN (0, 1)),
    created_at INTEGER NOT NULL,
    succeeded_at INTEGER,
    failed_at INTEGER,
    failure TEXT,
    is_removed INTEGER NOT NULL DEFAULT 0 CHECK (is_removed IN (0, 1)),
    CHECK (is_removed = 0 OR is_enabled = 0)
) STRICT;

CREATE TABLE webhook_events (
    row INTEGER PRIMARY KEY,
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    type TEXT NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL -- JSON, no secret in it
) STRICT;
CREATE INDEX webhook_events_age ON webhook_events (at);

-- 1 waiting, 2 delivered, 3 given up. next_at IS NULL: at its end.
CREATE TABLE webhook_deliveries (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    org_id INTEGER NOT NULL,
    webhook_row INTEGER NOT NULL REFERENCES webhooks (row) ON DELETE CASCADE,
    event_row INTEGER NOT NULL REFERENCES webhook_events (row) ON DELETE CASCADE,
    state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 3),
    attempts INTEGER NOT NULL,
    next_at INTEGER,
    gives_up_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    status INTEGER NOT NULL DEFAULT 0, -- of the last answer; 0: none came
    error TEXT,
    UNIQUE (webhook_row, event_row)
) STRICT;
-- By webhook: a long backlog of one must not hide what is due for the others.
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_row, next_at)
    WHERE next_at IS NOT NULL;
CREATE INDEX webhook_deliveries_of_event ON webhook_deliveries (event_row);
