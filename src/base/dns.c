#include "base/dns.h"

#include <string.h>

#define NAME_MOST 253 /* RFC 1035 2.3.4, as text */
#define LABEL_MOST 63

struct dns_answers {
    GHashTable *all; /* "TYPE name" → DnsAnswer, owned */
    GPtrArray *open; /* of DnsAnswer in `all` with status 0 */
};

static const struct {
    DnsType type;
    const char *name;
} names[] = {
    {DNS_TYPE_A, "A"},
    {DNS_TYPE_CNAME, "CNAME"},
    {DNS_TYPE_PTR, "PTR"},
    {DNS_TYPE_MX, "MX"},
    {DNS_TYPE_TXT, "TXT"},
    {DNS_TYPE_AAAA, "AAAA"},
    {DNS_TYPE_SRV, "SRV"},
};

const char *dns_type_name(DnsType type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        if (names[i].type == type)
            return names[i].name;
    }
    g_assert_not_reached();
}

DnsRecord *dns_record_new(const char *text)
{
    DnsRecord *record = g_new0(DnsRecord, 1);
    record->text = g_strdup(text);
    return record;
}

void dns_record_free(DnsRecord *record)
{
    if (record == NULL)
        return;
    g_free(record->text);
    g_free(record);
}

static void answer_free(gpointer data)
{
    DnsAnswer *answer = data;
    g_free(answer->name);
    g_free(answer->canonical);
    g_ptr_array_unref(answer->records);
    g_free(answer);
}

static GPtrArray *no_records(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)dns_record_free);
}

DnsAnswers *dns_answers_new(void)
{
    DnsAnswers *answers = g_new0(DnsAnswers, 1);
    answers->all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, answer_free);
    answers->open = g_ptr_array_new();
    return answers;
}

void dns_answers_free(DnsAnswers *answers)
{
    if (answers == NULL)
        return;
    g_ptr_array_unref(answers->open);
    g_hash_table_unref(answers->all);
    g_free(answers);
}

static char *plain_name(const char *name)
{
    char *plain = g_ascii_strdown(name, -1);
    gsize n = strlen(plain);
    if (n > 0 && plain[n - 1] == '.')
        plain[n - 1] = '\0';
    return plain;
}

static gboolean can_be_asked(const char *name)
{
    gsize label = 0;
    gsize n = 0;
    for (; name[n] != '\0'; n++) {
        guchar byte = (guchar)name[n];
        if (byte <= ' ' || byte > '~' || n >= NAME_MOST)
            return FALSE;
        if (byte == '.' && label == 0)
            return FALSE;
        label = byte == '.' ? 0 : label + 1;
        if (label > LABEL_MOST)
            return FALSE;
    }
    return label > 0;
}

static char *key_of(const char *plain, DnsType type)
{
    return g_strconcat(dns_type_name(type), " ", plain, NULL);
}

const DnsAnswer *dns_answers_get(DnsAnswers *answers, const char *name, DnsType type)
{
    g_autofree char *plain = plain_name(name);
    g_autofree char *key = key_of(plain, type);
    DnsAnswer *answer = g_hash_table_lookup(answers->all, key);
    if (answer == NULL) {
        answer = g_new0(DnsAnswer, 1);
        answer->type = type;
        answer->records = no_records();
        answer->status = can_be_asked(plain) ? 0 : DNS_NO_NAME;
        answer->name = g_steal_pointer(&plain);
        g_hash_table_insert(answers->all, g_steal_pointer(&key), answer);
        if (answer->status == 0)
            g_ptr_array_add(answers->open, answer);
    }
    return answer->status == 0 ? NULL : answer;
}

guint dns_answers_n_open(const DnsAnswers *answers)
{
    return answers->open->len;
}

const DnsAnswer *dns_answers_open(const DnsAnswers *answers, guint i)
{
    return answers->open->pdata[i];
}

gboolean dns_answers_put(DnsAnswers *answers, const char *name, DnsType type, DnsStatus status,
    GPtrArray *records, char *canonical)
{
    g_autofree char *plain = plain_name(name);
    g_autofree char *key = key_of(plain, type);
    DnsAnswer *answer = g_hash_table_lookup(answers->all, key);
    if (answer == NULL || answer->status != 0) {
        g_clear_pointer(&records, g_ptr_array_unref);
        g_free(canonical);
        return FALSE;
    }
    answer->status = status;
    answer->canonical = canonical;
    if (records != NULL) {
        g_ptr_array_unref(answer->records);
        answer->records = records;
    }
    g_ptr_array_remove(answers->open, answer);
    return TRUE;
}
