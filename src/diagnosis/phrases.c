#include "diagnosis/phrases.h"

#include <string.h>

/* Phrases that start with the same three octets share a bucket; with a few hundred phrases nearly
 * every bucket has none or one, so a text costs one table look-up per octet. */
#define BUCKETS 4096

typedef struct {
    char *text;
    gsize n;
} Phrase;

struct phrases {
    GArray *list;                      /* of Phrase, by number */
    GHashTable *numbers;               /* text → number; only while adding */
    guint16 bucket_first[BUCKETS + 1]; /* where a bucket begins in by_bucket */
    guint16 by_bucket[PHRASES_MAX];    /* phrase numbers */
};

static guint bucket_of(const char *text)
{
    guint a = (guint8)text[0], b = (guint8)text[1], c = (guint8)text[2];
    return (a * 961 + b * 31 + c) % BUCKETS;
}

static const Phrase *phrase_at(const Phrases *phrases, guint number)
{
    return &g_array_index(phrases->list, Phrase, number);
}

Phrases *phrases_new(void)
{
    Phrases *phrases = g_new0(Phrases, 1);
    phrases->list = g_array_new(FALSE, FALSE, sizeof(Phrase));
    phrases->numbers = g_hash_table_new(g_str_hash, g_str_equal);
    return phrases;
}

void phrases_free(Phrases *phrases)
{
    if (phrases == NULL)
        return;
    g_clear_pointer(&phrases->numbers, g_hash_table_destroy);
    for (guint i = 0; i < phrases->list->len; i++)
        g_free(phrase_at(phrases, i)->text);
    g_array_free(phrases->list, TRUE);
    g_free(phrases);
}

int phrases_add(Phrases *phrases, const char *phrase)
{
    g_assert(phrases->numbers != NULL);
    gpointer known = NULL;
    if (g_hash_table_lookup_extended(phrases->numbers, phrase, NULL, &known))
        return GPOINTER_TO_INT(known);
    gsize n = strlen(phrase);
    guint number = phrases->list->len;
    if (n < PHRASE_OCTETS_MIN || n > PHRASE_OCTETS_MAX || number >= PHRASES_MAX)
        return -1;
    Phrase fresh = {.text = g_strdup(phrase), .n = n};
    g_array_append_val(phrases->list, fresh);
    g_hash_table_insert(phrases->numbers, fresh.text, GUINT_TO_POINTER(number));
    return (int)number;
}

void phrases_seal(Phrases *phrases)
{
    g_assert(phrases->numbers != NULL);
    g_clear_pointer(&phrases->numbers, g_hash_table_destroy);
    /* A counting sort by bucket: count, sum up, place. */
    guint16 next[BUCKETS] = {0};
    for (guint i = 0; i < phrases->list->len; i++)
        next[bucket_of(phrase_at(phrases, i)->text)]++;
    guint16 first = 0;
    for (guint bucket = 0; bucket < BUCKETS; bucket++) {
        guint16 members = next[bucket];
        phrases->bucket_first[bucket] = next[bucket] = first;
        first = (guint16)(first + members);
    }
    phrases->bucket_first[BUCKETS] = first;
    for (guint i = 0; i < phrases->list->len; i++) {
        guint bucket = bucket_of(phrase_at(phrases, i)->text);
        phrases->by_bucket[next[bucket]++] = (guint16)i;
    }
}

void phrases_find(const Phrases *phrases, const char *text, gsize n, PhrasesFound *found)
{
    g_assert(phrases->numbers == NULL);
    memset(found, 0, sizeof *found);
    for (gsize at = 0; at + PHRASE_OCTETS_MIN <= n; at++) {
        guint bucket = bucket_of(text + at);
        for (guint i = phrases->bucket_first[bucket]; i < phrases->bucket_first[bucket + 1]; i++) {
            guint number = phrases->by_bucket[i];
            const Phrase *phrase = phrase_at(phrases, number);
            if (phrase->n <= n - at && memcmp(phrase->text, text + at, phrase->n) == 0)
                found->bits[number / 64] |= G_GUINT64_CONSTANT(1) << (number % 64);
        }
    }
}

gsize phrases_octets(const Phrases *phrases, guint number)
{
    return phrase_at(phrases, number)->n;
}
