-- OAuth2 beside the password: which way to sign in counts (auth), the account at the provider, and
-- what proves it. Numbers of auth, provider and grant as in settings/settings.h and
-- oauth/profile.h. Every *_sealed is bound like the password, and to the provider, the token URL
-- and the client id as well. A refresh token that the provider rotates is replaced wherever its
-- *_set_at stands: that is the name of a secret.

ALTER TABLE smtp_slots RENAME TO smtp_slots_1;

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
    auth INTEGER NOT NULL DEFAULT 1 CHECK (auth IN (1, 2)), -- auto, oauth2
    oauth_provider INTEGER CHECK (oauth_provider BETWEEN 1 AND 3), -- microsoft, google, generic
    oauth_grant INTEGER CHECK (oauth_grant BETWEEN 1 AND 4),
    oauth_tenant TEXT,
    oauth_client_id TEXT,
    oauth_scope TEXT,
    oauth_subject TEXT,
    oauth_token_url TEXT,
    oauth_authorize_url TEXT,
    oauth_device_url TEXT,
    oauth_certificate TEXT,           -- PEM, public
    oauth_service_account_email TEXT, -- read from the sealed file
    oauth_service_account_key_id TEXT,
    oauth_service_account_client_id TEXT,
    oauth_client_secret_ends_at INTEGER,
    oauth_client_secret_sealed BLOB,
    oauth_client_secret_set_at INTEGER,
    oauth_private_key_sealed BLOB,
    oauth_private_key_set_at INTEGER,
    oauth_service_account_sealed BLOB,
    oauth_service_account_set_at INTEGER,
    oauth_refresh_token_sealed BLOB,
    oauth_refresh_token_set_at INTEGER,
    PRIMARY KEY (org_id, slot),
    CHECK (slot = 1 OR (host IS NOT NULL AND from_email IS NOT NULL)),
    -- What mail is sent with has what it signs in with.
    CHECK (slot = 1 OR CASE
        WHEN auth = 1 THEN password_sealed IS NOT NULL
        WHEN oauth_provider IS NULL OR oauth_grant IS NULL THEN 0
        WHEN oauth_grant = 1 THEN oauth_client_secret_sealed IS NOT NULL
        WHEN oauth_grant = 2
            THEN oauth_certificate IS NOT NULL AND oauth_private_key_sealed IS NOT NULL
        WHEN oauth_grant = 3 THEN oauth_refresh_token_sealed IS NOT NULL
        ELSE oauth_service_account_sealed IS NOT NULL END)
) STRICT;

INSERT INTO smtp_slots (org_id, slot, host, port, security, username, from_email, from_name,
        ehlo_name, max_connections, send_window, quota_per_minute, quota_per_hour, quota_per_day,
        password_sealed, password_set_at)
    SELECT org_id, slot, host, port, security, username, from_email, from_name, ehlo_name,
           max_connections, send_window, quota_per_minute, quota_per_hour, quota_per_day,
           password_sealed, password_set_at
    FROM smtp_slots_1;

DROP TABLE smtp_slots_1;

ALTER TABLE smtp_history RENAME TO smtp_history_1;

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
    password_sealed BLOB,
    password_set_at INTEGER,
    auth INTEGER NOT NULL DEFAULT 1 CHECK (auth IN (1, 2)),
    oauth_provider INTEGER CHECK (oauth_provider BETWEEN 1 AND 3),
    oauth_grant INTEGER CHECK (oauth_grant BETWEEN 1 AND 4),
    oauth_tenant TEXT,
    oauth_client_id TEXT,
    oauth_scope TEXT,
    oauth_subject TEXT,
    oauth_token_url TEXT,
    oauth_authorize_url TEXT,
    oauth_device_url TEXT,
    oauth_certificate TEXT,
    oauth_service_account_email TEXT,
    oauth_service_account_key_id TEXT,
    oauth_service_account_client_id TEXT,
    oauth_client_secret_ends_at INTEGER,
    oauth_client_secret_sealed BLOB,
    oauth_client_secret_set_at INTEGER,
    oauth_private_key_sealed BLOB,
    oauth_private_key_set_at INTEGER,
    oauth_service_account_sealed BLOB,
    oauth_service_account_set_at INTEGER,
    oauth_refresh_token_sealed BLOB,
    oauth_refresh_token_set_at INTEGER,
    activated_at INTEGER NOT NULL,
    activated_by TEXT,
    UNIQUE (org_id, id),
    UNIQUE (org_id, config_version),
    CHECK (auth = 2 OR password_sealed IS NOT NULL)
) STRICT;

INSERT INTO smtp_history (row, org_id, id, config_version, host, port, security, username,
        from_email, from_name, ehlo_name, max_connections, send_window, quota_per_minute,
        quota_per_hour, quota_per_day, password_sealed, password_set_at, activated_at, activated_by)
    SELECT row, org_id, id, config_version, host, port, security, username, from_email, from_name,
           ehlo_name, max_connections, send_window, quota_per_minute, quota_per_hour, quota_per_day,
           password_sealed, password_set_at, activated_at, activated_by
    FROM smtp_history_1;

DROP TABLE smtp_history_1;

-- The access token in use, one an organisation. It opens only for the settings it was fetched with:
-- another account's is as if there were none.
CREATE TABLE oauth_tokens (
    org_id INTEGER PRIMARY KEY REFERENCES organisations (row),
    sealed BLOB NOT NULL,
    scope TEXT,
    server TEXT NOT NULL, -- the host that issued it
    fetched_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
