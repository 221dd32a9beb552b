/* What the operator decides: `absender serve` reads it once from the command line and, for what is
 * not said there, from a key file (--config). It is not the SMTP settings, which an org admin
 * enters in the page. */
#pragma once

#include <glib.h>

typedef struct {
    char *data;            /* state directory; default ./var */
    char *listen;          /* "127.0.0.1:8465" */
    char *ca_file;         /* more trust anchors (PEM), or NULL */
    char **allow_networks; /* CIDRs that settings may lead to besides public ones */
    guint16 *allow_ports;  /* ports besides the usual ones */
    guint n_allow_ports;
    char *public_url; /* NULL: from the listening address */
    char **trusted_proxies;
    char *dns_server; /* "127.0.0.1:53", or NULL for the system's */
    gboolean dev;     /* sandbox on, loopback allowed */
    guint16 sandbox_starttls_port, sandbox_implicit_port; /* 2587, 2465; 0 picks one */
    gboolean sandbox_sink;   /* the sandbox counts mail and forgets it: for measurements */
    gint keep_bodies_days;   /* of ended mail; 7 */
    gint keep_emails_days;   /* their records; 90 */
    gint keep_links_days;    /* ended invitations and resets, names of revoked tokens; 90 */
    gint keep_audit_days;    /* events of the audit log; three years */
    gint64 disk_floor_bytes; /* kept free; 0: what store/space.h says */
    char *help;              /* what to print for --help, and nothing else counts; else NULL */
} Config;

/* A sentence or format in the language of the operator, of static storage. */
typedef const char *(*ConfigSay)(const char *english);

/* argv[0] is "serve". NULL with ABS_ERROR_INPUT: a sentence that names the option. */
Config *config_parse(int argc, char **argv, ConfigSay words, GError **error);
void config_free(Config *config);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_free)
