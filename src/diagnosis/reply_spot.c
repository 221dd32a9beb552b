#include "diagnosis/reply_spot.h"

#include <string.h>

/* "5.7.26" at the start of text; its length, or 0. */
static gsize enhanced_length(const char *text)
{
    if ((text[0] != '4' && text[0] != '5') || text[1] != '.')
        return 0;
    gsize subject = strspn(text + 2, "0123456789");
    if (subject < 1 || subject > 3 || text[2 + subject] != '.')
        return 0;
    gsize detail = strspn(text + 3 + subject, "0123456789");
    gsize n = 3 + subject + detail;
    gboolean goes_on = text[n] == '.' && g_ascii_isdigit(text[n + 1]); /* an IP address */
    return detail < 1 || detail > 3 || goes_on ? 0 : n;
}

/* A number or name that merely ends in these digits is none: "10.5.7.1", "TLSv5.1.1". */
static gboolean begins_a_token(const char *line, const char *p)
{
    return p == line || (!g_ascii_isalnum(p[-1]) && strchr("./-=[+_@", p[-1]) == NULL);
}

void reply_spot_enhanced(const char *text, char enhanced[ENHANCED_SIZE])
{
    enhanced[0] = '\0';
    for (const char *p = text; *p != '\0'; p++) {
        gsize n = enhanced_length(p);
        gboolean is_alone = p == text || (!g_ascii_isalnum(p[-1]) && strchr(".-", p[-1]) == NULL);
        if (n == 0 || !is_alone)
            continue;
        memcpy(enhanced, p, n);
        enhanced[n] = '\0';
        return;
    }
}

/* RFC 5321 4.2 has 4yz and 5yz with y from 0 to 5; sendmail's 571 is still about. Ports (465, 587)
 * are none. */
static gboolean is_code(const char *line, const char *p)
{
    return (p[0] == '4' || p[0] == '5') && ((p[1] >= '0' && p[1] <= '5') || p[1] == '7') &&
           g_ascii_isdigit(p[2]) && begins_a_token(line, p) &&
           (p[3] == '\0' || strchr(" -,:;)'\"=\t", p[3]) != NULL);
}

/* 3: only signs stand before it; 2: a colon, bracket or quote introduces it; 1: neither. */
static guint how_introduced(const char *line, const char *p, gboolean has_word_before)
{
    if (!has_word_before)
        return 3;
    while (p > line && g_ascii_isspace(p[-1]))
        p--;
    return p > line && strchr(":;('\"#>", p[-1]) != NULL ? 2 : 1;
}

/* Python writes (535, b'5.7.8 …'), qmail #5.1.1, and most write a blank. */
static const char *skip_separators(const char *text)
{
    text += strspn(text, " -,:;#='\"\t");
    return text[0] == 'b' && (text[1] == '\'' || text[1] == '"') ? text + 2 : text;
}

static void look_at(const char *line, const char *p, gboolean has_word_before, ReplySpot *spot)
{
    *spot = (ReplySpot){.is_continued = p[3] == '-', .text = skip_separators(p + 3)};
    spot->code = (p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0');
    spot->certainty = how_introduced(line, p, has_word_before) + (spot->is_continued ? 1 : 0);
    if (enhanced_length(spot->text) > 0)
        spot->certainty += 2;
}

/* What stands at p of a repeated "550-5.7.1 " or "550 5.7.1 "; 0: nothing of that kind. Without
 * an enhanced code a number in the text is only taken for the code at the start of a line. */
static gsize repetition_length(const ReplySpot *spot, const char *text, const char *p)
{
    char code[4];
    g_snprintf(code, sizeof code, "%d", spot->code);
    gboolean is_line_start = p > text && p[-1] == '\n';
    gboolean is_word_start = p > text && g_ascii_isspace(p[-1]);
    if (!is_word_start || strncmp(p, code, 3) != 0 || (p[3] != '-' && p[3] != ' '))
        return 0;
    gsize n = strlen(spot->enhanced);
    if (n > 0 && strncmp(p + 4, spot->enhanced, n) == 0)
        return 4 + n;
    return is_line_start ? 4 : 0;
}

char *reply_spot_join(const ReplySpot *spot, const char *text)
{
    GString *joined = g_string_sized_new(strlen(text));
    for (const char *p = text; *p != '\0'; p++) {
        gsize repeated = repetition_length(spot, text, p);
        p += repeated;
        if (*p == '\0')
            break;
        gboolean is_space = g_ascii_isspace(*p);
        gboolean follows_space = joined->len > 0 && joined->str[joined->len - 1] == ' ';
        if (!is_space || !follows_space)
            g_string_append_c(joined, is_space ? ' ' : *p);
    }
    return g_string_free(joined, FALSE);
}

gboolean reply_spot_find(const char *line, ReplySpot *spot)
{
    gboolean is_found = FALSE, has_word = FALSE;
    for (const char *p = line; *p != '\0'; p++) {
        ReplySpot here = {0};
        if (is_code(line, p))
            look_at(line, p, has_word, &here);
        has_word = has_word || g_ascii_isalnum(*p);
        if (here.certainty >= 2 && (!is_found || here.certainty > spot->certainty)) {
            *spot = here;
            is_found = TRUE;
        }
    }
    if (is_found)
        reply_spot_enhanced(spot->text, spot->enhanced);
    return is_found;
}
