"""Luo, Harandi, Phung & Le 2025 (arXiv 2509.18001), experiments: smaller shards, less variance of the gradients.

SAM of mini-batches has the drift of f + rho E|g_I|, I a shard of m samples (luo2025/sam-drifts-and-monotonicity); the
smaller m, the more of |g_I| is noise, so the more it penalises tr V, V the covariance of single-sample gradients.  The
papers' runs (ResNet-18, CIFAR-100) report tr V 572 under SGD, 198 under SAM, 178 under a reweighted SAM.  Here: does
tr V, late in training, fall from SGD to SAM to m-SAM?

An instance is 16 networks (tanh, width 12, 128 points in R^3, y = sign(x_1 x_2) + N(0, 1/4), so that gradients do not
vanish), batches of 8 with replacement, 2000 steps each, the very same samples for both methods; the statistic is the
difference of log tr V averaged over the second half, its mean over networks with Student's interval at level 1e-4.
In 24 instances of other seeds the fall is .25 to .36 from SGD to SAM and .20 to .30 from m = 8 to m = 1, with
half-widths of .04 to .12; single falls count as 0.4 at most, since a few networks collapse.
An observation, no theorem.  At rho >= .13, or with more noise in the labels, some networks collapse to a constant: tr V
falls by e^-6, and the fit is lost.  The loss on the noisy labels rises with 1/m.  Escape from bad minima is not
looked at.
Conventions: loss mean r^2/2; rho a length; one batch for both gradients; V over 1/n, at the iterates, over all data.
"""

import functools

import numpy as np

from samtheory.claims import at_least, choice, claim, control, real, requires, script, seeds
from samtheory.evaluate import sample_gradients
from samtheory.oracles import WithReplacement
from samtheory.problems.tanh_mlp import sign_network
from samtheory.rules.gd import GD
from samtheory.rules.sam import SAM
from samtheory.rules.sharded import Sharded
from samtheory.sde.order import mean_interval
from samtheory.simulate import simulate

NETWORKS, SAMPLES, WIDTH, BATCH, STEPS, TIMES, LEVEL, MOST = 16, 128, 12, 8, 2000, 40, 1e-4, 0.4
PAIRS = {"SGD, m = 8": (None, 8), "m = 8, m = 1": (8, 1)}


@claim(
    title="The smaller the shards of SAM, the smaller the variance of single-sample gradients late in training",
    where="Experiments",
    kind="comparison",
    confidence="second-hand (phenomenon); the size of the effect is measured",
    statement="""With equal steps and samples log tr V, V the covariance of single-sample gradients, averaged over late
        training, is lower by more than 0.02 for SAM (m = B = 8) than for SGD, and for m = 1 than for m = 8.""",
    caveat="an observation on small tanh networks with noisy targets; the escape from bad minima is not checked",
    cost=40,
)
class Empirical:
    pair: str = choice(*PAIRS)
    eta: float = real(0.09, 0.11)
    rho: float = real(0.08, 0.1)
    seed: int = seeds()

    examples = ({"pair": "m = 8, m = 1", "eta": 0.1, "rho": 0.1, "seed": 0},)

    def run(self, m, rho):
        """Late mean of log tr V of every network."""
        rule = GD(self.eta) if m is None else Sharded(SAM(self.eta, rho), m)
        found = []
        for k in range(NETWORKS):
            problem, start = sign_network([self.seed, k], n=SAMPLES, width=WIDTH)
            noise = 0.5 * np.random.default_rng([self.seed, k, 1]).standard_normal(SAMPLES)
            run = simulate(
                WithReplacement(problem._replace(y=problem.y + noise), BATCH),
                rule, start, STEPS, every=STEPS // TIMES, seed=k, threads=1,
            )  # fmt: skip
            each = sample_gradients(problem._replace(y=problem.y + noise), run.states[TIMES // 2 + 1 :])
            spread = np.square(each - each.mean(axis=-2, keepdims=True)).sum(axis=-1).mean(axis=-1)
            found.append(np.log(spread).mean())
        return np.array(found)

    @functools.cached_property
    def logs(self):
        return [self.run(m, self.rho) for m in PAIRS[self.pair]]

    def assumptions(self):
        return [requires("every run stays bounded", np.isfinite(self.logs).all())]

    def measure(self):
        large, small = self.logs
        return large - small

    def predict(self):
        return 0.02

    def judge(self, differences, least):
        interval = mean_interval(np.minimum(differences, MOST), LEVEL, batches=len(differences))
        why = f"Student, level {LEVEL:g}, over {NETWORKS} networks"
        return [
            at_least("fall of log tr V, at most 0.4 each", interval.estimate, least, error=interval.half_width, why=why)
        ]

    controls = {
        "the other way round": control(measure=lambda c: -c.measure()),
        "radius zero does it too": control(measure=lambda c: c.run(None, 0.0) - c.run(1, 0.0)),
        "the fall is of one half or more": control(predict=lambda c: 0.5),
    }


if __name__ == "__main__":
    script(__file__)
