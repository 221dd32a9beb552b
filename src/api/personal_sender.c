#include "api/personal_sender.h"

#include <string.h>

/* One of these in a local part says that it is nobody's own. */
static const char *const functions[] = {"abo", "absender", "admin", "administrator", "alert",
    "alerts", "amt", "anfrage", "app", "bestellung", "billing", "booking", "bot", "buchhaltung",
    "buchung", "buero", "bounce", "contact", "crm", "datenschutz", "dienst", "donotreply",
    "einkauf", "email", "events", "finance", "gemeinde", "geschaeftsstelle", "hallo", "hello",
    "help", "hilfe", "hosting", "hr", "info", "invoice", "it", "jobs", "kanzlei", "kasse", "konto",
    "kontakt", "kundenservice", "kurse", "lager", "leitung", "mail", "mailer", "mailing",
    "marketing", "meldung", "messages", "monitoring", "network", "news", "newsletter", "no",
    "noreply", "notification", "notifications", "office", "online", "order", "orders", "personal",
    "portal", "post", "postfach", "postmaster", "praxis", "presse", "rechnung", "rechnungen",
    "redaktion", "registration", "reply", "root", "sales", "schule", "sekretariat", "server",
    "service", "shop", "sekretaer", "smtp", "spenden", "status", "support", "system", "team",
    "technik", "test", "ticket", "tickets", "update", "updates", "verein", "verkauf", "versand",
    "vertrieb", "verwaltung", "vorstand", "web", "webmaster", "website", "welcome", "wiki",
    "zentrale"};

/* Common given names: the only sign of a person in a local part of one word. */
static const char *const given_names[] = {"alexander", "alexandra", "andrea", "andreas", "angelika",
    "anja", "anke", "anna", "anne", "annette", "astrid", "barbara", "bernd", "bernhard", "birgit",
    "brigitte", "carsten", "charlotte", "christian", "christiane", "christina", "christoph",
    "claudia", "claus", "daniel", "daniela", "david", "dieter", "dirk", "elena", "elisabeth",
    "emma", "eva", "felix", "florian", "frank", "franz", "gabriele", "georg", "gerd", "hannah",
    "hans", "heike", "heinz", "helga", "helmut", "holger", "ines", "ingrid", "iris", "jan", "jana",
    "jens", "joerg", "johanna", "johannes", "john", "jonas", "josef", "julia", "juergen", "kai",
    "karin", "karl", "katharina", "katja", "katrin", "kerstin", "klaus", "lars", "laura", "lea",
    "lena", "leon", "lisa", "lukas", "manfred", "manuela", "marc", "marco", "maria", "marie",
    "mark", "markus", "martin", "martina", "matthias", "max", "maximilian", "melanie", "michael",
    "monika", "moritz", "nadine", "nicole", "niklas", "nina", "norbert", "olaf", "oliver",
    "patrick", "paul", "peter", "petra", "philipp", "rainer", "ralf", "renate", "robert", "sabine",
    "sandra", "sara", "sarah", "sebastian", "silke", "silvia", "simon", "simone", "sophie",
    "stefan", "stefanie", "steffen", "stephan", "susanne", "sven", "tanja", "thomas", "thorsten",
    "tim", "tobias", "tom", "torsten", "udo", "ulrich", "ulrike", "ursula", "ute", "uwe", "volker",
    "walter", "werner", "wolfgang"};

static gboolean list_has(const char *const *list, gsize n, const char *word)
{
    for (gsize i = 0; i < n; i++) {
        if (strcmp(list[i], word) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Umlauts and accents count as letters. */
static gboolean is_name(const char *word)
{
    for (const char *p = word; *p; p++) {
        if (!g_ascii_isalpha(*p) && (guchar)*p < 0x80)
            return FALSE;
    }
    return *word != '\0';
}

/* "anna.meier", "a.meier", "anna_meier": words that could be names, one of them longer than an
 * initial. */
static gboolean looks_like_full_name(char **words, guint n)
{
    gsize longest = 0;
    for (guint i = 0; i < n; i++) {
        if (!is_name(words[i]))
            return FALSE;
        longest = MAX(longest, strlen(words[i]));
    }
    return n >= 2 && n <= 3 && longest >= 3;
}

gboolean sender_is_personal(const char *addr_spec)
{
    const char *at = addr_spec ? strrchr(addr_spec, '@') : NULL;
    if (!at || at == addr_spec)
        return FALSE;
    g_autofree char *local = g_ascii_strdown(addr_spec, at - addr_spec);
    local[strcspn(local, "+")] = '\0'; /* a sub-address is still of the same mailbox */
    g_auto(GStrv) words = g_strsplit_set(local, "._-", -1);
    guint n = g_strv_length(words);
    for (guint i = 0; i < n; i++) {
        if (list_has(functions, G_N_ELEMENTS(functions), words[i]))
            return FALSE;
    }
    if (n == 1)
        return list_has(given_names, G_N_ELEMENTS(given_names), words[0]);
    return looks_like_full_name(words, n);
}

/* Who gives addresses at domains of their own to everybody; of a workspace these are its free
 * mailboxes (gmail.com). */
static const char *const kinds_for_everybody[] = {"freemail", "privacy_mail", "workspace"};

gboolean sender_could_be_another(const ProviderList *providers, const char *addr_spec)
{
    if (!sender_is_personal(addr_spec))
        return FALSE;
    const Provider *provider = provider_by_domain(providers, strrchr(addr_spec, '@') + 1);
    return !provider || !provider->kind ||
           !list_has(kinds_for_everybody, G_N_ELEMENTS(kinds_for_everybody), provider->kind);
}
