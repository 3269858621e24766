"""The skills there are, by the name under which definitions and assignments call them."""

from collections.abc import Mapping
from typing import Final

from agents.skills.battery import skills as battery
from agents.skills.battery_watch.skills import assess_readings, report_watch
from agents.skills.merging import merge_files
from agents.skills.questions import answer_about_missions
from agents.skills.spec_facts import extract, find_contradictions, write_facts
from agents.skills.testing import run_tests
from agents.work import Skill

SKILLS: Final[Mapping[str, Skill]] = {
    "extract-facts": extract,
    "find-contradictions": find_contradictions,
    "write-facts": write_facts,
    "merge-files": merge_files,
    "run-tests": run_tests,
    "answer-about-missions": answer_about_missions,
    "derive-requirements": battery.derive_requirements,
    "design-monitor": battery.design_monitor,
    "cost-parts": battery.cost_parts,
    "write-firmware": battery.write_firmware,
    "plan-the-tests": battery.plan_the_tests,
    "verify-design": battery.verify_design,
    "hand-over": battery.hand_over,
    "assess-readings": assess_readings,
    "report-watch": report_watch,
}
ONE_AT_A_TIME: Final = frozenset({"extract-facts"})  # skills that take one file; of several, each is a task of its own
