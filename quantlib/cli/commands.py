"""The commands, their options, and how an error ends them."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, ParamSpec

import typer

from quantlib import __version__, kernel_sets
from quantlib.errors import QuantlibError

__all__ = ["app", "spread"]


def spread(arguments: Sequence[str], option: str = "--kernels") -> list[str]:
    """Arguments in which an option with several values is repeated for each of them.

    Examples
    --------
    >>> spread(["compare", "m.tflite", "--kernels", "reference", "xnnpack", "--json"])
    ['compare', 'm.tflite', '--kernels', 'reference', '--kernels', 'xnnpack', '--json']
    """
    known = kernel_sets.names()
    result: list[str] = []
    values = 0  # of the option, so far; 0 outside of it
    for argument in arguments:
        if values and argument in known:
            result += [option, argument] if values > 1 else [argument]
            values += 1
        else:
            result.append(argument)
            values = int(argument == option)
    return result


app = typer.Typer(
    name="quantlib",
    help="Every bit of a quantized TFLite model, from NumPy alone.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

P = ParamSpec("P")

File = Annotated[Path, typer.Argument(help="A .tflite file.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Inputs = Annotated[
    list[Path] | None,
    typer.Option("--input", "-i", help="A .npy file per input, in order, or one .npz."),
]
Seed = Annotated[int | None, typer.Option("--random", "-r", help="Random inputs from this seed.")]
Kernels = Annotated[
    str, typer.Option("--kernels", "-k", help=f"Kernel family: {', '.join(kernel_sets.names())}.")
]

Samples = Annotated[
    str,
    typer.Option(
        "--samples",
        "-s",
        show_default=False,
        help="A .npy or .npz of samples, stacked; file.npz:name for one array of several.",
    ),
]
Count = Annotated[int | None, typer.Option("--count", "-n", min=1, help="Use the first so many samples.")]


def _ended(command: Callable[P, int]) -> Callable[P, None]:
    """The command, its result turned into an exit status and its errors into one line."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            status = command(*args, **kwargs)
        except (QuantlibError, OSError) as error:
            sys.stderr.write(f"quantlib: {error}\n")
            status = 2
        except BrokenPipeError:
            status = 0
        raise typer.Exit(status)

    return run


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"quantlib {__version__}\n")
        raise typer.Exit(0)


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    del version


@app.command()
@_ended
def inspect(
    file: File,
    kernels: Annotated[
        str | None,
        typer.Option("--kernels", "-k", help="List what this kernel family's bits are not claimed of."),
    ] = None,
    json: Json = False,
) -> int:
    """Show a model's operators, tensors, parameters, sizes and multiply-adds."""
    from quantlib.cli import inspect as command

    return command.run(file, json, kernels)


@app.command()
@_ended
def run(
    file: File,
    inputs: Inputs = None,
    seed: Seed = None,
    kernels: Kernels = "reference",
    save: Annotated[Path | None, typer.Option(help="Write the outputs to this .npz.")] = None,
    trace: Annotated[bool, typer.Option("--trace", help="Print every tensor as it is computed.")] = False,
    json: Json = False,
) -> int:
    """Run a model once and show its outputs."""
    from quantlib.cli import run as command

    return command.run(file, inputs or [], seed, kernels, save, trace, json)


