/* What one scan brings: counts as converted, readings as understood. An absent reading has no value, not an old one. */
#ifndef READINGS_H
#define READINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "calibration.h"
#include "limits.h"

#if (CELL_COUNT < 8) || (CELL_COUNT > 16)
#error "four select lines reach 16 cells, and fewer than 8 leave no time for the other channels"
#endif
#if (TEMPERATURE_COUNT < 2) || (TEMPERATURE_COUNT > 8) || ((TEMPERATURE_COUNT % 2) != 0)
#error "temperature sensors come in two strings: 2, 4, 6 or 8 of them"
#endif
#if (OVERSAMPLES < 1) || (OVERSAMPLES > 32)
#error "OVERSAMPLES is 1 to 32: the sum of the conversions has 16 bits, and a scan 250 ms"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* A count is the sum of OVERSAMPLES conversions of 10 bits. */
#define COUNT_FULL (1024UL * OVERSAMPLES)

struct counts {
    uint16_t cells[CELL_COUNT];
    uint16_t pack;
    uint16_t shunt;
    uint16_t hall;
    uint16_t temperatures[TEMPERATURE_COUNT];
    uint16_t known_reference;
    uint16_t bandgap;
};

struct reading {
    int32_t value;
    bool is_present;
};

/* Currents are positive into the battery. Sensor i and sensor i + TEMPERATURE_COUNT / 2 sit at the same place. */
struct readings {
    struct reading cells_mv[CELL_COUNT];
    struct reading pack_mv;
    struct reading shunt_ma;
    struct reading hall_ma;
    struct reading temperatures_dc[TEMPERATURE_COUNT];
    struct reading known_reference_mv;
    struct reading bandgap_mv;
};

/* Bits of the flags in a line: what the monitor knows about itself. */
enum flag {
    FLAG_UNKNOWN = 0,              /* since the start no scan had all values */
    FLAG_CELL_CLIPPED = 1,         /* a cell reads the upper end of the converter */
    FLAG_CELL_WIRE_OPEN = 2,       /* a cell reads nothing though the pack voltage contains it */
    FLAG_MUX_STUCK = 3,            /* all cells alike though the pack voltage says otherwise */
    FLAG_VALUE_STUCK = 4,          /* a count that does not move while its witness does */
    FLAG_TEMPERATURE_OPEN = 5,     /* an NTC is open */
    FLAG_TEMPERATURE_SHORT = 6,    /* an NTC is shorted */
    FLAG_PACK_CLIPPED = 7,         /* pack voltage at an end of the converter */
    FLAG_SHUNT_CLIPPED = 8,        /* shunt at an end: beyond its range, or broken */
    FLAG_HALL_CLIPPED = 9,         /* Hall sensor at an end: beyond its range, or broken */
    FLAG_BANDGAP_WRONG = 10,       /* the chip's own reference reads wrong: the ADC or its reference is off */
    FLAG_REFERENCE_WRONG = 11,     /* the known reference reads wrong */
    FLAG_HOST_SILENT = 12,         /* no sound order from the host for HOST_SILENT_MS */
    FLAG_CALIBRATION_DEFAULT = 13, /* no sound calibration in EEPROM: calibration.h is used */
    FLAG_CALIBRATION_COPY = 14,    /* one of the two copies in EEPROM is damaged */
    FLAG_CALIBRATION_UNSAVED = 15, /* adjusted since it was saved */
    FLAG_LINE_DROPPED = 16,        /* a port had not finished the line before */
    FLAG_LATE = 17,                /* a scan took longer than its period */
    FLAG_HELD = 18,                /* the cause of an alarm is gone, it waits for its acknowledgement */
    FLAG_ADC_SILENT = 19,          /* a conversion did not end in time */
    FLAG_CARD_FAILED = 20          /* with SD_LOG: no card, or one that cannot be written */
};

#define FLAG_BIT(flag) ((uint32_t)1 << (flag))

#ifdef __cplusplus
}
#endif

#endif
