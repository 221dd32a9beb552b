#include "net/dns_unpack.h"

#include "base/limits.h"
#include "base/text.h"

#include <ares.h>
#include <arpa/inet.h>
#include <string.h>

#define HEADER_OCTETS 12 /* RFC 1035 4.1.1 */
#define RCODE_NO_ERROR 0
#define RCODE_NO_NAME 3
#define CLASS_IN 1
#define NAME_CHARACTERS 1024 /* 255 octets, each at most "\ddd" */

/* The message and how far it is read. Reading past the end fails and stays failed. */
typedef struct {
    const guint8 *bytes;
    gsize n, at;
    gboolean is_broken;
} Reader;

typedef struct {
    char *owner;
    guint16 type, class;
    gsize at, n; /* of its data in the message */
} Found;

static void found_clear(gpointer data)
{
    g_free(((Found *)data)->owner);
}

static gboolean has(Reader *reader, gsize n)
{
    if (reader->n - reader->at < n)
        reader->is_broken = TRUE;
    return !reader->is_broken;
}

static guint16 read_16(Reader *reader)
{
    if (!has(reader, 2))
        return 0;
    guint value = (guint)reader->bytes[reader->at] << 8 | reader->bytes[reader->at + 1];
    reader->at += 2;
    return (guint16)value;
}

static void skip(Reader *reader, gsize n)
{
    if (has(reader, n))
        reader->at += n;
}

/* The name there as text, without a dot at its end; "" is the root, and what a broken one gives. */
static char *read_name(Reader *reader)
{
    char *expanded = NULL;
    long n_read = 0;
    if (!has(reader, 1) || ares_expand_name(reader->bytes + reader->at, reader->bytes,
                               (int)reader->n, &expanded, &n_read) != ARES_SUCCESS) {
        reader->is_broken = TRUE;
        return g_strdup("");
    }
    if (strlen(expanded) > NAME_CHARACTERS)
        reader->is_broken = TRUE;
    char *name = g_strdup(reader->is_broken ? "" : expanded);
    ares_free_string(expanded);
    skip(reader, (gsize)n_read);
    return name;
}

/* The answer section; of its records as many as a judge may look at. */
static GArray *read_answers(Reader *reader, guint n_answers)
{
    GArray *all = g_array_new(FALSE, TRUE, sizeof(Found));
    g_array_set_clear_func(all, found_clear);
    for (guint i = 0; i < MIN(n_answers, LIMIT_DNS_RECORDS); i++) {
        Found found = {.owner = read_name(reader)};
        found.type = read_16(reader);
        found.class = read_16(reader);
        skip(reader, 4); /* how long it may be kept */
        found.n = read_16(reader);
        found.at = reader->at;
        skip(reader, found.n);
        g_array_append_val(all, found);
        if (reader->is_broken)
            break;
    }
    return all;
}

/* --- one record --------------------------------------------------------------------------------
 */

static char *read_address(Reader *data, int family)
{
    char text[INET6_ADDRSTRLEN] = "";
    gsize n = family == AF_INET ? 4 : 16;
    if (has(data, n))
        inet_ntop(family, data->bytes + data->at, text, sizeof text);
    skip(data, n);
    return g_strdup(text);
}

/* Strings with their length in front (RFC 1035 3.3.14), joined without anything between. */
static char *read_strings(Reader *data)
{
    GString *joined = g_string_new(NULL);
    while (!data->is_broken && data->at < data->n) {
        gsize n = data->bytes[data->at++];
        for (gsize i = 0; i < n && has(data, n - i); i++) {
            guint8 byte = data->bytes[data->at++];
            g_string_append_c(joined, (char)(byte == 0 ? 1 : byte));
        }
    }
    return g_string_free(joined, FALSE);
}

static char *read_text(Reader *data, DnsType type, DnsRecord *record)
{
    switch (type) {
    case DNS_TYPE_A:
        return read_address(data, AF_INET);
    case DNS_TYPE_AAAA:
        return read_address(data, AF_INET6);
    case DNS_TYPE_TXT:
        return read_strings(data);
    case DNS_TYPE_SRV: /* RFC 2782 */
        record->priority = read_16(data);
        record->weight = read_16(data);
        record->port = read_16(data);
        return read_name(data);
    case DNS_TYPE_MX:
        record->priority = read_16(data);
        return read_name(data);
    case DNS_TYPE_CNAME:
    case DNS_TYPE_PTR:
        return read_name(data);
    }
    g_assert_not_reached();
}

