/* Laps; see laps.h. */
#include "model/laps.h"

#include <stddef.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void t5_laps_begin(t5_laps *laps) {
    if (laps != NULL) laps->since = now();
}

void t5_laps_end(t5_laps *laps, t5_lap lap) {
    if (laps == NULL) return;
    const double at = now();
    laps->seconds[lap] += at - laps->since;
    laps->since = at;
}
