"""The state file: a save that returned is there after any death; a damaged file costs as little as it can."""

import asyncio
import json
import sqlite3
from contextlib import asynccontextmanager, closing

import pytest

from controller.points import Override
from controller.store.state import NotSaved, StateStore

NOW = 1_760_000_000.0


class Fault(sqlite3.Connection):
    """A connection whose n-th statement from now on fails; `after` does it first and fails then."""

    countdown = 0
    after = False

    def execute(self, *arguments):
        Fault.countdown -= 1
        failing = Fault.countdown == 0
        if failing and not Fault.after:
            raise sqlite3.OperationalError("disk I/O error")
        result = super().execute(*arguments)
        if failing:
            result.close()  # the traceback would keep it, and with it the lock
            raise sqlite3.OperationalError("disk I/O error")
        return result


@pytest.fixture(autouse=True)
def _no_fault():
    Fault.countdown, Fault.after = 0, False
    yield
    Fault.countdown, Fault.after = 0, False


@asynccontextmanager
async def opened(directory, **options):
    store = StateStore(directory, **options)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def state(n: int) -> dict[str, object]:
    return {"low": {"pid": {"integral": n + 0.5}, "运行小时": n}, "n": n}


async def test_an_empty_directory_knows_nothing_and_that_is_no_problem(tmp_path):
    store = StateStore(tmp_path / "var")
    assert store.load_state() == ({}, "")
    assert store.load_settings() == {}
    assert store.load_overrides(NOW) == {}
    assert store.effective("low.setpoint", 50.0) == 50.0


async def test_what_was_saved_is_there_after_a_restart(tmp_path):
    override = Override(40.0, "li", "panel", NOW + 7200, "test")
    async with opened(tmp_path) as store:
        for n in range(5):
            await store.save_state(state(n))
        await store.save_setting("low.setpoint", 52.0, 50.0, "li", "panel", NOW)
        await store.save_setting("low.curve", [[-24, 60], [10, 32]], [[-24, 58]], "li", "panel", NOW)
        await store.save_override("low.valve", override, NOW)
        await store.save_override("low.pump", override, NOW)
        await store.release("low.pump")
    store = StateStore(tmp_path)
    assert store.load_state() == (state(4), "")
    assert store.load_settings()["low.setpoint"].user == "li"
    assert store.effective("low.curve", ((-24, 58),)) == [[-24, 60], [10, 32]]
    assert store.load_overrides(NOW + 60) == {"low.valve": override}
    assert store.load_overrides(NOW + 7200) == {}


async def test_an_override_that_came_after_the_end_of_another_stays(tmp_path):
    async with opened(tmp_path) as store:
        hand = Override(40.0, "li", "panel", NOW + 600)
        await store.save_override("low.valve", hand, NOW)
        await store.release("low.valve", NOW - 1.0)
        assert store.load_overrides(NOW) == {"low.valve": hand}
        await store.release("low.valve", NOW + 1.0)
        assert store.load_overrides(NOW) == {}


async def test_a_persons_value_wins_until_the_file_changes_and_does_not_come_back(tmp_path):
    async with opened(tmp_path) as store:
        await store.save_setting("low.setpoint", 52.0, 50.0, "li", "panel", NOW)
        await store.save_setting("mid.setpoint", 53.0, 50.0, "li", "panel", NOW)
    store = StateStore(tmp_path)
    store.load_settings({"low.setpoint": 50, "mid.setpoint": 50.0})
    assert store.effective("low.setpoint", 50) == 52.0, "the file says what it said"
    store = StateStore(tmp_path)
    store.load_settings({"low.setpoint": 48.0})
    assert store.effective("low.setpoint", 48.0) == 48.0, "the file changed: it counts"
    store = StateStore(tmp_path)
    settings = store.load_settings({"low.setpoint": 50.0})
    assert store.effective("low.setpoint", 50.0) == 50.0, "changed back: the person's value stays forgotten"
    assert list(settings) == ["mid.setpoint"], "a key that the file lost for a while is kept"


