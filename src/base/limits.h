/* Every limit with its number, in one place. A limit without a number here does not exist. */
#pragma once

#include "base/clock.h"

/* SMTP (RFC 5321 4.5.3) */
#define LIMIT_REPLY_LINE_OCTETS 4096   /* RFC asks for 512; servers send more */
#define LIMIT_SASL_LINE_OCTETS 12288   /* RFC 4954 4 */
#define LIMIT_AUTH_COMMAND_OCTETS 512  /* with its initial response (RFC 4954 4) */
#define LIMIT_BEARER_TOKEN_OCTETS 8192 /* as base64 with name and host it fits into such a line */
#define LIMIT_CHALLENGE_CHARACTERS 500 /* of what a server says about a refused token */
#define LIMIT_SCRAM_ITERATIONS                                         \
    100000 /* about 0.1 s of computing; RFC 7677 asks for 4096 or more \
            */
#define LIMIT_REPLY_LINES 200
#define LIMIT_REPLY_OCTETS 65536
#define LIMIT_COMMAND_LINE_OCTETS 2048 /* what the server core reads; 512 plus extensions */
#define LIMIT_PEER_TEXT_CHARACTERS 200 /* server text kept, logged and shown */
#define LIMIT_LOCAL_PART_OCTETS 64
#define LIMIT_DOMAIN_OCTETS 255
#define LIMIT_ADDRESS_OCTETS 254          /* RFC 5321 erratum 1690 */
#define LIMIT_TIME_ZONE_OCTETS 64         /* "America/Argentina/ComodRivadavia" has 32 */
#define LIMIT_LINE_OCTETS 998             /* RFC 5322 2.1.1, without CRLF */
#define LIMIT_DIAGNOSIS_TEXT_OCTETS 4096  /* of a reply that the failure catalogue looks at */
#define LIMIT_DIAGNOSIS_PASTE_BYTES 65536 /* of a bounce or log that is pasted */
#define LIMIT_DIAGNOSIS_LINES 2000        /* of it that are looked at */
#define LIMIT_DIAGNOSIS_FINDINGS 50       /* different ones, in one text */
#define LIMIT_SEND_CHUNK_BYTES 65536      /* one write of a body */
#define LIMIT_RECIPIENTS_PER_TRANSACTION 100
#define LIMIT_SERVER_BAD_COMMANDS 20        /* per session; the last one is answered 421 */
#define LIMIT_SERVER_IDLE_COMMANDS 200      /* between two MAILs: what moves nothing forward */
#define LIMIT_SERVER_TINY_CHUNK_OCTETS 1024 /* BDAT with less costs as much as NOOP */
#define LIMIT_SERVER_LOGIN_FAILURES 3       /* per session */
#define LIMIT_SERVER_PENDING_OCTETS (1024 * 1024) /* pipelined while a verdict is awaited */

/* Deadlines for a reply (RFC 5321 4.5.3.2); a verification has one for the whole run */
#define LIMIT_CONNECT_MS (30 * CLOCK_SECOND_MS) /* per address */
#define LIMIT_TLS_HANDSHAKE_MS (30 * CLOCK_SECOND_MS)
#define LIMIT_GREETING_MS (5 * CLOCK_MINUTE_MS)
#define LIMIT_COMMAND_MS (5 * CLOCK_MINUTE_MS) /* EHLO, AUTH, MAIL, RCPT, RSET */
#define LIMIT_DATA_GO_MS (2 * CLOCK_MINUTE_MS)
#define LIMIT_DATA_BLOCK_MS (3 * CLOCK_MINUTE_MS)
#define LIMIT_FINAL_REPLY_MS (10 * CLOCK_MINUTE_MS)
#define LIMIT_QUIT_MS (5 * CLOCK_SECOND_MS)
#define LIMIT_TRIAL_MS (5 * CLOCK_SECOND_MS) /* while writing over a mail's end proves itself */
#define LIMIT_STEPWISE_MS CLOCK_DAY_MS       /* a server that lost step is spared this long */
#define LIMIT_STALL_MS CLOCK_SECOND_MS /* without a reply; then what it holds goes elsewhere */
#define LIMIT_CROWDED_MS (10 * CLOCK_MINUTE_MS) /* before one more connection is tried again */
#define LIMIT_VERIFICATION_MS (45 * CLOCK_SECOND_MS)
#define LIMIT_VERIFICATION_CONNECT_MS (10 * CLOCK_SECOND_MS) /* per address: a person waits */
#define LIMIT_SIBLING_MS (5 * CLOCK_SECOND_MS) /* for a look at the other port, and at DNS */
/* 2026-11-01: this program is no older, so a clock that shows an earlier date is wrong */
#define LIMIT_CLOCK_EARLIEST_MS G_GINT64_CONSTANT(1793491200000)
#define LIMIT_IDLE_SESSION_MS (60 * CLOCK_SECOND_MS)
#define LIMIT_MAILS_PER_SESSION 100000
#define LIMIT_SPOILT_MAILS_PER_SESSION 5    /* not taken: then another session */
#define LIMIT_SPOILT_MAILS_ASSUMED 10       /* with those unanswered: Exim drops at the 11th RSET */
#define LIMIT_ENVELOPE_ID_OCTETS 100        /* RFC 3461 5.4 */
#define LIMIT_ORIGINAL_RECIPIENT_OCTETS 500 /* RFC 3461 5.4 */

