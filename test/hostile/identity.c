#include "identity.h"

#include <glib/gstdio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#define SAN "DNS:" IDENTITY_HOST

typedef enum {
    KEY_EC = 0,
    KEY_RSA_2048,
    KEY_RSA_1024,
} KeyKind;

/* Who signed. All but SELF and STRANGER lead to the trusted root. */
typedef enum {
    BY_ROOT = 0,
    BY_SELF,
    BY_STRANGER,      /* a root nobody trusts */
    BY_INTERMEDIATE,  /* a good one */
    BY_LEAF,          /* a certificate that is no CA */
    BY_MUTE,          /* a CA whose key use does not cover certificates */
    BY_ROOT_OF_OTHER, /* an intermediate that may speak for other names only */
    N_ISSUERS,
} IssuerKind;

typedef struct {
    IdentityRow row;
    IssuerKind issuer;
    gboolean hides_issuer; /* the intermediate is not sent */
    gboolean shows_root;   /* the issuer is sent though it is a root */
    const char *common_name, *sans;
    int from_days, to_days; /* from now; both 0: from yesterday to tomorrow */
    KeyKind key;
    gboolean is_sha1, is_ca, has_nul;
    const char *extended_use; /* NULL: serverAuth */
    int extra_nid;            /* one more extension */
    const char *extra;
    int only_version;          /* TLS*_VERSION; 0: all */
    const char *only_ciphers;  /* of TLS 1.2 */
    gboolean asks_certificate; /* and takes nothing less */
} Identity;

