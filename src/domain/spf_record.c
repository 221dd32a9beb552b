#include "domain/spf_record.h"

#include "base/limits.h"
#include "base/text.h"

#include <string.h>

#define VERSION "v=spf1"
#define NAME_MOST 253 /* RFC 1035 2.3.4, as text */

gboolean spf_record_is_one(const char *text)
{
    if (!text_has_prefix_nocase(text, VERSION))
        return FALSE;
    char next = text[strlen(VERSION)];
    return next == '\0' || next == ' ';
}

gboolean spf_record_is_too_long(const char *text)
{
    return strlen(text) > LIMIT_SPF_RECORD_BYTES;
}

static void term_free(gpointer data)
{
    SpfTerm *term = data;
    g_free(term->text);
    g_free(term->domain);
    g_free(term);
}

void spf_record_free(SpfRecord *record)
{
    if (!record)
        return;
    g_ptr_array_unref(record->terms);
    g_free(record);
}

/* --- Macros ---------------------------------------------------------------------------------- */

#define DELIMITERS ".-+,/_="

/* "%{ir}", "%{d2.-}" at text; its length, or 0 if it is none (RFC 7208 7.1). */
static gsize macro_length(const char *text)
{
    if (text[1] == '%' || text[1] == '_' || text[1] == '-')
        return 2;
    if (text[1] != '{' || !strchr("slodiphv", g_ascii_tolower(text[2])) || text[2] == '\0')
        return 0;
    gsize n = 3;
    gsize digits = strspn(text + n, "0123456789");
    if (digits > 0 && strspn(text + n, "0") == digits)
        return 0;
    n += digits;
    if (g_ascii_tolower(text[n]) == 'r')
        n++;
    n += strspn(text + n, DELIMITERS);
    return text[n] == '}' ? n + 1 : 0;
}

/* macro-string: visible characters and macros. */
static gboolean is_macro_string(const char *text)
{
    while (*text) {
        guchar byte = (guchar)*text;
        gsize step = byte == '%' ? macro_length(text) : byte > ' ' && byte <= '~' ? 1 : 0;
        if (step == 0)
            return FALSE;
        text += step;
    }
    return TRUE;
}

static gboolean is_top_label(const char *label, gsize n)
{
    gboolean has_letter = FALSE;
    for (gsize i = 0; i < n; i++) {
        if (!g_ascii_isalnum(label[i]) && label[i] != '-')
            return FALSE;
        has_letter = has_letter || !g_ascii_isdigit(label[i]);
    }
    return n > 0 && has_letter && label[0] != '-' && label[n - 1] != '-';
}

/* domain-spec: a macro-string that ends in a macro or in ".toplabel". */
static gboolean is_domain_spec(const char *spec)
{
    if (!is_macro_string(spec) || *spec == '\0')
        return FALSE;
    const char *at = spec;
    const char *literal = spec; /* behind the last macro */
    while (*at) {
        gsize step = *at == '%' ? macro_length(at) : 1;
        at += step;
        if (step > 1)
            literal = at;
    }
    if (*literal == '\0')
        return TRUE;
    gsize n = strlen(literal);
    if (literal[n - 1] == '.')
        n--;
    gsize start = n;
    while (start > 0 && literal[start - 1] != '.')
        start--;
    return start > 0 && is_top_label(literal + start, n - start);
}

gboolean spf_macro_has(const char *spec, char letter)
{
    for (const char *at = strchr(spec, '%'); at; at = strchr(at, '%')) {
        if (at[1] == '{' && g_ascii_tolower(at[2]) == letter)
            return TRUE;
        at += at[1] == '\0' ? 1 : 2;
    }
    return FALSE;
}

static char *ip_for_macro(const DomainIp *ip)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < ip->bits / 8; i++) {
        if (ip->bits == 32)
            g_string_append_printf(text, "%s%u", i ? "." : "", ip->bytes[i]);
        else
            g_string_append_printf(
                text, "%s%x.%x", i ? "." : "", ip->bytes[i] >> 4, ip->bytes[i] & 15U);
    }
    return g_string_free(text, FALSE);
}

static char *macro_value(char letter, const SpfMacros *macros, gboolean *needs_helo)
{
    const char *at = strrchr(macros->sender, '@');
    g_assert(at);
    switch (letter) {
    case 's':
        return g_strdup(macros->sender);
    case 'l':
        return g_strndup(macros->sender, (gsize)(at - macros->sender));
    case 'o':
        return g_strdup(at + 1);
    case 'd':
        return g_strdup(macros->domain);
    case 'i':
        return ip_for_macro(macros->ip);
    case 'p':
        return g_strdup(macros->validated ? macros->validated : "unknown");
    case 'v':
        return g_strdup(macros->ip->bits == 32 ? "in-addr" : "ip6");
    default:
        if (!macros->helo)
            *needs_helo = TRUE;
        return g_strdup(macros->helo ? macros->helo : "unknown");
    }
}

