"""What every part of a scenario's schema is."""

from pydantic import BaseModel, ConfigDict


class Checked(BaseModel):
    """A part of a scenario: immutable, and strict about its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
