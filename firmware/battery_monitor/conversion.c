#include "conversion.h"

#include <math.h>

/* Two steps of the converter: amplifiers and references do not reach their rails more closely. */
#define RAIL (2UL * OVERSAMPLES)
#define MAX_GAIN_PPM 30000L
#define MAX_OFFSET_UV 20000L
/* 10 A of the shunt amplifier, 24 A of the Hall sensor: more is a current that flows, not a zero that is off. */
#define MAX_ZERO_UV 50000L

static int32_t ratio(int64_t value, int64_t times, int64_t per) {
    const int64_t product = value * times;
    const int64_t half = per / 2;
    return (int32_t)((product + ((product < 0) ? -half : half)) / per);
}

static bool is_within(int32_t value, int32_t middle, int32_t reach) {
    return (value >= (middle - reach)) && (value <= (middle + reach));
}

void calibration_default(struct calibration *calibration) {
    static const struct calibration designed = {CELL_OFFSET_UV, CELL_GAIN_PPM, 0, SHUNT_ZERO_UV, HALL_ZERO_UV};
    *calibration = designed;
}

bool calibration_is_plausible(const struct calibration *calibration) {
    bool is_plausible = is_within(calibration->pack_gain_ppm, 0, MAX_GAIN_PPM) &&
                        is_within(calibration->shunt_zero_uv, SHUNT_ZERO_UV, MAX_ZERO_UV) &&
                        is_within(calibration->hall_zero_uv, HALL_ZERO_UV, MAX_ZERO_UV);
    for (uint8_t cell = 0U; cell < CELL_COUNT; cell++) {
        is_plausible = is_plausible && is_within(calibration->cell_gain_ppm[cell], 0, MAX_GAIN_PPM) &&
                       is_within(calibration->cell_offset_uv[cell], 0, MAX_OFFSET_UV);
    }
    return is_plausible;
}

int32_t microvolts(uint16_t count) { return ratio(count, ADC_REFERENCE_UV, (int64_t)COUNT_FULL); }

bool is_clipped_low(uint16_t count) { return count <= RAIL; }

/* The highest code is 1023, so the upper rail lies one step further down than the lower one lies up. */
bool is_clipped_high(uint16_t count) { return count >= (COUNT_FULL - RAIL - OVERSAMPLES); }

bool is_clipped(uint16_t count) { return is_clipped_low(count) || is_clipped_high(count); }

/* 630 kOhm and 160 Ohm with a series resistor of 10 kOhm: below -45 and above 150 degrees. */
bool ntc_is_open(uint16_t count) { return count >= (COUNT_FULL - (COUNT_FULL / 64U)); }

bool ntc_is_short(uint16_t count) { return count <= (COUNT_FULL / 64U); }

static bool gain_for(int32_t measured_uv, int32_t true_mv, int32_t *gain_ppm) {
    if ((measured_uv <= 0) || (true_mv <= 0) || (true_mv > 100000)) {
        return false;
    }
    const int64_t ppm = (((int64_t)true_mv * 1000 * 1000000) / measured_uv) - 1000000;
    if ((ppm < -MAX_GAIN_PPM) || (ppm > MAX_GAIN_PPM)) {
        return false;
    }
    *gain_ppm = (int32_t)ppm;
    return true;
}

/* The gain, not the offset: what a flying capacitor loses by sharing its charge is proportional to the voltage. */
bool calibrate_cell(struct calibration *calibration, const struct counts *counts, uint8_t cell, int32_t true_mv) {
    if ((cell >= CELL_COUNT) || is_clipped(counts->cells[cell])) {
        return false;
    }
    const int32_t measured_uv = microvolts(counts->cells[cell]) + calibration->cell_offset_uv[cell];
    return gain_for(measured_uv, true_mv, &calibration->cell_gain_ppm[cell]);
}

static int32_t pack_uv(uint16_t count) { return ratio(microvolts(count), PACK_RATIO_MILLI, 1000); }

