/* Settings that were active, the present ones included: what a person can go back to. A version
 * keeps its password sealed and bound as it was. At most LIMIT_SETTINGS_HISTORY for each org; the
 * oldest go, with their passwords. */
#pragma once

#include "settings/settings.h"
#include "store/store.h"

typedef struct {
    Id id;
    gint64 config_version;
    SmtpSettings *settings;
    WallMs activated_at;
    char *activated_by; /* who started the verification that made it active; NULL: not known */
    gboolean is_active;
} SettingsVersion;
void settings_version_free(SettingsVersion *version);

/* Newest first. GPtrArray of SettingsVersion that frees them; the caller unrefs. */
GPtrArray *settings_history_list(Db *db, gint64 org_id, GError **error);

/* NULL without error: no such version. */
SettingsVersion *settings_history_get(Db *db, gint64 org_id, const Id *id, GError **error);

/* The same destination, password and sender: what makes one version. */
gboolean settings_history_same(const SmtpSettings *a, const SmtpSettings *b);

/* Inside the job that makes these settings active (smtp_activate). revision is that of the run that
 * proved them: who started it, activated them. An earlier version of the same settings becomes the
 * newest again, so that no two are alike. */
gboolean settings_history_add(Db *db, gint64 org_id, const SmtpSettings *settings,
    gint64 config_version, gint64 revision, WallMs now, GError **error);

/* Inside that job, when the same settings are active already and were only verified again: the
 * version goes with their new number, and keeps since when and through whom it is active. */
gboolean settings_history_move(
    Db *db, gint64 org_id, gint64 from_version, gint64 to_version, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SettingsVersion, settings_version_free)
