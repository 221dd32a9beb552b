#include "api/member_fields.h"

#include "api/words/language.h"
#include "base/limits.h"
#include "base/text.h"
#include "mime/address.h"
#include "people/access.h"

#include <string.h>

const char *member_fields_required(JsonObject *object, const char *name)
{
    guint before = object->faults->list->len;
    const char *text = json_object_take_text(object, name);
    if ((!text || !*text) && object->faults->list->len == before)
        json_object_fault(object, name, "required", NULL);
    return text && *text ? text : NULL;
}

void member_fields_check_name(JsonObject *object, const char *name, const char *value)
{
    if (value && !text_is_one_line(value, FALSE))
        json_object_fault(object, name, "control_character", "The name must be one line.");
    else if (value && g_utf8_strlen(value, -1) > LIMIT_SENDER_NAME_CHARACTERS)
        json_object_fault(object, name, "too_long", "The name is too long.");
}

void member_fields_check_language(JsonObject *object, const char *name, const char *value)
{
    Language language;
    if (value && !language_parse(value, &language))
        json_object_fault(object, name, "unknown_value", "The language is de or en.");
}

void member_fields_check_password(
    JsonObject *object, const char *name, const char *value, const char *email)
{
    if (!value)
        return;
    if (strlen(value) > LIMIT_PASSWORD_BYTES) {
        json_object_fault(object, name, "too_long", "The password is too long.");
        return;
    }
    g_autoptr(Secret) password = secret_new(value, strlen(value));
    const char *fault = people_password_fault(password, email);
    g_autofree char *detail =
        fault && strcmp(fault, "password_too_short") == 0
            ? g_strdup_printf("This password is too short. Use at least %d characters.",
                  LIMIT_NEW_PASSWORD_CHARACTERS)
            : NULL;
    if (fault)
        json_object_fault(object, name, fault, detail);
}

char *member_account_of(const char *email)
{
    g_autoptr(MimeAddress) address = email ? mime_address_parse(email, NULL) : NULL;
    return address ? g_utf8_strdown(address->addr_spec, -1) : NULL;
}

char *member_fields_account(JsonObject *object, const char *name, const char *value)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MimeAddress) address = value ? mime_address_parse(value, &error) : NULL;
    if (value && !address)
        json_object_fault(object, name, "invalid_address", error->message);
    return address ? g_utf8_strdown(address->addr_spec, -1) : NULL;
}

/* localhost: this machine's own mail, as when the sandbox is tried. */
static gboolean is_whole_domain(const char *account)
{
    const char *domain = strrchr(account, '@') + 1;
    return *domain == '[' || strchr(domain, '.') || strcmp(domain, "localhost") == 0;
}

char *member_fields_new_account(JsonObject *object, const char *name, const char *value)
{
    char *account = member_fields_account(object, name, value);
    if (account && !is_whole_domain(account))
        json_object_fault(object, name, "invalid_address",
            "The domain lacks its ending, as .com in name@example.com.");
    return account;
}
