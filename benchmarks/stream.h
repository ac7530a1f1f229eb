/* What the yardsticks share: reading the input, and NumPy's normals from an SFC64 stream. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double wi[256], fi[256];
static uint64_t ki[256];

static void *take(FILE *file, size_t size, size_t count) {
    void *out = malloc(size * count + 1);
    if (!out || fread(out, size, count, file) != count) exit(2);
    return out;
}

static inline uint64_t next(uint64_t *s) {
    uint64_t out = s[0] + s[1] + s[3]++;
    s[0] = s[1] ^ (s[1] >> 11);
    s[1] = s[2] + (s[2] << 3);
    s[2] = ((s[2] << 24) | (s[2] >> 40)) + out;
    return out;
}

static inline double uniform(uint64_t *s) { return (double)(next(s) >> 11) * (1.0 / 9007199254740992.0); }

static inline double normal(uint64_t *s) {
    const double tail = 3.6541528853610087963519472518, inverse = 0.27366123732975827203338247596;
    for (;;) {
        uint64_t word = next(s);
        int layer = word & 0xff;
        word >>= 8;
        uint64_t magnitude = (word >> 1) & 0x000fffffffffffffULL;
        double x = (double)magnitude * wi[layer];
        if (word & 1) x = -x;
        if (magnitude < ki[layer]) return x;
        if (layer == 0) {
            for (;;) {
                double xx = -inverse * log1p(-uniform(s)), yy = -log1p(-uniform(s));
                if (yy + yy > xx * xx) return (magnitude >> 8) & 1 ? -(tail + xx) : tail + xx;
            }
        } else if ((fi[layer - 1] - fi[layer]) * uniform(s) + fi[layer] < exp(-0.5 * x * x)) {
            return x;
        }
    }
}

static void take_tables(FILE *file) {
    if (fread(wi, 8, 256, file) != 256 || fread(fi, 8, 256, file) != 256 || fread(ki, 8, 256, file) != 256) exit(2);
}
