"""Parts of pages: remembered by what they are made of, and by nothing else."""

from __future__ import annotations

import random
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from opticworks.contracts import Picture, SlotFragment
from opticworks.web import parts
from opticworks.web.engine import Engine, Markup
from opticworks.web.parts import Parts
from opticworks.web.pictures import picture_html
from opticworks.web.templates import render_slot
from opticworks.web.themes import Layer, SearchPath

PICTURE = Picture(src="/a.webp", width=2, height=1, alt="A", srcset={"image/webp": "/a.webp 2w"})
ONE = sys.getsizeof(Markup("<p>a </p>"))  #: bytes of a word that is remembered


@pytest.fixture
def engine(tmp_path):
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "word.pt").write_text("<p>${word} ${shop}</p>")
    (folder / "picture.pt").write_text("<p>${picture.alt} ${picture.width}</p>")
    (folder / "curious.pt").write_text("<p>${request}</p>")
    return Engine("t", SearchPath([Layer("kernel", tmp_path)]))


@pytest.fixture
def rendered(engine, monkeypatch):
    """Names of the templates that were rendered, in order."""
    names, render = [], engine.render

    def noted(name, values):
        names.append(name)
        return render(name, values)

    monkeypatch.setattr(engine, "render", noted)
    return names


def test_equal_values_are_rendered_once_and_others_anew(engine, rendered):
    made = Parts(engine, {"shop": "Oak"})
    assert made.html("word", word="a") == made.html("word", word="a") == "<p>a Oak</p>"
    assert made.html("word", word="b") == "<p>b Oak</p>"
    assert rendered == ["word", "word"]


def test_a_picture_that_changed_in_anything_is_another_part(engine):
    made = Parts(engine, {})
    assert made.html("picture", picture=PICTURE) == "<p>A 2</p>"
    assert made.html("picture", picture=replace(PICTURE, width=3)) == "<p>A 3</p>"
    assert hash(PICTURE) == hash(replace(PICTURE, width=3)) != hash(replace(PICTURE, alt="B"))


FILES = "/a,1-160.webp 160w, /a-320.webp 320w, /a-640.webp 640w"


@pytest.mark.parametrize(
    ("sizes", "shown"),
    [
        ("80px", "/a,1-160.webp 160w, /a-320.webp 320w"),
        ("48px", "/a,1-160.webp 160w"),
        ("400px", FILES),
        ("50vw", FILES),
        ("(min-width: 990px) 80px, 100vw", FILES),
    ],
)
def test_a_thumbnail_names_no_file_that_no_screen_needs(sizes, shown):
    html = picture_html(replace(PICTURE, srcset={"image/webp": FILES}), sizes, alt="A")
    assert f'srcset="{shown}"' in html


def test_text_never_comes_out_as_the_html_of_the_same_letters(engine):
    made = Parts(engine, {"shop": ""})
    assert made.html("word", word=Markup("<b>")) == "<p><b> </p>"
    assert made.html("word", word="<b>") == "<p>&lt;b&gt; </p>"


def test_what_has_no_hash_is_rendered_each_time(engine, rendered):
    made = Parts(engine, {"shop": ""})
    words = ["a"]
    assert made.html("word", word=words) == "<p>[&#x27;a&#x27;] </p>".replace("&#x27;", "'")
    words.append("b")
    assert "b" in made.html("word", word=words)
    assert len(rendered) == 2


def test_what_belongs_to_a_visitor_is_not_kept(engine, rendered):
    made = Parts(engine, {"shop": ""})
    assert made.fresh("word", word="Ada") == made.fresh("word", word="Ada") == "<p>Ada </p>"
    assert len(rendered) == 2
    assert not made._known


def test_a_part_sees_no_request(engine):
    with pytest.raises(NameError):
        Parts(engine, {}).html("curious")


def test_in_development_everything_is_rendered_since_templates_change(engine, rendered):
    engine.auto_reload = True
    made = Parts(engine, {"shop": ""})
    assert made.html("word", word="a") == made.html("word", word="a")
    assert len(rendered) == 2


def test_no_more_is_remembered_than_fits(engine, rendered, monkeypatch):
    monkeypatch.setattr(parts, "MOST_BYTES", 2 * ONE)
    made = Parts(engine, {"shop": ""})
    for word in "abcabc":  # of three there is always one missing
        made.html("word", word=word)
    assert 4 <= len(rendered) <= 6


def test_of_more_than_fits_a_part_is_found_again_when_all_is_read_in_turn(
    engine, rendered, monkeypatch
):
    random.seed(20)
    monkeypatch.setattr(parts, "MOST_BYTES", 20 * ONE)
    made = Parts(engine, {"shop": ""})
    words = "abcdefghijklmnopqrstuvwxy"  # five more than fit
    for word in words * 40:
        made.html("word", word=word)
    assert len(rendered) < 0.5 * 40 * len(words)


def test_only_a_fragment_that_says_so_is_a_part(engine, rendered):
    names = {
        "shop": "Oak",
        "request": SimpleNamespace(),
        "part": Parts(engine, {"shop": "Oak"}).html,
    }
    pure = SlotFragment(template="word", data={"word": "a"}, pure=True)
    for fragment in (pure, pure, replace(pure, pure=False), replace(pure, pure=False)):
        assert list(render_slot(engine, [fragment], names, {})) == ["<p>a Oak</p>"]
    assert len(rendered) == 3
