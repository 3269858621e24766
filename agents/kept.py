"""For plain functions: what they return, kept across runs."""

import inspect
import json
from collections.abc import Callable, Iterator
from functools import wraps
from hashlib import sha256
from typing import Any, Final, ParamSpec, TypeVar

import structlog

from agents.results import Kept, Missed, ResultStore
from agents.results_key import Key
from protocol.errors import SourceError

P = ParamSpec("P")
R = TypeVar("R")
_LEAVES: Final = (str, int, float, bool, type(None))


def kept(store: ResultStore, max_age_s: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator that keeps what a function returns, by its name, its source and its arguments.

    What the function reads besides its arguments, other functions included, is not in the key. What the store
    refuses is a warning, and the function is called.

    Raises:
        SourceError: its source is not there, or it takes values from around it; when called: an argument or the
            result is not made of texts, numbers, truths, None, lists and mappings by texts.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        about, signature = _about(function), inspect.signature(function)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            key = Key((*about, *_arguments(signature, bound.arguments)))
            found = _found(store, key, max_age_s)
            if found is not None:
                result: R = json.loads(found.document)
                return result
            result = function(*args, **kwargs)
            _keep(store, key, _json(result, f"what {about[0][1]} returns"), max_age_s)
            return result

        return call

    return decorate


def _about(function: Callable[..., Any]) -> tuple[tuple[str, ...], ...]:
    name = f"{function.__module__}.{function.__qualname__}"
    if getattr(function, "__closure__", None):
        raise SourceError(f"{name} takes values from around it, which no key would show; give them as arguments")
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError) as error:
        raise SourceError(f"{name} cannot be kept: its source is not there") from error
    return ("function", name), ("source", sha256(source.encode()).hexdigest())


def _arguments(signature: inspect.Signature, given: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    for name, value in given.items():
        # Only the star makes a tuple of its own accord; one that is given is refused below.
        is_star = signature.parameters[name].kind is inspect.Parameter.VAR_POSITIONAL
        yield "argument", name, _json(list(value) if is_star else value, f"the argument {name}")


def _json(value: Any, what: str) -> str:
    _check(value, what)
    try:
        return json.dumps(value, sort_keys=True, allow_nan=False)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{what} cannot be kept as JSON: {error}") from error


def _check(value: Any, what: str) -> None:
    """Refuse whatever would not come back from JSON as it went in: tuples, keys that are numbers, other types."""
    waiting = [value]
    for item in waiting:  # grows while it is read
        if type(item) is dict and all(type(key) is str for key in item):
            waiting += item.values()
        elif type(item) is list:
            waiting += item
        elif type(item) not in _LEAVES:
            raise SourceError(
                f"{what} holds a {type(item).__name__}; give texts, numbers, truths, None, lists and dicts"
            )


def _found(store: ResultStore, key: Key, max_age_s: int) -> Kept | None:
    try:
        found = store.find(key.digest, key.components[0][1], max_age_s)
        if isinstance(found, Missed):
            return None
        store.used(found)
    except SourceError as error:
        _warn(error)
        return None
    return found


def _keep(store: ResultStore, key: Key, result: str, max_age_s: int) -> None:
    name, created_ns = key.components[0][1], store.clock_ns()
    row = Kept(
        key=key.digest,
        spelled=key.spelled,
        document=result.encode(),
        agent=name,
        created_ns=created_ns,
        max_age_s=max_age_s,
    )
    try:
        store.keep(row)
    except SourceError as error:
        _warn(error)


def _warn(error: SourceError) -> None:
    structlog.get_logger().warning("a kept result is not used or not kept", reason=str(error))
