"""import, analyze, streams, events, features, verify: what a store holds."""

from __future__ import annotations

import argparse
import csv
import sys
from typing import Any

from vitals.cli.speaking import NOT_MEDICAL, emit, iso, say, span
from vitals.cli.unlocking import open_store, store_opener
from vitals.cli.wording import worded
from vitals.errors import StoreDamaged


def import_files(arguments: argparse.Namespace) -> int:
    from vitals.formats import detect
    from vitals.offline import import_recording

    for path in arguments.files:
        detect(path)  # before a store is made for nothing
    with store_opener(arguments)() as store:
        for path in arguments.files:
            done = import_recording(store, path, subject=arguments.subject)
            recording = done.recording
            kinds = list(dict.fromkeys(item.kind for item in recording.items))
            if arguments.json:
                emit({"file": str(path), "new": done.new, "session": done.session, "streams": kinds})
            else:
                what = f"{', '.join(kinds)}, {span(recording.end_us / 1e6)}" if done.new else "already in the store"
                print(f"{path}: {what}")
            for doubt in recording.doubts:
                say(f"{path}: {doubt}")
            if done.new and recording.zero_utc_us is None:
                say(f"{path}: the file has no date; its time counts from 1970-01-01 UTC")
    return 0


def analyze(arguments: argparse.Namespace) -> int:
    from vitals.offline import analyze as analyze_store

    with open_store(arguments) as store:
        count = 0
        for done in analyze_store(store):
            count += 1
            row = {
                "stream": done.stream.uid,
                "device": done.stream.session.device.name,
                "kind": done.stream.kind,
                "samples": done.samples,
                "windows": done.windows,
                "events": done.events,
            }
            if arguments.json:
                emit(row)
            else:
                print("{device}: {samples} samples of {kind}, {windows} windows, {events} events".format(**row))
        if not count:
            say("nothing to analyze: no stream here is one to compute from; import a recording or record a device")
    say(NOT_MEDICAL)
    return 0


def streams(arguments: argparse.Namespace) -> int:
    with open_store(arguments) as store:
        for one in store.streams():
            row = {
                "stream": one.uid,
                "kind": one.kind,
                "unit": one.unit,
                "samples": one.n,
                "start": None if one.start_us is None else iso(one.start_us),
                "end": None if one.end_us is None else iso(one.end_us),
                "device": one.session.device.name,
                "subject": one.session.subject,
                "source": one.session.source,
                "computed_by": one.made_by.algorithm if one.made_by else None,
            }
            if arguments.json:
                emit(row)
            else:
                print("{kind:8} {samples:>9} samples  {start} - {end}  {device} ({source})".format(**row))
    return 0


def events(arguments: argparse.Namespace) -> int:
    if arguments.link:
        from vitals.cli.link_events import show

        return show(arguments)
    from vitals.reasons import reasons

    with open_store(arguments) as store:
        rows = store.event_rows(arguments.start, arguments.end)
        devices = {one.id: one.session for one in store.streams(all_makers=True)}
        rows = [row for row in rows if arguments.kind in (None, row.event.kind)]
        why = {row.id: reasons(store, row) for row in rows} if arguments.json else {}
    for row in rows:
        event = row.event
        session = devices[row.stream_id]
        shown: dict[str, Any] = {
            "start": iso(event.start_us),
            "end": iso(event.end_us),
            "kind": event.kind,
            "score": round(event.score, 4),
            "sqi": round(event.sqi, 4),
            "state": event.state.value,
            "model": event.made_by.algorithm,
            "model_version": event.made_by.version,
            "model_sha256": event.made_by.model_sha256,
            "device": session.device.name,
            "subject": session.subject,
            "id": row.id,
        }
        if arguments.wording == "clinical":
            shown["clinical"] = worded(event.kind, "clinical")
        if arguments.json:
            if (because := why[row.id]) is not None:
                shown |= {"doubt": round(because.doubt, 4), "contributions": dict(because.contributions)}
            emit(shown)
        else:
            length = span((event.end_us - event.start_us) / 1e6)
            kind = event.kind if arguments.wording == "neutral" else worded(event.kind, arguments.wording)
            print(
                "{start} - {end}  ".format(**shown) + f"{kind}  {length}, score {event.score:.2f}, {event.state.value}"
            )
    if not rows:
        say("no events (has the store been analyzed? vitals analyze --store ...)")
    say(NOT_MEDICAL)
    return 0


def features(arguments: argparse.Namespace) -> int:
    with open_store(arguments) as store:
        rows = store.feature_rows(arguments.start, arguments.end)
    flat = [
        {
            "start": iso(row.features.start_us),
            "end": iso(row.features.end_us),
            "maker": row.features.made_by.algorithm,
            "version": row.features.made_by.version,
            "coverage": row.features.coverage,
            "reason": row.features.reason,
            "id": row.id,
            **row.features.values,
        }
        for row in rows
    ]
    if arguments.csv:
        names = list(dict.fromkeys(name for row in flat for name in row))
        table = csv.DictWriter(sys.stdout, names, lineterminator="\n")
        table.writeheader()
        table.writerows(flat)
        return 0
    for row in flat:
        if arguments.json:
            emit(row)
        else:
            numbers = ", ".join(f"{k} {v:.4g}" for k, v in row.items() if isinstance(v, float) and k != "coverage")
            print("{start} - {end}  {maker}: ".format(**row) + str(row["reason"] or numbers))
    return 0


def verify(arguments: argparse.Namespace) -> int:
    try:
        with open_store(arguments) as store:
            report = store.verify()
    except StoreDamaged as error:  # so badly that it does not open
        if arguments.json:
            emit({"ok": False, "problems": [str(error)], "rows": {}, "chunks": 0})
        raise
    if arguments.json:
        emit({"ok": report.ok, "problems": list(report.problems), "rows": dict(report.rows), "chunks": report.chunks})
    elif report.ok:
        print(f"intact: {sum(report.rows.values())} rows, {report.chunks} chunks, every page, hash and chain checked")
    for problem in report.problems:
        say(problem)
    return 0 if report.ok else 1
