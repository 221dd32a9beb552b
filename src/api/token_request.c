#include "api/token_request.h"

#include "base/limits.h"
#include "base/text.h"
#include "mime/address.h"

#include <gio/gio.h>

/* --- Name, scopes, expiry -------------------------------------------------------------------- */

static char *scope_fault(void)
{
    GString *text = g_string_new("There is no such scope. Possible are:");
    for (guint bit = 1; bit <= PEOPLE_SCOPE_ALL; bit <<= 1) {
        if (PEOPLE_SCOPE_ALL & bit)
            g_string_append_printf(text, "%s %s", bit > 1 ? "," : "", people_scope_name(bit));
    }
    g_string_append_c(text, '.');
    return g_string_free(text, FALSE);
}

static guint read_scopes(JsonObject *object)
{
    json_t *list = json_object_take_array(object, "scopes");
    guint scopes = 0, before = object->faults->list->len;
    for (gsize i = 0; i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        guint scope = 0;
        if (name && people_scope_parse(name, &scope)) {
            scopes |= scope;
            continue;
        }
        g_autofree char *pointer = g_strdup_printf("/scopes/%" G_GSIZE_FORMAT, i);
        g_autofree char *detail = scope_fault();
        json_fault_add(object->faults, pointer, "unknown_value", detail);
    }
    if (scopes == 0 && object->faults->list->len == before)
        json_object_fault(object, "scopes", "required", "A token needs at least one scope.");
    return scopes;
}

static char *read_name(JsonObject *object)
{
    const char *name = json_object_take_text(object, "name");
    if (!name || !*name)
        json_object_fault(object, "name", "required", "A token needs a name.");
    else if (!text_is_one_line(name, FALSE) ||
             g_utf8_strlen(name, -1) > LIMIT_SENDER_NAME_CHARACTERS)
        json_object_fault(object, "name", "too_long", "The name is one line, at most 128 long.");
    return g_strdup(name);
}

static WallMs read_expiry(JsonObject *object, WallMs now)
{
    WallMs expires_at = 0;
    const char *text = json_object_take_text(object, "expires_at");
    if (text && (!clock_parse_rfc3339(text, &expires_at) || expires_at <= now))
        json_object_fault(object, "expires_at", "invalid_time",
            "Please give a time in the future, such as 2026-12-24T18:00:00Z.");
    return expires_at;
}

/* --- Lists ----------------------------------------------------------------------------------- */

/* One spelling of the text (the caller frees), or NULL with *code and *detail (the caller frees;
 * may stay NULL). */
typedef char *(*Spell)(const char *text, const char **code, char **detail);

static char *spell_address(const char *text, const char **code, char **detail)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(MimeAddress) address = mime_address_parse(text, &error);
    if (address)
        return g_strdup(address->addr_spec);
    *code = "invalid_address";
    *detail = g_strdup(error->message);
    return NULL;
}

/* "10.0.0.0/8", or one address. */
static char *spell_network(const char *text, const char **code, char **detail)
{
    g_autoptr(GInetAddressMask) mask = g_inet_address_mask_new_from_string(text, NULL);
    if (mask)
        return g_inet_address_mask_to_string(mask);
    *code = "invalid_network";
    return NULL;
}

static gboolean has_text(const json_t *list, const char *text)
{
    for (gsize i = 0; i < json_array_size(list); i++) {
        if (g_str_equal(json_string_value(json_array_get(list, i)), text))
            return TRUE;
    }
    return FALSE;
}

static void spell_one(
    json_t *spelled, const char *pointer, json_t *value, Spell spell, JsonFaults *faults)
{
    const char *code = "wrong_type", *text = json_string_value(value);
    g_autofree char *detail = NULL;
    g_autofree char *spelling = text ? spell(text, &code, &detail) : NULL;
    if (!text)
        detail = g_strdup("This must be a string.");
    if (!spelling)
        json_fault_add(faults, pointer, code, detail);
    else if (!has_text(spelled, spelling))
        json_array_append_new(spelled, json_text(spelling));
}

/* As the text of a JSON array; NULL: no limit, or a fault. An empty list would forbid everything,
 * which is what revoking is for. */
