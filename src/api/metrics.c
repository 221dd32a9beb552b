#include "api/metrics.h"

#include "api/routes/routes.h"
#include "base/counter.h"

#define STATUS_CLASSES 6 /* index: status / 100 */

struct metrics {
    Counter *answers; /* one a route and status class, one more row for "no route" */
    guint n_routes;
    Counter commits;
};

Metrics *metrics_new(void)
{
    Metrics *metrics = g_new0(Metrics, 1);
    routes_table(&metrics->n_routes);
    metrics->answers = g_new0(Counter, (metrics->n_routes + 1) * STATUS_CLASSES);
    return metrics;
}

void metrics_free(Metrics *metrics)
{
    if (!metrics)
        return;
    g_free(metrics->answers);
    g_free(metrics);
}

void metrics_count_answer(Metrics *metrics, const Route *route, int status)
{
    const Route *table = routes_table(NULL);
    gsize row = route ? (gsize)(route - table) : metrics->n_routes;
    gsize class = (gsize)CLAMP(status / 100, 0, STATUS_CLASSES - 1);
    counter_add(&metrics->answers[row * STATUS_CLASSES + class]);
}

void metrics_count_commit(Metrics *metrics)
{
    counter_add(&metrics->commits);
}

void metrics_write_one(
    GString *text, const char *name, const char *type, const char *help, gint64 value)
{
    g_string_append_printf(text, "# HELP %s %s\n# TYPE %s %s\n%s %" G_GINT64_FORMAT "\n", name,
        help, name, type, name, value);
}

void metrics_write(Metrics *metrics, GString *text)
{
    const Route *table = routes_table(NULL);
    g_string_append(text, "# HELP absender_http_answers_total Answers by route and status class.\n"
                          "# TYPE absender_http_answers_total counter\n");
    for (guint row = 0; row <= metrics->n_routes; row++) {
        const Route *route = row < metrics->n_routes ? &table[row] : NULL;
        for (guint class = 1; class < STATUS_CLASSES; class ++) {
            gint64 count = counter_get(&metrics->answers[row * STATUS_CLASSES + class]);
            if (count)
                g_string_append_printf(text,
                    "absender_http_answers_total{method=\"%s\",route=\"%s\",class=\"%uxx\"} "
                    "%" G_GINT64_FORMAT "\n",
                    route ? route->method : "", route ? route->pattern : "none", class, count);
        }
    }
    metrics_write_one(text, "absender_store_commits_total", "counter",
        "Commits that changed something.", counter_get(&metrics->commits));
}
