"""models list, card, train, evaluate, export, drift: the tiny models."""

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
def own_words() -> Iterator[None]:
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
    from vitals_models import packs
    from vitals_models.loading import shipped_names

    with own_words():
        for name in shipped_names():
            model = vitals_models.load(name)
            card = model.card
            row = {"name": name, "version": card.version, "bytes": card.size_bytes, "runtime": model.runtime.name}
            if arguments.json:
                emit({**row, "features": card.feature_version, "sha256": card.sha256})
            else:
                print("{name} {version}: {bytes} bytes, runs on {runtime}".format(**row))
        for pack in packs.installed():
            state = "in use" if pack.active else "not in use"
            if arguments.json:
                shown = {"name": pack.name, "version": pack.version, "sha256": pack.sha256}
                emit({**shown, "installed": True, "active": pack.active, "key": pack.key})
            else:
                print(f"{pack.name} {pack.version}: installed, {state}, signed with the key {pack.key}")
        for key in packs.pinned():
            say(f"pinned key {packs.fingerprint(key)}")
        for runtime in vitals_models.available_runtimes():
            say(f"runtime {runtime.name}: {'works' if runtime.usable else runtime.reason}")
    return 0


def show_drift(arguments: argparse.Namespace) -> int:
    from vitals.cli.unlocking import open_store
    from vitals.drifting import drift_of

    with open_store(arguments) as store:
        found = drift_of(store)
    for one in found:
        if one.why_not is not None:
            say(f"{one.model} on {one.source}: {one.why_not}")
        for row in one.features:
            if arguments.json:
                emit({"model": one.model, "source": one.source, **asdict(row)})
            else:
                text = f"{row.feature:28} {row.verdict:6} PSI {row.psi:.2f}, KS {row.ks:.2f}"
                print(
                    f"{one.model} on {one.source}: {text}, median {row.median:.4g} (training {row.trained_median:.4g})"
                )
    if not found:
        say("the store holds no window that a model at hand has scored: run vitals analyze first")
    say("one wearer differs from all of training: far is a reason to look at the scores again, not a fault by itself")
    return 0


def card(arguments: argparse.Namespace) -> int:
    import vitals_models

    with own_words():
        found = vitals_models.load(arguments.name).card
    print(json.dumps(asdict(found), ensure_ascii=False, indent=None if arguments.json else 1))
    return 0


def train(arguments: argparse.Namespace) -> int:
    import vitals_models

    with own_words():
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

    with own_words():
        report = vitals_models.evaluate(arguments.name, arguments.data, subjects=_subjects(arguments), progress=say)
    _measures(arguments, report.measures)
    for one in report.subjects:
        if arguments.json:
            emit({"record": one.record, **one.figures})
    say(f"{report.model} on {report.runtime}, threshold {report.threshold:.3f}, {report.abstained} windows abstained")
    return 0


def export(arguments: argparse.Namespace) -> int:
    import vitals_models

    with own_words():
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
