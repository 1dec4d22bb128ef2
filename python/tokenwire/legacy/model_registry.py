"""`LlmProvider`, `ModelConfig` and `ModelRegistry` of the older interface."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from tokenwire.legacy._settings import warn_once
from tokenwire.legacy.llm_exceptions import LlmConfigError

__all__ = ["LlmConfigError", "LlmProvider", "ModelConfig", "ModelRegistry"]


class LlmProvider(Enum):
    """The company that serves a model."""

    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    GROQ = "groq"
    GOOGLE = "google"
    DEEPILY = "deepily"


_PARAMETERS = (
    "temperature",
    "max_tokens",
    "top_p",
    "frequency_penalty",
    "presence_penalty",
    "stop",
)


@dataclass
class ModelConfig:
    """The description of a model. `client_class` is a dotted name that is never imported."""

    name: str
    provider: LlmProvider
    client_class: str
    max_tokens: int
    supports_streaming: bool = True
    supports_system_messages: bool = True
    cost_per_1k_tokens_input: float | None = None
    cost_per_1k_tokens_output: float | None = None
    supported_parameters: set[str] = field(default_factory=lambda: set(_PARAMETERS))

    def __post_init__(self) -> None:
        if not self.max_tokens > 0:
            raise ValueError(f"ModelConfig.max_tokens: must be positive, not {self.max_tokens}")
        for name in ("cost_per_1k_tokens_input", "cost_per_1k_tokens_output"):
            cost = getattr(self, name)
            if cost is not None and not cost >= 0:
                raise ValueError(f"ModelConfig.{name}: must not be negative, as {cost} is")


_CHAT = "tokenwire.legacy.chat_client.ChatClient"
_COMPLETION = "tokenwire.legacy.completion_client.CompletionClient"
# Name, provider, class, maximum tokens, cost of a thousand tokens in and out.
_MODELS = (
    ("gpt-4", LlmProvider.OPENAI, _CHAT, 8192, 0.03, 0.06),
    ("gpt-4-turbo", LlmProvider.OPENAI, _CHAT, 4096, 0.01, 0.03),
    ("gpt-3.5-turbo", LlmProvider.OPENAI, _CHAT, 4096, 0.0005, 0.0015),
    ("claude-3-sonnet-20240229", LlmProvider.ANTHROPIC, _CHAT, 4096, 0.003, 0.015),
    ("claude-3-haiku-20240307", LlmProvider.ANTHROPIC, _CHAT, 4096, 0.00025, 0.00125),
    ("mixtral-8x7b-32768", LlmProvider.GROQ, _CHAT, 32768, 0.00027, 0.00027),
    ("llama2-70b-4096", LlmProvider.GROQ, _CHAT, 4096, 0.0007, 0.0008),
    ("gemini-1.5-pro", LlmProvider.GOOGLE, _CHAT, 2048, 0.0035, 0.0105),
    ("deepily-llama-7b", LlmProvider.DEEPILY, _COMPLETION, 4096, 0.0, 0.0),
)


class ModelRegistry:
    """Models by name. A new registry holds those of the older interface."""

    def __init__(self) -> None:
        warn_once("ModelRegistry")
        self._models: dict[str, ModelConfig] = {}
        for name, provider, client_class, max_tokens, cost_in, cost_out in _MODELS:
            config = ModelConfig(name, provider, client_class, max_tokens)
            config.cost_per_1k_tokens_input = cost_in
            config.cost_per_1k_tokens_output = cost_out
            self.register_model(config)

    def register_model(self, config: ModelConfig) -> None:
        """Add a model. It replaces one of the same name."""
        self._models[config.name] = config

    def get_model_config(self, name: str) -> ModelConfig:
        """The model of this name. For an unknown one, `LlmConfigError` lists those that exist."""
        if name not in self._models:
            known = ", ".join(self.list_all_models())
            raise LlmConfigError(f"Unknown model: {name}. Available models: {known}")
        return self._models[name]

    def get_models_by_provider(self, provider: LlmProvider) -> list[ModelConfig]:
        """The models of a provider."""
        return [config for config in self._models.values() if config.provider == provider]

    def list_all_models(self) -> list[str]:
        """The names of all models, sorted."""
        return sorted(self._models)

    def get_providers(self) -> set[LlmProvider]:
        """The providers of the models."""
        return {config.provider for config in self._models.values()}
