#include "sd_log.h"

#include <string.h>

#include "lines.h"

#define HEADER_MAGIC "BMLH"
#define TEXT_MAGIC "BMLT"
#define MAGIC_BYTES 4U
#define VERSION 1U
#define TEXT_AT 10U
#define CRC_AT (SD_BLOCK_BYTES - 2U)
/* What is summed at once: the whole block would take longer than a scan can spare. */
#define PART_BYTES 30U

/* So many damaged blocks in a row are stepped over: one is what a cut leaves, more have gone bad on the card. */
#define MOST_DAMAGED 7U

static void put16(uint8_t *at, uint16_t value) {
    at[0] = (uint8_t)(value & 0xFFU);
    at[1] = (uint8_t)(value >> 8);
}

static void put32(uint8_t *at, uint32_t value) {
    put16(at, (uint16_t)(value & 0xFFFFU));
    put16(&at[2], (uint16_t)(value >> 16));
}

static uint16_t get16(const uint8_t *at) { return (uint16_t)(at[0] | ((uint16_t)at[1] << 8)); }

static uint32_t get32(const uint8_t *at) { return get16(at) | ((uint32_t)get16(&at[2]) << 16); }

static void begin_block(uint8_t *bytes, const char *magic) {
    (void)memset(bytes, 0, SD_BLOCK_BYTES);
    (void)memcpy(bytes, magic, MAGIC_BYTES);
}

static bool has_magic(const uint8_t *bytes, const char *magic) { return memcmp(bytes, magic, MAGIC_BYTES) == 0; }

static void begin_sum(struct sd_log *log) {
    log->crc = 0xFFFFU;
    log->summed = 0U;
    log->is_summing = true;
}

/* The sum so far meets the next two bytes, and nothing behind them: put into those, crc16 goes on with it. */
static void sum_part(struct sd_log *log) {
    uint8_t part[PART_BYTES];
    const uint16_t carried = (uint16_t)(log->crc ^ 0xFFFFU);
    (void)memcpy(part, &log->bytes[log->summed], PART_BYTES);
    part[0] = (uint8_t)(part[0] ^ (carried & 0xFFU));
    part[1] = (uint8_t)(part[1] ^ (carried >> 8));
    log->crc = crc16(part, PART_BYTES);
    log->summed = (uint16_t)(log->summed + PART_BYTES);
    log->is_summing = log->summed < CRC_AT;
}

static bool is_whole(const struct sd_log *log) { return get16(&log->bytes[CRC_AT]) == log->crc; }

/* As it comes from the factory, or was emptied by its owner. */
static bool is_blank(const uint8_t *bytes) {
    bool is_blank = (bytes[0] == 0U) || (bytes[0] == 0xFFU);
    for (uint16_t at = 1U; at < SD_BLOCK_BYTES; at++) {
        is_blank = is_blank && (bytes[at] == bytes[0]);
    }
    return is_blank;
}

/* Whether the bytes are the block of this place; a block of elsewhere is none. */
static bool open_text(const struct sd_log *log, uint32_t place, uint32_t *number) {
    *number = get32(&log->bytes[MAGIC_BYTES]);
    return has_magic(log->bytes, TEXT_MAGIC) && is_whole(log) && ((*number % log->count) == place);
}

static void build_text(struct sd_log *log) {
    begin_block(log->bytes, TEXT_MAGIC);
    put32(&log->bytes[MAGIC_BYTES], log->number);
    put16(&log->bytes[8], log->length);
    (void)memcpy(&log->bytes[TEXT_AT], log->text, log->length);
    log->length = 0U;
    begin_sum(log);
}

static void mark(struct sd_log *log) {
    log->number = log->search.next;
    log->phase = SD_MARK;
    begin_block(log->bytes, HEADER_MAGIC);
    put16(&log->bytes[MAGIC_BYTES], VERSION);
    put32(&log->bytes[6], log->count);
    put32(&log->bytes[10], log->number);
    begin_sum(log);
}

