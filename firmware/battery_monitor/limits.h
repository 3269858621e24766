/* Limits in mV, mA, tenths of a degree and ms. Made from the requirements of a pack; change those and make it again. */
#ifndef LIMITS_H
#define LIMITS_H

#define CELL_COUNT 16
#define TEMPERATURE_COUNT 8
#define REST_CURRENT_MA 14000L
#define STUCK_SAMPLES 240  /* so many equal raw values of a noisy channel, a minute of them, are not believed */
#define HOST_SILENT_MS 10000  /* a host that says nothing for so long is reported as silent */

/* cell voltage above: warning. the charger should end here; above it the voltage rises steeply
 * practice.md, line 26: | cell-high-warn | cell voltage | warning | above | cell max | -0.15 V | -0.25 V | 2 s | LFP | the charger should end here; above it the voltage rises steeply |
 * pack.yaml, line 7: max_voltage: 3.65 V
 * practice.md, line 26: | cell-high-warn | cell voltage | warning | above | cell max | -0.15 V | -0.25 V | 2 s | LFP | the charger should end here; above it the voltage rises steeply |
 */
#define CELL_HIGH_WARN_MV 3500L
#define CELL_HIGH_WARN_CLEAR_MV 3400L
#define CELL_HIGH_WARN_DELAY_MS 2000L

/* cell voltage above: alarm. overcharge: plating, gas, fire
 * practice.md, line 28: | cell-high-alarm | cell voltage | alarm | above | cell max | 0 V | -0.20 V | 1 s | all | overcharge: plating, gas, fire |
 * pack.yaml, line 7: max_voltage: 3.65 V
 * practice.md, line 28: | cell-high-alarm | cell voltage | alarm | above | cell max | 0 V | -0.20 V | 1 s | all | overcharge: plating, gas, fire |
 */
#define CELL_HIGH_ALARM_MV 3650L
#define CELL_HIGH_ALARM_CLEAR_MV 3450L
#define CELL_HIGH_ALARM_DELAY_MS 1000L

/* cell voltage below: warning. time to shed load
 * practice.md, line 29: | cell-low-warn | cell voltage | warning | below | cell min | 0.40 V | 0.60 V | 2 s | all | time to shed load |
 * pack.yaml, line 8: min_voltage: 2.5 V
 * practice.md, line 29: | cell-low-warn | cell voltage | warning | below | cell min | 0.40 V | 0.60 V | 2 s | all | time to shed load |
 */
#define CELL_LOW_WARN_MV 2900L
#define CELL_LOW_WARN_CLEAR_MV 3100L
#define CELL_LOW_WARN_DELAY_MS 2000L

/* cell voltage below: alarm. deep discharge: copper dissolves, the next charge is dangerous
 * practice.md, line 30: | cell-low-alarm | cell voltage | alarm | below | cell min | 0 V | 0.60 V | 1 s | all | deep discharge: copper dissolves, the next charge is dangerous |
 * pack.yaml, line 8: min_voltage: 2.5 V
 * practice.md, line 30: | cell-low-alarm | cell voltage | alarm | below | cell min | 0 V | 0.60 V | 1 s | all | deep discharge: copper dissolves, the next charge is dangerous |
 */
#define CELL_LOW_ALARM_MV 2500L
#define CELL_LOW_ALARM_CLEAR_MV 3100L
#define CELL_LOW_ALARM_DELAY_MS 1000L

/* cell voltage below: alarm. a cell that low is not charged again without a person's decision
 * practice.md, line 31: | cell-failed | cell voltage | alarm | below | | 2.0 V | 2.5 V | 1 s | LFP | a cell that low is not charged again without a person's decision |
 * practice.md, line 31: | cell-failed | cell voltage | alarm | below | | 2.0 V | 2.5 V | 1 s | LFP | a cell that low is not charged again without a person's decision |
 */
#define CELL_FAILED_MV 2000L
#define CELL_FAILED_CLEAR_MV 2500L
#define CELL_FAILED_DELAY_MS 1000L

