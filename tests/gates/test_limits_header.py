"""limits.h says what the requirements say, to the last digit, and nothing else does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gates.design.headers import changed_elsewhere, header_faults, macros_of
from protocol.errors import SourceError
from tests import designs
from tests.designs import changed, d, limits_h

HEADER = limits_h(designs.requirements())


def header(text: str) -> list[str]:
    return list(header_faults(text.encode(), designs.requirements()))


def test_the_macros_of_a_limit_are_whole_numbers_in_small_units() -> None:
    [high, cold] = [one for one in designs.LIMITS if one.name in {"cell-high-alarm", "charge-cold-alarm"}]
    assert macros_of(high) == {
        "CELL_HIGH_ALARM_MV": 3650,
        "CELL_HIGH_ALARM_CLEAR_MV": 3450,
        "CELL_HIGH_ALARM_DELAY_MS": 1000,
    }
    assert macros_of(changed(cold, value=d("-10"), clear=d("-8.5")))["CHARGE_COLD_ALARM_CLEAR_DC"] == -85


@pytest.mark.parametrize(
    "fields",
    [
        {"value": d("3.6505")},
        {"delay_s": d("0.0001")},
        {"value": d("3000000")},
        {"unit": "mV"},
        {"name": "cell high; DROP"},
        {"name": "Cell_High"},
    ],
)
def test_a_limit_that_a_header_cannot_say_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(SourceError, match=r"limits\.h"):
        macros_of(changed(designs.LIMITS[1], **fields))


@given(st.integers(0, HEADER.count("\n") - 1), st.integers(0, 30), st.sampled_from("0123456789"))
def test_a_header_that_differs_by_a_digit_is_named(line: int, column: int, digit: str) -> None:
    lines = HEADER.split("\n")
    words = lines[line].split(" ")
    if len(words) != 3 or not words[2].lstrip("-").isdigit():
        return
    place = column % len(words[2])
    other = words[2][:place] + digit + words[2][place + 1 :]
    if other == words[2]:
        return
    lines[line] = f"{words[0]} {words[1]} {other}"
    assert any(words[1] in fault for fault in header("\n".join(lines)))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("ALARM_MV 3650", "ALARM_MV 3651", "CELL_HIGH_ALARM_MV is 3651, the requirements say 3650"),
        ("ALARM_MV 3650", "ALARM_MV 03650", "CELL_HIGH_ALARM_MV is 03650"),
        ("ALARM_MV 3650", "ALARM_MV 3650 + 100", "CELL_HIGH_ALARM_MV is 3650 + 100"),
        ("ALARM_MV 3650", "ALARM_MV 36\\\n51", "CELL_HIGH_ALARM_MV is 3651"),
        ("ALARM_MV 3650", "ALARM_MV /* 3650 */ 3700", "CELL_HIGH_ALARM_MV is 3700"),
        ("ALARM_MV 3650", "ALARM_MV // 3650", "CELL_HIGH_ALARM_MV is empty"),
        ("#define CELL_HIGH_ALARM_MV 3650\n", "", "CELL_HIGH_ALARM_MV is not defined; the requirements say 3650"),
        ("#define CELL_HIGH_ALARM_MV 3650\n", "/*\n#define CELL_HIGH_ALARM_MV 3650\n*/\n", "is not defined"),
        ("#endif", "#define CELL_HIGH_ALARM_MV 3650\n#endif", "the macro CELL_HIGH_ALARM_MV stands 2 times"),
        ("CELL_COUNT 4", "CELL_COUNT 5", "CELL_COUNT is 5, the pack has 4 cells"),
    ],
)
def test_a_header_that_says_something_else_is_named(old: str, new: str, words: str) -> None:
    assert old in HEADER
    faults = header(HEADER.replace(old, new, 1))
    assert any(words in fault for fault in faults), faults


@pytest.mark.parametrize(
    "line", ["#undef CELL_HIGH_ALARM_MV", "#if 0", "#ifdef OTHER", '#include "more.h"', "int limit;", "%:define A 1"]
)
def test_a_header_holds_nothing_but_definitions(line: str) -> None:
    with pytest.raises(SourceError, match=r"limits\.h, line 4 is neither a comment nor a definition"):
        header(HEADER.replace("#define LIMITS_H", f"#define LIMITS_H\n{line}", 1))


def test_a_header_may_be_written_in_any_plain_way() -> None:
    spelt = HEADER.replace("ALARM_MV 3650", "ALARM_MV (3650L) /* mV */").replace("\n", "\r\n")
    assert header("#pragma once\n#include <stdint.h>\n" + spelt) == []


@pytest.mark.parametrize(
    "text",
    [
        "#define CELL_HIGH_ALARM_MV 9",
        "# undef CELL_HIGH_ALARM_MV",
        "#def\\\nine CELL_HIGH_ALARM_MV 9",
        "%:undef CELL_COUNT",
    ],
)
def test_no_other_file_of_a_sketch_changes_a_limit(text: str) -> None:
    source = f'// "\nchar *a = "/*";\n{text}\n'.encode()
    assert len(list(changed_elsewhere(source, "alarms.c", designs.requirements()))) == 1
    harmless = b"/* #define CELL_HIGH_ALARM_MV 9 */\n#define OTHER 1\n"
    assert list(changed_elsewhere(harmless, "alarms.c", designs.requirements())) == []