/* Splits at the delimiters, reverses, keeps the right-hand `keep` parts (0: all), joins by dots. */
static char *macro_transform(
    const char *value, const char *delimiters, gboolean is_reversed, guint64 keep)
{
    g_auto(GStrv) parts = g_strsplit_set(value, delimiters, -1);
    guint n = g_strv_length(parts);
    guint first = keep > 0 && keep < n ? n - (guint)keep : 0;
    GString *joined = g_string_new(NULL);
    for (guint i = first; i < n; i++) {
        if (i > first)
            g_string_append_c(joined, '.');
        g_string_append(joined, parts[is_reversed ? n - 1 - i : i]);
    }
    return g_string_free(joined, FALSE);
}

/* What one macro stands for; the caller frees. */
static char *macro_text(const char *macro, const SpfMacros *macros, gboolean *needs_helo)
{
    if (macro[1] != '{')
        return g_strdup(macro[1] == '%' ? "%" : macro[1] == '_' ? " " : "%20");
    char letter = g_ascii_tolower(macro[2]);
    char *end = NULL;
    guint64 keep = g_ascii_strtoull(macro + 3, &end, 10);
    gboolean is_reversed = g_ascii_tolower(*end) == 'r';
    if (is_reversed)
        end++;
    g_autofree char *delimiters = g_strndup(end, strspn(end, DELIMITERS));
    g_autofree char *value = macro_value(letter, macros, needs_helo);
    g_autofree char *made =
        macro_transform(value, *delimiters ? delimiters : ".", is_reversed, keep);
    return g_ascii_isupper(macro[2]) ? g_uri_escape_string(made, NULL, FALSE)
                                     : g_steal_pointer(&made);
}

/* Where the macros and single characters of a domain-spec begin. */
static GArray *find_steps(const char *spec)
{
    GArray *steps = g_array_new(FALSE, FALSE, sizeof(const char *));
    while (*spec) {
        gsize step = *spec == '%' ? macro_length(spec) : 1;
        g_assert(step > 0);
        g_array_append_val(steps, spec);
        spec += step;
    }
    return steps;
}

/* From the right: what lies further left than the longest name and its final dot is cut off, so it
 * is not expanded, however much of it a record holds. */
char *spf_macro_expand(const char *spec, const SpfMacros *macros, gboolean *needs_helo)
{
    g_autoptr(GArray) steps = find_steps(spec);
    g_autoptr(GString) out = g_string_new(NULL);
    for (guint i = steps->len; i > 0 && out->len <= NAME_MOST + 1; i--) {
        const char *at = g_array_index(steps, const char *, i - 1);
        g_autofree char *made = *at == '%' ? macro_text(at, macros, needs_helo) : NULL;
        if (made)
            g_string_prepend(out, made);
        else
            g_string_prepend_c(out, *at);
    }
    if (out->len > 0 && out->str[out->len - 1] == '.')
        g_string_truncate(out, out->len - 1);
    const char *dot =
        out->len > NAME_MOST ? strchr(out->str + out->len - NAME_MOST - 1, '.') : NULL;
    return g_strdup(dot ? dot + 1 : out->str);
}

/* --- Terms ----------------------------------------------------------------------------------- */

/* Cuts "/24" (marker "/") or "//64" (marker "//") off the end of text. FALSE: what stands there is
 * no length. Without one *prefix stays. */
static gboolean cut_prefix(char *text, const char *marker, guint most, guint *prefix)
{
    gsize n = strlen(text), digits = 0, m = strlen(marker);
    while (digits < n && g_ascii_isdigit(text[n - 1 - digits]))
        digits++;
    if (n < digits + m || strncmp(text + n - digits - m, marker, m) != 0)
        return TRUE;
    const char *number = text + n - digits;
    if (digits == 0 || digits > 3 || (digits > 1 && *number == '0'))
        return FALSE;
    guint64 value = g_ascii_strtoull(number, NULL, 10);
    if (value > most)
        return FALSE;
    *prefix = (guint)value;
    text[n - digits - m] = '\0';
    return TRUE;
}

/* [":" domain-spec] [dual-cidr-length]: what follows "a" and "mx". */
static gboolean read_target(SpfTerm *term, const char *argument, gboolean has_cidr)
{
    g_autofree char *rest = g_strdup(argument);
    if (has_cidr && (!cut_prefix(rest, "//", 128, &term->prefix6) ||
                        !cut_prefix(rest, "/", 32, &term->prefix4)))
        return FALSE;
    if (*rest == '\0')
        return TRUE;
    if (*rest != ':' || !is_domain_spec(rest + 1))
        return FALSE;
    term->domain = g_strdup(rest + 1);
    return TRUE;
}

