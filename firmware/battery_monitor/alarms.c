#include "alarms.h"

#include "plausibility.h"

/* How long a value that is needed may be absent before that is an alarm. */
#define VALUE_LOST 1
#define VALUE_LOST_CLEAR 0
#define VALUE_LOST_DELAY_MS 10000

/* Two and a half steps of the shunt channel: less cannot be told from none. Charging below zero harms at any current,
   so this is as small as the hardware allows and not REST_CURRENT_MA. */
#define FLOWING_MA 2000
/* The Hall sensor alone is that good. */
#define FLOWING_BY_HALL_MA 10000

struct rule {
    int32_t set;
    int32_t clear;
    uint32_t delay_ms;
    uint8_t quantity;
    bool is_low;
    bool is_alarm;
};

/* limits.h is generated: what cannot be meant does not compile. */
#define ABOVE(SET, CLEAR) _Static_assert((SET) > (CLEAR), #SET " must lie above its clear value")
#define BELOW(SET, CLEAR) _Static_assert((SET) < (CLEAR), #SET " must lie below its clear value")

ABOVE(CELL_HIGH_WARN_MV, CELL_HIGH_WARN_CLEAR_MV);
ABOVE(CELL_HIGH_ALARM_MV, CELL_HIGH_ALARM_CLEAR_MV);
BELOW(CELL_LOW_WARN_MV, CELL_LOW_WARN_CLEAR_MV);
BELOW(CELL_LOW_ALARM_MV, CELL_LOW_ALARM_CLEAR_MV);
BELOW(CELL_FAILED_MV, CELL_FAILED_CLEAR_MV);
ABOVE(PACK_HIGH_WARN_MV, PACK_HIGH_WARN_CLEAR_MV);
ABOVE(PACK_HIGH_ALARM_MV, PACK_HIGH_ALARM_CLEAR_MV);
BELOW(PACK_LOW_WARN_MV, PACK_LOW_WARN_CLEAR_MV);
BELOW(PACK_LOW_ALARM_MV, PACK_LOW_ALARM_CLEAR_MV);
ABOVE(CELL_DELTA_REST_WARN_MV, CELL_DELTA_REST_WARN_CLEAR_MV);
ABOVE(CELL_DELTA_WARN_MV, CELL_DELTA_WARN_CLEAR_MV);
ABOVE(CELL_DELTA_ALARM_MV, CELL_DELTA_ALARM_CLEAR_MV);
ABOVE(CELL_DELTA_WIRING_MV, CELL_DELTA_WIRING_CLEAR_MV);
BELOW(CHARGE_COLD_WARN_DC, CHARGE_COLD_WARN_CLEAR_DC);
BELOW(CHARGE_COLD_ALARM_DC, CHARGE_COLD_ALARM_CLEAR_DC);
ABOVE(CHARGE_HOT_WARN_DC, CHARGE_HOT_WARN_CLEAR_DC);
ABOVE(CHARGE_HOT_ALARM_DC, CHARGE_HOT_ALARM_CLEAR_DC);
BELOW(DISCHARGE_COLD_WARN_DC, DISCHARGE_COLD_WARN_CLEAR_DC);
BELOW(DISCHARGE_COLD_ALARM_DC, DISCHARGE_COLD_ALARM_CLEAR_DC);
ABOVE(DISCHARGE_HOT_WARN_DC, DISCHARGE_HOT_WARN_CLEAR_DC);
ABOVE(DISCHARGE_HOT_ALARM_DC, DISCHARGE_HOT_ALARM_CLEAR_DC);
ABOVE(CHARGE_CURRENT_WARN_MA, CHARGE_CURRENT_WARN_CLEAR_MA);
ABOVE(CHARGE_CURRENT_ALARM_MA, CHARGE_CURRENT_ALARM_CLEAR_MA);
ABOVE(DISCHARGE_CURRENT_WARN_MA, DISCHARGE_CURRENT_WARN_CLEAR_MA);
ABOVE(DISCHARGE_CURRENT_ALARM_MA, DISCHARGE_CURRENT_ALARM_CLEAR_MA);
ABOVE(CURRENT_SURGE_ALARM_MA, CURRENT_SURGE_ALARM_CLEAR_MA);
ABOVE(SUM_MISMATCH_MV, SUM_MISMATCH_CLEAR_MV);
ABOVE(CURRENT_MISMATCH_MA, CURRENT_MISMATCH_CLEAR_MA);
ABOVE(TEMPERATURE_MISMATCH_DC, TEMPERATURE_MISMATCH_CLEAR_DC);
ABOVE(REFERENCE_FAULT_MV, REFERENCE_FAULT_CLEAR_MV);
_Static_assert(CELL_HIGH_WARN_MV < CELL_HIGH_ALARM_MV, "a high cell warns before it is an alarm");
_Static_assert(CELL_LOW_WARN_MV > CELL_LOW_ALARM_MV, "a low cell warns before it is an alarm");
_Static_assert(CELL_HIGH_ALARM_MV < (ADC_REFERENCE_UV / 1000), "the converter must reach the highest cell limit");
_Static_assert(PACK_HIGH_ALARM_MV < (((ADC_REFERENCE_UV / 1000L) * PACK_RATIO_MILLI) / 1000L),
               "the converter must reach the highest pack limit");
