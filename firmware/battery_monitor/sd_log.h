/* The lines on an SD card: what its blocks hold and which is next. The card itself is reached by whoever asks.

   Block 0 is the header, block 1 + n % count holds the text of number n. All numbers begin with their lowest byte.
     header   magic, version (2 bytes), count (4), next number when it was last switched on (4)
     text     magic, number (4), length (2), whole lines as on the wire
   Both are zero behind that, and end in the CRC-16/Modbus of all before it.

   1. A block is written once in a lap and holds whole lines only: a write cut short costs the lines of one block.
   2. The end is found by the numbers and not by the header: a header that is damaged costs nothing.
   3. A card that holds something else is not written to. */
#ifndef SD_LOG_H
#define SD_LOG_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SD_BLOCK_BYTES 512U
#define SD_TEXT_BYTES 500U

/* What is to be done with bytes of the log. */
enum sd_act { SD_REST, SD_READ, SD_WRITE };

/* The last block is read before any is written: a card that is too small fails at once and not weeks later. */
enum sd_phase { SD_HEADER, SD_LAST, SD_SEARCH, SD_MARK, SD_LOGGING, SD_REFUSED };

/* Places from low on, and before high, may still hold the number that is newest. */
struct sd_search {
    uint32_t low;
    uint32_t high;
    uint32_t at;
    uint32_t next;
    uint8_t damaged; /* how many places before at were no block */
};

struct sd_log {
    uint8_t bytes[SD_BLOCK_BYTES]; /* what goes to the card, or comes from it */
    char text[SD_TEXT_BYTES];      /* the next block's */
    uint16_t length;
    uint32_t count;
    uint32_t number;
    enum sd_phase phase;
    uint16_t crc; /* of the bytes that are summed */
    uint16_t summed;
    bool is_summing;
    bool is_sealed; /* bytes are to be written */
    struct sd_search search;
};

/* Begins with a card of which nothing is known; lines that wait stay. count: for a card without a header. */
void sd_log_begin(struct sd_log *log, uint32_t count);

/* Takes a line; false when there is no room for it. */
bool sd_log_put(struct sd_log *log, const char *text, uint16_t length);

/* What to do with bytes, and at which block of the card; stays so until that is done. At rest it thinks a little: it is
   to be asked again. */
enum sd_act sd_log_next(struct sd_log *log, uint32_t *block);

/* Told when that has been done. */
void sd_log_done(struct sd_log *log);

#ifdef __cplusplus
}
#endif

#endif