static const Identity rows[] = {
    {.row = {.name = "good"}, .sans = SAN},
    {.row = {.name = "wrong name", .verify = 62, .diagnosis = "tls_hostname_mismatch"},
        .sans = "DNS:mx.other.localhost"},
    {.row = {.name = "expired", .verify = 10, .diagnosis = "tls_certificate_expired"},
        .sans = SAN,
        .from_days = -30,
        .to_days = -1},
    {.row = {.name = "not yet valid", .verify = 9, .diagnosis = "tls_certificate_not_yet_valid"},
        .sans = SAN,
        .from_days = 1,
        .to_days = 30},
    {.row = {.name = "self-signed", .verify = 18, .diagnosis = "tls_certificate_self_signed"},
        .issuer = BY_SELF,
        .sans = SAN},
    {.row = {.name = "unknown root sent along",
         .verify = 19,
         .diagnosis = "tls_certificate_self_signed"},
        .issuer = BY_STRANGER,
        .shows_root = TRUE,
        .sans = SAN},
    {.row = {.name = "unknown issuer", .verify = 20, .diagnosis = "tls_certificate_unknown_issuer"},
        .issuer = BY_STRANGER,
        .sans = SAN},
    {.row = {.name = "missing intermediate",
         .verify = 20,
         .diagnosis = "tls_certificate_unknown_issuer"},
        .issuer = BY_INTERMEDIATE,
        .hides_issuer = TRUE,
        .sans = SAN},
    {.row = {.name = "with intermediate"}, .issuer = BY_INTERMEDIATE, .sans = SAN},
    {.row = {.name = "CN only", .verify = 62, .diagnosis = "tls_hostname_mismatch"},
        .common_name = IDENTITY_HOST},
    {.row = {.name = "CN right, SAN wrong", .verify = 62, .diagnosis = "tls_hostname_mismatch"},
        .common_name = IDENTITY_HOST,
        .sans = "DNS:mx.other.localhost"},
    {.row = {.name = "partial wildcard", .verify = 62, .diagnosis = "tls_hostname_mismatch"},
        .sans = "DNS:m*.hostile.localhost"},
    {.row = {.name = "wildcard over two labels",
         .verify = 62,
         .diagnosis = "tls_hostname_mismatch"},
        .sans = "DNS:*.localhost"},
    {.row = {.name = "wildcard in the middle", .verify = 62, .diagnosis = "tls_hostname_mismatch"},
        .sans = "DNS:mx.*.localhost"},
    {.row = {.name = "bare wildcard", .verify = 62, .diagnosis = "tls_hostname_mismatch"},
        .sans = "DNS:*"},
    {.row = {.name = "wildcard for the whole label"}, .sans = "DNS:*.hostile.localhost"},
    {.row = {.name = "capitals"}, .sans = "DNS:MX.Hostile.LOCALHOST"},
    {.row = {.name = "second name of two"}, .sans = "DNS:mx.other.localhost," SAN},
    {.row = {.name = "NUL in the name", .verify = 62, .diagnosis = "tls_hostname_mismatch"},
        .has_nul = TRUE},
    {.row = {.name = "URI instead of a name", .verify = 62, .diagnosis = "tls_hostname_mismatch"},
        .sans = "URI:https://" IDENTITY_HOST "/"},
    {.row = {.name = "address with iPAddress", .host = "127.0.0.1"}, .sans = "IP:127.0.0.1"},
    {.row = {.name = "address without iPAddress",
         .host = "127.0.0.1",
         .verify = 64,
         .diagnosis = "tls_ip_mismatch"},
        .common_name = "127.0.0.1",
        .sans = SAN},
    {.row = {.name = "address as dNSName",
         .host = "127.0.0.1",
         .verify = 64,
         .diagnosis = "tls_ip_mismatch"},
        .sans = "DNS:127.0.0.1"},
    {.row = {.name = "RSA of 2048 bits"}, .key = KEY_RSA_2048, .sans = SAN},
    {.row = {.name = "RSA of 1024 bits", .verify = 66, .diagnosis = "tls_certificate_weak"},
        .key = KEY_RSA_1024,
        .sans = SAN},
    {.row = {.name = "signed with SHA-1", .verify = 68, .diagnosis = "tls_certificate_weak"},
        .is_sha1 = TRUE,
        .sans = SAN},
    {.row = {.name = "signed by a leaf",
         .verify = 79,
         .diagnosis = "tls_certificate_chain_invalid"},
        .issuer = BY_LEAF,
        .sans = SAN},
    {.row = {.name = "signed by a CA that may not",
         .verify = 79,
         .diagnosis = "tls_certificate_chain_invalid"},
        .issuer = BY_MUTE,
        .sans = SAN},
    {.row = {.name = "outside its CA's names",
         .verify = 47,
         .diagnosis = "tls_certificate_chain_invalid"},
        .issuer = BY_ROOT_OF_OTHER,
        .sans = SAN},
    {.row = {.name = "CA as the server itself",
         .why = "accepted: RFC 5280 lets a CA serve under its own name"},
        .is_ca = TRUE,
        .sans = SAN},
    {.row = {.name = "for clients only",
         .verify = 26,
         .diagnosis = "tls_certificate_chain_invalid"},
        .extended_use = "clientAuth",
        .sans = SAN},
    {.row = {.name = "names a CRL nobody serves",
         .why = "accepted: nobody is asked about revocation"},
        .extra_nid = NID_crl_distribution_points,
        .extra = "URI:http://127.0.0.1:1/never.crl",
        .sans = SAN},
    {.row = {.name = "must staple and does not",
         .why = "accepted: no staple is asked for; RFC 7633 leaves that to the client"},
        .extra_nid = NID_tlsfeature,
        .extra = "status_request",
        .sans = SAN},
    {.row = {.name = "TLS 1.2 only"}, .only_version = TLS1_2_VERSION, .sans = SAN},
    {.row = {.name = "TLS 1.3 only"}, .only_version = TLS1_3_VERSION, .sans = SAN},
    {.row = {.name = "TLS 1.1 only",
         .tls = "protocol version",
         .diagnosis = "tls_protocol_too_old"},
        .only_version = TLS1_1_VERSION,
        .sans = SAN},
    {.row = {.name = "TLS 1.0 only",
         .tls = "protocol version",
         .diagnosis = "tls_protocol_too_old"},
        .only_version = TLS1_VERSION,
        .sans = SAN},
    {.row = {.name = "no cipher in common",
         .tls = "handshake failure",
         .diagnosis = "tls_handshake_failure"},
        .only_version = TLS1_2_VERSION,
        .only_ciphers = "PSK-AES128-CBC-SHA",
        .sans = SAN},
    {.row = {.name = "wants the client's certificate",
         .tls = "handshake failure",
         .diagnosis = "tls_handshake_failure"},
        .only_version = TLS1_2_VERSION,
        .asks_certificate = TRUE,
        .sans = SAN},
    {.row = {.name = "wants the client's certificate, TLS 1.3",
         .tls = "certificate required",
         .diagnosis = "tls_client_certificate_required",
         .phase = "greeting|ehlo",
         /* the alert comes behind the handshake (RFC 8446 4.4.2.4) */},
        .only_version = TLS1_3_VERSION,
        .asks_certificate = TRUE,
        .sans = SAN},
};

