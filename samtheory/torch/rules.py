"""The update rules: what replaces the gradient, written as coroutines over one flat vector.

A rule is a generator.  It yields the displacement eps at which it wants the loss (None: at w itself), gets back
`(loss, gradient)` at w + eps, and returns the direction that the base optimiser takes for the gradient.  The same
function serves the functional form (`gradient.sam_gradient`) and the optimisers (`optim`), whose user may make each
backward pass by hand.  All gradients of a step use the same batch.  No epsilon is ever added to a norm; where one is
exactly zero the perturbation is zero, and the step counts it (`omitted`).

    @rule("mine", rho=(0.05, nonnegative))
    def mine(s, rho):
        loss, g = yield                       # at w
        _, gs = yield -rho * s.on(g)          # at w - rho g
        return gs

`s` is the `Step`.  An option is (default, check); it arrives as a number, or as a vector with one entry a coordinate
where parameter groups differ.  Instead of eps a rule may yield `(eps, weigh)`: the batch is then the weighted sum
of its per-sample losses with the weights `weigh(losses)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch import Tensor

from samtheory.validate import Check, between, count, nonnegative, positive, truth


class Rule(NamedTuple):
    """A rule of the table: its coroutine, its options {name: (default, check)}, whether it remembers earlier steps,
    and which options are of the whole step and cannot differ between parameter groups."""

    name: str
    run: Callable
    options: Mapping[str, tuple[Any, Check]]
    memory: bool
    whole: tuple[str, ...]

    def checked(self, given: Mapping[str, Any], of: str = "") -> dict[str, Any]:
        """Every option, from `given` or by default; unknown names and values out of range raise ValueError."""
        if unknown := sorted(set(given) - set(self.options)):
            raise ValueError(f"rule {self.name!r} has no option {', '.join(unknown)}; it has {', '.join(self.options)}")
        return {name: check(f"{name}{of}", given.get(name, default)) for name, (default, check) in self.options.items()}

    def __reduce__(self) -> tuple[Any, ...]:
        return named, (self.name,)  # copies and pickles are the entry of the table


RULES: dict[str, Rule] = {}


def rule(
    name: str, *, memory: bool = False, whole: tuple[str, ...] = (), **options: tuple[Any, Check]
) -> Callable[[Callable], Callable]:
    """Enter the decorated coroutine in the table under this name."""

    def enter(run: Callable) -> Callable:
        if name in RULES:
            raise ValueError(f"there is a rule {name!r} already")
        RULES[name] = Rule(name, run, options, memory, whole)
        return run

    return enter


def named(name: str) -> Rule:
    """The rule of this name."""
    if name not in RULES:
        raise ValueError(f"rule = {name!r} is not known; there are {', '.join(RULES)}")
    return RULES[name]


class Step:
    """What a rule may use during one step.

    w        flat parameters, [d]
    memory   name -> tensor or number, kept from step to step; replace entries, never write into them
    support  0/1 vector of the coordinates that are perturbed; None: all of them
    draws    vectors that stand in for the rule's random draws, in order; None: it draws
    omitted  how many perturbations were left out because a norm was exactly zero
    """

    def __init__(
        self,
        w: Tensor,
        memory: Mapping[str, Any],
        support: Tensor | None = None,
        draws: Iterator[Tensor] | None = None,
        generator: torch.Generator | None = None,
    ):
        self.w, self.memory, self.support, self.generator = w, dict(memory), support, generator
        self.omitted = torch.zeros((), dtype=torch.int64, device=w.device)
        self._draws = draws

    def on(self, v: Tensor) -> Tensor:
        """v on the perturbed coordinates, 0 elsewhere."""
        return v if self.support is None else v * self.support

    def unit(self, v: Tensor, scale: Tensor | None = None) -> Tensor:
        """v/|scale| (scale = v where not given); 0, and counted, where the norm is exactly zero; NaN stays NaN.

        The norm is PyTorch's, which squares: in float32 it is 0 for |scale| below about 1e-23, inf (v/inf = 0, not
        counted) above about 1e19.
        """
        norm = torch.linalg.vector_norm(v if scale is None else scale)
        self.omitted = self.omitted + (norm == 0)
        return v * _inverse(norm)

    def draw(self, sample: Callable[[Any], Tensor]) -> Tensor:
        """The next vector of `draws`, or sample(options), options = size, dtype, device and generator."""
        if self._draws is None:
            return sample({"dtype": self.w.dtype, "device": self.w.device, "generator": self.generator})
        try:
            return torch.as_tensor(next(self._draws), dtype=self.w.dtype, device=self.w.device)
        except StopIteration:
            raise ValueError("draws is exhausted: the rule draws more vectors a step than were given") from None


def _inverse(x: Tensor) -> Tensor:
    """1/x of a scalar, 0 for 0."""
    return torch.where(x == 0, torch.zeros_like(x), 1 / x)


def mean(loss: Tensor) -> Tensor:
    """The batch's loss: the mean of per-sample losses, a scalar as it is."""
    return loss if loss.ndim == 0 else loss.mean()


