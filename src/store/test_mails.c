#include "store/test_mails.h"

#include "base/error.h"
#include "base/limits.h"

static const char *const folder_names[] = {
    [TEST_MAIL_NO_FOLDER] = NULL, [TEST_MAIL_INBOX] = "inbox", [TEST_MAIL_SPAM] = "spam"};

const char *test_mail_folder_name(TestMailFolder folder)
{
    return folder_names[folder];
}

gboolean test_mail_folder_parse(const char *name, TestMailFolder *folder)
{
    for (TestMailFolder i = TEST_MAIL_INBOX; i <= TEST_MAIL_SPAM; i++) {
        if (g_strcmp0(name, folder_names[i]) == 0) {
            *folder = i;
            return TRUE;
        }
    }
    return FALSE;
}

void test_mail_free(TestMail *mail)
{
    if (!mail)
        return;
    g_free(mail->recipient);
    g_free(mail);
}

static gboolean forget_oldest(Db *db, gint64 org_id, GError **error)
{
    g_autoptr(DbQuery) q =
        db_query(db, "DELETE FROM test_mails WHERE org_id = $1 AND row NOT IN "
                     "(SELECT row FROM test_mails WHERE org_id = $1 ORDER BY row DESC LIMIT $2)");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, LIMIT_TEST_MAILS);
    return db_finish(q, error);
}

gboolean test_mail_add(Db *db, const TestMail *mail, GError **error)
{
    g_autoptr(DbQuery) q = db_query(db,
        "INSERT INTO test_mails (org_id, email_id, token_hash, config_version, recipient, sent_at) "
        "VALUES ($1, $2, $3, $4, $5, $6)");
    db_bind_int(q, 1, mail->org_id);
    db_bind_id(q, 2, &mail->email_id);
    db_bind_blob(q, 3, mail->token_hash, TEST_MAIL_HASH_BYTES);
    db_bind_int(q, 4, mail->config_version);
    db_bind_text(q, 5, mail->recipient);
    db_bind_int(q, 6, mail->sent_at);
    store_note_change(db, STORE_CHANGED_SETTINGS, mail->org_id, NULL);
    return db_finish(q, error) && forget_oldest(db, mail->org_id, error);
}

#define COLUMNS "org_id, email_id, config_version, recipient, sent_at, arrived_at, folder"

static TestMail *read_mail(DbQuery *q)
{
    TestMail *mail = g_new0(TestMail, 1);
    mail->org_id = db_int(q, 0);
    db_id(q, 1, &mail->email_id);
    mail->config_version = db_int(q, 2);
    mail->recipient = db_dup_text(q, 3);
    mail->sent_at = db_int(q, 4);
    mail->arrived_at = db_int(q, 5);
    mail->folder = (TestMailFolder)db_int(q, 6);
    return mail;
}

TestMail *test_mail_last(Db *db, gint64 org_id, GError **error)
{
    g_autoptr(TestMail) mail = NULL;
    g_autoptr(DbQuery) q = db_query(db, "SELECT " COLUMNS " FROM test_mails WHERE org_id = $1 "
                                        "ORDER BY row DESC LIMIT 1");
    db_bind_int(q, 1, org_id);
    if (db_next(q))
        mail = read_mail(q);
    return db_finish(q, error) ? g_steal_pointer(&mail) : NULL;
}

static TestMail *find_by_token(
    Db *db, const guint8 token_hash[TEST_MAIL_HASH_BYTES], GError **error)
{
    g_autoptr(TestMail) mail = NULL;
    g_autoptr(DbQuery) q = db_query(db, "SELECT " COLUMNS " FROM test_mails WHERE token_hash = $1");
    db_bind_blob(q, 1, token_hash, TEST_MAIL_HASH_BYTES);
    if (db_next(q))
        mail = read_mail(q);
    if (!db_finish(q, error))
        return NULL;
    if (!mail)
        g_set_error(error, ABS_ERROR, ABS_ERROR_NOT_FOUND, "no test mail has this token");
    return g_steal_pointer(&mail);
}

gboolean test_mail_is_known(Db *db, const guint8 token_hash[TEST_MAIL_HASH_BYTES], GError **error)
{
    g_autoptr(TestMail) mail = find_by_token(db, token_hash, error);
    return mail != NULL;
}

/* A clock that was put back counts as "just now". */
static gboolean may_be_changed(const TestMail *mail, WallMs now)
{
    return mail->arrived_at == 0 || now - mail->arrived_at <= LIMIT_TEST_FOLDER_MS;
}

TestMail *test_mail_arrive(Db *db, const guint8 token_hash[TEST_MAIL_HASH_BYTES],
    TestMailFolder folder, WallMs now, GError **error)
{
    g_autoptr(TestMail) mail = find_by_token(db, token_hash, error);
    if (!mail)
        return NULL;
    if (mail->folder == folder || !may_be_changed(mail, now))
        return g_steal_pointer(&mail);
    mail->folder = folder;
    if (mail->arrived_at == 0)
        mail->arrived_at = MAX(now, mail->sent_at);
    g_autoptr(DbQuery) q =
        db_query(db, "UPDATE test_mails SET arrived_at = $2, folder = $3 WHERE token_hash = $1");
    db_bind_blob(q, 1, token_hash, TEST_MAIL_HASH_BYTES);
    db_bind_int(q, 2, mail->arrived_at);
    db_bind_int(q, 3, mail->folder);
    store_note_change(db, STORE_CHANGED_SETTINGS, mail->org_id, NULL);
    return db_finish(q, error) ? g_steal_pointer(&mail) : NULL;
}

gboolean test_mails_move(
    Db *db, gint64 org_id, gint64 from_version, gint64 to_version, GError **error)
{
    g_autoptr(DbQuery) q = db_query(
        db, "UPDATE test_mails SET config_version = $3 WHERE org_id = $1 AND config_version = $2");
    db_bind_int(q, 1, org_id);
    db_bind_int(q, 2, from_version);
    db_bind_int(q, 3, to_version);
    return db_finish(q, error);
}
