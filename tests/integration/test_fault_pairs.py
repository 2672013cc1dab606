"""Some of the pairs of faults of `python -m tests.torture pairs`: nothing is stuck or silent."""

from tests.torture import pairs


async def test_with_two_faults_in_its_way_each_link_is_told_its_summary_or_an_error(tmp_path):
    await pairs.round(tmp_path, seed=2, pairs=9)