/* One email */
#define LIMIT_MESSAGE_BYTES (26 * 1024 * 1024)
#define LIMIT_HEADER_BYTES (64 * 1024)
#define LIMIT_RECIPIENTS 100 /* to, cc and bcc together */
#define LIMIT_ATTACHMENTS 50
#define LIMIT_CUSTOM_HEADERS 50
#define LIMIT_TAGS 20
#define LIMIT_TAG_BYTES 256
#define LIMIT_SUBJECT_CHARACTERS 998
#define LIMIT_FILE_NAME_BYTES 200
#define LIMIT_DISPLAY_NAME_CHARACTERS 256
#define LIMIT_HEADER_NAME_OCTETS 64   /* of a custom header */
#define LIMIT_CONTENT_TYPE_OCTETS 200 /* of an attachment, with parameters */
#define LIMIT_CONTENT_ID_OCTETS 200

/* One batch */
#define LIMIT_BATCH_EMAILS 1000
#define LIMIT_BATCH_MESSAGE_BYTES (32 * 1024 * 1024) /* its composed messages together */
#define LIMIT_BATCH_EMAILS_WAITING 16000 /* of all batches, composed and not yet committed */

/* Retry and lifetime */
#define LIMIT_EMAIL_LIFETIME_MS (5 * CLOCK_DAY_MS)
#define LIMIT_SCHEDULE_AHEAD_MS (30 * CLOCK_DAY_MS)
#define LIMIT_RETRY_WAIT_MS CLOCK_DAY_MS /* nothing waits longer for its next attempt */
#define LIMIT_RETRY_BACKOFF_MS \
    (2 * CLOCK_HOUR_MS)                      /* the longest without a server asking for more */
#define LIMIT_HOLD_MS (30 * CLOCK_MINUTE_MS) /* held mail is looked at again this often */
#define LIMIT_STORE_AGAIN_MS \
    (5 * CLOCK_SECOND_MS)                        /* after the store could not be read or written */
#define LIMIT_DUE_LATE_MS (10 * CLOCK_MINUTE_MS) /* due for so long: mail is not going out */
#define LIMIT_UNCERTAIN_RESEND_MS (15 * CLOCK_MINUTE_MS)
#define LIMIT_CREDENTIAL_RETRY_MS (10 * CLOCK_MINUTE_MS)
#define LIMIT_CREDENTIAL_TRY_MS CLOCK_MINUTE_MS /* not begun by then, that try is given up */
#define LIMIT_IDEMPOTENCY_MS CLOCK_DAY_MS
#define LIMIT_IDEMPOTENCY_KEY_BYTES 255
#define LIMIT_DRAFT_MS (7 * CLOCK_DAY_MS)

