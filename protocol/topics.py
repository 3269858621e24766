"""Where a message is heard.

A topic is `inbox/type`. The inbox is the recipient's name without @, with one exception: a
task-completion goes to the gatekeeper's inbox whoever it is addressed to, because nobody may build on a
result that was not judged. `everyone` is the inbox that all agents hear.
"""

from typing import Final

EVERYONE: Final = "@everyone"
GATEKEEPER: Final = "@gatekeeper"
BROKER: Final = "@broker"
SUPERVISOR: Final = "@supervisor"
RECORDER: Final = "@recorder"
CLOCK: Final = "@clock"
TECH_LEAD: Final = "@tech-lead-orchestrator"
HUMAN: Final = "@human"
MEMORY: Final = "@memory"
DASHBOARD: Final = "@dashboard"


def inbox_of(name: str) -> str:
    """Return the inbox of an agent name: "@python-expert" hears "python-expert"."""
    return name[1:]


def topic_of(recipient: str, message_type: str) -> str:
    """Return the topic on which a message of this type to this recipient is heard."""
    heard_by = GATEKEEPER if message_type == "task-completion" else recipient
    return f"{heard_by[1:]}/{message_type}"
