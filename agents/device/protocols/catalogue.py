"""The decoders there are, by the name of their protocol."""

from collections.abc import Callable, Mapping
from typing import Final

from agents.device.decoder import Decoder
from agents.device.protocols import battery_monitor, jbd, jbd_up, jk_55aa, jk_uart

DECODERS: Final[Mapping[str, Callable[[], Decoder]]] = {
    battery_monitor.NAME: battery_monitor.BatteryMonitor,
    jbd.NAME: jbd.Jbd,
    jbd_up.NAME: jbd_up.JbdUp,
    jk_55aa.NAME: jk_55aa.Jk55aa,
    jk_uart.NAME: jk_uart.JkUart,
}
