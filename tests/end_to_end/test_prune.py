"""Exports whose own retention has run out: `verbatim prune` at once, the janitors once a day over all of them."""

import datetime
import threading
import uuid

import pytest

from tests.end_to_end.conftest import file_storage
from tests.end_to_end.test_janitor import House, make_house
from tests.end_to_end.test_storage import storage_tool  # noqa: F401 (a fixture)
from tests.lib.parts import add_job
from tests.lib.process import wait_until
from tests.lib.proxy import Proxy

OLD, YOUNG = "2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"


@pytest.fixture
def house(program, database, folder, storage, storage_tool) -> House:  # noqa: F811
    return make_house(program, database, folder, storage, storage_tool)


@pytest.fixture
def directory(program, database, folder, tmp_path, storage_tool) -> House:  # noqa: F811
    return make_house(program, database, folder, file_storage(tmp_path), storage_tool)


def jobs(house):
    return {str(row[0]) for row in house.database.execute("SELECT job_id FROM verbatim.job")}


def run_prune(house):
    program = type(house.program)(house.program.path, None, house.program.options | house.storage.options,
                                  house.storage.env)
    return program.run("prune").stdout


def test_the_command_deletes_rows_and_files_that_are_due(house):
    due, due_key = house.ended(retention="7 days", created_at=OLD)
    kept, kept_key = house.ended(retention="7 days", created_at=YOUNG)
    plain, plain_key = house.ended(created_at=OLD)  # kept by the option, which is the janitor's
    failed = add_job(house.database, status="failed", retention="7 days", created_at=OLD, error_message="no")
    running = add_job(house.database, status="started", retention="7 days", created_at=OLD)
    assert run_prune(house) == "pruned 2 rows, 1 files\n"
    assert jobs(house) == {kept, plain, running} and due not in jobs(house) and failed not in jobs(house)
    assert not house.exists(due_key)
    assert house.exists(kept_key) and house.exists(plain_key)
    assert house.database.execute("SELECT object_key, looks, not_before > now() + interval '50 minutes' "
                                  "FROM verbatim.cleanup") == [(due_key, 1, True)], "the second look is the janitor's"
    assert run_prune(house) == "pruned 0 rows, 0 files\n"


def test_a_file_that_is_gone_already_is_not_counted(directory):
    directory.ended(retention="7 days", created_at=OLD, archive_deleted_at=OLD)
    assert run_prune(directory) == "pruned 1 rows, 0 files\n"
    assert directory.database.value("SELECT count(*) FROM verbatim.cleanup") == 0


def test_files_of_another_store_are_left_to_those_who_have_it(directory):
    job = str(uuid.uuid4())
    add_job(directory.database, job_id=job, object_key="conversation_exports/w/x/a.zip", upload_id="",
            storage="s3:elsewhere/r/http://h", retention="7 days", created_at=OLD)
    assert run_prune(directory) == "pruned 1 rows, 0 files, 1 files left to the janitor\n"
    assert directory.database.execute("SELECT storage, looks, not_before <= now() FROM verbatim.cleanup") == [
        ("s3:elsewhere/r/http://h", 0, True)]


def test_a_clean_up_that_a_janitor_took_over_is_left_to_it(directory):
    """The command stalled for longer than its claim; what it says then is not believed."""
    house = directory
    house.ended(retention="7 days", created_at=OLD)
    with Proxy(house.database.port, hold_on=b"UPDATE verbatim.cleanup SET looks") as proxy:
        url = f"postgresql://postgres@127.0.0.1:{proxy.port}/{house.database.name}"
        options = house.program.options | house.storage.options | {"database_url": url}
        command = threading.Thread(target=lambda: type(house.program)(house.program.path, None, options).run("prune"))
        command.start()
        wait_until(lambda: proxy.stuck, "the end of the command's clean-up")
        house.database.execute("UPDATE verbatim.cleanup SET attempts = attempts + 1,"
                               " not_before = now() + interval '15 minutes'")
        proxy.release()
        command.join()
    assert house.database.execute("SELECT looks, attempts, not_before < now() + interval '15 minutes'"
                                  " FROM verbatim.cleanup") == [(0, 1, True)]


def clock(hours):
    """HH:MM so many hours from now, UTC."""
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)).strftime("%H:%M")


def set_last(house, hours_ago):
    house.database.execute("UPDATE verbatim.daily SET ran_at = now() - %s * interval '1 hour'", (hours_ago,))


def test_janitors_prune_once_a_day_at_the_hour(directory):
    job, key = directory.ended(retention="7 days", created_at=OLD, archive_deleted_at=None, link_ttl="24 hours")
    set_last(directory, 1)
    later, other = clock(2), directory.archive()
    directory.cleanup(other)
    with directory.janitor(prune_at=later):
        wait_until(lambda: not directory.exists(other), "a round of the janitor")
        assert job in jobs(directory), "not before its time"
    set_last(directory, 3)
    with directory.janitor(prune_at=clock(-1)) as one, directory.janitor(prune_at=clock(-1)) as two:
        wait_until(lambda: job not in jobs(directory), "the row to go")
        wait_until(lambda: not directory.exists(key), "the file to go")
        second, _ = directory.ended(retention="7 days", created_at=OLD)
        third = directory.archive()
        directory.cleanup(third)
        wait_until(lambda: not directory.exists(third), "one more round")
        assert second in jobs(directory), "only once a day"
        said = sum(process.log_path.read_text().count("pruned 1 exports") for process in (one, two))
        assert said == 1
    assert directory.database.value("SELECT ran_at > now() - interval '1 hour' FROM verbatim.daily")


def test_a_day_with_many_rows_is_several_transactions(directory):
    house = directory
    add_job(house.database, retention="7 days", created_at=OLD, storage="s3:elsewhere/r/http://h", object_key="k",
            upload_id="")
    columns = [row[0] for row in house.database.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'verbatim' AND table_name = 'job'"
        " AND column_name <> 'job_id' AND is_generated = 'NEVER'")]
    names = ", ".join(columns)
    house.database.execute(f"INSERT INTO verbatim.job (job_id, {names}) SELECT gen_random_uuid(), {names}"
                           " FROM verbatim.job, generate_series(1, 449)")
    set_last(house, 3)
    with house.janitor(prune_at=clock(-1)):
        wait_until(lambda: house.database.value("SELECT ran_at > now() - interval '1 hour' FROM verbatim.daily"),
                   "the end of the day's pruning")
    assert jobs(house) == set()
    assert house.database.execute("SELECT count(*), count(DISTINCT xmin::text) FROM verbatim.cleanup") == [(450, 3)]


def test_a_day_that_was_missed_is_made_up_for(directory):
    job, _ = directory.ended(retention="7 days", created_at=OLD)
    set_last(directory, 30)
    with directory.janitor(prune_at=clock(3)):
        wait_until(lambda: job not in jobs(directory), "the row to go")


@pytest.mark.parametrize("value", ["24:00", "02:60", "2:15", "02:15:00", "noon"])
def test_an_hour_that_is_none_is_refused(program, value):
    done = program.run("prune", check=False, options={"prune_at": value})
    assert done.returncode == 2 and f'"{value}"' in done.stderr and "HH:MM" in done.stderr


def test_help(program):
    assert "retention" in program.run("prune", "--help").stdout
