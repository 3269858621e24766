/* An SD card at the SPI pins, used raw, in small steps that never wait. Only in a build with SD_LOG. */
#ifndef SD_CARD_H
#define SD_CARD_H

#include "lines.h"

void sd_card_begin(void);

/* Takes a line for the card; false when there is no room, as the card is not ready or slower than the lines. */
bool sd_card_put(const struct line *line);

/* Goes on with what is due: a tenth of a millisecond, while a card is woken one now and then. */
void sd_card_step(void);

/* No card answers, it did not do what it was told, or it holds something else. Tried again every few seconds. */
bool sd_card_has_failed(void);

#endif
