/* Battery monitor for a pack of LiFePO4 cells on an Arduino Mega (ATmega2560).

   It monitors and does not protect: nothing here opens a contactor. Protection is the BMS's, and a fuse's. What it does
   is measure, judge by limits of its own, show that with lamps and buzzer whether or not a host listens, and report one
   line each 250 ms to the host (USB) and to a logger (Serial1).

   1. It starts as "unknown" and says so; it is "ok" only after a scan in which no needed value was absent.
   2. The watchdog runs before the first measurement. It is fed, and the dead-man pin toggled, only when every task ran.
   3. No value is reported twice: what could not be measured in a scan is absent in its line.
   4. Nothing in the loop waits: tasks do a small step each and return. */
#include <avr/wdt.h>

#include "alarms.h"
#include "conversion.h"
#include "lines.h"
#include "options.h"
#include "pins.h"
#include "plausibility.h"
#include "records.h"
#include "scan.h"
#include "sd_card.h"
#include "signals.h"
#include "storage.h"

/* The bootloader of the Mega clears MCUSR before the sketch starts, so the reset cause may be lost there. The marks in
   RAM tell at least whether the power had been away: 0x20 RAM survived, 0x40 MCUSR was empty. */
#define CAUSE_WARM 0x20U
#define CAUSE_TAKEN 0x40U
#define WARM_MARK 0x5AFEC0DEUL

static uint8_t reset_cause __attribute__((section(".noinit")));
static uint32_t warm_mark __attribute__((section(".noinit")));

extern "C" void take_reset_cause(void) __attribute__((naked, used, section(".init3")));

/* Before anything else, since after a watchdog reset the watchdog still runs, at its shortest time. */
extern "C" void take_reset_cause(void) {
    reset_cause = MCUSR;
    MCUSR = 0U;
    wdt_disable();
}

