#include "diagnosis/rows.h"

#include "base/error.h"

#include <jansson.h>
#include <string.h>

/* A name of the file and the member it stands for. */
typedef struct {
    const char *name;
    int value;
} Word;

static const Word phase_words[] = {{"config", PHASE_CONFIG}, {"dns", PHASE_DNS},
    {"connect", PHASE_CONNECT}, {"greeting", PHASE_GREETING}, {"ehlo", PHASE_EHLO},
    {"starttls", PHASE_STARTTLS}, {"tls", PHASE_TLS}, {"auth", PHASE_AUTH}, {"token", PHASE_TOKEN},
    {"mail_from", PHASE_MAIL_FROM}, {"rcpt_to", PHASE_RCPT_TO}, {"data", PHASE_DATA},
    {"after_data", PHASE_AFTER_DATA}, {"bounce", PHASE_BOUNCE}};

static const Word class_words[] = {{"temporary", DIAGNOSIS_TEMPORARY},
    {"permanent", DIAGNOSIS_PERMANENT}, {"auth", DIAGNOSIS_AUTH}, {"config", DIAGNOSIS_CONFIG},
    {"reputation", DIAGNOSIS_REPUTATION}, {"quota", DIAGNOSIS_QUOTA}};

static const Word retry_words[] = {{"none", DIAGNOSIS_RETRY_NONE}, {"once", DIAGNOSIS_RETRY_ONCE},
    {"backoff", DIAGNOSIS_RETRY_BACKOFF}, {"slow", DIAGNOSIS_RETRY_SLOW},
    {"after_window", DIAGNOSIS_RETRY_AFTER_WINDOW}, {"after_fix", DIAGNOSIS_RETRY_AFTER_FIX}};

static const Word breaker_words[] = {{"none", DIAGNOSIS_BREAKER_NONE},
    {"account", DIAGNOSIS_BREAKER_ACCOUNT}, {"account_after_3", DIAGNOSIS_BREAKER_ACCOUNT_AFTER_3},
    {"destination", DIAGNOSIS_BREAKER_DESTINATION}};

static const Word fate_words[] = {{"retry", DIAGNOSIS_FATE_RETRY}, {"hold", DIAGNOSIS_FATE_HOLD},
    {"bounce", DIAGNOSIS_FATE_BOUNCE}};

/* What a page can offer to do; what each means stands in failures.json, enums.action. */
static const char *const action_codes[] = {"use_sibling_port", "use_right_host",
    "use_address_as_username", "use_mailbox_login", "use_from_of_login", "open_app_password",
    "open_support", "open_domain_card", "enter_password_again", "use_oauth2", "sign_in_again",
    "enter_oauth_secret", "enter_client_id", "enter_tenant", "enter_scope", "enter_token_url",
    "open_oauth_console", "check_clock", "retry_later", "ask_operator"};

static const Word any_words[] = {
    {"sys", KEY_ANY_SYS}, {"tls", KEY_ANY_TLS}, {"verify", KEY_ANY_VERIFY}};

/* -1: no such name. */
static int word_value(const Word *words, gsize n, const char *name)
{
    for (gsize i = 0; name != NULL && i < n; i++) {
        if (strcmp(words[i].name, name) == 0)
            return words[i].value;
    }
    return -1;
}
#define WORD_VALUE(words, name) word_value(words, G_N_ELEMENTS(words), name)

Phase phase_parse(const char *name)
{
    int value = WORD_VALUE(phase_words, name);
    return value < 0 ? PHASE_UNKNOWN : (Phase)value;
}

static const char *word_name(const Word *words, gsize n, int value)
{
    for (gsize i = 0; i < n; i++) {
        if (words[i].value == value)
            return words[i].name;
    }
    g_assert_not_reached();
}

const char *diagnosis_class_name(DiagnosisClass class)
{
    return word_name(class_words, G_N_ELEMENTS(class_words), (int)class);
}

const char *diagnosis_retry_name(DiagnosisRetry retry)
{
    return word_name(retry_words, G_N_ELEMENTS(retry_words), (int)retry);
}

const char *diagnosis_breaker_name(DiagnosisBreaker breaker)
{
    return word_name(breaker_words, G_N_ELEMENTS(breaker_words), (int)breaker);
}

/* The caller puts the row's name in front. */
static gboolean refuse(GError **error, const char *why)
{
    g_set_error_literal(error, ABS_ERROR, ABS_ERROR_INPUT, why);
    return FALSE;
}

static const char *keep(DiagnosisCatalogue *catalogue, const char *text)
{
    return text == NULL ? NULL : g_string_chunk_insert_const(catalogue->strings, text);
}

