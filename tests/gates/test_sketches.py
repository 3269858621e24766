"""What the compile check says of a sketch, and what it refuses before any compiler has read it."""

from importlib.resources import files
from pathlib import Path

import pytest

from gates import sketches
from gates.sketches import Built, build
from tests.systems import missing, need_command

SHIPPED = {path.name: path.read_bytes() for path in (Path(str(files("firmware"))) / "battery_monitor").iterdir()}
REST = b"void setup() {}\nvoid loop() {}\n"


@pytest.fixture
def compiler() -> None:
    need_command("avr-g++", "gcc-avr")
    if not (sketches.ARDUINO / "cores").exists():
        missing("Arduino's core is not here; it comes with the Debian package arduino-core-avr")


def fault_of(text: str, **headers: str) -> str:
    """Return what is said of a sketch with this text before its empty setup and loop."""
    others = {f"{name}.h": header.encode() for name, header in headers.items()}
    built = build({"a.ino": text.encode() + b"\n" + REST, **others})
    assert built.is_checked
    return built.fault


@pytest.mark.usefixtures("compiler")
def test_the_shipped_sketch_compiles_without_a_warning_and_fits() -> None:
    built = build(SHIPPED)
    assert built.fault == ""
    assert built.note.startswith("compiles for the ATmega2560 without warnings: ")
    assert built.program.startswith(b"\x7fELF")


@pytest.mark.usefixtures("compiler")
def test_the_libraries_that_come_with_the_core_are_there() -> None:
    text = "#include <EEPROM.h>\n#include <Wire.h>\n#include <SPI.h>\n#include <SoftwareSerial.h>\n"
    assert (
        fault_of(text + "SoftwareSerial port(10, 11);\nvoid f() { Wire.begin(); SPI.begin(); EEPROM.update(0, 1); }")
        == ""
    )


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (b"CELL_HIGH_ALARM_MV 3650", b"CELL_HIGH_ALARM_MV 3400", "CELL_HIGH_ALARM_MV must lie above its clear value"),
        (b"CHARGE_COLD_WARN_DC 50", b"CHARGE_COLD_WARN_DC 90", "CHARGE_COLD_WARN_DC must lie below its clear value"),
        (b"CELL_COUNT 16", b"CELL_COUNT 17", "four select lines reach 16 cells"),
        (b"#define PACK_LOW_WARN_MV 46400L\n", b"", "'PACK_LOW_WARN_MV' undeclared here"),
        (b"TEMPERATURE_COUNT 8", b"TEMPERATURE_COUNT 7", "temperature sensors come in two strings"),
    ],
)
def test_limits_that_cannot_be_meant_do_not_compile(old: bytes, new: bytes, fault: str) -> None:
    assert old in SHIPPED["limits.h"]
    assert fault in build({**SHIPPED, "limits.h": SHIPPED["limits.h"].replace(old, new)}).fault


@pytest.mark.usefixtures("compiler")
def test_a_warning_is_a_fault() -> None:
    assert fault_of("\nstatic int unused;") == "a.ino:2: 'unused' defined but not used [-Wunused-variable]"
    assert fault_of("uint8_t f(int x) { return x; }").startswith("a.ino:1: conversion to 'uint8_t")


@pytest.mark.usefixtures("compiler")
def test_an_error_names_file_and_line() -> None:
    assert fault_of("int x = 5\nint y;") == "a.ino:2: expected ',' or ';' before 'int'"
    assert fault_of('#include "b.h"', b="#pragma once\n\nint x = y;\n") == "b.h:3: 'y' was not declared in this scope"
    assert fault_of("#include <nowhere.h>") == "a.ino:1: nowhere.h: No such file or directory"


@pytest.mark.usefixtures("compiler")
def test_a_function_is_declared_before_it_is_used() -> None:
    assert fault_of("void f() { later(); }\nvoid later() {}") == "a.ino:1: 'later' was not declared in this scope"


@pytest.mark.usefixtures("compiler")
def test_what_is_declared_and_nowhere_defined_does_not_link() -> None:
    built = build({"a.ino": b"void nowhere();\nvoid setup() { nowhere(); }\nvoid loop() {}\n"})
    assert built.fault.startswith("it does not link: a.ino:")
    assert "undefined reference to `nowhere()'" in built.fault


@pytest.mark.usefixtures("compiler")
def test_variables_that_leave_no_stack_are_a_fault() -> None:
    text = b"volatile char big[7500];\nvoid setup() { big[7] = 1; }\nvoid loop() {}\n"
    assert build({"a.ino": text}).fault.startswith("the variables take 7,")


