"""Credentials: valid, trusted, tampered, gone; the AIGC label written, read, refused; the visible mark."""

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from aigc_course.errors import CourseError
from aigc_course.trust import labels, provenance


@pytest.fixture
def picture(tmp_path, rng):
    """A grey PNG of noise, 120 × 100."""
    path = tmp_path / "picture.png"
    Image.fromarray(rng.integers(0, 256, (120, 100), dtype=np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def authority():
    pytest.importorskip("c2pa")
    return provenance.make_authority("A school")


# --- content credentials ---


def test_a_signed_picture_is_valid_and_trusted_only_by_who_trusts(picture, authority, tmp_path):
    signed = tmp_path / "signed.png"
    provenance.sign(picture, signed, authority)
    told = provenance.read(signed)
    assert (told.state, told.problems) == ("valid", ("signingCredential.untrusted",))
    assert provenance.read(signed, authority.root) == provenance.Credential(
        "trusted", (), "A school", provenance.GENERATED
    )
    assert provenance.read(signed, provenance.make_authority("Others").root).state == "valid"
    assert (np.asarray(Image.open(signed)) == np.asarray(Image.open(picture))).all()
    assert signed.stat().st_size < picture.stat().st_size + 30_000


@pytest.mark.parametrize("place", [0.4, 0.7, 0.9])
def test_one_flipped_bit_is_found(picture, authority, tmp_path, place):
    """Somewhere in the pixels, wherever: they lie behind the credential, which is at the front."""
    signed, broken = tmp_path / "signed.png", tmp_path / "broken.png"
    provenance.sign(picture, signed, authority)
    content = bytearray(signed.read_bytes())
    size = picture.stat().st_size
    content[len(content) - round(size * place)] ^= 1
    broken.write_bytes(content)
    told = provenance.read(broken, authority.root)
    assert told.state == "tampered"
    assert "assertion.dataHash.mismatch" in told.problems


def test_a_resave_leaves_nothing(picture, authority, tmp_path):
    signed, saved = tmp_path / "signed.png", tmp_path / "saved.png"
    provenance.sign(picture, signed, authority)
    Image.open(signed).save(saved)
    assert provenance.read(saved, authority.root) == provenance.Credential("none")
    assert provenance.read(picture) == provenance.Credential("none")


def test_jpeg_too(authority, tmp_path, rng):
    path, signed = tmp_path / "a.jpg", tmp_path / "b.jpg"
    Image.fromarray(rng.integers(0, 256, (64, 64), dtype=np.uint8)).save(path)
    provenance.sign(path, signed, authority, title="noise", source=provenance.GENERATED)
    assert provenance.read(signed, authority.root).state == "trusted"


def test_what_cannot_be_signed_is_said(picture, authority, tmp_path):
    with pytest.raises(CourseError, match="different files"):
        provenance.sign(picture, picture, authority)
    with pytest.raises(CourseError, match="no file"):
        provenance.sign(tmp_path / "none.png", tmp_path / "out.png", authority)
    with pytest.raises(CourseError, match="one format"):
        provenance.sign(picture, tmp_path / "out.jpg", authority)
    mixed = authority._replace(key=provenance.make_authority().key)  # another's key
    with pytest.raises(CourseError, match="refused"):
        provenance.sign(picture, tmp_path / "out.png", mixed)
    assert not (tmp_path / "out.png").exists()
    with pytest.raises(CourseError, match="name"):
        provenance.make_authority("")


# --- the label ---


def test_the_label_comes_back_and_a_resave_leaves_nothing(picture, tmp_path):
    out = tmp_path / "labelled.png"
    given = {"producer": "某公司 <A & B>", "produce_id": "2026-7", "propagator": 'he said "yes"'}
    written = labels.write_label(picture, out, **given)
    assert list(written) == list(labels.FIELDS)
    assert labels.read_label(out) == written
    assert written["Label"] == "1"
    assert written["ContentProducer"] == given["producer"]
    assert (np.asarray(Image.open(out)) == np.asarray(Image.open(picture))).all()
    Image.open(out).save(tmp_path / "saved.png")
    assert labels.read_label(tmp_path / "saved.png") is None
    assert labels.read_label(picture) is None


def test_the_chunk_is_where_other_programs_look(picture, tmp_path):
    """Keyword, namespace and prefix as the practice guide's readers expect them, in the file's bytes."""
    out = tmp_path / "labelled.png"
    labels.write_label(picture, out, producer="x")
    content = out.read_bytes()
    for part in (b"iTXtXML:com.adobe.xmp\0", labels.NAMESPACE.encode(), b"<TC260:AIGC>", b'"Label":"1"'):
        assert part in content


def _with_xmp(picture, path, text):
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", text)
    Image.open(picture).save(path, pnginfo=chunks)
    return path


def test_the_label_as_an_attribute_is_read_too(picture, tmp_path):
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:T="{labels.NAMESPACE}" T:AIGC=\'{{"Label":"2"}}\'/></rdf:RDF></x:xmpmeta>'
    )
    assert labels.read_label(_with_xmp(picture, tmp_path / "a.png", packet)) == {"Label": "2"}
    other = packet.replace(labels.NAMESPACE, "http://example.org/")
    assert labels.read_label(_with_xmp(picture, tmp_path / "b.png", other)) is None


@pytest.mark.parametrize(
    ("inner", "words"),
    [('{"Label":"9"}', "1, 2 or 3"), ("{broken", "damaged"), ("[1]", "1, 2 or 3")],
)
def test_a_bad_label_is_refused(picture, tmp_path, inner, words):
    packet = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><T:AIGC xmlns:T="{labels.NAMESPACE}">{inner}</T:AIGC></x:xmpmeta>'
    with pytest.raises(CourseError, match=words):
        labels.read_label(_with_xmp(picture, tmp_path / "a.png", packet))


def test_entities_are_not_expanded(picture, tmp_path):
    packet = '<!DOCTYPE x [<!ENTITY a "aaaa">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&a;</x:xmpmeta>'
    with pytest.raises(CourseError, match="DOCTYPE"):
        labels.read_label(_with_xmp(picture, tmp_path / "a.png", packet))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"label": 4, "producer": "x"}, "label"),
        ({"label": True, "producer": "x"}, "label"),
        ({"label": 1}, "producer"),
        ({"producer": "a\nb"}, "one line"),
        ({"producer": 7}, "text"),
        ({"producer": "x", "author": "me"}, "no field 'author'"),
    ],
)
def test_a_label_that_says_nothing_is_not_written(picture, tmp_path, given, words):
    with pytest.raises(CourseError, match=words):
        labels.write_label(picture, tmp_path / "out.png", **given)
    assert not (tmp_path / "out.png").exists()


