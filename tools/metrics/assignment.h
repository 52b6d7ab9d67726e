/* The assignment problem: rows to different columns so that the sum is the greatest. */
#ifndef TOOLS_METRICS_ASSIGNMENT_H
#define TOOLS_METRICS_ASSIGNMENT_H

#include "runtime/status.h"

/* score: [rows, columns], rows <= columns. Time rows² · columns. */
rt_status assignment_best(const double *score, size_t rows, size_t columns, double *sum, rt_error *err);

#endif
