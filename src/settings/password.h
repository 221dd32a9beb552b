/* The stored password and what it belongs to. Internal to settings/. */
#pragma once

#include "settings/settings.h"

/* Seals to the destination that `settings` names now; replaces what was there. */
void password_store(
    SmtpSettings *settings, const Secret *password, Vault *vault, gint64 org_id, WallMs now);

void password_drop(SmtpSettings *settings);

/* TRUE if host, port, security and username in force are the same: what a stored password is bound
 * to (DESIGN rule 2). */
gboolean password_fits_both(const SmtpSettings *a, const SmtpSettings *b);

/* Org and those facts, in the order of every binding. */
void password_bind_destination(VaultBinding *binding, const SmtpSettings *settings, gint64 org_id);

/* A secret is known by when it was set: its sealed form changes with the vault's key. */
gboolean password_is_same(const GBytes *a, WallMs a_set_at, const GBytes *b, WallMs b_set_at);
