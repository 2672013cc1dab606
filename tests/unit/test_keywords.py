"""Keywords and salient sentences."""

from core.text.keywords import count_words, keywords, salience


def test_keywords_are_what_a_part_says_more_often_than_the_whole():
    part = ["The bees dance.", "Bees make honey in the hive.", "Honey is sweet."]
    whole = [*part, "Ships sail.", "Ships carry coal.", "A ship has a captain."]
    assert keywords(count_words(part), count_words(whole), 2) == ["bees", "honey"]


def test_korean_keywords_come_without_their_particles():
    said = count_words(["꿀벌은 춤을 춘다.", "꿀벌이 꿀을 모은다.", "벌집에 꿀벌이 산다."])
    assert keywords(said, said, 1) == ["꿀벌"]


def test_what_says_most_of_the_whole_is_most_salient():
    texts = [{"bee", "danc"}, {"bee", "danc", "honey", "hive"}, {"weather"}, {"honey", "hive"}]
    scores = salience([frozenset(text) for text in texts])
    assert max(scores) == scores[1] == 1.0
    assert min(scores) == scores[2]


def test_salience_does_not_depend_on_the_order_of_a_set():
    """Set order differs between processes, and used to decide ties between sentences."""
    often = [f"word{i}" for i in range(40)]
    others = [often[i:] for i in range(40)]
    forward, backward = (
        salience([dict.fromkeys(text[::step]).keys() for text in [often, *others]])
        for step in (1, -1)
    )
    assert forward == backward


def test_salience_of_nothing_is_nothing():
    assert salience([]) == []
    assert salience([frozenset()]) == [0.0]