async def test_an_override_does_not_last_longer_on_a_board_without_a_clock(tmp_path):
    async with opened(tmp_path) as store:
        await store.save_override("low.valve", Override(40.0, "li", "panel", NOW + 600), NOW)
    assert StateStore(tmp_path).load_overrides(100.0)["low.valve"].expires == 700.0


async def test_what_ends_by_itself_counts_running_time_on_a_board_that_always_boots_in_1970(tmp_path):
    async with opened(tmp_path) as store:
        await store.save_override("low.remote_offset", Override(3.0, "li", "opcua", 5000.0 + 7200), 5000.0)
    kept = StateStore(tmp_path).load_overrides(10.0, 6000.0)["low.remote_offset"]
    assert kept.expires == 10.0 + 6200, "1000 s of the first run are gone"
    kept = StateStore(tmp_path).load_overrides(10.0, 3000.0)["low.remote_offset"]
    assert kept.expires == pytest.approx(10.0 + 3210), "and 2990 s of the second"
    assert StateStore(tmp_path).load_overrides(10.0, 3300.0) == {}
    assert StateStore(tmp_path).load_overrides(10.0, 20.0) == {}, "what has ended does not come back"


async def test_what_ends_by_itself_outlives_the_board_learning_the_time(tmp_path):
    async with opened(tmp_path) as store:
        await store.save_override("low.remote_offset", Override(3.0, "li", "opcua", 7300.0), 100.0)
    kept = StateStore(tmp_path).load_overrides(NOW, 1300.0)["low.remote_offset"]
    assert kept.expires == NOW + 6000


async def test_a_save_that_fails_at_any_statement_leaves_the_old_or_the_new(tmp_path):
    for after in (False, True):
        for n in range(1, 40):
            directory, Fault.countdown = tmp_path / f"{after}{n}", 0
            async with opened(directory, connection=Fault) as store:
                await store.save_state(state(1))
                await store.save_setting("a", 1.0, 0.0, "li", "panel", NOW)
                Fault.after, Fault.countdown = after, n
                acknowledged = {"state": 1, "a": 1.0}
                for value in (2, 3):
                    try:
                        await store.save_state(state(value))
                        acknowledged["state"] = value
                    except NotSaved:
                        pass
                    try:
                        await store.save_setting("a", float(value), 0.0, "li", "panel", NOW)
                        acknowledged["a"] = float(value)
                    except NotSaved:
                        pass
                reached = Fault.countdown <= 0
            reread = StateStore(directory)
            found, problem = reread.load_state()
            assert problem == ""
            assert found in ([state(3)] if acknowledged["state"] == 3 else [state(2), state(3)])
            assert reread.load_settings()["a"].value >= acknowledged["a"]
            if not reached:
                break
        else:
            pytest.fail("never ran out of statements")


async def test_a_damaged_newest_slot_costs_one_save(tmp_path):
    async with opened(tmp_path) as store:
        for n in range(4):
            await store.save_state(state(n))
    with closing(sqlite3.connect(tmp_path / "state.db")) as db, db:
        db.execute("UPDATE state SET json = replace(json, '3.5', '9.5') WHERE number = 4")
    assert StateStore(tmp_path).load_state() == (state(2), "older")
    with closing(sqlite3.connect(tmp_path / "state.db")) as db, db:
        db.execute("UPDATE state SET json = '{}'")
    store = StateStore(tmp_path)
    assert store.load_state() == ({}, "lost")
    await store.open()
    await store.save_state(state(9))
    await store.close()
    assert StateStore(tmp_path).load_state() == (state(9), "")


@pytest.mark.parametrize("content", [b"no database at all" * 300, b"SQLite format 3\0" + b"\xff" * 9000])
async def test_a_corrupt_file_is_moved_aside_and_saving_goes_on(tmp_path, content):
    (tmp_path / "state.db").write_bytes(content)
    store = StateStore(tmp_path)
    assert store.load_state() == ({}, "moved")
    assert store.load_settings() == {}
    assert [file.read_bytes() for file in tmp_path.glob("state.db.corrupt-*")] == [content]
    await store.open()
    await store.save_state(state(1))
    await store.close()
    assert StateStore(tmp_path).load_state() == (state(1), "")


