/* What lamps and buzzer tell somebody who stands before the pack, with or without a host. */
#ifndef SIGNALS_H
#define SIGNALS_H

#include "alarms.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Worse ones come later. */
enum condition {
    CONDITION_OK,           /* green */
    CONDITION_WARN,         /* yellow; a short tone every 30 s */
    CONDITION_UNKNOWN,      /* yellow blinks slowly; a short tone every 10 s */
    CONDITION_ACKNOWLEDGED, /* red; a short tone every 30 s */
    CONDITION_HELD,         /* red blinks slowly; a short tone every 5 s */
    CONDITION_ALARM         /* red blinks quickly; half a second on, half a second off */
};

struct signals {
    bool is_ok_lit;
    bool is_warn_lit;
    bool is_alarm_lit;
    bool is_buzzing;
};

enum condition condition_of(const struct alarms *alarms, uint32_t flags);

struct signals signals_at(enum condition condition, uint32_t now_ms);

#ifdef __cplusplus
}
#endif

#endif
