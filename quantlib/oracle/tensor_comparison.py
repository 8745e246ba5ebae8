"""What a comparison found of one tensor: how much differs, where, and against what is claimed."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TensorComparison"]


@dataclass(frozen=True, slots=True)
class TensorComparison:
    """One tensor, ours and theirs.

    Parameters
    ----------
    operator : int
        Position of the operator that produced it.
    operator_name : str
    tensor : int
    tensor_name : str or None
    dtype : str
    elements : int
        Compared.
    differing : int
        Of these, not the same bits.
    maximum_difference : float
        Largest absolute difference, in the tensor's own units.
    first_index : tuple of int, optional
        Where the first difference is.
    ours, theirs : float, optional
        The two values there.
    isolated_differing : int, optional
        As `differing`, when our operator is given their inputs; None where one of these is unknown.
    claimed : bool
        Whether our kernel set claims the bits of this operator (`KernelSet.unclaimed`).
    bound : str
        How far the family's own result may lie from ours where they are not claimed, in words.
    bound_share : float, optional
        Of a result that is not claimed: the largest difference on their inputs as a share of what the
        bound allows there; None where nothing was there to check.
    beyond_bound : int
        Elements that differ by more.
    follows_unclaimed : bool
        Whether the tensor is computed from one that is not claimed.
    """

    operator: int
    operator_name: str
    tensor: int
    tensor_name: str | None
    dtype: str
    elements: int
    differing: int
    maximum_difference: float = 0.0
    first_index: tuple[int, ...] | None = None
    ours: float | None = None
    theirs: float | None = None
    isolated_differing: int | None = None
    claimed: bool = True
    bound: str = ""
    bound_share: float | None = None
    beyond_bound: int = 0
    follows_unclaimed: bool = False

    @property
    def breaks_claim(self) -> bool:
        """Whether the operator itself differs, by more than is said of it.

        Where the other side's inputs are not known, a tensor that follows one that is not claimed gets
        the benefit of the doubt.
        """
        if not self.claimed:
            return self.beyond_bound > 0
        if self.isolated_differing is None:
            return self.differing > 0 and not self.follows_unclaimed
        return self.isolated_differing > 0

    @property
    def _claim(self) -> str:
        if self.claimed:
            return "; follows what is not claimed" if self.follows_unclaimed else ""
        if self.bound_share is None:
            return "; not claimed"
        if self.beyond_bound:
            return f"; not claimed, {self.beyond_bound} beyond the bound of {self.bound}"
        return f"; not claimed, within {self.bound_share:.2g} of the bound of {self.bound}"

    def __str__(self) -> str:
        where = f"{self.operator_name} #{self.operator} {self.tensor_name!r}"
        if not self.differing:
            return f"{where}: {self.elements} elements equal"
        at = (
            ""
            if self.first_index is None
            else f" {list(self.first_index)}: ours {self.ours}, theirs {self.theirs}"
        )
        alone = {None: "", 0: "; agrees on their inputs"}.get(
            self.isolated_differing, "; differs on their inputs"
        )
        counted = (
            f"{self.differing} of {self.elements} differ, max {self.maximum_difference:g}{alone}{self._claim}"
        )
        return f"{where}{at} ({counted})"
