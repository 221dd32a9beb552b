#include "sink_tally.h"

#include <string.h>
#include <time.h>

enum {
    HIGHEST_ID = 1 << 28, /* a bitmap of 32 MiB; what is higher counts as text */
    WORD_BITS = 64,
};

struct tally {
    GMutex lock;
    guint64 counters[TALLY_COUNTERS];
    guint64 accepted, duplicates, numbered, named, nameless;
    guint64 bytes, smallest, largest;
    guint64 lap, most_in_lap;         /* mails that count for first and last; 0: all that come */
    gint64 first_ns, last_ns;         /* 0: no mail yet */
    gint64 times_ns[TALLY_TIMED_IDS]; /* by number; 0: has not come */
    guint64 *seen;                    /* bit i: the mail with number i came */
    gsize n_words;
    GHashTable *names; /* hashes of Message-IDs */
};

static const char *const counter_names[TALLY_COUNTERS] = {
    [TALLY_CONNECTIONS] = "connections",
    [TALLY_TURNED_AWAY] = "turned_away",
    [TALLY_HANDSHAKES] = "handshakes",
    [TALLY_RESUMED] = "resumed",
    [TALLY_LOGINS] = "logins",
    [TALLY_LOGIN_FAILURES] = "login_failures",
    [TALLY_RECIPIENTS] = "recipients",
    [TALLY_REJECTED_RECIPIENTS] = "rejected_recipients",
    [TALLY_DEFERRED_MAILS] = "deferred",
    [TALLY_CUT_REPLIES] = "cut_replies",
    [TALLY_UNFINISHED] = "unfinished",
    [TALLY_FAULTY_ORDERS] = "faulty_orders",
};

static gint64 now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (gint64)now.tv_sec * 1000000000 + now.tv_nsec;
}

Tally *tally_new(void)
{
    Tally *tally = g_new0(Tally, 1);
    g_mutex_init(&tally->lock);
    tally->names = g_hash_table_new(g_int64_hash, g_int64_equal);
    tally_reset(tally);
    return tally;
}

static void forget_names(Tally *tally)
{
    GHashTableIter iter;
    gpointer name;
    g_hash_table_iter_init(&iter, tally->names);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        g_free(name);
    g_hash_table_remove_all(tally->names);
}

void tally_free(Tally *tally)
{
    forget_names(tally);
    g_hash_table_destroy(tally->names);
    g_free(tally->seen);
    g_mutex_clear(&tally->lock);
    g_free(tally);
}

static void start_lap(Tally *tally, guint64 most)
{
    tally->lap = 0;
    tally->most_in_lap = most;
    tally->first_ns = tally->last_ns = 0;
}

/* One mail more, unless the lap is over. */
static void go_on_with_lap(Tally *tally, gint64 now_ns)
{
    if (tally->most_in_lap && tally->lap == tally->most_in_lap)
        return;
    tally->lap++;
    tally->last_ns = now_ns;
    if (tally->first_ns == 0)
        tally->first_ns = now_ns;
}

void tally_reset(Tally *tally)
{
    g_mutex_lock(&tally->lock);
    memset(tally->counters, 0, sizeof tally->counters);
    tally->accepted = tally->duplicates = tally->numbered = tally->named = tally->nameless = 0;
    tally->bytes = tally->smallest = tally->largest = 0;
    start_lap(tally, 0);
    memset(tally->times_ns, 0, sizeof tally->times_ns);
    if (tally->n_words)
        memset(tally->seen, 0, tally->n_words * sizeof *tally->seen);
    forget_names(tally);
    g_mutex_unlock(&tally->lock);
}

void tally_lap(Tally *tally, guint64 most)
{
    g_mutex_lock(&tally->lock);
    start_lap(tally, most);
    g_mutex_unlock(&tally->lock);
}

void tally_add(Tally *tally, TallyCounter counter)
{
    g_mutex_lock(&tally->lock);
    tally->counters[counter]++;
    g_mutex_unlock(&tally->lock);
}

/* TRUE if it had not come before. */
static gboolean note_number(Tally *tally, guint64 number, gint64 now_ns)
{
    gsize word = (gsize)(number / WORD_BITS);
    guint64 bit = G_GUINT64_CONSTANT(1) << (number % WORD_BITS);
    if (word >= tally->n_words) {
        gsize more = MAX(word + 1, MAX(tally->n_words * 2, 1024));
        tally->seen = g_renew(guint64, tally->seen, more);
        memset(tally->seen + tally->n_words, 0, (more - tally->n_words) * sizeof *tally->seen);
        tally->n_words = more;
    }
    if (tally->seen[word] & bit)
        return FALSE;
    tally->seen[word] |= bit;
    if (number < TALLY_TIMED_IDS)
        tally->times_ns[number] = now_ns;
    tally->numbered++;
    return TRUE;
}

static gboolean note_name(Tally *tally, const char *name, gsize n)
{
    gint64 hash = (gint64)G_GUINT64_CONSTANT(14695981039346656037); /* FNV-1a, 64 bits */
    for (gsize i = 0; i < n; i++)
        hash = (gint64)(((guint64)hash ^ (guint8)name[i]) * G_GUINT64_CONSTANT(1099511628211));
    if (g_hash_table_contains(tally->names, &hash))
        return FALSE;
    g_hash_table_add(tally->names, g_memdup2(&hash, sizeof hash));
    tally->named++;
    return TRUE;
}

