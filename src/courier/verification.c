/* One live run of the phase ladder against exactly one set of values: dial, TLS, login, and then
 * the sender probe (MAIL FROM, RCPT TO if a probe address was given, RSET): nothing is sent. Every
 * rung is written to the store when it is climbed; a run that passes makes its values active in the
 * same transaction that writes the result (DESIGN rule 3). A run that fails before the login looks
 * around before it ends: at the host's other port, and where the sender's mail arrives. */
#include "base/error.h"
#include "base/limits.h"
#include "base/text.h"
#include "courier/courier_priv.h"
#include "courier/sender_mx.h"
#include "courier/sibling.h"
#include "courier/suspicion.h"
#include "store/audit.h"

#include "base/crash_point.h"

#include <string.h>

#define PROBE_TOKEN 1

/* A person waits: no single reply may use up the whole time, and the usual cause of a missing
 * greeting (TLS expected at once) must be told before the server hangs up on its own. */
#define REPLY_MS (20 * CLOCK_SECOND_MS)

struct verification_run {
    Courier *courier;
    char *key; /* in courier->runs */
    Verification *record;
    SmtpSettings *settings;
    Secret *password; /* NULL with OAuth2 */
    Session *session;
    GSource *timeout;
    Rung ladder[RUNG_COUNT];
    guint n_rungs, at;
    MonoMs rung_since;
    gboolean is_finished; /* the result is written; only the goodbye is missing */
    gboolean was_probed, login_begun, login_passed, login_refused;
    gboolean password_was_judged; /* and not the account: switched off, out of credit */
    SmtpOutcomeKind probe_kind;
    SmtpPhase probe_phase;
    SmtpReply *probe_reply;
    NetDialer dialer;                   /* the courier's, with less patience */
    guint16 other_ports[SIBLINGS_MOST]; /* a 0 ends them */
    Sibling *sibling;
    SiblingFound sibling_found;
    char *sys;           /* of the failure, for a second look at it */
    const char *family;  /* the same; static */
    gboolean has_failed; /* the ladder says so; the end waits for what is still looked at: */
    gboolean waits_for_mx;
};

static gboolean is_by_token(const SmtpSettings *settings)
{
    return settings->auth == SETTINGS_AUTH_OAUTH2;
}

void verification_run_free(VerificationRun *run)
{
    if (run == NULL)
        return;
    session_free(run->session);
    sibling_free(run->sibling);
    g_free(run->sys);
    if (run->timeout != NULL)
        g_source_destroy(run->timeout);
    g_clear_pointer(&run->timeout, g_source_unref);
    verification_free(run->record);
    settings_free(run->settings);
    secret_free(run->password);
    smtp_reply_free(run->probe_reply);
    g_free(run->key);
    g_free(run);
}

static void run_forget(VerificationRun *run)
{
    g_hash_table_remove(run->courier->runs, run->key); /* frees */
}

/* --- Writing ------------------------------------------------------------------------------------
 */

static gboolean progress_job(Db *db, gpointer data, GError **error)
{
    return verification_write(db, data, error);
}

static void progress_written(Courier *courier, gpointer data, const GError *error)
{
    if (error != NULL)
        g_warning("a verification could not be written: %s", error->message);
    verification_free(data);
}

static void write_progress(VerificationRun *run)
{
    courier_write(run->courier, progress_job, progress_written, verification_copy(run->record));
}

/* The last word: result, activation and login guard in one transaction. */
typedef struct {
    Verification *record;
    SmtpSettings *settings;
    gboolean guarded, login_passed, login_refused;
    guint8 fingerprint[VAULT_FINGERPRINT_BYTES];
} Ending;

static void ending_free(Ending *ending)
{
    verification_free(ending->record);
    settings_free(ending->settings);
    g_free(ending);
}

static gboolean write_guard(Db *db, const Ending *ending, WallMs now, GError **error)
{
    const Verification *record = ending->record;
    if (!ending->guarded)
        return TRUE;
    if (ending->login_refused)
        return login_guard_record_failure(
            db, record->org_id, record->host, record->username, ending->fingerprint, now, error);
    if (ending->login_passed)
        return login_guard_record_success(
            db, record->org_id, record->host, record->username, error);
    return TRUE;
}

