"""The derivative at zero and its stated error."""

import numpy as np

from samtheory.measures.response import response


def test_within_its_stated_error():
    for f, slope in ((np.exp, 1.0), (np.arctan, 1.0), (lambda h: np.sin(3 * h + 1), 3 * np.cos(1.0))):
        value, error = response(f, 0.1)
        assert abs(value - slope) <= error < 1e-3
        assert error < 70 * response(f, 0.05)[1]  # of fourth order, rounded
    cubic = response(lambda h: h + h**3, 0.5)
    np.testing.assert_allclose(cubic, (1, 0), atol=1e-14)