namespace {

const uint32_t BAUD = 115200UL;
const uint32_t DEBOUNCE_MS = 50UL;
const uint32_t LAMP_TEST_MS = 500UL;

enum task {
    TASK_MEASURED = 1,
    TASK_JUDGED = 2,
    TASK_REPORTED = 4,
    TASK_HEARD = 8,
    TASK_SHOWN = 16,
    TASK_STORED = 32,
    TASK_SENT = 64,
    TASK_ALL = 127
};
uint8_t tasks_ran;

/* A line on its way out of a port. */
struct outbox {
    HardwareSerial *port;
    struct line line;
    uint16_t next;
};
outbox host = {&Serial, {{0}, 0U, true}, 0U};
outbox logger = {&Serial1, {{0}, 0U, true}, 0U};

scan last;
readings now_read;
history past;
alarms state;
calibration calibrated;
uint32_t measured_flags;
uint32_t lasting_flags = FLAG_BIT(FLAG_UNKNOWN);
uint32_t sequence;
bool is_report_due;

char order_text[ORDER_BYTES];
uint8_t order_length;
bool is_order_too_long;
uint32_t heard_ms;
bool is_saving;

/* An answer of many lines: which one is next, and how many there are. */
enum telling { TELL_NOTHING, TELL_ALARMS, TELL_CALIBRATION };
telling told = TELL_NOTHING;
uint8_t tell_next;

bool is_free(const outbox &box) { return box.next >= box.line.length; }

void send(outbox &box, const struct line &line) {
    box.line = line;
    box.next = 0U;
}

void put_out(outbox &box) {
    while (!is_free(box) && (box.port->availableForWrite() > 0)) {
        if (box.port->write(static_cast<uint8_t>(box.line.text[box.next])) != 1U) {
            return;
        }
        box.next++;
    }
}

void run_ports() {
    put_out(host);
    put_out(logger);
    tasks_ran |= TASK_SENT;
}

void finish(struct line &line) {
    if (line_end(&line)) {
        send(host, line);
    } else {
        lasting_flags |= FLAG_BIT(FLAG_LINE_DROPPED);
    }
}

void answer(const char *word, const char *reason) {
    struct line line;
    line_begin(&line, word);
    line_text(&line, ",");
    line_text(&line, order_text);
    if (reason[0] != '\0') {
        line_text(&line, ",");
        line_text(&line, reason);
    }
    finish(line);
}

void accept() { answer("OK", ""); }

void refuse(const char *reason) { answer("NO", reason); }

void accept_if(bool is_done, const char *reason) {
    if (is_done) {
        accept();
    } else {
        refuse(reason);
    }
}

#if SD_LOG
/* That the card has failed is told by its own flag, and then no line is missed besides. */
void keep(const struct line &line) {
    if (!sd_card_put(&line) && !sd_card_has_failed()) {
        lasting_flags |= FLAG_BIT(FLAG_LINE_DROPPED);
    }
}
#else
void keep(const struct line &) {}
#endif

/* What the scan found, and what is so now. */
uint32_t flags_now() {
    uint32_t flags = measured_flags | lasting_flags | storage_flags();
    if ((uint32_t)(millis() - heard_ms) >= HOST_SILENT_MS) {
        flags |= FLAG_BIT(FLAG_HOST_SILENT);
    }
    if (alarms_in(&state, STATE_HELD) != 0U) {
        flags |= FLAG_BIT(FLAG_HELD);
    }
#if SD_LOG
    flags |= sd_card_has_failed() ? FLAG_BIT(FLAG_CARD_FAILED) : 0U;
#endif
    return flags;
}

void note_raised(uint32_t raised, const struct reading *quantities) {
    for (uint8_t limit = 0U; limit < LIMIT_COUNT; limit++) {
        if ((raised & ((uint32_t)1 << limit)) != 0U) {
            storage_note(limit, quantities[limit_quantity(limit)].value, last.begun_ms);
        }
    }
}

void judge() {
    struct reading quantities[QUANTITY_COUNT];
    convert(&last.counts, &calibrated, &now_read);
    measured_flags = check(&now_read, &last.counts, &past);
    measured_flags |= last.is_late ? FLAG_BIT(FLAG_LATE) : 0U;
    measured_flags |= last.is_silent ? FLAG_BIT(FLAG_ADC_SILENT) : 0U;
    summarise(&now_read, measured_flags, quantities);
    note_raised(alarms_judge(&state, quantities, last.begun_ms), quantities);
    if (quantities[QUANTITY_LOST].value == 0) {
        lasting_flags &= ~FLAG_BIT(FLAG_UNKNOWN);
    }
    tasks_ran |= TASK_JUDGED;
}

void measure() {
    if (!scan_step(&last)) {
        return;
    }
    tasks_ran |= TASK_MEASURED;
    judge();
    if (is_report_due) {
        /* The host's port did not take the line before: it is left out, and the gap in the sequence shows it. */
        lasting_flags |= FLAG_BIT(FLAG_LINE_DROPPED);
        sequence++;
    }
    is_report_due = true;
}

void send_report() {
    if (!is_report_due || !is_free(host)) {
        return;
    }
    struct line line;
    const struct report head = {sequence, last.begun_ms, flags_now(), alarms_shown(&state), reset_cause};
    is_report_due = false;
    sequence++;
    /* Told once. */
    lasting_flags &= ~FLAG_BIT(FLAG_LINE_DROPPED);
    line_report(&line, &head, &now_read);
    finish(line);
    if (is_free(logger)) {
        send(logger, line);
    } else {
        lasting_flags |= FLAG_BIT(FLAG_LINE_DROPPED);
    }
    keep(line);
    tasks_ran |= TASK_REPORTED;
}

bool tell_alarm() {
    struct alarm_record record;
    struct line line;
    if ((tell_next >= RING_COUNT) || !storage_read_alarm(tell_next, &record)) {
        return false;
    }
    line_begin(&line, "LOG,");
    line_count(&line, record.number);
    line_text(&line, ",");
    line_count(&line, record.at_ms);
    line_text(&line, ",");
    line_count(&line, record.limit);
    line_text(&line, ",");
    line_number(&line, record.value);
    finish(line);
    return true;
}

void tell_cell(struct line &line) {
    line_begin(&line, "CAL,CELL,");
    line_count(&line, tell_next + 1UL);
    line_text(&line, ",");
    line_number(&line, calibrated.cell_offset_uv[tell_next]);
    line_text(&line, ",");
    line_number(&line, calibrated.cell_gain_ppm[tell_next]);
}

bool tell_calibration() {
    struct line line;
    if (tell_next < CELL_COUNT) {
        tell_cell(line);
    } else if (tell_next == CELL_COUNT) {
        line_begin(&line, "CAL,PACK,");
        line_number(&line, calibrated.pack_gain_ppm);
    } else if (tell_next == (CELL_COUNT + 1U)) {
        line_begin(&line, "CAL,ZERO,");
        line_number(&line, calibrated.shunt_zero_uv);
        line_text(&line, ",");
        line_number(&line, calibrated.hall_zero_uv);
    } else {
        return false;
    }
    finish(line);
    return true;
}

/* The next line of a long answer, between the lines of the periods. */
void tell() {
    if ((told == TELL_NOTHING) || is_report_due || !is_free(host)) {
        return;
    }
    if ((told == TELL_ALARMS) ? tell_alarm() : tell_calibration()) {
        tell_next++;
        return;
    }
    told = TELL_NOTHING;
    accept();
}

void begin_telling(telling what) {
    told = what;
    tell_next = 0U;
}

/* Acknowledged only when both copies have been read back. */
void finish_saving() {
    if (!is_saving || !storage_is_idle() || !is_free(host)) {
        return;
    }
    is_saving = false;
    const bool is_kept = storage_has(&calibrated);
    if (is_kept) {
        lasting_flags &= ~FLAG_BIT(FLAG_CALIBRATION_UNSAVED);
    }
    accept_if(is_kept, "the EEPROM reads otherwise");
}

void adjusted_if(bool is_done) {
    if (is_done) {
        lasting_flags |= FLAG_BIT(FLAG_CALIBRATION_UNSAVED);
    }
    accept_if(is_done, "the correction is too large");
}

void obey(const struct order &order) {
    if (order.kind == ORDER_DAMAGED) {
        order_text[0] = '\0';
        refuse("damaged");
        return;
    }
    heard_ms = millis();
    switch (order.kind) {
    case ORDER_HOST:
        accept();
        break;
    case ORDER_ACKNOWLEDGE:
        alarms_acknowledge(&state);
        accept();
        break;
    case ORDER_LOG:
        begin_telling(TELL_ALARMS);
        break;
    case ORDER_CAL_SHOW:
        begin_telling(TELL_CALIBRATION);
        break;
    case ORDER_CAL_CELL:
        adjusted_if(calibrate_cell(&calibrated, &last.counts, order.cell, order.millivolts));
        break;
    case ORDER_CAL_PACK:
        adjusted_if(calibrate_pack(&calibrated, &last.counts, order.millivolts));
        break;
    case ORDER_CAL_ZERO:
        adjusted_if(calibrate_zero(&calibrated, &last.counts));
        break;
    case ORDER_CAL_SAVE:
        is_saving = storage_save(&calibrated);
        if (!is_saving) {
            refuse("still writing");
        }
        break;
    case ORDER_DAMAGED:
    case ORDER_UNKNOWN:
    default:
        refuse("unknown");
        break;
    }
}

/* Takes one letter of an order; true when it ended one. */
bool take_letter(char letter) {
    if (letter == '\n') {
        order_text[order_length] = '\0';
        return (order_length > 0U) || is_order_too_long;
    }
    if ((letter != '\r') && (order_length < (ORDER_BYTES - 1U))) {
        order_text[order_length] = letter;
        order_length++;
    } else if (letter != '\r') {
        is_order_too_long = true;
    } else {
        /* The end of line of a terminal. */
    }
    return false;
}

void hear_order() {
    if (is_order_too_long) {
        order_text[0] = '\0';
    }
    order_length = 0U;
    is_order_too_long = false;
    obey(order_read(order_text));
}

/* One order at a time, and none while an answer is on its way: what comes meanwhile waits in the port's buffer. */
void hear() {
    bool has_ended = false;
    const bool is_busy = is_saving || (told != TELL_NOTHING) || is_report_due || !is_free(host);
    while (!is_busy && !has_ended && (Serial.available() > 0)) {
        has_ended = take_letter(static_cast<char>(Serial.read()));
    }
    if (has_ended) {
        hear_order();
    }
    finish_saving();
    tasks_ran |= TASK_HEARD;
}

/* Once for each press: a button that is held, or stuck, does not go on acknowledging. */
void watch_button() {
    static uint32_t released_ms = 0U;
    static bool is_taken = false;
    const uint32_t now_ms = millis();
    if (digitalRead(PIN_ACKNOWLEDGE) == HIGH) {
        released_ms = now_ms;
        is_taken = false;
    } else if (!is_taken && ((uint32_t)(now_ms - released_ms) >= DEBOUNCE_MS)) {
        is_taken = true;
        alarms_acknowledge(&state);
    } else {
        /* Bouncing, or held. */
    }
}

void show() {
    const uint32_t now_ms = millis();
    const struct signals signals = signals_at(condition_of(&state, flags_now()), now_ms);
    const bool is_lamp_test = now_ms < LAMP_TEST_MS;
    digitalWrite(PIN_LED_OK, signals.is_ok_lit || is_lamp_test);
    digitalWrite(PIN_LED_WARN, signals.is_warn_lit || is_lamp_test);
    digitalWrite(PIN_LED_ALARM, signals.is_alarm_lit || is_lamp_test);
    digitalWrite(PIN_BUZZER, signals.is_buzzing);
    tasks_ran |= TASK_SHOWN;
}

void store() {
    storage_step();
#if SD_LOG
    sd_card_step();
#endif
    tasks_ran |= TASK_STORED;
}

/* A task that hangs or is forgotten stops the dead-man pin at once, and resets the board after a second. */
void feed_if_all_ran() {
    if (tasks_ran != TASK_ALL) {
        return;
    }
    tasks_ran = 0U;
    wdt_reset();
    digitalWrite(PIN_HEARTBEAT, digitalRead(PIN_HEARTBEAT) == LOW);
}

void begin_pins() {
    pinMode(PIN_LED_OK, OUTPUT);
    pinMode(PIN_LED_WARN, OUTPUT);
    pinMode(PIN_LED_ALARM, OUTPUT);
    pinMode(PIN_BUZZER, OUTPUT);
    pinMode(PIN_HEARTBEAT, OUTPUT);
    pinMode(PIN_ACKNOWLEDGE, INPUT_PULLUP);
}

void add_marks_to_reset_cause() {
    const uint8_t taken = (reset_cause == 0U) ? CAUSE_TAKEN : 0U;
    const uint8_t warm = (warm_mark == WARM_MARK) ? CAUSE_WARM : 0U;
    reset_cause = (uint8_t)(reset_cause | taken | warm);
    warm_mark = WARM_MARK;
}

void say_started() {
    struct line line;
    /* A reset may have cut a line in two: its half ends here and fails its CRC, instead of spoiling this line. */
    const bool is_parted = (Serial.write("\r\n") == 2U) && (Serial1.write("\r\n") == 2U);
    lasting_flags |= is_parted ? 0U : FLAG_BIT(FLAG_LINE_DROPPED);
    line_begin(&line, "BOOT,1,");
    line_hex(&line, reset_cause);
    line_text(&line, ",UNKNOWN");
    finish(line);
    send(logger, line);
    keep(line);
}

} // namespace

void setup() {
    wdt_enable(WDTO_1S);
    add_marks_to_reset_cause();
    scan_begin();
    begin_pins();
    Serial.begin(BAUD);
    Serial1.begin(BAUD);
    storage_begin(&calibrated);
#if SD_LOG
    sd_card_begin();
#endif
    say_started();
}

void loop() {
    measure();
    send_report();
    tell();
    hear();
    watch_button();
    show();
    store();
    run_ports();
    feed_if_all_ran();
}
