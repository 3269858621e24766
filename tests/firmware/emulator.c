/* The board of the battery monitor around an emulated ATmega2560, driven by orders on standard input, one a line:

     cell N MV      voltage of cell N (from 1)         stuck N    the multiplexer shows cell N only; 0: all again
     adc N MV       voltage at analog input N          open N     the wire of cell N is open
     say TEXT       to the serial port of the host     press, release    the acknowledge button
     run MS         simulated milliseconds             reset      as the reset button does
     now            tells how far it has come          pace       from now on not faster than real time
     card KIND PATH puts an SD card in, see card.h     pull       takes it out
     cut            the power goes in the middle of the next block that is written to the card

   With "pty" as its second argument the port of the host is also a pty, whose path it tells: "pty PATH".
   Tells, with the simulated milliseconds before each: "line TEXT" from the host's port, "pin NAME 0|1", and
   "fault TEXT" for what must never be: stack and converter connected to the capacitor at once. */
#include <fcntl.h>
#include <pty.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "avr_adc.h"
#include "avr_ioport.h"
#include "avr_spi.h"
#include "avr_uart.h"
#include "card.h"
#include "sim_avr.h"
#include "sim_elf.h"

#define CONNECT_STACK 0x10
#define CONNECT_ADC 0x20
#define ADMUX 0x7C
#define ADCSRB 0x7B
#define SPCR 0x4C
#define SPSR 0x4D
#define SPDR 0x4E

static avr_t *avr;
static avr_adc_t *adc;
static avr_irq_t *host_input;
static int cells_mv[16], inputs_mv[16], is_open[16];
static int stuck, capacitor_mv, relays;
static char line[512];
static size_t line_length;
static char said[512];
static size_t said_length, said_next;
static avr_cycle_count_t next_letter;
static int port = -1;
static int is_paced;
static struct timespec paced_from;
static unsigned long paced_ms;

static unsigned long now_ms(void) { return (unsigned long)(avr->cycle / (avr->frequency / 1000)); }

static void relays_moved(struct avr_irq_t *irq, uint32_t value, void *unused) {
    (void)irq, (void)unused;
    relays = (int)value;
    int cell = stuck ? stuck - 1 : relays & 15;
    if ((relays & CONNECT_STACK) && (relays & CONNECT_ADC))
        printf("%lu fault stack and converter are both connected\n", now_ms());
    if ((relays & CONNECT_STACK) && !is_open[cell]) capacitor_mv = cells_mv[cell];
}

/* Driving the converter's pin low is what empties the capacitor. */
static void direction_moved(struct avr_irq_t *irq, uint32_t value, void *unused) {
    (void)irq, (void)unused;
    if ((value & 1) && (relays & CONNECT_ADC)) capacitor_mv = 0;
}

static void pin_moved(struct avr_irq_t *irq, uint32_t value, void *name) {
    (void)irq;
    printf("%lu pin %s %u\n", now_ms(), (const char *)name, value & 1);
}

/* simavr keeps eight voltages, so the channels from 8 on share the last slot. */
static void conversion_begins(struct avr_irq_t *irq, uint32_t value, void *unused) {
    (void)irq, (void)value, (void)unused;
    int channel = (avr->data[ADMUX] & 7) | ((avr->data[ADCSRB] & 8) ? 8 : 0);
    int mv = channel == 0 ? ((relays & CONNECT_ADC) ? capacitor_mv : 0) : inputs_mv[channel];
    adc->adc_values[channel > 7 ? 7 : channel] = (uint16_t)mv;
}

/* What nobody fetches from a full pty is lost, as on a wire. */
static void letter_came(struct avr_irq_t *irq, uint32_t value, void *unused) {
    (void)irq, (void)unused;
    const uint8_t letter = (uint8_t)value;
    if (port >= 0 && write(port, &letter, 1) != 1) tcflush(port, TCOFLUSH);
    if (value == '\n' || line_length == sizeof line - 1) {
        line[line_length] = 0;
        printf("%lu line %s\n", now_ms(), line);
        line_length = 0;
    } else if (value != '\r') {
        line[line_length++] = (char)value;
    }
}

static void card_asked(struct avr_irq_t *irq, uint32_t value, void *unused) {
    (void)irq, (void)unused;
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_SPI_GETIRQ(0), SPI_IRQ_INPUT),
                  card_exchange((uint8_t)value, now_ms()));
}

/* simavr takes 100 us for a byte at any clock, which no scan would bear: its timer is set to what SPCR says. */
static void byte_begins(struct avr_t *unused, avr_io_addr_t address, uint8_t value, void *spi) {
    static const unsigned dividers[] = {4, 16, 64, 128};
    const unsigned cycles = 8 * dividers[avr->data[SPCR] & 3] / (avr->data[SPSR] & 1 ? 2 : 1);
    (void)unused, (void)address, (void)value;
    for (avr_cycle_timer_slot_p slot = avr->cycle_timers.timer; slot; slot = slot->next)
        if (slot->param == spi) {
            avr_cycle_timer_register(avr, cycles, slot->timer, spi);
            break;
        }
}

static void card_selected(struct avr_irq_t *irq, uint32_t value, void *unused) {
    (void)irq, (void)unused;
    card_select(!(value & 1));
}

static void watch(char port, int pin, const char *name) {
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ(port), pin), pin_moved, (void *)name);
}

