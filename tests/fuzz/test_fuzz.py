"""A short, fixed campaign in the suite; the long one is `python -m tests.fuzz`."""

import subprocess
import sys
from itertools import islice
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.encoder import encode
from protocol.messages import Message, MessageType
from tests.cases import ROOT
from tests.fuzz.campaign import Campaign, Failure
from tests.fuzz.mutation import MOST_BYTES, mutate
from tests.fuzz.targets import EXAMPLES, TARGETS, document
from tests.protocol.arbitrary import messages

INPUTS = 4_000


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_takes_its_honest_examples(name: str) -> None:
    target, honest = TARGETS[name]
    assert any(target(raw) for raw in honest)


@pytest.mark.timeout(60)
def test_a_short_campaign_finds_nothing_that_escapes() -> None:
    campaign = Campaign(seed=20_261_121)
    failures = [event for event in islice(campaign.run(), INPUTS) if isinstance(event, Failure)]
    assert failures == []
    assert sum(campaign.inputs.values()) >= INPUTS - 1
    assert all(campaign.accepted[name] for name in TARGETS)


def test_the_same_seed_makes_the_same_inputs_and_none_is_too_long() -> None:
    once, again = ([mutate(random, EXAMPLES[0], EXAMPLES) for _ in range(200)] for random in (Random(7), Random(7)))
    assert once == again
    assert len(set(once)) > 190
    assert max(map(len, once)) <= MOST_BYTES


@given(st.sampled_from(MessageType).flatmap(messages), st.integers(0, 2**32))
@settings(max_examples=60, derandomize=True, deadline=None)
def test_any_message_however_mutated_is_refused_or_means_one_thing(message: Message, seed: int) -> None:
    random, raw = Random(seed), encode(message)
    for _ in range(5):
        document(mutate(random, raw, EXAMPLES))


@pytest.mark.timeout(60)
def test_the_command_runs_within_its_memory_and_says_what_it_did() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--minutes", "0.02", "--seed", "1"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 failures" in done.stdout
