"""The mission that designs a battery monitor, as a user starts it: what it hands over, refuses, and survives."""

import re
import subprocess
from pathlib import Path

import pytest

from gates.sketches import build
from protocol.decoder import decode
from tests.agents.test_real_documents import expected
from tests.cases import ROOT, cases
from tests.mission.runs import Mission, command, environment, orchestra
from tests.systems import need_command

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
CELL = """# LF280K cell

| Item | Value |
|---|---|
| Charge cut-off voltage | 3.60 V |
| Discharge cut-off voltage | 2.6 V |
| Max. continuous discharge current | 0.5C |
| Charging temperature | 5~50℃ |
"""
HOSTILE = (
    """# Cell *\\ #include </etc/passwd> <script>alert(1)</script>

| Parameter | Value |
|---|---|
| Charge cut-off voltage *\\ #error x /* <script> | 3.60 V |
| Max. discharge current \u202eevil\u2069 ??/ \\ | 200 A \\ |

Charging voltage limit: """
    + "9" * 100_000
    + """ V
Max. charge current: 1e30 A
Discharge cut-off voltage: NaN V
"""
)
BOARD = "# BMS manual\n\n**Attention**: The maximum operating voltage of the BMS is 60V.\n"
NMC = "cells: 16\nchemistry: NMC\ncell_type: NMC 280\nnominal_voltage: 3.7\nmax_voltage: 4.2\nmin_voltage: 3.0\n"
FILES = frozenset(
    {
        *("SAFETY_REQUIREMENTS.md", "DESIGN.md", "WIRING.md", "SOFTWARE.md", "BOM.md", "TEST_PLAN.md", "COMPLIANCE.md"),
        *("README.md", "FACTS.md", "architecture.svg", "wiring.svg", "bom.csv", "pack.yaml", "practice.md"),
        *("facts.json", "requirements.json", "design.json", "bill.json", "test-plan.json", "compliance.json"),
        *("battery_monitor/battery_monitor.ino", "battery_monitor/limits.h", "battery_monitor/pins.h"),
        *("battery_monitor/alarms.c", "battery_monitor/alarms.h", "battery_monitor/calibration.h"),
    }
)


def arguments(folder: Path, *more: str | Path, specs: Path | None = None) -> list[str | Path]:
    where: list[str | Path] = ["--output", folder / "out", "--run-dir", folder / "run"]
    return ["run", "battery-design", "--specs", specs or documents(folder), *where, *more]


def documents(folder: Path) -> Path:
    specs = folder / "specs"
    specs.mkdir(exist_ok=True)
    (specs / "cell.md").write_text(CELL, encoding="utf-8")
    (specs / "board.md").write_text(BOARD, encoding="utf-8")
    return specs


def run(folder: Path, *more: str | Path, specs: Path | None = None) -> subprocess.CompletedProcess[str]:
    return orchestra(*arguments(folder, *more, specs=specs), cwd=folder, timeout_s=240)