/* The outbox keeps at most this many due recipients in memory for one org */
#define LIMIT_WORKING_SET 4096
#define LIMIT_FLIGHT_BYTES (32 * 1024 * 1024) /* content of an org's mails that are out at once */
#define LIMIT_COURIER_GROUP 512               /* mails fetched, or attempts written, in one job */
#define LIMIT_MX_ASKERS 2                     /* threads that ask where a sender gets mail */
#define LIMIT_MX_QUESTIONS 8                  /* waiting for one of them */
#define LIMIT_COURIER_READERS 2               /* threads that read mails from the store */

/* Settings */
#define LIMIT_CONNECTIONS 20
#define LIMIT_CONNECTIONS_DEFAULT 4
#define LIMIT_WINDOW 256
#define LIMIT_WINDOW_DEFAULT 16
#define LIMIT_HOST_OCTETS 253
#define LIMIT_USERNAME_BYTES 320
#define LIMIT_PASSWORD_BYTES 1024
#define LIMIT_SENDER_NAME_CHARACTERS 128
#define LIMIT_QUOTA 1000000       /* mails in a minute, hour or day */
#define LIMIT_SETTINGS_HISTORY 20 /* versions kept, the active one included */

/* Login failures a person may cause in an hour, per host and user (DESIGN rule 5) */
#define LIMIT_LOGIN_FAILURES_PER_HOUR 10

/* Vault */
#define LIMIT_SEALED_BYTES (64 * 1024) /* one secret; bodies go under a day key */
#define LIMIT_BINDING_BYTES 8192
#define LIMIT_KEY_FILE_BYTES 4096
#define LIMIT_KEYS 8 /* in a key file */
#define LIMIT_KEY_EXPORT_BYTES (16 * 1024)
#define LIMIT_EXPORT_PASSPHRASE_CHARACTERS 12 /* at least */

/* HTTP */
#define LIMIT_HTTP_BODY_BYTES (64 * 1024)             /* all routes but sending */
#define LIMIT_HTTP_PASTE_BODY_BYTES (256 * 1024)      /* 64 KiB of any text, escaped for JSON */
#define LIMIT_HTTP_SEND_BODY_BYTES (36 * 1024 * 1024) /* 26 MiB as base64, and some */
#define LIMIT_HTTP_BODIES_IN_FLIGHT_BYTES (64 * 1024 * 1024)
#define LIMIT_HTTP_HEADER_BYTES (16 * 1024)
#define LIMIT_HTTP_BODY_DEADLINE_MS (30 * CLOCK_SECOND_MS)
#define LIMIT_HTTP_CONNECTIONS 1024
#define LIMIT_HTTP_CONNECTIONS_PER_ADDRESS 256
#define LIMIT_JSON_DEPTH 32
#define LIMIT_STREAMS_PER_USER 5
#define LIMIT_STREAMS 500
#define LIMIT_EVENTS_BACKLOG_BYTES (1024 * 1024) /* unread by one page */
#define LIMIT_EVENTS_COLLECTED 200               /* single emails told in a second */
#define LIMIT_STREAM_BEAT_MS (15 * CLOCK_SECOND_MS)
#define LIMIT_HTTP_STOP_MS (2 * CLOCK_SECOND_MS) /* for answers on their way when we stop */
#define LIMIT_HTTP_ANSWER_DEADLINE_MS (2 * CLOCK_MINUTE_MS)
#define LIMIT_JSON_VALUES 20000        /* in one body; byte arrays of attachments count as one */
#define LIMIT_JSON_BATCH_VALUES 100000 /* the same for a batch: a hundred for each email */
#define LIMIT_JSON_FAULTS 50
#define LIMIT_LARGE_JSON_BYTES (256 * 1024) /* above: at most LIMIT_LARGE_JSON_PARSES at once */
#define LIMIT_LARGE_JSON_PARSES 2
#define LIMIT_PAGE 200
#define LIMIT_PAGE_DEFAULT 50
#define LIMIT_TEST_EMAILS_PER_HOUR 10
#define LIMIT_TEST_MAILS 100              /* whose arrival can be told, for each organisation */
#define LIMIT_TEST_FOLDER_MS CLOCK_DAY_MS /* inbox or spam: may be corrected for so long */
#define LIMIT_ASKING_MS (10 * CLOCK_SECOND_MS) /* a route that asks others (DNS, HTTPS) */
#define LIMIT_ASKERS 4                         /* such routes at once */
#define LIMIT_ASK_QUEUE 16                     /* and waiting; more are answered 503 */
#define LIMIT_REASON_BYTES 200                 /* why sending was paused */
#define LIMIT_BULK_IDS 200                     /* emails of one bulk action */
#define LIMIT_BULK_FOUND 1000                  /* that one request finds by a filter */
#define LIMIT_BULK_COUNT 10000                 /* beyond that, "more" is said */

