"""Records that a device keeps and reports on request, through the Record Access Control Point (0x2A52).

Laws of this file:
1. A report ends with an indication of the control point, after the last record.
2. A procedure under way refuses every other request with ATT error 0xFE, and is ended by Abort.
3. A control point that nobody has subscribed to refuses requests with ATT error 0xFD: its answer would be lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from vitals.decode import uuids
from vitals.decode.record_access import (
    NumberOfRecords,
    RecordFilter,
    RecordOperation,
    RecordOperator,
    RecordRequest,
    RecordResponse,
    RecordResult,
    decode_record_request,
    encode_record_response,
)
from vitals.errors import DecodeError
from vitals.virtual.gatt_device import GattDevice
from vitals.virtual.gatt_table import Characteristic, Connection, refuse

CCCD_IMPROPERLY_CONFIGURED, PROCEDURE_ALREADY_IN_PROGRESS = 0xFD, 0xFE  # Core Specification Supplement, B 1.2
PACE_S = 0.02  # between two records


class StoredRecords:
    """Records of the characteristic `uuid` by number, ascending; `row` belongs into the table of its service."""

    def __init__(self, uuid: str, records: Iterable[tuple[int, bytes]]) -> None:
        self.records = list(records)
        self.device: GattDevice
        self._uuid = uuid
        self._procedure: asyncio.Task[None] | None = None

    @property
    def row(self) -> Characteristic:
        """The control point."""
        return Characteristic(uuids.RECORD_ACCESS_CONTROL_POINT, indicate=True, write=self._on_request)

    def _on_request(self, connection: Connection, value: bytes) -> None:
        if connection not in self.device.subscribers(uuids.RECORD_ACCESS_CONTROL_POINT, 2):
            raise refuse(CCCD_IMPROPERLY_CONFIGURED)
        abort = value[:1] == bytes([RecordOperation.ABORT])
        if self._procedure and not self._procedure.done():
            if not abort:
                raise refuse(PROCEDURE_ALREADY_IN_PROGRESS)
            self._procedure.cancel()
        self._procedure = self.device.spawn(self._run(value))

    async def _run(self, value: bytes) -> None:
        response = await self._answer(value)
        await self.device.indicate(uuids.RECORD_ACCESS_CONTROL_POINT, encode_record_response(response))

    async def _answer(self, value: bytes) -> RecordResponse | NumberOfRecords:
        operation = value[0] if value else 0
        try:
            request = decode_record_request(value)
        except DecodeError:
            return RecordResponse(operation, RecordResult.INVALID_OPERAND)
        if request.operation == RecordOperation.ABORT:
            return RecordResponse(operation, RecordResult.SUCCESS)
        if not isinstance(request.operator, RecordOperator):
            return RecordResponse(operation, RecordResult.OPERATOR_NOT_SUPPORTED)
        if request.operator is RecordOperator.NULL:
            return RecordResponse(operation, RecordResult.INVALID_OPERATOR)
        if request.filter not in (None, RecordFilter.SEQUENCE_NUMBER):
            return RecordResponse(operation, RecordResult.OPERAND_NOT_SUPPORTED)
        chosen = self._chosen(request)
        if request.operation == RecordOperation.REPORT_NUMBER_OF_RECORDS:
            return NumberOfRecords(len(chosen), combined=False)
        if request.operation not in (RecordOperation.REPORT_RECORDS, RecordOperation.DELETE_RECORDS):
            return RecordResponse(operation, RecordResult.OP_CODE_NOT_SUPPORTED)
        if not chosen:
            return RecordResponse(operation, RecordResult.NO_RECORDS_FOUND)
        if request.operation == RecordOperation.DELETE_RECORDS:
            self.records = [record for record in self.records if record not in chosen]
        else:
            for _, payload in chosen:
                self.device.notify(self._uuid, payload)
                await asyncio.sleep(PACE_S)
        return RecordResponse(operation, RecordResult.SUCCESS)

    def _chosen(self, request: RecordRequest) -> list[tuple[int, bytes]]:
        if request.operator is RecordOperator.FIRST:
            return self.records[:1]
        if request.operator is RecordOperator.LAST:
            return self.records[-1:]
        least = request.minimum if isinstance(request.minimum, int) else 0
        most = request.maximum if isinstance(request.maximum, int) else 1 << 32
        return [record for record in self.records if least <= record[0] <= most]