def _fraction(name: str, value: Any) -> float:
    number = positive(name, value)
    if number > 1:
        raise ValueError(f"{name} = {value!r} is above 1; it must be in (0, 1]")
    return number


_radius = 0.05, nonnegative


@rule("sam", rho=_radius)
def sam(s, rho):
    """g(w + rho g/|g|)   (Foret et al. 2021)."""
    _, g = yield
    _, gs = yield rho * s.unit(s.on(g))
    return gs


@rule("usam", rho=_radius)
def usam(s, rho):
    """g(w + rho g); rho in units of inverse curvature   (Andriushchenko, Flammarion 2022)."""
    _, g = yield
    _, gs = yield rho * s.on(g)
    return gs


@rule("unified", rho=_radius, lam=(0.5, between(0, 1)))
def unified(s, rho, lam):
    """g(w + rho (1 - lam + lam/|g|) g); lam = 0 is USAM, lam = 1 SAM   (Oikonomou, Loizou 2025)."""
    _, g = yield
    d = s.on(g)
    normalised = s.unit(d) if isinstance(lam, Tensor) or lam > 0 else 0.0  # at lam = 0 nothing is normalised or omitted
    _, gs = yield rho * ((1 - lam) * d + lam * normalised)
    return gs


@rule("asam", rho=(0.5, nonnegative), eta=(0.01, nonnegative), adaptive=(True, truth))
def asam(s, rho, eta, adaptive):
    """g(w + rho T^2 g/|T g|), T = |w| + eta, T = 1 in groups with adaptive = False   (Kwon et al. 2021).

    Invariant under rescaling w -> D w only at eta = 0; the authors' class has T = 1 on biases.
    """
    _, g = yield
    t = s.w.abs() + eta
    if adaptive is not True:
        t = torch.where(torch.as_tensor(adaptive, device=g.device) != 0, t, torch.ones_like(t))
    tg = t * s.on(g)
    _, gs = yield rho * s.unit(t * tg, tg)
    return gs


@rule("gsam", rho=_radius, alpha=(0.4, nonnegative))
def gsam(s, rho, alpha):
    """gs - alpha g_perp, g_perp the part of g orthogonal to gs = g(w + rho g/|g|)   (Zhuang et al. 2022)."""
    _, g = yield
    _, gs = yield rho * s.unit(s.on(g))
    return gs - alpha * _orthogonal(g, gs)


def _orthogonal(v: Tensor, to: Tensor) -> Tensor:
    """v minus its projection on `to`; v itself where `to` is zero."""
    return v - (v @ to) * _inverse(to @ to) * to


@rule(
    "fsam",
    memory=True,
    whole=("update_first",),
    rho=_radius,
    sigma=(1.0, nonnegative),
    lam=(0.9, between(0, 1)),
    update_first=(False, truth),
)
def fsam(s, rho, sigma, lam, update_first):
    """g(w + rho d/|d|), d = g - sigma m, m <- lam m + (1 - lam) g   (Li et al. 2024, 'Friendly SAM').

    The authors' code: d = g and m = g at the first step, then d with the old m.  update_first: m from zero, updated
    before d (the paper's form).
    """
    _, g = yield
    m = s.memory.get("m")
    if update_first:
        m = lam * (torch.zeros_like(g) if m is None else m) + (1 - lam) * g
        d = g - sigma * m
    else:
        d, m = (g, g) if m is None else (g - sigma * m, lam * m + (1 - lam) * g)
    s.memory["m"] = m
    _, gs = yield rho * s.unit(s.on(d))
    return gs


@rule("vasso", memory=True, rho=_radius, theta=(0.9, between(0, 1)))
def vasso(s, rho, theta):
    """g(w + rho d/|d|), d <- (1 - theta) d + theta g, d = g at first; theta = 1 is SAM   (Li, Giannakis 2023)."""
    _, g = yield
    d = s.memory.get("d")
    d = g if d is None else (1 - theta) * d + theta * g
    s.memory["d"] = d
    _, gs = yield rho * s.unit(s.on(d))
    return gs


@rule("looksam", memory=True, whole=("k",), rho=(0.1, nonnegative), k=(5, count(1)), alpha=(0.7, nonnegative))
def looksam(s, rho, k, alpha):
    """Every k-th step gs, of which v, orthogonal to g, is kept; else g + alpha (|g|/|v|) v   (Liu et al. 2022).

    Two gradients at every k-th step, one otherwise; v of the whole parameter vector, as in the paper.
    """
    t = s.memory.get("t", 0)
    s.memory["t"] = t + 1
    _, g = yield
    if t % k == 0:
        _, gs = yield rho * s.unit(s.on(g))
        s.memory["v"] = _orthogonal(gs, g)
        return gs
    v = s.memory["v"]
    return g + alpha * torch.linalg.vector_norm(g) * _inverse(torch.linalg.vector_norm(v)) * v


