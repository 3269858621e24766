/* What lies in EEPROM, as bytes with a CRC: two copies of the calibration and a ring of the last alarms. */
#ifndef RECORDS_H
#define RECORDS_H

#include "conversion.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CALIBRATION_BYTES (sizeof(struct calibration) + 4U)
#define ALARM_BYTES 16U

/* One alarm that was raised. numbers count on over restarts, at_ms does not. */
struct alarm_record {
    uint32_t number;
    uint32_t at_ms;
    int32_t value;
    uint8_t limit;
};

void calibration_seal(const struct calibration *calibration, uint8_t bytes[CALIBRATION_BYTES]);
/* False, and nothing changed, for bytes that are damaged, of another form, or no plausible calibration. */
bool calibration_open(const uint8_t bytes[CALIBRATION_BYTES], struct calibration *calibration);

void alarm_seal(const struct alarm_record *record, uint8_t bytes[ALARM_BYTES]);
bool alarm_open(const uint8_t bytes[ALARM_BYTES], struct alarm_record *record);

#ifdef __cplusplus
}
#endif

#endif
