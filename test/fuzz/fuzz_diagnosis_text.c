/* Any phase, code and text gives a row whose phase fits; the case and the line ends of the text
 * change nothing; the fate keeps the rule that the code comes first. Input: one octet phase, two
 * octets code, then the text. Reads data/failures.json below ABSENDER_SOURCE or the working folder.
 */
#include "diagnosis/rows.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static DiagnosisCatalogue *catalogue;

static const char *const phases[] = {NULL, "config", "dns", "connect", "greeting", "ehlo",
    "starttls", "tls", "auth", "token", "mail_from", "rcpt_to", "data", "after_data", "bounce",
    "lunch"};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *source = g_getenv("ABSENDER_SOURCE");
    g_autofree char *path =
        g_build_filename(source != NULL ? source : ".", "data", "failures.json", NULL);
    g_autofree char *json = NULL;
    gsize n = 0;
    g_assert_true(g_file_get_contents(path, &json, &n, NULL));
    catalogue = diagnosis_catalogue_new(json, n, NULL);
    g_assert_nonnull(catalogue);
    return 0;
}

static void check_row(const Diagnosis *diagnosis, const DiagnosisInput *input)
{
    const Row *row = g_hash_table_lookup(catalogue->by_id, diagnosis->id);
    g_assert_true(row != NULL && &row->diagnosis == diagnosis);
    Phase phase = phase_parse(input->phase);
    g_assert_true(row->phases == 0 || phase == PHASE_UNKNOWN || (row->phases >> phase & 1) != 0);
    if (diagnosis->overrides_code)
        return;
    DiagnosisFate fate = diagnosis_fate(diagnosis, input);
    g_assert_false(input->code / 100 == 4 && fate == DIAGNOSIS_FATE_BOUNCE);
    g_assert_false(input->code / 100 == 5 && fate == DIAGNOSIS_FATE_RETRY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n < 3)
        return 0;
    g_autofree char *text = g_strndup((const char *)data + 3, n - 3);
    g_autofree char *other = g_ascii_strup(text, -1);
    g_strdelimit(other, "\n", ' ');
    DiagnosisInput input = {.phase = phases[data[0] % G_N_ELEMENTS(phases)],
        .code = (data[1] << 8 | data[2]) % 700,
        .text = text,
        .tls = text};
    const Diagnosis *found = diagnosis_match(catalogue, &input);
    check_row(found, &input);
    if (strstr(text, "\n\n") == NULL && strstr(text, " \n") == NULL &&
        strstr(text, "\r") == NULL) { /* else a run of line ends becomes one space */
        input.text = input.tls = other;
        g_assert_true(diagnosis_match(catalogue, &input) == found);
    }
    return 0;
}
