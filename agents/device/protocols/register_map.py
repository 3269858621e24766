"""Which registers of a Modbus device mean what: a YAML file, ours in `maps/` or your own.

    name: modbus-rtu-mine
    about: RS485 9600 8N1; positive is charging
    addresses: [1, 2]         # where such devices may stand; the first is asked unless others are named
    answer_offset: -48        # added to the address asked, where the answer comes from another one
    blocks:                   # each is one question
      - name: status
        function: 3           # 1, 2: coils; 3, 4: registers
        at: 0x1000            # the first register
        count: 20             # how many
        also_counts: [30]     # other lengths that answers of this block are seen with
        addresses: [0]        # only these devices have it
        word_order: little    # the low word of two or more comes first; a field may have its own order
        is_never_zero: true   # zeros alone are the answer of a device that sleeps
        fields:
          - {at: 0x1000, to: pack_voltage_v, scale: 0.01}
          - {at: 0x1001, to: current_a, type: i16, scale: 0.1}
          - {at: 0x1002, to: cells, count: 16, counted_by: 0x1013, scale: 0.001}
          - {at: 0x1012, to: temperatures.mos, scale: 0.1, kelvin: true, absent: [0]}

A value is raw x scale + offset; with `kelvin: true`, less 273.1. `to` is a value of a status (pack_voltage_v,
current_a, soc_percent, soh_percent, remaining_ah, nominal_ah, full_ah, cycles, cell_count, charge_fet, discharge_fet,
alarm_bits, balance_bits, model), `cells` or `temperatures` with `count` slots numbered from 1, `temperatures.NAME` or
`others.NAME`. `type` is u or i with 8, 16, 32, 48, 64 or 112 bits, or text with `count` registers; of coils `count` are
one number, the first its lowest bit. `mask` keeps bits; `names` gives alarms their names by bit, `values` words for
numbers. `counted_by` is the register that says how many slots count.

`absent`: raw values that mean that there is nothing. Where it is left out: all ones, for signed numbers the highest
one; for cells and for kelvin zero too. With `absent: []` everything is a value. Nothing is absent among coils, in
alarm_bits and balance_bits, and where a mask is given.
"""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from agents.document import Document, Place, checked, parse_document, read_document, shown
from protocol.errors import DefinitionError

PACKAGED: Final = (
    "daly-modbus-d2",
    "daly-modbus-81",
    "seplos-v3",
    "modbus-rtu-eg4",
    "modbus-rtu-renogy",
    "modbus-rtu-pylontech-rt",
)
NUMBERS: Final = frozenset(
    {"pack_voltage_v", "current_a", "soc_percent", "soh_percent", "remaining_ah", "nominal_ah", "full_ah"}
)
COUNTS: Final = frozenset({"cycles", "cell_count"})
SWITCHES: Final = frozenset({"charge_fet", "discharge_fet"})
BITS: Final = frozenset({"alarm_bits", "balance_bits"})
SLOTS: Final = frozenset({"cells", "temperatures"})
_TARGETS: Final = NUMBERS | COUNTS | SWITCHES | BITS | SLOTS | {"model"}
_NAMED: Final = re.compile(r"(temperatures|others)\.[a-z0-9][a-z0-9-]*")
_FIRST_KEY: Final = "name: modbus-rtu-mine"
_COILS: Final = (1, 2)
_MOST_REGISTERS: Final = 125
_MOST_ITEMS: Final = 2000

