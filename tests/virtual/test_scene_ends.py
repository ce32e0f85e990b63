"""A scene ends cleanly wherever it is cancelled and whatever fails: nothing is left on the air or swallowed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from bumble import att

from vitals.link import discover
from vitals.values import DeviceInfo
from vitals.virtual import GattDevice, Profile, Service, Strap, VirtualRadio, run, scene


def test_a_scene_that_is_cancelled_while_it_starts_is_cancelled() -> None:
    async def main() -> tuple[list[int], int]:
        swallowed = []
        steps = 1
        while True:

            async def play() -> None:
                async with scene(Strap([0.8 * k for k in range(60)])):
                    await asyncio.Event().wait()

            task = asyncio.create_task(play())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=60)
            if not done or not task.cancelled():
                swallowed.append(steps)
                task.cancel()
            if steps > 150:
                return swallowed, len(asyncio.all_tasks())
            steps += 1

    swallowed, tasks = run(main())
    assert swallowed == []
    assert tasks == 1


class Broken(Profile):
    """Fails while its device is started."""

    def services(self) -> Sequence[Service]:
        raise att.ATT_Error(error_code=att.ErrorCode.UNLIKELY_ERROR)


def test_a_second_device_that_does_not_start_leaves_no_other_on_the_air() -> None:
    async def main() -> int:
        radio = VirtualRadio(seed=1)
        with pytest.raises(att.ATT_Error):
            async with scene(
                Strap([0.8 * k for k in range(60)]),
                GattDevice([Broken()], info=DeviceInfo(name="Broken")),
                radio=radio,
            ):
                pass
        async with scene(radio=radio) as near:
            return len(await discover(timeout_s=2, backend=near.backend))

    assert run(main()) == 0
