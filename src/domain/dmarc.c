#include "domain/dmarc.h"

#include "base/limits.h"
#include "base/text.h"
#include "domain/tags.h"

#include <string.h>

const char *dmarc_policy_name(DmarcPolicy policy)
{
    switch (policy) {
    case DMARC_POLICY_NONE:
        return "none";
    case DMARC_POLICY_QUARANTINE:
        return "quarantine";
    case DMARC_POLICY_REJECT:
        return "reject";
    }
    g_assert_not_reached();
}

/* --- The record ------------------------------------------------------------------------------ */

static gboolean read_policy(const Tags *tags, const char *name, DmarcPolicy *policy)
{
    const char *value = tags_get(tags, name);
    for (DmarcPolicy each = DMARC_POLICY_NONE; value && each <= DMARC_POLICY_REJECT; each++) {
        if (text_equal_nocase(value, dmarc_policy_name(each))) {
            *policy = each;
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean has_value(const Tags *tags, const char *name, const char *wanted)
{
    const char *value = tags_get(tags, name);
    return value && text_equal_nocase(value, wanted);
}

static guint read_notes(const Tags *tags)
{
    const char *reports = tags_get(tags, "rua");
    guint notes = 0;
    if (has_value(tags, "t", "y"))
        notes |= DMARC_NOTE_TESTING;
    if (tags_get(tags, "pct") && !has_value(tags, "pct", "100"))
        notes |= DMARC_NOTE_PCT;
    if (!reports || *reports == '\0')
        notes |= DMARC_NOTE_NO_REPORTS;
    else if (!text_has_prefix_nocase(reports, "mailto:"))
        notes |= DMARC_NOTE_FOREIGN_REPORT;
    if (has_value(tags, "adkim", "s"))
        notes |= DMARC_NOTE_STRICT_DKIM;
    if (has_value(tags, "aspf", "s"))
        notes |= DMARC_NOTE_STRICT_SPF;
    return notes;
}

gboolean dmarc_record_read(const char *text, DmarcRecord *record)
{
    g_autoptr(Tags) tags = tags_parse(text);
    if (!tags || strcmp(tags_name_at(tags, 0), "v") != 0 ||
        strcmp(tags_get(tags, "v"), "DMARC1") != 0)
        return FALSE;
    DmarcRecord read = {.policy = DMARC_POLICY_NONE, .psd = 'u', .notes = read_notes(tags)};
    if (!read_policy(tags, "p", &read.policy))
        read.notes |= DMARC_NOTE_NO_POLICY;
    read.subdomain = read.policy;
    read_policy(tags, "sp", &read.subdomain);
    read.nonexistent = read.subdomain;
    read_policy(tags, "np", &read.nonexistent);
    if (has_value(tags, "psd", "y"))
        read.psd = 'y';
    else if (has_value(tags, "psd", "n"))
        read.psd = 'n';
    *record = read;
    return TRUE;
}

gboolean dmarc_record_is_meant(const char *text)
{
    g_autoptr(GString) plain = g_string_new(NULL);
    for (; *text && plain->len < strlen("v=dmarc1"); text++) {
        if (!g_ascii_isspace(*text) && *text != '"')
            g_string_append_c(plain, g_ascii_tolower(*text));
    }
    return strcmp(plain->str, "v=dmarc1") == 0;
}

/* --- The tree walk --------------------------------------------------------------------------- */

/* What stands at one name. text: lent by the answers. */
typedef struct {
    DmarcState state;
    DmarcRecord record;
    const char *text;
} Stop;

static Stop look(const char *domain, DnsAnswers *answers)
{
    g_autofree char *name = g_strconcat("_dmarc.", domain, NULL);
    const DnsAnswer *answer = dns_answers_get(answers, name, DNS_TYPE_TXT);
    Stop stop = {.state = DMARC_MISSING};
    if (!answer) {
        stop.state = DMARC_OPEN;
        return stop;
    }
    if (answer->status == DNS_SERVER_FAIL || answer->status == DNS_TIMEOUT) {
        stop.state = DMARC_FAILED;
        return stop;
    }
    for (guint i = 0; i < answer->records->len; i++) {
        const DnsRecord *record = answer->records->pdata[i];
        DmarcRecord read;
        if (dmarc_record_read(record->text, &read)) {
            stop.state = stop.state == DMARC_FOUND || stop.state == DMARC_SEVERAL ? DMARC_SEVERAL
                                                                                  : DMARC_FOUND;
            stop.record = read;
            stop.text = record->text;
        } else if (dmarc_record_is_meant(record->text) && stop.state == DMARC_MISSING) {
            stop.state = DMARC_BROKEN;
            stop.text = record->text;
        }
    }
    return stop;
}

/* The next name of the walk: one label less, and from eight labels or more at once to seven (RFC
 * 9989 4.10). NULL: the end. */
static const char *next_name(const char *domain, gboolean is_first)
{
    guint labels = 1;
    for (const char *at = domain; *at; at++)
        labels += *at == '.';
    guint keep = is_first && labels >= LIMIT_DMARC_LABELS ? LIMIT_DMARC_LABELS - 1 : labels - 1;
    for (; domain && labels > keep; labels--) {
        domain = strchr(domain, '.');
        domain = domain ? domain + 1 : NULL;
    }
    return domain;
}

/* "b.c" in "a.b.c" for "c": the name one label longer. */
static const char *one_below(const char *domain, const char *name)
{
    while (name > domain + 1 && name[-2] != '.')
        name--;
    return name > domain ? name - 1 : domain;
}

/* The walk up from a domain: the organisational domain and the record there, if there is one. */
typedef struct {
    const char *organisation; /* a part of the domain */
    Stop at_organisation;     /* state DMARC_MISSING if none is there */
    const char *suffix;       /* a public suffix with a record of its own, or NULL */
    Stop at_suffix;
    gboolean is_open, is_failed;
} TreeWalk;

static TreeWalk walk_up(const char *domain, DnsAnswers *answers)
{
    TreeWalk walk = {.organisation = domain, .at_organisation = {.state = DMARC_MISSING}};
    gboolean is_done = FALSE;
    for (const char *at = domain; at && !is_done; at = next_name(at, at == domain)) {
        Stop stop = look(at, answers);
        walk.is_open = walk.is_open || stop.state == DMARC_OPEN;
        walk.is_failed = walk.is_failed || stop.state == DMARC_FAILED;
        if (stop.state != DMARC_FOUND)
            continue;
        if (stop.record.psd == 'y' && at != domain) { /* RFC 9989 4.10.2, second rule */
            walk.suffix = at;
            walk.at_suffix = stop;
            walk.organisation = one_below(domain, at);
            walk.at_organisation = look(walk.organisation, answers);
            break;
        }
        walk.organisation = at;
        walk.at_organisation = stop;
        is_done = stop.record.psd != 'u';
    }
    return walk;
}

static gboolean is_below(const char *name, const char *domain)
{
    gsize n = strlen(name), m = strlen(domain);
    return n > m && name[n - m - 1] == '.' && text_equal_nocase(name + n - m, domain);
}

gboolean dmarc_is_aligned(
    const char *from_domain, const char *passed_domain, gboolean is_strict, DnsAnswers *answers)
{
    if (text_equal_nocase(from_domain, passed_domain))
        return TRUE;
    if (is_strict)
        return FALSE;
    g_autofree char *from = g_ascii_strdown(from_domain, -1);
    g_autofree char *passed = g_ascii_strdown(passed_domain, -1);
    TreeWalk of_from = walk_up(from, answers), of_passed = walk_up(passed, answers);
    gboolean is_known = of_from.at_organisation.state == DMARC_FOUND &&
                        of_passed.at_organisation.state == DMARC_FOUND;
    if (is_known)
        return strcmp(of_from.organisation, of_passed.organisation) == 0;
    return is_below(from, passed) || is_below(passed, from);
}

/* --- Where reports go ------------------------------------------------------------------------ */

/* Of "mailto:a@b.example!10m" (RFC 9990 3.1.3; the size is history). NULL: none. */
static char *domain_of_report(const char *uri)
{
    const char *at = strrchr(uri, '@');
    if (!at || g_ascii_strncasecmp(uri, "mailto:", strlen("mailto:")) != 0)
        return NULL;
    g_autofree char *domain = g_ascii_strdown(at + 1, -1);
    g_strdelimit(domain, "!?", '\0');
    gboolean is_sound = domain[0] != '\0' && strlen(domain) <= LIMIT_DOMAIN_OCTETS &&
                        domain[strspn(domain, "abcdefghijklmnopqrstuvwxyz0123456789-._")] == '\0';
    return is_sound ? g_steal_pointer(&domain) : NULL;
}

char **dmarc_report_domains(const char *text, const char *organisation)
{
    g_autoptr(GStrvBuilder) found = g_strv_builder_new();
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(Tags) tags = tags_parse(text);
    const char *reports = tags ? tags_get(tags, "rua") : NULL;
    g_auto(GStrv) uris = g_strsplit(reports ? reports : "", ",", -1);
    for (guint i = 0; uris[i] && g_hash_table_size(seen) < LIMIT_DMARC_REPORT_DOMAINS; i++) {
        g_autofree char *domain = domain_of_report(g_strstrip(uris[i]));
        if (!domain || text_equal_nocase(domain, organisation) || is_below(domain, organisation) ||
            g_hash_table_contains(seen, domain))
            continue;
        g_strv_builder_add(found, domain);
        g_hash_table_add(seen, g_steal_pointer(&domain));
    }
    return g_strv_builder_end(found);
}

/* --- The policy of a domain ------------------------------------------------------------------ */

void dmarc_finding_free(DmarcFinding *finding)
{
    if (!finding)
        return;
    g_free(finding->text);
    g_free(finding->at);
    g_free(finding->organisation);
    g_free(finding);
}

static void take_stop(DmarcFinding *finding, const Stop *stop, const char *domain)
{
    finding->state = stop->state;
    finding->record = stop->record;
    finding->text = g_strdup(stop->text);
    finding->at = g_strconcat("_dmarc.", domain, NULL);
}

/* The record at the domain itself, else at the organisational domain, else at the public suffix
 * (RFC 9989 4.10.1). What is wrong at the domain itself is told, though it counts as none there. */
DmarcFinding *dmarc_find(const char *domain, DnsAnswers *answers)
{
    DmarcFinding *finding = g_new0(DmarcFinding, 1);
    Stop own = look(domain, answers);
    TreeWalk walk = walk_up(domain, answers);
    finding->organisation = g_strdup(walk.organisation);
    finding->state = DMARC_MISSING;
    finding->applied = DMARC_POLICY_NONE;
    if (own.state == DMARC_FOUND || own.state == DMARC_SEVERAL || own.state == DMARC_BROKEN) {
        take_stop(finding, &own, domain);
        finding->applied = own.record.policy;
    } else if (walk.is_open || walk.is_failed) {
        finding->state = walk.is_open ? DMARC_OPEN : DMARC_FAILED;
    } else if (walk.at_organisation.state == DMARC_FOUND) {
        take_stop(finding, &walk.at_organisation, walk.organisation);
        finding->applied = finding->record.subdomain;
    } else if (walk.at_suffix.state == DMARC_FOUND) {
        take_stop(finding, &walk.at_suffix, walk.suffix);
        finding->applied = finding->record.subdomain;
    }
    if (finding->applied == 0)
        finding->applied = DMARC_POLICY_NONE;
    return finding;
}
