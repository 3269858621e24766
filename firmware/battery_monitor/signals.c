#include "signals.h"

#define TONE_MS 100U

enum condition condition_of(const struct alarms *alarms, uint32_t flags) {
    if (alarms_in(alarms, STATE_RAISED) != 0U) {
        return CONDITION_ALARM;
    }
    if (alarms_in(alarms, STATE_HELD) != 0U) {
        return CONDITION_HELD;
    }
    if (alarms_in(alarms, STATE_ACKNOWLEDGED) != 0U) {
        return CONDITION_ACKNOWLEDGED;
    }
    if ((flags & FLAG_BIT(FLAG_UNKNOWN)) != 0U) {
        return CONDITION_UNKNOWN;
    }
    /* A monitor that has never been calibrated works within its tolerances: that alone is no reason to warn. */
    const uint32_t troubles = flags & ~FLAG_BIT(FLAG_CALIBRATION_DEFAULT);
    return ((troubles != 0U) || (alarms_shown(alarms) != 0U)) ? CONDITION_WARN : CONDITION_OK;
}

static bool blinks(uint32_t now_ms, uint32_t period_ms) { return (now_ms % period_ms) < (period_ms / 2U); }

static bool sounds(uint32_t now_ms, uint32_t period_ms) { return (now_ms % period_ms) < TONE_MS; }

struct signals signals_at(enum condition condition, uint32_t now_ms) {
    struct signals signals = {false, false, false, false};
    switch (condition) {
    case CONDITION_OK:
        signals.is_ok_lit = true;
        break;
    case CONDITION_WARN:
        signals.is_warn_lit = true;
        signals.is_buzzing = sounds(now_ms, 30000U);
        break;
    case CONDITION_ACKNOWLEDGED:
        signals.is_alarm_lit = true;
        signals.is_buzzing = sounds(now_ms, 30000U);
        break;
    case CONDITION_HELD:
        signals.is_alarm_lit = blinks(now_ms, 2000U);
        signals.is_buzzing = sounds(now_ms, 5000U);
        break;
    case CONDITION_ALARM:
        signals.is_alarm_lit = blinks(now_ms, 250U);
        signals.is_buzzing = blinks(now_ms, 1000U);
        break;
    case CONDITION_UNKNOWN:
    default:
        /* Whatever else it may be, it is not known to be well. */
        signals.is_warn_lit = blinks(now_ms, 2000U);
        signals.is_buzzing = sounds(now_ms, 10000U);
        break;
    }
    return signals;
}
