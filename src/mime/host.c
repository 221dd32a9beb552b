#include "base/error.h"
#include "base/limits.h"
#include "mime/address.h"
#include "mime/literal.h"

#include <idn2.h>

#include <string.h>

#define LABEL_OCTETS 63 /* RFC 1035 2.3.4 */

static gboolean refuse(GError **error, const char *what)
{
    g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT, what);
    return FALSE;
}

/* Lower case, letter by letter so that no locale has a say. IDNA 2008 knows no other mapping: a
 * letter that would fold into ASCII (the Kelvin sign) is refused, since it makes two spellings of
 * one name. */
static char *fold_case(const char *name, GError **error)
{
    GString *out = g_string_sized_new(strlen(name) + 1);
    for (const char *p = name; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p), lower = g_unichar_tolower(c);
        if (c >= 0x80 && lower < 0x80) {
            g_string_free(out, TRUE);
            refuse(error, "The name holds a letter that is not allowed in domain names.");
            return NULL;
        }
        g_string_append_unichar(out, lower);
    }
    g_autofree char *folded = g_string_free(out, FALSE);
    return g_utf8_normalize(folded, -1, G_NORMALIZE_NFC);
}

/* To A-labels (RFC 5891 5). Names already in ASCII pass only if they hold no "xn--" label to check.
 */
static char *to_ascii(const char *name, GError **error)
{
    if (!g_utf8_validate(name, -1, NULL)) {
        refuse(error, "The name is not valid UTF-8.");
        return NULL;
    }
    gboolean is_ascii = g_str_is_ascii(name);
    g_autofree char *folded = is_ascii ? g_ascii_strdown(name, -1) : fold_case(name, error);
    if (folded == NULL)
        return NULL;
    if (is_ascii && strstr(folded, "xn--") == NULL)
        return g_steal_pointer(&folded);
    guint8 *ascii = NULL;
    int rc = idn2_lookup_u8((const guint8 *)folded, &ascii, IDN2_NFC_INPUT | IDN2_NO_TR46);
    if (rc != IDN2_OK) {
        refuse(error, "The name is not a valid international domain name (IDNA 2008).");
        return NULL;
    }
    char *copy = g_strdup((const char *)ascii);
    idn2_free(ascii);
    return copy;
}

/* Letters, digits, hyphens; 1 to 63 octets; no hyphen at either end (RFC 5321 4.1.2, RFC 1123 2.1).
 */
static gboolean check_label(const char *label, gsize n, GError **error)
{
    if (n == 0)
        return refuse(error, "The name is empty between two dots, or begins or ends with one.");
    if (n > LABEL_OCTETS)
        return refuse(error, "A part of the name between dots is longer than 63 characters.");
    if (label[0] == '-' || label[n - 1] == '-')
        return refuse(error, "A part of the name begins or ends with a hyphen.");
    for (gsize i = 0; i < n; i++)
        if (!g_ascii_isalnum(label[i]) && label[i] != '-')
            return refuse(error, "Only letters, digits, hyphens and dots may stand in the name.");
    return TRUE;
}

/* "1.2.3", "127.1" and "0x7f.1" are host names to one reader and IPv4 addresses to another. */
static gboolean looks_like_a_number(const char *last_label)
{
    gboolean is_hex = g_str_has_prefix(last_label, "0x");
    const char *digits = is_hex ? last_label + 2 : last_label;
    for (const char *p = digits; *p != '\0'; p++)
        if (is_hex ? !g_ascii_isxdigit(*p) : !g_ascii_isdigit(*p))
            return FALSE;
    return TRUE;
}

static gboolean check_ldh(const char *name, GError **error)
{
    if (strlen(name) > LIMIT_HOST_OCTETS)
        return refuse(error, "The name is longer than 253 characters.");
    const char *label = name;
    for (;;) {
        gsize n = strcspn(label, ".");
        if (!check_label(label, n, error))
            return FALSE;
        if (label[n] == '\0')
            break;
        label += n + 1;
    }
    if (looks_like_a_number(label))
        return refuse(error, "The name ends in a number, so it could be read as an IP address.");
    return TRUE;
}

static char *name_parse(const char *name, GError **error)
{
    if (strlen(name) > 4 * LIMIT_HOST_OCTETS) { /* no A-label form of this can be short enough */
        refuse(error, "The name is longer than 253 characters.");
        return NULL;
    }
    g_autofree char *ascii = to_ascii(name, error);
    if (ascii == NULL || !check_ldh(ascii, error))
        return NULL;
    return g_steal_pointer(&ascii);
}

char *mime_host_parse(const char *host, GError **error)
{
    if (host == NULL || *host == '\0') {
        refuse(error, "The host name is empty.");
        return NULL;
    }
    gsize n = strlen(host);
    gboolean is_bracketed = host[0] == '[' && host[n - 1] == ']';
    g_autofree char *inner = is_bracketed ? g_strndup(host + 1, n - 2) : g_strdup(host);
    char *literal = mime_ipv6_canonical(inner);
    if (literal == NULL && !is_bracketed)
        literal = mime_ipv4_canonical(inner);
    if (literal != NULL)
        return literal;
    if (strpbrk(host, "[]:/@") != NULL) {
        refuse(error, "Only the host name belongs here: no port, no scheme, no user.");
        return NULL;
    }
    if (host[n - 1] == '.') /* the root's dot: the same host */
        inner[n - 1] = '\0';
    if (*inner == '\0') {
        refuse(error, "The host name is empty.");
        return NULL;
    }
    return name_parse(inner, error);
}

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 4.1.3), tag in one spelling. */
static char *literal_parse(const char *domain, GError **error)
{
    gsize n = strlen(domain);
    g_autofree char *inner = domain[n - 1] == ']' ? g_strndup(domain + 1, n - 2) : NULL;
    gboolean is_v6 = inner != NULL && g_ascii_strncasecmp(inner, "IPv6:", 5) == 0;
    g_autofree char *address = NULL;
    if (inner != NULL)
        address = is_v6 ? mime_ipv6_canonical(inner + 5) : mime_ipv4_canonical(inner);
    if (address == NULL) {
        refuse(error, "The address in brackets is not an IP address.");
        return NULL;
    }
    return g_strdup_printf("[%s%s]", is_v6 ? "IPv6:" : "", address);
}

char *mime_domain_parse(const char *domain, GError **error)
{
    if (domain == NULL || *domain == '\0') {
        refuse(error, "The domain is empty.");
        return NULL;
    }
    return domain[0] == '[' ? literal_parse(domain, error) : name_parse(domain, error);
}
