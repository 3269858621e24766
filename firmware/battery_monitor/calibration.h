/* What the parts say; the calibration in EEPROM goes before it. Made from the requirements of a pack; change those and make it again. */
#ifndef CALIBRATION_H
#define CALIBRATION_H

#define ADC_REFERENCE_UV 4096000L  /* reference on AREF */
#define OVERSAMPLES 16  /* conversions added up for one value */
#define CELL_OFFSET_UV { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }  /* of each cell, by CAL CELL */
#define CELL_GAIN_PPM { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }  /* of each cell, by CAL CELL */
#define PACK_RATIO_MILLI 16000L  /* divider of the pack */
#define SHUNT_UOHM 250L  /* SHUNT-300 */
#define SHUNT_GAIN_MILLI 20000L  /* INA240A1 */
#define SHUNT_ZERO_UV 2048000L  /* at 0 A, by CAL ZERO */
#define HALL_ZERO_UV 2500000L  /* at 0 A, by CAL ZERO */
#define HALL_UV_PER_A 2083L  /* HASS-300-S */
#define NTC_R25_OHM 10000L  /* NTC-10K */
#define NTC_BETA 3950L  /* NTC-10K */
#define NTC_SERIES_OHM 10000L  /* RES-10K */
#define KNOWN_REFERENCE_UV 2500000L  /* LM4040-2.5 */
#define BANDGAP_UV 1100000L  /* in the ATmega2560, 10 % either way */
#define SETTLE_MS 5  /* for the flying capacitor: 2 ms for the relay, then 8 time constants of 2.2 uF and 160 Ohm */

#endif