_Static_assert(((CURRENT_SURGE_ALARM_MA / 1000L) * HALL_UV_PER_A) < (ADC_REFERENCE_UV - HALL_ZERO_UV),
               "the Hall sensor must reach the surge limit when charging");
_Static_assert(((CURRENT_SURGE_ALARM_MA / 1000L) * HALL_UV_PER_A) < HALL_ZERO_UV,
               "the Hall sensor must reach the surge limit when discharging");
_Static_assert(STUCK_SAMPLES > 1, "one count alone is not stuck");

static const struct rule RULES[LIMIT_COUNT] = {
    [LIMIT_CELL_HIGH_WARN] = {CELL_HIGH_WARN_MV, CELL_HIGH_WARN_CLEAR_MV, CELL_HIGH_WARN_DELAY_MS,
                              QUANTITY_HIGHEST_CELL, false, false},
    [LIMIT_CELL_HIGH_ALARM] = {CELL_HIGH_ALARM_MV, CELL_HIGH_ALARM_CLEAR_MV, CELL_HIGH_ALARM_DELAY_MS,
                               QUANTITY_HIGHEST_CELL, false, true},
    [LIMIT_CELL_LOW_WARN] = {CELL_LOW_WARN_MV, CELL_LOW_WARN_CLEAR_MV, CELL_LOW_WARN_DELAY_MS,
                             QUANTITY_LOWEST_CELL, true, false},
    [LIMIT_CELL_LOW_ALARM] = {CELL_LOW_ALARM_MV, CELL_LOW_ALARM_CLEAR_MV, CELL_LOW_ALARM_DELAY_MS,
                              QUANTITY_LOWEST_CELL, true, true},
    [LIMIT_CELL_FAILED] = {CELL_FAILED_MV, CELL_FAILED_CLEAR_MV, CELL_FAILED_DELAY_MS,
                           QUANTITY_LOWEST_CELL, true, true},
    [LIMIT_PACK_HIGH_WARN] = {PACK_HIGH_WARN_MV, PACK_HIGH_WARN_CLEAR_MV, PACK_HIGH_WARN_DELAY_MS,
                              QUANTITY_PACK, false, false},
    [LIMIT_PACK_HIGH_ALARM] = {PACK_HIGH_ALARM_MV, PACK_HIGH_ALARM_CLEAR_MV, PACK_HIGH_ALARM_DELAY_MS,
                               QUANTITY_PACK, false, true},
    [LIMIT_PACK_LOW_WARN] = {PACK_LOW_WARN_MV, PACK_LOW_WARN_CLEAR_MV, PACK_LOW_WARN_DELAY_MS,
                             QUANTITY_PACK, true, false},
    [LIMIT_PACK_LOW_ALARM] = {PACK_LOW_ALARM_MV, PACK_LOW_ALARM_CLEAR_MV, PACK_LOW_ALARM_DELAY_MS,
                              QUANTITY_PACK, true, true},
    [LIMIT_CELL_DELTA_REST_WARN] = {CELL_DELTA_REST_WARN_MV, CELL_DELTA_REST_WARN_CLEAR_MV,
                                    CELL_DELTA_REST_WARN_DELAY_MS, QUANTITY_DELTA_AT_REST, false, false},
    [LIMIT_CELL_DELTA_WARN] = {CELL_DELTA_WARN_MV, CELL_DELTA_WARN_CLEAR_MV, CELL_DELTA_WARN_DELAY_MS,
                               QUANTITY_DELTA, false, false},
    [LIMIT_CELL_DELTA_ALARM] = {CELL_DELTA_ALARM_MV, CELL_DELTA_ALARM_CLEAR_MV, CELL_DELTA_ALARM_DELAY_MS,
                                QUANTITY_DELTA, false, true},
    [LIMIT_CELL_DELTA_WIRING] = {CELL_DELTA_WIRING_MV, CELL_DELTA_WIRING_CLEAR_MV, CELL_DELTA_WIRING_DELAY_MS,
                                 QUANTITY_DELTA, false, true},
    [LIMIT_CHARGE_COLD_WARN] = {CHARGE_COLD_WARN_DC, CHARGE_COLD_WARN_CLEAR_DC, CHARGE_COLD_WARN_DELAY_MS,
                                QUANTITY_COLDEST_CHARGING, true, false},
    [LIMIT_CHARGE_COLD_ALARM] = {CHARGE_COLD_ALARM_DC, CHARGE_COLD_ALARM_CLEAR_DC, CHARGE_COLD_ALARM_DELAY_MS,
                                 QUANTITY_COLDEST_CHARGING, true, true},
    [LIMIT_CHARGE_HOT_WARN] = {CHARGE_HOT_WARN_DC, CHARGE_HOT_WARN_CLEAR_DC, CHARGE_HOT_WARN_DELAY_MS,
                               QUANTITY_HOTTEST_CHARGING, false, false},
    [LIMIT_CHARGE_HOT_ALARM] = {CHARGE_HOT_ALARM_DC, CHARGE_HOT_ALARM_CLEAR_DC, CHARGE_HOT_ALARM_DELAY_MS,
                                QUANTITY_HOTTEST_CHARGING, false, true},
    [LIMIT_DISCHARGE_COLD_WARN] = {DISCHARGE_COLD_WARN_DC, DISCHARGE_COLD_WARN_CLEAR_DC, DISCHARGE_COLD_WARN_DELAY_MS,
                                   QUANTITY_COLDEST_DISCHARGING, true, false},
    [LIMIT_DISCHARGE_COLD_ALARM] = {DISCHARGE_COLD_ALARM_DC, DISCHARGE_COLD_ALARM_CLEAR_DC,
                                    DISCHARGE_COLD_ALARM_DELAY_MS, QUANTITY_COLDEST_DISCHARGING, true, true},
    [LIMIT_DISCHARGE_HOT_WARN] = {DISCHARGE_HOT_WARN_DC, DISCHARGE_HOT_WARN_CLEAR_DC, DISCHARGE_HOT_WARN_DELAY_MS,
                                  QUANTITY_HOTTEST_DISCHARGING, false, false},
    [LIMIT_DISCHARGE_HOT_ALARM] = {DISCHARGE_HOT_ALARM_DC, DISCHARGE_HOT_ALARM_CLEAR_DC, DISCHARGE_HOT_ALARM_DELAY_MS,
                                   QUANTITY_HOTTEST_DISCHARGING, false, true},
    [LIMIT_CHARGE_CURRENT_WARN] = {CHARGE_CURRENT_WARN_MA, CHARGE_CURRENT_WARN_CLEAR_MA, CHARGE_CURRENT_WARN_DELAY_MS,
                                   QUANTITY_CHARGE_CURRENT, false, false},
    [LIMIT_CHARGE_CURRENT_ALARM] = {CHARGE_CURRENT_ALARM_MA, CHARGE_CURRENT_ALARM_CLEAR_MA,
                                    CHARGE_CURRENT_ALARM_DELAY_MS, QUANTITY_CHARGE_CURRENT, false, true},
    [LIMIT_DISCHARGE_CURRENT_WARN] = {DISCHARGE_CURRENT_WARN_MA, DISCHARGE_CURRENT_WARN_CLEAR_MA,
                                      DISCHARGE_CURRENT_WARN_DELAY_MS, QUANTITY_DISCHARGE_CURRENT, false, false},
    [LIMIT_DISCHARGE_CURRENT_ALARM] = {DISCHARGE_CURRENT_ALARM_MA, DISCHARGE_CURRENT_ALARM_CLEAR_MA,
                                       DISCHARGE_CURRENT_ALARM_DELAY_MS, QUANTITY_DISCHARGE_CURRENT, false, true},
    [LIMIT_CURRENT_SURGE_ALARM] = {CURRENT_SURGE_ALARM_MA, CURRENT_SURGE_ALARM_CLEAR_MA, CURRENT_SURGE_ALARM_DELAY_MS,
                                   QUANTITY_SURGE, false, true},
    [LIMIT_SUM_MISMATCH] = {SUM_MISMATCH_MV, SUM_MISMATCH_CLEAR_MV, SUM_MISMATCH_DELAY_MS,
                            QUANTITY_SUM_GAP, false, true},
    [LIMIT_CURRENT_MISMATCH] = {CURRENT_MISMATCH_MA, CURRENT_MISMATCH_CLEAR_MA, CURRENT_MISMATCH_DELAY_MS,
                                QUANTITY_CURRENT_GAP, false, false},
    [LIMIT_TEMPERATURE_MISMATCH] = {TEMPERATURE_MISMATCH_DC, TEMPERATURE_MISMATCH_CLEAR_DC,
                                    TEMPERATURE_MISMATCH_DELAY_MS, QUANTITY_TEMPERATURE_GAP, false, false},
    [LIMIT_REFERENCE_FAULT] = {REFERENCE_FAULT_MV, REFERENCE_FAULT_CLEAR_MV, REFERENCE_FAULT_DELAY_MS,
                               QUANTITY_REFERENCE_GAP, false, true},
    [LIMIT_VALUE_LOST] = {VALUE_LOST, VALUE_LOST_CLEAR, VALUE_LOST_DELAY_MS, QUANTITY_LOST, false, true},
};

