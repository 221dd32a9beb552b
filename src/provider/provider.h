/* Presets: dated, sourced facts about mail providers (data/providers.json). Pure. */
#pragma once

#include "base/tls_mode.h"

#include <glib.h>

typedef struct provider_list ProviderList;

typedef struct {
    const char *host;
    guint16 port;
    TlsMode security;
} ProviderEndpoint;

typedef struct {
    const char *id, *name, *country;
    const ProviderEndpoint *endpoints; /* the preferred one first */
    guint n_endpoints;
    const char *host_template;                       /* "{kas_login}.kasserver.com" or NULL */
    const char *username_template;                   /* "{email}" … */
    const char *username_note_de, *username_note_en; /* may be NULL */
    const char *password_kind;                       /* "mailbox_password", "app_password" … */
    const char *app_password;                        /* "no", "required", "obsolete" … */
    const char *password_where_de, *password_where_en, *password_url;
    const char *hint_de, *hint_en; /* the one trap to know, or NULL */
    const char *sources;           /* "a; b" as shown */
    const char *checked;           /* the latest date among them */
    gboolean featured;             /* a tile on the page: the five of the manuals */
} Provider;

ProviderList *provider_list_new(const char *json, gsize n, GError **error);
void provider_list_free(ProviderList *list);
guint provider_count(const ProviderList *list);
const Provider *provider_at(const ProviderList *list, guint i);
const Provider *provider_by_id(const ProviderList *list, const char *id); /* NULL: none */

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProviderList, provider_list_free)
