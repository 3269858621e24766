"""What an agent may send and what it hears: by its role, and by what its definition says."""

from agents.definitions.definition import Definition
from agents.teams import role_of
from bus.roles import MAY_PUBLISH, Role
from protocol.messages import MessageType as T

_HEARD_BY_THE_GATEKEEPER = T.TASK_COMPLETION  # whoever it is addressed to (`protocol.topics`)


def sent_by(definition: Definition) -> dict[T, frozenset[Role]]:
    """Return what an agent may send, and to which roles. Who calls no model tells of no call."""
    allowed = MAY_PUBLISH.get(role_of(definition), {})
    return {kind: to for kind, to in allowed.items() if kind is not T.MODEL_CALL or definition.model != "none"}


def heard_by(definition: Definition) -> dict[T, frozenset[Role]]:
    """Return what an agent hears, and from which roles: of what its role may be sent that which it says it accepts."""
    possible = senders_to(role_of(definition))
    return {kind: roles for kind, roles in possible.items() if not definition.accepts or kind in definition.accepts}


def senders_to(role: Role) -> dict[T, frozenset[Role]]:
    """Return what a role can hear, and from which roles."""
    return {kind: senders for kind in T if (senders := frozenset(_senders(kind, role)))}


def _senders(kind: T, role: Role) -> list[Role]:
    if kind is _HEARD_BY_THE_GATEKEEPER:
        return [sender for sender in MAY_PUBLISH if role is Role.GATEKEEPER and kind in MAY_PUBLISH[sender]]
    return [sender for sender, types in MAY_PUBLISH.items() if role in types.get(kind, ())]