static struct reading present(int32_t value) {
    const struct reading reading = {value, true};
    return reading;
}

static struct reading absent(void) {
    const struct reading reading = {0, false};
    return reading;
}

/* Readings that are within every limit, for what does not apply now. */
static struct reading never_high(void) { return present(INT32_MIN); }

static struct reading never_low(void) { return present(INT32_MAX); }

static struct reading gap(struct reading one, struct reading other) {
    if (!one.is_present || !other.is_present) {
        return absent();
    }
    return present((one.value >= other.value) ? (one.value - other.value) : (other.value - one.value));
}

static struct reading negated(struct reading reading) {
    reading.value = -reading.value;
    return reading;
}

static struct reading highest_of(const struct reading *readings, uint8_t count) {
    struct reading found = absent();
    for (uint8_t number = 0U; number < count; number++) {
        found = higher_of(found, readings[number]);
    }
    return found;
}

static struct reading lowest_of(const struct reading *readings, uint8_t count) {
    struct reading found = absent();
    for (uint8_t number = 0U; number < count; number++) {
        found = lower_of(found, readings[number]);
    }
    return found;
}

static struct reading sum_of_cells(const struct readings *readings) {
    struct reading sum = present(0);
    for (uint8_t cell = 0U; cell < CELL_COUNT; cell++) {
        sum.is_present = sum.is_present && readings->cells_mv[cell].is_present;
        sum.value += readings->cells_mv[cell].value;
    }
    return sum;
}