/* A phrase the matcher can find: lower case, of a length the index takes. -1: it cannot. */
static int add_phrase(DiagnosisCatalogue *catalogue, const char *phrase)
{
    for (const char *p = phrase != NULL ? phrase : "A"; *p != '\0'; p++) {
        if (!g_ascii_isprint(*p) || g_ascii_isupper(*p))
            return -1;
    }
    return phrases_add(catalogue->phrases, phrase);
}

static gboolean read_texts(
    DiagnosisCatalogue *catalogue, const json_t *texts, Alternative *a, GError **error)
{
    a->n_texts = (guint)json_array_size(texts);
    if (a->n_texts == 0)
        return refuse(error, "text is not a list of phrases");
    a->texts = g_new0(guint16, a->n_texts);
    for (guint i = 0; i < a->n_texts; i++) {
        int number = add_phrase(catalogue, json_string_value(json_array_get(texts, i)));
        if (number < 0)
            return refuse(error, "a phrase is not lower-case ASCII of a usable length");
        a->texts[i] = (guint16)number;
        a->text_octets += phrases_octets(catalogue->phrases, (guint)number);
    }
    return TRUE;
}

static void has_key(Alternative *a, Key key, gboolean is_present)
{
    if (!is_present)
        return;
    a->keys |= (guint)key;
    a->n_keys++;
}

/* The strict reading of one alternative; *texts is borrowed from json. */
static gboolean read_keys(
    DiagnosisCatalogue *catalogue, json_t *json, Alternative *a, json_t **texts, GError **error)
{
    const char *enhanced = NULL, *sys = NULL, *tls = NULL, *host = NULL, *certificate = NULL,
               *family = NULL, *phase = NULL, *any = NULL;
    int verify = 0, port = 0, by_token = 0;
    json_error_t fault;
    if (json_unpack_ex(json, &fault, JSON_STRICT,
            "{s?o s?i s?s s?s s?i s?s s?s s?s s?i s?s s?i s?s s?s s?b s?i}", "text", texts, "code",
            &a->code, "enh", &enhanced, "sys", &sys, "verify", &verify, "tls", &tls, "host", &host,
            "cert", &certificate, "port", &port, "family", &family, "code_class", &a->code_class,
            "phase_exact", &phase, "any", &any, "token", &by_token, "rank", &a->rank) != 0)
        return refuse(error, fault.text);
    int tls_number = tls == NULL ? 0 : add_phrase(catalogue, tls);
    int any_key = any == NULL ? 0 : WORD_VALUE(any_words, any);
    a->phase_exact = phase_parse(phase);
    if (a->code < 0 || a->code > 599 || a->code_class < 0 || a->code_class > 5 || verify < 0 ||
        port < 0 || port > 65535 || tls_number < 0 || any_key < 0 ||
        (phase != NULL && a->phase_exact == PHASE_UNKNOWN))
        return refuse(error, "a key of match has a value that cannot occur");
    a->tls = (guint)tls_number;
    a->verify = verify;
    a->port = (guint)port;
    a->enhanced = keep(catalogue, enhanced);
    a->sys = keep(catalogue, sys);
    a->host = keep(catalogue, host);
    a->certificate = keep(catalogue, certificate);
    a->family = keep(catalogue, family);
    has_key(a, KEY_TEXT, *texts != NULL);
    has_key(a, KEY_CODE, a->code != 0);
    has_key(a, KEY_ENHANCED, enhanced != NULL);
    has_key(a, KEY_SYS, sys != NULL);
    has_key(a, KEY_VERIFY, verify != 0);
    has_key(a, KEY_TLS, tls != NULL);
    has_key(a, KEY_HOST, host != NULL);
    has_key(a, KEY_CERTIFICATE, certificate != NULL);
    has_key(a, KEY_PORT, port != 0);
    has_key(a, KEY_FAMILY, family != NULL);
    has_key(a, KEY_CODE_CLASS, a->code_class != 0);
    has_key(a, KEY_PHASE_EXACT, phase != NULL);
    has_key(a, (Key)any_key, any != NULL);
    has_key(a, KEY_BY_TOKEN, by_token != 0);
    return TRUE;
}

static gboolean read_match(
    DiagnosisCatalogue *catalogue, const json_t *match, Row *row, GError **error)
{
    row->n_alternatives = (guint)json_array_size(match);
    if (row->n_alternatives == 0)
        return refuse(error, "match is not a list of alternatives");
    row->alternatives = g_new0(Alternative, row->n_alternatives);
    for (guint i = 0; i < row->n_alternatives; i++) {
        Alternative *a = &row->alternatives[i];
        json_t *texts = NULL;
        a->rank = row->rank;
        if (!read_keys(catalogue, json_array_get(match, i), a, &texts, error))
            return FALSE;
        if (texts != NULL && !read_texts(catalogue, texts, a, error))
            return FALSE;
        if (a->rank > row->rank)
            return refuse(error, "an alternative ranks above its row");
    }
    return TRUE;
}