/* pack voltage above: warning. seen without the cell wires
 * practice.md, line 33: | pack-high-warn | pack voltage | warning | above | cells x cell max | -0.15 V | -0.275 V | 2 s | LFP | seen without the cell wires |
 * pack.yaml, line 7: max_voltage: 3.65 V
 * practice.md, line 33: | pack-high-warn | pack voltage | warning | above | cells x cell max | -0.15 V | -0.275 V | 2 s | LFP | seen without the cell wires |
 */
#define PACK_HIGH_WARN_MV 56000L
#define PACK_HIGH_WARN_CLEAR_MV 54000L
#define PACK_HIGH_WARN_DELAY_MS 2000L

/* pack voltage above: alarm. the second way to see an overcharge
 * practice.md, line 35: | pack-high-alarm | pack voltage | alarm | above | cells x cell max | 0 V | -0.275 V | 2 s | all | the second way to see an overcharge |
 * pack.yaml, line 7: max_voltage: 3.65 V
 * practice.md, line 35: | pack-high-alarm | pack voltage | alarm | above | cells x cell max | 0 V | -0.275 V | 2 s | all | the second way to see an overcharge |
 */
#define PACK_HIGH_ALARM_MV 58400L
#define PACK_HIGH_ALARM_CLEAR_MV 54000L
#define PACK_HIGH_ALARM_DELAY_MS 2000L

/* pack voltage below: warning. seen without the cell wires
 * practice.md, line 36: | pack-low-warn | pack voltage | warning | below | cells x cell min | 0.40 V | 0.50 V | 2 s | all | seen without the cell wires |
 * pack.yaml, line 8: min_voltage: 2.5 V
 * practice.md, line 36: | pack-low-warn | pack voltage | warning | below | cells x cell min | 0.40 V | 0.50 V | 2 s | all | seen without the cell wires |
 */
#define PACK_LOW_WARN_MV 46400L
#define PACK_LOW_WARN_CLEAR_MV 48000L
#define PACK_LOW_WARN_DELAY_MS 2000L

/* pack voltage below: alarm. the second way to see a deep discharge
 * practice.md, line 37: | pack-low-alarm | pack voltage | alarm | below | cells x cell min | 0 V | 0.50 V | 2 s | all | the second way to see a deep discharge |
 * pack.yaml, line 8: min_voltage: 2.5 V
 * practice.md, line 37: | pack-low-alarm | pack voltage | alarm | below | cells x cell min | 0 V | 0.50 V | 2 s | all | the second way to see a deep discharge |
 */
#define PACK_LOW_ALARM_MV 40000L
#define PACK_LOW_ALARM_CLEAR_MV 48000L
#define PACK_LOW_ALARM_DELAY_MS 2000L

/* cell difference at rest above: warning. an unbalanced pack, or a cell that loses charge
 * practice.md, line 38: | cell-delta-rest-warn | cell difference at rest | warning | above | | 0.05 V | 0.04 V | 10 s | all | an unbalanced pack, or a cell that loses charge |
 * practice.md, line 38: | cell-delta-rest-warn | cell difference at rest | warning | above | | 0.05 V | 0.04 V | 10 s | all | an unbalanced pack, or a cell that loses charge |
 */
#define CELL_DELTA_REST_WARN_MV 50L
#define CELL_DELTA_REST_WARN_CLEAR_MV 40L
#define CELL_DELTA_REST_WARN_DELAY_MS 10000L

/* cell difference above: warning. under load resistance shows as well
 * practice.md, line 39: | cell-delta-warn | cell difference | warning | above | | 0.15 V | 0.10 V | 10 s | all | under load resistance shows as well |
 * practice.md, line 39: | cell-delta-warn | cell difference | warning | above | | 0.15 V | 0.10 V | 10 s | all | under load resistance shows as well |
 */
#define CELL_DELTA_WARN_MV 150L
#define CELL_DELTA_WARN_CLEAR_MV 100L
#define CELL_DELTA_WARN_DELAY_MS 10000L

/* cell difference above: alarm. a weak cell or a loose terminal
 * practice.md, line 40: | cell-delta-alarm | cell difference | alarm | above | | 0.30 V | 0.20 V | 10 s | all | a weak cell or a loose terminal |
 * practice.md, line 40: | cell-delta-alarm | cell difference | alarm | above | | 0.30 V | 0.20 V | 10 s | all | a weak cell or a loose terminal |
 */
