"""What an operator can set: sections of keys, each with its default, its bounds and its meaning."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

ENV_PREFIX = "RTAV_"


def _listed(value: object) -> object:
    """A variable holds a list as `a, b`."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _ranged(value: object) -> object:
    """A port range may be written `40000-40100`."""
    if isinstance(value, str):
        return [part.strip() for part in value.split("-")]
    return value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]
Port = Annotated[int, Field(ge=1, le=65535)]
FreePort = Annotated[int, Field(ge=0, le=65535)]
PortRange = Annotated[tuple[Port, Port], NoDecode, BeforeValidator(_ranged)]


_HOST = r"(?:[\w.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?"
_ICE_URL = {
    "stun": re.compile(rf"stuns?:{_HOST}", re.ASCII),
    "turn": re.compile(rf"turns?:{_HOST}(?:\?transport=(?:udp|tcp))?", re.ASCII),
}  # RFC 7064 and 7065: browsers throw at anything else, and no call would begin


class Section(BaseModel):
    """One `[section]`: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ServerSettings(Section):
    host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for all, then https is served too."""
    port: FreePort = 8000
    """For http; 0: any free one, the address that is printed has it."""
    https: Literal["auto", "on", "off"] = "auto"
    """auto: when a certificate is named, or other machines can reach the host."""
    https_port: FreePort = 8443
    """For https, beside http."""
    tls_cert: Path | None = None
    """Certificate chain, PEM; without one the server makes its own."""
    tls_key: Path | None = None
    """The private key that belongs to it, PEM."""
    cors_origins: Names = ("*",)
    """Web origins whose pages may call; `*`: any, they need a key all the same."""

    @model_validator(mode="after")
    def _certificate_is_whole(self) -> ServerSettings:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key belong together: set both or neither")
        return self


class IceSettings(Section):
    bind: Names = ()
    """Local addresses for media; empty: every address of this machine."""
    public: Names = ()
    """Addresses to tell callers instead, where a router or a container forwards to this machine."""
    udp_port: FreePort = 0
    """One UDP port for all calls; 0: any free one, the same for all calls of this process."""
    port_range: PortRange | None = None
    """Instead of one port: a port per call out of this range."""
    stun: Names = ()
    """STUN servers that clients are told of, `stun:host:3478`; this server itself needs none."""
    turn: Names = ()
    """TURN servers that clients are told of, `turn:host:3478` or `turns:host:5349`."""
    turn_secret: SecretStr | None = None
    """The TURN server's static-auth-secret: each client gets a login of its own that runs out."""
    turn_lifetime_s: Annotated[int, Field(ge=60, le=604_800)] = 7200
    """How long such a login can begin with, in seconds; what has begun goes on."""
    turn_username: str | None = None
    """Instead of a secret: a login that never runs out, the same for every client."""
    turn_credential: SecretStr | None = None
    """Its password."""

    @field_validator("stun", "turn")
    @classmethod
    def _urls_are_servers(cls, urls: tuple[str, ...], field: ValidationInfo) -> tuple[str, ...]:
        assert field.field_name is not None, "it is a field's validator"
        for url in urls:
            if not _ICE_URL[field.field_name].fullmatch(url):
                raise ValueError(f"{url!r} is not like {field.field_name}:host:3478")
        return urls

    @model_validator(mode="after")
    def _turn_has_one_login(self) -> IceSettings:
        static = (self.turn_username, self.turn_credential)
        if (static[0] is None) != (static[1] is None):
            raise ValueError("turn_username and turn_credential belong together")
        if self.turn_secret is not None and static[0] is not None:
            raise ValueError("turn_secret and turn_username exclude each other")
        has_login = self.turn_secret is not None or static[0] is not None
        if bool(self.turn) != has_login:
            raise ValueError("turn needs turn_secret, or turn_username and turn_credential")
        return self

    @model_validator(mode="after")
    def _range_is_a_range(self) -> IceSettings:
        if self.port_range is None:
            return self
        if self.udp_port:
            raise ValueError("udp_port and port_range exclude each other")
        if self.port_range[0] > self.port_range[1]:
            raise ValueError("port_range goes from the lower to the higher port")
        return self


class LimitSettings(Section):
    max_calls: Annotated[int, Field(ge=1)] = 24
    """One more is answered with 503 and Retry-After."""
    call_minutes: Annotated[float, Field(gt=0)] = 60.0
    """A call that has lasted this long ends."""
    setup_s: Annotated[float, Field(gt=0)] = 10.0
    """Seconds from the offer to the open event channel, at most."""
    join_s: Annotated[float, Field(gt=0)] = 60.0
    """A session made over REST waits this long for its call."""


class StorageSettings(Section):
    url: SecretStr | None = None
    """Keeps keys, sessions and usage: postgresql://…; unset: a SQLite file in the state folder."""


