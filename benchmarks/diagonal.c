/* SAM on the diagonal network beta = u*v, f = (1/2n)|X beta - y|^2, in C: beside it samtheory is timed.
 *
 *     diagonal IN OUT
 *
 * IN holds int64 {n, d, steps, own}, float64 {eta, rho}, X[n][d], columns[d][n] (X transposed), y[n] and x0[2 d].  own = 0: one
 * full-batch ascent step; 1: one of every sample's own.  OUT gets the last point; the processor time of the loop goes to stdout.
 */
#include "stream.h"

static int n, d;
static const double *X, *columns, *y;

static void gradient(const double *restrict x, double *restrict r, double *restrict z, double *restrict out) {
    for (int i = 0; i < n; i++) r[i] = 0.0;
    for (int j = 0; j < d; j++) {
        double beta = x[j] * x[d + j];
        for (int i = 0; i < n; i++) r[i] += beta * columns[j * n + i];
    }
    for (int i = 0; i < n; i++) r[i] -= y[i];
    for (int j = 0; j < d; j++) z[j] = 0.0;
    for (int i = 0; i < n; i++) {
        double a = r[i];
        for (int j = 0; j < d; j++) z[j] += a * X[i * d + j];
    }
    for (int j = 0; j < d; j++) {
        double g = z[j] / n;
        out[j] = g * x[d + j];
        out[d + j] = g * x[j];
    }
}

static void sample_gradient(int i, const double *restrict x, double *restrict out) {
    const double *row = X + (size_t)i * d;
    double miss = -y[i];
    for (int j = 0; j < d; j++) miss += row[j] * (x[j] * x[d + j]);
    for (int j = 0; j < d; j++) {
        double g = miss * row[j];
        out[j] = g * x[d + j];
        out[d + j] = g * x[j];
    }
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    FILE *file = fopen(argv[1], "rb");
    if (!file) return 2;
    int64_t *head = take(file, 8, 4), steps = head[2], own = head[3];
    n = (int)head[0], d = (int)head[1];
    double *rates = take(file, 8, 2), eta = rates[0], rho = rates[1];
    X = take(file, 8, (size_t)n * d), columns = take(file, 8, (size_t)n * d), y = take(file, 8, n);
    double *x = take(file, 8, 2 * (size_t)d);
    fclose(file);
    double *work = malloc(8 * (size_t)(n + 7 * d));
    double *r = work, *z = r + n, *g = z + d, *moved = g + 2 * d, *mean = moved + 2 * d;

    struct timespec begin, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    for (int64_t t = 0; t < steps; t++) {
        if (own) {
            for (int k = 0; k < 2 * d; k++) mean[k] = 0.0;
            for (int i = 0; i < n; i++) {
                sample_gradient(i, x, g);
                for (int k = 0; k < 2 * d; k++) moved[k] = x[k] + rho * g[k];
                sample_gradient(i, moved, g);
                for (int k = 0; k < 2 * d; k++) mean[k] += 1.0 / n * g[k];
            }
            for (int k = 0; k < 2 * d; k++) x[k] -= eta * mean[k];
        } else {
            gradient(x, r, z, g);
            for (int k = 0; k < 2 * d; k++) moved[k] = x[k] + rho * g[k];
            gradient(moved, r, z, g);
            for (int k = 0; k < 2 * d; k++) x[k] -= eta * g[k];
        }
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    printf("%.9f\n", (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec));
    file = fopen(argv[2], "wb");
    if (!file || fwrite(x, 8, 2 * (size_t)d, file) != 2 * (size_t)d) return 2;
    return fclose(file);
}