async def test_what_a_damaged_file_still_gives_is_carried_over(tmp_path):
    async with opened(tmp_path) as store:
        await store.save_setting("low.setpoint", 52.0, 50.0, "li", "panel", NOW)
        await store.save_state({"long": "x" * 20_000})
        await store.save_state({"long": "y" * 20_000})
    with closing(sqlite3.connect(tmp_path / "state.db")) as db:
        root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'state'").fetchone()[0]
    raw = bytearray((tmp_path / "state.db").read_bytes())
    raw[(root - 1) * 4096 : root * 4096] = b"\xa5" * 4096
    (tmp_path / "state.db").write_bytes(raw)
    async with opened(tmp_path) as store:
        assert store.load_state() == ({}, "moved")
        assert store.effective("low.setpoint", 50.0) == 52.0
    assert StateStore(tmp_path).effective("low.setpoint", 50.0) == 52.0, "in the new file, too"


@pytest.mark.parametrize("what", ["deleted", "garbled", "directory"])
async def test_a_file_lost_under_the_service_is_made_again_with_all_that_is_known(tmp_path, what):
    directory = tmp_path / "var"
    async with opened(directory) as store:
        await store.save_state(state(1))
        await store.save_setting("low.setpoint", 52.0, 50.0, "li", "panel", NOW)
        await store.save_override("low.valve", Override(40.0, "li", "panel", NOW + 600), NOW)
        if what == "garbled":
            await store.close()
            store.path.write_bytes(b"garbage" * 3000)
        else:
            for file in directory.iterdir():
                file.unlink()
            if what == "directory":
                directory.rmdir()
        await store.save_setting("mid.setpoint", 50.0, 49.0, "li", "panel", NOW)
    store = StateStore(directory)
    assert store.load_state() == (state(1), "")
    assert list(store.load_settings()) == ["low.setpoint", "mid.setpoint"]
    assert list(store.load_overrides(NOW)) == ["low.valve"]


async def test_a_caller_that_is_cancelled_leaves_no_half_transaction(tmp_path):
    async with opened(tmp_path) as store:
        for n in range(30):
            task = asyncio.create_task(store.save_state(state(n)))
            for _ in range(n % 7):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await store.save_setting("n", n, 0, "li", "panel", NOW)
    found, problem = StateStore(tmp_path).load_state()
    assert problem == ""
    assert found == state(found["n"])
    assert StateStore(tmp_path).load_settings()["n"].value == 29


async def test_a_disk_that_hangs_is_answered_in_time(tmp_path, monkeypatch):
    async with opened(tmp_path) as store:
        await store.save_state(state(1))
        monkeypatch.setattr("controller.store.state.DEADLINE_S", 0.1)
        with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            began = asyncio.get_running_loop().time()
            with pytest.raises(NotSaved) as refused:
                await store.save_setting("a", 1.0, 0.0, "li", "panel", NOW)
            assert refused.value.code == "stalled"
            assert asyncio.get_running_loop().time() - began < 1.0
            waiting = [asyncio.create_task(store.save_state(state(n))) for n in range(40)]
            answers = await asyncio.gather(*waiting, return_exceptions=True)
            assert all(isinstance(answer, NotSaved) for answer in answers)
            assert len(store._jobs) <= 16
            db.execute("ROLLBACK")
        monkeypatch.setattr("controller.store.state.DEADLINE_S", 5.0)
        for _ in range(1000):
            if store._jobs:
                await asyncio.sleep(0.01)
        assert not store._jobs
        await store.save_setting("b", 1.0, 0.0, "li", "panel", NOW)
    assert list(StateStore(tmp_path).load_settings()) == ["a", "b"]


async def test_what_is_no_json_is_the_callers_mistake(tmp_path):
    async with opened(tmp_path) as store:
        with pytest.raises((TypeError, ValueError)):
            await store.save_state({"x": object()})
        await store.save_state({"x": json.loads("1e400")})
    assert StateStore(tmp_path).load_state()[0]["x"] == float("inf")
