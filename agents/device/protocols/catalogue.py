"""The decoders there are, by the name of their protocol."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from agents.device.decoder import Decoder
from agents.device.protocols import (
    battery_monitor,
    daly_a5,
    jbd,
    jbd_up,
    jk_55aa,
    jk_uart,
    pace_bin,
    register_map,
    seplos_bin,
    telecom_ascii,
    vedirect,
)
from agents.device.protocols.modbus import Modbus


def _by_map(name: str) -> Decoder:
    return Modbus(register_map.packaged_map(name))


DECODERS: Final[Mapping[str, Callable[[], Decoder]]] = {
    battery_monitor.NAME: battery_monitor.BatteryMonitor,
    jbd.NAME: jbd.Jbd,
    jbd_up.NAME: jbd_up.JbdUp,
    jk_55aa.NAME: jk_55aa.Jk55aa,
    jk_uart.NAME: jk_uart.JkUart,
    daly_a5.NAME: daly_a5.DalyA5,
    **{name: partial(_by_map, name) for name in register_map.PACKAGED},
    vedirect.NAME: vedirect.Vedirect,
    **{name: partial(telecom_ascii.TelecomAscii, name) for name in telecom_ascii.MEMBERS},
    seplos_bin.NAME: seplos_bin.SeplosBin,
    pace_bin.NAME: pace_bin.PaceBin,
}


@dataclass(frozen=True, slots=True)
class LineSettings:
    """How the line of a protocol is usually set; always 8 data bits, no parity, one stop bit.

    pause_s: how long the device is left alone between an answer and the next question.
    """

    baud: int
    wires: str
    pause_s: float = 0.0


LINES: Final[Mapping[str, LineSettings]] = {
    battery_monitor.NAME: LineSettings(115200, "USB"),
    jbd.NAME: LineSettings(9600, "UART, RS485"),
    jbd_up.NAME: LineSettings(9600, "RS485", 0.1),
    jk_55aa.NAME: LineSettings(115200, "RS485", 0.1),
    jk_uart.NAME: LineSettings(115200, "UART (the TTL or GPS port)"),
    daly_a5.NAME: LineSettings(9600, "UART, RS485"),
    **{name: LineSettings(9600, "RS485", 0.05) for name in register_map.PACKAGED},
    "seplos-v3": LineSettings(19200, "RS485", 0.05),
    vedirect.NAME: LineSettings(19200, "UART (VE.Direct)"),
    **{name: LineSettings(9600, "RS485", 0.05) for name in telecom_ascii.MEMBERS},
    "pylontech-ascii": LineSettings(115200, "RS485", 0.05),
    seplos_bin.NAME: LineSettings(9600, "Bluetooth", 0.05),
    pace_bin.NAME: LineSettings(9600, "Bluetooth", 0.05),
}
