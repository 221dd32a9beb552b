#include "base/error.h"
#include "base/limits.h"
#include "settings/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#define ORG 1
#define NOW G_GINT64_CONSTANT(1795283520123)

static Vault *vault;
static const guint16 operators_ports[] = {1025, 10465};
static const SettingsPorts ports = {operators_ports, G_N_ELEMENTS(operators_ports)};
static const SettingsPorts no_extra_ports = {NULL, 0};

static int open_vault(void **state)
{
    g_autofree char *dir = g_dir_make_tmp("absender-settings-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "key", NULL);
    vault = vault_open(path, TRUE, NULL);
    g_unlink(path);
    g_rmdir(dir);
    if (vault == NULL)
        return -1;
    vault_set_instance(vault, (const guint8 *)"settings' tests!");
    return 0;
}

static int close_vault(void **state)
{
    vault_free(vault);
    return 0;
}

/* Applies a patch that must be good. */
static SmtpSettings *apply(
    const SmtpSettings *settings, const SettingsPatch *patch, gboolean *password_dropped)
{
    g_autoptr(GPtrArray) faults = NULL;
    gboolean dropped = FALSE;
    SmtpSettings *next =
        settings_apply(settings, patch, &ports, vault, ORG, NOW, &dropped, &faults);
    if (next == NULL) {
        const SettingsFault *fault = g_ptr_array_index(faults, 0);
        fail_msg("%s: %s: %s", fault->field, fault->code, fault->detail);
    }
    assert_null(faults);
    if (password_dropped != NULL)
        *password_dropped = dropped;
    return next;
}

/* Applies a patch that must be bad; the caller unrefs. */
static GPtrArray *refuse(const SmtpSettings *settings, const SettingsPatch *patch)
{
    GPtrArray *faults = NULL;
    gboolean dropped = 7;
    SmtpSettings *next =
        settings_apply(settings, patch, &ports, vault, ORG, NOW, &dropped, &faults);
    assert_null(next);
    assert_non_null(faults);
    assert_int_equal(dropped, 7);
    return faults;
}

static SmtpSettings *make_full(void)
{
    g_autoptr(SmtpSettings) empty = settings_new();
    g_autoptr(Secret) password = secret_new("hunter2", 7);
    SettingsPatch patch = {
        .present = SETTINGS_HOST | SETTINGS_PORT | SETTINGS_SECURITY | SETTINGS_USERNAME |
                   SETTINGS_PASSWORD | SETTINGS_FROM_EMAIL | SETTINGS_FROM_NAME |
                   SETTINGS_EHLO_NAME | SETTINGS_MAX_CONNECTIONS | SETTINGS_WINDOW | SETTINGS_QUOTA,
        .host = "smtp.example.de",
        .port = 587,
        .security = "starttls",
        .username = "anna",
        .password = password,
        .from_email = "anna@example.de",
        .from_name = "Anna Müller",
        .ehlo_name = "mail.example.de",
        .max_connections = 3,
        .window = 8,
        .quota_per_minute = 1,
        .quota_per_hour = 2,
        .quota_per_day = 3,
    };
    return apply(empty, &patch, NULL);
}

static void assert_password(const SmtpSettings *settings, const char *expected)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Secret) password = settings_unseal_password(settings, vault, ORG, &error);
    g_autoptr(Secret) right = secret_new(expected, strlen(expected));
    assert_null(error);
    assert_true(secret_equal(password, right));
}

static void every_field_is_taken(void **state)
{
    g_autoptr(SmtpSettings) settings = make_full();
    assert_string_equal(settings->host, "smtp.example.de");
    assert_int_equal(settings->port, 587);
    assert_int_equal(settings->security, TLS_MODE_STARTTLS);
    assert_string_equal(settings->username, "anna");
    assert_string_equal(settings->from_email, "anna@example.de");
    assert_string_equal(settings->from_name, "Anna Müller");
    assert_string_equal(settings->ehlo_name, "mail.example.de");
    assert_int_equal(settings->max_connections, 3);
    assert_int_equal(settings->window, 8);
    assert_int_equal(settings->quota.per_minute, 1);
    assert_int_equal(settings->quota.per_hour, 2);
    assert_int_equal(settings->quota.per_day, 3);
    assert_true(settings->password_set_at == NOW);
    assert_password(settings, "hunter2");
}

