/* DKIM keys and DMARC records: a key that is found is strong enough, a record that is read has its
 * policies, and both are tag lists. */
#include "domain/dkim.h"
#include "domain/dmarc.h"
#include "domain/tags.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size);

static gboolean is_policy(DmarcPolicy policy)
{
    return policy >= DMARC_POLICY_NONE && policy <= DMARC_POLICY_REJECT;
}

int LLVMFuzzerTestOneInput(const guint8 *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(Tags) tags = tags_parse(text);
    g_autoptr(DkimKey) key = dkim_key_read(text);
    g_assert((key->fault != DKIM_FAULT_NONE) == (key->state == DKIM_KEY_BROKEN));
    if (key->state == DKIM_KEY_FOUND)
        g_assert(tags && (key->is_ed25519 ? key->bits == 256 : key->bits >= 1024));
    g_assert(tags || key->state == DKIM_KEY_BROKEN);
    DmarcRecord record;
    if (dmarc_record_read(text, &record)) {
        g_assert(tags && strcmp(tags_get(tags, "v"), "DMARC1") == 0);
        g_assert(is_policy(record.policy) && is_policy(record.subdomain) &&
                 is_policy(record.nonexistent));
        g_assert(dmarc_record_is_meant(text));
    }
    return 0;
}
