"""The check sums of battery monitors."""


def crc16_modbus(data: bytes) -> int:
    """Return the CRC-16 of Modbus: polynomial 0xA001 (reflected 0x8005), begun with 0xFFFF."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def crc16_xmodem(data: bytes) -> int:
    """Return the CRC-16 of XMODEM: polynomial 0x1021, not reflected, begun with 0."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc
