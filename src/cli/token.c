/* token: what applications prove themselves with. */
#include "cli/command.h"
#include "cli/format.h"
#include "cli/words.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    char *name, *expires_at;
    char **scopes, **senders, **networks;
    int per_minute, per_hour, per_day;
} Wishes;

static void wishes_clear(Wishes *w)
{
    g_free(w->name);
    g_free(w->expires_at);
    g_strfreev(w->scopes);
    g_strfreev(w->senders);
    g_strfreev(w->networks);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Wishes, wishes_clear)

/* --- create ---------------------------------------------------------------------------------- */

/* The token alone goes to standard output, so that a script can take it. */
static CliExit show_token(const CliCommon *common, const CliAnswer *answer)
{
    if (common->as_json || !cli_answer_is_good(answer))
        return cli_show(common, answer, format_problem);
    g_autofree char *token = format_text(answer->body, "token");
    if (token == NULL)
        return CLI_ANSWER_IS_NO;
    printf("%s\n", token);
    fprintf(stderr, "%s\n", say("Keep it now: it is not shown again."));
    return CLI_DONE;
}

static void put_quota(json_t *token, const Wishes *w)
{
    const struct {
        const char *key;
        int most;
    } windows[] = {
        {"per_minute", w->per_minute}, {"per_hour", w->per_hour}, {"per_day", w->per_day}};
    json_t *quota = json_object();
    for (gsize i = 0; i < G_N_ELEMENTS(windows); i++) {
        if (windows[i].most != 0)
            json_object_set_new(quota, windows[i].key, json_integer(windows[i].most));
    }
    if (json_object_size(quota) > 0)
        json_object_set(token, "quota", quota);
    json_decref(quota);
}

/* What was not asked for stays away: an empty list would be refused. */
static gboolean put_limit(json_t *token, const char *key, char **texts)
{
    return texts == NULL || cli_put_list(token, key, texts);
}

static CliExit create(const CliCommand *command, const CliCommon *common, const Wishes *w)
{
    CliExit status = CLI_DONE;
    if (w->name == NULL || w->scopes == NULL)
        return cli_complain(
            command, CLI_USAGE, say("needs \"create\", --name and at least one --scope"));
    json_t *token = json_object();
    if (!cli_put(token, "name", w->name) || !cli_put_list(token, "scopes", w->scopes) ||
        !cli_put(token, "expires_at", w->expires_at) ||
        !put_limit(token, "from_addresses", w->senders) ||
        !put_limit(token, "networks", w->networks)) {
        json_decref(token);
        return cli_complain(command, CLI_USAGE, say("an argument is not valid UTF-8"));
    }
    put_quota(token, w);
    g_autoptr(GBytes) body = cli_body(token);
    g_autoptr(CliAnswer) answer =
        cli_ask(command, common, "POST", "/v1/tokens", body, NULL, &status);
    return answer == NULL ? status : show_token(common, answer);
}

/* --- list and revoke ------------------------------------------------------------------------- */

static CliExit list(const CliCommand *command, const CliCommon *common)
{
    CliExit status = CLI_DONE;
    g_autoptr(CliAnswer) answer =
        cli_ask(command, common, "GET", "/v1/tokens", NULL, NULL, &status);
    return answer == NULL ? status : cli_show(common, answer, format_tokens);
}

static char *format_revoked(const json_t *answer)
{
    return g_strdup_printf("%s\n", say("The token is revoked."));
}

static CliExit revoke_one(const CliCommand *command, const CliCommon *common, const char *id)
{
    CliExit status = CLI_DONE;
    g_autofree char *escaped = g_uri_escape_string(id, NULL, FALSE);
    g_autofree char *path = g_strconcat("/v1/tokens/", escaped, NULL);
    g_autoptr(CliAnswer) answer = cli_ask(command, common, "DELETE", path, NULL, NULL, &status);
    return answer == NULL ? status : cli_show(common, answer, format_revoked);
}

CliExit cli_token(const CliCommand *command, int argc, char **argv)
{
    g_auto(Wishes) w = {0};
    const GOptionEntry entries[] = {
        {"name", 0, 0, CLI_TEXT, &w.name, SAY_LATER("what it is for"), SAY_LATER("NAME")},
        {"scope", 0, 0, CLI_TEXTS, &w.scopes, SAY_LATER("what it may do; may be repeated"),
            SAY_LATER("SCOPE")},
        {"from", 0, 0, CLI_TEXTS, &w.senders,
            SAY_LATER("an address it may send from; may be repeated"), SAY_LATER("ADDRESS")},
        {"network", 0, 0, CLI_TEXTS, &w.networks,
            SAY_LATER("where it may be used from; may be repeated"), "10.0.0.0/8"},
        {"per-minute", 0, 0, G_OPTION_ARG_INT, &w.per_minute,
            SAY_LATER("mails it may hand over in a minute"), "N"},
        {"per-hour", 0, 0, G_OPTION_ARG_INT, &w.per_hour,
            SAY_LATER("mails it may hand over in an hour"), "N"},
        {"per-day", 0, 0, G_OPTION_ARG_INT, &w.per_day,
            SAY_LATER("mails it may hand over in a day"), "N"},
        {"expires-at", 0, 0, CLI_TEXT, &w.expires_at, SAY_LATER("when it ends (never)"),
            "2027-12-31T00:00:00Z"},
        {0},
    };
    g_auto(CliCommon) common = {0};
    CliExit status = CLI_DONE;
    if (!cli_parse(command, entries, &common, CLI_ARGUMENTS, &argc, &argv, &status))
        return status;
    if (strcmp(argv[1], "create") == 0 && argc == 2)
        return create(command, &common, &w);
    if (strcmp(argv[1], "list") == 0 && argc == 2)
        return list(command, &common);
    if (strcmp(argv[1], "revoke") == 0 && argc == 3)
        return revoke_one(command, &common, argv[2]);
    return cli_complain(
        command, CLI_USAGE, say("needs \"create\", \"list\" or \"revoke ID\"; --help shows them"));
}