/* Who tested and activated what, for the audit log. */
static gboolean note_ending(Db *db, const Verification *record, GError **error)
{
    g_autofree char *where = g_strdup_printf("%s:%u", record->host, record->port);
    AuditNote note = {
        .org_id = record->org_id,
        .at = record->finished_at,
        .actor = record->started_by ? record->started_by : "system",
        .action = "smtp.verified",
        .object = where,
        .detail = record->diagnosis ? record->diagnosis : verification_state_name(record->state),
    };
    if (!audit_append(db, &note, error))
        return FALSE;
    note.action = "smtp.activated";
    note.detail = record->from_email;
    return !record->activated || audit_append(db, &note, error);
}

static gboolean ending_job(Db *db, gpointer data, GError **error)
{
    Ending *ending = data;
    Verification *record = ending->record;
    g_autoptr(GError) refused = NULL;
    if (record->state == VERIFICATION_PASSED && record->activate) {
        record->activated = smtp_activate(
            db, record->org_id, ending->settings, record->revision, record->finished_at, &refused);
        /* The settings moved on meanwhile: what was tested is true, but no longer what is wanted.
         */
        if (!record->activated && !g_error_matches(refused, ABS_ERROR, ABS_ERROR_CONFLICT)) {
            g_propagate_error(error, g_steal_pointer(&refused));
            return FALSE;
        }
    }
    return write_guard(db, ending, record->finished_at, error) &&
           verification_write(db, record, error) && note_ending(db, record, error);
}

/* A run whose end could not be stored must not look as if it were running. */
static void ending_written(Courier *courier, gpointer data, const GError *error)
{
    CRASH_POINT("activation_committed");
    Ending *ending = data;
    if (error != NULL) {
        g_warning("the end of a verification could not be stored: %s", error->message);
        Verification *told = verification_copy(ending->record);
        if (told->state == VERIFICATION_PASSED)
            told->state = VERIFICATION_FAILED; /* nothing became active */
        told->activated = FALSE;
        g_free(told->error_name);
        told->error_name = g_strdup("STORE");
        courier_write(courier, progress_job, progress_written, told);
    }
    ending_free(ending);
}

/* A password was sent and nobody waited for the answer: it counts as a login that may have failed,
 * or cancelling would be a way around the guard (DESIGN rule 5). */
static gboolean left_during_login(const VerificationRun *run)
{
    return run->login_begun && !run->login_passed && run->record->reply_code == 0;
}

static gboolean is_sandbox(const VerificationRun *run)
{
    return courier_is_sandbox(run->courier, run->record->host, run->record->port);
}

static void finish(VerificationRun *run, VerificationState state)
{
    Courier *courier = run->courier;
    CRASH_POINT("verification_over");
    run->is_finished = TRUE;
    run->record->state = state;
    run->record->finished_at = clock_wall_ms();
    Ending *ending = g_new0(Ending, 1);
    ending->record = verification_copy(run->record);
    ending->settings = settings_copy(run->settings);
    ending->login_passed = run->login_passed;
    ending->login_refused = run->login_refused || left_during_login(run);
    ending->guarded = !is_sandbox(run);
    if (run->login_refused && run->password_was_judged) /* else it may well be right */
        courier_login_fingerprint(courier->parts.vault, run->password, ending->fingerprint);
    courier_write(courier, ending_job, ending_written, ending);
}

/* Writes the end; what is left of the run then is at most a goodbye to the server. */
static void end_run(VerificationRun *run, VerificationState state)
{
    finish(run, state);
    if (run->session == NULL)
        run_forget(run);
}

/* --- The ladder ---------------------------------------------------------------------------------
 */

static VerificationPhase *phase_at(VerificationRun *run, guint i)
{
    return run->record->phases->pdata[i];
}

