/* The yardstick: SAM on a dense or diagonal quadratic, with or without additive Gaussian noise, as one would write it in C.
 *
 *     sam IN OUT
 *
 * IN holds int64 {d, steps, every, members, noisy, dense}, float64 {eta, rho, sigma}, the ziggurat tables (float64 wi[256],
 * fi[256], uint64 ki[256]), float64 matrix[d][d] (or lam[d]), centre[d], x0[d] and uint64 states[members][6] (SFC64).  OUT gets
 * every `every`-th iterate, float64 [members][steps / every][d].  The processor time of the loop goes to stdout, in
 * seconds.
 */
#include "stream.h"

static void gradient(int d, const double *matrix, const double *centre, const double *x, const double *z, double sigma,
                     double *restrict away, double *restrict out) {
    for (int i = 0; i < d; i++) {
        away[i] = x[i] - centre[i];
        out[i] = 0.0;
    }
    for (int j = 0; j < d; j++) {
        double a = away[j];
        for (int i = 0; i < d; i++) out[i] += a * matrix[j * d + i];
    }
    if (z)
        for (int i = 0; i < d; i++) out[i] += sigma * z[i];
}

static void diagonal_gradient(int d, const double *restrict lam, const double *restrict centre,
                              const double *restrict x, double *restrict out) {
    for (int i = 0; i < d; i++) out[i] = lam[i] * (x[i] - centre[i]);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    FILE *file = fopen(argv[1], "rb");
    if (!file) return 2;
    int64_t *head = take(file, 8, 6);
    int d = (int)head[0];
    int64_t steps = head[1], every = head[2], members = head[3], noisy = head[4], dense = head[5], rows = steps / every;
    double *rates = take(file, 8, 3), eta = rates[0], rho = rates[1], sigma = rates[2];
    take_tables(file);
    double *matrix = take(file, 8, dense ? (size_t)d * d : (size_t)d), *centre = take(file, 8, d), *x0 = take(file, 8, d);
    uint64_t *states = take(file, 8, 6 * members);
    fclose(file);
    double *out = malloc(8 * (size_t)(members * rows * d)), *work = malloc(8 * 5 * (size_t)d);
    double *x = work, *g = work + d, *y = work + 2 * d, *away = work + 3 * d, *noise = work + 4 * d;
    double *z = noisy ? noise : NULL;

    struct timespec begin, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    for (int64_t m = 0; m < members; m++) {
        uint64_t *s = states + 6 * m;
        for (int i = 0; i < d; i++) x[i] = x0[i];
        for (int64_t t = 0; t < steps; t++) {
            if (z)
                for (int i = 0; i < d; i++) z[i] = normal(s);
            if (dense) gradient(d, matrix, centre, x, z, sigma, away, g);
            else diagonal_gradient(d, matrix, centre, x, g);
            double square = 0.0;
            for (int i = 0; i < d; i++) square += g[i] * g[i];
            double scale = square > 0.0 ? rho / sqrt(square) : 0.0;
            for (int i = 0; i < d; i++) y[i] = x[i] + scale * g[i];
            if (dense) gradient(d, matrix, centre, y, z, sigma, away, g);
            else diagonal_gradient(d, matrix, centre, y, g);
            for (int i = 0; i < d; i++) x[i] -= eta * g[i];
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