/* People */
#define LIMIT_SESSION_MS (30 * CLOCK_DAY_MS)
#define LIMIT_SESSION_IDLE_MS (7 * CLOCK_DAY_MS)
#define LIMIT_BROWSER_KNOWN_MS (90 * CLOCK_DAY_MS) /* signing in with it again is no news */
#define LIMIT_SETUP_TOKEN_MS CLOCK_DAY_MS
#define LIMIT_NEW_PASSWORD_CHARACTERS 10 /* at least */
#define LIMIT_INVITATION_MS (7 * CLOCK_DAY_MS)
#define LIMIT_RESET_MS CLOCK_HOUR_MS                /* a link to a new password */
#define LIMIT_RESET_HAND_OVER_MS (7 * CLOCK_DAY_MS) /* without mail: waits for an admin so long */
#define LIMIT_RESET_DELAY_MS 500       /* and up to twice that: nobody learns by waiting */
#define LIMIT_RESETS_AT_ONCE 100       /* asked for, looked at in one go */
#define LIMIT_LINK_MAILS_PER_ADDRESS 3 /* an hour, each: resets, invitations */
#define LIMIT_LINK_MAILS_PER_CLIENT 10
#define LIMIT_LINK_MAILS_PER_ORG 100
#define LIMIT_CONCURRENT_HASHES 2
#define LIMIT_HASH_QUEUE 32
#define LIMIT_ACCOUNT_GUESSES 5 /* wrong ones for an account; then each must wait */
#define LIMIT_ACCOUNT_GUESS_WAIT_MS CLOCK_MINUTE_MS /* at most: a stranger may be the cause */
#define LIMIT_ADDRESS_GUESSES 20 /* the same from an address, which many may share */
#define LIMIT_ADDRESS_GUESS_WAIT_MS (15 * CLOCK_MINUTE_MS)
#define LIMIT_HASH_PASSES 2 /* Argon2id: OWASP's first choice, in libsodium's terms */
#define LIMIT_HASH_MEMORY_BYTES (19 * 1024 * 1024)
#define LIMIT_GUESSES 4096         /* accounts and addresses remembered for failed sign-ins */
#define LIMIT_RATE_KEYS 4096       /* addresses and clients remembered for what they asked */
#define LIMIT_RATE_TAKES 1000      /* within one window, for one key */
#define LIMIT_SESSIONS 50          /* of one member */
#define LIMIT_AGENT_CHARACTERS 200 /* of a browser's name, kept with its session */
#define LIMIT_REFUSALS_NOTED 60    /* refused sign-ins that the audit log takes in a minute */

/* Templates */
#define LIMIT_TEMPLATE_BYTES 65536                    /* one part of one: subject, text or HTML */
#define LIMIT_TEMPLATE_TAGS 1000                      /* names in one part */
#define LIMIT_TEMPLATE_SECTIONS 16                    /* one in the other */
#define LIMIT_TEMPLATE_NAME_BYTES 64                  /* of a value, or of a template */
#define LIMIT_TEMPLATE_VALUES 100                     /* given with one email */
#define LIMIT_TEMPLATE_VALUE_BYTES (64 << 10)         /* one of them */
#define LIMIT_TEMPLATE_VALUES_BYTES (256 << 10)       /* all of them */
#define LIMIT_TEMPLATE_MAIL_BYTES (1 << 20)           /* the values in one part of one mail */
#define LIMIT_TEMPLATES 50                            /* of one organisation */
#define LIMIT_NOTICE_OUTAGE_MS (10 * CLOCK_MINUTE_MS) /* shorter interruptions are not told */
#define LIMIT_NOTICE_QUOTA_PERCENT 80
#define LIMIT_APP_PASSWORD_AGE_MS (365 * CLOCK_DAY_MS)      /* then a new one is advisable */
#define LIMIT_SIGN_IN_IDLE_MICROSOFT_MS (90 * CLOCK_DAY_MS) /* unused for longer, it lapses */
#define LIMIT_SIGN_IN_IDLE_GOOGLE_MS (180 * CLOCK_DAY_MS)   /* "six months" */
#define LIMIT_NOTICE_AGENT_CHARACTERS 120
#define LIMIT_STATES_HELD 64        /* of organisations, in the memory of those who take mail */
#define LIMIT_TEMPLATES_COMPILED 64 /* kept in memory */
#define LIMIT_TOKENS 200            /* of an organisation, not revoked */
#define LIMIT_TOKEN_SENDERS 20      /* addresses that one may send from */
#define LIMIT_TOKEN_NETWORKS 20     /* that one may be used from */

