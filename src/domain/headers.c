#include "domain/headers.h"

#include "base/limits.h"
#include "base/text.h"
#include "domain/dkim.h"
#include "domain/dmarc.h"
#include "domain/header_fields.h"
#include "domain/ip.h"
#include "domain/received.h"
#include "domain/tags.h"

#include <string.h>

#define UNKNOWN "unknown"

const char *header_folder_name(HeaderFolder folder)
{
    switch (folder) {
    case HEADER_FOLDER_UNKNOWN:
        return "unknown";
    case HEADER_FOLDER_INBOX:
        return "inbox";
    case HEADER_FOLDER_JUNK:
        return "junk";
    }
    g_assert_not_reached();
}

static void signature_free(gpointer data)
{
    HeaderSignature *signature = data;
    g_free(signature->domain);
    g_free(signature->selector);
    g_free(signature->result);
    g_free(signature);
}

void header_check_free(HeaderCheck *check)
{
    if (!check)
        return;
    g_free(check->from_domain);
    g_free(check->received_by);
    g_free(check->sent_from);
    g_free(check->spf_result);
    g_free(check->spf_domain);
    g_free(check->dmarc_result);
    g_ptr_array_unref(check->signatures);
    g_ptr_array_unref(check->learned_selectors);
    g_ptr_array_unref(check->learned_addresses);
    domain_note_free(check->text);
    domain_note_free(check->spf_text);
    domain_note_free(check->dmarc_text);
    g_free(check);
}

static void replace(char **place, char *value)
{
    g_free(*place);
    *place = value;
}

/* A result is a word of a closed list; whatever else stands there is not shown. */
static char *result_word(const char *text)
{
    static const char *const words[] = {"pass", "fail", "softfail", "neutral", "none", "temperror",
        "permerror", "policy", "bestguesspass"};
    for (gsize i = 0; text && i < G_N_ELEMENTS(words); i++) {
        if (text_equal_nocase(text, words[i]))
            return g_strdup(words[i]);
    }
    if (text && (text_equal_nocase(text, "hardfail") || text_equal_nocase(text, "invalid")))
        return g_strdup("fail");
    if (text && text_equal_nocase(text, "error"))
        return g_strdup("temperror");
    return g_strdup(UNKNOWN);
}

/* --- Signatures ------------------------------------------------------------------------------ */

static void read_signatures(HeaderCheck *check, const GPtrArray *fields)
{
    for (guint i = 0; i < LIMIT_DKIM_SIGNATURES; i++) {
        const char *value = header_fields_get(fields, "DKIM-Signature", i);
        g_autoptr(Tags) tags = value ? tags_parse(value) : NULL;
        g_autofree char *domain =
            tags && tags_get(tags, "d") ? header_domain_of(tags_get(tags, "d")) : NULL;
        const char *selector = tags ? tags_get(tags, "s") : NULL;
        if (!domain || !selector || !dkim_selector_is_sound(selector))
            continue;
        HeaderSignature *signature = g_new0(HeaderSignature, 1);
        signature->domain = g_steal_pointer(&domain);
        signature->selector = g_ascii_strdown(selector, -1);
        signature->result = g_strdup(UNKNOWN);
        g_ptr_array_add(check->signatures, signature);
    }
}

/* The signature a result speaks of: the first of this domain (and selector, if it is told) without
 * one; a new one if there is none. */
static HeaderSignature *signature_for(HeaderCheck *check, const char *domain, const char *selector)
{
    for (guint i = 0; i < check->signatures->len; i++) {
        HeaderSignature *signature = check->signatures->pdata[i];
        if (strcmp(signature->result, UNKNOWN) == 0 &&
            text_equal_nocase(signature->domain, domain) &&
            (!selector || text_equal_nocase(signature->selector, selector)))
            return signature;
    }
    if (check->signatures->len >= LIMIT_DKIM_SIGNATURES)
        return NULL;
    HeaderSignature *signature = g_new0(HeaderSignature, 1);
    signature->domain = g_strdup(domain);
    signature->selector =
        selector && dkim_selector_is_sound(selector) ? g_ascii_strdown(selector, -1) : NULL;
    signature->result = g_strdup(UNKNOWN);
    g_ptr_array_add(check->signatures, signature);
    return signature;
}

/* --- Results --------------------------------------------------------------------------------- */

