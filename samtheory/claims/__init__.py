"""Claims: what a claim file imports.

from samtheory.claims import at_most, claim, control, real, requires, script
"""

from samtheory.claims.claim import claim, control
from samtheory.claims.evidence import HOLDS, REFUTED, at_least, at_most, equals, requires
from samtheory.claims.script import script
from samtheory.claims.space import choice, integer, log_real, real, seeds, usually

__all__ = [
    "HOLDS",
    "REFUTED",
    "at_least",
    "at_most",
    "choice",
    "claim",
    "control",
    "equals",
    "integer",
    "log_real",
    "real",
    "requires",
    "script",
    "seeds",
    "usually",
]
