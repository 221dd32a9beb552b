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
