"""NumPy is the oracle of every draw: the same numbers, and the same state of the generator afterwards."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.naive import generator

from samtheory.kernel import call, interpreted
from samtheory.streams import integer, next32, normal, normals, seed_streams, shuffle, uniform

BIG = (0, 1, 2**32 - 1, 2**32, 2**64 + 5, 2**128 - 1, 2**128, 2**160 + 7, 10**80 + 3)


def _normals(rng, out):
    for k in range(out.shape[0]):
        out[k] = normal(rng)


def _normals_at_once(rng, out):
    normals(rng, out)


def _uniforms(rng, out):
    for k in range(out.shape[0]):
        out[k] = uniform(rng)


def _integers(rng, n, out):
    for k in range(out.shape[0]):
        out[k] = integer(rng, n)


def _words(rng, out):
    for k in range(out.shape[0]):
        out[k] = next32(rng)


def _shuffle(rng, idx):
    shuffle(rng, idx)


def _mixture(rng, out, idx):
    """All kinds in turn: 32-bit draws leave half a word behind, which the next one has to find."""
    for k in range(out.shape[0] // 3):
        out[3 * k] = normal(rng)
        out[3 * k + 1] = integer(rng, 10 + k)
        out[3 * k + 2] = uniform(rng)
        if k % 5 == 0:
            shuffle(rng, idx)


def stream(seed=7, member=3, purpose=0):
    return seed_streams(seed, purpose, 1, first=member)[0]


def assert_same_state(rng, theirs):
    state = theirs.bit_generator.state
    assert rng[:4].tolist() == state["state"]["state"].tolist()
    assert int(rng[4]) == state["has_uint32"]
    if rng[4]:
        assert int(rng[5]) == state["uinteger"]


@pytest.mark.parametrize("seed", BIG)
@pytest.mark.parametrize("purpose", [0, 1, 2**32 - 1])
def test_states_are_those_of_seed_sequence(seed, purpose):
    members = 20
    ours = seed_streams(seed, purpose, members)
    for m in (0, 1, members - 1):
        assert_same_state(ours[m], generator(seed, m, purpose))
    far = 2**31 + 11
    assert_same_state(seed_streams(seed, purpose, 1, first=far)[0], generator(seed, far, purpose))
    assert (seed_streams(seed, purpose, 5, first=7) == ours[7:12]).all()
    with interpreted():
        assert (seed_streams(seed, purpose, 3) == ours[:3]).all()


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**300), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_states_for_any_seed(seed, purpose, member):
    assert_same_state(seed_streams(seed, purpose, 1, first=member)[0], generator(seed, member, purpose))


@pytest.mark.parametrize("driver", [_normals, _normals_at_once])
def test_a_million_normals_reach_wedge_and_tail_and_are_numpys(driver):
    rng, theirs = stream(), generator(7, 3)
    ours = np.empty(1_000_000)
    before = int(rng[3])
    call(driver, rng, ours)
    assert (ours == theirs.standard_normal(ours.size)).all()
    assert_same_state(rng, theirs)
    assert int(rng[3]) - before > ours.size + 5_000  # words beyond one a draw: rejections in wedges and tail
    assert (np.abs(ours) > 3.6541528853610088).sum() > 100  # the tail starts there


def test_uniforms_are_numpys():
    rng, theirs = stream(), generator(7, 3)
    ours = np.empty(100_000)
    call(_uniforms, rng, ours)
    assert (ours == theirs.random(ours.size)).all()
    assert_same_state(rng, theirs)


@pytest.mark.parametrize("n", [1, 2, 3, 10, 1000, 2**16, 2**31 - 1, 2**31, 2**31 + 1, 3 * 2**30, 2**32 - 1])
def test_integers_are_numpys(n):
    rng, theirs = stream(), generator(7, 3)
    ours = np.empty(20_001, dtype=np.int64)
    call(_integers, rng, n, ours)
    assert (ours == theirs.integers(n, size=ours.size)).all()
    assert_same_state(rng, theirs)
    again = stream()
    with interpreted():
        few = np.empty(301, dtype=np.int64)
        call(_integers, again, n, few)
    assert (few == ours[:301]).all()


def test_half_words_are_numpys():
    rng, theirs = stream(), generator(7, 3)
    ours = np.empty(1001, dtype=np.int64)
    call(_words, rng, ours)
    assert (ours == theirs.integers(2**32, size=ours.size)).all()


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 17, 64, 65, 1000])
def test_shuffles_are_numpys(n):
    rng, theirs = stream(), generator(7, 3)
    ours, expected = np.arange(n), np.arange(n)
    for _ in range(20):
        call(_shuffle, rng, ours)
        theirs.shuffle(expected)
        assert (ours == expected).all()
    assert_same_state(rng, theirs)


@pytest.mark.parametrize("compiled", [True, False])
def test_a_mixture_of_draws_is_numpys(compiled):
    rng, theirs = stream(), generator(7, 3)
    ours, order = np.empty(900), np.arange(13)
    if compiled:
        call(_mixture, rng, ours, order)
    else:
        with interpreted():
            call(_mixture, rng, ours, order)
    expected, their_order = [], np.arange(13)
    for k in range(300):
        expected += [theirs.standard_normal(), theirs.integers(10 + k), theirs.random()]
        if k % 5 == 0:
            theirs.shuffle(their_order)
    assert ours.tolist() == expected
    assert order.tolist() == their_order.tolist()
    assert_same_state(rng, theirs)


def test_interpreted_bits_are_compiled_bits():
    compiled, plain = np.empty(30_000), np.empty(30_000)
    rng, again, third = stream(1, 0), stream(1, 0), stream(1, 0)
    call(_normals, rng, compiled)
    with interpreted():
        call(_normals, again, plain)
        assert (compiled == plain).all()
        call(_normals_at_once, third, plain)
    assert (compiled == plain).all()
    assert (rng == again).all() and (rng == third).all()
    assert (np.abs(plain) > 3.6541528853610088).any()


def test_streams_of_all_members_and_purposes_are_distinct():
    states = np.concatenate([seed_streams(seed, purpose, 50_000) for seed in (0, 1) for purpose in (0, 1)])
    assert len(np.unique(states[:, :4], axis=0)) == len(states)
    paths = np.empty((200, 4))
    for rng, out in zip(states[::1000], paths):
        call(_normals, rng, out)
    assert len(np.unique(paths)) == paths.size


@pytest.mark.parametrize("purpose", [-1, 2**32])
def test_purposes_beyond_one_word_are_refused(purpose):
    with pytest.raises(ValueError, match="purpose"):
        seed_streams(0, purpose, 1)


def test_negative_seed_is_refused():
    with pytest.raises(ValueError, match="seed = -1"):
        seed_streams(-1, 0, 1)
