"""The check sums of battery monitors."""


def crc16_modbus(data: bytes) -> int:
    """Return the CRC-16 of Modbus: polynomial 0xA001 (reflected 0x8005), begun with 0xFFFF."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc
