#include "lines.h"

#include <string.h>

uint16_t crc16(const uint8_t *bytes, uint16_t count) {
    uint16_t crc = 0xFFFFU;
    for (uint16_t at = 0U; at < count; at++) {
        crc = (uint16_t)(crc ^ bytes[at]);
        for (uint8_t bit = 0U; bit < 8U; bit++) {
            crc = ((crc & 1U) != 0U) ? (uint16_t)((crc >> 1) ^ 0xA001U) : (uint16_t)(crc >> 1);
        }
    }
    return crc;
}

static void put(struct line *line, char letter) {
    if (line->length < LINE_BYTES) {
        line->text[line->length] = letter;
        line->length++;
    } else {
        line->is_whole = false;
    }
}

void line_begin(struct line *line, const char *word) {
    line->length = 0U;
    line->is_whole = true;
    put(line, '$');
    line_text(line, word);
}

void line_text(struct line *line, const char *text) {
    for (uint16_t at = 0U; (at < LINE_BYTES) && (text[at] != '\0'); at++) {
        put(line, text[at]);
    }
}

void line_count(struct line *line, uint32_t value) {
    char digits[10];
    uint8_t length = 0U;
    do {
        digits[length] = (char)('0' + (char)(value % 10U));
        value /= 10U;
        length++;
    } while ((value != 0U) && (length < sizeof digits));
    while (length > 0U) {
        length--;
        put(line, digits[length]);
    }
}

void line_number(struct line *line, int32_t value) {
    if (value < 0) {
        put(line, '-');
    }
    /* In unsigned arithmetic, where the lowest number has a counterpart. */
    line_count(line, (value < 0) ? (uint32_t)(0U - (uint32_t)value) : (uint32_t)value);
}

static void put_hex(struct line *line, uint32_t value, uint8_t digits) {
    static const char letters[] = "0123456789ABCDEF";
    while (digits > 0U) {
        digits--;
        put(line, letters[(value >> (4U * digits)) & 0xFU]);
    }
}

void line_hex(struct line *line, uint32_t value) {
    uint8_t digits = 1U;
    while ((digits < 8U) && ((value >> (4U * digits)) != 0U)) {
        digits++;
    }
    put_hex(line, value, digits);
}

void line_reading(struct line *line, struct reading reading) {
    put(line, ',');
    if (reading.is_present) {
        line_number(line, reading.value);
    } else {
        put(line, '-');
    }
}

bool line_end(struct line *line) {
    const uint16_t crc = crc16((const uint8_t *)&line->text[1], (uint16_t)(line->length - 1U));
    put(line, '*');
    put_hex(line, crc, 4U);
    line_text(line, "\r\n");
    if (!line->is_whole) {
        line->length = 0U;
    }
    return line->is_whole;
}

void line_report(struct line *line, const struct report *report, const struct readings *readings) {
    line_begin(line, "BM,1,");
    line_count(line, report->sequence);
    put(line, ',');
    line_count(line, report->at_ms);
    for (uint8_t cell = 0U; cell < CELL_COUNT; cell++) {
        line_reading(line, readings->cells_mv[cell]);
    }
    line_reading(line, readings->pack_mv);
    line_reading(line, readings->shunt_ma);
    line_reading(line, readings->hall_ma);
    for (uint8_t sensor = 0U; sensor < TEMPERATURE_COUNT; sensor++) {
        line_reading(line, readings->temperatures_dc[sensor]);
    }
    put(line, ',');
    line_hex(line, report->flags);
    put(line, ',');
    line_hex(line, report->alarms);
    put(line, ',');
    line_hex(line, report->reset_cause);
}

static bool hex_digit(char letter, uint16_t *value) {
    if ((letter >= '0') && (letter <= '9')) {
        *value = (uint16_t)((*value << 4) | (uint16_t)(letter - '0'));
        return true;
    }
    if ((letter >= 'A') && (letter <= 'F')) {
        *value = (uint16_t)((*value << 4) | (uint16_t)(letter - 'A' + 10));
        return true;
    }
    return false;
}

/* Cuts the star and all behind it off. True when what stood there is the CRC of what is left. */
static bool take_crc(char *text) {
    char *const star = strrchr(text, '*');
    if (star == NULL) {
        return false;
    }
    uint16_t said = 0U;
    bool is_hex = strlen(star) == 5U;
    for (uint8_t digit = 1U; is_hex && (digit <= 4U); digit++) {
        is_hex = hex_digit(star[digit], &said);
    }
    *star = '\0';
    return is_hex && (said == crc16((const uint8_t *)text, (uint16_t)strlen(text)));
}

/* Reads up to six digits and moves on behind them; false when there is none, or one too many. */
static bool take_number(const char **at, int32_t *value) {
    uint8_t digits = 0U;
    *value = 0;
    while ((digits < 7U) && (**at >= '0') && (**at <= '9')) {
        *value = (*value * 10) + (**at - '0');
        (*at)++;
        digits++;
    }
    return (digits > 0U) && (digits < 7U);
}

static bool take_word(const char **at, const char *word) {
    const size_t length = strlen(word);
    if (strncmp(*at, word, length) != 0) {
        return false;
    }
    *at += length;
    return true;
}

static struct order with_numbers(const char *text) {
    struct order order = {ORDER_UNKNOWN, 0U, 0};
    int32_t number = 0;
    if (take_word(&text, "CAL PACK ")) {
        if (take_number(&text, &order.millivolts) && (*text == '\0')) {
            order.kind = ORDER_CAL_PACK;
        }
    } else if (take_word(&text, "CAL CELL ")) {
        const bool is_cell = take_number(&text, &number) && (number >= 1) && (number <= CELL_COUNT);
        if (is_cell && take_word(&text, " ") && take_number(&text, &order.millivolts) && (*text == '\0')) {
            order.kind = ORDER_CAL_CELL;
            order.cell = (uint8_t)(number - 1);
        }
    } else {
        /* No order with numbers. */
    }
    return order;
}

struct order order_read(char *text) {
    static const struct {
        const char *text;
        enum order_kind kind;
    } plain[] = {
        {"HOST", ORDER_HOST},         {"ACK", ORDER_ACKNOWLEDGE},   {"LOG", ORDER_LOG},
        {"CAL ZERO", ORDER_CAL_ZERO}, {"CAL SHOW", ORDER_CAL_SHOW}, {"CAL SAVE", ORDER_CAL_SAVE},
    };
    struct order order = {ORDER_DAMAGED, 0U, 0};
    if (!take_crc(text)) {
        return order;
    }
    for (uint8_t at = 0U; at < (sizeof plain / sizeof plain[0]); at++) {
        if (strcmp(text, plain[at].text) == 0) {
            order.kind = plain[at].kind;
            return order;
        }
    }
    return with_numbers(text);
}
