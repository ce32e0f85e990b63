"""What is asked for and does not exist is said before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

import vitals
from vitals.errors import InputError
from vitals.virtual import run, virtual_strap


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kinds": ("nope",)}, "no device has a stream 'nope'; the kinds are acc, "),
        ({"kinds": "rr"}, r"\('rr',\)"),
        ({"rates": {"nope": 1}}, "no device has a stream 'nope'"),
        ({"rates": {"acc": -5}}, "the rate -5 of acc"),
        ({"rates": {"acc": 0}}, "the rate 0 of acc"),
        ({"rates": {"acc": 50.5}}, "the rate 50.5 of acc"),
    ],
)
def test_a_connection_for_what_there_is_not_is_refused(options: dict[str, Any], said: str) -> None:
    async def main() -> None:
        async with vitals.connect("whoever", timeout_s=1, **options):
            pass

    with pytest.raises(InputError, match=said):
        run(main())


@pytest.mark.parametrize(("kinds", "said"), [(("rr", "nope"), "'nope' is not one of .*hr"), ("rr", r"\('rr',\)")])
def test_items_of_what_a_device_does_not_have_are_refused(kinds: Any, said: str) -> None:
    async def main() -> None:
        async with (
            virtual_strap([0.8 * k for k in range(60)]) as near,
            vitals.connect(near.name, backend=near.backend) as device,
        ):
            with pytest.raises(InputError, match=said):
                async with device.items(kinds=kinds):
                    pass
            with pytest.raises(InputError, match=said):
                async with vitals.monitor(device, kinds=kinds) as events:
                    async for _ in events:
                        pass

    run(main())


def test_a_rate_that_a_device_does_not_offer_is_the_next_one_above() -> None:
    async def main() -> float:
        async with (
            virtual_strap([0.8 * k for k in range(60)]) as near,
            vitals.connect(near.name, backend=near.backend, rates={"acc": 123}) as device,
            device.stream("acc") as blocks,
        ):
            async for block in blocks:
                return block.rate_hz
        return 0.0

    assert run(main()) == 200
