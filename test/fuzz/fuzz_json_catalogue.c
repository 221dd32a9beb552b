/* Any bytes as failure catalogue: refused with a reason, or a catalogue that answers everything. */
#include "diagnosis/diagnosis.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(DiagnosisCatalogue) catalogue =
        diagnosis_catalogue_new((const char *)data, n, &error);
    g_assert_true((catalogue == NULL) == (error != NULL));
    if (catalogue == NULL)
        return 0;
    static const DiagnosisInput inputs[] = {{0},
        {.phase = "auth", .code = 535, .text = "quota full"},
        {.phase = "tls", .tls = "wrong version number"}};
    for (gsize i = 0; i < G_N_ELEMENTS(inputs); i++) {
        const Diagnosis *found = diagnosis_match(catalogue, &inputs[i]);
        g_assert_true(diagnosis_by_id(catalogue, found->id) == found);
    }
    return 0;
}