static void what_is_not_present_stays(void **state)
{
    g_autoptr(SmtpSettings) settings = make_full();
    SettingsPatch nothing = {.host = "other.example.de", .port = 465};
    gboolean dropped = TRUE;
    g_autoptr(SmtpSettings) next = apply(settings, &nothing, &dropped);
    assert_false(dropped);
    assert_true(settings_same_destination(settings, next));
    assert_string_equal(next->from_name, "Anna Müller");
    assert_int_equal(next->window, 8);
    assert_int_equal(next->quota.per_day, 3);
}

static void empty_text_empties_a_field(void **state)
{
    static const char *const empty[] = {NULL, ""};
    for (gsize i = 0; i < G_N_ELEMENTS(empty); i++) {
        g_autoptr(SmtpSettings) settings = make_full();
        SettingsPatch patch = {
            .present = SETTINGS_HOST | SETTINGS_PORT | SETTINGS_SECURITY | SETTINGS_USERNAME |
                       SETTINGS_FROM_EMAIL | SETTINGS_FROM_NAME | SETTINGS_EHLO_NAME,
            .host = empty[i],
            .security = empty[i],
            .username = empty[i],
            .from_email = empty[i],
            .from_name = empty[i],
            .ehlo_name = empty[i],
        };
        gboolean dropped = FALSE;
        g_autoptr(SmtpSettings) next = apply(settings, &patch, &dropped);
        assert_null(next->host);
        assert_null(next->username);
        assert_null(next->from_email);
        assert_null(next->from_name);
        assert_null(next->ehlo_name);
        assert_int_equal(next->port, 0);
        assert_int_equal(next->security, 0);
        assert_true(dropped);
    }
}

static void names_are_kept_in_their_wire_form(void **state)
{
    g_autoptr(SmtpSettings) empty = settings_new();
    SettingsPatch patch = {
        .present = SETTINGS_HOST | SETTINGS_FROM_EMAIL | SETTINGS_EHLO_NAME,
        .host = "SMTP.Müller.de.",
        .from_email = "Anna@Müller.de",
        .ehlo_name = "Mail.Müller.de",
    };
    g_autoptr(SmtpSettings) next = apply(empty, &patch, NULL);
    assert_string_equal(next->host, "smtp.xn--mller-kva.de");
    assert_string_equal(next->from_email, "Anna@xn--mller-kva.de");
    assert_string_equal(next->ehlo_name, "mail.xn--mller-kva.de");
}

/* --- Good and bad values ---------------------------------------------------------------------- */

static SettingsPatch text_patch(guint bit, const char *text)
{
    SettingsPatch patch = {.present = bit};
    if (bit == SETTINGS_HOST)
        patch.host = text;
    else if (bit == SETTINGS_SECURITY)
        patch.security = text;
    else if (bit == SETTINGS_USERNAME)
        patch.username = text;
    else if (bit == SETTINGS_FROM_EMAIL)
        patch.from_email = text;
    else if (bit == SETTINGS_FROM_NAME)
        patch.from_name = text;
    else
        patch.ehlo_name = text;
    return patch;
}

static const struct {
    guint bit;
    const char *field;
} text_fields[] = {
    {SETTINGS_HOST, "host"},
    {SETTINGS_SECURITY, "security"},
    {SETTINGS_USERNAME, "username"},
    {SETTINGS_FROM_EMAIL, "from_email"},
    {SETTINGS_FROM_NAME, "from_name"},
    {SETTINGS_EHLO_NAME, "ehlo_name"},
};

static void assert_one_fault(const SettingsPatch *patch, const char *field, const char *code)
{
    g_autoptr(SmtpSettings) settings = make_full();
    g_autoptr(SmtpSettings) before = settings_copy(settings);
    g_autoptr(GPtrArray) faults = refuse(settings, patch);
    const SettingsFault *fault = g_ptr_array_index(faults, 0);
    assert_int_equal(faults->len, 1);
    assert_string_equal(fault->field, field);
    if (strcmp(fault->code, code) != 0)
        fail_msg("%s: %s, not %s", field, fault->code, code);
    assert_true(fault->detail != NULL && g_str_has_suffix(fault->detail, "."));
    assert_true(settings_same_destination(settings, before)); /* nothing changed */
}

