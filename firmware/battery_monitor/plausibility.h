/* Whether readings can be true: ends of the converter, open wires, a stuck multiplexer, values that do not move. */
#ifndef PLAUSIBILITY_H
#define PLAUSIBILITY_H

#include "readings.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How long a count has been the same, and how far its witness has moved meanwhile. All zero to begin with. */
struct stillness {
    uint16_t count;
    uint16_t times;
    uint16_t witness_lowest;
    uint16_t witness_highest;
};

struct history {
    struct stillness cells[CELL_COUNT];
    struct stillness shunt;
    struct stillness hall;
    struct stillness temperatures[TEMPERATURE_COUNT];
};

/* Takes one more count. True when it was the same STUCK_SAMPLES times while the witness moved: standing still alone
   proves nothing, since a resting pack is still. */
bool is_stuck(struct stillness *stillness, uint16_t count, uint16_t witness);

/* Flags of what cannot be true; readings of open wires become absent. */
uint32_t check(struct readings *readings, const struct counts *counts, struct history *history);

/* The worse of two readings of the same thing: the only one there is, or the one nearer to its limit. */
struct reading higher_of(struct reading one, struct reading other);
struct reading lower_of(struct reading one, struct reading other);

#ifdef __cplusplus
}
#endif

#endif