static gboolean read_network(SpfTerm *term, const char *argument, guint bits)
{
    if (*argument != ':')
        return FALSE;
    g_autofree char *address = g_strdup(argument + 1);
    guint prefix = bits;
    if (!cut_prefix(address, "/", bits, &prefix) || !domain_ip_parse(address, &term->network) ||
        term->network.bits != bits)
        return FALSE;
    term->prefix4 = term->prefix6 = prefix;
    return TRUE;
}

static gboolean read_mechanism(SpfTerm *term, const char *name, const char *argument)
{
    static const struct {
        const char *name;
        SpfTermKind kind;
    } known[] = {{"all", SPF_ALL}, {"include", SPF_INCLUDE}, {"a", SPF_A}, {"mx", SPF_MX},
        {"ptr", SPF_PTR}, {"ip4", SPF_IP4}, {"ip6", SPF_IP6}, {"exists", SPF_EXISTS}};
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++) {
        if (text_equal_nocase(known[i].name, name))
            term->kind = known[i].kind;
    }
    switch (term->kind) {
    case SPF_ALL:
        return *argument == '\0';
    case SPF_INCLUDE:
    case SPF_EXISTS:
        return *argument == ':' && read_target(term, argument, FALSE);
    case SPF_A:
    case SPF_MX:
        return read_target(term, argument, TRUE);
    case SPF_PTR:
        return read_target(term, argument, FALSE);
    case SPF_IP4:
        return read_network(term, argument, 32);
    case SPF_IP6:
        return read_network(term, argument, 128);
    case SPF_REDIRECT:
    case SPF_EXP:
    case SPF_OTHER_MODIFIER:
        break;
    }
    return FALSE; /* no such mechanism */
}

static gboolean read_modifier(SpfTerm *term, const char *name, const char *value)
{
    gboolean is_redirect = text_equal_nocase(name, "redirect");
    if (!is_redirect && !text_equal_nocase(name, "exp")) {
        term->kind = SPF_OTHER_MODIFIER;
        return is_macro_string(value);
    }
    term->kind = is_redirect ? SPF_REDIRECT : SPF_EXP;
    term->domain = g_strdup(value);
    return is_domain_spec(value);
}

static gboolean read_term(SpfTerm *term, const char *text)
{
    gboolean has_qualifier = strchr("+-~?", *text) != NULL;
    const char *start = has_qualifier ? text + 1 : text;
    gsize n = g_ascii_isalpha(*start) ? 1 : 0;
    while (n > 0 && (g_ascii_isalnum(start[n]) || (start[n] && strchr("-_.", start[n]))))
        n++;
    g_autofree char *name = g_strndup(start, n);
    term->text = g_strdup(text);
    term->prefix4 = 32;
    term->prefix6 = 128;
    gboolean is_sound = FALSE;
    if (n > 0 && start[n] == '=') {
        is_sound = !has_qualifier && read_modifier(term, name, start + n + 1);
    } else {
        term->qualifier = has_qualifier ? *text : '+';
        is_sound = n > 0 && read_mechanism(term, name, start + n);
    }
    term->has_macro = term->domain && strchr(term->domain, '%');
    return is_sound;
}

/* redirect and exp may each stand once (RFC 7208 6). */
static gboolean is_repeated(const SpfRecord *record, const SpfTerm *term)
{
    if (term->kind != SPF_REDIRECT && term->kind != SPF_EXP)
        return FALSE;
    for (guint i = 0; i < record->terms->len; i++) {
        const SpfTerm *other = record->terms->pdata[i];
        if (other->kind == term->kind)
            return TRUE;
    }
    return FALSE;
}

SpfRecord *spf_record_parse(const char *text, char **bad_term)
{
    g_assert(spf_record_is_one(text) && !spf_record_is_too_long(text));
    g_autoptr(SpfRecord) record = g_new0(SpfRecord, 1);
    record->terms = g_ptr_array_new_with_free_func(term_free);
    g_auto(GStrv) words = g_strsplit(text + strlen(VERSION), " ", -1);
    for (guint i = 0; words[i]; i++) {
        if (*words[i] == '\0')
            continue;
        SpfTerm *term = g_new0(SpfTerm, 1);
        if (!read_term(term, words[i]) || is_repeated(record, term)) {
            term_free(term);
            if (bad_term)
                *bad_term = g_strdup(words[i]);
            return NULL;
        }
        g_ptr_array_add(record->terms, term);
        if (term->kind == SPF_REDIRECT)
            record->redirect = term;
    }
    return g_steal_pointer(&record);
}
