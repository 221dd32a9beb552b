/* Presets: dated, sourced facts about mail providers (data/providers.json). Pure: bytes in, a list
 * out. The API shows them and fills forms from them; nothing here is ever used without a
 * verification. */
#pragma once

#include "base/tls_mode.h"

#include <glib.h>

typedef struct provider_list ProviderList;

/* A host or user name with a part in <angle brackets> is different for each customer: that part is
 * asked for, never sent as it stands. */
typedef struct {
    const char *host;
    guint16 port;
    TlsMode security;
} ProviderEndpoint;

typedef struct {
    const char *id, *country;
    const char *name, *name_de;
    const ProviderEndpoint *endpoints; /* the preferred one first */
    guint n_endpoints;
    const char *host_template;                       /* "{kas_login}.kasserver.com" or NULL */
    const char *username_template;                   /* "{email}" … */
    const char *username_note_de, *username_note_en; /* may be NULL */
    const char *password_kind;                       /* "mailbox_password", "app_password" … */
    const char *app_password;                        /* "no", "required", "obsolete" … */
    const char *password_where_de, *password_where_en, *password_url; /* the URL may be NULL */
    const char *hint_de, *hint_en;       /* the one trap to know, or NULL */
    const char *sources_de, *sources_en; /* "a, 2026-03; b, 2026-11" as shown */
    const char *checked;                 /* the latest date among them */
    gboolean featured;                   /* a tile on the page: the five of the manuals */
} Provider;

/* Reads providers.json; unknown keys are errors. ABS_ERROR_INPUT names the provider that is wrong.
 * Everything the list hands out belongs to it. */
ProviderList *provider_list_new(const char *json, gsize n, GError **error);
void provider_list_free(ProviderList *list);
guint provider_count(const ProviderList *list);
const Provider *provider_at(const ProviderList *list, guint i);
const Provider *provider_by_id(const ProviderList *list, const char *id); /* NULL: none */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProviderList, provider_list_free)
