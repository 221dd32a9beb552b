/* Whatever a server announces: nothing is chosen that was not offered and allowed, and no number
 * leaves its range. */
#include "smtp/capabilities.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    guint allowed = data[0];
    g_autofree char *text = g_strndup((const char *)data + 1, size - 1);
    g_autoptr(SmtpReply) reply = smtp_reply_new(250, NULL, text);
    SmtpCapabilities read, again;
    memset(&again, 0xff, sizeof again); /* what was there before must not shine through */
    smtp_capabilities_read(reply, &read);
    smtp_capabilities_read(reply, &again);
    g_assert(memcmp(&read, &again, sizeof read) == 0);

    guint chosen = smtp_capabilities_choose_auth(&read, allowed);
    g_assert((chosen & ~allowed) == 0 && (chosen & ~read.auth_mechanisms) == 0);
    g_assert(chosen == 0 || smtp_auth_mechanism_name(chosen) != NULL);
    g_assert(read.auth || read.auth_mechanisms == 0);
    g_assert(read.size_known || read.size_max == 0);
    g_assert(read.limit_mailmax <= 999999 && read.limit_rcptmax <= 999999);
    if (strchr(text, '\n') == NULL) /* the greeting line announces nothing */
        g_assert(!read.starttls && !read.auth && !read.pipelining && !read.size_known);
    return 0;
}
