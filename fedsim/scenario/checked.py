"""What every part of a scenario's schema is."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict


class Checked(BaseModel):
    """A part of a scenario: immutable, and strict about its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    @classmethod
    def said(cls, words: Mapping[Any, Any]) -> dict[Any, Any]:
        """Words without the keys that are null, which others fill in; unknown keys stay, to be refused."""
        keys = {field.alias or name for name, field in cls.model_fields.items()}
        return {key: value for key, value in words.items() if value is not None or key not in keys}