typedef struct {
    EVP_PKEY *key;
    X509 *certificate;
} Pair;

struct identities {
    char *folder, *trusted_file;
    Pair issuers[N_ISSUERS];
    SSL_CTX *contexts[G_N_ELEMENTS(rows)];
};

/* --- Certificates ----------------------------------------------------------------------------- */

static void extend(X509 *certificate, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    g_assert(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

/* "mx.hostile.localhost\0.evil.example": what a careless reader takes for the right name. */
static void extend_with_nul(X509 *certificate)
{
    static const char name[] = IDENTITY_HOST "\0.evil.example";
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *general = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    ASN1_STRING_set(text, name, sizeof name - 1);
    GENERAL_NAME_set0_value(general, GEN_DNS, text);
    sk_GENERAL_NAME_push(names, general);
    g_assert(X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, 0) == 1);
    GENERAL_NAMES_free(names);
}

static EVP_PKEY *make_key(KeyKind kind)
{
    EVP_PKEY *key = NULL;
    switch (kind) {
    case KEY_EC:
        key = EVP_EC_gen("P-256");
        break;
    case KEY_RSA_2048:
        key = EVP_RSA_gen(2048u);
        break;
    case KEY_RSA_1024:
        key = EVP_RSA_gen(1024u);
        break;
    }
    g_assert(key != NULL);
    return key;
}

static X509 *make_blank(const Identity *wish, EVP_PKEY *key, const Pair *issuer)
{
    static long serial = 1;
    const char *common_name = wish->common_name != NULL ? wish->common_name : wish->row.name;
    gboolean is_dated = wish->from_days != 0 || wish->to_days != 0;
    X509 *made = X509_new();
    X509_NAME *name = X509_get_subject_name(made);
    X509_set_version(made, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made), serial++);
    X509_gmtime_adj(X509_getm_notBefore(made), (is_dated ? wish->from_days : -1) * 86400L);
    X509_gmtime_adj(X509_getm_notAfter(made), (is_dated ? wish->to_days : 1) * 86400L);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const guint8 *)common_name, -1, -1, 0);
    X509_set_issuer_name(made, issuer == NULL ? name : X509_get_subject_name(issuer->certificate));
    X509_set_pubkey(made, key);
    return made;
}