/* Store */
#define LIMIT_STORE_GROUP 256      /* jobs in one commit */
#define LIMIT_STORE_GROUP_MS 50    /* after this no more jobs are begun in one commit */
#define LIMIT_ACTIVATION_ROWS 2000 /* deferred recipients a class that are due at once then */
#define LIMIT_ACTION_ROWS 500      /* recipients that one job of a person's action changes */
#define LIMIT_PREVIEW_ROWS 250000  /* recipients a preview of switching on looks at: 0.25 s */
#define LIMIT_STORE_QUEUE 4096     /* jobs waiting; more is ABS_ERROR_BUSY */
#define LIMIT_STORE_READERS 4
#define LIMIT_SANDBOX_MESSAGES 500                /* captured mails kept */
#define LIMIT_STORE_WAL_BYTES (16 * 1024 * 1024)  /* of log; then it is folded into the database */
#define LIMIT_STORE_IDLE_MS CLOCK_SECOND_MS       /* without a job; then the same, and caches go */
#define LIMIT_STORE_READ_MS (2 * CLOCK_SECOND_MS) /* one use of a reader */
#define LIMIT_STORE_BUSY_MS 5000            /* waiting for another program's lock (a backup) */
#define LIMIT_STORE_DAY_KEYS 4              /* unwrapped at once on one connection */
#define LIMIT_STORE_LOOK_MS CLOCK_SECOND_MS /* between two looks at the free space */
#define LIMIT_STORE_FLOOR_BYTES G_GINT64_CONSTANT(268435456) /* kept free, or this share */
#define LIMIT_STORE_FLOOR_PERCENT 5 /* of the file system, whichever is smaller */
#define LIMIT_STORE_RESERVE_BYTES G_GINT64_CONSTANT(16777216) /* given up on a full disk */
#define LIMIT_BOOKS_COUNTING_MS (LIMIT_STORE_READ_MS * 3 / 4) /* then the sums have to do */
#define LIMIT_BOOKS_SLICE 5000     /* recipients looked at in one use of a reader */
#define LIMIT_BOOKS_FAULTS 20      /* told one by one */
#define LIMIT_RETENTION_SLICE 500  /* in one job: of each, emails, links, tokens, audit events */
#define LIMIT_BACKUP_STEP_PAGES 64 /* copied at a time */
#define LIMIT_BACKUP_LOG_BYTES (1024 * 1024 * 1024) /* of log that waits for a backup's end */
#define LIMIT_AUDIT_SLICE 5000          /* audit events checked in one use of a reader */
#define LIMIT_AUDIT_TEXT_CHARACTERS 500 /* of an event's object or detail */
#define LIMIT_VERIFICATIONS 100         /* runs kept for each organisation */
#define LIMIT_VERIFICATIONS_AT_ONCE 100 /* older ones removed in one go */

