"""An index survives kills while Chroma writes its graph. `make torture` kills 80 times as often."""

from __future__ import annotations

from tests.torture.flush import kill

SEED, KILLS = 0, 6


async def test_killed_while_it_writes_an_index_is_found_broken_and_made_anew(tmp_path):
    kills = [kill for kill, _ in await kill(tmp_path, SEED, KILLS)]

    hits = [kill.reached for kill in kills if kill.is_hit]
    assert len(hits) > KILLS / 2, "most were aimed badly: this says little"
    assert len(set(hits)) > 1
