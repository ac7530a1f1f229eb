"""Optimisers: one class, parametrised by a rule of the table, around any optimiser of PyTorch.

    optimiser = SAM(model.parameters(), torch.optim.SGD, lr=0.1, momentum=0.9, rho=0.05)

    def closure():                                  # one forward and backward pass
        loss = criterion(model(x), y)
        loss.backward()
        return loss

    loss = optimiser.step(closure)                  # the closure runs once for every gradient the rule takes

or by hand: backward, `first_step()`, forward and backward at the perturbed weights, `second_step()`.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from samtheory.torch.layout import Layout
from samtheory.torch.rules import Rule, Step, mean, named
from samtheory.torch.statistics import frozen_statistics
from samtheory.validate import count, positive, truth

Closure = Callable[[], Tensor]


@dataclasses.dataclass
class _Pass:
    """A step under way: the rule's coroutine, and what it asked for last."""

    run: Any
    step: Step
    weigh: Callable | None = None
    first: bool = True
    norm: Tensor | float = 0.0
    frozen: contextlib.ExitStack = dataclasses.field(default_factory=contextlib.ExitStack)


_OWN = "base", "keys", "steps", "_rule", "_model", "_generator", "_clip", "_memory", "_omitted", "perturbation_norm"


class SharpnessAware(Optimizer):
    """The rule `rule` of `samtheory.torch.RULES` around a base optimiser, which takes the direction as its gradient.

    params       parameters or parameter groups as for any optimiser of PyTorch, or the base optimiser itself
    base         class of the base optimiser (default SGD); it gets the options that are not the rule's
    model        where given, running statistics of its normalisation layers follow the first pass of a step only
    clip_norm    where given, the direction is scaled down to this norm before the base optimiser sees it
    generator    of the rule's random draws (esam, tsam)
    options      of the rule, and of the base; both may differ between groups

    Random draws of the model (dropout) are made anew in every pass.  Parameters that require no gradient stay.
    Groups share one norm: eps = rho_group g/|g|, |g| over all perturbed parameters.  A group with perturb=False
    is left out of the perturbation and of its norm.  An option of the rule whose name the base uses too
    is the rule's in the constructor, and is called "sam_<name>" in the groups.

    keys               where an option of the rule is found in a parameter group
    steps              steps done
    omitted            perturbations left out so far because a norm was exactly zero
    perturbation_norm  |eps| of the last perturbation (0 before there was one)
    """

    rule_name = "sam"

    def __init__(
        self,
        params: Iterable[Any] | Optimizer,
        base: type[Optimizer] = torch.optim.SGD,
        *,
        rule: str | None = None,
        model: nn.Module | None = None,
        clip_norm: float | None = None,
        generator: torch.Generator | None = None,
        **options: Any,
    ):
        self._rule: Rule = named(rule or self.rule_name)
        self._model, self._generator = model, generator
        self._clip = None if clip_norm is None else positive("clip_norm", clip_norm)
        mine = {name: options.pop(name) for name in self._rule.options if name in options}
        checked = {**self._rule.checked(mine), "perturb": truth("perturb", options.pop("perturb", True))}
        self.base = _base(params, base, options)
        self.keys = {name: f"sam_{name}" if name in self.base.defaults else name for name in checked}
        own = {self.keys[name]: value for name, value in checked.items()}
        super().__init__(self.base.param_groups, {**self.base.defaults, **own})  # schedulers look for momentum there
        self._memory: dict[str, Any] = {}
        self.steps, self._omitted, self.perturbation_norm = 0, 0, 0.0
        self._clear()
        self._relink()
        self._options()  # raises where a group has an option out of range

    def _relink(self) -> None:
        """One list of groups and one state, the base's, so that schedulers and loops see and change both."""
        self.param_groups, self.state = self.base.param_groups, self.base.state

    def _clear(self) -> None:
        self._pass: _Pass | None = None
        self._directions: list[Tensor] = []
        self._used: set[int] = set()
        self._staged: dict[str, Any] | None = None
        self._counted: list[Tensor] = []
        self._overflow = False

    # -------------------------------------------------------------------------------- the step

    def step(self, closure: Closure | Sequence[Closure] | None = None, *, scaler: Any = None) -> Tensor | None:
        """One step; returns the loss at w (its mean over the closures).

        closure   runs forward and backward and returns the loss (gradients are cleared before every call);
                  or returns per-sample losses [n] and leaves the backward pass to the optimiser.  A sequence of
                  closures is m-SAM: each takes its own ascent, the base optimiser the mean of their directions.
                  None: finish what `accumulate` or `first_step` began
        scaler    a torch.amp.GradScaler: closures call scaler.scale(loss).backward() (or return per-sample losses);
                  the step is left out where gradients overflow, and the caller calls scaler.update().  The optimiser
                  unscales: no scaler.unscale_ before it, `clip_norm` to clip
        """
        if closure is None:
            if self._pass is not None:
                raise RuntimeError("the step is between first_step and second_step: call second_step")
            if not self._directions and not self._overflow:
                raise RuntimeError(
                    f"{type(self).__name__}.step needs a closure that runs forward and backward; or call first_step "
                    "after one backward pass and second_step after the next"
                )
            return self._apply(scaler)
        closures = [closure] if callable(closure) else list(closure)
        if not closures:
            raise ValueError("closure is an empty sequence")
        if self._directions:
            raise RuntimeError("accumulate was called before: finish with step() without a closure")
        try:
            losses = [self.accumulate(each, scaler=scaler) for each in closures]
            self._apply(scaler)
        except BaseException:
            self.abandon()
            raise
        return torch.stack(losses).mean()

    def accumulate(self, closure: Closure, *, scaler: Any = None) -> Tensor:
        """The rule's direction on one micro-batch, added to those of this step; returns the loss at w.

        After k calls `step()` takes their mean: exactly m-SAM on the k micro-batches (of one size).
        """
        if self._pass is not None:
            raise RuntimeError("the step is between first_step and second_step: call second_step or abandon")
        self._begin()
        losses, more = [], True
        try:
            while more:
                self.zero_grad()
                with torch.enable_grad():
                    losses.append(closure())
                    self._backward(losses[-1], scaler, getattr(closure, "samples", None))
                losses[-1] = losses[-1].detach()
                more = self._advance(losses[-1], scaler)
        except BaseException:
            self._restore()
            raise
        return mean(losses[0])

    def _backward(self, loss: Any, scaler: Any, samples: int | None) -> None:
        """The backward pass of per-sample losses; scalars have had theirs in the closure."""
        if not isinstance(loss, Tensor):
            raise TypeError(f"closure returned {type(loss).__name__}; it must return the loss, a tensor")
        weigh = self._pass.weigh
        if weigh is not None and (loss.ndim == 0 or samples not in (None, loss.numel())):
            raise ValueError(f"rule {self._rule.name!r} chooses samples: the loss must return one value a sample")
        if loss.ndim:
            total = mean(loss) if weigh is None else weigh(loss.detach()) @ loss
            (total if scaler is None else scaler.scale(total)).backward()
        if all(p.grad is None for p in self._params()):
            raise RuntimeError("closure left no gradient: it must call loss.backward()")

    @torch.no_grad()
    def first_step(self, zero_grad: bool = True, *, scaler: Any = None) -> bool:
        """Take the gradient at w and move to the perturbed weights; True: `second_step` wants another gradient.

        False (looksam between refreshes): `second_step`, still to be called, looks at no new one.  Rules that choose
        samples (esam with gamma < 1) or take no gradient at w (tsam) need `step(closure)`.
        """
        if self._pass is not None or self._directions:
            began = "accumulate" if self._pass is None else "first_step"
            raise RuntimeError(f"{began} was called already: finish its step (or abandon) first")
        if not self._begin():
            self._restore()
            raise RuntimeError(f"rule {self._rule.name!r} takes no gradient at w: use step(closure)")
        return self._by_hand(scaler, zero_grad)

    @torch.no_grad()
    def second_step(self, zero_grad: bool = True, *, scaler: Any = None) -> bool:
        """Take the gradient at the perturbed weights, go back to w, and let the base optimiser step; returns False.

        Rules with more than two gradients (bilateral) return True, at the next point, until they have them all.
        """
        if self._pass is None and not self._directions and not self._overflow:
            raise RuntimeError("second_step before first_step: there is no step to finish")
        if self._pass is not None and self._by_hand(scaler, True):
            return True
        self.step(scaler=scaler)  # through `step`, so that schedulers see it
        if zero_grad:
            self.zero_grad()
        return False

    def _by_hand(self, scaler: Any, zero_grad: bool) -> bool:
        try:
            if self._pass.weigh is not None:
                raise RuntimeError(f"rule {self._rule.name!r} chooses samples: use step(closure)")
            if all(p.grad is None for p in self._params()):
                raise RuntimeError("no parameter has a gradient: call loss.backward() before")
            more = self._advance(torch.zeros(()), scaler)
        except BaseException:
            self._restore()
            raise
        if zero_grad:
            self.zero_grad()
        return more

    def abandon(self) -> None:
        """Drop the step under way: weights back to w, bit for bit, accumulated directions forgotten."""
        self._restore()
        self._clear()

    # -------------------------------------------------------------------------------- its parts

    def _params(self) -> list[Tensor]:
        return [p for group in self.param_groups for p in group["params"]]

    def _checked(self, group: dict[str, Any], i: int) -> dict[str, Any]:
        """The rule's options of the i-th group; ValueError where one is out of range."""
        truth("perturb", group[self.keys["perturb"]])
        return self._rule.checked({n: group[self.keys[n]] for n in self._rule.options}, f" of parameter group {i}")

    def _options(self) -> tuple[Layout, dict[str, Any], Tensor | None]:
        """(layout, the rule's options, support) from the groups as they are now."""
        layout, values, perturb = Layout(self._params()), {name: [] for name in self._rule.options}, []
        for i, group in enumerate(self.param_groups):
            for name, value in self._checked(group, i).items():
                values[name] += [value] * len(group["params"])
            perturb += [bool(group[self.keys["perturb"]]) and p.requires_grad for p in group["params"]]
        options = {}
        for name, each in values.items():
            if name in self._rule.whole and len(set(each)) > 1:
                raise ValueError(f"{name} must be the same in every parameter group; it is {sorted(set(each))}")
            options[name] = layout.spread(each)
        return layout, options, None if all(perturb) else torch.as_tensor(layout.spread([float(x) for x in perturb]))

    @torch.no_grad()
    def _begin(self) -> bool:
        """Start the rule; True: its first gradient is the one at w."""
        if self._rule.memory and self._directions:
            raise RuntimeError(f"rule {self._rule.name!r} keeps memory; micro-batches of one step would share it")
        self._layout, options, support = self._options()
        memory = self._memory
        for name, value in memory.items():
            if isinstance(value, Tensor) and value.shape != (self._layout.dim,):
                raise RuntimeError(f"the memory {name!r} belongs to other parameters: {value.numel()} numbers")
        w = self._layout.flatten([p.detach() for p in self._params()])
        step = Step(w, memory, support, generator=self._generator)
        self._pass = _Pass(self._rule.run(step, **options), step)
        try:
            query = next(self._pass.run)
            self._move(query)
        except BaseException:
            self._restore()
            raise
        return query is None

    @torch.no_grad()
    def _advance(self, loss: Tensor, scaler: Any) -> bool:
        """Hand loss and gradient to the rule; True: the weights are where it wants the next one."""
        grads = [p.grad for p in self._params()]
        self._used |= {i for i, g in enumerate(grads) if g is not None}
        g = self._layout.flatten(grads)
        if scaler is not None and scaler.is_enabled():
            g = g / scaler.get_scale()
            if not g.isfinite().all():
                self._overflow = True
                self._restore()
                return False
        current = self._pass
        if current.first and self._model is not None:
            current.frozen.enter_context(frozen_statistics(self._model))
        current.first = False
        try:
            query = current.run.send((loss, g))
        except StopIteration as end:
            self._directions.append(end.value)
            self._counted.append(current.step.omitted)
            self._staged = current.step.memory
            self.perturbation_norm = current.norm
            self._restore()
            return False
        self._move(query)
        return True

    @torch.no_grad()
    def _move(self, query: Any) -> None:
        """Weights to w + eps, rounded once."""
        eps, self._pass.weigh = query if isinstance(query, tuple) else (query, None)
        if eps is not None:
            self._pass.norm = torch.linalg.vector_norm(eps)
            views = self._layout.views
            for p, w, e in zip(self._params(), views(self._pass.step.w), views(eps)):
                torch.add(w, e, out=p)

    @torch.no_grad()
    def _restore(self) -> None:
        if self._pass is not None:
            self._pass.frozen.close()
            for p, w in zip(self._params(), self._layout.views(self._pass.step.w)):
                p.copy_(w)
            self._pass = None

    @torch.no_grad()
    def _apply(self, scaler: Any) -> None:
        """The base optimiser's step along the mean of the accumulated directions."""
        if self._overflow:
            direction = torch.full((self._layout.dim,), torch.inf, dtype=self._layout.dtype, device=self._layout.device)
        else:
            direction = self._directions[0]
            if len(self._directions) > 1:
                direction = torch.stack(self._directions).mean(0)
            if self._clip is not None:
                norm = torch.linalg.vector_norm(direction)
                direction = torch.where(norm > self._clip, direction * (self._clip / norm), direction)
        scaled = scaler is not None and scaler.is_enabled()
        pieces = self._layout.unflatten(direction * scaler.get_scale() if scaled else direction)
        for i, (p, piece) in enumerate(zip(self._params(), pieces)):
            p.grad = piece if i in self._used else None
        if scaled:
            scaler.step(self.base)
        else:
            self.base.step()
        if not self._overflow:
            self._memory, self.steps = self._staged, self.steps + 1
            self._omitted = self._omitted + sum(self._counted)
        self._clear()

    # -------------------------------------------------------------------------------- state

    def __getstate__(self) -> dict[str, Any]:
        """For copies (copy.deepcopy((model, optimiser))): groups and state stay those of the base."""
        if self._pass is not None or self._directions:
            raise RuntimeError("copy in the middle of a step: finish it, or abandon it, first")
        return {**super().__getstate__(), **{name: getattr(self, name) for name in _OWN}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._clear()
        self._relink()

    @property
    def omitted(self) -> int:
        return int(self._omitted)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """As in PyTorch; before the first step only where the rule keeps memory."""
        if not hasattr(self, "_memory"):  # called by Optimizer.__init__
            super().add_param_group(param_group)
            return
        if self._memory:
            raise RuntimeError(f"rule {self._rule.name!r} keeps memory of the parameters it began with")
        for name, key in self.keys.items():
            param_group.setdefault(key, self.defaults[key] if name != "perturb" else True)
        self._checked(param_group, len(self.param_groups))
        self.base.add_param_group(param_group)

    def state_dict(self) -> dict[str, Any]:
        """The base optimiser's, with the rule's memory and counts under "sam"; a run continues to the same bits."""
        if self._pass is not None or self._directions:
            raise RuntimeError("state_dict in the middle of a step: finish it, or abandon it, first")
        mine = {"rule": self._rule.name, "memory": dict(self._memory), "steps": self.steps, "omitted": self.omitted}
        if self._generator is not None:
            mine["generator"] = self._generator.get_state()
        return {**self.base.state_dict(), "sam": mine}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        state = dict(state_dict)
        mine = state.pop("sam", None)
        if mine is None or mine["rule"] != self._rule.name:
            found = "no rule" if mine is None else f"rule {mine['rule']!r}"
            raise ValueError(f"state_dict has the state of {found}; this optimiser's rule is {self._rule.name!r}")
        self.base.load_state_dict(state)
        self._relink()
        layout = Layout(self._params())
        self._memory = {
            name: value.detach().to(layout.device, layout.dtype, copy=True) if isinstance(value, Tensor) else value
            for name, value in mine["memory"].items()
        }
        self.steps, self._omitted = mine["steps"], mine["omitted"]
        if self._generator is not None and "generator" in mine:
            self._generator.set_state(mine["generator"].cpu())
        self._clear()


def _base(params: Any, base: Any, options: dict[str, Any]) -> Optimizer:
    if isinstance(params, Optimizer):
        if options:
            raise ValueError(f"options {sorted(options)} are not the rule's, and the base optimiser is made already")
        made = params
    elif isinstance(base, type) and issubclass(base, Optimizer):
        made = base(params, **options)
    else:
        raise TypeError(
            f"base = {base!r} is not allowed; it must be a class of optimisers (an instance is given instead of params)"
        )
    if isinstance(made, SharpnessAware | torch.optim.LBFGS):
        raise TypeError(f"base = {type(made).__name__} is not allowed: it takes several gradients a step itself")
    return made


def micro_batches(loss_fn: Callable[..., Tensor], batch: Sequence[Tensor], m: int) -> list[Closure]:
    """Closures for `step`, one for every m consecutive samples of the batch; m must divide it.

    loss_fn(*micro-batch) returns the mean loss, or per-sample losses; the closures run the backward pass.
    """
    m, sizes = count(1)("m", m), {len(tensor) for tensor in batch}
    if len(sizes) != 1 or min(sizes) == 0 or min(sizes) % m:
        raise ValueError(f"m = {m} does not divide the batch, whose tensors have lengths {sorted(sizes)}")

    def closure(low: int) -> Closure:
        def run() -> Tensor:
            return loss_fn(*(tensor[low : low + m] for tensor in batch)).reshape(-1)

        run.samples = m  # a mean loss, here of length 1, is none for rules that choose samples
        return run

    return [closure(low) for low in range(0, min(sizes), m)]
