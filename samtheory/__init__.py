"""samtheory: the theory of Sharpness-Aware Minimization, put to the test."""

__version__ = "0.1.0"