def results(folder: Path) -> dict[str, bytes]:
    out = folder / "out"
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the mission has run to its end."""
    folder = tmp_path_factory.mktemp("undisturbed")
    done = run(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_everything_a_builder_needs_is_handed_over(undisturbed: Path) -> None:
    made = results(undisturbed)
    assert made.keys() >= FILES
    assert all(made.values())
    assert b"3.60 V" in made["SAFETY_REQUIREMENTS.md"]


def test_the_sketch_holds_the_limits_of_the_documents(undisturbed: Path) -> None:
    header = results(undisturbed)["battery_monitor/limits.h"].decode()
    defined = dict(re.findall(r"#define (\w+) \(?(-?\d+)L?", header))
    said = {name: int(defined[f"{name}_ALARM_MV"]) for name in ("CELL_HIGH", "CELL_LOW")}
    assert said == {"CELL_HIGH": 3600, "CELL_LOW": 2600}
    assert int(defined["DISCHARGE_CURRENT_ALARM_MA"]) == 140_000


def test_what_is_handed_over_was_accepted_before(undisturbed: Path) -> None:
    kept = {path.read_bytes() for path in (undisturbed / "run" / "artifacts").rglob("*") if path.is_file()}
    assert set(results(undisturbed).values()) <= kept


def sketch(folder: Path) -> dict[str, bytes]:
    return {name.split("/")[1]: data for name, data in results(folder).items() if name.startswith("battery_monitor/")}


def test_the_sketch_builds_as_it_is_handed_over(undisturbed: Path) -> None:
    need_command("avr-g++", "gcc-avr")
    built = build(sketch(undisturbed))
    assert built.fault == ""


def test_words_of_a_hostile_document_reach_the_sketch_as_comments_only(tmp_path: Path) -> None:
    specs = tmp_path / "hostile"
    specs.mkdir()
    (specs / "cell.md").write_text(HOSTILE, encoding="utf-8")
    done = run(tmp_path, specs=specs)
    assert done.returncode == 0, done.stdout + done.stderr
    made = results(tmp_path)
    assert b"CELL_HIGH_ALARM_MV 3600L" in made["battery_monitor/limits.h"]
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", made["battery_monitor/limits.h"].decode())
    assert [name for name, data in made.items() if name.endswith((".md", ".svg")) and b"<script" in data] == []
    assert build(sketch(tmp_path)).fault == ""


def test_the_same_documents_give_the_same_bytes(undisturbed: Path, tmp_path: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert results(tmp_path) == results(undisturbed)


def test_the_record_of_the_mission_holds(undisturbed: Path) -> None:
    for words in (("audit", "verify"), ("replay",)):
        done = orchestra(*words, undisturbed / "run", cwd=undisturbed)
        assert done.returncode == 0, done.stderr


def test_an_empty_folder_is_wrong_input(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = run(tmp_path, specs=tmp_path / "empty")
    assert done.returncode == 2
    assert "holds no document that is read" in done.stderr


def test_a_pack_that_the_documented_board_cannot_take_is_for_a_person(tmp_path: Path) -> None:
    (tmp_path / "nmc.yaml").write_text(NMC)
    done = run(tmp_path, "--pack", tmp_path / "nmc.yaml")
    assert done.returncode == 3
    said = done.stdout + done.stderr
    assert "16 cells of 4.2 V come to 67.2 V, but board.md, line 3 says" in said
    assert "Traceback" not in said
    assert not (tmp_path / "out" / "design.json").exists()


def test_a_converter_that_bears_too_little_is_caught(tmp_path: Path) -> None:
    shipped = (ROOT / "scenarios" / "battery_design" / "parts.csv").read_text(encoding="utf-8")
    weaker, count = re.subn(r"(?m)^(DCDC-XL7015,\"[^\"]*\"),80,", r"\1,60,", shipped)
    assert count == 1
    (tmp_path / "parts.csv").write_text(weaker, encoding="utf-8")
    done = run(tmp_path, "--parts", tmp_path / "parts.csv")
    assert done.returncode == 3
    assert "uses DCDC-XL7015 which takes 60 V" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("pack", "says"),
    [
        ("max_voltage: .nan", "max_voltage: Input should be a finite number"),
        ("cells: 1000000000", "cells: 1000000000 is too large"),
        ('cell_type: "EVE \\u202e"', "cell_type"),
        ("cels: 16", "there is no key 'cels'; did you mean cells?"),
        ("", "the file says nothing"),
    ],
)
def test_a_pack_that_cannot_be_is_wrong_input(pack: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text(pack)
    done = run(tmp_path, "--pack", tmp_path / "pack.yaml")
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_mission_whose_every_process_was_killed_is_resumed_to_the_same_files(
    undisturbed: Path, tmp_path: Path
) -> None:
    started = command(*arguments(tmp_path))
    process = subprocess.Popen(
        started, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    mission = Mission(tmp_path, process)
    mission.wait_for(lambda entry: entry.topic.endswith("/claim") and b"@battery-designer<" in entry.document)
    mission.kill_tree()
    done = orchestra("resume", mission.run, cwd=tmp_path, timeout_s=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert results(tmp_path) == results(undisturbed)
    ids = [(said.sender, said.id) for said in (decode(entry.document) for entry in mission.entries())]
    assert len(ids) == len(set(ids))


def traps() -> dict[str, list[tuple[str, str]]]:
    """For each real folder the page that has to name a trap, and the words in which it does."""
    _, damaged = expected()["frames"]
    log = expected()["pack_log"]
    requirements, facts = "SAFETY_REQUIREMENTS.md", "FACTS.md"
    return {
        "libresolar_bms_c1": [
            (requirements, r"6-datasheet\.md.* 70 V.*4-installation\.md|4-installation\.md.*6-datasheet\.md.* 70 V"),
            (requirements, r"Important.* 60 V"),
            (facts, r"Not a contradiction: 3-features\.md .* 1 uA, and 6-datasheet\.md .* 1 mA"),
        ],
        "jk_bms": [
            (requirements, rf"octet at index {damaged['odd_octets'][0]['index']} .* is damaged"),
            (
                requirements,
                rf"sum of the JK frame is {damaged['checksum_sum_as_written']}, .*{damaged['checksum_field']}",
            ),
            (requirements, rf"calls the pack LiFePo4 .* type code is {damaged['battery_type_code']}, .* ternary"),
            (requirements, "resistances of the balance wires, not of the cells"),
            (requirements, rf"differ by {log['spread_V']} V .* stated as {log['stated_spread_V']} V"),
        ],
    }


@pytest.mark.parametrize("folder", ["jk_bms", "libresolar_bms_c1"])
def test_the_traps_of_real_documents_are_named(folder: str, tmp_path: Path) -> None:
    done = run(tmp_path, specs=cases(f"battery/{folder}"))
    assert done.returncode == 0, done.stdout + done.stderr
    made = results(tmp_path)
    missed = [words for page, words in traps()[folder] if not re.search(words, made[page].decode())]
    assert missed == []
    assert b"PACK_HIGH_ALARM_MV 58400L" in made["battery_monitor/limits.h"]


def test_real_documents_of_a_board_for_60_v_refuse_a_pack_that_comes_to_67_v(tmp_path: Path) -> None:
    (tmp_path / "nmc.yaml").write_text(NMC)
    done = run(tmp_path, "--pack", tmp_path / "nmc.yaml", specs=cases("battery/libresolar_bms_c1"))
    assert done.returncode == 3
    assert "16 cells of 4.2 V come to 67.2 V, but 4-installation.md" in done.stdout + done.stderr
