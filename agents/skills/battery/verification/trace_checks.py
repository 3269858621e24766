"""What the verifier looks for in words and tests: who says so, what serves it, what would show that it is not so."""

from collections.abc import Iterator

from agents.skills.battery.verification.dossier import Dossier
from agents.skills.battery.verification.seen import Seen
from agents.skills.missing import missing_in
from gates.design.files import Requirement, Subject


def documents(requirement: Requirement, dossier: Dossier) -> Iterator[Seen]:
    """Whether a document says it: claims that exist and that do not leave the value open."""
    known = {claim.id: claim for claim in dossier.requirements.claims}
    named = [*requirement.claims]
    for name in requirement.limits:
        limit = dossier.limit(name)
        if limit is None:
            yield Seen.not_met(f"names the limit {name}, which does not exist")
        else:
            named += [basis.claim for basis in limit.bases]
    held = [known[id] for id in dict.fromkeys(named) if id in known]
    for lost in sorted(set(named) - known.keys()):
        yield Seen.open(f"rests on the claim {lost}, which is not in requirements.json")
    for claim in held:
        if words := missing_in(claim.quote, whole=True):
            yield Seen.open(f"{claim.document}, {claim.place} leaves it open: “{words}”")
    if held:
        yield Seen.met(f"rests on {_places(sorted({f'{claim.document}, {claim.place}' for claim in held}))}")
    else:
        yield Seen.open("no document says it, and no practice that is named")


def _places(places: list[str]) -> str:
    return "; ".join(places[:3]) + (f" and {len(places) - 3} more" if len(places) > 3 else "")


def tests(requirement: Requirement, dossier: Dossier) -> Iterator[Seen]:
    """Whether a test covers it, and for each limit whether one provokes it from the side on which it speaks up."""
    covering = dossier.tests_of(requirement)
    if not covering:
        yield Seen.not_met("no test covers it")
        return
    for limit in dossier.limits_of(requirement):
        named = [test for test in covering if test.limit == limit.name]
        right = [test.id for test in named if test.stimulus is not None and limit.is_beyond(test.stimulus)]
        if right:
            yield Seen.met(f"{limit.name} is provoked by {', '.join(right)}")
        elif named:
            yield Seen.not_met(f"{limit.name} is tested by {named[0].id}, but not beyond {limit.value} {limit.unit}")
        else:
            yield Seen.not_met(f"no test that covers it provokes {limit.name}")
    if not requirement.limits:
        yield Seen.met(f"tested by {', '.join(test.id for test in covering[:6])}")


def fitting(requirement: Requirement, dossier: Dossier) -> Iterator[Seen]:
    """Whether anything of the design serves it at all; what documents name but nobody uses is for a person."""
    if dossier.traced(requirement):
        return
    if requirement.subject is Subject.DEVICES:
        yield Seen.open("nothing of this design deals with it; whoever signs has to look at the device itself")
    else:
        yield Seen.not_met("no element of the design serves it")
