"""Li, Zhang & He 2024 (arXiv 2410.14802), Lemma 1 as stated: on {x'y = w} sharpness is least iff B = 0.  False.

x = (1, 0), y = (cos t, sin t), w = cos t has |x| = |y|, B = 0, and lam_max = f''(|x|^2 + |y|^2) = 2 f'', while
x = y = (sqrt w, 0) has the same product and lam_max = 2 f'' w.  In one dimension, or for parallel x and y, the
statement is right; B = 0 is necessary in any dimension, and along an orbit (c x, y/c) it is sufficient:
li2024bar/sharpness-balance.

Conventions: those of li2024bar/sharpness-balance.
"""

import numpy as np

from samtheory.claims import REFUTED, choice, claim, control, equals, log_real, real, requires, script
from samtheory.evaluate import hessian
from samtheory.measures.balancedness import balancedness
from samtheory.problems.balanced import Inner
from samtheory.problems.links import HalfSquare, LogCosh, PseudoHuber

EPS = np.finfo(float).eps
LINKS = {"half-square": HalfSquare(0.0), "log-cosh": LogCosh(), "pseudo-huber": PseudoHuber()}  # l''(0) = 1


@claim(
    title="A balanced solution of f(x'y) has the least sharpness among all solutions",
    where="Lemma 1, as stated",
    kind="counterexample",
    confidence="text",
    statement="""On {x'y = w, f'(w) = 0, f'' > 0} the largest eigenvalue of the Hessian is least if and only if
        |x| = |y|.""",
    expected=REFUTED,
    repaired="li2024bar/sharpness-balance",
    caveat="x = (1, 0), y = (cos t, sin t): balanced, and 1/|cos t| times as sharp as x = +-y of the same product",
)
class Iff:
    link: str = choice("half-square", "log-cosh", "pseudo-huber")
    length: float = log_real(0.1, 10)  # of x and of y
    angle: float = real(0, np.pi)  # between them

    examples = ({"link": "half-square", "length": 1.0, "angle": np.pi / 3},)  # 2 where 1 is possible

    @property
    def point(self):
        return self.length * np.array([1.0, 0.0, np.cos(self.angle), np.sin(self.angle)])

    def assumptions(self):
        return [requires("|x| = |y|", abs(balancedness(self.point, 2)), "<=", 4 * EPS * self.length**2)]

    def measure(self):
        """The largest eigenvalue, over f''."""
        z = self.point
        return np.linalg.eigvalsh(hessian(Inner(LINKS[self.link], [z[:2] @ z[2:]], 2), z))[-1]

    def predict(self):
        """The least value on {x'y = w}, 2 f'' |w|."""
        return 2 * self.length**2 * abs(np.cos(self.angle))

    def judge(self, measured, predicted):
        slack = 64 * EPS * self.length**2
        return [equals("lam_max", measured, predicted, tolerance=slack, why="64 ulp of |x|^2 + |y|^2")]

    controls = {
        "parallel x and y": control(where={"angle": 0.0}, expect="holds"),
        "x and y at a right angle": control(where={"angle": np.pi / 2}),
    }


if __name__ == "__main__":
    script(__file__)