static void control_characters_are_refused_in_every_text(void **state)
{
    static const char *const bad[] = {"smtp.example.de\r\nRCPT TO:<x@y.de>", "\rsmtp.example.de",
        "smtp.example.de\n", "anna@example.de\r", "a\tb", "a\x1b[31m", "a\x7f", "a\xc2\x85z"};
    for (gsize f = 0; f < G_N_ELEMENTS(text_fields); f++) {
        for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
            SettingsPatch patch = text_patch(text_fields[f].bit, bad[i]);
            assert_one_fault(&patch, text_fields[f].field, "control_character");
        }
    }
}

static void wrong_values_are_named(void **state)
{
    static const struct {
        guint bit;
        const char *value, *code;
    } rows[] = {
        {SETTINGS_HOST, "smtp.example.de:587", "invalid_host"},
        {SETTINGS_HOST, "https://smtp.example.de", "invalid_host"},
        {SETTINGS_HOST, "anna@smtp.example.de", "invalid_host"},
        {SETTINGS_HOST, " smtp.example.de", "invalid_host"},
        {SETTINGS_HOST, "smtp..example.de", "invalid_host"},
        {SETTINGS_HOST, ".", "invalid_host"},
        {SETTINGS_HOST, "127.1", "invalid_host"},
        {SETTINGS_HOST, "0x7f000001", "invalid_host"},
        {SETTINGS_HOST, "a\xff", "invalid_utf8"},
        {SETTINGS_SECURITY, "none", "invalid_security"},
        {SETTINGS_SECURITY, "plain", "invalid_security"},
        {SETTINGS_SECURITY, "tls", "invalid_security"},
        {SETTINGS_SECURITY, "STARTTLS", "invalid_security"},
        {SETTINGS_SECURITY, "opportunistic", "invalid_security"},
        {SETTINGS_USERNAME, "\xc3", "invalid_utf8"},
        {SETTINGS_FROM_EMAIL, "anna", "invalid_address"},
        {SETTINGS_FROM_EMAIL, "anna@", "invalid_address"},
        {SETTINGS_FROM_EMAIL, "@example.de", "invalid_address"},
        {SETTINGS_FROM_EMAIL, "Anna <anna@example.de>", "invalid_address"},
        {SETTINGS_FROM_EMAIL, "anna@example.de, bob@example.de", "invalid_address"},
        {SETTINGS_FROM_EMAIL, "a@b@c.de", "invalid_address"},
        {SETTINGS_EHLO_NAME, "localhost", "invalid_ehlo_name"},
        {SETTINGS_EHLO_NAME, "mail", "invalid_ehlo_name"},
        {SETTINGS_EHLO_NAME, "192.0.2.1", "invalid_ehlo_name"},
        {SETTINGS_EHLO_NAME, "[192.0.2]", "invalid_ehlo_name"},
        {SETTINGS_EHLO_NAME, "mail example.de", "invalid_ehlo_name"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        SettingsPatch patch = text_patch(rows[i].bit, rows[i].value);
        const char *field = NULL;
        for (gsize f = 0; f < G_N_ELEMENTS(text_fields); f++) {
            if (text_fields[f].bit == rows[i].bit)
                field = text_fields[f].field;
        }
        assert_one_fault(&patch, field, rows[i].code);
    }
}

static void right_values_pass(void **state)
{
    static const struct {
        guint bit;
        const char *value;
    } rows[] = {
        {SETTINGS_HOST, "localhost"},
        {SETTINGS_HOST, "192.0.2.1"},
        {SETTINGS_HOST, "[2001:db8::1]"},
        {SETTINGS_SECURITY, "implicit"},
        {SETTINGS_SECURITY, "starttls"},
        {SETTINGS_USERNAME, "EXAMPLE\\anna müller"},
        {SETTINGS_FROM_EMAIL, "jörg@example.de"}, /* RFC 6531 */
        {SETTINGS_FROM_EMAIL, "\"a b\"@example.de"},
        {SETTINGS_FROM_NAME, "Verein \"Grüne Höfe\" e. V. 🌱"},
        {SETTINGS_EHLO_NAME, "[192.0.2.1]"},
        {SETTINGS_EHLO_NAME, "[IPv6:2001:db8::1]"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(SmtpSettings) settings = make_full();
        SettingsPatch patch = text_patch(rows[i].bit, rows[i].value);
        g_autoptr(SmtpSettings) next = apply(settings, &patch, NULL);
        assert_non_null(next);
    }
}

static void the_length_of_texts_is_limited(void **state)
{
    static const struct {
        guint bit;
        const char *field, *unit;
        gsize limit;
    } rows[] = {
        {SETTINGS_USERNAME, "username", "x", LIMIT_USERNAME_BYTES},
        {SETTINGS_USERNAME, "username", "ü", LIMIT_USERNAME_BYTES / 2},
        {SETTINGS_FROM_NAME, "from_name", "x", LIMIT_SENDER_NAME_CHARACTERS},
        {SETTINGS_FROM_NAME, "from_name", "ü", LIMIT_SENDER_NAME_CHARACTERS},
        {SETTINGS_HOST, "host", "x", 0},
        {SETTINGS_FROM_EMAIL, "from_email", "x", 0},
        {SETTINGS_EHLO_NAME, "ehlo_name", "x", 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        gsize n_longest = rows[i].limit == 0 ? 255 : rows[i].limit;
        GString *text = g_string_new(NULL);
        for (gsize n = 0; n < n_longest; n++)
            g_string_append(text, rows[i].unit);
        if (rows[i].limit != 0) {
            g_autoptr(SmtpSettings) settings = make_full();
            SettingsPatch longest = text_patch(rows[i].bit, text->str);
            g_autoptr(SmtpSettings) next = apply(settings, &longest, NULL);
            assert_non_null(next);
        }
        g_string_append(text, rows[i].unit);
        SettingsPatch patch = text_patch(rows[i].bit, text->str);
        assert_one_fault(&patch, rows[i].field, "too_long");
        g_string_free(text, TRUE);
    }
}

static void only_listed_ports_pass(void **state)
{
    static const gint64 allowed[] = {0, 465, 587, 588, 2465, 2525, 2587, 443, 1025, 10465};
    guint n_passed = 0;
    g_autoptr(SmtpSettings) settings = settings_new();
    for (gint64 port = -2; port <= 65540; port++) {
        g_autoptr(GPtrArray) faults = NULL;
        gboolean dropped, listed = FALSE;
        SettingsPatch patch = {.present = SETTINGS_PORT, .port = port};
        g_autoptr(SmtpSettings) next =
            settings_apply(settings, &patch, &ports, vault, ORG, NOW, &dropped, &faults);
        for (gsize i = 0; i < G_N_ELEMENTS(allowed); i++)
            listed = listed || allowed[i] == port;
        assert_int_equal(next != NULL, listed);
        n_passed += next != NULL ? 1 : 0;
        if (next == NULL) {
            const SettingsFault *fault = g_ptr_array_index(faults, 0);
            assert_string_equal(
                fault->code, port < 0 || port > 65535 ? "out_of_range" : "port_not_allowed");
        }
    }
    assert_int_equal(n_passed, G_N_ELEMENTS(allowed));
}

static void the_allowed_ports_are_named(void **state)
{
    g_autoptr(SmtpSettings) settings = settings_new();
    g_autoptr(GPtrArray) faults = NULL;
    gboolean dropped;
    SettingsPatch patch = {.present = SETTINGS_PORT, .port = 1025};
    assert_null(
        settings_apply(settings, &patch, &no_extra_ports, vault, ORG, NOW, &dropped, &faults));
    const SettingsFault *fault = g_ptr_array_index(faults, 0);
    assert_string_equal(fault->detail,
        "This port is not allowed. Allowed are 465, 587, 588, 2465, 2525, 2587, 443.");
}

static void numbers_have_their_range(void **state)
{
    static const struct {
        guint bit;
        gsize offset;
        const char *field;
        gint64 least, most;
    } rows[] = {
        {SETTINGS_MAX_CONNECTIONS, G_STRUCT_OFFSET(SettingsPatch, max_connections),
            "max_connections", 1, 20},
        {SETTINGS_WINDOW, G_STRUCT_OFFSET(SettingsPatch, window), "window", 1, 256},
        {SETTINGS_QUOTA, G_STRUCT_OFFSET(SettingsPatch, quota_per_minute), "quota/per_minute", 0,
            1000000},
        {SETTINGS_QUOTA, G_STRUCT_OFFSET(SettingsPatch, quota_per_hour), "quota/per_hour", 0,
            1000000},
        {SETTINGS_QUOTA, G_STRUCT_OFFSET(SettingsPatch, quota_per_day), "quota/per_day", 0,
            1000000},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        gint64 good[] = {rows[i].least, rows[i].most};
        gint64 bad[] = {rows[i].least - 1, rows[i].most + 1, G_MININT64, G_MAXINT64,
            G_GINT64_CONSTANT(1) << 32 | 1};
        for (gsize v = 0; v < G_N_ELEMENTS(good); v++) {
            g_autoptr(SmtpSettings) settings = make_full();
            SettingsPatch patch = {.present = rows[i].bit};
            G_STRUCT_MEMBER(gint64, &patch, rows[i].offset) = good[v];
            g_autoptr(SmtpSettings) next = apply(settings, &patch, NULL);
            assert_non_null(next);
        }
        for (gsize v = 0; v < G_N_ELEMENTS(bad); v++) {
            SettingsPatch patch = {.present = rows[i].bit};
            G_STRUCT_MEMBER(gint64, &patch, rows[i].offset) = bad[v];
            assert_one_fault(&patch, rows[i].field, "out_of_range");
        }
    }
}

static void passwords_are_any_bytes_without_line_ends(void **state)
{
    char longest[LIMIT_PASSWORD_BYTES + 1];
    memset(longest, 'x', sizeof longest);
    const struct {
        const char *bytes;
        gsize n;
        const char *code; /* NULL: good */
    } rows[] = {
        {" p\xc3\xa4ss\tw\x01rd\xff ", 12, NULL},
        {longest, LIMIT_PASSWORD_BYTES, NULL},
        {longest, LIMIT_PASSWORD_BYTES + 1, "too_long"},
        {"pass\0word", 9, "control_character"},
        {"password\0", 9, "control_character"},
        {"password\r", 9, "control_character"},
        {"pass\nword", 9, "control_character"},
        {"\r\n", 2, "control_character"},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(Secret) password = secret_new(rows[i].bytes, rows[i].n);
        SettingsPatch patch = {.present = SETTINGS_PASSWORD, .password = password};
        if (rows[i].code != NULL) {
            assert_one_fault(&patch, "password", rows[i].code);
            continue;
        }
        g_autoptr(SmtpSettings) settings = make_full();
        g_autoptr(SmtpSettings) next = apply(settings, &patch, NULL);
        g_autoptr(Secret) opened = settings_unseal_password(next, vault, ORG, NULL);
        assert_true(secret_equal(opened, password));
    }
}

static void all_faults_are_collected_and_nothing_changes(void **state)
{
    g_autoptr(SmtpSettings) settings = make_full();
    g_autoptr(SmtpSettings) before = settings_copy(settings);
    g_autoptr(Secret) password = secret_new("canary\r\n", 8);
    SettingsPatch patch = {
        .present = (SETTINGS_QUOTA << 1) - 1,
        .host = "a b",
        .port = 25,
        .security = "none",
        .username = "a\nb",
        .password = password,
        .from_email = "anna",
        .from_name = "Right",
        .ehlo_name = "localhost",
        .max_connections = 0,
        .window = 257,
        .quota_per_minute = -1,
        .quota_per_hour = -1,
        .quota_per_day = -1,
    };
    static const char *const fields[] = {"host", "port", "security", "username", "password",
        "from_email", "ehlo_name", "max_connections", "window", "quota/per_minute",
        "quota/per_hour", "quota/per_day"};
    g_autoptr(GPtrArray) faults = refuse(settings, &patch);
    assert_int_equal(faults->len, G_N_ELEMENTS(fields));
    for (gsize f = 0; f < G_N_ELEMENTS(fields); f++) {
        guint n_named = 0;
        for (guint i = 0; i < faults->len; i++) {
            const SettingsFault *fault = g_ptr_array_index(faults, i);
            assert_null(strstr(fault->detail, "canary"));
            n_named += strcmp(fault->field, fields[f]) == 0 ? 1 : 0;
        }
        assert_int_equal(n_named, 1);
    }
    assert_true(settings_same_destination(settings, before));
    assert_string_equal(settings->from_name, "Anna Müller");
    assert_password(settings, "hunter2");
}

/* --- The stored password (DESIGN rule 2, threats.md T1) --------------------------------------- */

enum { HOST = 1, PORT = 2, SECURITY = 4, USERNAME = 8 };

static SettingsPatch destination_patch(int changed)
{
    SettingsPatch patch = {
        .present = SETTINGS_HOST | SETTINGS_PORT | SETTINGS_SECURITY | SETTINGS_USERNAME |
                   SETTINGS_PASSWORD,
        .host = (changed & HOST) != 0 ? "rogue.example.net" : "smtp.example.de",
        .port = (changed & PORT) != 0 ? 2587 : 587,
        .security = (changed & SECURITY) != 0 ? "implicit" : "starttls",
        .username = (changed & USERNAME) != 0 ? "eve" : "anna",
    };
    return patch;
}

static void a_password_stays_only_with_its_destination(void **state)
{
    for (int changed = 0; changed < 16; changed++) {
        g_autoptr(SmtpSettings) settings = make_full();
        SettingsPatch patch = destination_patch(changed);
        gboolean dropped = FALSE;
        g_autoptr(SmtpSettings) next = apply(settings, &patch, &dropped);
        assert_int_equal(dropped, changed != 0);
        assert_int_equal(next->password_sealed == NULL, changed != 0);
        assert_int_equal(next->password_set_at == 0, changed != 0);
        assert_int_equal(settings_missing(next).n > 0, changed != 0);
        g_autoptr(GError) error = NULL;
        g_autoptr(Secret) password = settings_unseal_password(next, vault, ORG, &error);
        assert_int_equal(password == NULL, changed != 0);
        if (changed != 0)
            assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_NOT_FOUND));
        assert_password(settings, "hunter2"); /* what it was made from is untouched */
    }
}

static void a_smuggled_password_does_not_open_elsewhere(void **state)
{
    g_autoptr(SmtpSettings) settings = make_full();
    for (int changed = 1; changed < 16; changed++) {
        SettingsPatch patch = destination_patch(changed);
        g_autoptr(SmtpSettings) next = apply(settings, &patch, NULL);
        next->password_sealed = g_bytes_ref(settings->password_sealed);
        g_autoptr(GError) error = NULL;
        assert_null(settings_unseal_password(next, vault, ORG, &error));
        assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_SECRET));
    }
    g_autoptr(GError) error = NULL;
    assert_null(settings_unseal_password(settings, vault, ORG + 1, &error));
    assert_true(g_error_matches(error, ABS_ERROR, ABS_ERROR_SECRET));
}

