/* Pins of the Arduino Mega 2560. Made from the requirements of a pack; change those and make it again. */
#ifndef PINS_H
#define PINS_H

#define PIN_SELECT_0 22  /* cell number, bit 0: 74HC154N A */
#define PIN_SELECT_1 23  /* cell number, bit 1: 74HC154N B */
#define PIN_SELECT_2 24  /* cell number, bit 2: 74HC154N C */
#define PIN_SELECT_3 25  /* cell number, bit 3: 74HC154N D */
#define PIN_CONNECT_STACK 26  /* enables the decoder: 74HC154N G1, over a transistor */
#define PIN_CONNECT_ADC 27  /* closes the transfer relay: transfer relay, its diodes in series, 470 Ω, to GND */
#define PIN_LED_OK 30  /* green light: LED, 330 Ω */
#define PIN_LED_WARN 31  /* yellow light: LED, 330 Ω */
#define PIN_LED_ALARM 32  /* red light: LED, 330 Ω */
#define PIN_BUZZER 33  /* sound: buzzer over a transistor */
#define PIN_ACKNOWLEDGE 34  /* acknowledge button: button to GND */
#define PIN_HEARTBEAT 35  /* heartbeat: charge pump of the dead-man circuit */
#define ADC_CELL A0  /* one cell: transfer relay */
#define ADC_PACK A1  /* whole pack: divider 16 : 1 */
#define ADC_SHUNT A2  /* current, fine: INA240A1 OUT */
#define ADC_HALL A3  /* current, wide: HASS-300-S OUT */
#define ADC_TEMPERATURE_0 A4  /* temperature 1: string A, sensor 1 */
#define ADC_TEMPERATURE_1 A5  /* temperature 2: string A, sensor 2 */
#define ADC_TEMPERATURE_2 A6  /* temperature 3: string A, sensor 3 */
#define ADC_TEMPERATURE_3 A7  /* temperature 4: string A, sensor 4 */
#define ADC_TEMPERATURE_4 A8  /* temperature 5: string B, sensor 1 */
#define ADC_TEMPERATURE_5 A9  /* temperature 6: string B, sensor 2 */
#define ADC_TEMPERATURE_6 A10  /* temperature 7: string B, sensor 3 */
#define ADC_TEMPERATURE_7 A11  /* temperature 8: string B, sensor 4 */
#define ADC_KNOWN_REFERENCE A12  /* known reference: LM4040-2.5 */

#endif
