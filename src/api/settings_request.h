/* A settings object as sent, and what it makes of the draft. */
#pragma once

#include "api/json/json.h"
#include "api/state.h"
#include "store/smtp_settings.h"

typedef struct {
    json_t *body; /* keeps the texts of the patch alive */
    SettingsPatch patch;
    Secret *password;
    Secret *oauth[OAUTH_SECRETS]; /* by OauthSecretKind */
} SettingsRequest;

/* Secrets that were kept and do not belong to the settings any more. */
typedef struct {
    gboolean password;
    guint oauth; /* 1 << OauthSecretKind */
} SettingsDropped;

/* Reads `value` (an object inside body) at pointer; takes a reference to it. Faults are noted. */
void settings_request_read(
    SettingsRequest *request, json_t *value, const char *pointer, JsonFaults *faults);
void settings_request_clear(SettingsRequest *request);

/* The draft with the request applied; without a draft one is begun as a copy of the active
 * settings, or empty. A number of connections that nobody has chosen, or that null has emptied, is
 * the one that the server's provider is known to bear. NULL with faults noted below pointer. */
SmtpSettings *settings_request_apply(const SettingsRequest *request, const SmtpState *state,
    struct api *api, gint64 org_id, const char *pointer, SettingsDropped *dropped,
    JsonFaults *faults);

/* Which fields were given: "host, oauth/client_id". The caller frees. */
char *settings_request_fields_dup(const SettingsRequest *request);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SettingsRequest, settings_request_clear)
