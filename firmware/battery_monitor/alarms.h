/* The alarms: each limit of limits.h as a small machine with hysteresis, delay and a latch.

   CLEAR -> PENDING -> RAISED -> ACKNOWLEDGED -> CLEAR, or RAISED -> HELD (cause gone) -> CLEAR by acknowledging.
   1. At the limit counts as beyond it; the delay runs while the value has not come back within the clear value.
   2. An absent reading changes no state: it neither raises an alarm nor ends one. That it is absent is a limit too.
   3. Warnings end by themselves; alarms stay until somebody has acknowledged them. */
#ifndef ALARMS_H
#define ALARMS_H

#include "readings.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The number of a limit is its bit in the alarms of a line. */
enum limit {
    LIMIT_CELL_HIGH_WARN = 0,
    LIMIT_CELL_HIGH_ALARM = 1,
    LIMIT_CELL_LOW_WARN = 2,
    LIMIT_CELL_LOW_ALARM = 3,
    LIMIT_CELL_FAILED = 4,
    LIMIT_PACK_HIGH_WARN = 5,
    LIMIT_PACK_HIGH_ALARM = 6,
    LIMIT_PACK_LOW_WARN = 7,
    LIMIT_PACK_LOW_ALARM = 8,
    LIMIT_CELL_DELTA_REST_WARN = 9,
    LIMIT_CELL_DELTA_WARN = 10,
    LIMIT_CELL_DELTA_ALARM = 11,
    LIMIT_CELL_DELTA_WIRING = 12,
    LIMIT_CHARGE_COLD_WARN = 13,
    LIMIT_CHARGE_COLD_ALARM = 14,
    LIMIT_CHARGE_HOT_WARN = 15,
    LIMIT_CHARGE_HOT_ALARM = 16,
    LIMIT_DISCHARGE_COLD_WARN = 17,
    LIMIT_DISCHARGE_COLD_ALARM = 18,
    LIMIT_DISCHARGE_HOT_WARN = 19,
    LIMIT_DISCHARGE_HOT_ALARM = 20,
    LIMIT_CHARGE_CURRENT_WARN = 21,
    LIMIT_CHARGE_CURRENT_ALARM = 22,
    LIMIT_DISCHARGE_CURRENT_WARN = 23,
    LIMIT_DISCHARGE_CURRENT_ALARM = 24,
    LIMIT_CURRENT_SURGE_ALARM = 25,
    LIMIT_SUM_MISMATCH = 26,
    LIMIT_CURRENT_MISMATCH = 27,
    LIMIT_TEMPERATURE_MISMATCH = 28,
    LIMIT_REFERENCE_FAULT = 29,
    LIMIT_VALUE_LOST = 30
};
#define LIMIT_COUNT 31U

/* What the limits are held against. */
enum quantity {
    QUANTITY_HIGHEST_CELL,
    QUANTITY_LOWEST_CELL,
    QUANTITY_PACK,
    QUANTITY_DELTA,
    QUANTITY_DELTA_AT_REST,
    QUANTITY_COLDEST_CHARGING,
    QUANTITY_HOTTEST_CHARGING,
    QUANTITY_COLDEST_DISCHARGING,
    QUANTITY_HOTTEST_DISCHARGING,
    QUANTITY_CHARGE_CURRENT,
    QUANTITY_DISCHARGE_CURRENT,
    QUANTITY_SURGE,
    QUANTITY_SUM_GAP,
    QUANTITY_CURRENT_GAP,
    QUANTITY_TEMPERATURE_GAP,
    QUANTITY_REFERENCE_GAP,
    QUANTITY_LOST,
    QUANTITY_COUNT
};

enum state { STATE_CLEAR, STATE_PENDING, STATE_RAISED, STATE_ACKNOWLEDGED, STATE_HELD };

struct alarm {
    uint8_t state;
    uint32_t since_ms;
};

/* All zero to begin with. */
struct alarms {
    struct alarm each[LIMIT_COUNT];
};

/* The quantities of a scan. A quantity that does not apply (cold while charging, when nothing charges) is a present
   reading that is within every limit; flags are those of check(). */
void summarise(const struct readings *readings, uint32_t flags, struct reading quantities[QUANTITY_COUNT]);

/* Takes the quantities of one scan, begun at now_ms. Returns the bits that were raised just now. */
uint32_t alarms_judge(struct alarms *alarms, const struct reading quantities[QUANTITY_COUNT], uint32_t now_ms);

void alarms_acknowledge(struct alarms *alarms);

/* Bits of all that is raised, acknowledged or held. */
uint32_t alarms_shown(const struct alarms *alarms);

/* Bits of the alarms, not the warnings, that are in a state. */
uint32_t alarms_in(const struct alarms *alarms, enum state state);

/* Which quantity a limit is held against. */
uint8_t limit_quantity(uint8_t limit);

#ifdef __cplusplus
}
#endif

#endif
