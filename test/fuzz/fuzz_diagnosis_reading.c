/* Any bytes as a pasted bounce or log: findings are bounded, each diagnosis comes once, what a
 * finding shows stands in the text, and a report made of the same bytes gets a row. Reads
 * data/failures.json below ABSENDER_SOURCE or the working folder. */
#include "diagnosis/reading.h"

#include "base/limits.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static DiagnosisCatalogue *catalogue;

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

static void check_finding(const DiagnosisFinding *finding, const char *text)
{
    g_assert_true(diagnosis_by_id(catalogue, finding->diagnosis->id) == finding->diagnosis);
    g_assert_true(finding->code == 0 || (finding->code >= 400 && finding->code <= 599));
    g_assert_true(finding->line[0] != '\0' && strstr(text, finding->line) != NULL);
    g_assert_true((finding->text != NULL) == (finding->code != 0));
    g_assert_true(finding->enhanced == NULL || strchr("45", finding->enhanced[0]) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    g_autofree char *text = g_strndup((const char *)data, n);
    gsize length = strlen(text);
    g_strdelimit(text, "\r", ' '); /* as the reader takes it */
    g_autoptr(GPtrArray) findings = diagnosis_read(catalogue, text, length, NULL);
    g_assert_cmpuint(findings->len, <=, LIMIT_DIAGNOSIS_FINDINGS);
    for (guint i = 0; i < findings->len; i++) {
        const DiagnosisFinding *finding = findings->pdata[i];
        check_finding(finding, text);
        for (guint k = 0; k < i; k++) {
            const DiagnosisFinding *earlier = findings->pdata[k];
            g_assert_true(earlier->diagnosis != finding->diagnosis);
        }
    }
    const DiagnosisReport report = {.phase = "data", .reply = text, .error = text, .host = text};
    g_assert_nonnull(diagnosis_of_report(catalogue, &report));
    return 0;
}
