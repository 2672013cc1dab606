"""This file holds what is remembered of groups that became supergroups."""

from bot.telegram_adapter.group_migrations import FILE, Moves


def test_a_move_is_known_after_a_restart(tmp_path):
    Moves(tmp_path).follow(-1, -1001)
    again = Moves(tmp_path)
    assert (again.now(-1), again.first(-1001)) == (-1001, -1)


def test_what_is_known_is_whole_at_any_time(tmp_path):
    moves = Moves(tmp_path)
    moves.follow(-1, -1001)
    with (tmp_path / FILE).open() as before:
        moves.follow(-2, -1002)
        assert before.read() == '{"-1": -1001}'
    assert Moves(tmp_path).now(-2) == -1002


def test_a_file_that_nobody_can_read_keeps_nobody_from_starting(tmp_path):
    (tmp_path / FILE).write_text('{"-1": ')
    assert Moves(tmp_path).now(-1) == -1
