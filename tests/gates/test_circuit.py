"""A design against its requirements and parts: what cannot be built, or measures too little, is named."""

import pytest

from gates.design.electrics import electric_faults
from gates.design.files import (
    Channel,
    DesignFile,
    ErrorTerm,
    RequirementsFile,
)
from gates.design.parts import read_parts
from tests import designs
from tests.designs import PARTS_CSV, cell_channel, changed, d

PARTS = read_parts(PARTS_CSV)


def with_element(identity: str, **fields: object) -> DesignFile:
    file = designs.design()
    elements = tuple(changed(one, **fields) if one.id == identity else one for one in file.elements)
    return changed(file, elements=elements)


def electric(file: DesignFile, requirements: RequirementsFile | None = None) -> list[str]:
    return list(electric_faults(file, requirements or designs.requirements(), PARTS))


def with_channel(channel: Channel) -> DesignFile:
    return changed(designs.design(), channels=(channel,))


def with_pin(number: str, macro: str = "PIN_OTHER") -> DesignFile:
    file = designs.design()
    return changed(file, pins=(*file.pins, {"macro": macro, "number": number, "signal": "s", "to": "E-01"}))


def with_failure(**fields: object) -> DesignFile:
    file = designs.design()
    return changed(file, failures=(changed(file.failures[0], **fields),))


def with_node(name: str, /, **fields: object) -> DesignFile:
    file = designs.design()
    return changed(file, nodes=tuple(changed(one, **fields) if one.name == name else one for one in file.nodes))


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (with_element("E-01", part="RELAY-15"), "E-01 uses RELAY-15 which takes 15 V"),
        (with_element("E-01", part="XY-1"), "E-01 uses XY-1, which is not in parts.csv"),
        (with_element("E-01", part="BOARD"), "of which parts.csv does not say what it takes"),
        (with_element("E-01", quantity=0), "E-01 uses RELAY-400, but none of it"),
        (with_element("E-01", node="moon"), "E-01 stands at the node moon, which is not there"),
        (with_element("E-01", meets=("SR-99",)), "E-01 names the requirement SR-99, which is not there"),
        (with_element("E-02", meets=("SR-01",)), "SR-02 is met by no element and answers no failure mode"),
        (with_element("E-02", id="E-01"), "the element E-01 stands 2 times"),
        (with_element("E-03", backs_up="E-03"), "E-03 backs up itself"),
        (with_node("pack", max_v=d("12.8")), "the node pack is given 12.8 V, but 4 cells of 3.65 V are 14.6 V"),
        (with_node("pack", name="top"), "no node is named pack"),
        (with_node("logic", name="pack"), "the node pack stands 2 times"),
        (with_pin("22"), "the pin 22 stands 2 times"),
        (with_pin("022"), "the pin 22 stands 2 times"),
        (with_pin("54"), "the pin 54 stands 2 times"),
        (with_pin("23", "PIN_SELECT_0"), "the macro PIN_SELECT_0 stands 2 times"),
        (with_pin("23", "PIN-SELECT"), "the macro 'PIN-SELECT' is no name in C"),
        (with_pin("23", "1PIN"), "the macro '1PIN' is no name in C"),
        (with_failure(element="E-09"), "F-01 names the element E-09, which is not there"),
        (with_failure(requirement="SR-09"), "F-01 names the requirement SR-09, which is not there"),
    ],
)
def test_a_design_that_cannot_be_built_as_drawn_is_named(file: DesignFile, words: str) -> None:
    assert any(words in fault for fault in electric(file)), electric(file)


def test_the_design_of_the_sample_holds() -> None:
    assert electric(designs.design()) == []


def test_pins_that_the_code_does_not_name_are_told_apart_by_their_numbers() -> None:
    assert electric(with_pin("GND", macro="")) == []
    assert electric(with_pin("22", macro="")) == ["the pin 22 stands 2 times"]


def test_a_divider_at_sixty_volts_is_refused_with_its_step_however_it_is_averaged() -> None:
    for oversamples in (1, 16, 1_000_000):
        channel = changed(cell_channel("60", quantisation="0.0074", reference="0.0005"), oversamples=oversamples)
        [fault, *_] = electric(with_channel(channel))
        assert fault == "channel cells: one step of 10 bits over 60 V is 0.0586 V, 0.01 V are allowed"
    honest = cell_channel("60", quantisation="0.059")
    assert any("is off by up to 0.063 V, 0.01 V are allowed" in fault for fault in electric(with_channel(honest)))


def test_averaging_makes_quantisation_smaller_by_the_root_of_sixteen_and_no_further() -> None:
    for oversamples, least in ((1, "0.002"), (4, "0.001"), (16, "0.0005"), (4096, "0.0005")):
        channel = changed(cell_channel(quantisation=least), oversamples=oversamples)
        assert electric(with_channel(channel)) == []
        braver = changed(cell_channel(quantisation=str(d(least) * d("0.9"))), oversamples=oversamples)
        assert any("quantisation is given as" in fault for fault in electric(with_channel(braver)))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"terms": (ErrorTerm(name="reference", value=d("0.004"), how="0.1 %"),)}, "no term for quantisation"),
        ({"required": d("0.002")}, "is off by up to 0.0045 V, 0.002 V are allowed"),
        ({"required": d("0.05")}, "is required to 50 mV, the requirements say 10 mV"),
        ({"span": d("0")}, "span and required error have to be positive"),
        ({"span": d("3.3")}, "ends below 3.65 V, where a cell may be"),
        ({"name": "pack"}, "no channel measures the cells"),
        ({"unit": "furlong"}, "no channel measures the cells"),
        (
            {"terms": (*cell_channel().terms, ErrorTerm(name="luck", value=d("-0.004"), how="hope"))},
            "the term luck is negative",
        ),
    ],
)
def test_a_channel_that_cannot_measure_as_it_has_to_is_named(fields: dict[str, object], words: str) -> None:
    faults = electric(with_channel(changed(cell_channel(), **fields)))
    assert any(words in fault for fault in faults), faults
