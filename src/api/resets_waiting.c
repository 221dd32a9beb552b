#include "api/resets_waiting.h"

#include "api/link_mail.h"
#include "api/words/link_text.h"
#include "base/limits.h"

gboolean resets_waiting(Db *db, gint64 org_id, EmailGate gate, WallMs now, guint *n, GError **error)
{
    const ResetFilter filter = {.org_id = org_id, .only_open = TRUE, .limit = LIMIT_PAGE};
    gboolean has_more = FALSE;
    g_autoptr(GPtrArray) open = resets_list(db, &filter, &has_more, error);
    *n = 0;
    for (guint i = 0; open && i < open->len; i++) {
        const Reset *reset = open->pdata[i];
        LinkMail mail;
        if (!link_mail_read(
                db, org_id, reset->has_email ? &reset->email_id : NULL, gate, &mail, error))
            return FALSE;
        if (link_text_reset_state(reset, &mail, now) == RESET_TO_HAND_OVER)
            (*n)++;
    }
    return open != NULL;
}
