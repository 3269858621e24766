"""The plan of tests: from single limits on a bench to the finished monitor, every requirement covered.

A test is for somebody at a kitchen table with a supply, a meter and a string of resistors; a battery comes last.
"""

from itertools import chain

from agents.skills.battery.test_plan.acceptance_tests import acceptance_tests
from agents.skills.battery.test_plan.calibration_tests import calibration_tests
from agents.skills.battery.test_plan.channel_tests import channel_tests
from agents.skills.battery.test_plan.draft import Draft
from agents.skills.battery.test_plan.failure_tests import failure_tests
from agents.skills.battery.test_plan.integration_tests import inspection, integration_tests
from agents.skills.battery.test_plan.limit_tests import limit_tests
from gates.design.files import DesignFile, RequirementsFile, TestPlanFile

_KINDS = (limit_tests, channel_tests, integration_tests, failure_tests, calibration_tests)


def plan_tests(requirements: RequirementsFile, design: DesignFile) -> TestPlanFile:
    """Return the plan: unit, integration and safety tests, calibration, acceptance; each requirement in one at least.

    Tests that nothing in the requirements calls for are left out. The acceptance of the whole counts for no single
    requirement's coverage: what only it would reach is looked at on its own.
    """
    drafts = list(chain.from_iterable(kind(requirements, design) for kind in _KINDS))
    covered = {id for draft in drafts for id in draft.covers}
    drafts += [inspection(item, design) for item in requirements.requirements if item.id not in covered]
    drafts += acceptance_tests(requirements, design)
    return TestPlanFile(tests=tuple(draft.numbered(number) for number, draft in enumerate(_wanted(drafts), 1)))


def _wanted(drafts: list[Draft]) -> list[Draft]:
    return [draft for draft in drafts if draft.covers]
