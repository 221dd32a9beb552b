/* Test mails and whether they arrived. Each carries a link with a token of its own; only the hash
 * of the token is kept. Whoever opens the link says in which folder the mail lay: that is the proof
 * that no SMTP reply can give. At most LIMIT_TEST_MAILS for each org; the oldest go. */
#pragma once

#include "store/store.h"

#define TEST_MAIL_HASH_BYTES 32

typedef enum {
    TEST_MAIL_NO_FOLDER = 0, /* nobody has said */
    TEST_MAIL_INBOX = 1,
    TEST_MAIL_SPAM = 2,
} TestMailFolder;
const char *test_mail_folder_name(TestMailFolder folder); /* "inbox", "spam"; NULL for none */
gboolean test_mail_folder_parse(const char *name, TestMailFolder *folder);

typedef struct {
    gint64 org_id;
    Id email_id;
    guint8 token_hash[TEST_MAIL_HASH_BYTES];
    gint64 config_version; /* of the settings it was sent with */
    char *recipient;
    WallMs sent_at, arrived_at; /* arrived_at 0: nobody has said */
    TestMailFolder folder;
} TestMail;
void test_mail_free(TestMail *mail);

/* Inside the job that queues the mail. */
gboolean test_mail_add(Db *db, const TestMail *mail, GError **error);

/* The newest; NULL without error: there is none. */
TestMail *test_mail_last(Db *db, gint64 org_id, GError **error);

/* FALSE with ABS_ERROR_NOT_FOUND if no mail has this token. Reads only. */
gboolean test_mail_is_known(Db *db, const guint8 token_hash[TEST_MAIL_HASH_BYTES], GError **error);

/* Somebody has opened the link. The first answer sets the time; for LIMIT_TEST_FOLDER_MS after it
 * the folder may be changed, then what was said stays. The mail as it is afterwards; NULL with
 * ABS_ERROR_NOT_FOUND if no mail has this token. Notes SETTINGS if something changed. */
TestMail *test_mail_arrive(Db *db, const guint8 token_hash[TEST_MAIL_HASH_BYTES],
    TestMailFolder folder, WallMs now, GError **error);

/* Other limits for the same settings (smtp_limits_write): what was sent with them still was. */
gboolean test_mails_move(
    Db *db, gint64 org_id, gint64 from_version, gint64 to_version, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(TestMail, test_mail_free)
