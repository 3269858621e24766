/* What a build may have besides. Nothing of an option that is off is in the program. */
#ifndef OPTIONS_H
#define OPTIONS_H

/* 1: the lines are also kept on an SD card at the SPI pins 50 to 52. The card is used raw: it is no file system. */
#define SD_LOG 0

#define SD_SELECT_PIN 53  /* chip select of the card */
#define SD_LOG_BLOCKS 3500000UL  /* of 512 bytes: for a card of 2 GB or more, three weeks of lines */

#if (SD_LOG_BLOCKS < 16) || (SD_LOG_BLOCKS > 8388607)
#error "SD_LOG_BLOCKS is 16 to 8388607: an old card is addressed by bytes, of which 32 bits reach 4 GB"
#endif

#endif
