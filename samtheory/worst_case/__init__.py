"""Exact worst cases of update rules over classes of functions, by semidefinite programming (extra `pep`)."""
