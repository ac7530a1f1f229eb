"""Random displacements that a rule draws for itself, from the member's stream; or given ones, for a test.

A noise is a `NamedTuple`; `displacement(noise, source, k, out)` writes its k-th vector.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from samtheory.kernel import generic
from samtheory.rules.presam import check_length
from samtheory.streams import normals, uniform
from samtheory.validate import array, between, called, checked, nonnegative, positive
from samtheory.vectors import copy, norm, scale


@generic
def displacement(noise, source, k, out):
    """out = the k-th displacement."""


def is_noise(name: str, value: Any) -> Any:
    """An instance of a class that `displacement` is registered for."""
    if not displacement.supports(type(value)):
        raise TypeError(f"{name} = {called(value)} is no noise (samtheory.rules.noise)")
    return value


def check_noise(rule: Any, oracle: Any) -> None:
    """Given displacements must have the coordinates of the problem."""
    for name, value in zip(rule._fields, rule):
        if isinstance(value, Given):
            check_length(oracle, name, value.values)


@checked(values=array(None, None))
class Given(NamedTuple):
    """values[k mod K], `values` of shape [K, d]: nothing is drawn."""

    values: np.ndarray


@checked(scale=nonnegative)
class Normal(NamedTuple):
    """N(0, scale^2 I)."""

    scale: float = 1.0


@checked(radius=nonnegative)
class ClippedNormal(NamedTuple):
    """N(0, (radius^2/d) I), pulled back to the ball of this radius where it is outside."""

    radius: float


@checked(radius=nonnegative)
class Sphere(NamedTuple):
    """Uniform on the sphere of this radius."""

    radius: float = 1.0


@checked(half=nonnegative)
class Cube(NamedTuple):
    """Uniform on [-half, half]^d."""

    half: float


def _probability(name: str, value: Any) -> float:
    return between(0, 1)(name, positive(name, value))


@checked(beta=_probability)
class Bernoulli(NamedTuple):
    """Every entry 1/beta with probability beta, else 0: a mask of mean 1."""

    beta: float = 1.0


@displacement.register(Given)
def _given(noise, source, k, out):
    copy(noise.values[k % noise.values.shape[0]], out)


@displacement.register(Normal)
def _normal(noise, source, k, out):
    normals(source.rng, out)
    scale(noise.scale, out)


@displacement.register(ClippedNormal)
def _clipped(noise, source, k, out):
    normals(source.rng, out)
    scale(noise.radius / max(norm(out), math.sqrt(out.shape[0])), out)


@displacement.register(Sphere)
def _sphere(noise, source, k, out):
    normals(source.rng, out)
    scale(noise.radius / norm(out), out)


@displacement.register(Cube)
def _cube(noise, source, k, out):
    for i in range(out.shape[0]):
        out[i] = noise.half * (2.0 * uniform(source.rng) - 1.0)


@displacement.register(Bernoulli)
def _bernoulli(noise, source, k, out):
    for i in range(out.shape[0]):
        out[i] = 1.0
        if noise.beta < 1.0:  # a mask of ones draws nothing
            out[i] = 1.0 / noise.beta if uniform(source.rng) < noise.beta else 0.0
