"""Wen, Li & Ma 2023 (arXiv 2307.11007), Propositions 4.2 and A.1: an equally flat net that has learnt the rule.

Labels on the cube that s coordinates decide (xor of the first two: s = 2): unit k of 2^s has weights r sigma_k on
these coordinates, bias r (1 - s), and outgoing weight label_k/r.  It is on, with height r, on its own pattern only,
so f is the label everywhere and, one unit a sample,
    Tr Hess L = 2 [(d + 1)/r^2 + r^2]  >=  4 sqrt(d + 1),      equality iff r = (d + 1)^(1/4),
the least that any net with bias can have, whatever the sample: as flat as the memoriser of `flattest-memoriser`.

CORRECTION: equation 5 prints r = (d^2 + 1)^(1/4); then Tr = 22.29 instead of 13.27 at d = 10.  And "for any n" fails
for n = 1, 2: relu is convex, so f of width <= 2 has a convex or concave part that xor of four corners contradicts;
the 0-1 error is 1/4 or more (checked on random nets of width 2 with their biases).

Conventions: L = (1/n) sum (f - y)^2; x' = (x, 1); an output 0 is an error.
"""

import itertools

import numpy as np

from samtheory.claims import at_least, claim, control, equals, integer, log_real, requires, script, seeds
from samtheory.evaluate import losses
from samtheory.measures.flatness import net_trace
from samtheory.problems.boolean import cube, cube_sample, error_rate, xor
from samtheory.problems.flat_nets import corner_net
from samtheory.problems.relu_nets import outputs, pre_activations, with_bias
from samtheory.theory.flatness import corner_trace, flattest_trace

CORNERS = cube(2)


@claim(
    title="Among the flattest nets with bias there is one that generalises perfectly",
    where="Propositions 4.2 and A.1",
    kind="counterexample",
    confidence="text, derived",
    statement="""Labels that s coordinates of the cube decide: the corner net of width 2^s has f = y on the whole cube
        and Tr Hess L = 2 [(d+1)/r^2 + r^2], which is the least possible, 4 sqrt(d+1), iff r = (d+1)^(1/4); width 2
        has error >= 1/4 on xor.""",
    caveat="equation 5 prints r = (d^2+1)^(1/4); 'for any n' needs width >= 4, so it fails for n = 1, 2",
)
class FlattestGeneraliser:
    stretch: float = log_real(0.3, 3)  # r over (d + 1)^(1/4)
    d: int = integer(2, 10)
    s: int = integer(2, 4)  # coordinates that decide, d at most
    n: int = integer(1, 20)
    seed: int = seeds()

    examples = (
        {"stretch": 1.0, "d": 10, "s": 2, "n": 20, "seed": 0},
        {"stretch": 1.5, "d": 3, "s": 3, "n": 4, "seed": 0},
    )

    @property
    def radius(self):
        return self.stretch * (self.d + 1) ** 0.25

    @property
    def labels(self):
        s = min(self.s, self.d)
        return xor(CORNERS) if s == 2 else np.random.default_rng([self.seed, 1]).choice([-1.0, 1.0], 2**s)

    def model(self, radius):
        X = cube_sample(np.random.default_rng([self.seed, 0]), self.n, self.d)
        return corner_net(X, self.labels, radius)

    def assumptions(self):
        return [requires("labels of at least two coordinates", min(self.s, self.d), ">=", 2)]

    def measure(self, radius=None, best=None, width=2):
        """Trace at r and at the best r, loss, 0-1 error and units on at a point of the cube, error of small nets."""
        net, theta = self.model(self.radius if radius is None else radius)
        points = cube(self.d)
        truth = corner_net(points, self.labels)[0].y
        active = (pre_activations(net, theta, with_bias(points))[0] > 0).sum(axis=1)
        error = error_rate(outputs(net, theta, with_bias(points)), truth)
        flattest = net_trace(*self.model((self.d + 1) ** 0.25 if best is None else best))
        return net_trace(net, theta), flattest, losses(net, theta), error, active, self.smallest_error(width)

    def smallest_error(self, width):
        """The least 0-1 error on the four corners of random nets and of parts of the corner net near `width` units."""
        rng, seen = np.random.default_rng([self.seed, 2]), with_bias(CORNERS).T
        first, last = (rng.standard_normal((500, width, k)) for k in (3, 1))
        theta = corner_net(CORNERS, xor(CORNERS))[1]
        rows, signs = theta[:12].reshape(4, 3), theta[12:]
        parts = [list(part) for part in itertools.combinations(range(4), min(width, 4))]
        first = np.concatenate([first, rows[parts]]) if width <= 4 else first
        last = np.concatenate([last, signs[parts][:, :, None]])
        f = (np.maximum(first @ seen, 0) * last).sum(axis=1)
        return float((f * xor(CORNERS) <= 0).mean(axis=1).min())

    def predict(self):
        size = (self.d + 1) ** 0.5
        return corner_trace(size, self.radius), flattest_trace(np.ones(self.n), size), 0.0, 1, 0.25

    def judge(self, measured, predicted):
        trace, best, loss, error, active, small = measured
        at_r, flattest, zero, one, quarter = predicted
        why = "round-off of the differences"
        return [
            equals("Tr Hess L at r", trace.value, at_r, tolerance=trace.tolerance, why=why),
            equals("Tr Hess L at the best r", best.value, flattest, tolerance=best.tolerance, why=why),
            equals("loss", loss, 0.0, tolerance=1e-28, why="(8 ulp)^2 of |y| = 1"),
            equals("0-1 error on the cube", error, zero, tolerance=1e-12, why="a count over 2^d"),
            equals("units on at a point", active, one, tolerance=0.5, why="a count"),
            at_least("0-1 error of width 2 on xor", small, quarter, slack=1e-12, why="a count over 4"),
        ]

    controls = {
        "r = (d^2 + 1)^(1/4), as printed": control(
            measure=lambda c: c.measure(best=(c.d**2 + 1) ** 0.25), refutes="Tr Hess L at the best r"
        ),
        "r off by 1 %": control(
            measure=lambda c: c.measure(best=1.01 * (c.d + 1) ** 0.25), refutes="Tr Hess L at the best r"
        ),
        "r^2 + d/r^2: the bias forgotten": control(
            predict=lambda c: (corner_trace(c.d**0.5, c.radius), *c.predict()[1:]), refutes="Tr Hess L at r"
        ),
        "width 4 does what width 2 cannot": control(
            measure=lambda c: c.measure(width=4), refutes="0-1 error of width 2 on xor"
        ),
    }


if __name__ == "__main__":
    script(__file__)
