"""Missing extras: what they say, and that they come back from another process."""

import pickle

from samtheory.extras import MissingExtra, missing


def test_a_missing_extra_is_the_same_after_a_journey():
    error = MissingExtra("the data", "PyTorch", "torch", "torch")
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == "the data needs PyTorch, which is not installed: pip install samtheory[torch]"
    assert (again.extra, again.name) == ("torch", "torch")


def test_only_modules_of_an_extra_are_renamed():
    assert isinstance(missing(ModuleNotFoundError("no", name="sklearn.datasets"), "x"), MissingExtra)
    other = ModuleNotFoundError("no", name="pandas")
    assert missing(other, "x") is other