static void take_dkim(HeaderCheck *check, const char *piece, const char *result)
{
    g_autofree char *d = header_property(piece, "header.d");
    g_autofree char *i = header_property(piece, "header.i");
    g_autofree char *selector = header_property(piece, "header.s");
    const char *signer = d ? d : i;
    g_autofree char *domain = signer ? header_domain_of(signer) : NULL;
    HeaderSignature *signature = domain ? signature_for(check, domain, selector) : NULL;
    if (signature)
        replace(&signature->result, result_word(result));
}

static void take_spf(HeaderCheck *check, const char *piece, const char *result)
{
    if (strcmp(check->spf_result, UNKNOWN) != 0)
        return;
    g_autofree char *sender = header_property(piece, "smtp.mailfrom");
    replace(&check->spf_result, result_word(result));
    if (sender)
        replace(&check->spf_domain, header_domain_of(sender));
}

static void take_address(HeaderCheck *check, const char *text)
{
    DomainIp ip;
    g_autofree char *plain = g_strdup(text ? text : "");
    g_strstrip(plain);
    if (!check->sent_from && domain_ip_parse(plain, &ip) && domain_ip_is_public(&ip))
        check->sent_from = g_steal_pointer(&plain);
}

/* "(domain of x designates 192.0.2.1 as permitted sender)", "(sender IP is 192.0.2.1)" */
static void take_address_of_comment(HeaderCheck *check, const char *comments)
{
    g_auto(GStrv) words = g_strsplit_set(comments, " \t[]=,;", -1);
    for (guint i = 0; words[i]; i++)
        take_address(check, words[i]);
}

static void take_result(HeaderCheck *check, const char *piece)
{
    static const char *const methods[] = {"spf", "dkim", "dmarc", "iprev"};
    for (guint i = 0; i < G_N_ELEMENTS(methods); i++) {
        if (!text_has_prefix_nocase(piece, methods[i]))
            continue;
        g_autofree char *result = header_property(piece, methods[i]);
        if (!result)
            continue;
        if (i == 0)
            take_spf(check, piece, result);
        else if (i == 1)
            take_dkim(check, piece, result);
        else if (i == 2 && strcmp(check->dmarc_result, UNKNOWN) == 0)
            replace(&check->dmarc_result, result_word(result));
        g_autofree char *ip = header_property(piece, i == 0 ? "smtp.remote-ip" : "policy.iprev");
        take_address(check, ip);
    }
}

/* One Authentication-Results field. FALSE: it is of another receiver than the topmost, hence of
 * nobody we can trust (RFC 8601 5). *receiver is kept between calls. */
static gboolean read_results(HeaderCheck *check, const char *value, char **receiver)
{
    g_autofree char *comments = NULL;
    g_autofree char *plain = header_without_comments(value, &comments);
    g_auto(GStrv) pieces = header_split(plain);
    gboolean has_name = pieces[0] && !strchr(pieces[0], '=');
    g_autofree char *name =
        g_strndup(has_name ? pieces[0] : "", has_name ? strcspn(pieces[0], " \t") : 0);
    if (*receiver && !text_equal_nocase(*receiver, name))
        return FALSE;
    if (!*receiver)
        *receiver = g_strdup(name);
    for (guint i = has_name ? 1 : 0; pieces[i]; i++)
        take_result(check, pieces[i]);
    take_address_of_comment(check, comments);
    return TRUE;
}

static void read_received_spf(HeaderCheck *check, const GPtrArray *fields)
{
    const char *value = header_fields_get(fields, "Received-SPF", 0);
    if (!value)
        return;
    g_autofree char *comments = NULL;
    g_autofree char *plain = header_without_comments(value, &comments);
    g_strstrip(plain);
    g_autofree char *result = g_strndup(plain, strcspn(plain, " \t;"));
    g_autofree char *address = header_property(plain, "client-ip");
    g_autofree char *sender = header_property(plain, "envelope-from");
    if (strcmp(check->spf_result, UNKNOWN) == 0)
        replace(&check->spf_result, result_word(result));
    if (!check->spf_domain && sender)
        check->spf_domain = header_domain_of(sender);
    take_address(check, address);
    take_address_of_comment(check, comments);
}

/* --- Folder ---------------------------------------------------------------------------------- */

