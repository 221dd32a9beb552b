/* Mails for the tests of what happens to many of them: taken, and brought to their end. */
#pragma once

#include "scratch.h"
#include "store/emails.h"
#include "store/recipients.h"

#define ORG STORE_DEFAULT_ORG

/* One mail to n recipients, taken at `now`; its row. */
static inline gint64 mails_take(Scratch *self, EmailClass class, guint n, gsize bytes, WallMs now)
{
    g_autoptr(EmailNew) email = email_new_alloc();
    g_autofree char *content = g_strnfill(bytes, 'x');
    g_autoptr(GError) error = NULL;
    email->org_id = ORG;
    email->id = id_fresh(now);
    email->class = class;
    email->sender = g_strdup("shop@example.de");
    email->from = g_strdup("Shop <shop@example.de>");
    email->to = g_strdup("anna.mustermann@example.com");
    email->subject = g_strdup("Your order 4711 is on its way");
    email->message_id = g_strdup("<0193f5c0e1c27abc8def0123456789ab@example.de>");
    email->content = g_bytes_new(content, bytes);
    email->created_at = now;
    for (guint i = 0; i < n; i++)
        g_ptr_array_add(email->recipients, g_strdup_printf("anna%u@example.com", i));
    ok(emails_insert(self->db, self->vault, email, &error), error);
    return scratch_number(self, "SELECT MAX(row) FROM emails");
}

/* What came of one recipient: after an attempt, unless it expired. */
static inline void mails_end(
    Scratch *self, gint64 email_row, guint position, EmailState state, WallMs now)
{
    gint64 recipient = recipients_first_row(email_row) + position;
    const EmailAttempt attempt = {.recipient_id = recipient,
        .state = state,
        .at = now,
        .counts = TRUE,
        .phase = "after_data",
        .reply_code = 250,
        .server = "mail.example.de"};
    g_autoptr(GError) fault = NULL;
    g_autoptr(GError) error = NULL;
    gboolean marked = TRUE;
    if (state != EMAIL_EXPIRED)
        ok(emails_mark_sending(self->db, ORG, &recipient, 1, now, &marked, &error), error);
    assert_true(marked);
    ok(emails_record_attempts(self->db, ORG, &attempt, 1, &fault, &error), error);
    ok(!fault, fault);
}
