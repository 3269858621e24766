/* The measuring hardware: one scan of all channels each period, in small steps that never wait.

   A flying capacitor takes one cell after the other:
     fill    the relays of one cell connect it to the capacitor (SETTLE_MS)
     part    all relays open: no cell and converter are ever connected to each other
     settle  the capacitor is connected to the converter, then converted
     empty   the converter's pin is driven low through its series resistor, so that the next cell is not read with the
             charge of this one: an open wire reads nothing, and not its neighbour */
#ifndef SCAN_H
#define SCAN_H

#include "readings.h"

#define PERIOD_MS 250U

struct scan {
    struct counts counts;
    uint32_t begun_ms;
    bool is_late;
    bool is_silent; /* a conversion did not end */
};

/* Pins to their states at rest: everything disconnected. */
void scan_begin(void);

/* Goes on with what is due. True when a scan has just been completed, which is then in scan. */
bool scan_step(struct scan *scan);

#endif
