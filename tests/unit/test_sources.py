"""This file checks what a text means: links, or a file; and how a file becomes a video."""

import pytest

from core.errors import FileEmpty, NotALink, NotMedia
from core.sources import File, Link, file_video, find_sources, is_file

ID, OTHER = "dQw4w9WgXcQ", "jNQXAC9IVRw"


def test_every_link_in_a_text_is_a_source():
    text = f"https://youtu.be/{ID} and https://youtu.be/{OTHER}"
    assert find_sources(text) == [Link(ID), Link(OTHER)]


def test_the_name_of_a_file_is_a_source(tmp_path):
    path = tmp_path / "talk one.wav"
    path.write_bytes(b"RIFF")
    assert find_sources(str(path)) == [File(path)]


def test_a_file_named_like_a_link_is_the_file(tmp_path):
    path = tmp_path / "youtu.be" / ID
    path.parent.mkdir()
    path.write_bytes(b"RIFF")
    assert find_sources(str(path)) == [File(path)]


def test_a_link_is_not_looked_for_on_the_disk():
    assert not is_file(f"https://www.youtube.com/watch?v={ID}")


@pytest.mark.parametrize("text", ["", "hello", ID, "/no/such/file.wav", "https://vimeo.com/1"])
def test_anything_else_is_told_to_be_no_link(text):
    with pytest.raises(NotALink) as raised:
        find_sources(text)
    assert raised.value.text == text


def test_a_novel_is_not_told_whole():
    with pytest.raises(NotALink) as raised:
        find_sources("novel " * 10_000)
    assert raised.value.text == ("novel " * 34)[:200]


@pytest.mark.parametrize("name", ["x" * 100_000, "a\0b", "/" * 5_000, "\udcff"])
def test_an_impossible_name_is_no_file(name):
    assert not is_file(name)


def test_a_folder_is_no_file(tmp_path):
    assert not is_file(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "is_subtitles"),
    [("a.srt", True), ("A.VTT", True), ("a.mp3", False), ("srt", False), ("a.srt.mp4", False)],
)
def test_subtitles_are_known_by_their_name(tmp_path, name, is_subtitles):
    assert File(tmp_path / name).is_subtitles == is_subtitles


def test_the_same_bytes_are_the_same_video_by_any_name(tmp_path):
    one, two, other = tmp_path / "one.wav", tmp_path / "two.mp3", tmp_path / "other.wav"
    one.write_bytes(b"sound")
    two.write_bytes(b"sound")
    other.write_bytes(b"noise")
    assert file_video(File(one)).id == file_video(File(two)).id != file_video(File(other)).id


def test_a_file_is_named_by_128_bits_of_its_hash(tmp_path):
    path = tmp_path / "The dance of bees.final.wav"
    path.write_bytes(b"sound")
    video = file_video(File(path))
    assert video.id == "file-dd29442deca69f52c50006b831cb216e"  # sha256sum says so too
    assert video.title == "The dance of bees.final"
    assert video.file_name == "The dance of bees.final.wav"
    assert video.url_at(62.9) == "The%20dance%20of%20bees.final.wav#t=62"


def test_a_file_without_a_byte_is_refused(tmp_path):
    (tmp_path / "empty.wav").touch()
    with pytest.raises(FileEmpty) as raised:
        file_video(File(tmp_path / "empty.wav"))
    assert raised.value.name == "empty.wav"


def test_a_file_that_is_gone_or_a_folder_is_no_media(tmp_path):
    for path in (tmp_path / "gone.wav", tmp_path):
        with pytest.raises(NotMedia) as raised:
            file_video(File(path))
        assert raised.value.name == path.name
