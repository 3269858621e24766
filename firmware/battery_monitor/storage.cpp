#include "storage.h"

#include <avr/eeprom.h>
#include <string.h>

#include "alarms.h"

namespace {

/* Far apart: what damages one copy, a write cut short by a brown-out for one, leaves the other. */
const uint16_t COPY_AT[2] = {0U, 512U};
const uint16_t RING_AT = 1024U;

struct note {
    int32_t value;
    uint32_t at_ms;
};

uint8_t writing[CALIBRATION_BYTES];
uint16_t write_at;
uint16_t write_count;
uint16_t written;

uint8_t copies_left;
uint32_t noted;
note notes[LIMIT_COUNT];
uint32_t next_number;
uint32_t flags;

/* eeprom.h takes addresses as pointers. */
uint8_t *address(uint16_t at) { return reinterpret_cast<uint8_t *>(at); }

void read(uint16_t at, uint8_t *bytes, uint16_t count) { eeprom_read_block(bytes, address(at), count); }

bool read_copy(uint8_t copy, struct calibration *calibration) {
    uint8_t bytes[CALIBRATION_BYTES];
    read(COPY_AT[copy], bytes, sizeof bytes);
    return calibration_open(bytes, calibration);
}

uint16_t place_of(uint32_t number) { return (uint16_t)(RING_AT + (ALARM_BYTES * (uint16_t)(number % RING_COUNT))); }

bool read_alarm(uint16_t at, struct alarm_record *record) {
    uint8_t bytes[ALARM_BYTES];
    read(at, bytes, sizeof bytes);
    return alarm_open(bytes, record) && (place_of(record->number) == at);
}

void find_end_of_ring() {
    struct alarm_record record;
    next_number = 0U;
    for (uint8_t place = 0U; place < RING_COUNT; place++) {
        if (read_alarm(place_of(place), &record) && (record.number >= next_number)) {
            next_number = record.number + 1U;
        }
    }
}

void check_copies(struct calibration *calibration) {
    struct calibration other;
    const bool is_first = read_copy(0U, calibration);
    const bool is_second = read_copy(1U, is_first ? &other : calibration);
    flags = (is_first || is_second) ? 0U : FLAG_BIT(FLAG_CALIBRATION_DEFAULT);
    flags |= (is_first != is_second) ? FLAG_BIT(FLAG_CALIBRATION_COPY) : 0U;
}

void write(uint16_t at, uint16_t count) {
    write_at = at;
    write_count = count;
    written = 0U;
}

uint8_t lowest_bit(uint32_t bits) {
    uint8_t bit = 0U;
    while ((bit < 31U) && ((bits & ((uint32_t)1 << bit)) == 0U)) {
        bit++;
    }
    return bit;
}

void write_note() {
    const uint8_t limit = lowest_bit(noted);
    const struct alarm_record record = {next_number, notes[limit].at_ms, notes[limit].value, limit};
    noted &= ~((uint32_t)1 << limit);
    alarm_seal(&record, writing);
    write(place_of(next_number), ALARM_BYTES);
    next_number++;
}

/* The calibration lies in writing for both copies, so nothing else is begun between them. */
void begin_next() {
    if (copies_left == 1U) {
        copies_left = 0U;
        write(COPY_AT[1], sizeof writing);
    } else if (noted != 0U) {
        write_note();
    } else {
        /* Nothing is left to write. */
    }
}

} // namespace

void storage_begin(struct calibration *calibration) {
    calibration_default(calibration);
    check_copies(calibration);
    find_end_of_ring();
}

uint32_t storage_flags(void) { return flags; }

bool storage_save(const struct calibration *calibration) {
    if (!storage_is_idle()) {
        return false;
    }
    calibration_seal(calibration, writing);
    copies_left = 1U;
    write(COPY_AT[0], sizeof writing);
    return true;
}

bool storage_has(const struct calibration *calibration) {
    struct calibration found[2];
    check_copies(&found[0]);
    return read_copy(0U, &found[0]) && read_copy(1U, &found[1]) &&
           (memcmp(&found[0], calibration, sizeof *calibration) == 0) &&
           (memcmp(&found[1], calibration, sizeof *calibration) == 0);
}

void storage_note(uint8_t limit, int32_t value, uint32_t at_ms) {
    if (limit < LIMIT_COUNT) {
        notes[limit].value = value;
        notes[limit].at_ms = at_ms;
        noted |= (uint32_t)1 << limit;
    }
}

void storage_step(void) {
    if (!eeprom_is_ready()) {
        return;
    }
    if (written < write_count) {
        eeprom_update_byte(address((uint16_t)(write_at + written)), writing[written]);
        written++;
    } else {
        begin_next();
    }
}

bool storage_is_idle(void) { return (written >= write_count) && (copies_left == 0U) && (noted == 0U) && eeprom_is_ready(); }

bool storage_read_alarm(uint8_t back, struct alarm_record *record) {
    if ((back >= RING_COUNT) || (next_number <= back)) {
        return false;
    }
    const uint32_t number = next_number - 1U - back;
    return read_alarm(place_of(number), record) && (record->number == number);
}
