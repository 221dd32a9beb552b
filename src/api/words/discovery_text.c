#include "api/words/discovery_text.h"

#include <string.h>

typedef struct {
    const char *text[LANGUAGE_COUNT];
} Sentence;

/* Why a candidate is one. */
static const Sentence whys[DISCOVERY_SOURCES] = {
    [DISCOVERY_DOMAIN_TABLE] = {{"Addresses at {domain} are with {provider}.",
        "Adressen unter {domain} liegen bei {provider}."}},
    [DISCOVERY_MX] = {{"Mail to {domain} is received by {evidence}, a server of {provider}.",
        "Mails an {domain} nimmt {evidence} an, ein Server von {provider}."}},
    [DISCOVERY_SRV] = {{"The DNS record {evidence} of the domain names this server.",
        "Der DNS-Eintrag {evidence} der Domain nennt diesen Server."}},
    [DISCOVERY_AUTOCONFIG] = {{"The domain itself says so, at https://autoconfig.{domain}.",
        "So gibt es die Domain selbst an, unter https://autoconfig.{domain}."}},
    [DISCOVERY_WELL_KNOWN] = {{"The domain itself says so, on its website https://{domain}.",
        "So gibt es die Domain selbst an, auf ihrer Website https://{domain}."}},
    [DISCOVERY_PUBLIC_DATABASE] = {{"Thunderbird's public list says so for {domain}.",
        "So steht es für {domain} in der öffentlichen Liste von Thunderbird."}},
};

/* What became of a step; what has no sentence cannot be in the end. */
static const Sentence details[DISCOVERY_SOURCES][DISCOVERY_FAILED + 1] = {
    [DISCOVERY_DOMAIN_TABLE] =
        {
            [DISCOVERY_FOUND] = {{"{domain} is in our list of providers.",
                "{domain} steht in unserer Liste der Anbieter."}},
            [DISCOVERY_NOTHING] = {{"{domain} is not in our list of providers.",
                "{domain} steht nicht in unserer Liste der Anbieter."}},
        },
    [DISCOVERY_MX] =
        {
            [DISCOVERY_FOUND] =
                {{"The server that receives its mail belongs to a provider we know.",
                    "Der Server, der ihre Mails annimmt, gehört zu einem bekannten Anbieter."}},
            [DISCOVERY_NOTHING] = {{"The DNS names no mail server of a provider we know.",
                "Das DNS nennt keinen Mailserver eines bekannten Anbieters."}},
            [DISCOVERY_FAILED] = {{"The DNS did not answer.", "Das DNS hat nicht geantwortet."}},
            [DISCOVERY_SKIPPED] = {{"Not needed any more.", "Nicht mehr nötig."}},
        },
    [DISCOVERY_SRV] =
        {
            [DISCOVERY_FOUND] = {{"The domain names its server in the DNS.",
                "Die Domain nennt ihren Server im DNS."}},
            [DISCOVERY_NOTHING] = {{"The domain names no server for sending in the DNS.",
                "Die Domain nennt im DNS keinen Server zum Senden."}},
            [DISCOVERY_FAILED] = {{"The DNS did not answer.", "Das DNS hat nicht geantwortet."}},
            [DISCOVERY_SKIPPED] = {{"Not needed any more.", "Nicht mehr nötig."}},
        },
    [DISCOVERY_AUTOCONFIG] =
        {
            [DISCOVERY_FOUND] = {{"The domain publishes its settings.",
                "Die Domain veröffentlicht ihre Einstellungen."}},
            [DISCOVERY_NOTHING] = {{"There is nothing usable at https://autoconfig.{domain}.",
                "Unter https://autoconfig.{domain} steht nichts Brauchbares."}},
            [DISCOVERY_FAILED] = {{"https://autoconfig.{domain} could not be reached or read.",
                "https://autoconfig.{domain} war nicht zu erreichen oder nicht lesbar."}},
            [DISCOVERY_SKIPPED] = {{"Not needed any more.", "Nicht mehr nötig."}},
        },
    [DISCOVERY_WELL_KNOWN] =
        {
            [DISCOVERY_FOUND] = {{"The domain's website publishes its settings.",
                "Die Website der Domain veröffentlicht ihre Einstellungen."}},
            [DISCOVERY_NOTHING] =
                {{"The website https://{domain} says nothing about it, or there is none.",
                    "Die Website https://{domain} sagt dazu nichts, oder es gibt sie nicht."}},
            [DISCOVERY_FAILED] = {{"The website https://{domain} could not be reached or read.",
                "Die Website https://{domain} war nicht zu erreichen oder nicht lesbar."}},
            [DISCOVERY_SKIPPED] = {{"Not needed any more.", "Nicht mehr nötig."}},
        },
    [DISCOVERY_PUBLIC_DATABASE] =
        {
            [DISCOVERY_FOUND] =
                {
                    {"Thunderbird's public list knows {domain}.",
                        "Die öffentliche Liste von Thunderbird kennt {domain}."}},
            [DISCOVERY_NOTHING] =
                {
                    {"Thunderbird's public list does not know {domain}.",
                        "Die öffentliche Liste von Thunderbird kennt {domain} nicht."}},
            [DISCOVERY_FAILED] =
                {
                    {"Thunderbird's public list could not be reached.",
                        "Die öffentliche Liste von Thunderbird war nicht zu erreichen."}},
            [DISCOVERY_SKIPPED] =
                {
                    {"Asked only if you wish: it would learn the domain.",
                        "Wird nur auf Wunsch gefragt: Sie erfährt dabei die Domain."}},
        },
};

/* Of the MX, where it belongs to somebody who stands in front of the provider. */
static const Sentence filtered = {
    {"Its mail is received by {provider}, which stands in front of the provider and hides it.",
        "Ihre Mails nimmt {provider} an; das steht vor dem Anbieter und verdeckt ihn."}};

/* Fills {domain}, {provider} and {evidence}. The caller frees. */
static char *say(const Sentence *sentence, Language language, const char *domain,
    const char *provider, const char *evidence)
{
    const struct {
        const char *name, *value;
    } places[] = {{"{domain}", domain}, {"{provider}", provider}, {"{evidence}", evidence}};
    GString *said = g_string_new(NULL);
    const char *text = sentence->text[language];
    while (*text != '\0') {
        gsize i = 0;
        while (i < G_N_ELEMENTS(places) && !g_str_has_prefix(text, places[i].name))
            i++;
        if (i < G_N_ELEMENTS(places)) {
            g_string_append(said, places[i].value);
            text += strlen(places[i].name);
        } else {
            g_string_append_c(said, *text++);
        }
    }
    return g_string_free(said, FALSE);
}

char *discovery_text_why(const DiscoveryCandidate *candidate, const char *domain, Language language)
{
    const Provider *provider = candidate->provider;
    const char *name =
        provider == NULL ? "" : language_pick(language, provider->name_de, provider->name);
    const char *evidence = candidate->evidence != NULL ? candidate->evidence : "";
    return say(&whys[candidate->source], language, domain, name, evidence);
}

char *discovery_text_step(DiscoverySource source, DiscoveryState state, const char *domain,
    const char *filter, Language language)
{
    if (source == DISCOVERY_MX && state == DISCOVERY_NOTHING && filter != NULL)
        return say(&filtered, language, domain, filter, "");
    g_assert(details[source][state].text[language] != NULL);
    return say(&details[source][state], language, domain, "", "");
}
