-- What the settings page remembers: earlier settings, test mails and whether they arrived, what
-- became of the mail of each hour, and what received headers taught us about a domain.

-- What was active, the present ones included. A password stays sealed and bound as it was; the
-- oldest go when there are more than LIMIT_SETTINGS_HISTORY.
CREATE TABLE smtp_history (
    row INTEGER PRIMARY KEY,
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    id BLOB NOT NULL CHECK (length(id) = 16),
    config_version INTEGER NOT NULL,
    host TEXT NOT NULL,
    port INTEGER CHECK (port BETWEEN 1 AND 65535),
    security INTEGER CHECK (security IN (1, 2)),
    username TEXT,
    from_email TEXT NOT NULL,
    from_name TEXT,
    ehlo_name TEXT,
    max_connections INTEGER NOT NULL CHECK (max_connections BETWEEN 1 AND 20),
    send_window INTEGER NOT NULL CHECK (send_window BETWEEN 1 AND 256),
    quota_per_minute INTEGER NOT NULL CHECK (quota_per_minute >= 0),
    quota_per_hour INTEGER NOT NULL CHECK (quota_per_hour >= 0),
    quota_per_day INTEGER NOT NULL CHECK (quota_per_day >= 0),
    password_sealed BLOB NOT NULL,
    password_set_at INTEGER,
    activated_at INTEGER NOT NULL,
    activated_by TEXT,
    UNIQUE (org_id, id),
    UNIQUE (org_id, config_version)
) STRICT;
INSERT INTO smtp_history (org_id, id, config_version, host, port, security, username, from_email,
        from_name, ehlo_name, max_connections, send_window, quota_per_minute, quota_per_hour,
        quota_per_day, password_sealed, password_set_at, activated_at)
    SELECT a.org_id, randomblob(16), s.config_version, a.host, a.port, a.security, a.username,
           a.from_email, a.from_name, a.ehlo_name, a.max_connections, a.send_window,
           a.quota_per_minute, a.quota_per_hour, a.quota_per_day, a.password_sealed,
           a.password_set_at, coalesce(s.active_since, 0)
    FROM smtp_slots a JOIN smtp_state s ON s.org_id = a.org_id WHERE a.slot = 2;

-- Who started a verification becomes who activated its settings.
ALTER TABLE verifications ADD COLUMN started_by TEXT;
-- What a failed run found at the same host's other port: 1 answers as SMTP should, 2 does not.
ALTER TABLE verifications ADD COLUMN sibling_port INTEGER;
ALTER TABLE verifications ADD COLUMN sibling_state INTEGER CHECK (sibling_state IN (1, 2));
-- Where the sender's domain gets its mail, asked when a run failed over the server's name.
ALTER TABLE verifications ADD COLUMN sender_mx TEXT;

-- The link in a test mail proves that it arrived; only the hash of its token is kept.
CREATE TABLE test_mails (
    row INTEGER PRIMARY KEY,
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    email_id BLOB NOT NULL CHECK (length(email_id) = 16),
    token_hash BLOB NOT NULL UNIQUE CHECK (length(token_hash) = 32),
    config_version INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    sent_at INTEGER NOT NULL,
    arrived_at INTEGER,
    folder INTEGER CHECK (folder IN (1, 2)), -- inbox, spam
    UNIQUE (org_id, email_id)
) STRICT;

-- Ends of attempts by the hour (milliseconds since 1970 / 3,600,000); older than two days they are
-- removed.
CREATE TABLE activity_by_hour (
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    hour INTEGER NOT NULL,
    accepted INTEGER NOT NULL DEFAULT 0 CHECK (accepted >= 0),
    deferred INTEGER NOT NULL DEFAULT 0 CHECK (deferred >= 0),
    refused INTEGER NOT NULL DEFAULT 0 CHECK (refused >= 0),
    PRIMARY KEY (org_id, hour)
) STRICT, WITHOUT ROWID;

-- The last accepted mail and the last one refused or deferred with a diagnosis.
ALTER TABLE smtp_state ADD COLUMN last_accepted_at INTEGER;
ALTER TABLE smtp_state ADD COLUMN last_failure_at INTEGER;
ALTER TABLE smtp_state ADD COLUMN last_failure_diagnosis TEXT;

-- From pasted headers: with which selectors mail of a domain is signed (kind 1), and from which
-- addresses the provider sends it (kind 2).
CREATE TABLE domain_facts (
    org_id INTEGER NOT NULL REFERENCES organisations (row),
    domain TEXT NOT NULL,
    kind INTEGER NOT NULL CHECK (kind IN (1, 2)),
    value TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (org_id, domain, kind, value)
) STRICT, WITHOUT ROWID;