@rule("esam", whole=("gamma",), rho=_radius, beta=(1.0, _fraction), gamma=(1.0, _fraction))
def esam(s, rho, beta, gamma):
    """Gradient, at w + (rho/beta) mask g/|g|, of the floor(gamma n) samples whose loss rose most   (Du et al. 2022).

    mask ~ Bernoulli(beta) a coordinate.  gamma < 1 needs per-sample losses; beta = gamma = 1 is SAM.
    """
    before, g = yield
    eps = rho * s.unit(s.on(g))
    if isinstance(beta, Tensor) or beta < 1:
        eps = eps / beta * s.draw(lambda like: (torch.rand(eps.shape, **like) < beta).to(eps.dtype))
    if gamma == 1:
        _, gs = yield eps
        return gs
    if before.ndim == 0:
        raise ValueError(f"esam with gamma = {gamma} chooses samples: the loss must return one value a sample")

    def chosen(after: Tensor) -> Tensor:
        keep = max(1, math.floor(gamma * after.numel() * (1 + 1e-12)))
        most = (after - before).topk(keep).indices
        return torch.zeros_like(after).scatter(0, most, 1.0 / keep)

    _, gs = yield eps, chosen
    return gs


@rule("stable", whole=("normalised",), rho=_radius, normalised=(True, truth))
def stable(s, rho, normalised):
    """(|g|/|gs|) gs, gs = g(w + rho g/|g|), or g(w + rho g) with normalised = False   (Tan et al. 2025)."""
    _, g = yield
    _, gs = yield rho * (s.unit(s.on(g)) if normalised else s.on(g))
    return torch.linalg.vector_norm(g) * s.unit(gs)


@rule("bilateral", whole=("match",), rho=_radius, rho_min=_radius, match=(True, truth))
def bilateral(s, rho, rho_min, match):
    """gM + g - c gm, gM = g(w + rho g/|g|), gm = g(w - rho_min g/|g|)   (Deng et al. 2024).

    c = |gM|/|gm| as in the authors' code; match = False: c = 1, the paper's objective.
    """
    _, g = yield
    u = s.unit(s.on(g))
    _, above = yield rho * u
    _, below = yield -rho_min * u
    return above + g - (torch.linalg.vector_norm(above) * s.unit(below) if match else below)


@rule("tsam", whole=("tilt", "samples"), rho=_radius, tilt=(1.0, nonnegative), samples=(3, count(1)), radius=_radius)
def tsam(s, rho, tilt, samples, radius):
    """sum_j q_j g(v_j), q = softmax(tilt L(v_j)), v_j = w + eps_j + rho u(g(w + eps_j))   (Li, Zhou, Bilmes 2025).

    eps_j ~ N(0, radius^2/d I), clipped to |eps_j| <= radius.  2 `samples` gradients a step.
    """
    losses, gradients = [], []
    for _ in range(samples):
        eps = s.on(s.draw(lambda like: _clipped(torch.randn(s.w.shape, **like) / s.w.numel() ** 0.5) * radius))
        _, g = yield eps
        loss, gs = yield eps + rho * s.unit(s.on(g))
        losses.append(mean(loss))
        gradients.append(gs)
    return torch.softmax(tilt * torch.stack(losses).to(s.w.dtype), 0) @ torch.stack(gradients)


def _clipped(v: Tensor) -> Tensor:
    return v / torch.linalg.vector_norm(v).clamp(min=1)


@rule("sparse", rho=_radius)
def sparse(s, rho):
    """g(w + rho mask g/|g|), the norm over all coordinates   (Mi et al. 2022); the 0/1 mask is memory["mask"]."""
    _, g = yield
    mask = s.memory.get("mask")
    u = s.unit(s.on(g))
    _, gs = yield rho * (u if mask is None else mask * u)
    return gs


@rule("wsam", rho=_radius, gamma=(0.9, between(0, 1, open_above=True)))
def wsam(s, rho, gamma):
    """g + gamma/(1 - gamma) (gs - g); gamma = 1/2 is SAM, 0 SGD   (Yue et al. 2023)."""
    _, g = yield
    _, gs = yield rho * s.unit(s.on(g))
    return g + gamma / (1 - gamma) * (gs - g)


@rule("infosam", memory=True, rho=_radius, theta=(0.95, between(0, 1)), damping=(0.1, positive))
def infosam(s, rho, theta, damping):
    """g(w + rho R g/|R g|), R = diag(1/(v + damping mean v)), v an estimate of the gradient noise's variance.

    v <- theta v + (1 - theta)(g - m)^2, m <- theta m + (1 - theta) g, from m = g and v = 0, with which the first step
    is SAM's   (Zhang, Li, Giannakis 2025: R is the inverse variance; estimator and damping are ours, the text was not
    read).
    """
    _, g = yield
    m, v = s.memory.get("m", g), s.memory.get("v", torch.zeros_like(g))
    s.memory["v"] = v = theta * v + (1 - theta) * (g - m).square()
    s.memory["m"] = theta * m + (1 - theta) * g
    least = damping * v.mean()
    _, gs = yield rho * s.unit(s.on(g) * torch.where(least > 0, least / (v + least), torch.ones_like(v)))
    return gs
