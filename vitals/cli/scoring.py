"""ec57: how well beats are found, by the standard."""

from __future__ import annotations

import argparse

from vitals.cli.speaking import emit

STATISTICS = (
    "qrs_sensitivity", "qrs_positive_predictivity", "veb_sensitivity", "veb_positive_predictivity",
    "veb_false_positive_rate", "sveb_sensitivity", "sveb_positive_predictivity", "rms_rr_error_ms",
)  # fmt: skip


def ec57(arguments: argparse.Namespace) -> int:
    from vitals.formats.beat_scores import score_records

    report = score_records(
        arguments.records,
        reference=arguments.reference,
        test=arguments.test,
        detector=arguments.detector,
        channel=arguments.channel,
        learning_s=arguments.learning,
    )
    if not arguments.json:
        print(report)
        return 0
    for record in (*report.records, report.gross):
        emit({"record": record.name, **{name: getattr(record, name) for name in STATISTICS}})
    return 0
