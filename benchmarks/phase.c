/* The yardstick: gradient descent or USAM on (x y - 1)^2/2 from many starts, as one would write it in C.
 *
 *     phase IN OUT
 *
 * IN holds int64 {members, steps, usam}, float64 {eta, rho, limit} and float64 starts[members][2].  A member stops where
 * some |x_i| > limit.  OUT gets the last points, float64 [members][2].  The processor time of the loop in seconds goes
 * to stdout.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    FILE *file = fopen(argv[1], "rb");
    if (!file) return 2;
    int64_t head[3];
    double rates[3];
    if (fread(head, 8, 3, file) != 3 || fread(rates, 8, 3, file) != 3) return 2;
    int64_t members = head[0], steps = head[1], usam = head[2];
    double eta = rates[0], rho = rates[1], limit = rates[2], *x = malloc(16 * (size_t)members);
    if (!x || fread(x, 16, (size_t)members, file) != (size_t)members) return 2;
    fclose(file);

    struct timespec begin, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    for (int64_t m = 0; m < members; m++) {
        double u = x[2 * m], v = x[2 * m + 1];
        for (int64_t t = 0; t < steps; t++) {
            double slope = u * v - 1.0, p = u, q = v;
            if (usam) {
                p = u + rho * (slope * v);
                q = v + rho * (slope * u);
                slope = p * q - 1.0;
            }
            double du = slope * q, dv = slope * p;
            u = u + -eta * du;
            v = v + -eta * dv;
            if (!(fabs(u) <= limit && fabs(v) <= limit)) break;
        }
        x[2 * m] = u;
        x[2 * m + 1] = v;
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    printf("%.9f\n", (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec));
    file = fopen(argv[2], "wb");
    if (!file || fwrite(x, 16, (size_t)members, file) != (size_t)members) return 2;
    return fclose(file);
}
