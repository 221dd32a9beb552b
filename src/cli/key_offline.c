#include "cli/key_offline.h"

#include "base/id.h"
#include "cli/words.h"
#include "net/http_client.h"
#include "vault/keks.h"
#include "vault/key_words.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The service reads no key of somebody else: what root changes is done as the folder's owner. */
static gboolean become_owner_of(const char *key_file)
{
    g_autofree char *folder = g_path_get_dirname(key_file);
    GStatBuf facts;
    if (geteuid() != 0 || g_stat(folder, &facts) != 0 || facts.st_uid == 0)
        return TRUE;
    return setegid(facts.st_gid) == 0 && seteuid(facts.st_uid) == 0;
}

static CliExit complain_about(const CliCommand *command, const GError *error)
{
    gboolean is_german = strcmp(words_language(), "de") == 0;
    g_autofree char *german = is_german ? vault_key_german(error->message) : NULL;
    return cli_complain(command, CLI_ANSWER_IS_NO, german != NULL ? german : error->message);
}

/* --- a file of its own -------------------------------------------------------------------------
 */

static gboolean apply(Vault *vault, KeyChange change, guint8 *id, GError **error)
{
    switch (change) {
    case KEY_ADD:
        return vault_kek_add(vault, id, error);
    case KEY_ACTIVATE:
        return vault_kek_activate(vault, id, error);
    case KEY_RETIRE:
        return vault_kek_retire(vault, id, error);
    }
    g_assert_not_reached();
}

static json_t *keys_json(Vault *vault)
{
    g_autoptr(GArray) ids = vault_kek_ids(vault);
    json_t *data = json_array();
    for (guint i = 0; i < ids->len; i++) {
        const guint8 *bytes = (const guint8 *)ids->data + (gsize)i * VAULT_KEK_ID_BYTES;
        g_autofree char *id = vault_kek_id_dup(bytes);
        json_array_append_new(data, json_string(id));
    }
    return json_pack("{s:s, s:o}", "object", "key_file", "ids", data);
}

static void print_keys(const json_t *keys, const char *key_file)
{
    gsize i;
    json_t *id;
    printf(say("✓ %s now holds, the one that seals first:\n"), key_file);
    json_array_foreach(json_object_get(keys, "ids"), i, id) printf("  %s\n", json_string_value(id));
}

CliExit key_offline_change(const CliCommand *command, const CliCommon *common, const char *key_file,
    KeyChange change, const char *id)
{
    Id parsed = {{0}};
    g_autoptr(GError) error = NULL;
    gboolean is_named = change == KEY_ADD || id_parse(id, "", &parsed);
    g_assert(is_named);
    if (!become_owner_of(key_file))
        return cli_complain(command, CLI_ANSWER_IS_NO, g_strerror(errno));
    g_autoptr(Vault) vault = vault_open(key_file, FALSE, &error);
    if (vault == NULL || !apply(vault, change, parsed.bytes, &error))
        return complain_about(command, error);
    json_t *keys = keys_json(vault);
    if (common->as_json)
        cli_print_json(keys);
    else
        print_keys(keys, key_file);
    json_decref(keys);
    return CLI_DONE;
}

/* --- exported keys ------------------------------------------------------------------------------
 */

/* A running service would not see what is put under its hands. */
static gboolean is_running(const CliCommon *common)
{
    g_autofree char *socket_path = g_build_filename(common->data, "control.sock", NULL);
    g_autoptr(NetHttpAnswer) answer = net_http_unix(socket_path, "GET", "/livez", NULL, NULL, NULL);
    return answer != NULL;
}

static CliExit complain_unread(const CliCommand *command, const char *file, const GError *error)
{
    g_autofree char *sentence = g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT)
                                    ? g_strdup_printf(say("there is no file %s"), file)
                                    : g_strdup_printf(say("%s cannot be read"), file);
    return cli_complain(command, CLI_ANSWER_IS_NO, sentence);
}

static CliExit tell_imported(const CliCommon *common, const char *key_file, guint n_new)
{
    if (common->as_json) {
        json_t *json = json_pack("{s:s, s:i}", "object", "key_import", "added", (int)n_new);
        cli_print_json(json);
        json_decref(json);
    } else if (n_new == 0) {
        printf(say("%s has all these keys already.\n"), key_file);
    } else if (n_new == 1) {
        printf(say("✓ One key was put into %s.\n"), key_file);
    } else {
        printf(say("✓ %u keys were put into %s.\n"), n_new, key_file);
    }
    return CLI_DONE;
}

CliExit key_offline_import(
    const CliCommand *command, const CliCommon *common, const char *file, const Secret *passphrase)
{
    g_autofree char *key_file = g_build_filename(common->data, "key", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    gsize n = 0;
    guint n_new = 0;
    if (is_running(common))
        return cli_complain(command, CLI_ANSWER_IS_NO,
            say("a service runs on this folder: stop it first, nothing was changed"));
    if (!g_file_get_contents(file, &text, &n, &error))
        return complain_unread(command, file, error);
    if (!become_owner_of(key_file))
        return cli_complain(command, CLI_ANSWER_IS_NO, g_strerror(errno));
    if (!vault_kek_import(key_file, text, n, passphrase, &n_new, &error))
        return complain_about(command, error);
    return tell_imported(common, key_file, n_new);
}
