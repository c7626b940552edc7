"""Bodies too big and text that is no text."""

import io

import pytest

OWN = {"Origin": "http://localhost"}


def test_a_body_over_the_limit_is_413_with_a_sentence(build):
    response = build().post("/echo", {"text": "x" * 1100}, headers=OWN, status=413)
    assert "MB" in response.text


def test_a_route_may_take_more(build):
    app = build()
    assert len(app.post("/upload", {"text": "x" * 1100}, headers=OWN).text) > 1100
    app.post("/upload", {"text": "x" * 5100}, headers=OWN, status=413)


def test_an_upload_that_is_too_big_is_taken_in_so_that_the_browser_sees_the_answer(build):
    app = build()
    for size, taken in ((5100, 5100), (25_000, 0)):  # what is far too big is cut off
        body = io.BytesIO(b"x" * size)
        request = app.RequestClass.blank("/upload", method="POST", headers=OWN)
        request.environ.update({"wsgi.input": body, "CONTENT_LENGTH": str(size)})
        assert "MB" in app.do_request(request, status=413).text
        assert body.tell() == taken


def test_a_body_of_unknown_length_is_not_read(build):
    app = build()
    request = app.RequestClass.blank("/echo", method="POST", headers=OWN)
    request.environ.pop("CONTENT_LENGTH", None)
    request.headers["Transfer-Encoding"] = "chunked"
    app.do_request(request, status=411)


FORM = {"Content-Type": "application/x-www-form-urlencoded", **OWN}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x", **OWN}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"text=%ff%fe", FORM),
        (b"text=\xff\xfe", FORM),
        (b"\xff=1", FORM),
        (b"text=a%00b", FORM),
        (b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n\xff\r\n--x--\r\n', MULTIPART),
        (b"nothing like it", {"Content-Type": "multipart/form-data", **OWN}),
        (b"text=x", {"Content-Type": "application/x-www-form-urlencoded; charset=nope", **OWN}),
    ],
)
def test_a_form_that_is_no_text_is_400_and_never_500(build, body, headers):
    build().post("/echo", body, headers=headers, status=400)


@pytest.mark.parametrize("path", ["/page?a=%ff", "/page?%ff=1", "/page?a=%00", "/%ff", "/a%00b"])
def test_an_address_that_is_no_text_is_400(build, path):
    build().get(path, status=400)


def test_text_in_any_script_passes(build):
    app = build()
    text = "Zoë 漢字 🚀"
    assert app.post("/echo", {"text": text}, headers=OWN).text == f"POST {text}"
    app.get("/page", {"q": text})


def test_a_file_in_a_form_of_text_is_400_with_a_sentence(build):
    app = build()
    files = [("text", "a.txt", b"hello")]
    response = app.post("/echo", upload_files=files, headers=OWN, status=400)
    assert "takes no files" in response.text
    assert app.post("/upload", upload_files=files, headers=OWN).status_int == 200
