#include "mime/address.h"

#include "base/error.h"
#include "base/limits.h"

#include <string.h>

#define ATEXT_SPECIALS "!#$%&'*+-/=?^_`{|}~" /* RFC 5322 3.2.3 */
#define NAME_SPECIALS "()<>[]:;@\\,\""       /* may stand in a name only inside quotes */

static gboolean refuse(GError **error, const char *text, const char *at, const char *what)
{
    g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT, "Character %ld: %s",
        g_utf8_pointer_to_offset(text, at) + 1, what);
    return FALSE;
}

/* A character beyond ASCII that a reader can see: no space, no joiner, no direction mark. */
static gboolean is_visible(gunichar c)
{
    switch ((int)g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_SPACE_SEPARATOR:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return FALSE;
    default:
        return TRUE;
    }
}

static gboolean is_atext(gunichar c)
{
    if (c >= 0x80)
        return is_visible(c); /* RFC 6531 3.3 */
    return c != 0 && (g_ascii_isalnum((char)c) || strchr(ATEXT_SPECIALS, (int)c) != NULL);
}

/* Every reader below may then assume valid UTF-8 without a control character. */
static gboolean check_one_line(const char *text, GError **error)
{
    const char *end;
    if (!g_utf8_validate(text, -1, &end))
        return refuse(error, text, end, "this is not valid UTF-8.");
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029)
            return refuse(error, text, p, "control characters are not allowed.");
    }
    return TRUE;
}

/* The end of the dot-string that starts text; an empty atom ends it in front of the offending dot.
 */
static const char *skip_dot_string(const char *text)
{
    const char *p = text;
    for (;;) {
        const char *atom = p;
        while (is_atext(g_utf8_get_char(p)))
            p = g_utf8_next_char(p);
        if (p == atom)
            return p > text ? p - 1 : p;
        if (*p != '.')
            return p;
        p++;
    }
}

/* The content of the quoted-string that starts text; *end is behind the closing quote. NULL if it
 * has no end. */
static char *unquote(const char *text, const char **end)
{
    GString *out = g_string_new(NULL);
    for (const char *p = text + 1; *p != '\0'; p++) {
        if (*p == '"') {
            *end = p + 1;
            return g_string_free(out, FALSE);
        }
        if (*p == '\\' && *++p == '\0')
            break;
        g_string_append_c(out, *p);
    }
    g_string_free(out, TRUE);
    return NULL;
}

static char *quote(const char *content)
{
    GString *out = g_string_new("\"");
    for (const char *p = content; *p != '\0'; p++) {
        if (*p == '"' || *p == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *p);
    }
    g_string_append_c(out, '"');
    return g_string_free(out, FALSE);
}

/* The quoted local part in the form with the least quoting (RFC 5321 4.1.2), so that one mailbox
 * has one spelling. */
static char *read_quoted_local_part(const char *text, const char **end, GError **error)
{
    g_autofree char *content = unquote(text, end);
    if (content == NULL) {
        refuse(error, text, text, "the quote has no end.");
        return NULL;
    }
    for (const char *p = content; *p != '\0'; p = g_utf8_next_char(p)) {
        gunichar c = g_utf8_get_char(p);
        if (c >= 0x80 && !is_visible(c)) {
            refuse(error, text, text, "the quoted part holds an invisible character.");
            return NULL;
        }
    }
    if (*content == '\0') {
        refuse(error, text, text, "the part before the @ is empty.");
        return NULL;
    }
    return *skip_dot_string(content) == '\0' ? g_steal_pointer(&content) : quote(content);
}

/* *end is at the '@'. */
static char *read_local_part(const char *text, const char **end, GError **error)
{
    g_autofree char *local = NULL;
    if (*text == '"') {
        local = read_quoted_local_part(text, end, error);
        if (local == NULL)
            return NULL;
    } else {
        *end = skip_dot_string(text);
        local = g_strndup(text, (gsize)(*end - text));
    }
    if (**end != '@' || *end == text) {
        refuse(error, text, *end,
            **end == '\0' ? "the @ and the domain are missing."
                          : "this may not stand in the part before the @.");
        return NULL;
    }
    if (strlen(local) > LIMIT_LOCAL_PART_OCTETS) {
        refuse(error, text, *end, "the part before the @ is longer than 64 octets.");
        return NULL;
    }
    if (strstr(local, "=?") != NULL) { /* some readers would decode it into another address */
        refuse(error, text, text, "encoded words are not allowed in an address.");
        return NULL;
    }
    return g_steal_pointer(&local);
}