/* The fine sensor says which way a current flows; the wide one only where it is alone. */
static bool flows(struct reading shunt_ma, struct reading hall_ma) {
    if (shunt_ma.is_present) {
        return shunt_ma.value >= FLOWING_MA;
    }
    /* Without any sensor a current may flow either way: both sets of limits apply. */
    return !hall_ma.is_present || (hall_ma.value >= FLOWING_BY_HALL_MA);
}

static bool is_resting(const struct readings *readings) {
    const struct reading current = readings->shunt_ma.is_present ? readings->shunt_ma : readings->hall_ma;
    return current.is_present && (current.value < REST_CURRENT_MA) && (current.value > -REST_CURRENT_MA);
}

static struct reading surge(const struct reading quantities[QUANTITY_COUNT], uint32_t flags) {
    /* Both sensors at an end of their range: a current beyond both is likelier than two faults at once. */
    const uint32_t both = FLAG_BIT(FLAG_SHUNT_CLIPPED) | FLAG_BIT(FLAG_HALL_CLIPPED);
    if ((flags & both) == both) {
        return present(CURRENT_SURGE_ALARM_MA);
    }
    return higher_of(quantities[QUANTITY_CHARGE_CURRENT], quantities[QUANTITY_DISCHARGE_CURRENT]);
}