/* What filters write; the first that says something counts. */
static HeaderFolder read_folder(const GPtrArray *fields)
{
    static const struct {
        const char *name, *text; /* the text begins the value, or stands in it behind a '*' */
        HeaderFolder folder;
    } rows[] = {
        {"X-Microsoft-Antispam-Mailbox-Delivery", "*dest:J", HEADER_FOLDER_JUNK},
        {"X-Microsoft-Antispam-Mailbox-Delivery", "*dest:I", HEADER_FOLDER_INBOX},
        {"X-Forefront-Antispam-Report", "*SFV:SPM", HEADER_FOLDER_JUNK},
        {"X-Forefront-Antispam-Report", "*SFV:NSPM", HEADER_FOLDER_INBOX},
        {"X-Spam-Flag", "YES", HEADER_FOLDER_JUNK},
        {"X-Spam-Flag", "NO", HEADER_FOLDER_INBOX},
        {"X-Spam-Status", "Yes", HEADER_FOLDER_JUNK},
        {"X-Spam-Status", "No", HEADER_FOLDER_INBOX},
        {"X-Spam", "Yes", HEADER_FOLDER_JUNK},
        {"X-UI-Filterresults", "junk:", HEADER_FOLDER_JUNK},
        {"X-UI-Filterresults", "notjunk:", HEADER_FOLDER_INBOX},
        {"X-Rspamd-Action", "add header", HEADER_FOLDER_JUNK},
        {"X-Rspamd-Action", "no action", HEADER_FOLDER_INBOX},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *value = header_fields_get(fields, rows[i].name, 0);
        gboolean is_inside = *rows[i].text == '*';
        if (value && (is_inside ? strstr(value, rows[i].text + 1) != NULL
                                : text_has_prefix_nocase(value, rows[i].text)))
            return rows[i].folder;
    }
    return HEADER_FOLDER_UNKNOWN;
}

/* --- Judgement ------------------------------------------------------------------------------- */

static gboolean is_pass(const char *result)
{
    return strcmp(result, "pass") == 0;
}

static void align(HeaderCheck *check, DnsAnswers *answers)
{
    if (!check->from_domain)
        return;
    check->is_spf_aligned = check->spf_domain &&
                            dmarc_is_aligned(check->from_domain, check->spf_domain, FALSE, answers);
    for (guint i = 0; i < check->signatures->len; i++) {
        HeaderSignature *signature = check->signatures->pdata[i];
        signature->is_aligned =
            dmarc_is_aligned(check->from_domain, signature->domain, FALSE, answers);
    }
}

/* The signature that counts most: passed and aligned, else passed; NULL: none passed. */
static const HeaderSignature *best_signature(const HeaderCheck *check)
{
    const HeaderSignature *best = NULL;
    for (guint i = 0; i < check->signatures->len; i++) {
        const HeaderSignature *signature = check->signatures->pdata[i];
        if (is_pass(signature->result) && (!best || (signature->is_aligned && !best->is_aligned)))
            best = signature;
    }
    return best;
}

static DomainNote *say_spf(const HeaderCheck *check)
{
    static const struct {
        const char *result;
        DomainSay code;
    } rows[] = {{"fail", SAY_SEEN_SPF_FAIL}, {"softfail", SAY_SEEN_SPF_FAIL},
        {"neutral", SAY_SEEN_SPF_NEUTRAL}, {"none", SAY_SEEN_SPF_NONE},
        {"temperror", SAY_SEEN_SPF_TEMPERROR}, {"permerror", SAY_SEEN_SPF_PERMERROR}};
    if (is_pass(check->spf_result) && !check->is_spf_aligned && check->spf_domain)
        return domain_note_new(SAY_SEEN_SPF_OTHER, check->spf_domain, NULL, 0);
    if (is_pass(check->spf_result))
        return domain_note_new(SAY_SEEN_SPF_PASS, NULL, NULL, 0);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        if (strcmp(check->spf_result, rows[i].result) == 0)
            return domain_note_new(rows[i].code, check->sent_from, NULL, 0);
    }
    return domain_note_new(SAY_SEEN_SPF_UNKNOWN, NULL, NULL, 0);
}

static DomainNote *say_dmarc(const HeaderCheck *check)
{
    DomainSay code = is_pass(check->dmarc_result)                ? SAY_SEEN_DMARC_PASS
                     : strcmp(check->dmarc_result, "fail") == 0  ? SAY_SEEN_DMARC_FAIL
                     : strcmp(check->dmarc_result, UNKNOWN) == 0 ? SAY_SEEN_DMARC_UNKNOWN
                                                                 : SAY_SEEN_DMARC_NONE;
    return domain_note_new(code, NULL, NULL, 0);
}