MimeAddress *mime_address_parse(const char *addr_spec, GError **error)
{
    if (addr_spec == NULL || *addr_spec == '\0') {
        g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT, "The address is empty.");
        return NULL;
    }
    if (!check_one_line(addr_spec, error))
        return NULL;
    const char *at = NULL;
    g_autofree char *local = read_local_part(addr_spec, &at, error);
    if (local == NULL)
        return NULL;
    g_autoptr(GError) fault = NULL;
    g_autofree char *domain = mime_domain_parse(at + 1, &fault);
    if (domain == NULL) {
        refuse(error, addr_spec, at + 1, fault->message);
        return NULL;
    }
    if (strlen(local) + 1 + strlen(domain) > LIMIT_ADDRESS_OCTETS) {
        refuse(error, addr_spec, addr_spec, "the address is longer than 254 octets.");
        return NULL;
    }
    MimeAddress *address = g_new0(MimeAddress, 1);
    address->addr_spec = g_strconcat(local, "@", domain, NULL);
    address->needs_smtputf8 = !g_str_is_ascii(local);
    address->local_part = g_steal_pointer(&local);
    address->domain = g_steal_pointer(&domain);
    return address;
}

MimeAddress *mime_address_new(const char *name, const char *addr_spec, GError **error)
{
    if (name != NULL) {
        if (!check_one_line(name, error))
            return NULL;
        if (g_utf8_strlen(name, -1) > LIMIT_DISPLAY_NAME_CHARACTERS) {
            refuse(error, name, name, "the name is longer than 256 characters.");
            return NULL;
        }
    }
    MimeAddress *address = mime_address_parse(addr_spec, error);
    if (address != NULL && name != NULL && name[strspn(name, " ")] != '\0')
        address->name = g_strdup(name);
    return address;
}

/* Copy of the n bytes at text without the spaces around them. */
static char *trimmed(const char *text, gsize n)
{
    while (n > 0 && *text == ' ') {
        text++;
        n--;
    }
    while (n > 0 && text[n - 1] == ' ')
        n--;
    return g_strndup(text, n);
}

/* The name in front of '<'; *end is at the '<'. */
static char *read_name(const char *text, const char **end, GError **error)
{
    if (*text != '"') {
        *end = text + strcspn(text, "<");
        g_autofree char *name = trimmed(text, (gsize)(*end - text));
        const char *special = strpbrk(name, NAME_SPECIALS);
        if (special == NULL)
            return g_steal_pointer(&name);
        refuse(error, name, special, "this may stand in a name only if the name is in quotes.");
        return NULL;
    }
    g_autofree char *name = unquote(text, end);
    if (name == NULL) {
        refuse(error, text, text, "the quote has no end.");
        return NULL;
    }
    *end += strspn(*end, " ");
    if (**end != '<') {
        refuse(error, text, *end, "only the address in <> may follow the name in quotes.");
        return NULL;
    }
    return g_steal_pointer(&name);
}

MimeAddress *mime_mailbox_parse(const char *mailbox, GError **error)
{
    if (mailbox != NULL && !check_one_line(mailbox, error))
        return NULL;
    g_autofree char *text = mailbox != NULL ? trimmed(mailbox, strlen(mailbox)) : NULL;
    if (text == NULL || !g_str_has_suffix(text, ">"))
        return mime_address_parse(text, error);
    const char *open = NULL;
    g_autofree char *name = read_name(text, &open, error);
    if (name == NULL)
        return NULL;
    if (*open != '<') {
        refuse(error, text, text + strlen(text) - 1, "the '<' that belongs to it is missing.");
        return NULL;
    }
    g_autofree char *addr_spec = g_strndup(open + 1, strlen(open) - 2);
    return mime_address_new(name, addr_spec, error);
}

char *mime_mailbox_format(const MimeAddress *address)
{
    const char *name = address->name;
    if (name == NULL)
        return g_strdup(address->addr_spec);
    gboolean is_plain =
        strpbrk(name, NAME_SPECIALS) == NULL && *name != ' ' && !g_str_has_suffix(name, " ");
    g_autofree char *quoted = is_plain ? NULL : quote(name);
    return g_strdup_printf("%s <%s>", is_plain ? name : quoted, address->addr_spec);
}

MimeAddress *mime_address_copy(const MimeAddress *address)
{
    if (address == NULL)
        return NULL;
    MimeAddress *copy = g_new0(MimeAddress, 1);
    copy->name = g_strdup(address->name);
    copy->local_part = g_strdup(address->local_part);
    copy->domain = g_strdup(address->domain);
    copy->addr_spec = g_strdup(address->addr_spec);
    copy->needs_smtputf8 = address->needs_smtputf8;
    return copy;
}

void mime_address_free(MimeAddress *address)
{
    if (address == NULL)
        return;
    g_free(address->name);
    g_free(address->local_part);
    g_free(address->domain);
    g_free(address->addr_spec);
    g_free(address);
}

gboolean mime_address_equal(const MimeAddress *a, const MimeAddress *b)
{
    return strcmp(a->local_part, b->local_part) == 0 &&
           g_ascii_strcasecmp(a->domain, b->domain) == 0;
}
