/* Presets: dated, sourced facts about mail providers (data/providers.json). Pure: bytes in, a list
 * out. The API shows them and fills forms from them; nothing here is ever used without a
 * verification. discovery.h finds the preset for an address. */
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

/* What the login takes. */
typedef enum {
    PROVIDER_AUTH_PASSWORD = 1,     /* the mailbox's own */
    PROVIDER_AUTH_APP_PASSWORD,     /* one made for programs */
    PROVIDER_AUTH_API_KEY,          /* a key, token or SMTP login made in the provider's console */
    PROVIDER_AUTH_OAUTH2_PREFERRED, /* passwords are on their way out */
    PROVIDER_AUTH_OAUTH2_ONLY,
} ProviderAuth;
const char *provider_auth_name(ProviderAuth auth); /* "password", "app_password" … */

typedef struct {
    const char *text_de, *text_en; /* "50 Mails je Stunde in den ersten sieben Tagen" */
} ProviderLimit;

typedef struct {
    guint per_minute, per_hour, per_day; /* 0: none */
    guint max_connections;               /* at once; 0: none */
    gboolean is_sourced; /* FALSE: the provider names no limit, this is our cautious proposal */
    const char *note_de, *note_en; /* whom the figures are for; NULL: all */
} ProviderQuota;

/* A record that DKIM needs; name is below the sender's domain; a value with a part in <angle
 * brackets> is to be copied from the provider's console. */
typedef struct {
    const char *name, *type, *value;
} ProviderDkimRecord;

typedef struct {
    const char *date; /* "2026-12-31" */
    const char *text_de, *text_en;
    const char *source; /* short, as in sources_en, without a date */
} ProviderNotice;

/* Something that stops working on a day that is known: to be minded by those who use it. */
typedef struct {
    const char *what; /* "password_login": signing in to SMTP with a password of any kind */
    const char *at;   /* "2026-12-31": the last day; of a month or half-year its end */
    const char *text_de, *text_en;
    const char *source; /* short, as in sources_en, without a date */
} ProviderEnd;

/* How to sign in there with OAuth2, in the words of the settings' member "oauth". */
typedef struct {
    const char *provider;      /* "microsoft", "google" or "generic" */
    const char *const *grants; /* the best for a server first, NULL-terminated: "certificate",
                                  "client_secret", "refresh_token", "service_account" */
    const char *tenant;        /* to propose; NULL: the customer's own, or none */
    const char *authorize_url, *token_url, *scope; /* with "generic" only; NULL: known */
    gboolean has_device_code; /* a code to type on another device can replace the return address */
    const char *where_de, *where_en; /* where the application is registered, click by click */
    const char *url;                 /* of that page */
} ProviderOauth;

/* A host that people enter and that does not work, or only for old contracts. */
typedef struct {
    const char *host;
    const char *right; /* NULL: the account's own, which provider_host finds by the MX */
} ProviderWrongHost;