static void a_new_password_belongs_to_the_new_destination(void **state)
{
    for (int changed = 0; changed < 16; changed++) {
        g_autoptr(SmtpSettings) settings = make_full();
        g_autoptr(Secret) password = secret_new("second", 6);
        SettingsPatch patch = destination_patch(changed);
        patch.password = password;
        gboolean dropped = TRUE;
        g_autoptr(SmtpSettings) next = apply(settings, &patch, &dropped);
        assert_false(dropped);
        assert_password(next, "second");
    }
}

static void an_empty_password_keeps_the_stored_one(void **state)
{
    g_autoptr(Secret) empty = secret_new("", 0);
    const Secret *const blanks[] = {NULL, empty};
    for (gsize i = 0; i < G_N_ELEMENTS(blanks); i++) {
        g_autoptr(SmtpSettings) settings = make_full();
        SettingsPatch patch = {.present = SETTINGS_PASSWORD, .password = blanks[i]};
        gboolean dropped = TRUE;
        g_autoptr(SmtpSettings) next = apply(settings, &patch, &dropped);
        assert_false(dropped);
        assert_password(next, "hunter2");
    }
}

static void what_is_in_force_decides(void **state)
{
    static const struct {
        const char *name;
        SettingsPatch patch;
        gboolean dropped;
    } rows[] = {
        {"sender, user name set", {.present = SETTINGS_FROM_EMAIL, .from_email = "bob@example.de"},
            FALSE},
        {"host in other spelling", {.present = SETTINGS_HOST, .host = "SMTP.EXAMPLE.DE."}, FALSE},
        {"port to its default", {.present = SETTINGS_PORT, .port = 0}, FALSE},
        {"security to its default", {.present = SETTINGS_SECURITY}, FALSE},
        {"sender name, pace",
            {.present = SETTINGS_FROM_NAME | SETTINGS_WINDOW, .from_name = "B", .window = 1},
            FALSE},
        {"EHLO name", {.present = SETTINGS_EHLO_NAME, .ehlo_name = "b.example.de"}, FALSE},
        {"user name in other case", {.present = SETTINGS_USERNAME, .username = "Anna"}, TRUE},
        {"user name to its default", {.present = SETTINGS_USERNAME}, TRUE},
        {"host emptied", {.present = SETTINGS_HOST}, TRUE},
        {"port 465, security set", {.present = SETTINGS_PORT, .port = 465}, TRUE},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(SmtpSettings) settings = make_full();
        gboolean dropped = FALSE;
        g_autoptr(SmtpSettings) next = apply(settings, &rows[i].patch, &dropped);
        if (dropped != rows[i].dropped)
            fail_msg("%s", rows[i].name);
        if (!dropped)
            assert_password(next, "hunter2");
    }
}