static void connect_board(void) {
    for (avr_io_t *io = avr->io_port; io; io = io->next)
        if (io->kind && !strcmp(io->kind, "adc")) adc = (avr_adc_t *)io;
        else if (io->kind && !strcmp(io->kind, "spi")) avr_register_io_write(avr, SPDR, byte_begins, io);
    for (int mode = 32; mode < 40; mode++) adc->muxmode[mode].src = 7;
    uint32_t flags = 0;
    avr_ioctl(avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
    flags &= ~(uint32_t)AVR_UART_FLAG_STDIO;
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    avr_ioctl(avr, AVR_IOCTL_UART_SET_FLAGS('1'), &flags);
    host_input = avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), letter_came, 0);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_OUT_TRIGGER), conversion_begins, 0);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('A'), IOPORT_IRQ_REG_PORT), relays_moved, 0);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('F'), IOPORT_IRQ_DIRECTION_ALL),
                            direction_moved, 0);
    watch('C', 7, "ok"), watch('C', 6, "warn"), watch('C', 5, "alarm"), watch('C', 4, "buzzer");
    watch('C', 2, "heartbeat");
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_SPI_GETIRQ(0), SPI_IRQ_OUTPUT), card_asked, 0);
    avr_irq_register_notify(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('B'), 0), card_selected, 0);
}

/* The next letter for the board, -1 while there is none. */
static int next_said(void) {
    uint8_t letter;
    if (said_next < said_length) return (uint8_t)said[said_next++];
    return port >= 0 && read(port, &letter, 1) == 1 ? letter : -1;
}

static int run(long ms) {
    const avr_cycle_count_t end = avr->cycle + (avr_cycle_count_t)ms * (avr->frequency / 1000);
    while (avr->cycle < end) {
        int state = avr_run(avr);
        if (state == cpu_Done || state == cpu_Crashed) return 0;
        if (avr->cycle >= next_letter) {
            int letter = next_said();
            if (letter >= 0) avr_raise_irq(host_input, (uint32_t)letter);
            next_letter = avr->cycle + avr->frequency / 5000;
        }
    }
    return 1;
}

static void keep_pace(void) {
    const unsigned long ms = now_ms() - paced_ms;
    struct timespec due = paced_from;
    due.tv_sec += (time_t)(ms / 1000);
    due.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (due.tv_nsec >= 1000000000L) due.tv_sec++, due.tv_nsec -= 1000000000L;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

static void pace(void) {
    is_paced = 1;
    paced_ms = now_ms();
    clock_gettime(CLOCK_MONOTONIC, &paced_from);
}

/* The other side stays open here as well: else nobody could open it a second time. */
static int open_port(void) {
    int other;
    char path[128];
    struct termios raw;
    if (openpty(&port, &other, path, NULL, NULL) != 0 || tcgetattr(other, &raw) != 0) return 0;
    cfmakeraw(&raw);
    if (tcsetattr(other, TCSANOW, &raw) != 0 || fcntl(port, F_SETFL, O_NONBLOCK) != 0) return 0;
    printf("0 pty %s\n", path);
    return 1;
}

/* As an outside pull too: simavr takes the pull-up for the pin's level at each write to the port. */
static void press(int is_pressed) {
    avr_ioport_external_t pull = {.name = 'C', .mask = 1 << 3, .value = is_pressed ? 0 : 1 << 3};
    avr_ioctl(avr, AVR_IOCTL_IOPORT_SET_EXTERNAL('C'), &pull);
    avr_raise_irq(avr_io_getirq(avr, AVR_IOCTL_IOPORT_GETIRQ('C'), 3), is_pressed ? 0 : 1);
}

static int obey(char *order) {
    int number, mv;
    long ms;
    char kind[16], path[400];
    order[strcspn(order, "\n")] = 0;
    if (sscanf(order, "cell %d %d", &number, &mv) == 2) cells_mv[(number - 1) & 15] = mv;
    else if (sscanf(order, "adc %d %d", &number, &mv) == 2) inputs_mv[number & 15] = mv;
    else if (sscanf(order, "open %d", &number) == 1) is_open[(number - 1) & 15] = 1;
    else if (sscanf(order, "stuck %d", &number) == 1) stuck = number;
    else if (!strcmp(order, "press") || !strcmp(order, "release")) press(order[0] == 'p');
    else if (!strcmp(order, "reset")) avr_reset(avr);
    else if (!strcmp(order, "now")) printf("%lu now\n", now_ms());
    else if (!strcmp(order, "pace")) pace();
    else if (!strcmp(order, "pull")) card_pull();
    else if (!strcmp(order, "cut")) card_cut();
    else if (sscanf(order, "card %15s %399s", kind, path) == 2) return card_insert(kind, path);
    else if (!strncmp(order, "say ", 4)) {
        said_length = (size_t)snprintf(said, sizeof said, "%s\n", order + 4);
        said_next = 0;
    } else if (sscanf(order, "run %ld", &ms) == 1) {
        const int is_alive = run(ms);
        if (is_paced) keep_pace();
        return is_alive;
    }
    else return 0;
    return 1;
}

int main(int count, char **arguments) {
    static elf_firmware_t firmware;
    char order[600];
    if (count < 2 || count > 3 || elf_read_firmware(arguments[1], &firmware) != 0) return 2;
    avr = avr_make_mcu_by_name("atmega2560");
    if (!avr) return 2;
    avr_init(avr);
    avr->log = LOG_NONE;
    avr->frequency = 16000000;
    avr->vcc = avr->avcc = 5000;
    avr->aref = 4096;
    avr_load_firmware(avr, &firmware);
    connect_board();
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (count == 3 && (strcmp(arguments[2], "pty") || !open_port())) return 2;
    press(0);
    while (fgets(order, sizeof order, stdin))
        if (!obey(order)) {
            printf("%lu fault cannot do: %s\n", now_ms(), order);
            return 1;
        }
    return 0;
}
