#include "domain/dkim.h"

#include "base/limits.h"
#include "base/text.h"
#include "domain/tags.h"

#include <string.h>

#define ED25519_BYTES 32
#define SELECTOR_MOST 63

const char *dkim_key_state_name(DkimKeyState state)
{
    switch (state) {
    case DKIM_KEY_FOUND:
        return "found";
    case DKIM_KEY_MISSING:
        return "missing";
    case DKIM_KEY_REVOKED:
        return "revoked";
    case DKIM_KEY_BROKEN:
        return "broken";
    case DKIM_KEY_OPEN:
    case DKIM_KEY_UNKNOWN:
        return "unknown";
    }
    g_assert_not_reached();
}

void dkim_key_free(DkimKey *key)
{
    if (!key)
        return;
    g_free(key->record);
    g_free(key->alias);
    g_free(key);
}

gboolean dkim_selector_is_sound(const char *selector)
{
    gsize label = 0, n = 0;
    for (; selector[n]; n++) {
        if (selector[n] == '.'
                ? label == 0
                : !g_ascii_isalnum(selector[n]) && selector[n] != '-' && selector[n] != '_')
            return FALSE;
        label = selector[n] == '.' ? 0 : label + 1;
    }
    return label > 0 && n <= SELECTOR_MOST;
}

/* --- RSA: just enough DER to learn the length of the modulus --------------------------------- */

typedef struct {
    const guint8 *at, *end;
} Der;

/* Steps into the next value if it has this tag (X.690 8.1). */
static gboolean der_enter(Der *der, guint8 tag, Der *inside)
{
    if (der->end - der->at < 2 || der->at[0] != tag)
        return FALSE;
    gsize n = der->at[1];
    const guint8 *content = der->at + 2;
    if (n & 0x80U) {
        gsize n_octets = n & 0x7fU;
        if (n_octets == 0 || n_octets > 3 || (gsize)(der->end - content) < n_octets)
            return FALSE;
        for (n = 0; n_octets > 0; n_octets--)
            n = n << 8 | *content++;
    }
    if ((gsize)(der->end - content) < n)
        return FALSE;
    inside->at = content;
    inside->end = content + n;
    der->at = content + n;
    return TRUE;
}

#define DER_INTEGER 0x02
#define DER_BIT_STRING 0x03
#define DER_SEQUENCE 0x30

/* Of an RSAPublicKey (RFC 8017 A.1.1). */
static guint modulus_bits(Der key)
{
    Der fields, modulus;
    if (!der_enter(&key, DER_SEQUENCE, &fields) || !der_enter(&fields, DER_INTEGER, &modulus))
        return 0;
    while (modulus.at < modulus.end && *modulus.at == 0)
        modulus.at++;
    if (modulus.at == modulus.end)
        return 0;
    return (guint)(modulus.end - modulus.at) * 8 - (8 - g_bit_storage(*modulus.at));
}

/* The key is a SubjectPublicKeyInfo, and in some records an RSAPublicKey alone. */
static guint rsa_bits(const guint8 *key, gsize n)
{
    Der all = {key, key + n}, info, algorithm, bits;
    Der whole = all;
    if (!der_enter(&all, DER_SEQUENCE, &info))
        return 0;
    if (!der_enter(&info, DER_SEQUENCE, &algorithm))
        return modulus_bits(whole);
    if (!der_enter(&info, DER_BIT_STRING, &bits) || bits.at == bits.end || *bits.at != 0)
        return 0;
    bits.at++; /* the number of unused bits */
    return modulus_bits(bits);
}

/* --- The record ------------------------------------------------------------------------------ */

/* Base64 with white space in it, strictly otherwise. NULL: it is none. */
static guint8 *decode(const char *text, gsize *n)
{
    g_autoptr(GString) plain = g_string_new(NULL);
    for (; *text; text++) {
        if (g_ascii_isspace(*text))
            continue;
        if (!g_ascii_isalnum(*text) && !strchr("+/=", *text))
            return NULL;
        g_string_append_c(plain, *text);
    }
    gsize digits = strcspn(plain->str, "=");
    if (digits + strspn(plain->str + digits, "=") != plain->len || plain->len - digits > 2 ||
        digits % 4 == 1)
        return NULL;
    g_string_truncate(plain, digits);
    while (plain->len % 4 != 0)
        g_string_append_c(plain, '=');
    return g_base64_decode(plain->str, n);
}

