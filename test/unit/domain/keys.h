/* Public keys for tests, made for them with OpenSSL. */
#pragma once

#define RSA_512                                                                                    \
    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAM4FfWcvzQBSPzI0HxMfRQxigUu8JYfJRv48TC7XLHnZaP4Y6UcdV3PXD7op" \
    "B2KwiD3/6W/"                                                                                  \
    "gT/z89S9fv6wEki8CAwEAAQ=="
#define RSA_1024                                                                          \
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDxX56RDkhJ0dfwF2gZzchx0lweL9NNis5sWgE634c+"    \
    "0eg2p6Tq0Sn/mHxl0Q+6hcf+M4TWEKxb1FN/gT9cNpPDE89dAOLSkEU7SEMbFTgl2cvQ7Dy4uoF9Fi+/KF/" \
    "5W938JnMvCSUNnYnYmef0t/YLdA5UoSjt8gEuuNomaI/KWwIDAQAB"
#define RSA_2048                                                                                   \
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvncPpaxpFK3ewRu59ziubvs9LhcPDyXS5Lha3zKywnko5ett" \
    "Zb2h9kw6WEgzL"                                                                                \
    "Z1KamhERg27HtXDcjHToOZFspD13IHoLFRm2e5VtDwJpmNXpEK9DT9x8436Lnj5Dd5nQ0PGIZR69SEWLjubcDFL7kpiA" \
    "KorAhJv3Gmspv"                                                                                \
    "KhYLp1nPkzsMh8tZ2J45KelFximGbLfLYddkV9Vo/YxOUxqmSSU14jx54tJOJUGEQLl/D1qFS/"                   \
    "oQcrGWyJwHVEl2JGJKxTsgkBb02Mw9NVUD4Bw7R/3gv+7UAB6Rk92WDOoBcej+O10ml/"                         \
    "sWExfLg3fE4iuiOFfqR6Ul7Rdq8sILmL7wIDAQAB"
/* An RSAPublicKey alone (RFC 8017 A.1.1), of 1024 bits. */
#define RSA_1024_BARE                                                                  \
    "MIGJAoGBANtijbMYKWLBE/"                                                           \
    "OggvUDdvMqrawUop9czNajWYl5k6C1557uKdbFoG0S1nLw1ayi2X6oMkcXfLKomJHh4T21VAe/"       \
    "wb3fhlaq6EZUbDlk5ImrvMRZeLsu5LheZYsN1NBB4qDtex1OS7jKGVEQ4JkTGLUJo+TxpvNryfhRSQk/" \
    "J0OBAgMBAAE="
#define ED25519 "6dNLR+GndCyKh17La05MNeXOzUSK9e+fizdZazIGSxU="