/* Net */
#define LIMIT_ALLOWED_NETWORKS 64           /* --allow-network */
#define LIMIT_DNS_MS (15 * CLOCK_SECOND_MS) /* one name, A and AAAA together */
#define LIMIT_DNS_TRY_MS 1500               /* one question to one server, doubled each round */
#define LIMIT_DNS_OTHER_FAMILY_MS 500       /* for AAAA once A is there, and the reverse */
#define LIMIT_DNS_ADDRESSES 16              /* kept of one answer */
#define LIMIT_DNS_QUESTIONS 64              /* asked at once for one judgement */
#define LIMIT_DNS_RECORDS 256               /* kept of one answer to such a question */
#define LIMIT_DNS_ALIASES 8                 /* CNAMEs followed in one answer */
#define LIMIT_URL_BYTES 2048                /* of an HTTPS request */
#define LIMIT_DISCOVERY_DNS_MS 2500         /* MX and SRV of an address's domain, asked at once */
#define LIMIT_DISCOVERY_PAGE_MS 3500        /* one configuration file over HTTPS */
#define LIMIT_AUTOCONFIG_BYTES (64 * 1024)  /* of such a file */
#define LIMIT_AUTOCONFIG_SERVERS 16         /* outgoing servers in it that are looked at */
#define LIMIT_AUTOCONFIG_FIELD_BYTES 512    /* one value in it */
#define LIMIT_DISCOVERY_PROPOSALS 4         /* from one source */
#define LIMIT_DIAL_STAGGER_MS 250           /* RFC 8305 5 */
#define LIMIT_STREAM_READ_BYTES 16384       /* one read: a TLS record's largest payload */
#define LIMIT_STREAM_TURN_STEPS 16 /* reads, or writes, before other connections get their turn */
#define LIMIT_STREAM_BACKLOG_BYTES (64 * 1024 * 1024) /* given to send, not yet written */
#define LIMIT_LINGER_MS (2 * CLOCK_SECOND_MS)         /* for the peer's end after our last byte */
#define LIMIT_ACCEPT_PAUSE_MS CLOCK_SECOND_MS         /* when descriptors ran out */
#define LIMIT_CERTIFICATE_NAMES 50                    /* of a peer's certificate, shown */
#define LIMIT_OWN_CERTIFICATE_DAYS 825
#define LIMIT_OWN_CERTIFICATE_RENEW_DAYS 30
#define LIMIT_HTTP_ANSWER_BYTES (64 * 1024 * 1024) /* what the command line reads */
#define LIMIT_HTTP_CALL_MS (2 * CLOCK_MINUTE_MS)

/* Sandbox */
#define LIMIT_SANDBOX_CONNECTIONS 100
#define LIMIT_SANDBOX_SLOW_MS (5 * CLOCK_SECOND_MS) /* recipient slow@ */

/* Domain check (SPF: RFC 7208 4.6.4; DMARC: RFC 9989 4.10) */
#define LIMIT_SPF_LOOKUPS 10             /* terms of one evaluation that ask DNS */
#define LIMIT_SPF_VOIDS 2                /* of them, with nothing found */
#define LIMIT_SPF_HOSTS 10               /* MX hosts of one term; PTR names looked at */
#define LIMIT_SPF_SURVEY 100             /* terms that a survey follows, records it reads */
#define LIMIT_SPF_RECORD_BYTES 4096      /* of one record; a longer one is not judged */
#define LIMIT_SPF_COMFORTABLE_OCTETS 450 /* of a record; RFC 7208 3.4 */
#define LIMIT_TXT_STRING_OCTETS 255      /* of a DNS record, RFC 1035 3.3 */
#define LIMIT_DMARC_REPORT_DOMAINS 4     /* that are asked whether they want them */
#define LIMIT_DMARC_LABELS 8             /* questions of one tree walk */
#define LIMIT_DKIM_SELECTORS 20          /* looked at in one check */
#define LIMIT_DKIM_WEAK_BITS 1024        /* RSA keys below count for nothing (RFC 8301 3.2) */
#define LIMIT_DKIM_SHORT_BITS 2048       /* RSA keys below are worth a word */
#define LIMIT_DKIM_SIGNATURES 10         /* of one mail, looked at */
#define LIMIT_HEADER_LINES 1000          /* of pasted headers, unfolded */
#define LIMIT_HEADER_CHECK_HOPS 50       /* Received fields looked at */
#define LIMIT_DOMAIN_FACTS 20            /* remembered of one domain and kind */
#define LIMIT_DOMAINS_KNOWN 50           /* of which facts are remembered */
#define LIMIT_DOMAIN_FACT_MS (180 * CLOCK_DAY_MS)
#define LIMIT_DOMAIN_ROUNDS 24 /* of questions in one check */
#define LIMIT_HEADER_PASTE_BYTES (64 * 1024)
#define LIMIT_HEADER_ASKING_MS (3 * CLOCK_SECOND_MS) /* for what alignment needs */

