"""models list, card, train, evaluate, export: the tiny models."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from vitals.cli.speaking import emit, say
from vitals.errors import MissingExtra, ModelError

if TYPE_CHECKING:
    from vitals_models.card import Measure


@contextmanager
def _own_words() -> Iterator[None]:
    """Errors of the model room as ours; a missing training package names its extra."""
    from vitals_models import errors

    try:
        yield
    except (errors.ModelError, ValueError) as error:  # what the model room raises on purpose is a ValueError too
        raise ModelError(str(error)) from error
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("sklearn", "wfdb", "ai_edge_litert", "flatbuffers"):
            raise
        raise MissingExtra(f"Training needs {error.name}, which", extra="train") from error


def show_list(arguments: argparse.Namespace) -> int:
    import vitals_models
    from vitals_models.loading import shipped_names

    with _own_words():
        for name in shipped_names():
            model = vitals_models.load(name)
            card = model.card
            row = {"name": name, "version": card.version, "bytes": card.size_bytes, "runtime": model.runtime.name}
            if arguments.json:
                emit({**row, "features": card.feature_version, "sha256": card.sha256})
            else:
                print("{name} {version}: {bytes} bytes, runs on {runtime}".format(**row))
        for runtime in vitals_models.available_runtimes():
            say(f"runtime {runtime.name}: {'works' if runtime.usable else runtime.reason}")
    return 0


def card(arguments: argparse.Namespace) -> int:
    import vitals_models

    with _own_words():
        found = vitals_models.load(arguments.name).card
    print(json.dumps(asdict(found), ensure_ascii=False, indent=None if arguments.json else 1))
    return 0


def train(arguments: argparse.Namespace) -> int:
    import vitals_models

    with _own_words():
        made = vitals_models.train(
            arguments.name,
            arguments.data,
            arguments.out,
            seed=arguments.seed,
            subjects=_subjects(arguments),
            progress=say,
        )
    _measures(arguments, made.measures)
    file = arguments.out / f"{made.name}.tflite"
    if arguments.json:
        emit({"file": str(file), "bytes": made.size_bytes, "sha256": made.sha256})
    else:
        print(f"{file}: {made.size_bytes} bytes, sha256 {made.sha256}; its card lies beside it")
    return 0


def evaluate(arguments: argparse.Namespace) -> int:
    import vitals_models

    with _own_words():
        report = vitals_models.evaluate(arguments.name, arguments.data, subjects=_subjects(arguments), progress=say)
    _measures(arguments, report.measures)
    for one in report.subjects:
        if arguments.json:
            emit({"record": one.record, **one.figures})
    say(f"{report.model} on {report.runtime}, threshold {report.threshold:.3f}, {report.abstained} windows abstained")
    return 0


def export(arguments: argparse.Namespace) -> int:
    import vitals_models

    with _own_words():
        made = vitals_models.export(vitals_models.load(arguments.name), Path(arguments.file))
    print(made)
    return 0


def _subjects(arguments: argparse.Namespace) -> list[str] | None:
    return arguments.subjects.split(",") if arguments.subjects else None


def _measures(arguments: argparse.Namespace, measures: tuple[Measure, ...]) -> None:
    for one in measures:
        if arguments.json:
            emit(asdict(one))
            continue
        interval = "" if one.low is None or one.high is None else f"  [{one.low:.4f}, {one.high:.4f}]"
        print(f"{one.data:10} {one.name:22} {one.value:.4f}{interval}  {one.subjects} subjects, {one.windows} windows")