static gboolean read_phases(const json_t *phases, Row *row, GError **error)
{
    if (!json_is_array(phases))
        return refuse(error, "phase is not a list");
    for (gsize i = 0; i < json_array_size(phases); i++) {
        Phase phase = phase_parse(json_string_value(json_array_get(phases, i)));
        if (phase == PHASE_UNKNOWN)
            return refuse(error, "unknown phase");
        row->phases |= 1u << phase;
    }
    return TRUE;
}

static const char *action_code(const char *name)
{
    for (gsize i = 0; name != NULL && i < G_N_ELEMENTS(action_codes); i++) {
        if (strcmp(action_codes[i], name) == 0)
            return action_codes[i];
    }
    return NULL;
}

static gboolean read_actions(const json_t *actions, Row *row, GError **error)
{
    gsize n = json_array_size(actions);
    if (!json_is_array(actions) || n > DIAGNOSIS_ACTIONS_MAX)
        return refuse(error, "actions is not a list, or a long one");
    for (gsize i = 0; i < n; i++) {
        row->actions[i] = action_code(json_string_value(json_array_get(actions, i)));
        if (row->actions[i] == NULL)
            return refuse(error, "unknown action");
    }
    row->diagnosis.actions = row->actions;
    return TRUE;
}

static gboolean read_sources(const json_t *sources, const json_t *known, GError **error)
{
    if (json_array_size(sources) == 0)
        return refuse(error, "no source");
    for (gsize i = 0; i < json_array_size(sources); i++) {
        const char *name = json_string_value(json_array_get(sources, i));
        if (name == NULL || json_object_get(known, name) == NULL)
            return refuse(error, "a source is not in the table of sources");
    }
    return TRUE;
}

static gboolean read_row(DiagnosisCatalogue *catalogue, json_t *json, const json_t *known_sources,
    Row *row, GError **error)
{
    Diagnosis *d = &row->diagnosis;
    const char *class, *retry, *breaker, *fate, *confidence;
    json_t *phases, *vendors = NULL, *match, *actions, *sources;
    json_int_t wait_s = 0;
    json_error_t fault;
    if (json_unpack_ex(json, &fault, JSON_STRICT,
            "{s:s s:o s:s s:i s?o s:o s:s s:s s:s s:s s:o s:s s:s s?I s:s s:s s?b s:s s:o}", "id",
            &d->id, "phase", &phases, "class", &class, "rank", &row->rank, "vendors", &vendors,
            "match", &match, "means_en", &d->means_en, "means_de", &d->means_de, "fix_en",
            &d->fix_en, "fix_de", &d->fix_de, "actions", &actions, "topic", &d->topic, "retry",
            &retry, "wait_s", &wait_s, "breaker", &breaker, "message_fate", &fate, "overrides_code",
            &d->overrides_code, "confidence", &confidence, "sources", &sources) != 0)
        return refuse(error, fault.text);
    int class_value = WORD_VALUE(class_words, class), retry_value = WORD_VALUE(retry_words, retry),
        breaker_value = WORD_VALUE(breaker_words, breaker),
        fate_value = WORD_VALUE(fate_words, fate);
    if (class_value < 0 || retry_value < 0 || breaker_value < 0 || fate_value < 0 || wait_s < 0)
        return refuse(error, "class, retry, wait_s, breaker or message_fate has no known value");
    d->class = (DiagnosisClass)class_value;
    d->retry = (DiagnosisRetry)retry_value;
    d->breaker = (DiagnosisBreaker)breaker_value;
    d->fate = (DiagnosisFate)fate_value;
    d->wait_s = wait_s;
    d->id = keep(catalogue, d->id);
    d->means_en = keep(catalogue, d->means_en);
    d->means_de = keep(catalogue, d->means_de);
    d->fix_en = keep(catalogue, d->fix_en);
    d->fix_de = keep(catalogue, d->fix_de);
    d->topic = keep(catalogue, d->topic);
    return read_phases(phases, row, error) && read_match(catalogue, match, row, error) &&
           read_actions(actions, row, error) && read_sources(sources, known_sources, error);
}

static int higher_rank_first(gconstpointer left, gconstpointer right)
{
    const Row *a = *(Row *const *)left, *b = *(Row *const *)right;
    if (a->rank != b->rank)
        return a->rank > b->rank ? -1 : 1;
    return a < b ? -1 : a > b; /* rows lie in one array, as in the file */
}

