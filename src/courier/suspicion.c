#include "courier/suspicion.h"

#include "base/limits.h"

#include <string.h>

/* Words in an issuer by which the makers of firewalls, filters and virus scanners name the
 * certificates they put in place of the real ones. */
static const char *const inspectors[] = {"avast", "avg ", "barracuda", "bitdefender", "blue coat",
    "burp", "check point", "checkpoint", "cisco umbrella", "eset ssl", "forcepoint", "fortinet",
    "fortigate", "g data", "gdata", "kaspersky", "lancom", "mcafee web gateway", "mitmproxy",
    "netskope", "opnsense", "palo alto", "pfsense", "securepoint", "sonicwall", "sophos", "squid",
    "symantec web", "trend micro web", "untangle", "watchguard", "web gateway", "zscaler", NULL};

/* Labels of the host names under which networks ask for a sign-in. */
static const char *const portals[] = {"captive", "captiveportal", "gast", "guest", "hotspot",
    "login-wifi", "wifi", "wlan", "wlan-login", NULL};

static gboolean has_word(const char *text, const char *const *words)
{
    g_autofree char *lower = g_ascii_strdown(text != NULL ? text : "", -1);
    for (; *words != NULL; words++)
        if (strstr(lower, *words) != NULL)
            return TRUE;
    return FALSE;
}

static gboolean has_portal_label(const char *names)
{
    g_autofree char *lower = g_ascii_strdown(names != NULL ? names : "", -1);
    g_auto(GStrv) labels = g_strsplit_set(lower, "=., \n", -1);
    for (guint i = 0; labels[i] != NULL; i++)
        if (g_strv_contains(portals, labels[i]))
            return TRUE;
    return FALSE;
}

/* A redirect, or 511 (RFC 6585 6): a web server that wants something first. Other pages are just no
 * mail server. */
static gboolean is_redirect(const char *text)
{
    g_autofree char *lower = g_ascii_strdown(text != NULL ? text : "", -1);
    if (!g_str_has_prefix(lower, "http/1."))
        return FALSE;
    const char *status = strchr(lower, ' ');
    return status != NULL && (g_str_has_prefix(status, " 30") || g_str_has_prefix(status, " 511"));
}

static const char *suspect_certificate(const Suspect *suspect)
{
    if (suspect->now < LIMIT_CLOCK_EARLIEST_MS)
        return "CLOCK_BEHIND";
    if (has_word(suspect->certificate_issuer, inspectors))
        return "TLS_INTERCEPTED";
    if (has_portal_label(suspect->certificate_names) ||
        has_portal_label(suspect->certificate_subject))
        return "CAPTIVE_PORTAL";
    return NULL;
}

static gboolean is_a_closed_door(const char *sys)
{
    static const char *const doors[] = {"ETIMEDOUT", "ECONNREFUSED", "EACCES", "EPERM", NULL};
    return sys != NULL && g_strv_contains(doors, sys);
}

static const char *suspect_port(const Suspect *suspect)
{
    const SiblingFound *sibling = &suspect->sibling;
    if (sibling->state == SIBLING_OPEN && is_a_closed_door(suspect->sys))
        return "PORT_BLOCKED";
    gboolean is_silent = g_strcmp0(suspect->sys, "ETIMEDOUT") == 0;
    return is_silent && sibling->state == SIBLING_CLOSED && sibling->is_silent
               ? "MAIL_PORTS_BLOCKED"
               : NULL;
}

const char *suspicion_sys(const Suspect *suspect)
{
    switch (suspect->rung) {
    case RUNG_TOKEN: /* what else its certificate says is not known here */
        return g_strcmp0(suspect->sys, "CERTIFICATE") == 0 && suspect->now < LIMIT_CLOCK_EARLIEST_MS
                   ? "CLOCK_BEHIND"
                   : NULL;
    case RUNG_CONNECT:
        return suspect_port(suspect);
    case RUNG_GREETING:
        return is_redirect(suspect->text) ? "CAPTIVE_PORTAL" : NULL;
    case RUNG_CERTIFICATE:
        return suspect->verify != 0 ? suspect_certificate(suspect) : NULL;
    case RUNG_DNS:
    case RUNG_EHLO:
    case RUNG_STARTTLS:
    case RUNG_TLS:
    case RUNG_AUTH:
    case RUNG_SENDER:
    case RUNG_RECIPIENT:
    case RUNG_COUNT:
        return NULL;
    }
    g_assert_not_reached();
}
