"""The base of all data that is stored or that crosses a room."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A pydantic model that cannot be changed after it was made and that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")