static SmtpSettings *make_without_username(void)
{
    g_autoptr(SmtpSettings) settings = make_full();
    g_autoptr(Secret) password = secret_new("hunter2", 7);
    SettingsPatch patch = {
        .present = SETTINGS_USERNAME | SETTINGS_SECURITY | SETTINGS_PASSWORD, .password = password};
    return apply(settings, &patch, NULL);
}

static void the_sender_counts_while_the_user_name_is_empty(void **state)
{
    g_autoptr(SmtpSettings) settings = make_without_username();
    SettingsPatch sender = {.present = SETTINGS_FROM_EMAIL, .from_email = "bob@example.de"};
    gboolean dropped = FALSE;
    g_autoptr(SmtpSettings) next = apply(settings, &sender, &dropped);
    assert_true(dropped);
    assert_null(next->password_sealed);

    SettingsPatch spelled_out = {.present = SETTINGS_USERNAME, .username = "anna@example.de"};
    g_autoptr(SmtpSettings) same = apply(settings, &spelled_out, &dropped);
    assert_false(dropped);
    assert_password(same, "hunter2");
}

static void a_port_takes_unset_security_with_it(void **state)
{
    g_autoptr(SmtpSettings) unset = make_without_username(), set = make_full();
    SettingsPatch patch = {.present = SETTINGS_PORT, .port = 465};
    g_autoptr(SmtpSettings) follows = apply(unset, &patch, NULL);
    g_autoptr(SmtpSettings) stays = apply(set, &patch, NULL);
    assert_int_equal(settings_security(follows), TLS_MODE_IMPLICIT);
    assert_int_equal(follows->security, 0);
    assert_int_equal(settings_security(stays), TLS_MODE_STARTTLS);
}

