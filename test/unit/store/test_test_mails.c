#include "base/limits.h"
#include "scratch.h"
#include "store/test_mails.h"

#define ORG STORE_DEFAULT_ORG

/* Number n; its token's hash is n, then zeros. */
static void add(Scratch *self, guint8 n, WallMs sent_at)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *recipient = g_strdup_printf("anna%d@example.de", n);
    TestMail mail = {.org_id = ORG,
        .email_id = scratch_id(self, sent_at),
        .token_hash = {n},
        .config_version = n,
        .recipient = recipient,
        .sent_at = sent_at};
    ok(test_mail_add(self->db, &mail, &error), error);
}

static TestMail *arrive(Scratch *self, guint8 n, TestMailFolder folder, WallMs now)
{
    const guint8 hash[TEST_MAIL_HASH_BYTES] = {n};
    g_autoptr(GError) error = NULL;
    TestMail *mail = test_mail_arrive(self->db, hash, folder, now, &error);
    ok(mail, error);
    return mail;
}

static void there_is_none_at_first(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    assert_null(test_mail_last(self->db, ORG, &error));
    assert_null(error);
}

static void the_last_is_the_newest(void **state)
{
    Scratch *self = *state;
    g_autoptr(GError) error = NULL;
    add(self, 1, T0);
    add(self, 2, T0 + 1);
    g_autoptr(TestMail) last = test_mail_last(self->db, ORG, &error);
    ok(last, error);
    assert_string_equal(last->recipient, "anna2@example.de");
    assert_int_equal(last->config_version, 2);
    assert_true(last->sent_at == T0 + 1);
    assert_int_equal(last->arrived_at, 0);
    assert_int_equal(last->folder, TEST_MAIL_NO_FOLDER);
    assert_null(test_mail_last(self->db, ORG + 1, &error));
}

static void an_unknown_token_finds_nothing(void **state)
{
    Scratch *self = *state;
    const guint8 hash[TEST_MAIL_HASH_BYTES] = {9};
    add(self, 1, T0);
    refused(test_mail_arrive(self->db, hash, TEST_MAIL_INBOX, T0, error_out), ABS_ERROR_NOT_FOUND);
}

static void the_first_answer_counts_and_the_folder_may_be_corrected_for_a_day(void **state)
{
    static const struct {
        const char *name;
        TestMailFolder folder;
        WallMs after;
        TestMailFolder expected;
        guint told;
    } steps[] = {
        {"the first answer", TEST_MAIL_INBOX, 10, TEST_MAIL_INBOX, 1},
        {"the same again", TEST_MAIL_INBOX, 20, TEST_MAIL_INBOX, 0},
        {"corrected", TEST_MAIL_SPAM, 30, TEST_MAIL_SPAM, 1},
        {"corrected at the last moment", TEST_MAIL_INBOX, 10 + LIMIT_TEST_FOLDER_MS,
            TEST_MAIL_INBOX, 1},
        {"too late", TEST_MAIL_SPAM, 11 + LIMIT_TEST_FOLDER_MS, TEST_MAIL_INBOX, 0},
    };
    Scratch *self = *state;
    add(self, 1, T0);
    for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
        scratch_forget_changes(self);
        g_autoptr(TestMail) mail = arrive(self, 1, steps[i].folder, T0 + steps[i].after);
        if (mail->folder != steps[i].expected)
            fail_msg("%s", steps[i].name);
        assert_true(mail->arrived_at == T0 + 10);
        assert_int_equal(scratch_count_changes(self, STORE_CHANGED_SETTINGS), steps[i].told);
    }
    g_autoptr(GError) error = NULL;
    g_autoptr(TestMail) last = test_mail_last(self->db, ORG, &error);
    assert_int_equal(last->folder, TEST_MAIL_INBOX);
    assert_true(last->arrived_at == T0 + 10);
}

static void no_mail_arrives_before_it_was_sent(void **state)
{
    Scratch *self = *state;
    add(self, 1, T0);
    g_autoptr(TestMail) mail = arrive(self, 1, TEST_MAIL_SPAM, T0 - 5000); /* the clock was set */
    assert_true(mail->arrived_at == T0);
}

static void the_oldest_are_forgotten(void **state)
{
    Scratch *self = *state;
    const guint8 hash[TEST_MAIL_HASH_BYTES] = {1};
    for (guint8 n = 1; n <= LIMIT_TEST_MAILS + 1; n++)
        add(self, n, T0 + n);
    assert_int_equal(scratch_number(self, "SELECT count(*) FROM test_mails"), LIMIT_TEST_MAILS);
    refused(test_mail_arrive(self->db, hash, TEST_MAIL_INBOX, T0, error_out), ABS_ERROR_NOT_FOUND);
}

static void folders_have_names(void **state)
{
    TestMailFolder folder = TEST_MAIL_NO_FOLDER;
    assert_true(test_mail_folder_parse("spam", &folder));
    assert_int_equal(folder, TEST_MAIL_SPAM);
    assert_string_equal(test_mail_folder_name(TEST_MAIL_INBOX), "inbox");
    assert_null(test_mail_folder_name(TEST_MAIL_NO_FOLDER));
    assert_false(test_mail_folder_parse("junk", &folder));
    assert_false(test_mail_folder_parse(NULL, &folder));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCRATCH_TEST(there_is_none_at_first),
        SCRATCH_TEST(the_last_is_the_newest),
        SCRATCH_TEST(an_unknown_token_finds_nothing),
        SCRATCH_TEST(the_first_answer_counts_and_the_folder_may_be_corrected_for_a_day),
        SCRATCH_TEST(no_mail_arrives_before_it_was_sent),
        SCRATCH_TEST(the_oldest_are_forgotten),
        cmocka_unit_test(folders_have_names),
    };
    secret_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
