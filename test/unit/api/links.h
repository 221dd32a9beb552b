/* For tests of links in mails: settings become active, and the mail that carries a link is read as
 * the courier would read it. */
#pragma once

#include "fixture.h"

#include "store/emails.h"
#include "store/recipients.h"
#include "store/smtp_settings.h"

static inline gboolean links_activate_job(Db *db, gpointer data, GError **error)
{
    g_autoptr(SmtpState) state = smtp_state_read(db, STORE_DEFAULT_ORG, error);
    return state && smtp_activate(db, STORE_DEFAULT_ORG, state->draft, state->revision,
                        clock_wall_ms(), error);
}

/* Settings are active; sending stays paused, as in every new organisation, so mails are held. */
static inline void links_activate(Fixture *self)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(Reply) draft = ask_member(self, "PATCH /v1/smtp/draft", "If-Match: *\r\n",
        "{\"host\":\"smtp.example.com\",\"port\":587,\"from_email\":\"office@example.com\","
        "\"from_name\":\"Office\",\"password\":\"secret\"}");
    assert_reply(draft, 200, NULL);
    store_run(self->store, links_activate_job, NULL, &error);
    assert_null(error);
}

/* The content of the mail with this id, its soft line ends (RFC 2045 6.7) removed. */
static inline char *links_mail(Fixture *self, const char *email_id)
{
    Id id;
    assert_true(id_parse(email_id, "em", &id));
    Db *db = store_reader_take(self->store);
    g_autoptr(EmailRow) row = emails_get(db, STORE_DEFAULT_ORG, &id, NULL);
    assert_non_null(row);
    gint64 recipient = recipients_first_row(row->row);
    EmailDelivery *delivery = NULL;
    GError *fault = NULL;
    emails_deliveries(db, self->vault, STORE_DEFAULT_ORG, &recipient, 1, &delivery, &fault);
    assert_null(fault);
    assert_non_null(delivery);
    gsize n;
    const char *content = g_bytes_get_data(delivery->content, &n);
    GString *text = g_string_new_len(content, (gssize)n);
    g_string_replace(text, "=\r\n", "", 0);
    email_delivery_free(delivery);
    store_reader_give(self->store, db);
    return g_string_free(text, FALSE);
}

static inline void assert_mail_state(Fixture *self, const char *email_id, const char *state)
{
    g_autofree char *line = g_strdup_printf("GET /v1/emails/%s", email_id);
    g_autoptr(Reply) reply = ask_control(self, line, NULL);
    assert_reply(reply, 200, NULL);
    assert_string_equal(reply_text(reply, "state"), state);
}

/* What stands behind the last slash of a link. */
static inline const char *links_token(const char *link)
{
    return strrchr(link, '/') + 1;
}

/* {"token": …} and what else there is ("" or ",\"name\":…") sent to a public route. */
static inline Reply *links_send(
    const Fixture *self, const char *line, const char *token, const char *more)
{
    g_autofree char *body = g_strdup_printf("{\"token\":\"%s\"%s}", token, more);
    return ask(self, line, "", body);
}

/* The number a query of the database gives. */
static inline gint64 links_count(Fixture *self, DbQuery *(*make)(Db *db))
{
    Db *db = store_reader_take(self->store);
    DbQuery *q = make(db);
    gint64 n = db_next(q) ? db_int(q, 0) : -1;
    assert_true(db_finish(q, NULL));
    store_reader_give(self->store, db);
    return n;
}