/* A header cut short has its magic at most: then the count of this build holds. */
static void take_header(struct sd_log *log) {
    const bool is_ours = has_magic(log->bytes, HEADER_MAGIC);
    log->phase = (is_ours || is_blank(log->bytes)) ? SD_LAST : SD_REFUSED;
    if (is_ours && is_whole(log)) {
        const uint32_t count = get32(&log->bytes[6]);
        if ((get16(&log->bytes[MAGIC_BYTES]) == VERSION) && (count > 0U)) {
            log->count = count;
        } else {
            log->phase = SD_REFUSED;
        }
    }
    log->search.high = log->count;
}

static void aim(struct sd_log *log) {
    struct sd_search *const search = &log->search;
    search->damaged = 0U;
    search->at = search->low + ((search->high - search->low) / 2U);
    if (search->low >= search->high) {
        mark(log);
    }
}

/* The lap of the first place goes on up to the newest block: behind that are older ones, or none. */
static void take_text(struct sd_log *log) {
    struct sd_search *const search = &log->search;
    uint32_t number = 0U;
    const bool is_block = open_text(log, search->at, &number);
    const bool is_first = search->low == 0U;
    if (is_block && (is_first || ((number / log->count) == ((search->next - 1U) / log->count)))) {
        search->next = number + 1U;
        search->low = search->at + 1U;
        aim(log);
    } else if (!is_block && (search->damaged < MOST_DAMAGED) && ((search->at + 1U) < search->high)) {
        search->damaged++;
        search->at++;
    } else {
        /* Of an older lap, or nothing: for the first place that means a ring that is empty. */
        search->high = is_first ? 0U : (search->at - search->damaged);
        aim(log);
    }
}

/* A further line may not fit: so one line at most waits for another, and is lost with the power. */
static bool is_full(const struct sd_log *log) { return (log->length + LINE_BYTES) > SD_TEXT_BYTES; }

void sd_log_begin(struct sd_log *log, uint32_t count) {
    log->phase = SD_HEADER;
    log->count = count;
    log->is_sealed = false;
    log->is_summing = false;
    (void)memset(&log->search, 0, sizeof log->search);
}

bool sd_log_put(struct sd_log *log, const char *text, uint16_t length) {
    if (length > (SD_TEXT_BYTES - log->length)) {
        return false;
    }
    (void)memcpy(&log->text[log->length], text, length);
    log->length = (uint16_t)(log->length + length);
    return true;
}

/* What was read is understood, what is to be written gets its CRC. */
static void end_sum(struct sd_log *log) {
    if (log->phase == SD_HEADER) {
        take_header(log);
    } else if (log->phase == SD_SEARCH) {
        take_text(log);
    } else {
        put16(&log->bytes[CRC_AT], log->crc);
        log->is_sealed = true;
    }
}

static enum sd_act rest(struct sd_log *log) {
    if (log->is_summing) {
        sum_part(log);
        if (!log->is_summing) {
            end_sum(log);
        }
    } else if ((log->phase == SD_LOGGING) && is_full(log)) {
        build_text(log);
    } else {
        /* A card that is refused, or nothing to write yet. */
    }
    return SD_REST;
}

static bool reads(const struct sd_log *log) {
    return (log->phase == SD_HEADER) || (log->phase == SD_LAST) || (log->phase == SD_SEARCH);
}

enum sd_act sd_log_next(struct sd_log *log, uint32_t *block) {
    *block = 0U;
    if (log->phase == SD_LAST) {
        *block = log->count;
    } else if (log->phase == SD_SEARCH) {
        *block = 1U + log->search.at;
    } else if (log->phase == SD_LOGGING) {
        *block = 1U + (log->number % log->count);
    } else {
        /* The header. */
    }
    if (reads(log) && !log->is_summing) {
        return SD_READ;
    }
    return log->is_sealed ? SD_WRITE : rest(log);
}

void sd_log_done(struct sd_log *log) {
    if (log->phase == SD_LAST) {
        log->phase = SD_SEARCH;
    } else if (reads(log)) {
        begin_sum(log);
    } else {
        log->number += (log->phase == SD_LOGGING) ? 1U : 0U;
        log->phase = SD_LOGGING;
        log->is_sealed = false;
    }
}
