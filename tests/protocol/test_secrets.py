"""Secrets are found by their form and taken out; what only looks a little like one stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.decoder import decode
from protocol.encoder import encode
from protocol.secrets import holds_secret, redacted, redacted_bytes
from tests.builders import status
from tests.secrets import ANNOUNCED, SECRETS


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_secret_is_taken_out_wherever_it_stands(secret: str) -> None:
    for text in (secret, f"it is {secret}.", f'{{"value": "{secret}"}}', f"µ {secret} ✓", f"<a>{secret}</a>"):
        assert secret not in redacted(text)
        assert holds_secret(text)
        assert len(redacted(text)) <= len(text)
        assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize(("word", "secret"), ANNOUNCED.values(), ids=ANNOUNCED)
def test_a_secret_behind_a_word_goes_and_the_word_stays(word: str, secret: str) -> None:
    found = redacted(f"{word}{secret}")
    assert secret not in found
    assert found.startswith(word)
    assert len(found) <= len(word) + len(secret)


@pytest.mark.parametrize(
    "text",
    [
        "task-assignment-for-the-data-coordinator",
        "the key is 70 V",
        "token: t.b.d.",
        "password=",
        "secret: hunter2",
        "https://example.org/a:b",
        "monkey: abcdefghijklmnopqrstuvwxyz",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "AKIA is how they begin",
        "IPT012N08N5, BQ76952, ESP32-C3",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@given(st.text())
def test_texts_without_secrets_stay_as_they_are(text: str) -> None:
    assert redacted(text) == text  # nobody draws twenty letters and digits behind "token=" by chance
    assert redacted_bytes(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass") == redacted(text)


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_message_carries_no_secret(secret: str) -> None:
    raw = encode(status(1, text=f"I used {secret} & it worked"))
    assert secret.encode() not in raw
    decode(raw)


@pytest.mark.parametrize("piece", ["eyJaaaaaaaa-", "sk-a", "-----BEGIN PRIVATE KEY", "://a:", "token=", "Bearer a"])
def test_what_only_begins_like_a_secret_again_and_again_is_read_once(piece: str) -> None:
    assert len(redacted(piece * (1_000_000 // len(piece)))) <= 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "public key: 3f9a2c3f9a2c3f9a2c3f9a2c3f9a2c3f9a2c3f9a2c3f9a2c3f9a2c3f9a2c3f9a",
        '{"key": "battery/nominal-capacity-12.5Ah"}',
        "primary key = order_line_2024_detail",
        "monkey: AB-1234567890-CDEFGHIJK",
        "sk-hynix-lpddr5x-memory.csv",
    ],
)
def test_keys_that_open_nothing_stay(text: str) -> None:
    assert redacted(text) == text


def test_lines_stay_where_they_were() -> None:
    text = f"a\n{SECRETS['private key']}\nb"
    assert redacted(text).count("\n") == text.count("\n")
