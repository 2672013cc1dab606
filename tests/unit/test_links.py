"""This file checks that every YouTube link is found, and nothing that only looks like one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.links import find_video_ids, watch_url

ID, OTHER, THIRD = "dQw4w9WgXcQ", "-_0123AbCd-", "jNQXAC9IVRw"

LINKS = [
    f"https://www.youtube.com/watch?v={ID}",
    f"http://www.youtube.com/watch?v={ID}",
    f"https://youtube.com/watch?v={ID}",
    f"www.youtube.com/watch?v={ID}",
    f"youtube.com/watch?v={ID}",
    f"HTTPS://WWW.YouTube.COM/watch?v={ID}",
    f"YOUTU.BE/{ID}",
    f"https://www.youtube.com/watch?list=PL0123456789&index=3&v={ID}&t=62s",
    f"https://www.youtube.com/watch?feature=share&amp;v={ID}&amp;t=4",
    f"https://www.youtube.com/watch/?v={ID}",
    f"https://www.youtube.com/watch?v={ID}&ab_channel=한글",
    f"https://www.youtube.com/watch?ab_channel=한글&v={ID}",
    f"https://www.youtube.com/watch?v={ID}#t=62",
    f"https://www.youtube.com/watch?v={ID}?t=62",
    f"https://youtu.be/{ID}",
    f"youtu.be/{ID}",
    f"https://www.youtu.be/{ID}",
    f"https://youtu.be/{ID}?si=AbCdEfGhIjKlMnOp&t=62",
    f"https://youtu.be/{ID}#t=62",
    f"https://youtu.be/{ID}/",
    f"https://www.youtube.com/shorts/{ID}",
    f"https://youtube.com/shorts/{ID}?feature=share",
    f"https://www.youtube.com/live/{ID}?si=abc",
    f"https://www.youtube.com/embed/{ID}?start=3",
    f"https://www.youtube.com/v/{ID}?version=3",
    f"https://m.youtube.com/watch?v={ID}",
    f"https://music.youtube.com/watch?v={ID}&list=RDAMVM",
    f"https://www.youtube-nocookie.com/embed/{ID}",
    f"youtube-nocookie.com/embed/{ID}",
    f"https://www.youtube.com:443/watch?v={ID}",
    f"https://www.youtube.com./watch?v={ID}",
]

WRAPPINGS = [
    "{}",
    "<{}>",
    "[a song]({})",
    "({})",
    "**{}**",
    "||{}||",
    "`{}`",
    '"{}"',
    "“{}”",
    "「{}」",
    "look: {} please",
    "look:{}",
    "1) {}",
    "- {}",
    "\u200b{}\u200b",
    "{}\n",
    "{}.",
    "{},",
    "{}!",
    "{}?",
    "{}…",
    "{}。",
    "{}、",
    "{}！",
    "{} 요약해줘",
    "{}요약해줘",
]

NO_LINKS = [
    "",
    ID,
    f"v={ID}",
    f"watch?v={ID}",
    "https://www.youtube.com/",
    "https://www.youtube.com/watch",
    "https://www.youtube.com/watch?v=",
    "https://www.youtube.com/playlist?list=PL0123456789",
    "https://www.youtube.com/watch?list=PL0123456789",
    "https://www.youtube.com/embed/videoseries?list=PL0123456789",
    "https://www.youtube.com/embed/live_stream?channel=UC0123456789",
    "https://www.youtube.com/@channelname",
    "https://www.youtube.com/channel/UCuAXFkgsw1L7xaCfnd5JJOw",
    "https://www.youtube.com/c/abcdefghijk",
    "https://www.youtube.com/user/abcdefghijk",
    "https://www.youtube.com/abcdefghijk",
    f"https://www.youtube.com/results?search_query={ID}",
    f"https://www.youtube.com/redirect?q=https://youtu.be/{ID}",
    f"https://www.youtube.com/watch?t=4#&v={ID}",
    f"https://www.youtube.com/watch?vv={ID}",
    "https://youtu.be/dQw4w9WgXc",
    "https://youtu.be/dQw4w9WgXcQQ",
    "https://www.youtube.com/watch?v=dQw4w9WgXc",
    "https://www.youtube.com/watch?v=dQw4w9WgXcQQ",
    "https://www.youtube.com/watch?v=dQw4w9WgXcQ-",
    "https://www.youtube.com/watch?v=dQw4w9W!XcQ",
    "https://www.youtube.com/watch?v=dQw4w9WgXc한",
    f"https://youtube.com.evil.org/watch?v={ID}",
    f"youtube.com.evil.org/watch?v={ID}",
    f"https://evil-youtube.com/watch?v={ID}",
    f"evilyoutube.com/watch?v={ID}",
    f"https://notyoutu.be/{ID}",
    f"https://evil.youtube.com/watch?v={ID}",
    f"https://youtube.co/watch?v={ID}",
    f"https://yоutube.com/watch?v={ID}",  # a Cyrillic о
    f"https://한youtube.com/watch?v={ID}",
    f"éyoutube.com/watch?v={ID}",
    f"https://youtube.com@evil.org/watch?v={ID}",
    f"https://youtube.com:pass@evil.org/watch?v={ID}",
    f"https://user@youtube.com/watch?v={ID}",
    f"https://evil.org\\@youtube.com/watch?v={ID}",
    f"https://evil.org\\youtube.com/watch?v={ID}",
    f"someone@youtube.com/watch?v={ID}",
    f"https://evil.org/?u=https://www.youtube.com/watch?v={ID}",
    f"evil.org/?u=https://www.youtube.com/watch?v={ID}",
    f"evil.org:8080/https://www.youtube.com/watch?v={ID}",
    f"https://evil.org/youtu.be/{ID}",
    f"https://evil.org/#youtu.be/{ID}",
    f"evil.org?youtu.be/{ID}",
    f"ftp://youtube.com/watch?v={ID}",
    f"file:///youtube.com/watch?v={ID}",
    f"file:///https://youtube.com/watch?v={ID}",
    f"https://youtube.com:8080/watch?v={ID}",
    f"https://youtube.com/watch%3Fv={ID}",
    f"https://www.youtube-nocookie.com/watch?v={ID}",
    f"https:// youtu.be /{ID}",
    f"https://vimeo.com/{ID}",
]


@pytest.mark.parametrize("link", LINKS)
def test_every_form_of_link_is_known_in_every_wrapping(link):
    for wrapping in WRAPPINGS:
        assert find_video_ids(wrapping.format(link)) == [ID], wrapping


@pytest.mark.parametrize("text", NO_LINKS)
def test_nothing_else_is_taken_for_a_link(text):
    for wrapping in WRAPPINGS:
        assert find_video_ids(wrapping.format(text)) == [], wrapping


BETWEEN = [" ", "\n", ",", ", ", ";", " and ", "와", "、", ")(", "> <", "|"]


@pytest.mark.parametrize("between", BETWEEN)
def test_several_links_come_in_order_and_once(between):
    links = [f"https://youtu.be/{x}" for x in (OTHER, ID, OTHER, THIRD)]
    assert find_video_ids(between.join(links)) == [OTHER, ID, THIRD]


def test_links_without_https_may_follow_a_comma():
    assert find_video_ids(f"youtu.be/{ID},www.youtube.com/shorts/{OTHER}") == [ID, OTHER]


def test_an_address_copied_from_a_page_may_lack_its_scheme():
    assert find_video_ids(f'<iframe src="//www.youtube.com/embed/{ID}">') == [ID]


def test_a_good_link_beside_a_bad_one_is_found():
    bad = f"https://evil.org/?u=https://youtu.be/{OTHER}"
    assert find_video_ids(f"{bad} https://youtu.be/{ID} {bad}") == [ID]


PIECES = [*"htps:/w.v=?&#@<>()[] ,\n한é", ID, "youtu.be/", "https://", "youtube.com/watch?v="]


@given(st.lists(st.sampled_from(PIECES)).map("".join))
def test_whatever_is_found_is_an_id_that_was_written(text):
    found = find_video_ids(text)
    assert len(found) == len(set(found))
    assert all(re.fullmatch("[A-Za-z0-9_-]{11}", x) and x in text for x in found)


@given(st.text(), st.from_regex("[A-Za-z0-9_-]{11}", fullmatch=True), st.text())
def test_a_link_that_stands_alone_is_found_in_any_text(before, video_id, after):
    text = f"{before} https://www.youtube.com/watch?v={video_id} {after}"
    assert video_id in find_video_ids(text)


HOSTILE = ["a", ":", "(", "//", "한", "&amp;", "a.", "a:", "a.b:1", "www.", "&v=", "https://"]
HOSTILE += [",youtube.com/", "youtube.com/watch?:", "https://youtube.com/watch?&v="]


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.timeout(20)
def test_a_hostile_megabyte_takes_no_more_than_linear_time(piece):
    # One link tried at every place would take minutes here; the timeout is the assertion.
    hostile = piece * (1_000_000 // len(piece))
    assert find_video_ids(f"{hostile} youtu.be/{ID}") == [ID]
    assert find_video_ids(f"youtube.com/watch?{hostile}") == []


def test_the_address_is_rebuilt_from_the_id():
    assert watch_url(ID) == "https://www.youtube.com/watch?v=dQw4w9WgXcQ"
    assert find_video_ids(watch_url(OTHER)) == [OTHER]
