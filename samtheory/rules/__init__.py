"""Update rules, one a file.  What a rule's file needs is imported from here:

from samtheory.rules import along, ascend, at, direction, first_gradient, second_gradient, ...
"""

from samtheory.oracles import first_gradient, second_gradient, second_value
from samtheory.rules.core import ascend, direction, step, stepsize
from samtheory.rules.schedules import at, scheduled
from samtheory.validate import between, checked, count, nonnegative, positive
from samtheory.vectors import along, axpy, copy, dot, fill, norm

__all__ = [
    "along",
    "ascend",
    "at",
    "axpy",
    "between",
    "checked",
    "copy",
    "count",
    "direction",
    "dot",
    "fill",
    "first_gradient",
    "nonnegative",
    "norm",
    "positive",
    "scheduled",
    "second_gradient",
    "second_value",
    "step",
    "stepsize",
]
