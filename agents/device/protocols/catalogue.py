"""The decoders there are, by the name of their protocol."""

from collections.abc import Callable, Mapping
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