/* NULL: its data does not end where it should. Names in it may point anywhere before. */
static DnsRecord *read_record(const Reader *message, const Found *found, DnsType type)
{
    Reader data = {.bytes = message->bytes, .n = found->at + found->n, .at = found->at};
    DnsRecord *record = g_new0(DnsRecord, 1);
    record->text = read_text(&data, type, record);
    if (!data.is_broken && data.at == data.n)
        return record;
    dns_record_free(record);
    return NULL;
}

/* --- the answer --------------------------------------------------------------------------------
 */

static gboolean is_about(const Found *found, const char *owner, DnsType type)
{
    return found->class == CLASS_IN && found->type == (guint)type &&
           text_equal_nocase(found->owner, owner);
}

/* Where the CNAME of *name leads replaces it. FALSE: there is none. */
static gboolean follow(Reader *message, const GArray *all, char **name)
{
    const Found *alias = NULL;
    for (guint i = 0; i < all->len; i++) {
        const Found *found = &g_array_index(all, Found, i);
        if (!is_about(found, *name, DNS_TYPE_CNAME))
            continue;
        if (alias != NULL)
            message->is_broken = TRUE; /* one name has one (RFC 2181 10.1) */
        alias = found;
    }
    if (alias == NULL || message->is_broken)
        return FALSE;
    DnsRecord *record = read_record(message, alias, DNS_TYPE_CNAME);
    if (record == NULL) {
        message->is_broken = TRUE;
        return FALSE;
    }
    g_free(*name);
    *name = g_steal_pointer(&record->text);
    dns_record_free(record);
    return TRUE;
}

/* The name the answer is about, taken from `question` along its CNAMEs. */
static char *find_owner(Reader *message, const GArray *all, char *question, gboolean *is_alias)
{
    char *owner = question;
    guint n_aliases = 0;
    while (follow(message, all, &owner)) {
        *is_alias = TRUE;
        if (++n_aliases > LIMIT_DNS_ALIASES)
            message->is_broken = TRUE; /* a loop, or as good as one */
        if (message->is_broken)
            break;
    }
    return owner;
}

static gint by_priority(gconstpointer a, gconstpointer b)
{
    const DnsRecord *first = *(DnsRecord *const *)a, *second = *(DnsRecord *const *)b;
    return (gint)first->priority - (gint)second->priority;
}

static void collect(
    Reader *message, const GArray *all, const char *owner, DnsType type, GPtrArray *records)
{
    for (guint i = 0; i < all->len && !message->is_broken; i++) {
        const Found *found = &g_array_index(all, Found, i);
        if (!is_about(found, owner, type))
            continue;
        DnsRecord *record = read_record(message, found, type);
        if (record == NULL)
            message->is_broken = TRUE;
        else
            g_ptr_array_add(records, record);
    }
    g_ptr_array_sort(records, by_priority); /* stable; 0 for all but MX and SRV */
}

static DnsStatus status_of(const Reader *message, guint rcode, const GPtrArray *records)
{
    if (message->is_broken || (rcode != RCODE_NO_ERROR && rcode != RCODE_NO_NAME))
        return DNS_SERVER_FAIL;
    if (rcode == RCODE_NO_NAME)
        return DNS_NO_NAME;
    return records->len > 0 ? DNS_FOUND : DNS_NO_DATA;
}

DnsStatus net_dns_unpack(
    const guint8 *message, gsize n, DnsType type, GPtrArray **records, char **canonical)
{
    Reader reader = {.bytes = message, .n = n};
    *records = g_ptr_array_new_with_free_func((GDestroyNotify)dns_record_free);
    *canonical = NULL;
    if (n < HEADER_OCTETS || n > G_MAXUINT16)
        return DNS_SERVER_FAIL;
    guint rcode = message[3] & 0x0f;
    reader.at = 4;
    guint n_questions = read_16(&reader), n_answers = read_16(&reader);
    reader.at = HEADER_OCTETS;
    char *question = read_name(&reader);
    skip(&reader, 4); /* its type and class */
    reader.is_broken |= n_questions != 1;
    g_autoptr(GArray) all = read_answers(&reader, n_answers);
    gboolean is_alias = FALSE;
    char *owner = question;
    if (!reader.is_broken && type != DNS_TYPE_CNAME)
        owner = find_owner(&reader, all, question, &is_alias);
    collect(&reader, all, owner, type, *records);
    DnsStatus status = status_of(&reader, rcode, *records);
    if (status != DNS_FOUND)
        g_ptr_array_set_size(*records, 0);
    if (is_alias && status != DNS_SERVER_FAIL)
        *canonical = g_steal_pointer(&owner);
    g_free(owner);
    return status;
}