static void begin_rung(VerificationRun *run)
{
    run->rung_since = clock_mono_ms();
    if (run->at < run->n_rungs)
        phase_at(run, run->at)->state = PHASE_RUNNING;
}

static void close_rung(VerificationRun *run, PhaseState state, const char *detail)
{
    VerificationPhase *phase = phase_at(run, run->at);
    phase->state = state;
    phase->ms = clock_mono_ms() - run->rung_since;
    g_free(phase->detail);
    phase->detail = g_strdup(detail);
}

static void on_rung(Rung rung, const char *detail, gpointer user)
{
    VerificationRun *run = user;
    run->login_passed = run->login_passed || rung == RUNG_AUTH;
    if (run->at >= run->n_rungs || run->ladder[run->at] != rung)
        return; /* EHLO comes a second time after STARTTLS; the ladder has stood there already */
    close_rung(run, PHASE_PASSED, detail);
    run->at++;
    begin_rung(run);
    CRASH_POINT("verification_rung"); /* one passing for each */
    write_progress(run);
}

/* Moves to the rung that failed: up, over rungs climbed in silence, or back to one that turned out
 * rotten (bytes behind the 220 of STARTTLS). */
static void stand_on(VerificationRun *run, Rung rung)
{
    guint to = 0;
    while (to < run->n_rungs - 1 && run->ladder[to] != rung)
        to++;
    for (; run->at < to; run->at++)
        close_rung(run, PHASE_PASSED, NULL);
    run->at = to;
}

/* The row for what happened. Some of it is not what it seems (suspicion.h). */
static void diagnose(VerificationRun *run, Rung rung, const DiagnosisInput *met)
{
    Verification *record = run->record;
    const Suspect suspect = {.rung = rung,
        .sys = met->sys,
        .text = met->text,
        .verify = met->verify,
        .certificate_subject = record->certificate_subject,
        .certificate_issuer = record->certificate_issuer,
        .certificate_names = record->certificate_names,
        .now = clock_wall_ms(),
        .sibling = run->sibling_found};
    DiagnosisInput input = *met;
    const char *suspicion = suspicion_sys(&suspect);
    if (suspicion != NULL)
        input.sys = suspicion;
    const Diagnosis *diagnosis = diagnosis_match(run->courier->parts.catalogue, &input);
    g_free(record->diagnosis);
    record->diagnosis = g_strdup(diagnosis->id);
    run->password_was_judged =
        diagnosis->class != DIAGNOSIS_CONFIG && diagnosis->class != DIAGNOSIS_QUOTA;
}

static void look_around(VerificationRun *run, Rung rung);

static void fail(VerificationRun *run, const SessionFailure *failure)
{
    Verification *record = run->record;
    const DiagnosisInput *input = &failure->input;
    stand_on(run, failure->rung);
    close_rung(run, PHASE_FAILED, input->sys != NULL ? input->sys : input->tls);
    for (guint i = run->at + 1; i < run->n_rungs; i++)
        phase_at(run, i)->state = PHASE_SKIPPED;
    diagnose(run, failure->rung, input);
    run->sys = g_strdup(input->sys);
    run->family = input->family;
    record->diagnosis_phase = g_strdup(rung_name(failure->rung));
    record->reply_code = input->code;
    record->reply_enhanced = g_strdup(input->enhanced);
    if (input->text != NULL && failure->text_may_be_shown)
        record->reply_text =
            text_printable(input->text, strlen(input->text), LIMIT_PEER_TEXT_CHARACTERS);
    record->error_name = g_strdup(input->sys != NULL ? input->sys : input->tls);
    run->login_refused = (failure->rung == RUNG_AUTH && input->code >= 500) ||
                         (failure->rung == RUNG_TOKEN && !failure->is_no_verdict);
    run->has_failed = TRUE;
    look_around(run, failure->rung);
}

/* --- Session events -----------------------------------------------------------------------------
 */