static struct reading temperature_gap(const struct readings *readings) {
    struct reading widest = absent();
    for (uint8_t place = 0U; place < (TEMPERATURE_COUNT / 2U); place++) {
        const struct reading twin = readings->temperatures_dc[place + (TEMPERATURE_COUNT / 2U)];
        widest = higher_of(widest, gap(readings->temperatures_dc[place], twin));
    }
    return widest;
}

/* How many needed values are absent. One of two that measure the same is a flag, both are a loss. */
static struct reading lost(const struct readings *readings) {
    int32_t count = readings->pack_mv.is_present ? 0 : 1;
    count += (readings->shunt_ma.is_present || readings->hall_ma.is_present) ? 0 : 1;
    for (uint8_t cell = 0U; cell < CELL_COUNT; cell++) {
        count += readings->cells_mv[cell].is_present ? 0 : 1;
    }
    for (uint8_t place = 0U; place < (TEMPERATURE_COUNT / 2U); place++) {
        const struct reading twin = readings->temperatures_dc[place + (TEMPERATURE_COUNT / 2U)];
        count += (readings->temperatures_dc[place].is_present || twin.is_present) ? 0 : 1;
    }
    return present(count);
}

static void summarise_voltages(const struct readings *readings, uint32_t flags,
                               struct reading quantities[QUANTITY_COUNT]) {
    /* A cell beyond the converter has no value to report, but it is not harmless: it is at least that high. */
    const struct reading end = present(ADC_REFERENCE_UV / 1000);
    const bool is_beyond_end = (flags & FLAG_BIT(FLAG_CELL_CLIPPED)) != 0U;
    const struct reading highest = highest_of(readings->cells_mv, CELL_COUNT);
    const struct reading lowest = lowest_of(readings->cells_mv, CELL_COUNT);
    const struct reading known = present(KNOWN_REFERENCE_UV / 1000);
    quantities[QUANTITY_HIGHEST_CELL] = is_beyond_end ? end : highest;
    quantities[QUANTITY_LOWEST_CELL] = lowest;
    quantities[QUANTITY_PACK] = readings->pack_mv;
    quantities[QUANTITY_DELTA] = gap(highest, lowest);
    quantities[QUANTITY_DELTA_AT_REST] = is_resting(readings) ? gap(highest, lowest) : never_high();
    quantities[QUANTITY_SUM_GAP] = gap(sum_of_cells(readings), readings->pack_mv);
    quantities[QUANTITY_REFERENCE_GAP] = gap(readings->known_reference_mv, known);
}

static void summarise_temperatures(const struct readings *readings, struct reading quantities[QUANTITY_COUNT]) {
    const struct reading coldest = lowest_of(readings->temperatures_dc, TEMPERATURE_COUNT);
    const struct reading hottest = highest_of(readings->temperatures_dc, TEMPERATURE_COUNT);
    const bool is_charging = flows(readings->shunt_ma, readings->hall_ma);
    const bool is_discharging = flows(negated(readings->shunt_ma), negated(readings->hall_ma));
    quantities[QUANTITY_COLDEST_CHARGING] = is_charging ? coldest : never_low();
    quantities[QUANTITY_HOTTEST_CHARGING] = is_charging ? hottest : never_high();
    quantities[QUANTITY_COLDEST_DISCHARGING] = is_discharging ? coldest : never_low();
    quantities[QUANTITY_HOTTEST_DISCHARGING] = is_discharging ? hottest : never_high();
    quantities[QUANTITY_TEMPERATURE_GAP] = temperature_gap(readings);
}

