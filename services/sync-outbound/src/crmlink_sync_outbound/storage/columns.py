"""Columns as the tables of this service write them."""

from __future__ import annotations

from typing import Any, ClassVar

from sqlalchemy import BigInteger, Boolean, Column, DateTime, MetaData, Text, func
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlmodel import Field, SQLModel


class Row(SQLModel):
    metadata: ClassVar[MetaData] = MetaData()


def key(kind: Any = Text) -> Any:  # noqa: ANN401 - SQLModel takes any column type
    return Field(primary_key=True, sa_type=kind)


def words() -> Any:  # noqa: ANN401 - as above
    return Field(default="", sa_type=Text, sa_column_kwargs={"server_default": ""})


def number(default: int = 0) -> Any:  # noqa: ANN401 - as above
    return Field(
        default=default, sa_type=BigInteger, sa_column_kwargs={"server_default": str(default)}
    )


def flag() -> Any:  # noqa: ANN401 - as above
    return Field(default=False, sa_type=Boolean, sa_column_kwargs={"server_default": "false"})


def moment() -> Any:  # noqa: ANN401 - as above
    return Field(default=None, sa_type=DateTime(timezone=True))


def since(name: str) -> Any:  # noqa: ANN401 - as above
    kind = DateTime(timezone=True)
    return Field(sa_column=Column(name, kind, nullable=False, server_default=func.now()))


def document(name: str) -> Any:  # noqa: ANN401 - as above
    return Field(sa_column=Column(name, JSONB, nullable=False, server_default="{}"))


def names(name: str) -> Any:  # noqa: ANN401 - as above
    return Field(sa_column=Column(name, ARRAY(Text), nullable=False, server_default="{}"))