static void on_tls(const NetTlsInfo *info, gpointer user)
{
    Verification *record = ((VerificationRun *)user)->record;
    g_free(record->tls_version);
    g_free(record->tls_cipher);
    g_free(record->certificate_subject);
    g_free(record->certificate_issuer);
    g_free(record->certificate_names);
    record->tls_version = g_strdup(info->version);
    record->tls_cipher = g_strdup(info->cipher);
    record->certificate_subject = g_strdup(info->subject);
    record->certificate_issuer = g_strdup(info->issuer);
    record->certificate_names = g_strdup(info->names);
    record->certificate_not_before = info->not_before;
    record->certificate_not_after = info->not_after;
}

static void on_line(gboolean from_client, const char *text, gpointer user)
{
    VerificationRun *run = user;
    run->login_begun = run->login_begun || (from_client && g_str_has_prefix(text, "AUTH "));
    if (run->record->lines->len >= LIMIT_REPLY_LINES)
        return;
    VerificationLine *line = g_new0(VerificationLine, 1);
    line->from_client = from_client;
    line->text = g_strdup(text);
    g_ptr_array_add(run->record->lines, line);
}

static void append_keyword(GString *list, gboolean offered, const char *keyword)
{
    if (offered)
        g_string_append_printf(list, "%s%s", list->len > 0 ? "\n" : "", keyword);
}

static char *describe_capabilities(const SmtpCapabilities *offered)
{
    GString *list = g_string_new(NULL);
    append_keyword(list, offered->pipelining, "PIPELINING");
    append_keyword(list, offered->chunking, "CHUNKING");
    append_keyword(list, offered->eightbitmime, "8BITMIME");
    append_keyword(list, offered->smtputf8, "SMTPUTF8");
    append_keyword(list, offered->dsn, "DSN");
    append_keyword(list, offered->enhanced_codes, "ENHANCEDSTATUSCODES");
    append_keyword(list, (offered->auth_mechanisms & SMTP_AUTH_PLAIN) != 0, "AUTH PLAIN");
    append_keyword(list, (offered->auth_mechanisms & SMTP_AUTH_LOGIN) != 0, "AUTH LOGIN");
    append_keyword(
        list, (offered->auth_mechanisms & SMTP_AUTH_SCRAM_SHA_256) != 0, "AUTH SCRAM-SHA-256");
    append_keyword(list, (offered->auth_mechanisms & SMTP_AUTH_XOAUTH2) != 0, "AUTH XOAUTH2");
    append_keyword(
        list, (offered->auth_mechanisms & SMTP_AUTH_OAUTHBEARER) != 0, "AUTH OAUTHBEARER");
    if (offered->size_known) {
        g_autofree char *size = g_strdup_printf("SIZE %" G_GUINT64_FORMAT, offered->size_max);
        append_keyword(list, TRUE, size);
    }
    return g_string_free(list, FALSE);
}

static void on_room(gpointer user)
{
    VerificationRun *run = user;
    if (run->was_probed || !session_is_ready(run->session)) /* only the goodbye is left */
        return;
    run->was_probed = TRUE;
    run->record->capabilities = describe_capabilities(session_capabilities(run->session));
    run->record->auth_mechanism = g_strdup(session_auth_mechanism(run->session));
    const char *const recipients[] = {run->record->probe_recipient, NULL};
    const SmtpMail probe = {
        .token = PROBE_TOKEN, .sender = run->settings->from_email, .recipients = recipients};
    session_send(run->session, &probe);
}

static void on_outcome(const SmtpOutcome *outcome, gpointer user)
{
    VerificationRun *run = user;
    run->probe_kind = outcome->kind;
    run->probe_phase = outcome->phase;
    smtp_reply_free(run->probe_reply);
    run->probe_reply = outcome->reply == NULL ? NULL : smtp_reply_copy(outcome->reply);
}

