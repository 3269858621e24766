/* The words on the wire: lines to the host and orders from it, each with a CRC-16/Modbus in four hex digits.

   line:  $TEXT*CRC CR LF      order: TEXT*CRC LF, CR allowed      CRC over TEXT */
#ifndef LINES_H
#define LINES_H

#include "readings.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LINE_BYTES 288U
#define ORDER_BYTES 48U

uint16_t crc16(const uint8_t *bytes, uint16_t count);

/* A line that grows. One that does not fit is not whole, and never sent in part. */
struct line {
    char text[LINE_BYTES];
    uint16_t length;
    bool is_whole;
};

void line_begin(struct line *line, const char *word);
void line_text(struct line *line, const char *text);
void line_number(struct line *line, int32_t value);
void line_count(struct line *line, uint32_t value);
void line_hex(struct line *line, uint32_t value);
/* A comma and the value, or a comma and - for an absent one. */
void line_reading(struct line *line, struct reading reading);
/* Adds the CRC and the end; false, and the line empty, when it did not fit. */
bool line_end(struct line *line);

/* Everything of the line of a period but its end. */
struct report {
    uint32_t sequence;
    uint32_t at_ms;
    uint32_t flags;
    uint32_t alarms;
    uint8_t reset_cause;
};
void line_report(struct line *line, const struct report *report, const struct readings *readings);

enum order_kind {
    ORDER_HOST,        /* HOST: the host is alive */
    ORDER_ACKNOWLEDGE, /* ACK */
    ORDER_LOG,         /* LOG: tell the last alarms */
    ORDER_CAL_CELL,    /* CAL CELL n mV, n from 1 */
    ORDER_CAL_PACK,    /* CAL PACK mV */
    ORDER_CAL_ZERO,    /* CAL ZERO: no current flows */
    ORDER_CAL_SHOW,    /* CAL SHOW */
    ORDER_CAL_SAVE,    /* CAL SAVE */
    ORDER_DAMAGED,     /* too long, or without a matching CRC */
    ORDER_UNKNOWN      /* sound, but not an order */
};

struct order {
    enum order_kind kind;
    uint8_t cell;
    int32_t millivolts;
};

/* Reads an order and cuts its CRC off, so that text can be answered with. text ends in a zero. */
struct order order_read(char *text);

#ifdef __cplusplus
}
#endif

#endif