bool calibrate_pack(struct calibration *calibration, const struct counts *counts, int32_t true_mv) {
    return !is_clipped(counts->pack) && gain_for(pack_uv(counts->pack), true_mv, &calibration->pack_gain_ppm);
}

bool calibrate_zero(struct calibration *calibration, const struct counts *counts) {
    const int32_t shunt_uv = microvolts(counts->shunt);
    const int32_t hall_uv = microvolts(counts->hall);
    if (!is_within(shunt_uv, SHUNT_ZERO_UV, MAX_ZERO_UV) || !is_within(hall_uv, HALL_ZERO_UV, MAX_ZERO_UV)) {
        return false;
    }
    calibration->shunt_zero_uv = shunt_uv;
    calibration->hall_zero_uv = hall_uv;
    return true;
}

static struct reading present(int32_t value) {
    const struct reading reading = {value, true};
    return reading;
}

static struct reading unless(bool is_absent, int32_t value) {
    const struct reading reading = {is_absent ? 0 : value, !is_absent};
    return reading;
}

static int32_t with_gain(int32_t microvolts_seen, int32_t gain_ppm) {
    return ratio(microvolts_seen, 1000000 + (int64_t)gain_ppm, 1000000000);
}

/* The lower end stays a value here: an empty cell and an open wire are told apart by the pack voltage, later. */
static struct reading cell_mv(const struct calibration *calibration, uint8_t cell, uint16_t count) {
    const int32_t seen_uv = microvolts(count) + calibration->cell_offset_uv[cell];
    return unless(is_clipped_high(count), with_gain(seen_uv, calibration->cell_gain_ppm[cell]));
}

static int32_t shunt_ma(const struct calibration *calibration, uint16_t count) {
    const int32_t above_uv = microvolts(count) - calibration->shunt_zero_uv;
    return ratio(above_uv, 1000000, (int64_t)SHUNT_GAIN_MILLI * SHUNT_UOHM);
}

static int32_t hall_ma(const struct calibration *calibration, uint16_t count) {
    return ratio(microvolts(count) - calibration->hall_zero_uv, 1000, HALL_UV_PER_A);
}

/* The NTC lies between the channel and ground and is fed from the converter's own reference, which cancels. */
static struct reading temperature_dc(uint16_t count) {
    if (ntc_is_open(count) || ntc_is_short(count)) {
        return unless(true, 0);
    }
    const float ohm = ((float)NTC_SERIES_OHM * (float)count) / (float)(COUNT_FULL - count);
    const float per_kelvin = (1.0F / 298.15F) + ((float)log((double)(ohm / (float)NTC_R25_OHM)) / (float)NTC_BETA);
    const float tenths = ((1.0F / per_kelvin) - 273.15F) * 10.0F;
    return present((int32_t)(tenths + ((tenths < 0.0F) ? -0.5F : 0.5F)));
}

void convert(const struct counts *counts, const struct calibration *calibration, struct readings *readings) {
    for (uint8_t cell = 0U; cell < CELL_COUNT; cell++) {
        readings->cells_mv[cell] = cell_mv(calibration, cell, counts->cells[cell]);
    }
    for (uint8_t sensor = 0U; sensor < TEMPERATURE_COUNT; sensor++) {
        readings->temperatures_dc[sensor] = temperature_dc(counts->temperatures[sensor]);
    }
    const int32_t pack_mv = with_gain(pack_uv(counts->pack), calibration->pack_gain_ppm);
    readings->pack_mv = unless(is_clipped(counts->pack), pack_mv);
    readings->shunt_ma = unless(is_clipped(counts->shunt), shunt_ma(calibration, counts->shunt));
    readings->hall_ma = unless(is_clipped(counts->hall), hall_ma(calibration, counts->hall));
    readings->known_reference_mv = present(ratio(microvolts(counts->known_reference), 1, 1000));
    readings->bandgap_mv = present(ratio(microvolts(counts->bandgap), 1, 1000));
}
