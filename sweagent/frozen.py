"""Frozen base of all stored data."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A pydantic model that cannot be changed after it was made and that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
