#include "plausibility.h"

#include "conversion.h"

/* The capacitor is emptied before each cell, so an open wire reads what leaks into it in a few milliseconds. */
#define OPEN_WIRE_MV 500
/* What an open wire must at least hide: a cell that is really empty is missing from the pack voltage too. */
#define HIDDEN_CELL_MV 1500
/* A step of the converter is 4 mV. */
#define ALIKE_MV 5
/* Four steps of the converter: more than noise. */
#define MOVED (4U * OVERSAMPLES)

bool is_stuck(struct stillness *stillness, uint16_t count, uint16_t witness) {
    if ((stillness->times == 0U) || (stillness->count != count)) {
        const struct stillness begun = {count, 1U, witness, witness};
        *stillness = begun;
        return false;
    }
    if (stillness->times < UINT16_MAX) {
        stillness->times++;
    }
    if (witness < stillness->witness_lowest) {
        stillness->witness_lowest = witness;
    }
    if (witness > stillness->witness_highest) {
        stillness->witness_highest = witness;
    }
    const bool has_moved = (uint16_t)(stillness->witness_highest - stillness->witness_lowest) >= MOVED;
    return (stillness->times >= STUCK_SAMPLES) && has_moved;
}

struct reading higher_of(struct reading one, struct reading other) {
    return (!other.is_present || (one.is_present && (one.value >= other.value))) ? one : other;
}

struct reading lower_of(struct reading one, struct reading other) {
    return (!other.is_present || (one.is_present && (one.value <= other.value))) ? one : other;
}

static int32_t sum_mv(const struct readings *readings) {
    int32_t sum = 0;
    for (uint8_t cell = 0U; cell < CELL_COUNT; cell++) {
        sum += readings->cells_mv[cell].is_present ? readings->cells_mv[cell].value : 0;
    }
    return sum;
}

static bool is_low(struct reading cell) { return cell.is_present && (cell.value < OPEN_WIRE_MV); }

static uint32_t open_wires(struct readings *readings) {
    int32_t low = 0;
    for (uint8_t cell = 0U; cell < CELL_COUNT; cell++) {
        low += is_low(readings->cells_mv[cell]) ? 1 : 0;
    }
    const int32_t hidden_mv = readings->pack_mv.value - sum_mv(readings);
    /* Without the pack voltage a low cell counts as a low cell: the worse of the two. */
    if ((low == 0) || !readings->pack_mv.is_present || (hidden_mv < (low * HIDDEN_CELL_MV))) {
        return 0U;
    }
    for (uint8_t cell = 0U; cell < CELL_COUNT; cell++) {
        if (is_low(readings->cells_mv[cell])) {
            readings->cells_mv[cell].is_present = false;
        }
    }
    return FLAG_BIT(FLAG_CELL_WIRE_OPEN);
}

static uint32_t stuck_mux(const struct readings *readings) {
    struct reading highest = readings->cells_mv[0];
    struct reading lowest = readings->cells_mv[0];
    for (uint8_t cell = 0U; cell < CELL_COUNT; cell++) {
        if (!readings->cells_mv[cell].is_present) {
            return 0U;
        }
        highest = higher_of(highest, readings->cells_mv[cell]);
        lowest = lower_of(lowest, readings->cells_mv[cell]);
    }
    const int32_t gap_mv = sum_mv(readings) - readings->pack_mv.value;
    const bool pack_differs = readings->pack_mv.is_present && ((gap_mv >= SUM_MISMATCH_MV) || (gap_mv <= -SUM_MISMATCH_MV));
    const bool is_alike = (highest.value - lowest.value) <= ALIKE_MV;
    return (is_alike && pack_differs) ? FLAG_BIT(FLAG_MUX_STUCK) : 0U;
}

static uint32_t flag_if(bool is_so, enum flag flag) { return is_so ? FLAG_BIT(flag) : 0U; }

static uint32_t clipped(const struct counts *counts) {
    uint32_t flags = flag_if(is_clipped(counts->pack), FLAG_PACK_CLIPPED) |
                     flag_if(is_clipped(counts->shunt), FLAG_SHUNT_CLIPPED) |
                     flag_if(is_clipped(counts->hall), FLAG_HALL_CLIPPED);
    for (uint8_t cell = 0U; cell < CELL_COUNT; cell++) {
        flags |= flag_if(is_clipped_high(counts->cells[cell]), FLAG_CELL_CLIPPED);
    }
    for (uint8_t sensor = 0U; sensor < TEMPERATURE_COUNT; sensor++) {
        flags |= flag_if(ntc_is_open(counts->temperatures[sensor]), FLAG_TEMPERATURE_OPEN) |
                 flag_if(ntc_is_short(counts->temperatures[sensor]), FLAG_TEMPERATURE_SHORT);
    }
    return flags;
}

static uint32_t stuck_values(const struct counts *counts, struct history *history) {
    bool is_any = is_stuck(&history->shunt, counts->shunt, counts->hall);
    is_any = is_stuck(&history->hall, counts->hall, counts->shunt) || is_any;
    for (uint8_t cell = 0U; cell < CELL_COUNT; cell++) {
        is_any = is_stuck(&history->cells[cell], counts->cells[cell], counts->pack) || is_any;
    }
    for (uint8_t sensor = 0U; sensor < TEMPERATURE_COUNT; sensor++) {
        const uint8_t twin = (uint8_t)((sensor + (TEMPERATURE_COUNT / 2U)) % TEMPERATURE_COUNT);
        is_any = is_stuck(&history->temperatures[sensor], counts->temperatures[sensor], counts->temperatures[twin]) ||
                 is_any;
    }
    return flag_if(is_any, FLAG_VALUE_STUCK);
}

static bool is_off(struct reading reading, int32_t expected_mv, int32_t reach_mv) {
    const int32_t off_mv = reading.value - expected_mv;
    return (off_mv > reach_mv) || (off_mv < -reach_mv);
}

static uint32_t references(const struct readings *readings) {
    /* The chip's own reference is 1.0 to 1.2 V by its data sheet: it shows a gross fault, no more. */
    const bool is_bandgap_off = is_off(readings->bandgap_mv, BANDGAP_UV / 1000, BANDGAP_UV / 10000);
    const bool is_known_off = is_off(readings->known_reference_mv, KNOWN_REFERENCE_UV / 1000, REFERENCE_FAULT_MV);
    return flag_if(is_bandgap_off, FLAG_BANDGAP_WRONG) | flag_if(is_known_off, FLAG_REFERENCE_WRONG);
}

uint32_t check(struct readings *readings, const struct counts *counts, struct history *history) {
    /* Open wires first: an absent cell must not enter the other checks as a voltage. */
    uint32_t flags = open_wires(readings);
    flags |= clipped(counts) | stuck_mux(readings) | stuck_values(counts, history) | references(readings);
    return flags;
}
