#include "diagnosis/rows.h"

#include "base/limits.h"

#include <string.h>

/* The input, prepared once for all rows. */
typedef struct {
    const DiagnosisInput *input;
    Phase phase;
    PhrasesFound in_text, in_tls;
} Question;

/* Keys that speak for themselves when the phase is not known; a code alone does not. */
#define KEYS_THAT_TELL (KEY_TEXT | KEY_ENHANCED | KEY_SYS | KEY_VERIFY | KEY_TLS)

/* How well an alternative fits. */
typedef struct {
    int rank;
    gsize text_octets;
    guint n_keys;
} Strength;

/* ASCII lower case, a line end becomes one space, cut at LIMIT_DIAGNOSIS_TEXT_OCTETS. */
static void find_in(const Phrases *phrases, const char *text, PhrasesFound *found)
{
    char folded[LIMIT_DIAGNOSIS_TEXT_OCTETS];
    gsize n = 0;
    for (const char *p = text != NULL ? text : ""; *p != '\0' && n < sizeof folded; p++) {
        gboolean is_line_end = *p == '\n' || *p == '\r';
        if (is_line_end && n > 0 && folded[n - 1] == ' ')
            continue;
        folded[n++] = is_line_end ? ' ' : g_ascii_tolower(*p);
    }
    phrases_find(phrases, folded, n, found);
}

static gboolean equals(const char *input, const char *wanted)
{
    return input != NULL && strcmp(input, wanted) == 0;
}

static gboolean ends_with(const char *input, const char *suffix)
{
    if (input == NULL)
        return FALSE;
    gsize n = strlen(input), n_suffix = strlen(suffix);
    return n >= n_suffix && g_ascii_strcasecmp(input + (n - n_suffix), suffix) == 0;
}

static gboolean has_all_texts(const Alternative *a, const PhrasesFound *found)
{
    for (guint i = 0; i < a->n_texts; i++) {
        if (!phrases_was_found(found, a->texts[i]))
            return FALSE;
    }
    return TRUE;
}

static gboolean key_fits(Key key, const Alternative *a, const Question *q)
{
    const DiagnosisInput *in = q->input;
    switch (key) {
    case KEY_TEXT:
        return has_all_texts(a, &q->in_text);
    case KEY_CODE:
        return in->code == a->code;
    case KEY_ENHANCED:
        return equals(in->enhanced, a->enhanced);
    case KEY_SYS:
        return equals(in->sys, a->sys);
    case KEY_VERIFY:
        return in->verify == a->verify;
    case KEY_TLS:
        return phrases_was_found(&q->in_tls, a->tls);
    case KEY_HOST:
        return ends_with(in->host, a->host);
    case KEY_CERTIFICATE:
        return ends_with(in->certificate, a->certificate);
    case KEY_PORT:
        return in->port == a->port;
    case KEY_FAMILY:
        return equals(in->family, a->family);
    case KEY_CODE_CLASS:
        return in->code / 100 == a->code_class;
    case KEY_PHASE_EXACT:
        return q->phase == a->phase_exact;
    case KEY_ANY_SYS:
        return in->sys != NULL;
    case KEY_ANY_TLS:
        return in->tls != NULL;
    case KEY_ANY_VERIFY:
        return in->verify != 0;
    case KEY_BY_TOKEN:
        return in->by_token;
    }
    g_assert_not_reached();
}

static gboolean alternative_fits(const Alternative *a, const Question *q)
{
    for (guint rest = a->keys; rest != 0; rest &= rest - 1) {
        if (!key_fits((Key)(rest & -rest), a, q))
            return FALSE;
    }
    return TRUE;
}

static gboolean is_stronger(const Strength *a, const Strength *b)
{
    if (a->rank != b->rank)
        return a->rank > b->rank;
    if (a->text_octets != b->text_octets)
        return a->text_octets > b->text_octets;
    return a->n_keys > b->n_keys;
}

/* A row of some phases needs more than a code where the phase is not known. */
static gboolean may_answer(const Row *row, const Alternative *a, const Question *q)
{
    return q->phase != PHASE_UNKNOWN || row->phases == 0 || (a->keys & KEYS_THAT_TELL) != 0;
}

/* FALSE: no alternative fits. Else *strength is that of the strongest. */
static gboolean row_fits(const Row *row, const Question *q, Strength *strength)
{
    gboolean fits = FALSE;
    for (guint i = 0; i < row->n_alternatives; i++) {
        const Alternative *a = &row->alternatives[i];
        if (!may_answer(row, a, q) || !alternative_fits(a, q))
            continue;
        Strength here = {a->rank, a->text_octets, a->n_keys};
        if (!fits || is_stronger(&here, strength))
            *strength = here;
        fits = TRUE;
    }
    return fits;
}

const Diagnosis *diagnosis_match(const DiagnosisCatalogue *catalogue, const DiagnosisInput *input)
{
    Question q = {.input = input, .phase = phase_parse(input->phase)};
    find_in(catalogue->phrases, input->text, &q.in_text);
    find_in(catalogue->phrases, input->tls, &q.in_tls);

    const GPtrArray *rows = catalogue->by_phase[q.phase];
    const Row *best = NULL;
    Strength best_strength = {0, 0, 0};
    for (guint i = 0; i < rows->len; i++) {
        const Row *row = rows->pdata[i];
        if (best != NULL && row->rank < best_strength.rank)
            break; /* sorted by rank: what follows is weaker */
        Strength strength = {0, 0, 0};
        if (!row_fits(row, &q, &strength))
            continue;
        if (best == NULL || is_stronger(&strength, &best_strength)) {
            best = row;
            best_strength = strength;
        }
    }
    g_assert(best != NULL); /* the reader made sure that one row fits everything */
    return &best->diagnosis;
}

DiagnosisFate diagnosis_fate(const Diagnosis *diagnosis, const DiagnosisInput *input)
{
    DiagnosisFate fate = diagnosis->fate;
    int code_class = input->code / 100;
    if (diagnosis->overrides_code || fate == DIAGNOSIS_FATE_HOLD)
        return fate;
    if (code_class == 4)
        return DIAGNOSIS_FATE_RETRY;
    if (code_class != 5)
        return fate;
    gboolean is_ours = diagnosis->class == DIAGNOSIS_CONFIG || diagnosis->class == DIAGNOSIS_AUTH ||
                       diagnosis->class == DIAGNOSIS_QUOTA ||
                       phase_parse(input->phase) == PHASE_AUTH;
    return is_ours ? DIAGNOSIS_FATE_HOLD : DIAGNOSIS_FATE_BOUNCE;
}
