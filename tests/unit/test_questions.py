"""Which words beside a link are a question about its video."""

from __future__ import annotations

import pytest

from core.links import find_video_ids, without_links
from core.text.questions import is_question

LINK = "https://youtu.be/aaaaaaaaaaa"

QUESTIONS = f"""
Who found the queen, and is it told otherwise in {LINK}?
{LINK} who found the queen?
{LINK} How many flowers does a bee visit?
How many flowers does a bee visit {LINK}
What is the waggle dance? {LINK}
when did the war end {LINK}
where was it filmed {LINK}
{LINK} why do bees dance
who invented this {LINK}
who said that bees sleep {LINK}
what kind of bees are shown {LINK}
Nice talk. Does the speaker mention Kelso? {LINK}
does she mention Kelso anywhere {LINK}
Tell me why the queen was moved {LINK}
explain how the dance works {LINK}
look at this, which village is it about? {LINK}
What do you think? And what does he say about Arden? {LINK}
Is the queen older than a year? {LINK}
@tube who is speaking? {LINK}
Do bees sleep at night? <{LINK}>
누가 여왕벌을 찾았나요? {LINK}
누가 여왕벌을 찾았나요 {LINK}
{LINK} 여왕벌은 어디에 있어?
{LINK} 왜 벌들이 춤을 추는지 알려줘
{LINK} 언제 시작했는지 설명해 주세요
벌은 꽃을 몇 송이나 찾아가나요? {LINK}
이 강연에서 몇 명이 참가했나요 {LINK}
여왕벌에 대해 좀 알려줘 {LINK}
{LINK}에서 말하는 여왕벌은 누구입니까
무슨 언어를 쓰나요? {LINK}
{LINK} 이 영상에서 결론이 뭐야?
발표자가 켈소를 언급하나요 {LINK}
얼마나 걸렸어? {LINK}
파이썬 3.12에서 바뀐 점은 뭔가요? {LINK}
{LINK} 어떤 모델을 썼나요
""".strip().splitlines()

CHAT = f"""
{LINK}
look at this {LINK}
look at this! {LINK} and {LINK}
check this out {LINK}
What do you think? {LINK}
what do you guys think about this? {LINK}
Thoughts? {LINK}
any thoughts on this? {LINK}
anyone seen this? {LINK}
has anyone watched it yet? {LINK}
have you seen this one? {LINK}
can you summarize this? {LINK}
could you check this video please? {LINK}
what's this? {LINK}
How about this? {LINK}
right? {LINK}
lol what? {LINK}
isn't this great? {LINK}
Who else loves this? {LINK}
who wants to watch this with me {LINK}
How to cook rice {LINK}
Why I left Google {LINK}
When you see it {LINK}
What a talk! {LINK}
how cool is that {LINK}
This is the talk that I told you about {LINK}
I wonder {LINK}
here is the video from yesterday: {LINK}
??? {LINK}
is this the right link? {LINK}
{LINK}&x=1?
이거 봐 {LINK}
이거 봐봐 {LINK}
이거 봤어? {LINK}
다들 이거 보셨나요? {LINK}
이거 어때? {LINK}
어떻게 생각하세요? {LINK}
이거 뭐야? {LINK}
이거 진짜? {LINK}
재밌는 영상이에요 {LINK}
꼭 보세요 {LINK}
오늘 발표 영상입니다 {LINK}
요약해줘 {LINK}
이 영상 요약 좀 해줄래? {LINK}
같이 볼래? {LINK}
왜? {LINK}
ㅋㅋㅋㅋ {LINK}
제가 어제 말한 그 영상 {LINK}
대박 {LINK}
""".strip().splitlines()


@pytest.mark.parametrize("text", QUESTIONS)
def test_it_is_a_question(text):
    assert is_question(without_links(text))


@pytest.mark.parametrize("text", CHAT)
def test_it_only_introduces_the_link(text):
    assert not is_question(without_links(text))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"Is it in {LINK}?", "Is it in?"),
        ("Is it in youtu.be/aaaaaaaaaaa?t=3?", "Is it in?"),
        (f"a <{LINK}> b", "a b"),
        (f"is it {LINK}, or {LINK}", "is it, or"),
        ("see www.youtube.com/watch?v=aaaaaaaaaaa now", "see now"),
        ("https://example.com/?q=who who", "who"),
        ("no link", "no link"),
    ],
)
def test_links_are_taken_out_and_a_question_mark_behind_one_stays(text, left):
    assert without_links(text) == left
    assert find_video_ids(left) == []
