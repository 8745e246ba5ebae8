"""What is wrong with the bytes of a file, found deep inside and told with the way that led there."""

from __future__ import annotations

from quantlib.errors import Location, MalformedModelError

__all__ = ["Fault"]


class Fault(Exception):
    """Raised where the bytes are wrong; every level that it passes adds its part of the path.

    Parameters
    ----------
    offset : int
        The byte where it is wrong.
    found, wanted : str
    field : str, optional
        The field that says so, where it is a field.

    Examples
    --------
    >>> fault = Fault(44, "offset 0", "1 .. 99", "data")
    >>> fault.path += ["[3]", ".buffers"]
    >>> str(fault.error())
    'buffers[3].data, byte 44: offset 0; wanted 1 .. 99'
    """

    def __init__(self, offset: int, found: str, wanted: str, field: str | None = None) -> None:
        super().__init__(found)
        self.offset = offset
        self.found = found
        self.wanted = wanted
        self.path: list[str] = [] if field is None else [f".{field}"]

    def error(self) -> MalformedModelError:
        """The public form."""
        path = "".join(reversed(self.path)).lstrip(".")
        return MalformedModelError(Location(field=path or None, offset=self.offset), self.found, self.wanted)
