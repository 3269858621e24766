/* Which pin of the Mega does what. */
#ifndef PINS_H
#define PINS_H

#define PIN_SELECT_0 22
#define PIN_SELECT_1 23
#define PIN_SELECT_2 24
#define PIN_SELECT_3 25
#define PIN_CONNECT_STACK 26
#define PIN_CONNECT_ADC 27

#define PIN_LED_OK 30
#define PIN_LED_WARN 31
#define PIN_LED_ALARM 32
#define PIN_BUZZER 33
#define PIN_ACKNOWLEDGE 34
#define PIN_HEARTBEAT 35

#define ADC_CELL A0
#define ADC_PACK A1
#define ADC_SHUNT A2
#define ADC_HALL A3
#define ADC_TEMPERATURE_0 A4
#define ADC_KNOWN_REFERENCE A12

#endif