static void on_probe_done(gpointer user)
{
    VerificationRun *run = user;
    const SmtpReply *reply = run->probe_reply;
    if (run->probe_kind == SMTP_OUTCOME_ACCEPTED) {
        finish(run, VERIFICATION_PASSED);
    } else if (reply != NULL) {
        const SessionFailure failure = {
            .rung = run->probe_phase == SMTP_PHASE_RCPT ? RUNG_RECIPIENT : RUNG_SENDER,
            .input = {.phase = smtp_phase_name(run->probe_phase),
                .code = reply->code,
                .enhanced = reply->enhanced[0] == '\0' ? NULL : reply->enhanced,
                .text = reply->text,
                .by_token = is_by_token(run->settings),
                .host = run->record->host,
                .port = run->record->port},
            .text_may_be_shown = TRUE,
        };
        fail(run, &failure);
    }
    session_quit(run->session);
}

static void on_ended(const SessionFailure *failure, gpointer user)
{
    VerificationRun *run = user;
    g_clear_pointer(&run->session, session_free);
    if (run->is_finished)
        run_forget(run);
    else if (failure != NULL && !run->has_failed)
        fail(run, failure);
    else if (!run->has_failed)
        end_run(run, VERIFICATION_FAILED);
}

static const SessionEvents session_events = {
    .rung = on_rung,
    .tls = on_tls,
    .line = on_line,
    .outcome = on_outcome,
    .probe_done = on_probe_done,
    .room = on_room,
    .ended = on_ended,
};

/* What the catalogue calls the phase a rung stands for. */
static const char *phase_of_rung(Rung rung)
{
    switch (rung) {
    case RUNG_TOKEN:
    case RUNG_DNS:
    case RUNG_CONNECT:
    case RUNG_GREETING:
    case RUNG_EHLO:
    case RUNG_STARTTLS:
    case RUNG_TLS:
    case RUNG_AUTH:
        return rung_name(rung);
    case RUNG_CERTIFICATE:
        return "tls";
    case RUNG_SENDER:
        return "mail_from";
    case RUNG_RECIPIENT:
        return "rcpt_to";
    case RUNG_COUNT:
        break;
    }
    g_assert_not_reached();
}

static gboolean on_timeout(gpointer user)
{
    VerificationRun *run = user;
    g_clear_pointer(&run->session, session_free);
    if (run->is_finished) {
        run_forget(run); /* it only waited for the goodbye */
    } else if (!run->has_failed) {
        Rung rung = run->ladder[MIN(run->at, run->n_rungs - 1)];
        const SessionFailure failure = {
            .rung = rung,
            .input = {.phase = phase_of_rung(rung),
                .sys = rung == RUNG_GREETING ? "GREETING_TIMEOUT" : "ETIMEDOUT",
                .host = run->record->host,
                .port = run->record->port},
        };
        fail(run, &failure);
    }
    return G_SOURCE_REMOVE;
}

/* --- Looking around -----------------------------------------------------------------------------
 */

/* The run that failed ends once nothing is looked at any more. */
static void end_if_seen(VerificationRun *run)
{
    if (run->sibling == NULL && !run->waits_for_mx)
        end_run(run, VERIFICATION_FAILED);
}

static void on_sibling(const SiblingFound *found, gpointer user)
{
    VerificationRun *run = user;
    Verification *record = run->record;
    run->sibling_found = *found;
    record->sibling = found->state;
    record->sibling_port = found->port;
    g_clear_pointer(&run->sibling, sibling_free);
    if (strcmp(record->diagnosis_phase, rung_name(RUNG_CONNECT)) == 0) {
        const DiagnosisInput input = {.phase = "connect",
            .sys = run->sys,
            .family = run->family,
            .host = record->host,
            .port = record->port};
        diagnose(run, RUNG_CONNECT, &input);
    }
    end_if_seen(run);
}

static void on_mx(Courier *courier, const char *key, const char *mx)
{
    VerificationRun *run = g_hash_table_lookup(courier->runs, key);
    if (run == NULL || !run->waits_for_mx) /* cancelled meanwhile */
        return;
    run->waits_for_mx = FALSE;
    run->record->sender_mx = g_strdup(mx);
    end_if_seen(run);
}

static SessionConfig session_config(const VerificationRun *run);

/* Each once, and not the one that has just failed; but in the other kind of TLS that may be the
 * sibling. */
