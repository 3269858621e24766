/* What this board measures with, as designed. A calibration in EEPROM takes the place of what CAL orders adjust. */
#ifndef CALIBRATION_H
#define CALIBRATION_H

#define ADC_REFERENCE_UV 4096000L
#define OVERSAMPLES 16
#define SETTLE_MS 5

#define CELL_OFFSET_UV {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
#define CELL_GAIN_PPM {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

#define PACK_RATIO_MILLI 16000

#define SHUNT_UOHM 250
#define SHUNT_GAIN_MILLI 20000
#define SHUNT_ZERO_UV 2048000L

#define HALL_ZERO_UV 2500000L
#define HALL_UV_PER_A 2083

#define NTC_R25_OHM 10000
#define NTC_BETA 3950
#define NTC_SERIES_OHM 10000

#define KNOWN_REFERENCE_UV 2500000L
#define BANDGAP_UV 1100000L

#endif