/* OAuth2 (LIMIT_BEARER_TOKEN_OCTETS: SMTP) */
#define LIMIT_OAUTH_ANSWER_BYTES (64 * 1024) /* read of a token endpoint's answer */
#define LIMIT_OAUTH_EXPIRY_S (24 * 60 * 60)  /* an access token is renewed at least this often */
#define LIMIT_OAUTH_EXPIRY_ASSUMED_S 3600    /* when the answer does not say it */
#define LIMIT_BEARER_AHEAD_MS (5 * CLOCK_MINUTE_MS)  /* so long before its end it is renewed */
#define LIMIT_BEARER_JITTER_MS CLOCK_MINUTE_MS       /* and by up to so much earlier */
#define LIMIT_BEARER_YOUNG_MS (5 * CLOCK_SECOND_MS)  /* refused at a login, it is not renewed */
#define LIMIT_BEARER_LEAST_MS (30 * CLOCK_SECOND_MS) /* left, to be given while nobody answers */
#define LIMIT_BEARER_CALL_MS (15 * CLOCK_SECOND_MS)  /* one question, name lookup included */
#define LIMIT_BEARER_FETCHERS 8                      /* questions at once */
#define LIMIT_BEARER_ACCOUNTS 32                     /* whose tokens are kept in memory */
#define LIMIT_OAUTH_DEVICE_S (30 * 60)               /* a device's code is asked for no longer */
#define LIMIT_OAUTH_CODE_CHARACTERS 64               /* that a person types */
#define LIMIT_OAUTH_ERROR_CHARACTERS 64
#define LIMIT_OAUTH_DESCRIPTION_CHARACTERS 500
#define LIMIT_OAUTH_SCOPE_BYTES 1024
#define LIMIT_OAUTH_CLIENT_ID_BYTES 512
#define LIMIT_OAUTH_CLIENT_SECRET_BYTES 1024
#define LIMIT_OAUTH_REFRESH_TOKEN_BYTES 8192
#define LIMIT_OAUTH_ADDRESS_BYTES 16384 /* that a sign-in led to: the code alone may have 2 KB */
#define LIMIT_OAUTH_PEM_BYTES 16384     /* certificate, or private key */
#define LIMIT_OAUTH_SERVICE_ACCOUNT_BYTES 16384
#define LIMIT_SIGN_IN_MS (10 * CLOCK_MINUTE_MS) /* from the start of a sign-in to its end */
#define LIMIT_SIGN_INS 64                       /* begun and not ended */
#define LIMIT_SIGN_INS_PER_HOUR 60              /* begun, for each organisation */
#define LIMIT_OAUTH_RSA_BITS_LEAST 2048
#define LIMIT_OAUTH_RSA_BITS_MOST 8192 /* larger ones take seconds to sign */

/* Webhooks */
#define LIMIT_WEBHOOKS 16                            /* of one organisation */
#define LIMIT_WEBHOOK_EVENTS 100000                  /* kept, whatever their age */
#define LIMIT_WEBHOOK_LIFETIME_MS (5 * CLOCK_DAY_MS) /* then a delivery is given up */
#define LIMIT_WEBHOOK_KEEP_MS (7 * CLOCK_DAY_MS)     /* an event may be told again for so long */
#define LIMIT_WEBHOOK_MS (5 * CLOCK_SECOND_MS)       /* one request, name lookup included */
#define LIMIT_WEBHOOK_ANSWER_BYTES 4096              /* read of an answer; the rest is left */
#define LIMIT_WEBHOOK_GROUP 16                       /* deliveries to one receiver in one go */
#define LIMIT_WEBHOOK_SENDERS 4                      /* receivers at once */
#define LIMIT_WEBHOOK_TIDY_ROWS 500                  /* given up, or forgotten, in one job */