static char *read_list(JsonObject *object, const char *name, gsize most, Spell spell)
{
    json_t *list = json_object_take_array(object, name);
    gsize n = json_array_size(list);
    if (!list)
        return NULL;
    if (n == 0 || n > most) {
        g_autofree char *detail =
            g_strdup_printf("Give 1 to %" G_GSIZE_FORMAT " of them, or null for no limit.", most);
        json_object_fault(object, name, n == 0 ? "required" : "too_many", detail);
        return NULL;
    }
    json_t *spelled = json_array();
    for (gsize i = 0; i < n; i++) {
        g_autofree char *pointer = g_strdup_printf("/%s/%" G_GSIZE_FORMAT, name, i);
        spell_one(spelled, pointer, json_array_get(list, i), spell, object->faults);
    }
    return json_write(spelled);
}

/* --- Quota ----------------------------------------------------------------------------------- */

static guint read_window(JsonObject *quota, const char *name)
{
    gint64 most = 0;
    json_object_take_int(quota, name, 0, LIMIT_QUOTA, &most);
    return (guint)most;
}

/* The whole of it: a window that is not named has no limit. */
static QuotaLimits read_quota(JsonObject *object)
{
    QuotaLimits limits = {0, 0, 0};
    json_t *value = json_object_take_object(object, "quota");
    if (!value)
        return limits;
    g_auto(JsonObject) quota;
    json_object_open(&quota, value, "/quota", object->faults);
    limits.per_minute = read_window(&quota, "per_minute");
    limits.per_hour = read_window(&quota, "per_hour");
    limits.per_day = read_window(&quota, "per_day");
    return limits;
}

/* --- The whole ------------------------------------------------------------------------------- */

static const struct {
    guint bit;
    const char *name;
} members[] = {
    {TOKEN_NAME, "name"},
    {TOKEN_SCOPES, "scopes"},
    {TOKEN_FROM_ADDRESSES, "from_addresses"},
    {TOKEN_NETWORKS, "networks"},
    {TOKEN_QUOTA, "quota"},
    {TOKEN_EXPIRES_AT, "expires_at"},
};

static guint bits_given(JsonObject *object, gboolean is_new)
{
    guint given = is_new ? TOKEN_NAME | TOKEN_SCOPES : 0;
    for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
        gboolean is_open = is_new || members[i].bit != TOKEN_SCOPES; /* else an unknown field */
        if (is_open && json_object_has(object, members[i].name))
            given |= members[i].bit;
    }
    return given;
}

guint token_request_read(
    Token *token, json_t *body, gboolean is_new, WallMs now, JsonFaults *faults)
{
    g_auto(JsonObject) object;
    json_object_open(&object, body, "", faults);
    guint given = bits_given(&object, is_new);
    if (given & TOKEN_NAME)
        token->name = read_name(&object);
    token->expires_at = read_expiry(&object, now);
    if (given & TOKEN_SCOPES)
        token->scopes = read_scopes(&object);
    token->from_addresses =
        read_list(&object, "from_addresses", LIMIT_TOKEN_SENDERS, spell_address);
    token->networks = read_list(&object, "networks", LIMIT_TOKEN_NETWORKS, spell_network);
    token->quota = read_quota(&object);
    return given;
}

static void move_text(char **from, char **to)
{
    g_free(*to);
    *to = g_steal_pointer(from);
}

void token_request_apply(Token *request, guint given, Token *token)
{
    if (given & TOKEN_NAME)
        move_text(&request->name, &token->name);
    if (given & TOKEN_FROM_ADDRESSES)
        move_text(&request->from_addresses, &token->from_addresses);
    if (given & TOKEN_NETWORKS)
        move_text(&request->networks, &token->networks);
    if (given & TOKEN_SCOPES)
        token->scopes = request->scopes;
    if (given & TOKEN_QUOTA)
        token->quota = request->quota;
    if (given & TOKEN_EXPIRES_AT)
        token->expires_at = request->expires_at;
}

char *token_request_names(guint given)
{
    GString *names = g_string_new(NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
        if (given & members[i].bit)
            g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", members[i].name);
    }
    return g_string_free(names, FALSE);
}