static void nothing_is_dropped_where_nothing_was(void **state)
{
    g_autoptr(SmtpSettings) empty = settings_new();
    SettingsPatch patch = {.present = SETTINGS_HOST, .host = "smtp.example.de"};
    gboolean dropped = TRUE;
    g_autoptr(SmtpSettings) next = apply(empty, &patch, &dropped);
    assert_null(next->password_sealed);
    assert_false(dropped);
}

int main(void)
{
    secret_init();
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_is_taken),
        cmocka_unit_test(what_is_not_present_stays),
        cmocka_unit_test(empty_text_empties_a_field),
        cmocka_unit_test(names_are_kept_in_their_wire_form),
        cmocka_unit_test(control_characters_are_refused_in_every_text),
        cmocka_unit_test(wrong_values_are_named),
        cmocka_unit_test(right_values_pass),
        cmocka_unit_test(the_length_of_texts_is_limited),
        cmocka_unit_test(only_listed_ports_pass),
        cmocka_unit_test(the_allowed_ports_are_named),
        cmocka_unit_test(numbers_have_their_range),
        cmocka_unit_test(passwords_are_any_bytes_without_line_ends),
        cmocka_unit_test(all_faults_are_collected_and_nothing_changes),
        cmocka_unit_test(a_password_stays_only_with_its_destination),
        cmocka_unit_test(a_smuggled_password_does_not_open_elsewhere),
        cmocka_unit_test(a_new_password_belongs_to_the_new_destination),
        cmocka_unit_test(an_empty_password_keeps_the_stored_one),
        cmocka_unit_test(what_is_in_force_decides),
        cmocka_unit_test(the_sender_counts_while_the_user_name_is_empty),
        cmocka_unit_test(a_port_takes_unset_security_with_it),
        cmocka_unit_test(nothing_is_dropped_where_nothing_was),
    };
    return cmocka_run_group_tests(tests, open_vault, close_vault);
}
