/* The yardstick: Euler-Maruyama on dX = A X dt + B(X) dW as one would write it in C.
 *
 *     sde IN OUT
 *
 * IN holds int64 {d, steps, every, members, kind}, float64 {h}, the ziggurat tables (float64 wi[256], fi[256], uint64
 * ki[256]), float64 A[d][d] by columns, then
 *     kind 0, constant B    B[d][d] by columns
 *     kind 1, X_i S_ij      S[d][d] by columns
 *     kind 2, c + C X       slopes C[d][d][d] (noise, row, column), offsets c[d][d]
 * float64 x0[d] and uint64 states[members][6] (SFC64).  OUT gets every `every`-th iterate, float64
 * [members][steps / every][d].  The processor time of the loop in seconds goes to stdout.
 */
#include "stream.h"

static inline void product(int d, const double *restrict columns, const double *restrict x, double *restrict out) {
    for (int i = 0; i < d; i++) out[i] = 0.0;
    for (int j = 0; j < d; j++) {
        double a = x[j];
        for (int i = 0; i < d; i++) out[i] += a * columns[j * d + i];
    }
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    FILE *file = fopen(argv[1], "rb");
    if (!file) return 2;
    int64_t *head = take(file, 8, 5);
    int d = (int)head[0];
    int64_t steps = head[1], every = head[2], members = head[3], kind = head[4], rows = steps / every;
    double h = *(double *)take(file, 8, 1), root = sqrt(h);
    take_tables(file);
    double *drift = take(file, 8, (size_t)d * d);
    double *noise = take(file, 8, (size_t)d * d * (kind == 2 ? d : 1)), *offsets = NULL;
    if (kind == 2) offsets = take(file, 8, (size_t)d * d);
    double *x0 = take(file, 8, d);
    uint64_t *states = take(file, 8, 6 * members);
    fclose(file);
    double *out = malloc(8 * (size_t)(members * rows * d)), *work = malloc(8 * (size_t)(4 * d + d * d));
    double *x = work, *dw = work + d, *b = work + 2 * d, *v = work + 3 * d, *matrix = work + 4 * d;

    struct timespec begin, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    for (int64_t m = 0; m < members; m++) {
        uint64_t *s = states + 6 * m;
        for (int i = 0; i < d; i++) x[i] = x0[i];
        for (int64_t t = 0; t < steps; t++) {
            for (int i = 0; i < d; i++) dw[i] = root * normal(s);
            product(d, drift, x, b);
            if (kind == 2) {
                for (int i = 0; i < d * d; i++) matrix[i] = 0.0;
                for (int i = 0; i < d; i++) v[i] = 0.0;
                for (int k = 0; k < d; k++) {
                    for (int i = 0; i < d; i++) v[i] += dw[k] * offsets[k * d + i];
                    for (int i = 0; i < d * d; i++) matrix[i] += dw[k] * noise[(size_t)k * d * d + i];
                }
                for (int i = 0; i < d; i++) {
                    double total = 0.0;
                    for (int j = 0; j < d; j++) total += matrix[i * d + j] * x[j];
                    v[i] += total;
                }
            } else {
                product(d, noise, dw, v);
                if (kind == 1)
                    for (int i = 0; i < d; i++) v[i] *= x[i];
            }
            for (int i = 0; i < d; i++) x[i] += h * b[i] + v[i];
            if ((t + 1) % every == 0)
                for (int i = 0; i < d; i++) out[(m * rows + (t + 1) / every - 1) * d + i] = x[i];
        }
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    printf("%.9f\n", (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec));
    file = fopen(argv[2], "wb");
    if (!file || fwrite(out, 8, (size_t)(members * rows * d), file) != (size_t)(members * rows * d)) return 2;
    return fclose(file);
}