/* The value of the header field on one line, trimmed; NULL if the line is another field. */
static const char *field_value(const char *line, gsize n, const char *name, gsize *n_value)
{
    gsize n_name = strlen(name);
    if (n <= n_name || line[n_name] != ':' || g_ascii_strncasecmp(line, name, n_name) != 0)
        return NULL;
    const char *value = line + n_name + 1;
    const char *end = line + n;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == '\r' || end[-1] == ' '))
        end--;
    *n_value = (gsize)(end - value);
    return value;
}

static gboolean as_number(const char *value, gsize n, guint64 *number)
{
    guint64 result = 0;
    if (n == 0 || n > 10)
        return FALSE;
    for (gsize i = 0; i < n; i++) {
        if (!g_ascii_isdigit(value[i]))
            return FALSE;
        result = result * 10 + (guint64)(value[i] - '0');
    }
    *number = result;
    return result <= HIGHEST_ID;
}

typedef struct {
    gboolean is_numbered;
    guint64 number;
    const char *name; /* NULL: none */
    gsize n_name;
} Identity;

static Identity read_identity(const char *head, gsize n)
{
    Identity identity = {0};
    const char *end = head + n;
    for (const char *line = head, *newline; line < end; line = newline + 1) {
        newline = memchr(line, '\n', (gsize)(end - line));
        if (newline == NULL || newline - line <= 1)
            break; /* the empty line, or a line that is not here whole */
        gsize n_line = (gsize)(newline - line), n_value = 0;
        const char *value = field_value(line, n_line, "X-Bench-Id", &n_value);
        if (value != NULL && as_number(value, n_value, &identity.number)) {
            identity.is_numbered = TRUE;
            break;
        }
        value = field_value(line, n_line, "Message-ID", &n_value);
        if (value != NULL && n_value > 0) {
            identity.name = value;
            identity.n_name = n_value;
        }
    }
    return identity;
}

void tally_mail(Tally *tally, const char *head, gsize n_head, guint64 octets)
{
    Identity identity = read_identity(head, n_head);
    gint64 now = now_ns();
    g_mutex_lock(&tally->lock);
    gboolean is_new = TRUE;
    if (identity.is_numbered)
        is_new = note_number(tally, identity.number, now);
    else if (identity.name)
        is_new = note_name(tally, identity.name, identity.n_name);
    else
        tally->nameless++;
    tally->duplicates += !is_new;
    tally->accepted++;
    tally->bytes += octets;
    tally->smallest = tally->accepted == 1 ? octets : MIN(tally->smallest, octets);
    tally->largest = MAX(tally->largest, octets);
    go_on_with_lap(tally, now);
    g_mutex_unlock(&tally->lock);
}

static guint64 numbers_up_to(const Tally *tally, guint64 highest)
{
    guint64 found = 0;
    for (guint64 number = 1; number <= highest && number / WORD_BITS < tally->n_words; number++)
        found += tally->seen[number / WORD_BITS] >> (number % WORD_BITS) & 1;
    return found;
}

static void append_time(GString *json, gint64 ns)
{
    if (ns == 0)
        g_string_append(json, "null");
    else
        g_string_append_printf(
            json, "%" G_GINT64_FORMAT ".%09" G_GINT64_FORMAT, ns / 1000000000, ns % 1000000000);
}

char *tally_report(Tally *tally, guint64 expected)
{
    GString *json = g_string_new("{");
    g_mutex_lock(&tally->lock);
    guint64 wanted_numbers = numbers_up_to(tally, expected);
    guint64 came = wanted_numbers + tally->named;
    const struct {
        const char *name;
        guint64 value;
    } figures[] = {
        {"accepted", tally->accepted},
        {"lap", tally->lap},
        {"distinct", tally->numbered + tally->named},
        {"duplicates", tally->duplicates},
        {"nameless", tally->nameless},
        {"expected", expected},
        {"missing", expected > came ? expected - came : 0},
        {"unexpected", expected ? tally->numbered - wanted_numbers : 0},
        {"bytes", tally->bytes},
        {"smallest", tally->smallest},
        {"largest", tally->largest},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(figures); i++)
        g_string_append_printf(
            json, "%s\"%s\": %" G_GUINT64_FORMAT, i ? ", " : "", figures[i].name, figures[i].value);
    for (guint i = 0; i < TALLY_COUNTERS; i++)
        g_string_append_printf(
            json, ", \"%s\": %" G_GUINT64_FORMAT, counter_names[i], tally->counters[i]);
    g_string_append(json, ", \"first\": ");
    append_time(json, tally->first_ns);
    g_string_append(json, ", \"last\": ");
    append_time(json, tally->last_ns);
    g_mutex_unlock(&tally->lock);
    g_string_append_c(json, '}');
    return g_string_free(json, FALSE);
}

char *tally_times(Tally *tally, guint64 first, guint64 last)
{
    GString *json = g_string_new("{\"times\": [");
    g_mutex_lock(&tally->lock);
    for (guint64 number = first; number <= last && number < TALLY_TIMED_IDS; number++) {
        if (number > first)
            g_string_append(json, ", ");
        append_time(json, tally->times_ns[number]);
    }
    g_mutex_unlock(&tally->lock);
    g_string_append(json, "]}");
    return g_string_free(json, FALSE);
}