#define CELL_DELTA_ALARM_MV 300L
#define CELL_DELTA_ALARM_CLEAR_MV 200L
#define CELL_DELTA_ALARM_DELAY_MS 10000L

/* cell difference above: alarm. no cell does that: a wire is off or two are swapped
 * practice.md, line 41: | cell-delta-wiring | cell difference | alarm | above | | 1.0 V | 0.5 V | 10 s | all | no cell does that: a wire is off or two are swapped |
 * practice.md, line 41: | cell-delta-wiring | cell difference | alarm | above | | 1.0 V | 0.5 V | 10 s | all | no cell does that: a wire is off or two are swapped |
 */
#define CELL_DELTA_WIRING_MV 1000L
#define CELL_DELTA_WIRING_CLEAR_MV 500L
#define CELL_DELTA_WIRING_DELAY_MS 10000L

/* charge current above: warning. longer than the standard rate costs life
 * practice.md, line 42: | charge-current-warn | charge current | warning | above | standard current | 0 A | -15 % | 600 s | all | longer than the standard rate costs life |
 * pack.yaml, line 10: standard_current: 140 A
 * pack.yaml, line 9: max_current: 280 A
 * practice.md, line 42: | charge-current-warn | charge current | warning | above | standard current | 0 A | -15 % | 600 s | all | longer than the standard rate costs life |
 */
#define CHARGE_CURRENT_WARN_MA 140000L
#define CHARGE_CURRENT_WARN_CLEAR_MA 119000L
#define CHARGE_CURRENT_WARN_DELAY_MS 600000L

/* charge current above: alarm. beyond the rate that the cell allows
 * practice.md, line 43: | charge-current-alarm | charge current | alarm | above | charge current max | 0 A | -15 % | 10 s | all | beyond the rate that the cell allows |
 * pack.yaml, line 9: max_current: 280 A
 * practice.md, line 43: | charge-current-alarm | charge current | alarm | above | charge current max | 0 A | -15 % | 10 s | all | beyond the rate that the cell allows |
 */
#define CHARGE_CURRENT_ALARM_MA 280000L
#define CHARGE_CURRENT_ALARM_CLEAR_MA 238000L
#define CHARGE_CURRENT_ALARM_DELAY_MS 10000L

/* discharge current above: warning. longer than the standard rate costs life
 * practice.md, line 44: | discharge-current-warn | discharge current | warning | above | standard current | 0 A | -15 % | 600 s | all | longer than the standard rate costs life |
 * pack.yaml, line 10: standard_current: 140 A
 * pack.yaml, line 9: max_current: 280 A
 * practice.md, line 44: | discharge-current-warn | discharge current | warning | above | standard current | 0 A | -15 % | 600 s | all | longer than the standard rate costs life |
 */
#define DISCHARGE_CURRENT_WARN_MA 140000L
#define DISCHARGE_CURRENT_WARN_CLEAR_MA 119000L
#define DISCHARGE_CURRENT_WARN_DELAY_MS 600000L

/* discharge current above: alarm. beyond the rate that the cell allows
 * practice.md, line 45: | discharge-current-alarm | discharge current | alarm | above | discharge current max | 0 A | -15 % | 10 s | all | beyond the rate that the cell allows |
 * pack.yaml, line 9: max_current: 280 A
 * practice.md, line 45: | discharge-current-alarm | discharge current | alarm | above | discharge current max | 0 A | -15 % | 10 s | all | beyond the rate that the cell allows |
 */
#define DISCHARGE_CURRENT_ALARM_MA 280000L
#define DISCHARGE_CURRENT_ALARM_CLEAR_MA 238000L
#define DISCHARGE_CURRENT_ALARM_DELAY_MS 10000L

