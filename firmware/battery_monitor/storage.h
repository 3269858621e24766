/* The EEPROM: two copies of the calibration, a ring of the last alarms, written a byte at a time without waiting. */
#ifndef STORAGE_H
#define STORAGE_H

#include "records.h"

#define RING_COUNT 64U

/* Reads the calibration, or takes the one of calibration.h, and finds the end of the ring. */
void storage_begin(struct calibration *calibration);

/* FLAG_CALIBRATION_DEFAULT and FLAG_CALIBRATION_COPY, as found when last read. */
uint32_t storage_flags(void);

/* Writes both copies, one after the other, so that one is whole at any moment. False: the last one is not written yet. */
bool storage_save(const struct calibration *calibration);

/* Reads both copies again: whether each is this calibration. */
bool storage_has(const struct calibration *calibration);

/* Notes an alarm that was raised. One that is raised again before it is written replaces itself. */
void storage_note(uint8_t limit, int32_t value, uint32_t at_ms);

/* Writes the next byte if the EEPROM is ready. */
void storage_step(void);

/* Whether everything is written. */
bool storage_is_idle(void);

/* The alarm so many before the last one, 0 is the last; false when there is none. */
bool storage_read_alarm(uint8_t back, struct alarm_record *record);

#endif