static void ports_to_look_at(
    const VerificationRun *run, const SessionConfig *config, guint16 *ports)
{
    guint n = 0;
    ports[n++] = sibling_port(config->port, config->security);
    for (guint i = 0; i < SIBLINGS_MOST && run->other_ports[i] != 0 && n < SIBLINGS_MOST; i++) {
        gboolean is_known = run->other_ports[i] == config->port;
        for (guint k = 0; k < n; k++)
            is_known = is_known || ports[k] == run->other_ports[i];
        if (!is_known)
            ports[n++] = run->other_ports[i];
    }
    ports[n] = 0;
}

/* From a certificate on, the other port would say the same; before it is connected to, the name may
 * be the wrong one. */
static void look_around(VerificationRun *run, Rung rung)
{
    gboolean with_sibling = rung >= RUNG_CONNECT && rung <= RUNG_TLS;
    gboolean with_mx =
        (rung == RUNG_DNS || rung == RUNG_CONNECT || rung == RUNG_CERTIFICATE) && !is_sandbox(run);
    if (run->courier->is_stopping)
        with_sibling = with_mx = FALSE;
    if (with_sibling) {
        const SessionConfig config = session_config(run);
        guint16 ports[SIBLINGS_MOST + 1];
        ports_to_look_at(run, &config, ports);
        run->record->sibling_port = ports[0];
        run->sibling = sibling_look(&config, ports, on_sibling, run);
    }
    run->waits_for_mx =
        with_mx && sender_mx_ask(run->courier, run->settings->from_email, run->key, on_mx);
    if (run->sibling != NULL || run->waits_for_mx)
        write_progress(run); /* the failure is seen at once */
    end_if_seen(run);
}

/* --- Starting and cancelling --------------------------------------------------------------------
 */

typedef struct {
    Courier *courier;
    gint64 org_id;
    Id id;
    Verification *record; /* NULL: to be cancelled */
    SmtpSettings *settings;
    guint16 other_ports[SIBLINGS_MOST]; /* a 0 ends them */
} Request;

static void request_free(gpointer data)
{
    Request *request = data;
    verification_free(request->record);
    settings_free(request->settings);
    g_free(request);
}

Verification *courier_verification_new(gint64 org_id, const Id *id, const SmtpSettings *settings,
    gint64 revision, gboolean activate, const char *probe_recipient, const char *started_by,
    WallMs now)
{
    Verification *record = verification_new();
    record->org_id = org_id;
    record->id = *id;
    record->state = VERIFICATION_RUNNING;
    record->revision = revision;
    record->activate = activate;
    record->host = g_strdup(settings->host);
    record->port = settings_port(settings);
    record->security = g_strdup(tls_mode_name(settings_security(settings)));
    record->username = g_strdup(settings_username(settings));
    record->from_email = g_strdup(settings->from_email);
    record->probe_recipient = g_strdup(probe_recipient);
    record->started_by = g_strdup(started_by);
    record->started_at = now;
    Rung ladder[RUNG_COUNT];
    guint n_rungs = rung_ladder(
        settings_security(settings), is_by_token(settings), probe_recipient != NULL, ladder);
    for (guint i = 0; i < n_rungs; i++) {
        VerificationPhase *phase = g_new0(VerificationPhase, 1);
        phase->name = g_strdup(rung_name(ladder[i]));
        phase->ms = -1;
        g_ptr_array_add(record->phases, phase);
    }
    return record;
}

static VerificationRun *run_new(Request *request)
{
    VerificationRun *run = g_new0(VerificationRun, 1);
    run->courier = request->courier;
    run->key = id_dup(&request->id, "ver");
    run->settings = g_steal_pointer(&request->settings);
    run->record = g_steal_pointer(&request->record);
    memcpy(run->other_ports, request->other_ports, sizeof run->other_ports);
    run->n_rungs = rung_ladder(settings_security(run->settings), is_by_token(run->settings),
        run->record->probe_recipient != NULL, run->ladder);
    run->dialer = request->courier->parts.dialer;
    if (run->dialer.connect_ms == 0)
        run->dialer.connect_ms = LIMIT_VERIFICATION_CONNECT_MS;
    g_hash_table_replace(request->courier->runs, g_strdup(run->key), run);
    CRASH_POINT("verification_begun");
    return run;
}

