"""The one settings type and its one loader: file, environment, then what flags override.

`orchestra.toml` in the present folder, then variables named ORCHESTRA_…; a key that is not a setting is an
error, so that a typo never becomes a default.
"""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from agents.results import MOST_BYTES
from protocol.errors import DefinitionError


def _default_cache() -> Path | None:
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    except RuntimeError:  # a user without a home
        return None
    return cache / "agent-orchestra" / "results"


def _folder_or_off(value: Any) -> Any:
    if value == "":
        raise ValueError('give a folder, or "off"')
    return None if value == "off" else value


class Settings(BaseSettings):
    """runs: the folder in which runs are kept. instances: processes that share one specialist's work.

    keys: the folder of keys. listen: tcp://HOST:PORT where runs can be reached from elsewhere, by keys only.
    anchors: files or folders elsewhere that get every seal too. authority: a time-stamp server (RFC 3161).
    sign: nothing, the recorder's seals, or every message too. name: as whom this machine goes to runs elsewhere.
    cache: the folder of kept results; None: none are kept. cache_bytes: how much they may take.
    memory: the file of the memory; "": memory.db in the folder of runs; "off": nothing is remembered.
    project: under which name it remembers; "": the name of the folder that holds the folder of runs.
    """

    model_config = SettingsConfigDict(env_prefix="ORCHESTRA_", toml_file="orchestra.toml", extra="forbid", frozen=True)

    runs: Path = Path("runs")
    instances: int = Field(default=2, ge=1, le=64)
    keys: Path = Path("keys")
    listen: str = ""
    sign: Literal["none", "seals", "messages"] = "seals"
    name: str = "observer"
    anchors: tuple[Annotated[Path, AfterValidator(Path.resolve)], ...] = ()
    authority: str = ""
    cache: Annotated[Path | None, BeforeValidator(_folder_or_off)] = Field(default_factory=_default_cache)
    cache_bytes: int = Field(default=MOST_BYTES, ge=0)
    memory: str = ""
    project: str = Field(default="", max_length=100)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load() -> Settings:
    """Return the settings.

    Raises:
        DefinitionError: a key is unknown or a value is wrong; the text names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise DefinitionError(f"orchestra.toml or ORCHESTRA_{key.upper()}: {key}: {first['msg']}") from error
    except ValueError as error:
        raise DefinitionError(f"orchestra.toml: {error}") from error
