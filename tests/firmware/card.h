/* An SD card in SPI mode, backed by a file: as strict as a card, and stricter about being spoken to while busy. */
#ifndef CARD_H
#define CARD_H

#include <stdint.h>

/* kind: "new" is addressed by blocks, "old" by bytes; "slow" is new and busy for most of a scan after each block;
   "stuck" is new and never ends being busy; "noise" answers anything. False when the file cannot be opened. */
int card_insert(const char *kind, const char *path);
void card_pull(void);

/* With the next block of text its power goes, and all power: half of the block is in the file. */
void card_cut(void);

void card_select(int is_selected);

/* One byte each way. */
uint8_t card_exchange(uint8_t in, unsigned long now_ms);

#endif
