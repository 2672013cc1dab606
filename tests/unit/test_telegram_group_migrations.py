"""Group migrations survive restarts, failed writes and damaged files."""

from bot.telegram_adapter.group_migrations import FILE, GroupMigrations


def test_a_migration_survives_a_restart(tmp_path):
    GroupMigrations(tmp_path).record(-1, -1001)
    again = GroupMigrations(tmp_path)
    assert (again.current_id(-1), again.original_id(-1001)) == (-1001, -1)


def test_the_file_is_replaced_not_overwritten(tmp_path):
    migrations = GroupMigrations(tmp_path)
    migrations.record(-1, -1001)
    with (tmp_path / FILE).open() as before:
        migrations.record(-2, -1002)
        assert before.read() == '{"-1": -1001}'
    assert GroupMigrations(tmp_path).current_id(-2) == -1002


def test_an_unreadable_file_does_not_stop_the_start(tmp_path):
    (tmp_path / FILE).write_text('{"-1": ')
    assert GroupMigrations(tmp_path).current_id(-1) == -1
