"""Comparison of a closed form with an independent derivation, and proof that the comparison can fail."""

import numpy as np
import pytest


def agrees(formula, reference, cases, rtol):
    return all(np.allclose(formula(*case), reference(*case), rtol=rtol, atol=0) for case in cases)


@pytest.fixture
def verify():
    """verify(formula, reference, cases, **mutants): formula passes on all cases, each mutant is refused."""

    def check(formula, reference, cases, rtol=1e-12, **mutants):
        cases = list(cases)
        assert mutants, "a comparison that nothing fails shows nothing"
        for case in cases:
            np.testing.assert_allclose(formula(*case), reference(*case), rtol=rtol, atol=0, err_msg=f"at {case}")
        for name, mutant in mutants.items():
            assert not agrees(mutant, reference, cases, rtol), f"the mutant {name!r} passes"

    return check


@pytest.fixture
def rng():
    return np.random.default_rng(2023)
