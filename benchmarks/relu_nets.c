/* The yardstick: 1-SAM on a two-layer ReLU network, one product with the first layer a step, as one would write it in C.
 *
 *     relu_nets IN OUT
 *
 * IN holds int64 {n, d, m, steps, norm}, float64 {eta, rho, eps, length}, X[n][d], y[n], theta[m d + m] and the stream's
 * uint64[6] (SFC64).  norm: layer norm, the first layer kept at norm `length`.  The samples come in a new order every
 * epoch.  OUT gets the last theta.  The processor time of the loop goes to stdout, in seconds.
 */
#include "stream.h"

static uint32_t next32(uint64_t *s) {
    if (s[4]) {
        s[4] = 0;
        return (uint32_t)s[5];
    }
    uint64_t word = next(s);
    s[4] = 1;
    s[5] = word >> 32;
    return (uint32_t)word;
}

static void shuffle(uint64_t *s, int64_t *order, int64_t n) {
    for (int64_t i = n - 1; i > 0; i--) {
        uint64_t mask = (uint64_t)i, j;
        for (int k = 1; k < 32; k *= 2) mask |= mask >> k;
        while ((j = next32(s) & mask) > (uint64_t)i) continue;
        int64_t kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

static void product(int m, int d, const double *restrict W, const double *restrict x, double *restrict a) {
    for (int j = 0; j < m; j++) {
        double total = 0.0;
        for (int k = 0; k < d; k++) total += W[j * d + k] * x[k];
        a[j] = total;
    }
}

static void plain(int m, int d, double *restrict W, double *restrict last, const double *restrict x, double y, double eta,
                  double rho, double *restrict a) {
    product(m, d, W, x, a);
    double f = 0.0, vv = 0.0, hh = 0.0, q = 0.0;
    for (int j = 0; j < m; j++)
        if (a[j] > 0.0) {
            f += last[j] * a[j];
            vv += last[j] * last[j];
            hh += a[j] * a[j];
        }
    for (int k = 0; k < d; k++) q += x[k] * x[k];
    double length = sqrt(q * vv + hh);
    if (f == y || length == 0.0) return;
    double c = copysign(rho / length, f - y);
    f = 0.0;
    for (int j = 0; j < m; j++)
        if (a[j] > 0.0) f += (last[j] + c * a[j]) * fmax(a[j] + c * q * last[j], 0.0);
    double pull = 2.0 * eta * (f - y);
    for (int j = 0; j < m; j++)
        if (a[j] > 0.0) {
            double h = a[j] + c * q * last[j];
            if (h > 0.0) {
                double v = pull * (last[j] + c * a[j]);
                last[j] -= pull * h;
                for (int k = 0; k < d; k++) W[j * d + k] -= v * x[k];
            }
        }
}

static void normed(int m, int d, double *restrict W, double *restrict last, const double *restrict x, double y, double eta,
                   double rho, double eps, double *restrict a, double *restrict moved) {
    product(m, d, W, x, a);
    double f = 0.0, rr = 0.0, vv = 0.0, q = 0.0, ss = 0.0;
    for (int j = 0; j < m; j++)
        if (a[j] > 0.0) {
            rr += a[j] * a[j];
            f += last[j] * a[j];
        }
    double size = sqrt(rr), inverse = 1.0 / fmax(size, eps);
    f *= inverse;
    double along = size > eps ? f : 0.0;
    for (int j = 0; j < m; j++)
        if (a[j] > 0.0) {
            double v = last[j] - along * (a[j] * inverse);
            vv += v * v;
        }
    for (int k = 0; k < d; k++) q += x[k] * x[k];
    double length = sqrt(q * vv + rr) * inverse;
    if (f == y || length == 0.0) return;
    double c = copysign(rho / length, f - y), push = c * q * inverse;
    f = 0.0;
    for (int j = 0; j < m; j++) {
        moved[j] = 0.0;
        if (a[j] > 0.0) {
            double h = a[j] * inverse, r = fmax(a[j] + push * (last[j] - along * h), 0.0);
            moved[j] = r;
            a[j] = last[j] + c * h;
            ss += r * r;
            f += a[j] * r;
        }
    }
    size = sqrt(ss);
    inverse = 1.0 / fmax(size, eps);
    f *= inverse;
    along = size > eps ? f : 0.0;
    double pull = 2.0 * eta * (f - y), share = pull * inverse;
    for (int j = 0; j < m; j++)
        if (moved[j] > 0.0) {
            double h = moved[j] * inverse, v = share * (a[j] - along * h);
            last[j] -= pull * h;
            for (int k = 0; k < d; k++) W[j * d + k] -= v * x[k];
        }
}

static void rescale(int size, double *restrict x, double length) {
    double a = 0.0, b = 0.0, c = 0.0, e = 0.0;
    int whole = size - size % 4;
    for (int i = 0; i < whole; i += 4) {
        a += x[i] * x[i];
        b += x[i + 1] * x[i + 1];
        c += x[i + 2] * x[i + 2];
        e += x[i + 3] * x[i + 3];
    }
    for (int i = whole; i < size; i++) a += x[i] * x[i];
    double factor = length / sqrt((a + b) + (c + e));
    for (int i = 0; i < size; i++) x[i] *= factor;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    FILE *file = fopen(argv[1], "rb");
    if (!file) return 2;
    int64_t *head = take(file, 8, 5), n = head[0], steps = head[3];
    int d = (int)head[1], m = (int)head[2], norm = (int)head[4], size = m * d;
    double *rates = take(file, 8, 4), *X = take(file, 8, (size_t)n * d), *y = take(file, 8, n);
    double *theta = take(file, 8, size + m), *work = malloc(16 * (size_t)m);
    uint64_t *stream = take(file, 8, 6);
    fclose(file);
    int64_t *order = malloc(8 * (size_t)n);
    for (int64_t i = 0; i < n; i++) order[i] = i;

    struct timespec begin, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begin);
    for (int64_t t = 0; t < steps; t++) {
        if (t % n == 0) shuffle(stream, order, n);
        int64_t i = order[t % n];
        if (norm) {
            normed(m, d, theta, theta + size, X + i * d, y[i], rates[0], rates[1], rates[2], work, work + m);
            rescale(size, theta, rates[3]);
        } else {
            plain(m, d, theta, theta + size, X + i * d, y[i], rates[0], rates[1], work);
        }
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    printf("%.9f\n", (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec));
    file = fopen(argv[2], "wb");
    if (!file || fwrite(theta, 8, (size_t)(size + m), file) != (size_t)(size + m)) return 2;
    return fclose(file);
}
