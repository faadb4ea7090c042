"""What all parts of the settings tree are made of."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

Port = Annotated[int, Field(ge=1, le=65535)]


def split(value: object) -> object:
    """Environment variables hold lists as `a,b,c`."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


Names = Annotated[list[str], BeforeValidator(split)]


def number(value: object) -> object:
    """A truth value in a mapping of numbers; see `Section`."""
    if isinstance(value, bool):
        raise PydanticCustomError("truth_value", "a truth value is not what belongs here")
    return value


class Section(BaseModel):
    """A part of the tree: frozen, and a key nobody knows is an error."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_no_number(cls, value: object, info: ValidationInfo) -> object:
        """YAML reads `yes` and `on` as true, which would count as the number 1."""
        field = cls.model_fields.get(info.field_name or "")
        if isinstance(value, bool) and field and field.annotation is not bool:
            raise PydanticCustomError("truth_value", "a truth value is not what belongs here")
        return value
