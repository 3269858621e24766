"""The bridge to battery hardware: what devices send becomes readings with a unit and a quality.

Each of these stands on those above it, and on nothing below:

- `status`, `quantities`, `link`, `decoder`: what everything here speaks of
- `protocols`: bytes to statuses, one file for each thing that is spoken
- `emulation`: batteries that are not there; `links`: the lines, that of an emulated battery among them
- `judging`: statuses to readings that say how far they can be relied on; `alarms`: what is alarming of them
- `polling`, `turns`, `line`, `recording`, `scanning`, `device_address`, `bluetooth`: a device on its line
- `watching`: the agent. `watch` is one look at a pack, `agent` one life, `process` the process around it
"""