/* issuer NULL: signed by itself. */
static Pair make_pair(const Identity *wish, const Pair *issuer)
{
    Pair pair = {.key = make_key(wish->key)};
    pair.certificate = make_blank(wish, pair.key, issuer);
    X509 *made = pair.certificate;
    extend(made, NID_basic_constraints, wish->is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    if (wish->sans != NULL)
        extend(made, NID_subject_alt_name, wish->sans);
    if (wish->has_nul)
        extend_with_nul(made);
    if (!wish->is_ca)
        extend(made, NID_ext_key_usage,
            wish->extended_use != NULL ? wish->extended_use : "serverAuth");
    if (wish->extra != NULL)
        extend(made, wish->extra_nid, wish->extra);
    int size = X509_sign(
        made, issuer == NULL ? pair.key : issuer->key, wish->is_sha1 ? EVP_sha1() : EVP_sha256());
    g_assert(size > 0);
    return pair;
}

static void pair_clear(Pair *pair)
{
    EVP_PKEY_free(pair->key);
    X509_free(pair->certificate);
}

static void make_issuers(Identities *identities)
{
    static const Identity wishes[N_ISSUERS] = {
        [BY_ROOT] = {.row = {.name = "Trusted Root"}, .is_ca = TRUE},
        [BY_STRANGER] = {.row = {.name = "Unknown Root"}, .is_ca = TRUE},
        [BY_INTERMEDIATE] = {.row = {.name = "Intermediate"}, .is_ca = TRUE},
        [BY_LEAF] = {.row = {.name = "No CA"}, .sans = "DNS:leaf.localhost"},
        [BY_MUTE] = {.row = {.name = "CA for lists only"},
            .is_ca = TRUE,
            .extra_nid = NID_key_usage,
            .extra = "critical,cRLSign"},
        [BY_ROOT_OF_OTHER] = {.row = {.name = "CA of others"},
            .is_ca = TRUE,
            .extra_nid = NID_name_constraints,
            .extra = "critical,permitted;DNS:other.localhost"},
    };
    const Pair *root = &identities->issuers[BY_ROOT];
    for (guint i = 0; i < N_ISSUERS; i++) {
        if (i != BY_SELF)
            identities->issuers[i] =
                make_pair(&wishes[i], i == BY_ROOT || i == BY_STRANGER ? NULL : root);
    }
}

/* --- Contexts --------------------------------------------------------------------------------- */

static int ask_nothing_more(int is_fine, X509_STORE_CTX *store)
{
    return is_fine;
}

static SSL_CTX *make_context(const Identities *identities, const Identity *identity)
{
    const Pair *issuer =
        identity->issuer == BY_SELF ? NULL : &identities->issuers[identity->issuer];
    gboolean is_root = identity->issuer <= BY_STRANGER;
    Pair pair = make_pair(identity, issuer);
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    g_assert(context != NULL);
    SSL_CTX_set_security_level(context, 0); /* a bad server is not squeamish */
    SSL_CTX_set_min_proto_version(
        context, identity->only_version != 0 ? identity->only_version : TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(context, identity->only_version);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
    g_assert(SSL_CTX_use_certificate(context, pair.certificate) == 1);
    g_assert(SSL_CTX_use_PrivateKey(context, pair.key) == 1);
    if (identity->only_ciphers != NULL)
        g_assert(SSL_CTX_set_cipher_list(context, identity->only_ciphers) == 1);
    if (identity->shows_root || (!is_root && !identity->hides_issuer))
        g_assert(SSL_CTX_add1_chain_cert(context, issuer->certificate) == 1);
    if (identity->asks_certificate)
        SSL_CTX_set_verify(
            context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, ask_nothing_more);
    pair_clear(&pair);
    return context;
}

Identities *identities_new(void)
{
    Identities *identities = g_new0(Identities, 1);
    make_issuers(identities);
    identities->folder = g_dir_make_tmp("absender-hostile-XXXXXX", NULL);
    g_assert(identities->folder != NULL);
    identities->trusted_file = g_build_filename(identities->folder, "root.pem", NULL);
    FILE *out = fopen(identities->trusted_file, "w");
    g_assert(out != NULL);
    PEM_write_X509(out, identities->issuers[BY_ROOT].certificate);
    fclose(out);
    return identities;
}

void identities_free(Identities *identities)
{
    if (identities == NULL)
        return;
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
        SSL_CTX_free(identities->contexts[i]);
    for (guint i = 0; i < N_ISSUERS; i++)
        pair_clear(&identities->issuers[i]);
    g_unlink(identities->trusted_file);
    g_rmdir(identities->folder);
    g_free(identities->trusted_file);
    g_free(identities->folder);
    g_free(identities);
}

guint identities_count(void)
{
    return G_N_ELEMENTS(rows);
}

const IdentityRow *identities_row(guint i)
{
    g_assert(i < G_N_ELEMENTS(rows));
    return &rows[i].row;
}

SSL_CTX *identities_context(Identities *identities, guint i)
{
    g_assert(i < G_N_ELEMENTS(rows));
    if (identities->contexts[i] == NULL)
        identities->contexts[i] = make_context(identities, &rows[i]);
    return identities->contexts[i];
}

const char *identities_trusted_file(const Identities *identities)
{
    return identities->trusted_file;
}