static SmtpDeadlines impatient(SmtpDeadlines deadlines)
{
    deadlines.greeting_ms = deadlines.greeting_ms != 0 ? deadlines.greeting_ms : REPLY_MS;
    deadlines.command_ms = deadlines.command_ms != 0 ? deadlines.command_ms : REPLY_MS;
    return deadlines;
}

static SessionConfig session_config(const VerificationRun *run)
{
    const Courier *courier = run->courier;
    return (SessionConfig){
        .dialer = &run->dialer,
        .tls = courier->parts.tls,
        .host = run->settings->host,
        .port = settings_port(run->settings),
        .security = settings_security(run->settings),
        .username = settings_username(run->settings),
        .password = run->password,
        .bearer = is_by_token(run->settings) ? courier->bearer : NULL,
        .org_id = run->record->org_id,
        .settings = run->settings,
        .wants_fresh_token = TRUE,
        .ehlo_name = courier_ehlo_name(courier, run->settings),
        .deadlines = impatient(courier->parts.deadlines),
    };
}

static gboolean run_start(gpointer user)
{
    Request *request = user;
    Courier *courier = request->courier;
    if (courier->is_stopping)
        return G_SOURCE_REMOVE;
    VerificationRun *run = run_new(request);
    g_autoptr(GError) error = NULL;
    gboolean needs_password = !is_by_token(run->settings);
    if (needs_password)
        run->password =
            settings_unseal_password(run->settings, courier->parts.vault, request->org_id, &error);
    begin_rung(run);
    if (needs_password && run->password == NULL) {
        g_warning("a verification has no password to try: %s", error->message);
        run->password = secret_new("", 0);
        run->record->error_name = g_strdup("SECRET");
        end_run(run, VERIFICATION_FAILED);
        return G_SOURCE_REMOVE;
    }
    write_progress(run);
    run->timeout = g_timeout_source_new(LIMIT_VERIFICATION_MS - LIMIT_SIBLING_MS);
    g_source_set_callback(run->timeout, on_timeout, run, NULL);
    g_source_attach(run->timeout, courier->parts.context);
    const SessionConfig config = session_config(run);
    run->session = session_open(&config, &session_events, run);
    return G_SOURCE_REMOVE;
}

void courier_verify(Courier *courier, const Verification *run, const SmtpSettings *settings,
    const guint16 *other_ports)
{
    Request *request = g_new0(Request, 1);
    request->courier = courier;
    request->org_id = run->org_id;
    request->id = run->id;
    request->record = verification_copy(run);
    request->settings = settings_copy(settings);
    for (guint i = 0; other_ports != NULL && i < SIBLINGS_MOST && other_ports[i] != 0; i++)
        request->other_ports[i] = other_ports[i];
    courier_call(courier, run_start, request, request_free);
}

static gboolean run_cancel(gpointer user)
{
    const Request *request = user;
    g_autofree char *key = id_dup(&request->id, "ver");
    VerificationRun *run = g_hash_table_lookup(request->courier->runs, key);
    if (run == NULL || run->is_finished || run->record->org_id != request->org_id)
        return G_SOURCE_REMOVE;
    g_clear_pointer(&run->session, session_free);
    if (run->has_failed) { /* it only looks around */
        end_run(run, VERIFICATION_FAILED);
        return G_SOURCE_REMOVE;
    }
    close_rung(run, PHASE_SKIPPED, NULL);
    for (guint i = run->at; i < run->n_rungs; i++)
        phase_at(run, i)->state = PHASE_SKIPPED;
    end_run(run, VERIFICATION_CANCELLED);
    return G_SOURCE_REMOVE;
}

void courier_verify_cancel(Courier *courier, gint64 org_id, const Id *id)
{
    Request *request = g_new0(Request, 1);
    request->courier = courier;
    request->org_id = org_id;
    request->id = *id;
    courier_call(courier, run_cancel, request, request_free);
}
