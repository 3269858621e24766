#include "card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 512

static FILE *image;
static int is_old, is_noise, is_cut, is_selected, is_application, is_woken, polls_left;
static unsigned long busy_ms, busy_until_ms;
static uint8_t asked[6], answers[BLOCK + 16], given[BLOCK + 2];
static int asked_count, answer_count, answer_next;
static int given_count = -2; /* -2: none is expected; -1: its token is */
static long given_at;

int card_insert(const char *kind, const char *path) {
    card_pull();
    image = fopen(path, "r+b");
    is_old = !strcmp(kind, "old");
    is_noise = !strcmp(kind, "noise");
    busy_ms = !strcmp(kind, "slow") ? 200 : !strcmp(kind, "stuck") ? 1000000 : 3;
    return image != NULL;
}

void card_pull(void) {
    if (image) fclose(image);
    image = NULL;
    is_woken = is_application = asked_count = answer_count = answer_next = 0;
    busy_until_ms = 0;
    given_count = -2;
}

void card_cut(void) { is_cut = 1; }

void card_select(int now_selected) {
    is_selected = now_selected;
    if (!is_selected) asked_count = answer_count = answer_next = 0;
}

static void say(uint8_t byte) { answers[answer_count++] = byte; }

static void say_long(uint32_t value) {
    for (int bit = 24; bit >= 0; bit -= 8) say((uint8_t)(value >> bit));
}

/* The place in the file, -1 and the error said where there is none. */
static long place_of(uint32_t argument) {
    if (fseek(image, 0, SEEK_END) != 0) return -1;
    const long place = is_old ? (long)argument : (long)argument * BLOCK;
    if (place % BLOCK == 0 && place + BLOCK <= ftell(image)) return place;
    say(place % BLOCK ? 0x20 : 0x40);
    return -1;
}

static void read_block(uint32_t argument) {
    const long place = place_of(argument);
    if (place < 0) return;
    say(0), say(0xFF), say(0xFF), say(0xFE);
    if (fseek(image, place, SEEK_SET) != 0 || fread(&answers[answer_count], 1, BLOCK, image) != BLOCK) exit(3);
    answer_count += BLOCK;
    say(0x12), say(0x34);
}

static void expect_block(uint32_t argument) {
    given_at = place_of(argument);
    if (given_at < 0) return;
    say(0);
    given_count = -1;
}

static void store(size_t count) {
    if (fseek(image, given_at, SEEK_SET) != 0 || fwrite(given, 1, count, image) != count) exit(3);
    fflush(image);
}

static void take(uint8_t in, unsigned long now_ms) {
    if (given_count < 0) {
        if (in == 0xFE) given_count = 0;
        return;
    }
    given[given_count++] = in;
    if (is_cut && given_count == BLOCK / 2 && given_at > 0) {
        store(BLOCK / 2);
        fflush(stdout);
        _exit(0);
    }
    if (given_count < BLOCK + 2) return;
    store(BLOCK);
    say(0xE5);
    busy_until_ms = now_ms + busy_ms;
    given_count = -2;
}

static void obey(void) {
    const int number = asked[0] & 0x3F, was_application = is_application;
    const uint32_t argument =
        (uint32_t)asked[1] << 24 | (uint32_t)asked[2] << 16 | (uint32_t)asked[3] << 8 | asked[4];
    is_application = 0;
    say(0xFF);
    if (number == 0 && asked[5] == 0x95) is_woken = 1, polls_left = 5, say(1);
    else if (!is_woken) answer_count = 0;
    else if (number == 8 && !is_old && asked[5] == 0x87) say(1), say_long(argument & 0xFFF);
    else if (number == 55) is_application = 1, say(polls_left > 0);
    else if (number == 41 && was_application) {
        if (polls_left && (is_old || argument & 0x40000000)) polls_left--;
        say(polls_left > 0);
    } else if (number == 58) say(polls_left > 0), say_long(is_old ? 0x80FF8000 : 0xC0FF8000);
    else if (polls_left) say(5);
    else if (number == 16 && argument == BLOCK) say(0);
    else if (number == 17) read_block(argument);
    else if (number == 24) expect_block(argument);
    else say(4);
}

uint8_t card_exchange(uint8_t in, unsigned long now_ms) {
    if (!image || !is_selected) return 0xFF;
    if (is_noise) return (uint8_t)rand();
    if (answer_next >= answer_count && now_ms < busy_until_ms) {
        if (in != 0xFF && busy_ms < 1000) printf("%lu fault the card is spoken to while it is busy\n", now_ms);
        return 0;
    }
    const uint8_t out = answer_next < answer_count ? answers[answer_next++] : 0xFF;
    if (given_count > -2) take(in, now_ms);
    else if (asked_count || (in & 0xC0) == 0x40) {
        if (asked_count == 0) answer_count = answer_next = 0;
        asked[asked_count++] = in;
        if (asked_count == 6) asked_count = 0, obey();
    }
    return out;
}
