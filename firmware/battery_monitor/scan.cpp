#include "scan.h"

#include <Arduino.h>

#include "pins.h"

namespace {

/* Longer than the slowest relay takes to open. */
const uint32_t PART_US = 1000UL;
const uint32_t FILL_US = 1000UL * SETTLE_MS;
/* Only the relay has to close here, 2 ms at most: the capacitor is charged already. */
const uint32_t SETTLE_US = 2000UL;
/* Four time constants of 2.2 uF, 220 Ohm and the relay: a fiftieth is left, far below what an open wire is told by, and
   the next cell overwrites it. A scan of 16 cells leaves no time for more in its 250 ms. */
const uint32_t EMPTY_US = 2500UL;

const uint8_t BANDGAP_CHANNEL = 0x1EU;
/* A conversion takes 104 us, a pass of the loop below a quarter of one. */
const uint16_t MOST_PASSES = 2000U;
/* Its source is weak: the data sheet wants it to settle. */
const uint8_t BANDGAP_DISCARDS = 5U;
const uint16_t NO_COUNT = 0xFFFFU;

const uint8_t OTHER_COUNT = 5U + TEMPERATURE_COUNT;
const uint8_t OTHERS_PER_CELL = (uint8_t)((OTHER_COUNT + CELL_COUNT - 1U) / CELL_COUNT);

enum phase { PHASE_WAIT, PHASE_FILL, PHASE_PART, PHASE_SETTLE, PHASE_EMPTY, PHASE_REST };

phase now_in = PHASE_WAIT;
uint32_t since_us;
uint32_t due_ms;
uint8_t cell;
uint8_t other;
scan working;

uint8_t channel_of(uint8_t pin) { return (uint8_t)(pin - A0); }

bool convert_once(uint16_t *value) {
    ADCSRA = (uint8_t)(ADCSRA | _BV(ADSC));
    for (uint16_t pass = 0U; pass < MOST_PASSES; pass++) {
        if ((ADCSRA & _BV(ADSC)) == 0U) {
            *value = ADC;
            return true;
        }
    }
    return false;
}

/* The sum of OVERSAMPLES conversions against the reference at AREF. */
uint16_t count_of(uint8_t channel, uint8_t discards) {
    uint16_t value = 0U;
    uint16_t sum = 0U;
    bool is_whole = true;
    ADCSRB = (uint8_t)((ADCSRB & (uint8_t)~_BV(MUX5)) | (((channel & 0x18U) == 0x08U) ? _BV(MUX5) : 0U));
    ADMUX = (uint8_t)(((channel & 0x10U) != 0U) ? channel : (channel & 0x07U));
    for (uint8_t discard = 0U; discard < discards; discard++) {
        is_whole = convert_once(&value) && is_whole;
    }
    for (uint8_t time = 0U; time < OVERSAMPLES; time++) {
        is_whole = convert_once(&value) && is_whole;
        sum = (uint16_t)(sum + value);
    }
    working.is_silent = working.is_silent || !is_whole;
    return is_whole ? sum : NO_COUNT;
}

/* The first conversion after a change of channel still has the charge of the channel before. */
uint16_t count_of_pin(uint8_t pin) { return count_of(channel_of(pin), 1U); }

void convert_other(uint8_t number) {
    struct counts &counts = working.counts;
    switch (number) {
    case 0U:
        counts.pack = count_of_pin(ADC_PACK);
        break;
    case 1U:
        counts.shunt = count_of_pin(ADC_SHUNT);
        break;
    case 2U:
        counts.hall = count_of_pin(ADC_HALL);
        break;
    case 3U:
        counts.known_reference = count_of_pin(ADC_KNOWN_REFERENCE);
        break;
    case 4U:
        counts.bandgap = count_of(BANDGAP_CHANNEL, BANDGAP_DISCARDS);
        break;
    default:
        counts.temperatures[number - 5U] = count_of_pin((uint8_t)(ADC_TEMPERATURE_0 + number - 5U));
        break;
    }
}

/* The time in which the capacitor fills is used for the channels that need no relay. */
void convert_others() {
    for (uint8_t time = 0U; (time < OTHERS_PER_CELL) && (other < OTHER_COUNT); time++) {
        convert_other(other);
        other++;
    }
}

void part() {
    digitalWrite(PIN_CONNECT_STACK, LOW);
    digitalWrite(PIN_CONNECT_ADC, LOW);
}

void select_cell() {
    digitalWrite(PIN_SELECT_0, (cell & 1U) != 0U);
    digitalWrite(PIN_SELECT_1, (cell & 2U) != 0U);
    digitalWrite(PIN_SELECT_2, (cell & 4U) != 0U);
    digitalWrite(PIN_SELECT_3, (cell & 8U) != 0U);
}

void enter(phase next) {
    now_in = next;
    since_us = micros();
}

void fill() {
    select_cell();
    digitalWrite(PIN_CONNECT_STACK, HIGH);
    enter(PHASE_FILL);
    convert_others();
}

void empty() {
    digitalWrite(ADC_CELL, LOW);
    pinMode(ADC_CELL, OUTPUT);
    enter(PHASE_EMPTY);
}

bool is_over(uint32_t wait_us) { return (uint32_t)(micros() - since_us) >= wait_us; }

void wait_for_period() {
    const uint32_t now_ms = millis();
    const int32_t past_ms = (int32_t)(now_ms - due_ms);
    if (past_ms < 0) {
        return;
    }
    /* Scans begin on a grid, so that a delay of one second is four scans and never five. Behind it by a whole period,
       the grid begins again, and the line says so. */
    working.is_late = past_ms >= (int32_t)PERIOD_MS;
    working.begun_ms = working.is_late ? now_ms : due_ms;
    working.is_silent = false;
    due_ms = working.begun_ms + PERIOD_MS;
    cell = 0U;
    other = 0U;
    fill();
}

/* True after the last cell. */
bool next_cell() {
    cell++;
    if (cell < CELL_COUNT) {
        fill();
        return false;
    }
    enter(PHASE_WAIT);
    return true;
}

} // namespace

void scan_begin(void) {
    part();
    pinMode(PIN_CONNECT_STACK, OUTPUT);
    pinMode(PIN_CONNECT_ADC, OUTPUT);
    pinMode(PIN_SELECT_0, OUTPUT);
    pinMode(PIN_SELECT_1, OUTPUT);
    pinMode(PIN_SELECT_2, OUTPUT);
    pinMode(PIN_SELECT_3, OUTPUT);
    due_ms = millis();
}

bool scan_step(struct scan *scan) {
    bool is_complete = false;
    switch (now_in) {
    case PHASE_FILL:
        if (is_over(FILL_US)) {
            part();
            enter(PHASE_PART);
        }
        break;
    case PHASE_PART:
        if (is_over(PART_US)) {
            digitalWrite(PIN_CONNECT_ADC, HIGH);
            enter(PHASE_SETTLE);
        }
        break;
    case PHASE_SETTLE:
        if (is_over(SETTLE_US)) {
            working.counts.cells[cell] = count_of_pin(ADC_CELL);
            empty();
        }
        break;
    case PHASE_EMPTY:
        if (is_over(EMPTY_US)) {
            pinMode(ADC_CELL, INPUT);
            part();
            enter(PHASE_REST);
        }
        break;
    case PHASE_REST:
        is_complete = is_over(PART_US) && next_cell();
        break;
    case PHASE_WAIT:
    default:
        wait_for_period();
        break;
    }
    if (is_complete) {
        *scan = working;
    }
    return is_complete;
}