class AssetSettings(Section):
    dir: Path | None = None
    """Keeps uploaded files; unset: `assets` in the state folder. Servers may share it."""
    max_face_bytes: Annotated[int, Field(ge=1)] = 10_000_000
    """Of an uploaded face, archive or picture."""
    max_voice_bytes: Annotated[int, Field(ge=1)] = 20_000_000
    """Of an uploaded voice."""
    max_driving_bytes: Annotated[int, Field(ge=1)] = 10_000_000
    """Of an uploaded driving motion."""
    max_background_bytes: Annotated[int, Field(ge=1)] = 10_000_000
    """Of an uploaded background."""
    max_per_key: Annotated[int, Field(ge=0)] = 100
    """Assets of one key; 0: nothing can be uploaded."""
    max_bytes_per_key: Annotated[int, Field(ge=0)] = 500_000_000
    """All of a key's files together."""
    uploads_per_minute: Annotated[int, Field(ge=1)] = 20
    """By one key; it sends one after the other."""
    mediapipe_python: Path | None = None
    """A Python that has MediaPipe 0.10.21, to find faces in pictures; unset: this one, if it has
    it, else callers say where the face is."""


class EngineSettings(Section):
    engine: str = "auto"
    """A name that `rtav doctor` lists; auto: the best one present."""
    options: dict[str, Any] = {}  # Any: each engine has its own options and checks them
    """What the engine's own documentation names."""


class LlmSettings(EngineSettings):
    base_url: str | None = None
    """Any server that speaks the engine's API, OpenAI's unless it is `anthropic`; unset: one on
    this machine, else the demo agent."""
    api_key: SecretStr | None = None
    """The key for that server."""
    model: str | None = None
    """The model to ask it for, whatever the client names."""
    discover: bool = True
    """Look for a language model server on this machine at the start."""
    context_tokens: Annotated[int, Field(ge=1_000)] = 28_672
    """What the model may read at a time: its context less what it may answer. Older turns of a
    longer conversation are left out. OpenAI's realtime models have this much."""


class ModelSettings(Section):
    aliases: dict[str, str] = {}
    """Names for models that clients may use, and the model of the server behind each."""
    strict: bool = False
    """A model that is not listed is an error; else the server's own answers for it."""


class McpSettings(Section):
    allowed_hosts: Names = ("*",)
    """Where MCP servers may be: `*` any public host by https; others named, as `10.0.0.5:9000`."""
    call_s: Annotated[float, Field(gt=0, le=600)] = 60.0
    """Seconds until a tool that has not answered has failed."""

    @model_validator(mode="after")
    def _hosts_are_hosts(self) -> McpSettings:
        if any("/" in host for host in self.allowed_hosts):
            raise ValueError("allowed_hosts are hosts, as `tools.lan` or `10.0.0.5:9000`, no URLs")
        return self


class DialectSettings(Section):
    default: Literal["openai", "rtav", "beta"] = "openai"
    """How events are spelt for a client that shows nothing of its own."""


class VideoSettings(Section):
    size_px: Annotated[int, Field(ge=64, le=2048, multiple_of=16)] = 512
    """Width and height of the face."""
    fps: Annotated[int, Field(ge=1, le=60)] = 25
    """Frames per second."""
    bitrate: Annotated[int, Field(ge=50_000)] = 800_000
    """bit/s, at most."""


class LogSettings(Section):
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """INFO is some ten lines a call; what people say is never logged."""
    format: Literal["console", "json"] = "console"
    """json: one object a line."""


def _default_state_dir() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "rtav"


class Settings(BaseSettings):
    """Everything together. Constructing one reads no file or variable: `sources.load` does."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,  # so that RTAV_LLM_BASE_URL is llm.base_url, not llm.base.url
    )

    api_key: SecretStr | None = None
    """The key that clients show; unset: one is made at the start and printed."""
    secret: SecretStr | None = None
    """Seals ephemeral keys; unset: one is made once and kept. `new,old` rotates."""
    state_dir: Path = Field(default_factory=_default_state_dir)
    """Holds that secret and the certificate; by default rtav below XDG_STATE_HOME."""
    prompts: dict[str, str] = {}
    """Instructions that clients name by `prompt.id`; `{{name}}` in them is a variable."""
    server: ServerSettings = ServerSettings()
    ice: IceSettings = IceSettings()
    limits: LimitSettings = LimitSettings()
    storage: StorageSettings = StorageSettings()
    assets: AssetSettings = AssetSettings()
    vad: EngineSettings = EngineSettings()
    stt: EngineSettings = EngineSettings()
    llm: LlmSettings = LlmSettings()
    tts: EngineSettings = EngineSettings()
    avatar: EngineSettings = EngineSettings()
    models: ModelSettings = ModelSettings()
    mcp: McpSettings = McpSettings()
    dialect: DialectSettings = DialectSettings()
    video: VideoSettings = VideoSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(  # noqa: PLR0913 - the signature of pydantic-settings
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what it is given: who reads the sources says which of them a value is from."""
        return (init_settings,)