@app.command()
@_ended
def compare(
    file: File,
    inputs: Inputs = None,
    seed: Seed = None,
    kernels: Annotated[
        list[str] | None,
        typer.Option("--kernels", "-k", help="Kernel families, one or more: reference optimized xnnpack."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            help="litert, a kernel family, or an .npz of tensors by name or index. "
            "Left out: the first family against the others, or one family against LiteRT."
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say why the first difference comes about.")
    ] = False,
    reproducer: Annotated[
        Path | None, typer.Option(help="Directory for a one-operator model that shows the first difference.")
    ] = None,
    json: Json = False,
) -> int:
    """Compare every tensor with another engine's; exit status 1 if any differs."""
    from quantlib.cli import compare as command

    return command.run(
        file,
        inputs or [],
        seed,
        kernels or ["reference"],
        against,
        explain=explain,
        reproducer=reproducer,
        as_json=json,
    )


@app.command()
@_ended
def calibrate(
    file: File,
    to: Annotated[Path | None, typer.Argument(help="Write the ranges to this .json.")] = None,
    samples: Samples = "",
    observer: Annotated[
        str,
        typer.Option(help="minmax, moving-average[:momentum], percentile[:percent], entropy or mse."),
    ] = "minmax",
    observer_for: Annotated[
        list[str] | None, typer.Option(help="pattern=observer, or pattern=none, for tensors by name.")
    ] = None,
    kernels: Kernels = "reference",
    count: Count = None,
    tf_compat: Annotated[
        bool, typer.Option("--tf-compat", help="Repeat what TensorFlow's calibrator does.")
    ] = False,
    json: Json = False,
) -> int:
    """Find the range of every tensor over samples, to quantize with."""
    from quantlib.cli import calibrate as command

    return command.run(
        file,
        to,
        samples,
        observer,
        observer_for or [],
        kernels,
        count=count,
        tf_compat=tf_compat,
        as_json=json,
    )


@app.command()
@_ended
def quantize(
    file: File,
    to: Annotated[Path, typer.Argument(help="Write the quantized model here.")],
    recipe: Annotated[
        str, typer.Option("--recipe", help="full-integer, int16x8, dynamic-range or float16.")
    ] = "full-integer",
    samples: Annotated[
        str, typer.Option("--samples", "-s", help="Samples to calibrate on: .npy, .npz or file.npz:name.")
    ] = "",
    ranges: Annotated[
        Path | None, typer.Option(help="Ranges that `quantlib calibrate` wrote, instead of samples.")
    ] = None,
    input_type: Annotated[str, typer.Option(help="float32, int8 or uint8; float32 or int16.")] = "float32",
    output_type: Annotated[str, typer.Option(help="As the input type.")] = "float32",
    per_tensor: Annotated[bool, typer.Option("--per-tensor", help="One scale per weight tensor.")] = False,
    keep_float: Annotated[
        list[str] | None, typer.Option(help="Operators to keep in float, by kind or output; * and ? fit.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Fail if an operator stays in float.")] = False,
    tf_compat: Annotated[
        bool, typer.Option("--tf-compat", help="Calibrate as TensorFlow's calibrator does.")
    ] = False,
    json: Json = False,
) -> int:
    """Quantize a float model; exit status 1 if nothing changed."""
    from quantlib.cli import quantize as command

    return command.run(
        file,
        to,
        recipe,
        samples=samples,
        ranges=ranges,
        input_type=input_type,
        output_type=output_type,
        per_tensor=per_tensor,
        keep_float=keep_float or [],
        strict=strict,
        tf_compat=tf_compat,
        as_json=json,
    )


@app.command()
@_ended
def evaluate(
    files: Annotated[list[Path], typer.Argument(help="The float .tflite first, then its variants.")],
    samples: Samples = "",
    labels: Annotated[
        str | None, typer.Option(help="A .npy or file.npz:name with a label per sample.")
    ] = None,
    kernels: Kernels = "reference",
    count: Count = None,
    layers: Annotated[
        bool, typer.Option("--layers", help="The error of every layer of one variant instead.")
    ] = False,
    csv: Annotated[Path | None, typer.Option(help="Write the rows to this .csv, too.")] = None,
    json: Json = False,
) -> int:
    """Show accuracy, size, work, latency and distance of models side by side."""
    from quantlib.cli import evaluate as command

    return command.run(files, samples, labels, kernels, count=count, layers=layers, csv=csv, as_json=json)


@app.command()
@_ended
def demo(json: Json = False) -> int:
    """Run the shipped digits model, show its answers, and compare every tensor with LiteRT."""
    from quantlib.cli import demo as command

    return command.run(json)
