"""What drives an interpreter: a plan's program, also where a caller has resized the inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from quantlib.compiler.program import Program
from quantlib.model.graph import Tensor
from quantlib.ops._node import Value
from quantlib.runtime.plan import Plan, Step

__all__ = ["engine", "with_shapes"]


def engine(plan: Plan, shapes: Mapping[int, tuple[int, ...]]) -> Program:
    """The program of a plan whose tensors have these shapes; not one to pickle, if operators are custom.

    Parameters
    ----------
    plan : Plan
    shapes : mapping of tensor index to shape
        Those that are not as in the file.
    """
    resized = with_shapes(plan, shapes)
    return Program(resized, (resized.model, plan.kernels, None, None))


def with_shapes(plan: Plan, shapes: Mapping[int, tuple[int, ...]]) -> Plan:
    """The plan with the same kernels, on tensors of other shapes.

    Parameters
    ----------
    plan : Plan
    shapes : mapping of tensor index to shape
    """
    subgraph = plan.model.subgraphs[plan.subgraph_index]
    tensors = tuple(
        replace(tensor, shape=shapes[index], shape_signature=None)
        if index in shapes and shapes[index] != tensor.shape
        else tensor
        for index, tensor in enumerate(subgraph.tensors)
    )
    if all(one is other for one, other in zip(tensors, subgraph.tensors, strict=True)):
        return plan
    subgraphs = list(plan.model.subgraphs)
    subgraphs[plan.subgraph_index] = replace(subgraph, tensors=tensors)
    steps = tuple(_step(step, tensors) for step in plan.steps)
    return replace(plan, model=replace(plan.model, subgraphs=tuple(subgraphs)), steps=steps)


def _step(step: Step, tensors: tuple[Tensor, ...]) -> Step:
    """The step, its node told of the shapes; the kernel stays."""

    def value(one: Value) -> Value:
        return one if one.constant is not None else replace(one, tensor=tensors[one.index])

    node = replace(
        step.node,
        inputs=tuple(None if one is None else value(one) for one in step.node.inputs),
        outputs=tuple(value(one) for one in step.node.outputs),
    )
    return replace(step, node=node)
