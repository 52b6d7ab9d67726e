/* The Hungarian method by shortest augmenting paths, on costs −score with potentials u (rows) and v (columns):
 *
 *     reduced cost of (i, j) = −score[i][j] − u[i] − v[j] ≥ 0, and 0 on the pairs assigned
 *
 * Each row in turn is brought in along the path of least reduced cost to a free column. Columns and rows are numbered from 1; column 0 is
 * where a path starts. */
#include "tools/metrics/assignment.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

typedef struct hungarian {
    const double *score;
    size_t rows, columns;
    double *u, *v, *least;    /* least: of each column, the least reduced cost over the path so far */
    size_t *row_of, *came_by; /* came_by: the column before it on the path */
    bool *visited;
} hungarian;

static double reduced(const hungarian *h, size_t row, size_t column) {
    return -h->score[(row - 1) * h->columns + column - 1] - h->u[row] - h->v[column];
}

/* Goes on from the column by one step; returns the next one. */
static size_t step(hungarian *h, size_t column) {
    const size_t row = h->row_of[column];
    size_t next = 0;
    double delta = HUGE_VAL;
    h->visited[column] = true;
    for (size_t j = 1; j <= h->columns; j++) {
        if (h->visited[j]) continue;
        const double cost = reduced(h, row, j);
        if (cost < h->least[j]) h->least[j] = cost, h->came_by[j] = column;
        if (h->least[j] < delta) delta = h->least[j], next = j;
    }
    for (size_t j = 0; j <= h->columns; j++) {
        if (h->visited[j]) h->u[h->row_of[j]] += delta, h->v[j] -= delta;
        else h->least[j] -= delta;
    }
    return next;
}

static void bring_in(hungarian *h, size_t row) {
    for (size_t j = 0; j <= h->columns; j++) h->least[j] = HUGE_VAL, h->visited[j] = false;
    h->row_of[0] = row;
    size_t column = 0;
    do {
        column = step(h, column);
    } while (h->row_of[column] != 0);
    while (column != 0) {
        h->row_of[column] = h->row_of[h->came_by[column]];
        column = h->came_by[column];
    }
}

rt_status assignment_best(const double *score, size_t rows, size_t columns, double *sum, rt_error *err) {
    const size_t n = columns + 1, n_doubles = rows + 1 + 2 * n, bytes = n_doubles * sizeof(double) + 2 * n * sizeof(size_t) + n;
    double *block = calloc(1, bytes);
    if (block == NULL) return rt_fail_memory(err, bytes, "an assignment");
    size_t *numbers = (size_t *)(void *)(block + n_doubles);
    hungarian h = {
        .score = score, .rows = rows, .columns = columns,
        .u = block, .v = block + rows + 1, .least = block + rows + 1 + n,
        .row_of = numbers, .came_by = numbers + n, .visited = (bool *)(numbers + 2 * n),
    };
    for (size_t row = 1; row <= rows; row++) bring_in(&h, row);
    *sum = 0;
    for (size_t j = 1; j <= columns; j++) {
        if (h.row_of[j] != 0) *sum += score[(h.row_of[j] - 1) * columns + j - 1];
    }
    free(block);
    return RT_OK;
}