Register = Annotated[int, Field(ge=0, le=0xFFFF)]
Address = Annotated[int, Field(ge=0, le=255)]
Count = Annotated[int, Field(ge=1, le=_MOST_ITEMS)]
Bit = Annotated[int, Field(ge=0, le=_MOST_ITEMS)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
Factor = Annotated[Decimal, Field(ge=-(10**9), le=10**9)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RegisterField(_Strict):
    """One value, or the slots of cells or temperatures, in a block."""

    at: Register
    to: Annotated[str, Field(max_length=60)]
    type: Literal["u8", "i8", "u16", "i16", "u32", "i32", "u48", "u64", "u112", "text"] = "u16"
    count: Count = 1
    counted_by: Register | None = None
    scale: Factor = Decimal(1)
    offset: Factor = Decimal(0)
    kelvin: bool = False
    absent: tuple[int, ...] | None = None
    word_order: Literal["big", "little"] | None = None
    mask: Annotated[int, Field(gt=0)] | None = None
    names: dict[Bit, Name] = Field(default_factory=dict)
    values: dict[int, Annotated[str, Field(max_length=60)]] = Field(default_factory=dict)

    @property
    def bits(self) -> int:
        """The width of one slot in bits; of a text, of one register."""
        return 16 if self.type == "text" else int(self.type[1:])

    @property
    def is_fraction(self) -> bool:
        """Whether its values have a fraction; counts do not, nor do whole numbers under a name of their own."""
        if self.to.startswith("others."):
            return self.kelvin or bool(self.scale % 1 or self.offset % 1)
        return self.to not in COUNTS

    @property
    def nothing(self) -> frozenset[int]:
        """The raw values that mean that there is nothing."""
        if self.absent is not None:
            return frozenset(self.absent)
        if self.to in BITS or self.mask is not None:
            return frozenset()
        highest = (1 << self.bits - self.type.startswith("i")) - 1
        return frozenset({highest, 0} if self.to == "cells" or self.kelvin else {highest})


class Block(_Strict):
    """What one question asks for."""

    name: Name
    function: Literal[1, 2, 3, 4] = 3
    at: Register
    count: Count
    also_counts: tuple[Count, ...] = ()
    addresses: tuple[Address, ...] = ()
    word_order: Literal["big", "little"] = "big"
    is_never_zero: bool = False
    fields: Annotated[tuple[RegisterField, ...], Field(min_length=1)]

    @property
    def is_coils(self) -> bool:
        return self.function in _COILS

    @property
    def most(self) -> int:
        """How many coils or registers its longest answer holds."""
        return max((self.count, *self.also_counts))

    def bytes_of(self, count: int) -> int:
        """Return how many bytes so many coils or registers take in an answer."""
        return (count + 7) // 8 if self.is_coils else 2 * count

    @property
    def lengths(self) -> frozenset[int]:
        """How many bytes of data its answers may have."""
        return frozenset(self.bytes_of(count) for count in (self.count, *self.also_counts))


class RegisterMap(_Strict):
    """A kind of Modbus device: where it stands, what is asked, what the answers mean."""

    name: Name
    about: Annotated[str, Field(max_length=2000)] = ""
    addresses: Annotated[tuple[Address, ...], Field(min_length=1)]
    answer_offset: Annotated[int, Field(ge=-255, le=255)] = 0
    blocks: Annotated[tuple[Block, ...], Field(min_length=1)]


def read_map(path: Path) -> RegisterMap:
    """Return the map of a file.

    Raises:
        DefinitionError: it cannot be read, or is none; each complaint names file, line and key.
    """
    return _map_of(read_document(path, _FIRST_KEY))


@cache
def packaged_map(name: str) -> RegisterMap:
    """Return one of the maps that come with the package."""
    text = (files("agents.device.protocols") / "maps" / f"{name}.yaml").read_text(encoding="utf-8")
    return _map_of(parse_document(text, f"{name}.yaml", _FIRST_KEY))


def _map_of(document: Document) -> RegisterMap:
    registers = checked(document, RegisterMap)
    if complaints := [str(document.fault(place, text)) for place, text in _faults(registers)]:
        raise DefinitionError("\n".join(complaints))
    return registers


def _faults(registers: RegisterMap) -> Iterator[tuple[Place, str]]:
    """Yield what only shows when the parts of a map are seen together."""
    offset = registers.answer_offset
    yield from _address_faults(("addresses",), registers.addresses, offset)
    seen: set[str] = set()
    for number, block in enumerate(registers.blocks):
        place: Place = ("blocks", number)
        if block.name in seen or block.name == "exception":
            yield (*place, "name"), f"the name {block.name} is taken; give this block another"
        seen.add(block.name)
        yield from _address_faults((*place, "addresses"), block.addresses, offset)
        yield from _block_faults(block, place)


def _address_faults(place: Place, addresses: Iterable[int], offset: int) -> Iterator[tuple[Place, str]]:
    for number, address in enumerate(addresses):
        if not 0 <= address + offset <= 255:
            yield (*place, number), f"address {address} would answer from {address + offset}"


def _block_faults(block: Block, place: Place) -> Iterator[tuple[Place, str]]:
    most = _MOST_ITEMS if block.is_coils else _MOST_REGISTERS
    for key, count in (("count", block.count), *(("also_counts", count) for count in block.also_counts)):
        if count > most:
            yield (*place, key), f"{key} {count}: one answer holds at most {most}; make two blocks"
        elif block.at + count > 0x10000:
            yield (*place, key), f"{key} {count}: the last register is 0xFFFF"
    told: set[str] = set()
    for number, field in enumerate(block.fields):
        where: Place = (*place, "fields", number)
        if field.to in told:
            yield (*where, "to"), f"{shown(field.to)} has a field in this block already; take one out"
        told.add(field.to)
        yield from ((where + key, text) for key, text in _field_faults(field, block))


def _field_faults(field: RegisterField, block: Block) -> Iterator[tuple[Place, str]]:
    if field.to not in _TARGETS and not _NAMED.fullmatch(field.to):
        own = re.sub(r"[^a-z0-9]+", "-", field.to.lower().removeprefix("others.")).strip("-")
        yield (
            ("to",),
            f"to: {shown(field.to)} is no value of a status; for one of your own write others.{own or 'name'}",
        )
        return  # whatever else it says would quote a name that is none
    if not field.scale:
        yield ("scale",), "scale: 0 makes every value the same; leave it out for 1"
    last = block.most + block.at
    size = field.count if block.is_coils else (field.count * field.bits + 15) // 16
    if not block.at <= field.at <= last - size:
        yield ("at",), f"at: {field.at:#06x} with {size} is outside the block, {block.at:#06x} to {last - 1:#06x}"
    if field.counted_by is not None and (block.is_coils or not block.at <= field.counted_by < last):
        yield ("counted_by",), f"counted_by: {field.counted_by:#06x} is no register of this block"
    if field.to in SLOTS and block.is_coils:
        yield ("to",), f"to: {field.to} cannot come from coils"
    if field.count > 1 and not (field.to in SLOTS or field.type == "text" or block.is_coils):
        yield ("count",), f"count: {field.to} is one value; only cells, temperatures, texts and coils have several"
    if (field.type == "text") != (field.to == "model") and not (
        field.type == "text" and field.to.startswith("others.")
    ):
        yield ("type",), f"type: {field.to} cannot be {field.type}"
    if field.names and field.to != "alarm_bits":
        yield ("names",), "names: only alarm_bits have names"
    if field.values and not field.to.startswith("others."):
        yield ("values",), "values: only others.NAME can be words"
