#include "damage.h"

#include <string.h>

enum { MAX_ITEMS = 3, SPREAD_LINES = 160 };

typedef struct {
    DamageKind kind;
    guint line; /* the one that is hit */
} Item;

struct damage {
    Random *random;
    Item items[MAX_ITEMS];
    guint n_items, n_lines;
    GString *kept; /* a line whose place the next one takes */
    gboolean is_mute, is_lost;
    MonoMs holds_until;
};

const char *damage_name(DamageKind kind)
{
    static const char *const names[DAMAGE_COUNT] = {
        [DAMAGE_FLIP] = "a bit flipped",
        [DAMAGE_DROP] = "a line dropped",
        [DAMAGE_TWICE] = "a line twice",
        [DAMAGE_SWAP] = "lines swapped",
        [DAMAGE_INSERT] = "a reply inserted",
        [DAMAGE_CODE] = "a code changed",
        [DAMAGE_JUNK] = "junk inserted",
        [DAMAGE_BREAK] = "a line broken off",
        [DAMAGE_LOSE] = "connection lost",
        [DAMAGE_MUTE] = "silence",
        [DAMAGE_DELAY] = "long delay",
    };
    return names[kind];
}

/* The front of a session has most of its turns: half of the hits go there. */
static guint draw_line(Random *random)
{
    return random_below(random, 1 + random_below(random, SPREAD_LINES));
}

Damage *damage_new(Random *random)
{
    Damage *damage = g_new0(Damage, 1);
    damage->random = random;
    damage->kept = g_string_new(NULL);
    damage->n_items = random_below(random, MAX_ITEMS + 1);
    for (guint i = 0; i < damage->n_items; i++)
        damage->items[i] = (Item){random_below(random, DAMAGE_COUNT), draw_line(random)};
    return damage;
}

void damage_free(Damage *damage)
{
    if (damage == NULL)
        return;
    g_string_free(damage->kept, TRUE);
    g_free(damage);
}

gboolean damage_has(const Damage *damage, DamageKind kind)
{
    for (guint i = 0; i < damage->n_items; i++) {
        if (damage->items[i].kind == kind)
            return TRUE;
    }
    return FALSE;
}

gboolean damage_is_none(const Damage *damage)
{
    return damage->n_items == 0;
}

/* --- One line --------------------------------------------------------------------------------- */

static void insert_reply(Damage *damage, GString *line)
{
    static const char *const replies[] = {"220 hi\r\n", "250 ok\r\n", "250 ok\r\n250 ok\r\n",
        "250-one\r\n250 two\r\n", "354 go\r\n", "334 \r\n", "235 in\r\n", "421 bye\r\n",
        "450 later\r\n", "550 no\r\n", "503 what\r\n", "250-", "25", "\r\n", "hello\r\n"};
    g_string_prepend(line, replies[random_below(damage->random, G_N_ELEMENTS(replies))]);
}

static void change_code(Damage *damage, GString *line)
{
    static const char *const codes[] = {"200", "220", "221", "235", "250", "251", "299", "334",
        "354", "399", "421", "450", "451", "452", "500", "503", "535", "550", "552", "554", "599",
        "100", "600", "2 0", "25x"};
    const char *code = codes[random_below(damage->random, G_N_ELEMENTS(codes))];
    if (line->len >= strlen(code))
        memcpy(line->str, code, strlen(code));
}

static void insert_junk(Damage *damage, GString *line)
{
    guint n = 1 + random_below(damage->random, 12);
    for (guint i = 0; i < n; i++)
        g_string_insert_c(line, (gssize)random_below(damage->random, (guint)line->len + 1),
            (char)random_below(damage->random, 256));
}

static void hit(Damage *damage, DamageKind kind, GString *line, MonoMs now)
{
    g_autofree char *copy = NULL;
    switch (kind) {
    case DAMAGE_FLIP:
        if (line->len > 0)
            line->str[random_below(damage->random, (guint)line->len)] ^=
                (char)(1 << random_below(damage->random, 8));
        break;
    case DAMAGE_DROP:
        g_string_truncate(line, 0);
        break;
    case DAMAGE_TWICE:
        copy = g_strdup(line->str);
        g_string_append(line, copy);
        break;
    case DAMAGE_SWAP:
        g_string_append_len(damage->kept, line->str, (gssize)line->len);
        g_string_truncate(line, 0);
        break;
    case DAMAGE_INSERT:
        insert_reply(damage, line);
        break;
    case DAMAGE_CODE:
        change_code(damage, line);
        break;
    case DAMAGE_JUNK:
        insert_junk(damage, line);
        break;
    case DAMAGE_BREAK:
        g_string_truncate(line, random_below(damage->random, (guint)line->len + 1));
        damage->is_lost = TRUE;
        break;
    case DAMAGE_LOSE:
        g_string_truncate(line, 0);
        damage->is_lost = TRUE;
        break;
    case DAMAGE_MUTE:
        g_string_truncate(line, 0);
        damage->is_mute = TRUE;
        break;
    case DAMAGE_DELAY:
        damage->holds_until = now + (1 << random_below(damage->random, 21));
        break;
    case DAMAGE_COUNT:
        g_assert_not_reached();
    }
}

static void pass_line(Damage *damage, const char *text, gsize n, GByteArray *out, MonoMs now)
{
    g_autoptr(GString) line = g_string_new_len(text, (gssize)n);
    g_autoptr(GString) kept = g_string_new_len(damage->kept->str, (gssize)damage->kept->len);
    g_string_truncate(damage->kept, 0);
    guint number = damage->n_lines++;
    for (guint i = 0; i < damage->n_items; i++) {
        if (damage->items[i].line == number)
            hit(damage, damage->items[i].kind, line, now);
    }
    g_byte_array_append(out, (const guint8 *)line->str, (guint)line->len);
    if (!damage->is_lost && !damage->is_mute)
        g_byte_array_append(out, (const guint8 *)kept->str, (guint)kept->len);
}

void damage_pass(Damage *damage, const GByteArray *lines, GByteArray *out, MonoMs now)
{
    const char *at = (const char *)lines->data, *end = at + lines->len;
    while (at < end && !damage->is_mute && !damage->is_lost) {
        const char *lf = memchr(at, '\n', (gsize)(end - at));
        gsize n = lf == NULL ? (gsize)(end - at) : (gsize)(lf - at) + 1;
        pass_line(damage, at, n, out, now);
        at += n;
    }
}

gboolean damage_is_lost(const Damage *damage)
{
    return damage->is_lost;
}

gboolean damage_is_mute(const Damage *damage)
{
    return damage->is_mute;
}

MonoMs damage_holds_until(const Damage *damage)
{
    return damage->holds_until;
}
