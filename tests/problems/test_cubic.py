"""The cubic model: its third derivative is the tensor, which must be symmetric."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samtheory.evaluate import hessian
from samtheory.problems.core import constants
from samtheory.problems.cubic import Cubic, symmetric_tensor


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), d=st.integers(1, 5))
def test_third_derivative_is_the_tensor(seed, d):
    rng = np.random.default_rng(seed)
    p = Cubic(rng.standard_normal(d), symmetric_tensor(rng, d))
    rises = hessian(p, np.eye(d)) - hessian(p, np.zeros(d))
    np.testing.assert_allclose(rises, p.tensor, atol=1e-14 * (1 + np.abs(p.tensor).max() + np.abs(p.lam).max()))
    np.testing.assert_array_equal(np.diag(hessian(p, np.zeros(d))), p.lam)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), d=st.integers(1, 5))
def test_symmetric_tensors_keep_their_bits_under_permutation(seed, d):
    tensor = symmetric_tensor(np.random.default_rng(seed), d)
    for order in itertools.permutations(range(3)):
        assert (tensor == tensor.transpose(order)).all()
    assert (Cubic(np.ones(d), tensor).tensor == tensor).all()


def test_without_tensor_it_is_the_quadratic():
    known = constants(Cubic([1.0, 0.0, 4.0], np.zeros((3, 3, 3))))
    assert (known.L, known.mu, known.pl, known.f_star) == (4, None, 1, 0)
    assert constants(Cubic([1.0], np.ones((1, 1, 1)))).f_star is None


CROOKED = np.zeros((2, 2, 2))
CROOKED[0, 0, 1] = 1.0


@pytest.mark.parametrize(
    ("lam", "tensor", "message"),
    [
        ([1, 2], CROOKED, r"tensor is not symmetric: entry \[0, 0, 1\]"),
        ([1, 2], np.zeros((2, 2)), "tensor has shape"),
        ([1, 2], np.zeros((2, 2, 3)), "tensor has shape .* must be d x d x d"),
        ([1, 2, 3], np.zeros((2, 2, 2)), "tensor has shape .* lam has shape"),
        ([1], [[[math.nan]]], "tensor has entries"),
        ([], np.zeros((0, 0, 0)), "lam has shape|tensor has shape"),
        ([math.inf], [[[0.0]]], "lam has entries"),
    ],
)
def test_bad_cubics_are_refused(lam, tensor, message):
    with pytest.raises(ValueError, match=message):
        Cubic(lam, tensor)
