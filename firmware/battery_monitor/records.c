#include "records.h"

#include <string.h>

#include "lines.h"

/* A record of another form is not read: counted up with every change of struct calibration. */
#define CALIBRATION_FORM 1U
#define ALARM_FORM 0xA1U

static void seal(uint8_t *bytes, uint16_t count) {
    const uint16_t crc = crc16(bytes, count);
    bytes[count] = (uint8_t)(crc & 0xFFU);
    bytes[count + 1U] = (uint8_t)(crc >> 8);
}

static bool is_sealed(const uint8_t *bytes, uint16_t count) {
    const uint16_t crc = crc16(bytes, count);
    return (bytes[count] == (uint8_t)(crc & 0xFFU)) && (bytes[count + 1U] == (uint8_t)(crc >> 8));
}

void calibration_seal(const struct calibration *calibration, uint8_t bytes[CALIBRATION_BYTES]) {
    bytes[0] = CALIBRATION_FORM;
    bytes[1] = CELL_COUNT;
    (void)memcpy(&bytes[2], calibration, sizeof *calibration);
    seal(bytes, (uint16_t)(CALIBRATION_BYTES - 2U));
}

bool calibration_open(const uint8_t bytes[CALIBRATION_BYTES], struct calibration *calibration) {
    struct calibration read;
    if ((bytes[0] != CALIBRATION_FORM) || (bytes[1] != CELL_COUNT) ||
        !is_sealed(bytes, (uint16_t)(CALIBRATION_BYTES - 2U))) {
        return false;
    }
    (void)memcpy(&read, &bytes[2], sizeof read);
    if (!calibration_is_plausible(&read)) {
        return false;
    }
    *calibration = read;
    return true;
}

void alarm_seal(const struct alarm_record *record, uint8_t bytes[ALARM_BYTES]) {
    (void)memcpy(&bytes[0], &record->number, 4U);
    (void)memcpy(&bytes[4], &record->at_ms, 4U);
    (void)memcpy(&bytes[8], &record->value, 4U);
    bytes[12] = record->limit;
    bytes[13] = ALARM_FORM;
    seal(bytes, ALARM_BYTES - 2U);
}

bool alarm_open(const uint8_t bytes[ALARM_BYTES], struct alarm_record *record) {
    if ((bytes[13] != ALARM_FORM) || !is_sealed(bytes, ALARM_BYTES - 2U)) {
        return false;
    }
    (void)memcpy(&record->number, &bytes[0], 4U);
    (void)memcpy(&record->at_ms, &bytes[4], 4U);
    (void)memcpy(&record->value, &bytes[8], 4U);
    record->limit = bytes[12];
    return true;
}
