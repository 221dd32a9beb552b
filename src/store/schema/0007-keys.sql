-- Keys that change while the service works (doc/vault.md). created_at, activated_at: NULL where it
-- was before this was written down. retired_at: the key is gone from the key file.
ALTER TABLE key_checks ADD COLUMN created_at INTEGER;
ALTER TABLE key_checks ADD COLUMN activated_at INTEGER;
ALTER TABLE key_checks ADD COLUMN retired_at INTEGER;

-- What fingerprints of refused passwords are made with: it stays when keys change.
CREATE TABLE fingerprint_key (
    row INTEGER PRIMARY KEY CHECK (row = 1),
    wrapped BLOB NOT NULL
) STRICT;

-- A value may be sealed shortly before its key is retired, and arrive here afterwards: it would never
-- open again, so it is refused, and whoever brought it begins again. Bytes 5 to 20 of what is sealed
-- name its key.
CREATE VIEW retired_keys AS SELECT kek_id FROM key_checks WHERE retired_at IS NOT NULL;

CREATE TRIGGER day_keys_made BEFORE INSERT ON day_keys
    WHEN substr(NEW.wrapped, 5, 16) IN retired_keys
    BEGIN SELECT RAISE(ABORT, 'sealed with a key that was retired'); END;
CREATE TRIGGER webhooks_made BEFORE INSERT ON webhooks
    WHEN substr(NEW.secret_sealed, 5, 16) IN retired_keys
    BEGIN SELECT RAISE(ABORT, 'sealed with a key that was retired'); END;
CREATE TRIGGER webhooks_changed BEFORE UPDATE OF secret_sealed ON webhooks
    WHEN substr(NEW.secret_sealed, 5, 16) IN retired_keys
    BEGIN SELECT RAISE(ABORT, 'sealed with a key that was retired'); END;
CREATE TRIGGER oauth_tokens_made BEFORE INSERT ON oauth_tokens
    WHEN substr(NEW.sealed, 5, 16) IN retired_keys
    BEGIN SELECT RAISE(ABORT, 'sealed with a key that was retired'); END;
CREATE TRIGGER oauth_tokens_changed BEFORE UPDATE OF sealed ON oauth_tokens
    WHEN substr(NEW.sealed, 5, 16) IN retired_keys
    BEGIN SELECT RAISE(ABORT, 'sealed with a key that was retired'); END;
CREATE TRIGGER smtp_slots_made BEFORE INSERT ON smtp_slots
    WHEN substr(NEW.password_sealed, 5, 16) IN retired_keys
        OR substr(NEW.oauth_client_secret_sealed, 5, 16) IN retired_keys
        OR substr(NEW.oauth_private_key_sealed, 5, 16) IN retired_keys
        OR substr(NEW.oauth_service_account_sealed, 5, 16) IN retired_keys
        OR substr(NEW.oauth_refresh_token_sealed, 5, 16) IN retired_keys
    BEGIN SELECT RAISE(ABORT, 'sealed with a key that was retired'); END;
CREATE TRIGGER smtp_slots_changed BEFORE UPDATE ON smtp_slots
    WHEN substr(NEW.password_sealed, 5, 16) IN retired_keys
        OR substr(NEW.oauth_client_secret_sealed, 5, 16) IN retired_keys
        OR substr(NEW.oauth_private_key_sealed, 5, 16) IN retired_keys
        OR substr(NEW.oauth_service_account_sealed, 5, 16) IN retired_keys
        OR substr(NEW.oauth_refresh_token_sealed, 5, 16) IN retired_keys
    BEGIN SELECT RAISE(ABORT, 'sealed with a key that was retired'); END;
CREATE TRIGGER smtp_history_made BEFORE INSERT ON smtp_history
    WHEN substr(NEW.password_sealed, 5, 16) IN retired_keys
        OR substr(NEW.oauth_client_secret_sealed, 5, 16) IN retired_keys
        OR substr(NEW.oauth_private_key_sealed, 5, 16) IN retired_keys
        OR substr(NEW.oauth_service_account_sealed, 5, 16) IN retired_keys
        OR substr(NEW.oauth_refresh_token_sealed, 5, 16) IN retired_keys
    BEGIN SELECT RAISE(ABORT, 'sealed with a key that was retired'); END;
CREATE TRIGGER smtp_history_changed BEFORE UPDATE ON smtp_history
    WHEN substr(NEW.password_sealed, 5, 16) IN retired_keys
        OR substr(NEW.oauth_client_secret_sealed, 5, 16) IN retired_keys
        OR substr(NEW.oauth_private_key_sealed, 5, 16) IN retired_keys
        OR substr(NEW.oauth_service_account_sealed, 5, 16) IN retired_keys
        OR substr(NEW.oauth_refresh_token_sealed, 5, 16) IN retired_keys
    BEGIN SELECT RAISE(ABORT, 'sealed with a key that was retired'); END;
