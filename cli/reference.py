"""Makes docs/cli.md from the commands themselves: `python -m cli.reference > docs/cli.md`."""

import sys
from collections.abc import Iterator
from typing import Any

import typer

from cli.exits import MEANINGS
from cli.main import app

_HEAD = """# The command line

Generated from the code (`python -m cli.reference > docs/cli.md`); a test holds the two together. Everything
here is a promise to scripts: names, options, exit codes and the keys of every `--json` form.

`RUN` is a run's folder, its id, or `last`; `observe` and `status` also take `tcp://HOST:PORT`. Settings come from
`orchestra.toml` in the present folder, then from `ORCHESTRA_…` variables; an unknown key is an error. `NO_COLOR` and narrow terminals are
respected; progress and errors go to standard error, results to standard output.
"""

_JSON = """## `--json` forms

One object a line, UTF-8.

| command | keys |
| --- | --- |
| `run`, `resume` | `run`, `done`, `files`, `decide` (what a person must decide, or null) |
| `history` | `run`, `scenario`, `began`, `took_s`, `tasks`, `accepted`, `entries`, `stands` |
| `show` | `run`, `at`, `recorded_ns`, `tasks` (each `task`, `agent`, `state`, `attempt`, `rejections`, `losses`, `instance`, `waits_for`, `note`, `artifacts`) |
| `recovery` | `task`, `attempt`, `kind`, `reason`, `agent`, `failed_at`, `way` (null: nothing so far), `next_agent`, `outcome` (`open`, `helped`, `failed again`, `left out`, `escalated`, `given up`), `decision`, `decided_by`, `answered_at`, `ended_at` (0: not so far), `took_s` (or null) |
| `recovery --all` | `runs`, `unread`, `failures`, `tasks`, `accepted`, `error_rate`, `troubled`, `alone`, `share_alone`, `ways` (each `way`, `helped`, `tried`, `share`) |
| `replay` | `agent`, `same`, `not_sent`; on a difference one object: `agent`, `sequence`, `cause`, `reason`, `diff` |
| `inbox` | `id`, `short`, `run`, `kind`, `from`, `task`, `question`, `options`, `asked_ns`, `due_ns` (or null), `standing` (`open`, `settled`, `lapsed`, `withdrawn`), `settled` (null, or `person`, `choice`, `text`, `said_ns`, `sequence`) |
| `answer`, `approve`, `reject` | `run`, `id`, `choice`, `person`, `text`, `sequence`, `said_ns`, `new` (false: it was said before), `running` |
| `cancel` | `run`, `task`, `person`, `reason`, `sequence`, `said_ns`, `new`, `running` |
| `observe` | `sequence`, `recorded_ns`, `topic`, `id`, `sender`, `recipient`, `type`, `task`, `attempt`, `cause`, `said` |
| `status` | `run`, `live`, `head`, `up_s`, `topics`, `sessions`; of a live run also `epoch`, `pid`, `refused`, `denied`, `conflicts`, `trouble`, `inboxes`, `cast` |
| `audit show` | as `observe`; a verdict also `judged`, `decision`, `reason`, `gates` |
| `audit verify` | `run`, `good`, `entries`, `read`, `sealed`, `unsealed`, `seals`, `signed`, `pruned`, `first_bad`, `reason`, `stamps` |
| `keys show` | `name`, `kind`, `public`, `secret_here`, `hears` |
| `cache stats` | `folder`, `limit_bytes`, `hit_rate` (null before the first look-up), `entries`, `bytes`, `hits`, `misses`, `dropped`, `oldest_s`, `newest_s` (null when empty), `agents` |
| `chat` | each line: `run`, `turn`, `agent`, `skill`, `line`, `decision` (`pass` or `left-out`), `reason`, `answer`, `values` (by name), `artifacts` (each `path`, `sha256`), `files` (where they were written), `attempt` (null where left out), `sequence`, `new` (false: of an earlier life) |
| `memory list`, `memory forget` | `id`, `project`, `kind` (`fact`, `progress`), `key`, `value`, `count`, `first`, `last`, `contradicts` (ids), `sources` (each `run`, `task`, `agent`, `message`, `sequence`, `accepted`; the latest five), `age_s` |
| `cache why` | `key`, `agent`, `run`, `task`, `uses`, `max_age_s`, `age_s`, `usable`, `reason`, `components` (each a list that begins with its name) |
| `device monitor`, `device replay` | each line: `at_ns`, `device`, `protocol`, `pack` (its address, or null for a device alone), `age_s` (null: nothing measured so far), `alarms` (null: it does not tell), `readings` (each `name`, `unit`, `value` (null when absent), `quality`, `reasons`); of `monitor` also `counts` (`frames`, `refused`, `timeouts`, `junk_bytes`) |
| `device scan` | `port`, `protocol` (null: nothing was found there), `reason` (why not, or null); where something was, also `baud` (null: the server's), `address`, `model`, `cells`, `volts` (each null where it is not told), `command` |
| `device info` | `protocol`, `baud`, `wires`, `asked` (false: it talks by itself), `emulated` |
| `costs` | `run`, `by`, `usd` (null when a price is unknown), `usd_known`, `unpriced_calls`, `rows` |
| `agents list`, `agents show` | `name`, `description`, `tools`, `model`, `tier`, `rationale`, `team`, `skills`, `accepts`, `leads`, `max_age_s`, `other_keys`, `takes_part_as`, `led_by` (or null), `answers_to`, `leads_agents`, `sends`, `hears`, `file`; `show` also `role` |
| `agents check` | `file`, `line`, `level` (`error`, `warning`, `note`), `what`, `way_out` |
| `validate` | `file`, `valid`, `code`, `line`, `column`, `reason` |
| `doctor` | `name`, `is_there`, `found`, `fix`, `is_needed` |
"""  # fmt: skip


def reference() -> str:
    """Return the reference as Markdown."""
    parts = [_HEAD, _exits()]
    parts += [
        "\n".join(_section(path, command)) for path, command in _commands(typer.main.get_command(app), "orchestra")
    ]
    return "\n".join([*parts, _JSON])


def _exits() -> str:
    rows = [f"| {int(code)} | {meaning} |" for code, meaning in MEANINGS.items()]
    return "\n".join(["## Exit codes", "", "| code | meaning |", "| --- | --- |", *rows, ""])


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, child in getattr(command, "commands", {}).items():
        if getattr(child, "commands", None):
            yield from _commands(child, f"{path} {name}")
        else:
            yield f"{path} {name}", child


def _section(path: str, command: Any) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    usage = " ".join([path, *(_usage(argument) for argument in arguments)])
    yield f"## `{usage}`"
    yield ""
    yield " ".join((command.help or "").split("\n\n")[0].split())
    for paragraph in (command.help or "").split("\n\n")[1:]:
        yield ""
        yield " ".join(paragraph.split())
    yield ""
    if options:
        yield "| option | meaning | default |"
        yield "| --- | --- | --- |"
        for option in options:
            names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
            yield f"| {names} | {option.help or ''} | {_default(option)} |"
        yield ""


def _usage(argument: Any) -> str:
    name = argument.metavar or str(argument.name).upper()
    return name if argument.required else f"[{name}]"


def _default(option: Any) -> str:
    if option.required:
        return "required"
    return "" if option.default in (None, False, "") else f"`{option.default}`"


if __name__ == "__main__":
    sys.stdout.write(reference())