static void index_rows(DiagnosisCatalogue *catalogue)
{
    for (guint phase = 0; phase < PHASES; phase++) {
        GPtrArray *list = catalogue->by_phase[phase] = g_ptr_array_new();
        for (guint i = 0; i < catalogue->n_rows; i++) {
            Row *row = &catalogue->rows[i];
            if (row->phases == 0 || phase == PHASE_UNKNOWN || (row->phases >> phase & 1) != 0)
                g_ptr_array_add(list, row);
        }
        g_ptr_array_sort(list, higher_rank_first);
    }
    phrases_seal(catalogue->phrases);
}

/* Without such a row diagnosis_match could not keep its promise. */
static gboolean one_row_fits_everything(const DiagnosisCatalogue *catalogue)
{
    for (guint i = 0; i < catalogue->n_rows; i++) {
        const Row *row = &catalogue->rows[i];
        for (guint k = 0; row->phases == 0 && k < row->n_alternatives; k++) {
            if (row->alternatives[k].keys == 0)
                return TRUE;
        }
    }
    return FALSE;
}

static gboolean add_id(DiagnosisCatalogue *catalogue, Row *row, GError **error)
{
    if (!g_hash_table_insert(catalogue->by_id, (gpointer)row->diagnosis.id, row))
        return refuse(error, "the id is there twice");
    return TRUE;
}

static gboolean read_rows(
    DiagnosisCatalogue *catalogue, const json_t *failures, const json_t *sources, GError **error)
{
    catalogue->n_rows = (guint)json_array_size(failures);
    catalogue->rows = g_new0(Row, MAX(catalogue->n_rows, 1));
    for (guint i = 0; i < catalogue->n_rows; i++) {
        json_t *json = json_array_get(failures, i);
        Row *row = &catalogue->rows[i];
        const char *id = json_string_value(json_object_get(json, "id"));
        gboolean is_good =
            read_row(catalogue, json, sources, row, error) && add_id(catalogue, row, error);
        if (!is_good) {
            g_prefix_error(error, "failure catalogue, row %u (%s): ", i + 1, id != NULL ? id : "?");
            return FALSE;
        }
    }
    if (!one_row_fits_everything(catalogue))
        return refuse(error, "failure catalogue: no row fits everything");
    return TRUE;
}

DiagnosisCatalogue *diagnosis_catalogue_new(const char *json, gsize n, GError **error)
{
    json_error_t fault;
    json_t *root = json_loadb(json, n, JSON_REJECT_DUPLICATES, &fault);
    json_t *failures = NULL, *sources = NULL;
    if (root == NULL || json_unpack_ex(root, &fault, 0, "{s:o s:o}", "failures", &failures,
                            "sources", &sources) != 0) {
        g_set_error(error, ABS_ERROR, ABS_ERROR_INPUT, "failure catalogue, line %d: %s", fault.line,
            fault.text);
        json_decref(root);
        return NULL;
    }
    g_autoptr(DiagnosisCatalogue) catalogue = g_new0(DiagnosisCatalogue, 1);
    catalogue->by_id = g_hash_table_new(g_str_hash, g_str_equal);
    catalogue->phrases = phrases_new();
    catalogue->strings = g_string_chunk_new(4096);
    gboolean is_good = read_rows(catalogue, failures, sources, error);
    json_decref(root);
    if (!is_good)
        return NULL;
    index_rows(catalogue);
    return g_steal_pointer(&catalogue);
}

void diagnosis_catalogue_free(DiagnosisCatalogue *catalogue)
{
    if (catalogue == NULL)
        return;
    for (guint i = 0; i < catalogue->n_rows; i++) {
        Row *row = &catalogue->rows[i];
        for (guint k = 0; row->alternatives != NULL && k < row->n_alternatives; k++)
            g_free(row->alternatives[k].texts);
        g_free(row->alternatives);
    }
    for (guint phase = 0; phase < PHASES; phase++)
        g_clear_pointer(&catalogue->by_phase[phase], g_ptr_array_unref);
    g_free(catalogue->rows);
    g_hash_table_destroy(catalogue->by_id);
    phrases_free(catalogue->phrases);
    g_string_chunk_free(catalogue->strings);
    g_free(catalogue);
}

const Diagnosis *diagnosis_by_id(const DiagnosisCatalogue *catalogue, const char *id)
{
    const Row *row = id == NULL ? NULL : g_hash_table_lookup(catalogue->by_id, id);
    return row == NULL ? NULL : &row->diagnosis;
}

char *diagnosis_manual_path(const Diagnosis *diagnosis, const char *language)
{
    return g_strdup_printf("/manual/%s/%s.html#%s", language, diagnosis->topic, diagnosis->id);
}

guint diagnosis_catalogue_size(const DiagnosisCatalogue *catalogue)
{
    return catalogue->n_rows;
}
