#include "people/access.h"

#include "base/limits.h"

#include <sodium.h>
#include <string.h>

/* Verified when there is no such account, so that the answer takes as long (threats.md T36). Nobody
 * knows a password for it, and it would not matter: the answer is FALSE either way. */
static const char nobodys_hash[] = "$argon2id$v=19$m=19456,t=2,p=1$WTm0G+I6Xyj6ktV1FYE4Ow$"
                                   "svV5hP9fdSZDAKJrB/zGl4LjaJHX+VRzSYBatOSsYMY";

char *people_password_hash(const Secret *password)
{
    char *hash = g_malloc(crypto_pwhash_STRBYTES);
    gsize n;
    const char *bytes = secret_reveal(password, &n);
    if (crypto_pwhash_str(hash, bytes, n, LIMIT_HASH_PASSES, LIMIT_HASH_MEMORY_BYTES) != 0)
        g_error("out of memory for hashing a password");
    return hash;
}

gboolean people_password_verify(const char *hash, const Secret *password)
{
    gsize n;
    const char *bytes = secret_reveal(password, &n);
    const char *tried = hash == NULL ? nobodys_hash : hash;
    gboolean matches = crypto_pwhash_str_verify(tried, bytes, n) == 0;
    return matches && hash != NULL;
}

/* --- Passwords that everybody tries first ----------------------------------------------------- */

/* What guessing lists begin with, English and German, lower case, of at least
 * LIMIT_NEW_PASSWORD_CHARACTERS. Repetitions and sequences are found below and need not stand here.
 */
static const char *const common[] = {
    "0123456789a",
    "1029384756",
    "1122334455",
    "112233445566",
    "1231231234",
    "123123123a",
    "123456789a",
    "123456789abc",
    "123456789q",
    "12345qwert",
    "1234qwerasdf",
    "123qweasdzxc",
    "1357924680",
    "1472583690",
    "147258369a",
    "159753456852",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "1qazxsw23edc",
    "2468013579",
    "31415926535",
    "7894561230",
    "9638527410",
    "987654321a",
    "a123456789",
    "a1234567890",
    "aa123456789",
    "abc123456789",
    "abcd123456",
    "abcd1234567",
    "abcdef1234",
    "abcdefg123",
    "abcdefg1234",
    "absender123",
    "absender1234",
    "admin12345",
    "admin123456",
    "adminadmin1",
    "administrator",
    "administrator1",
    "asdfasdf123",
    "asdfghjkl1",
    "asdfghjkl123",
    "asdfghjklö",
    "baseball123",
    "basketball",
    "blink182182",
    "changeme123",
    "changemenow",
    "charlie123",
    "computer123",
    "dragon12345",
    "facebook123",
    "football123",
    "geheim12345",
    "geheimnis123",
    "google12345",
    "hallo12345",
    "hallo123456",
    "hallohallo1",
    "ichliebedich",
    "iloveyou12",
    "iloveyou123",
    "iloveyou1234",
    "internet123",
    "letmein123",
    "letmein1234",
    "liverpool1",
    "manchester",
    "master12345",
    "michael123",
    "minecraft1",
    "minecraft123",
    "monkey12345",
    "mypassword",
    "mypassword1",
    "newpassword",
    "p@ssw0rd123",
    "p@ssword123",
    "passw0rd123",
    "password01",
    "password12",
    "password123",
    "password1234",
    "password12345",
    "password123456",
    "password2024",
    "password2025",
    "passwort12",
    "passwort123",
    "passwort1234",
    "passwort12345",
    "pokemon123",
    "princess123",
    "q123456789",
    "q1w2e3r4t5",
    "q1w2e3r4t5y6",
    "qazwsx123456",
    "qazwsxedcrfv",
    "qwe123qwe123",
    "qweasdzxc123",
    "qwert12345",
    "qwerty1234",
    "qwerty12345",
    "qwerty123456",
    "qwertyui12",
    "qwertyuiop",
    "qwertz1234",
    "qwertz12345",
    "qwertzuiop",
    "root123456",
    "samsung123",
    "schatz12345",
    "secret12345",
    "sommer2024",
    "sommer2025",
    "sonnenschein",
    "spiderman1",
    "starwars123",
    "sunshine123",
    "superman123",
    "test123456",
    "test1234567",
    "testtest123",
    "trustno123",
    "unknown123",
    "welcome123",
    "welcome1234",
    "welcome2024",
    "welcome2025",
    "whatever123",
    "willkommen",
    "willkommen1",
    "willkommen123",
    "winter2024",
    "winter2025",
    "yourpassword",
    "zaq12wsxcde3",
    "zxcvbnm123",
};

static gboolean is_common(const char *password)
{
    for (gsize i = 0; i < G_N_ELEMENTS(common); i++) {
        if (g_ascii_strcasecmp(password, common[i]) == 0)
            return TRUE;
    }
    return FALSE;
}

/* "aaaaaaaaaa", "1212121212", "passpasspass": a unit of up to this many bytes, over and over. */
#define LONGEST_UNIT 4

static gboolean is_repetition(const char *password, gsize n)
{
    for (gsize unit = 1; unit <= LONGEST_UNIT && unit < n; unit++) {
        if (memcmp(password, password + unit, n - unit) == 0)
            return TRUE;
    }
    return FALSE;
}

/* "1234567890", "abcdefghij", "9876543210": each character one up, or each one down. 9 and 0 are
 * neighbours, as on the keyboard. */
static gboolean is_sequence(const char *password, gsize n)
{
    for (int step = -1; step <= 1; step += 2) {
        gsize i = 1;
        while (i < n) {
            int from = password[i - 1], to = password[i];
            gboolean wraps = step == 1 ? from == '9' && to == '0' : from == '0' && to == '9';
            if (to - from != step && !wraps)
                break;
            i++;
        }
        if (i == n)
            return TRUE;
    }
    return FALSE;
}

/* The address or what stands before its '@'. */
static gboolean is_address(const char *password, const char *email)
{
    if (email == NULL)
        return FALSE;
    const char *at = strrchr(email, '@');
    gsize n_local = at == NULL ? strlen(email) : (gsize)(at - email);
    return g_ascii_strcasecmp(password, email) == 0 ||
           (strlen(password) == n_local && g_ascii_strncasecmp(password, email, n_local) == 0);
}

static gsize count_characters(const char *text, gsize n)
{
    return g_utf8_validate_len(text, n, NULL) ? (gsize)g_utf8_strlen(text, (gssize)n) : n;
}

const char *people_password_fault(const Secret *password, const char *email)
{
    gsize n;
    const char *text = secret_reveal(password, &n);
    if (count_characters(text, n) < LIMIT_NEW_PASSWORD_CHARACTERS)
        return "password_too_short";
    if (is_repetition(text, n) || is_sequence(text, n) || is_common(text) ||
        is_address(text, email))
        return "password_too_common";
    return NULL;
}
