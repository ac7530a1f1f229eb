"""1-SAM steps of two-layer ReLU networks that pay for one product with the first layer instead of four.

Along the gradient of its own output f a sample's pre-activations move by known amounts: with a = W1' x', A = [a > 0],
q = |x'|^2, v_j = df/da_j (0 where A_j is) and h = df/dW2,

    |grad f|^2 = q |v|^2 + |h|^2,    c = rho sign(f - y)/|grad f|,    a~ = a + c q v,    W2~ = W2 + c h,

and the step is the gradient at (a~, W2~): its rows change where a~_j > 0 only.  A unit that is off stays off.
    plain        h = relu(a),          v = W2 A
    layer norm   h = relu(a)/N,        v = (W2 - f h) A/N,   N = max(|relu(a)|, eps), without f h where N = eps
The kernels take any problem with X, y, width (and eps); parameters are the rows of W1', then W2.
"""

from __future__ import annotations

import math

from samtheory.kernel import kernel
from samtheory.vectors import dot, rows_times


@kernel
def two_layer_sam_step(p, i, theta, eta, rho, work):
    """One step in place on f = sum_j W2_j relu(<W1'_j, x'>); 1 where the gradient is 0.  `work`: width floats."""
    m, x, y = p.width, p.X[i], p.y[i]
    W, last, a = theta[: m * x.shape[0]].reshape((m, x.shape[0])), theta[m * x.shape[0] :], work[:m]
    rows_times(W, x, a)
    f, vv, hh = 0.0, 0.0, 0.0
    for j in range(m):
        if a[j] > 0.0:
            f += last[j] * a[j]
            vv += last[j] * last[j]
            hh += a[j] * a[j]
    q = dot(x, x)
    length = math.sqrt(q * vv + hh)
    if f == y or length == 0.0:
        return 1
    c = math.copysign(rho / length, f - y)
    f = 0.0
    for j in range(m):
        if a[j] > 0.0:
            f += (last[j] + c * a[j]) * max(a[j] + c * q * last[j], 0.0)
    pull = 2.0 * eta * (f - y)
    for j in range(m):
        if a[j] > 0.0:
            h = a[j] + c * q * last[j]
            if h > 0.0:
                v = pull * (last[j] + c * a[j])
                last[j] -= pull * h
                for k in range(x.shape[0]):
                    W[j, k] -= v * x[k]
    return 0


@kernel
def layer_norm_sam_step(p, i, theta, eta, rho, work):
    """One step in place on f = sum_j W2_j r_j/max(|r|, eps), r = relu(W1' x'); 1 where the gradient is 0.

    `work`: 2 width floats.
    """
    m, x, y = p.width, p.X[i], p.y[i]
    W, last = theta[: m * x.shape[0]].reshape((m, x.shape[0])), theta[m * x.shape[0] :]
    a, moved = work[:m], work[m : 2 * m]
    rows_times(W, x, a)
    rr, f = 0.0, 0.0
    for j in range(m):
        if a[j] > 0.0:
            rr += a[j] * a[j]
            f += last[j] * a[j]
    size = math.sqrt(rr)
    inverse = 1.0 / max(size, p.eps)
    f *= inverse
    along = f if size > p.eps else 0.0
    vv = 0.0
    for j in range(m):
        if a[j] > 0.0:
            v = last[j] - along * (a[j] * inverse)
            vv += v * v
    q = dot(x, x)
    length = math.sqrt(q * vv + rr) * inverse
    if f == y or length == 0.0:
        return 1
    c = math.copysign(rho / length, f - y)
    push, ss, f = c * q * inverse, 0.0, 0.0
    for j in range(m):
        moved[j] = 0.0
        if a[j] > 0.0:
            h = a[j] * inverse
            r = max(a[j] + push * (last[j] - along * h), 0.0)
            moved[j] = r
            a[j] = last[j] + c * h  # W2~
            ss += r * r
            f += a[j] * r
    size = math.sqrt(ss)
    inverse = 1.0 / max(size, p.eps)
    f *= inverse
    along = f if size > p.eps else 0.0
    pull = 2.0 * eta * (f - y)
    share = pull * inverse
    for j in range(m):
        if moved[j] > 0.0:
            h = moved[j] * inverse
            v = share * (a[j] - along * h)
            last[j] -= pull * h
            for k in range(x.shape[0]):
                W[j, k] -= v * x[k]
    return 0
