/* restore: makes a backup the database of a folder that no service runs on. The one command that
 * touches the files itself, since there is nobody to ask. */
#include "store/backup.h"

#include "cli/command.h"
#include "cli/format.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "cli/words.h"

#include <pwd.h>
#include <stdio.h>

typedef struct {
    const char *file, *folder;
    gboolean replace;
} Request;

/* --- what is said ------------------------------------------------------------------------------
 */

/* Where both languages have a sentence for it; else the error's own words. The caller frees. */
static char *explain(const Request *request, StoreRestoreFault fault, const char *message)
{
    switch (fault) {
    case RESTORE_FAULT_OTHER:
        break;
    case RESTORE_FAULT_NO_FILE:
        return g_strdup_printf(say("there is no file %s"), request->file);
    case RESTORE_FAULT_NO_FOLDER:
        return g_strdup_printf(
            say("there is no folder %s: make it, and put the key there"), request->folder);
    case RESTORE_FAULT_RUNNING:
        return g_strdup_printf(
            say("an Absender runs on %s: stop it first, nothing was changed"), request->folder);
    case RESTORE_FAULT_EXISTS:
        return g_strdup_printf(say("there is a database in %s already; --replace keeps it aside "
                                   "and puts the backup in its place"),
            request->folder);
    case RESTORE_FAULT_NOT_A_BACKUP:
        return g_strdup_printf(say("%s is not a backup of Absender"), request->file);
    case RESTORE_FAULT_HAND_COPY:
        return g_strdup_printf(say("%s is not a backup: it was copied by hand from a database in "
                                   "use, whose log (-wal) lies beside it"),
            request->file);
    case RESTORE_FAULT_DAMAGED:
        return g_strdup_printf(
            say("%s is damaged, and nothing was changed (%s)"), request->file, message);
    case RESTORE_FAULT_NEWER:
        return g_strdup_printf(say("%s was made by a newer version of Absender; restore it with "
                                   "that version"),
            request->file);
    case RESTORE_FAULT_NO_KEY:
        return g_strdup_printf(say("the key file %s/key is missing; a backup never holds it: put "
                                   "your copy of the key there first"),
            request->folder);
    case RESTORE_FAULT_KEY:
        return g_strdup_printf(say("%s cannot be opened with the key file %s/key (%s)"),
            request->file, request->folder, message);
    }
    return g_strdup(message);
}

/* NULL if it was not given to anybody. */
static char *owner_name(const StoreRestored *restored)
{
    if (restored->owner == 0)
        return NULL;
    const struct passwd *owner = getpwuid(restored->owner);
    return owner != NULL ? g_strdup(owner->pw_name) : g_strdup_printf("%u", restored->owner);
}

static json_t *result_json(const StoreRestored *restored)
{
    g_autofree char *newest = clock_format_rfc3339(restored->newest_at);
    json_t *json =
        json_pack("{s:s, s:I}", "object", "restore", "waiting", (json_int_t)restored->waiting);
    json_object_set_new(json, "kept_aside",
        restored->kept_aside != NULL ? json_string(restored->kept_aside) : json_null());
    g_autofree char *owner = owner_name(restored);
    json_object_set_new(json, "owner", owner != NULL ? json_string(owner) : json_null());
    json_object_set_new(json, "newest_at", newest != NULL ? json_string(newest) : json_null());
    return json;
}

static void print_result(const Request *request, const StoreRestored *restored)
{
    json_t *json = result_json(restored);
    g_autofree char *newest = format_time(json, "newest_at");
    json_decref(json);
    printf(say("✓ The backup is restored in %s.\n"), request->folder);
    if (restored->kept_aside != NULL)
        printf(say("  The former database is kept as %s.\n"), restored->kept_aside);
    g_autofree char *owner = owner_name(restored);
    if (owner != NULL)
        printf(say("  The database belongs to %s, like the folder.\n"), owner);
    if (newest != NULL)
        printf(say("  The newest email in it is of %s. Recipients waiting: %d.\n"), newest,
            (int)restored->waiting);
    fputs(
        say("  Sending is off (reason: restored). What waits in the backup may have been sent\n"
            "  since it was made, and would be sent again. Start the service, look at it with\n"
            "  \"absender queue list\", cancel what has been sent, and then \"absender resume\".\n"
            "  Everybody must sign in again; tokens revoked since the backup are valid again.\n"),
        stdout);
}

/* --- doing it ----------------------------------------------------------------------------------
 */

static gboolean ask_first(const Request *request)
{
    g_autofree char *question = g_strdup_printf(
        request->replace
            ? say("Put %s in the place of the database in %s? The former one is kept. [y/N]")
            : say("Restore %s in %s? [y/N]"),
        request->file, request->folder);
    return terminal_confirm(question);
}

/* Only for somebody who looks on: in a script's log a restore that was refused should say why, and
 * nothing before it. */
static void on_progress(gint64 bytes_done, gint64 bytes_total, gpointer user)
{
    if (!terminal_shows_output())
        return;
    progress_show_bytes(user, bytes_done, bytes_total);
    if (bytes_done == bytes_total)
        progress_show_step(user, say("The copy is being checked …"));
}

static CliExit restore(const CliCommand *command, const CliCommon *common, const Request *request)
{
    g_auto(StoreRestored) restored = {0};
    g_autoptr(GError) error = NULL;
    CliProgress progress = {0};
    gboolean done = store_restore(request->file, request->folder, request->replace,
        common->as_json ? NULL : on_progress, &progress, &restored, &error);
    if (!common->as_json)
        progress_end(&progress);
    if (!done) {
        g_autofree char *sentence = explain(request, restored.fault, error->message);
        return cli_complain(command, CLI_ANSWER_IS_NO, sentence);
    }
    if (common->as_json) {
        json_t *json = result_json(&restored);
        cli_print_json(json);
        json_decref(json);
    } else {
        print_result(request, &restored);
    }
    return CLI_DONE;
}

CliExit cli_restore(const CliCommand *command, int argc, char **argv)
{
    gboolean replace = FALSE, is_sure = FALSE;
    const GOptionEntry entries[] = {
        {"replace", 0, 0, G_OPTION_ARG_NONE, &replace,
            SAY_LATER("keep the database that is there aside"), NULL},
        {"yes", 0, 0, G_OPTION_ARG_NONE, &is_sure, SAY_LATER("do not ask"), NULL},
        {0},
    };
    g_auto(CliCommon) common = {0};
    CliExit status = CLI_DONE;
    if (!cli_parse(command, entries, &common, 1, &argc, &argv, &status))
        return status;
    const Request request = {argv[1], common.data, replace};
    if (!is_sure && !terminal_is_interactive())
        return cli_complain(command, CLI_USAGE,
            say("there is no terminal to ask on: --yes says that you are sure"));
    if (!is_sure && !ask_first(&request))
        return cli_complain(command, CLI_ANSWER_IS_NO, say("nothing was changed"));
    return restore(command, &common, &request);
}
