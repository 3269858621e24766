"""Conditions on values: what they mean, and what is said of a text that is none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.conditions import MAX_CHARACTERS, read_condition, spelled
from protocol.errors import DefinitionError

VALUES = {"review.verdict": "pass", "measure.time_ms": "299.5", "strict.on": "false", "draft#2.ok": "true", "n": "10"}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('review.verdict == "pass"', True), ("review.verdict == 'fail'", False), ('review.verdict != "fail"', True),
        ("measure.time_ms < 300", True), ("measure.time_ms >= 299.50", True), ("n > 9", True), ('n > "9"', True),
        ('"b" > "a"', True), ("strict.on", False), ("not strict.on", True), ("draft#2.ok", True),
        ("draft#2.ok == true", True), ("n == 10 and n < 5 or n == 10", True), ("n == 10 and (n < 5 or n == 11)", False),
        ("not n == 10 or strict.on == false", True), ("review.verdict exists", True), ("review.score exists", False),
        ("not not n exists", True),
    ],
)  # fmt: skip
def test_a_condition_means_what_it_says(text: str, holds: bool) -> None:
    assert read_condition(text).holds(VALUES) is holds


@pytest.mark.parametrize("sign", ["==", "!=", "<", "<=", ">", ">="])
def test_what_is_missing_compares_with_nothing(sign: str) -> None:
    assert not read_condition(f"gone.score {sign} 1").holds(VALUES)
    assert not read_condition(f"1 {sign} gone.score").holds(VALUES)
    assert not read_condition("gone.score").holds(VALUES)


def test_a_condition_names_the_values_it_asks_for() -> None:
    assert read_condition("a.b > 1 and not (c.d or a.b < 9)").names == ("a.b", "c.d")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "found the end"), ("a and", "found the end"), ("a b", "expected and, or, or the end, found 'b'"),
        ("(a", "a closing bracket"), ("a ==", "a name, a number"), ("a = 1", "'= 1' is not part"),
        ("and", "found 'and'"), ("__import__('os')", "is not part of a condition"),
        ("(" * 60 + "a" + ")" * 60, "more than 50 levels"),
        ("not " * 60 + "a", "more than 50 levels"), ("a" * (MAX_CHARACTERS + 1), "2,001 characters"),
    ],
)  # fmt: skip
def test_what_is_no_condition_is_refused_with_the_place(text: str, complaint: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        read_condition(text)
    assert complaint in str(caught.value)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_condition(text).holds({})
    except DefinitionError:
        return


def test_values_are_spelled_as_conditions_read_them() -> None:
    assert [spelled(value) for value in (True, False, 1e-7, 3.5, 12, "x")] == [
        "true", "false", "0.0000001", "3.5", "12", "x",
    ]  # fmt: skip
