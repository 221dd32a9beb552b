#include "api/metrics.h"

#include "api/routes/routes.h"

#define STATUS_CLASSES 6 /* index: status / 100 */

struct metrics {
    gint *answers; /* one a route and status class, one more row for "no route"; atomic */
    guint n_routes;
    gint commits;
};

Metrics *metrics_new(void)
{
    Metrics *metrics = g_new0(Metrics, 1);
    routes_table(&metrics->n_routes);
    metrics->answers = g_new0(gint, (metrics->n_routes + 1) * STATUS_CLASSES);
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
    g_atomic_int_inc(&metrics->answers[row * STATUS_CLASSES + class]);
}

void metrics_count_commit(Metrics *metrics)
{
    g_atomic_int_inc(&metrics->commits);
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
            gint count = g_atomic_int_get(&metrics->answers[row * STATUS_CLASSES + class]);
            if (count)
                g_string_append_printf(text,
                    "absender_http_answers_total{method=\"%s\",route=\"%s\",class=\"%uxx\"} %u\n",
                    route ? route->method : "", route ? route->pattern : "none", class,
                    (guint)count);
        }
    }
    metrics_write_one(text, "absender_store_commits_total", "counter",
        "Commits that changed something.", g_atomic_int_get(&metrics->commits));
}
