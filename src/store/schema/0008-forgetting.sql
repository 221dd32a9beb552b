-- Who copied the link that is good now: what a removed admin still holds ends with her.
ALTER TABLE invitations ADD COLUMN copied_by TEXT;
ALTER TABLE password_resets ADD COLUMN copied_by TEXT;

-- The audit log forgets its oldest events after some years. The last one forgotten leaves its hash
-- here: the chain goes on from it, and can still be checked from there. Nothing else goes: an anchor
-- is an event that was there, moves onwards only, and never is the newest.
CREATE TABLE audit_anchors (
    org_id INTEGER PRIMARY KEY REFERENCES organisations (row),
    row INTEGER NOT NULL, -- of audit_events
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    at INTEGER NOT NULL,
    forgotten INTEGER NOT NULL CHECK (forgotten > 0) -- events, in all
) STRICT;
CREATE TRIGGER audit_anchors_made BEFORE INSERT ON audit_anchors
    WHEN NOT EXISTS (SELECT 1 FROM audit_events WHERE row = NEW.row AND org_id = NEW.org_id
            AND hash = NEW.hash AND at = NEW.at)
        OR NOT EXISTS (SELECT 1 FROM audit_events WHERE org_id = NEW.org_id AND row > NEW.row)
    BEGIN SELECT RAISE(ABORT, 'an anchor is an event that was there'); END;
CREATE TRIGGER audit_anchors_moved BEFORE UPDATE ON audit_anchors
    WHEN NEW.org_id <> OLD.org_id OR NEW.row <= OLD.row OR NEW.forgotten <= OLD.forgotten
        OR NOT EXISTS (SELECT 1 FROM audit_events WHERE row = NEW.row AND org_id = NEW.org_id
            AND hash = NEW.hash AND at = NEW.at)
        OR NOT EXISTS (SELECT 1 FROM audit_events WHERE org_id = NEW.org_id AND row > NEW.row)
    BEGIN SELECT RAISE(ABORT, 'an anchor is an event that was there'); END;
CREATE TRIGGER audit_anchors_stay BEFORE DELETE ON audit_anchors
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

DROP TRIGGER audit_events_stay;
CREATE TRIGGER audit_events_stay BEFORE DELETE ON audit_events
    WHEN NOT EXISTS (SELECT 1 FROM audit_anchors WHERE org_id = OLD.org_id AND row >= OLD.row)
    BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