static DkimFault read_key(DkimKey *key, const Tags *tags)
{
    const char *algorithm = tags_get(tags, "k");
    key->is_ed25519 = algorithm && text_equal_nocase(algorithm, "ed25519");
    if (algorithm && !key->is_ed25519 && !text_equal_nocase(algorithm, "rsa"))
        return DKIM_FAULT_ALGORITHM;
    gsize n = 0;
    g_autofree guint8 *bytes = decode(tags_get(tags, "p"), &n);
    if (!bytes)
        return DKIM_FAULT_KEY;
    if (key->is_ed25519)
        key->bits = n == ED25519_BYTES ? 256 : 0;
    else
        key->bits = rsa_bits(bytes, n);
    if (key->bits == 0)
        return DKIM_FAULT_KEY;
    return !key->is_ed25519 && key->bits < LIMIT_DKIM_WEAK_BITS ? DKIM_FAULT_WEAK : DKIM_FAULT_NONE;
}

static DkimFault read_tags(DkimKey *key, const Tags *tags)
{
    const char *version = tags_get(tags, "v");
    const char *hashes = tags_get(tags, "h");
    const char *services = tags_get(tags, "s");
    const char *flags = tags_get(tags, "t");
    if (version && (strcmp(version, "DKIM1") != 0 || strcmp(tags_name_at(tags, 0), "v") != 0))
        return DKIM_FAULT_VERSION;
    if (hashes && !tags_list_holds(hashes, "sha256"))
        return DKIM_FAULT_HASH;
    if (services && !tags_list_holds(services, "email"))
        return DKIM_FAULT_SERVICE;
    key->is_testing = flags && tags_list_holds(flags, "y");
    return read_key(key, tags);
}

DkimKey *dkim_key_read(const char *record)
{
    DkimKey *key = g_new0(DkimKey, 1);
    key->record = g_strdup(record);
    g_autoptr(Tags) tags = tags_parse(record);
    const char *p = tags ? tags_get(tags, "p") : NULL;
    key->fault = !p ? DKIM_FAULT_SYNTAX : *p ? read_tags(key, tags) : DKIM_FAULT_NONE;
    key->state = key->fault ? DKIM_KEY_BROKEN : *p ? DKIM_KEY_FOUND : DKIM_KEY_REVOKED;
    return key;
}

static DkimKey *key_in_state(DkimKeyState state)
{
    DkimKey *key = g_new0(DkimKey, 1);
    key->state = state;
    return key;
}

/* The one record that can be a key; others beside it (an SPF record put there by mistake) are
 * skipped. NULL: none; *is_several: more than one. */
static const char *key_record(const DnsAnswer *answer, gboolean *is_several)
{
    const char *found = NULL;
    for (guint i = 0; i < answer->records->len; i++) {
        const DnsRecord *record = answer->records->pdata[i];
        if (!strstr(record->text, "p="))
            continue;
        *is_several = found != NULL;
        found = found ? found : record->text;
    }
    return found;
}

DkimKey *dkim_key_look_up(const char *selector, const char *domain, DnsAnswers *answers)
{
    g_autofree char *name = g_strdup_printf("%s._domainkey.%s", selector, domain);
    const DnsAnswer *answer = dns_answers_get(answers, name, DNS_TYPE_TXT);
    if (!answer)
        return key_in_state(DKIM_KEY_OPEN);
    if (answer->status == DNS_SERVER_FAIL || answer->status == DNS_TIMEOUT)
        return key_in_state(DKIM_KEY_UNKNOWN);
    gboolean is_several = FALSE;
    const char *record = key_record(answer, &is_several);
    DkimKey *key = record                     ? dkim_key_read(record)
                   : answer->records->len > 0 ? key_in_state(DKIM_KEY_BROKEN)
                                              : key_in_state(DKIM_KEY_MISSING);
    if (!record && key->state == DKIM_KEY_BROKEN)
        key->fault = DKIM_FAULT_SYNTAX;
    if (is_several) {
        key->state = DKIM_KEY_BROKEN;
        key->fault = DKIM_FAULT_SEVERAL;
    }
    key->alias = g_strdup(answer->canonical);
    return key;
}
