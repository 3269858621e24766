/* From counts to millivolts, milliamperes and tenths of a degree, and the calibration between them. */
#ifndef CONVERSION_H
#define CONVERSION_H

#include "readings.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the CAL orders adjust. Only 32 bit members: no padding, so that it is stored as it lies in memory. */
struct calibration {
    int32_t cell_offset_uv[CELL_COUNT];
    int32_t cell_gain_ppm[CELL_COUNT];
    int32_t pack_gain_ppm;
    int32_t shunt_zero_uv;
    int32_t hall_zero_uv;
};

/* The calibration as designed: calibration.h. */
void calibration_default(struct calibration *calibration);

/* Whether every member is within what an adjustment may be. */
bool calibration_is_plausible(const struct calibration *calibration);

/* Each adjusts so that counts read as the true value. False, and nothing changed, when the correction is too large:
   then something is wired wrongly, and calibrating would hide it. cell counts from 0. */
bool calibrate_cell(struct calibration *calibration, const struct counts *counts, uint8_t cell, int32_t true_mv);
bool calibrate_pack(struct calibration *calibration, const struct counts *counts, int32_t true_mv);
bool calibrate_zero(struct calibration *calibration, const struct counts *counts);

int32_t microvolts(uint16_t count);
bool is_clipped_low(uint16_t count);
bool is_clipped_high(uint16_t count);
bool is_clipped(uint16_t count);
bool ntc_is_open(uint16_t count);
bool ntc_is_short(uint16_t count);

/* Readings from counts; absent where the count stands at an end of the converter. */
void convert(const struct counts *counts, const struct calibration *calibration, struct readings *readings);

#ifdef __cplusplus
}
#endif

#endif