/* current of either sign above: alarm. a short circuit that no fuse has ended yet
 * practice.md, line 46: | current-surge-alarm | current of either sign | alarm | above | 2 x current max | 0 A | -50 % | 0 s | all | a short circuit that no fuse has ended yet |
 * pack.yaml, line 9: max_current: 280 A
 * practice.md, line 46: | current-surge-alarm | current of either sign | alarm | above | 2 x current max | 0 A | -50 % | 0 s | all | a short circuit that no fuse has ended yet |
 */
#define CURRENT_SURGE_ALARM_MA 560000L
#define CURRENT_SURGE_ALARM_CLEAR_MA 280000L
#define CURRENT_SURGE_ALARM_DELAY_MS 0L

/* temperature while charging below: warning. the cell takes a small current only
 * practice.md, line 47: | charge-cold-warn | temperature while charging | warning | below | charge temperature min | 5 °C | 7 °C | 5 s | all | the cell takes a small current only |
 * practice.md, line 47: | charge-cold-warn | temperature while charging | warning | below | charge temperature min | 5 °C | 7 °C | 5 s | all | the cell takes a small current only |
 */
#define CHARGE_COLD_WARN_DC 50L
#define CHARGE_COLD_WARN_CLEAR_DC 70L
#define CHARGE_COLD_WARN_DELAY_MS 5000L

/* temperature while charging below: alarm. charging below 0 °C plates lithium: forbidden, and said at once
 * practice.md, line 48: | charge-cold-alarm | temperature while charging | alarm | below | charge temperature min | 0 °C | 2 °C | 0 s | all | charging below 0 °C plates lithium: forbi…
 * practice.md, line 48: | charge-cold-alarm | temperature while charging | alarm | below | charge temperature min | 0 °C | 2 °C | 0 s | all | charging below 0 °C plates lithium: forbi…
 */
#define CHARGE_COLD_ALARM_DC 0L
#define CHARGE_COLD_ALARM_CLEAR_DC 20L
#define CHARGE_COLD_ALARM_DELAY_MS 0L

/* temperature while charging above: warning. the cell takes less current from here
 * practice.md, line 49: | charge-hot-warn | temperature while charging | warning | above | charge temperature max | 45 °C | 43 °C | 5 s | all | the cell takes less current from here |
 * practice.md, line 49: | charge-hot-warn | temperature while charging | warning | above | charge temperature max | 45 °C | 43 °C | 5 s | all | the cell takes less current from here |
 */
#define CHARGE_HOT_WARN_DC 450L
#define CHARGE_HOT_WARN_CLEAR_DC 430L
#define CHARGE_HOT_WARN_DELAY_MS 5000L

/* temperature while charging above: alarm. five kelvin below what cells of this kind allow
 * practice.md, line 50: | charge-hot-alarm | temperature while charging | alarm | above | charge temperature max | 55 °C | 50 °C | 5 s | all | five kelvin below what cells of this kin…
 * practice.md, line 50: | charge-hot-alarm | temperature while charging | alarm | above | charge temperature max | 55 °C | 50 °C | 5 s | all | five kelvin below what cells of this kin…
 */
#define CHARGE_HOT_ALARM_DC 550L
#define CHARGE_HOT_ALARM_CLEAR_DC 500L
#define CHARGE_HOT_ALARM_DELAY_MS 5000L

/* temperature below: warning. little capacity left
 * practice.md, line 51: | discharge-cold-warn | temperature | warning | below | discharge temperature min | -10 °C | -8 °C | 5 s | all | little capacity left |
 * practice.md, line 51: | discharge-cold-warn | temperature | warning | below | discharge temperature min | -10 °C | -8 °C | 5 s | all | little capacity left |
 */
#define DISCHARGE_COLD_WARN_DC (-100L)
#define DISCHARGE_COLD_WARN_CLEAR_DC (-80L)
#define DISCHARGE_COLD_WARN_DELAY_MS 5000L

/* temperature below: alarm. ten kelvin above what cells of this kind allow
 * practice.md, line 52: | discharge-cold-alarm | temperature | alarm | below | discharge temperature min | -20 °C | -15 °C | 5 s | all | ten kelvin above what cells of this kind allow…
 * practice.md, line 52: | discharge-cold-alarm | temperature | alarm | below | discharge temperature min | -20 °C | -15 °C | 5 s | all | ten kelvin above what cells of this kind allow…
 */
