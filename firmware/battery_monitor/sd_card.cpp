#include "sd_card.h"

#include "options.h"

#if SD_LOG

#include <Arduino.h>

#include "pins.h"
#include "sd_log.h"

namespace {

/* PIN_SPI_SS and the like are the core's, and fixed by the chip. SS has to be an output, or it is no master. */
constexpr bool is_taken(int pin) {
    return (pin == PIN_SELECT_0) || (pin == PIN_SELECT_1) || (pin == PIN_SELECT_2) || (pin == PIN_SELECT_3) ||
           (pin == PIN_CONNECT_STACK) || (pin == PIN_CONNECT_ADC) || (pin == PIN_LED_OK) || (pin == PIN_LED_WARN) ||
           (pin == PIN_LED_ALARM) || (pin == PIN_BUZZER) || (pin == PIN_ACKNOWLEDGE) || (pin == PIN_HEARTBEAT);
}
static_assert(!is_taken(PIN_SPI_SS) && !is_taken(PIN_SPI_SCK) && !is_taken(PIN_SPI_MOSI) && !is_taken(PIN_SPI_MISO),
              "pins.h uses a pin of the SPI, which SD_LOG needs");
static_assert(!is_taken(SD_SELECT_PIN) && (SD_SELECT_PIN != PIN_SPI_SCK) && (SD_SELECT_PIN != PIN_SPI_MOSI) &&
                  (SD_SELECT_PIN != PIN_SPI_MISO),
              "SD_SELECT_PIN has another use already");

/* Commands of a card, and what it answers. */
const uint8_t GO_IDLE = 0U;
const uint8_t SEND_CONDITION = 8U;
const uint8_t SET_LENGTH = 16U;
const uint8_t READ_BLOCK = 17U;
const uint8_t WRITE_BLOCK = 24U;
const uint8_t START = 41U;
const uint8_t APPLICATION = 55U;
const uint8_t READ_REGISTER = 58U;
const uint8_t DONE = 0x00U;
const uint8_t IS_IDLE = 0x01U;
const uint8_t UNKNOWN_COMMAND = 0x05U;
const uint8_t TOKEN = 0xFEU;
const uint8_t ACCEPTED = 0x05U;
const uint8_t NOTHING = 0xFFU;
/* The CRC of a command is looked at in these two only. */
const uint8_t GO_IDLE_CRC = 0x95U;
const uint8_t SEND_CONDITION_CRC = 0x87U;
const uint8_t NO_CRC = 0x01U;
const uint32_t SUPPLY_AND_CHECK = 0x1AAUL;
const uint32_t LARGE_CARDS = 0x40000000UL;
const uint32_t MOST_OLD_BLOCKS = 8388608UL;

/* A card may need a second to start, 100 ms for a block that is read and 500 ms for one that is written. */
const uint32_t START_MS = 1500UL;
const uint32_t START_STEP_MS = 20UL;
const uint32_t READ_MS = 250UL;
const uint32_t WRITE_MS = 750UL;
const uint32_t AGAIN_MS = 5000UL;
/* At 4 MHz a tenth of a millisecond, so that no relay waits for it. */
const uint16_t STEP_BYTES = 32U;

enum phase {
    PHASE_PAUSE,
    PHASE_WAKE,
    PHASE_ASK,
    PHASE_START,
    PHASE_ADDRESS,
    PHASE_LENGTH,
    PHASE_IDLE,
    PHASE_TOKEN,
    PHASE_TAKE,
    PHASE_GIVE,
    PHASE_BUSY
};

phase now_in = PHASE_PAUSE;
uint32_t since_ms;
uint32_t stepped_ms;
uint16_t moved;
bool is_new;
bool counts_blocks;
bool has_failed;
struct sd_log kept;

uint8_t exchange(uint8_t out) {
    SPDR = out;
    /* A byte takes 512 cycles at the slowest, a pass more than four. */
    for (uint8_t pass = 0U; pass < 255U; pass++) {
        if ((SPSR & _BV(SPIF)) != 0U) {
            return SPDR;
        }
    }
    return NOTHING;
}

uint8_t command(uint8_t number, uint32_t argument, uint8_t crc) {
    uint8_t answer = NOTHING;
    (void)exchange(NOTHING);
    (void)exchange((uint8_t)(0x40U | number));
    (void)exchange((uint8_t)(argument >> 24));
    (void)exchange((uint8_t)(argument >> 16));
    (void)exchange((uint8_t)(argument >> 8));
    (void)exchange((uint8_t)argument);
    (void)exchange(crc);
    for (uint8_t at = 0U; (at < 8U) && ((answer & 0x80U) != 0U); at++) {
        answer = exchange(NOTHING);
    }
    return answer;
}

uint32_t long_answer() {
    uint32_t answer = 0UL;
    for (uint8_t at = 0U; at < 4U; at++) {
        answer = (answer << 8) | exchange(NOTHING);
    }
    return answer;
}

/* A card lets go of its line with the clock that follows. */
void let_go() {
    digitalWrite(SD_SELECT_PIN, HIGH);
    (void)exchange(NOTHING);
}

void enter(phase next) {
    now_in = next;
    since_ms = millis();
    moved = 0U;
}

void fail() {
    let_go();
    has_failed = true;
    enter(PHASE_PAUSE);
}

bool is_over(uint32_t wait_ms) { return (uint32_t)(millis() - since_ms) >= wait_ms; }

/* A card is woken at 250 kHz, 400 being its most, and spoken to at 4 MHz then. */
void clock_slowly() { SPCR = (uint8_t)(_BV(SPE) | _BV(MSTR) | _BV(SPR1)); }

void clock_fast() { SPCR = (uint8_t)(_BV(SPE) | _BV(MSTR)); }

/* It wants 74 clocks before it is selected. */
void begin_start() {
    is_new = false;
    counts_blocks = false;
    clock_slowly();
    for (uint8_t at = 0U; at < 10U; at++) {
        (void)exchange(NOTHING);
    }
    enter(PHASE_WAKE);
}

void wake() {
    let_go();
    digitalWrite(SD_SELECT_PIN, LOW);
    if (command(GO_IDLE, 0UL, GO_IDLE_CRC) == IS_IDLE) {
        now_in = PHASE_ASK;
    }
}

/* A card of the first kind does not know this command. */
void ask() {
    const uint8_t answer = command(SEND_CONDITION, SUPPLY_AND_CHECK, SEND_CONDITION_CRC);
    is_new = answer == IS_IDLE;
    if (is_new ? ((long_answer() & 0xFFFUL) == SUPPLY_AND_CHECK) : (answer == UNKNOWN_COMMAND)) {
        now_in = PHASE_START;
    } else {
        fail();
    }
}

void start() {
    (void)command(APPLICATION, 0UL, NO_CRC);
    const uint8_t answer = command(START, is_new ? LARGE_CARDS : 0UL, NO_CRC);
    if (answer == DONE) {
        now_in = PHASE_ADDRESS;
    } else if (answer != IS_IDLE) {
        fail();
    } else {
        /* It is still starting. */
    }
}

void ask_address() {
    if (command(READ_REGISTER, 0UL, NO_CRC) == DONE) {
        counts_blocks = is_new && ((long_answer() & LARGE_CARDS) != 0UL);
        now_in = PHASE_LENGTH;
    } else {
        fail();
    }
}

void set_length() {
    if (command(SET_LENGTH, SD_BLOCK_BYTES, NO_CRC) == DONE) {
        let_go();
        clock_fast();
        sd_log_begin(&kept, SD_LOG_BLOCKS);
        enter(PHASE_IDLE);
    } else {
        fail();
    }
}

/* One command at a time, with pauses, since each takes up to half a millisecond at this clock. */
void start_step() {
    if ((uint32_t)(millis() - stepped_ms) < START_STEP_MS) {
        return;
    }
    stepped_ms = millis();
    switch (now_in) {
    case PHASE_WAKE:
        wake();
        break;
    case PHASE_ASK:
        ask();
        break;
    case PHASE_START:
        start();
        break;
    case PHASE_ADDRESS:
        ask_address();
        break;
    default:
        set_length();
        break;
    }
    if ((now_in < PHASE_IDLE) && is_over(START_MS)) {
        fail();
    }
}

void begin_move(bool is_read, uint32_t block) {
    const uint32_t address = counts_blocks ? block : (block * SD_BLOCK_BYTES);
    const bool is_there = counts_blocks || (block < MOST_OLD_BLOCKS);
    digitalWrite(SD_SELECT_PIN, LOW);
    if (!is_there || (command(is_read ? READ_BLOCK : WRITE_BLOCK, address, NO_CRC) != DONE)) {
        fail();
    } else if (is_read) {
        enter(PHASE_TOKEN);
    } else {
        (void)exchange(NOTHING);
        (void)exchange(TOKEN);
        enter(PHASE_GIVE);
    }
}

void begin_next() {
    uint32_t block = 0UL;
    const enum sd_act act = sd_log_next(&kept, &block);
    if (kept.phase == SD_REFUSED) {
        fail();
    } else if (act != SD_REST) {
        begin_move(act == SD_READ, block);
    } else {
        /* Nothing is due. */
    }
}

void finish_move() {
    let_go();
    sd_log_done(&kept);
    has_failed = has_failed && (kept.phase != SD_LOGGING);
    enter(PHASE_IDLE);
}

void await_token() {
    const uint8_t byte = exchange(NOTHING);
    if (byte == TOKEN) {
        enter(PHASE_TAKE);
    } else if ((byte != NOTHING) || is_over(READ_MS)) {
        fail();
    } else {
        /* It is still looking for the block. */
    }
}

/* Its CRC is not looked at: the blocks have one of their own. */
void take() {
    for (uint16_t at = 0U; at < STEP_BYTES; at++) {
        kept.bytes[moved] = exchange(NOTHING);
        moved++;
    }
    if (moved >= SD_BLOCK_BYTES) {
        (void)exchange(NOTHING);
        (void)exchange(NOTHING);
        finish_move();
    }
}

void give() {
    for (uint16_t at = 0U; at < STEP_BYTES; at++) {
        (void)exchange(kept.bytes[moved]);
        moved++;
    }
    if (moved >= SD_BLOCK_BYTES) {
        (void)exchange(NOTHING);
        (void)exchange(NOTHING);
        if ((exchange(NOTHING) & 0x1FU) == ACCEPTED) {
            enter(PHASE_BUSY);
        } else {
            fail();
        }
    }
}

void await_written() {
    if (exchange(NOTHING) == NOTHING) {
        finish_move();
    } else if (is_over(WRITE_MS)) {
        fail();
    } else {
        /* It is still writing. */
    }
}

} // namespace

void sd_card_begin(void) {
    digitalWrite(SD_SELECT_PIN, HIGH);
    pinMode(SD_SELECT_PIN, OUTPUT);
    pinMode(PIN_SPI_SS, OUTPUT);
    pinMode(PIN_SPI_SCK, OUTPUT);
    pinMode(PIN_SPI_MOSI, OUTPUT);
    /* Without a card the line reads nothing, and not noise. */
    pinMode(PIN_SPI_MISO, INPUT_PULLUP);
    begin_start();
}

bool sd_card_put(const struct line *line) { return sd_log_put(&kept, line->text, line->length); }

void sd_card_step(void) {
    switch (now_in) {
    case PHASE_PAUSE:
        if (is_over(AGAIN_MS)) {
            begin_start();
        }
        break;
    case PHASE_IDLE:
        begin_next();
        break;
    case PHASE_TOKEN:
        await_token();
        break;
    case PHASE_TAKE:
        take();
        break;
    case PHASE_GIVE:
        give();
        break;
    case PHASE_BUSY:
        await_written();
        break;
    default:
        start_step();
        break;
    }
}

bool sd_card_has_failed(void) { return has_failed; }

#endif