static gboolean has_results(const HeaderCheck *check)
{
    gboolean has =
        strcmp(check->spf_result, UNKNOWN) != 0 || strcmp(check->dmarc_result, UNKNOWN) != 0;
    for (guint i = 0; i < check->signatures->len; i++) {
        const HeaderSignature *signature = check->signatures->pdata[i];
        has = has || strcmp(signature->result, UNKNOWN) != 0;
    }
    return has;
}

static DomainNote *say_all(const HeaderCheck *check)
{
    const HeaderSignature *signature = best_signature(check);
    gboolean spf = is_pass(check->spf_result);
    const char *from = check->from_domain;
    const char *other = signature ? signature->domain : check->spf_domain;
    if (!has_results(check))
        return domain_note_new(SAY_HEADER_NO_RESULTS, NULL, NULL, 0);
    if ((signature && signature->is_aligned) || (spf && check->is_spf_aligned) ||
        is_pass(check->dmarc_result))
        return domain_note_new(
            check->folder == HEADER_FOLDER_JUNK ? SAY_HEADER_JUNK : SAY_HEADER_GOOD, from, NULL, 0);
    if (from && other && (signature || spf))
        return domain_note_new(SAY_HEADER_OTHER, from, other, 0);
    return domain_note_new(SAY_HEADER_BAD, from, NULL, 0);
}

/* Only a mail that proved to be of its From domain teaches: a forged one would teach lies. */
static void learn(HeaderCheck *check)
{
    const HeaderSignature *best = best_signature(check);
    gboolean is_signed = best && best->is_aligned;
    gboolean is_sent = is_pass(check->spf_result) && check->is_spf_aligned;
    for (guint i = 0; check->from_domain && i < check->signatures->len; i++) {
        const HeaderSignature *signature = check->signatures->pdata[i];
        if (is_pass(signature->result) && signature->selector &&
            text_equal_nocase(signature->domain, check->from_domain))
            g_ptr_array_add(check->learned_selectors, g_strdup(signature->selector));
    }
    if (check->from_domain && check->sent_from && check->is_spf_aligned && (is_signed || is_sent))
        g_ptr_array_add(check->learned_addresses, g_strdup(check->sent_from));
}

/* --- The check ------------------------------------------------------------------------------- */

static char *domain_of_from(const GPtrArray *fields)
{
    const char *from = header_fields_get(fields, "From", 0);
    if (!from)
        return NULL;
    g_autofree char *plain = header_without_comments(from, NULL);
    const char *open = strrchr(plain, '<');
    const char *address = open ? open + 1 : plain;
    return strchr(address, '@') ? header_domain_of(address) : NULL;
}

static void read_route(HeaderCheck *check, const GPtrArray *fields, const char *receiver)
{
    ReceivedRoute route;
    received_read(fields, &route);
    check->delay_s = route.delay_s;
    take_address(check, route.from_address);
    check->received_by = receiver && *receiver ? g_strdup(receiver) : g_strdup(route.by);
    received_clear(&route);
}

HeaderCheck *header_check(const char *text, DnsAnswers *answers)
{
    g_autoptr(GPtrArray) fields = header_fields_read(text);
    if (!header_fields_get(fields, "From", 0) && !header_fields_get(fields, "Received", 0) &&
        !header_fields_get(fields, "Authentication-Results", 0))
        return NULL;
    HeaderCheck *check = g_new0(HeaderCheck, 1);
    check->signatures = g_ptr_array_new_with_free_func(signature_free);
    check->learned_selectors = g_ptr_array_new_with_free_func(g_free);
    check->learned_addresses = g_ptr_array_new_with_free_func(g_free);
    check->spf_result = g_strdup(UNKNOWN);
    check->dmarc_result = g_strdup(UNKNOWN);
    check->from_domain = domain_of_from(fields);
    check->folder = read_folder(fields);
    read_signatures(check, fields);
    g_autofree char *receiver = NULL;
    for (guint i = 0; i < LIMIT_DKIM_SIGNATURES; i++) {
        const char *value = header_fields_get(fields, "Authentication-Results", i);
        if (!value || !read_results(check, value, &receiver))
            break;
    }
    read_received_spf(check, fields);
    read_route(check, fields, receiver);
    align(check, answers);
    learn(check);
    check->spf_text = say_spf(check);
    check->dmarc_text = say_dmarc(check);
    check->text = say_all(check);
    return check;
}
