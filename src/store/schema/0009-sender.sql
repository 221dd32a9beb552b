-- Mail that was handed over without a sender of its own leaves with the one that is in force then.
ALTER TABLE emails ADD COLUMN follows_sender INTEGER NOT NULL DEFAULT 0;