#define DISCHARGE_COLD_ALARM_DC (-200L)
#define DISCHARGE_COLD_ALARM_CLEAR_DC (-150L)
#define DISCHARGE_COLD_ALARM_DELAY_MS 5000L

/* temperature above: warning. ageing doubles about every ten kelvin
 * practice.md, line 53: | discharge-hot-warn | temperature | warning | above | discharge temperature max | 50 °C | 48 °C | 5 s | all | ageing doubles about every ten kelvin |
 * practice.md, line 53: | discharge-hot-warn | temperature | warning | above | discharge temperature max | 50 °C | 48 °C | 5 s | all | ageing doubles about every ten kelvin |
 */
#define DISCHARGE_HOT_WARN_DC 500L
#define DISCHARGE_HOT_WARN_CLEAR_DC 480L
#define DISCHARGE_HOT_WARN_DELAY_MS 5000L

/* temperature above: alarm. the end of what cells of this kind allow
 * practice.md, line 54: | discharge-hot-alarm | temperature | alarm | above | discharge temperature max | 60 °C | 55 °C | 5 s | all | the end of what cells of this kind allow |
 * practice.md, line 54: | discharge-hot-alarm | temperature | alarm | above | discharge temperature max | 60 °C | 55 °C | 5 s | all | the end of what cells of this kind allow |
 */
#define DISCHARGE_HOT_ALARM_DC 600L
#define DISCHARGE_HOT_ALARM_CLEAR_DC 550L
#define DISCHARGE_HOT_ALARM_DELAY_MS 5000L

/* sum of cells against pack above: alarm. one of the two is wrong, or a cell wire is
 * practice.md, line 55: | sum-mismatch | sum of cells against pack | alarm | above | | 0.6 V | 0.3 V | 2 s | all | one of the two is wrong, or a cell wire is |
 * practice.md, line 55: | sum-mismatch | sum of cells against pack | alarm | above | | 0.6 V | 0.3 V | 2 s | all | one of the two is wrong, or a cell wire is |
 */
#define SUM_MISMATCH_MV 600L
#define SUM_MISMATCH_CLEAR_MV 300L
#define SUM_MISMATCH_DELAY_MS 2000L

/* shunt against Hall sensor above: alarm. one of the two is wrong
 * practice.md, line 56: | current-mismatch | shunt against Hall sensor | alarm | above | | 15 A | 10 A | 5 s | all | one of the two is wrong |
 * practice.md, line 56: | current-mismatch | shunt against Hall sensor | alarm | above | | 15 A | 10 A | 5 s | all | one of the two is wrong |
 */
#define CURRENT_MISMATCH_MA 15000L
#define CURRENT_MISMATCH_CLEAR_MA 10000L
#define CURRENT_MISMATCH_DELAY_MS 5000L

/* string A against string B above: warning. a sensor has come off, or a terminal is hot
 * practice.md, line 57: | temperature-mismatch | string A against string B | warning | above | | 10 °C | 8 °C | 10 s | all | a sensor has come off, or a terminal is hot |
 * practice.md, line 57: | temperature-mismatch | string A against string B | warning | above | | 10 °C | 8 °C | 10 s | all | a sensor has come off, or a terminal is hot |
 */
#define TEMPERATURE_MISMATCH_DC 100L
#define TEMPERATURE_MISMATCH_CLEAR_DC 80L
#define TEMPERATURE_MISMATCH_DELAY_MS 10000L

/* known reference against what it is above: alarm. every voltage is wrong as much as the reference is
 * practice.md, line 58: | reference-fault | known reference against what it is | alarm | above | | 0.05 V | 0.03 V | 1 s | all | every voltage is wrong as much as the reference is |
 * practice.md, line 58: | reference-fault | known reference against what it is | alarm | above | | 0.05 V | 0.03 V | 1 s | all | every voltage is wrong as much as the reference is |
 */
#define REFERENCE_FAULT_MV 50L
#define REFERENCE_FAULT_CLEAR_MV 30L
#define REFERENCE_FAULT_DELAY_MS 1000L


#endif
