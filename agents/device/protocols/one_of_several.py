"""One device of several on a line: what another one answers is never taken for its answer."""

from collections.abc import Sequence

from agents.device.decoder import Decoder, Frame
from agents.device.protocols import jk_55aa
from agents.device.status import OtherDevice, Status


class OnlyFrom:
    """A decoder that believes one address, for answers that bear one. address: of the only one that is asked."""

    def __init__(self, decoder: Decoder, address: int) -> None:
        self.name, self._decoder, self._address = decoder.name, decoder, address

    def asks(self) -> Sequence[bytes]:
        return self._decoder.asks()

    def feed(self, data: bytes) -> list[Frame]:
        return self._decoder.feed(data)

    def reset(self) -> None:
        self._decoder.reset()

    def decode(self, frame: Frame) -> Status:
        status = self._decoder.decode(frame)
        # Who tells of several packs stands at the address of the first.
        told = status.packs[0].address if status.packs else status.address
        if told not in (None, self._address):
            raise OtherDevice(f"the answer is from address {told}, asked was {self._address}")
        return status


class OnlyFromAcknowledged(OnlyFrom):
    """The same for JK's frames, which bear no address: the acknowledgement that follows one tells whose it was.

    A frame is held back until that has come, and forgotten when it is another one's, or does not come.
    """

    def __init__(self, decoder: jk_55aa.Jk55aa, address: int) -> None:
        super().__init__(decoder, address)
        self._held: Frame | None = None

    def feed(self, data: bytes) -> list[Frame]:
        return [frame for come in super().feed(data) for frame in self._acknowledged(come)]

    def reset(self) -> None:
        self._held = None
        super().reset()

    def _acknowledged(self, frame: Frame) -> list[Frame]:
        if frame.kind != jk_55aa.ACKNOWLEDGEMENT:
            self._held = frame
            return []
        held, self._held = self._held, None
        # Another one's acknowledgement is given alone: `decode` says whose it is.
        return [held, frame] if held and frame.data[0] == self._address else [frame]