typedef struct {
    const char *id, *country;
    const char *kind; /* "mailbox_hosting", "workspace", "freemail", "privacy_mail", "esp" */
    const char *name, *name_de;
    const ProviderEndpoint *endpoints; /* the preferred one first */
    guint n_endpoints;
    const char *host_template;     /* "{kas_login}.kasserver.com" or NULL */
    const char *username_form;     /* "full_email", "mailbox_login", "fixed" … */
    const char *username_template; /* "{email}" … */
    gboolean username_or_email;    /* the mailbox's address is taken in its place */
    const char *username_note_de, *username_note_en; /* may be NULL */
    ProviderAuth auth;
    const char *password_kind; /* "mailbox_password", "app_password" … */
    const char *app_password;  /* "no", "required", "obsolete" … */
    const char *password_where_de, *password_where_en, *password_url; /* the URL may be NULL */
    const char *support_url;             /* the provider's help pages */
    const char *hint_de, *hint_en;       /* the one trap to know, or NULL */
    const char *sources_de, *sources_en; /* "a, 2026-03; b, 2026-11" as shown */
    const char *checked;                 /* the latest date among them */
    gboolean featured;                   /* a tile on the page: the five of the manuals */

    const ProviderLimit *limits;
    guint n_limits;
    ProviderQuota quota;     /* to propose: a cautious figure that is known to be true */
    const char *sender_rule; /* "must_equal_mailbox_or_alias" … */
    const char *sender_rule_de, *sender_rule_en;

    const char *spf_mechanism; /* "include:_spf.google.com"; NULL: none. Only ever proposed after it
                                  has been resolved. */
    const char *spf_record;    /* the whole record where there is none yet; NULL: nothing has to
                                  stand at the domain itself */
    const char *const *dkim_selectors; /* those to look for, NULL-terminated, may be empty */
    gboolean dkim_is_enumerable;       /* there are no others */
    const ProviderDkimRecord *dkim_records;
    guint n_dkim_records;

    const ProviderNotice *notices; /* by date */
    guint n_notices;
    const ProviderEnd *ends; /* by date */
    guint n_ends;
    const ProviderOauth *oauth; /* NULL: there is none, or none that a customer gets a client for */
    const ProviderWrongHost *wrong_hosts;
    guint n_wrong_hosts;
    const char *const *other_hosts; /* right ones that are not among the endpoints */
    const char *const *domains;     /* of addresses that are certainly here; may be empty */
    gboolean mx_host_is_smtp;       /* the host that receives a domain's mail also takes it */
} Provider;

/* Reads providers.json; unknown keys are errors. ABS_ERROR_INPUT names the provider that is wrong.
 * Everything the list hands out belongs to it. */
ProviderList *provider_list_new(const char *json, gsize n, GError **error);
void provider_list_free(ProviderList *list);
guint provider_count(const ProviderList *list);
const Provider *provider_at(const ProviderList *list, guint i);
const Provider *provider_by_id(const ProviderList *list, const char *id); /* NULL: none */

/* --- Who is it? NULL: nobody known. Names are A-labels, any case, no dot at their end. ---------
 */

/* By the domain of an address, to the letter: "gmx.de". */
const Provider *provider_by_domain(const ProviderList *list, const char *domain);

/* The host for addresses there where it is not that of the first endpoint ("smtp.zoho.com"); else
 * NULL. */
const char *provider_domain_host(const ProviderList *list, const char *domain);

/* By a host that receives mail for the domain; the longest suffix of the table counts. What is no
 * host name (the DNS may hold any bytes) is nobody's.
 * *prefer_host: the host of the region or account ("smtp.ionos.co.uk"; or mx_host itself), which
 * replaces that of the first endpoint, or NULL. May be NULL. Lent as long as mx_host and list. */
const Provider *provider_by_mx(
    const ProviderList *list, const char *mx_host, const char **prefer_host);

/* The service in front of other people's mail servers that this host belongs to ("Hornetsecurity"),
 * which hides whose mailboxes they are; or NULL. */
const char *provider_filter_by_mx(const ProviderList *list, const char *mx_host);

/* By a host that mail is submitted to, right or wrong: "smtp.ionos.de", "w0123456.kasserver.com",
 * "smtp.all-inkl.com". Of two that share a host, the first of the list. */
const Provider *provider_by_host(const ProviderList *list, const char *host);

/* --- What to fill in ------------------------------------------------------------------------- */

/* The user name for this address; NULL: must be asked. The caller frees. */
char *provider_username(const Provider *provider, const char *email);

/* Whether this may be somebody's user name there, as far as its form tells: an address, or what
 * begins as all of them do ("m0"). Where the form tells nothing: FALSE. */
gboolean provider_may_take_username(const Provider *provider, const char *username);

/* The host of this endpoint; of one with a part of the account's own, the MX host if it is that
 * server (All-Inkl, netcup). mx_host may be NULL. NULL: must be asked. The caller frees. */
char *provider_host(
    const Provider *provider, const ProviderEndpoint *endpoint, const char *mx_host);

/* What to enter instead of this host, or NULL if it is not known to be wrong, or the right one
 * cannot be told without an mx_host. The caller frees. */
char *provider_right_host(const Provider *provider, const char *host, const char *mx_host);

/* TRUE if the host is one of those known not to work. */
gboolean provider_host_is_wrong(const Provider *provider, const char *host);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProviderList, provider_list_free)