@pytest.mark.parametrize(
    "text",
    [
        '#include "/etc/passwd"',
        "#include </etc/passwd>",
        "#include <../secret.h>",
        '#include "avr/../../secret.h"',
        '#inc\\\nlude "/etc/passwd"',
        '#inc\\ \t\nlude "/etc/passwd"',
        '/* */ # /*\n*/ include "/etc/passwd"',
        '%:include "/etc/passwd"',
        '\v#\finclude "/etc/passwd"',
        '#define WHAT "/etc/passwd"\n#include WHAT',
        '#include_next "Arduino.h"',
        '#import "b.h"',
        '#line 1 "/etc/passwd"',
        '# 1 "/etc/passwd"',
        '#pragma GCC dependency "/etc/passwd"',
        '_Pragma("GCC system_header")',
        '#if __has_include("/etc/passwd")\n#endif',
        '#define __AVR_DEVICE_HEADER__ "/etc/passwd"',
        'asm(".incbin \\"/etc/passwd\\"");',
        'asm(". INCLUDE \\"/etc/passwd\\"");',
        'const char *text = R"(/*)";',
        "int x = '\"'; // \\\n#include <fine.h>\n#include </etc/passwd>",
    ],
)
def test_what_would_read_another_file_is_refused_unread(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")  # no compiler to be had: whoever gets that far is told "not checked"
    assert fault_of(text).startswith("a.ino:")
    assert fault_of("// nothing", b=text).startswith("b.h:")


def test_a_refusal_names_the_line() -> None:
    assert fault_of('int x; /*\n*/ int \\\ny;\n#include "/x"').startswith('a.ino:4: #include "/x" is not taken')


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize(
    "text",
    [
        '#define JOIN(a, b) a##b\nJOIN(a, sm)(".inc" "bin \\"/etc/passwd\\"");',
        'asm(".mac" "ro m a b\\n.\\\\a\\\\b \\"/etc/passwd\\"\\n.endm\\nm inc bin");',
        'int x __attribute__((section("a\\n.inc" "bin \\"/etc/passwd\\"\\n"))) = 1;',
        'asm("\\x2eincbin \\"/etc/passwd\\"");',
    ],
)
def test_assembler_that_is_put_together_only_by_the_compiler_is_refused_too(text: str) -> None:
    assert fault_of(text) == "a.ino: it holds assembler that can read files outside the sketch"


@pytest.mark.usefixtures("compiler")
@pytest.mark.parametrize(
    "text",
    [
        'const char text[] = "#include </etc/passwd>";\nconst char *f() { return text; }',
        "/*\n#include </etc/passwd>\n*/",
        "// #include </etc/passwd>",
        'asm("nop");',
        "#pragma once",
        "#\n#define TWICE(x) \\\n    ((x) + (x))",
    ],
)
def test_what_only_looks_like_it_is_taken(text: str) -> None:
    assert fault_of(text) in ("", "a.ino:1: #pragma once in main file")


@pytest.mark.parametrize(
    "name", ["../a.h", "/a.h", "a/b.h", ".h", "-o.c", "a b.h", "a\n.h", "a.sh", "ä.h", "x" * 80 + ".h"]
)
def test_a_file_has_a_plain_name(name: str) -> None:
    fault = build({"a.ino": REST, name: b""}).fault
    assert "is not the name of a file of a sketch" in fault
    assert fault.isprintable()


def test_a_sketch_is_bounded_in_number_and_size() -> None:
    assert "65 files, the limit is 64" in build({"a.ino": REST, **{f"h{number}.h": b"" for number in range(64)}}).fault
    assert "the limit is 1000000" in build({"a.ino": b" " * 1_000_001}).fault
    assert build({}).fault == "a sketch has one .ino file, this one has 0"
    assert build({"a.ino": REST, "b.ino": REST}).fault == "a sketch has one .ino file, this one has 2"


@pytest.mark.parametrize("data", [b"\xff\xfe", b"int x;\0", b"int x;\r#include </x>\r"])
def test_a_file_is_text(data: bytes) -> None:
    assert build({"a.ino": REST, "b.h": data}).fault.startswith("b.h: it ")


@pytest.mark.slow
@pytest.mark.usefixtures("compiler")
def test_compiling_without_end_is_a_fault_in_time() -> None:
    build({"a.ino": REST})  # the core is compiled now and not on this sketch's time
    doubled = "\n".join(f"#define A{number} A{number - 1} A{number - 1}" for number in range(1, 40))
    text = f"#define A0 ;\n{doubled}\nvoid f() {{ A39 }}\n".encode()
    assert build({"a.ino": text + REST}, limit_s=2).fault in (
        "compiling it takes longer than 2 s",
        "a.ino: it does not compile",
    )


@pytest.mark.usefixtures("compiler")
def test_headers_that_include_each_other_for_ever_are_a_fault() -> None:
    assert "nested too deeply" in fault_of('#include "b.h"', b='#include "b.h"\n#include "b.h"\n')


def test_without_a_compiler_nothing_is_checked_and_it_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert build(SHIPPED) == Built(
        is_checked=False, note="not checked: avr-g++ is not here (Debian: gcc-avr avr-libc arduino-core-avr)"
    )