void summarise(const struct readings *readings, uint32_t flags, struct reading quantities[QUANTITY_COUNT]) {
    summarise_voltages(readings, flags, quantities);
    summarise_temperatures(readings, quantities);
    quantities[QUANTITY_CHARGE_CURRENT] = higher_of(readings->shunt_ma, readings->hall_ma);
    quantities[QUANTITY_DISCHARGE_CURRENT] = higher_of(negated(readings->shunt_ma), negated(readings->hall_ma));
    quantities[QUANTITY_SURGE] = surge(quantities, flags);
    quantities[QUANTITY_CURRENT_GAP] = gap(readings->shunt_ma, readings->hall_ma);
    quantities[QUANTITY_LOST] = lost(readings);
}

static bool is_beyond(const struct rule *rule, int32_t value) {
    return rule->is_low ? (value <= rule->set) : (value >= rule->set);
}

static bool is_clear(const struct rule *rule, int32_t value) {
    return rule->is_low ? (value >= rule->clear) : (value <= rule->clear);
}

static void pend(struct alarm *alarm, const struct rule *rule, int32_t value, uint32_t now_ms) {
    if ((alarm->state == STATE_CLEAR) && is_beyond(rule, value)) {
        alarm->state = STATE_PENDING;
        alarm->since_ms = now_ms;
    }
    /* Unsigned difference: right also when the milliseconds begin again after 49 days. */
    const bool is_due = (uint32_t)(now_ms - alarm->since_ms) >= rule->delay_ms;
    if ((alarm->state == STATE_PENDING) && is_beyond(rule, value) && is_due) {
        alarm->state = STATE_RAISED;
    }
}

static void clear(struct alarm *alarm, const struct rule *rule) {
    const bool stays = rule->is_alarm && ((alarm->state == STATE_RAISED) || (alarm->state == STATE_HELD));
    alarm->state = stays ? STATE_HELD : STATE_CLEAR;
}

static void judge(struct alarm *alarm, const struct rule *rule, int32_t value, uint32_t now_ms) {
    if (is_clear(rule, value)) {
        clear(alarm, rule);
    } else if ((alarm->state == STATE_HELD) && is_beyond(rule, value)) {
        /* Back before anybody looked: no second delay. */
        alarm->state = STATE_RAISED;
    } else {
        pend(alarm, rule, value, now_ms);
    }
}

uint32_t alarms_judge(struct alarms *alarms, const struct reading quantities[QUANTITY_COUNT], uint32_t now_ms) {
    uint32_t raised = 0U;
    for (uint8_t limit = 0U; limit < LIMIT_COUNT; limit++) {
        const struct rule *const rule = &RULES[limit];
        const struct reading reading = quantities[rule->quantity];
        const uint8_t before = alarms->each[limit].state;
        if (reading.is_present) {
            judge(&alarms->each[limit], rule, reading.value, now_ms);
        }
        if ((alarms->each[limit].state == STATE_RAISED) && (before < STATE_RAISED)) {
            raised |= (uint32_t)1 << limit;
        }
    }
    return raised;
}

void alarms_acknowledge(struct alarms *alarms) {
    for (uint8_t limit = 0U; limit < LIMIT_COUNT; limit++) {
        struct alarm *const alarm = &alarms->each[limit];
        if (alarm->state == STATE_RAISED) {
            alarm->state = STATE_ACKNOWLEDGED;
        } else if (alarm->state == STATE_HELD) {
            alarm->state = STATE_CLEAR;
        } else {
            /* Nothing to acknowledge. */
        }
    }
}

uint32_t alarms_shown(const struct alarms *alarms) {
    uint32_t shown = 0U;
    for (uint8_t limit = 0U; limit < LIMIT_COUNT; limit++) {
        if (alarms->each[limit].state >= STATE_RAISED) {
            shown |= (uint32_t)1 << limit;
        }
    }
    return shown;
}

uint32_t alarms_in(const struct alarms *alarms, enum state state) {
    uint32_t found = 0U;
    for (uint8_t limit = 0U; limit < LIMIT_COUNT; limit++) {
        if (RULES[limit].is_alarm && (alarms->each[limit].state == (uint8_t)state)) {
            found |= (uint32_t)1 << limit;
        }
    }
    return found;
}

uint8_t limit_quantity(uint8_t limit) { return (limit < LIMIT_COUNT) ? RULES[limit].quantity : 0U; }