def test_label_and_credential_go_together(picture, authority, tmp_path):
    """The label first, then the signature over it."""
    labelled, signed = tmp_path / "labelled.png", tmp_path / "signed.png"
    written = labels.write_label(picture, labelled, producer="A school")
    provenance.sign(labelled, signed, authority)
    assert labels.read_label(signed) == written
    assert provenance.read(signed, authority.root).state == "trusted"


# --- for the eye ---


def test_the_visible_mark_has_ink_of_the_size_asked_for():
    paper = np.zeros((300, 400), np.uint8)
    marked, text = labels.visible_mark(paper, 0.1)
    rows, columns = np.nonzero(marked)
    assert marked.shape == paper.shape
    assert not paper.any()
    assert text in ("AI 生成", "AI generated")
    assert 0.07 * 300 < np.ptp(rows) < 0.2 * 300
    assert rows.min() > 150
    assert columns.max() < 400


def test_the_visible_mark_never_draws_boxes(monkeypatch):
    """Without a Chinese font English comes, not characters that the font lacks."""
    from aigc_course import plots

    monkeypatch.setattr(plots, "chinese_font", lambda: None)
    assert labels.visible_mark(np.zeros((100, 200), np.uint8))[1] == "AI generated"


@pytest.mark.parametrize(
    "image", [np.zeros((20, 20), np.uint8), np.zeros((100, 100)), np.zeros((100, 100, 3), np.uint8)]
)
def test_too_small_or_no_grey_picture(image):
    with pytest.raises(CourseError, match="uint8"):
        labels.visible_mark(image)
