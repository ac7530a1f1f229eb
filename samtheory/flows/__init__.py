"""Deterministic ordinary differential equations: gradient flow, flows along minimiser manifolds, limiting flows."""
