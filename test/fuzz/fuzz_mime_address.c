/* Property: what is read as a mailbox is one line within the limits, and its written form is read
 * as the same mailbox again. */
#include "base/limits.h"
#include "base/text.h"
#include "mime/address.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_stable(const MimeAddress *address)
{
    g_autofree char *text = mime_mailbox_format(address);
    g_assert(text_is_one_line(text, FALSE));
    g_autoptr(MimeAddress) again = mime_mailbox_parse(text, NULL);
    g_assert(again != NULL);
    g_assert(mime_address_equal(address, again));
    g_assert_cmpstr(again->addr_spec, ==, address->addr_spec);
    g_assert_cmpstr(again->name, ==, address->name);
    g_autofree char *text_again = mime_mailbox_format(again);
    g_assert_cmpstr(text_again, ==, text);
}

static void check_parts(const MimeAddress *address)
{
    g_assert(strlen(address->local_part) <= LIMIT_LOCAL_PART_OCTETS);
    g_assert(strlen(address->addr_spec) <= LIMIT_ADDRESS_OCTETS);
    g_assert(g_str_is_ascii(address->domain));
    g_assert(address->needs_smtputf8 == !g_str_is_ascii(address->local_part));
    g_autofree char *both = g_strdup_printf("%s@%s", address->local_part, address->domain);
    g_assert_cmpstr(both, ==, address->addr_spec);
    if (address->local_part[0] != '"') /* outside quotes nothing may end or split a command */
        g_assert(strpbrk(address->local_part, " <>,;:@\"\\()[]") == NULL);
    g_assert(strpbrk(address->domain, " <>,;@\"\\()") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(MimeAddress) address = mime_mailbox_parse(text, &error);
    g_assert((address == NULL) == (error != NULL));
    g_autoptr(MimeAddress) bare = mime_address_parse(text, NULL);
    g_assert(bare == NULL || (address != NULL && mime_address_equal(bare, address)));
    if (address != NULL) {
        check_parts(address);
        check_stable(address);
    }
    return 0;
}
