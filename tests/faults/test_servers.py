"""A server that misbehaves in every way: bounded time and bytes, the right error or the next address, nothing kept."""

import errno
import http.server
import socket
import struct
import threading
import time

import pytest
from conftest import Workflow
from faults import one_line
from meanfield.data import published, storage
from meanfield.errors import MeanfieldError

NAME = "TF/Lindata.mat"
RIGHT = b"the right content"


class Server(http.server.ThreadingHTTPServer):
    """Answers every request by `behaviour(handler)` and counts requests and bytes sent."""

    daemon_threads = True

    def __init__(self, behaviour):
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour, self.requests, self.sent = behaviour, 0, 0
        self.address = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests += 1
        self.server.behaviour(self)

    def answer(self, content, length=None, status=200, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": len(content) if length is None else length, **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(content)
        self.server.sent += len(content)

    def log_message(self, *_):
        pass


def silence(handler):
    time.sleep(30)


def reset(handler):
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def redirect_for_ever(handler):
    handler.answer(b"", status=302, Location=handler.path + "x")


def redirect_to_itself(handler):
    handler.answer(b"", status=302, Location=handler.path)


def half(handler):
    handler.answer(RIGHT[:8], length=len(RIGHT))
    handler.connection.close()


def missing(handler):
    handler.answer(b"not here", status=404)


def failing(handler):
    handler.answer(b"try later", status=503)


def stream(handler):
    """Five gigabytes, if one lets it."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(5 * 2**30))
    handler.end_headers()
    block = bytes(2**20)
    try:
        while True:
            handler.wfile.write(block)
            handler.server.sent += len(block)
    except OSError:
        pass


def drip(handler, beginning):
    """These bytes, and then one every tenth of a second: never silent, never done."""
    try:
        handler.wfile.write(beginning)
        while True:
            handler.wfile.write(b".")
            time.sleep(0.1)
    except OSError:
        pass


def trickle(handler):
    drip(handler, b"HTTP/1.0 200 OK\r\nContent-Length: 1000000\r\n\r\n")


def headers_that_trickle(handler):
    drip(handler, b"HTTP/1.0 200 OK\r\nX-Slow: ")


def redirect_with_a_large_body(handler):
    handler.send_response(302)
    handler.send_header("Location", handler.path)
    handler.send_header("Content-Length", str(2**28))
    handler.end_headers()
    try:
        for _ in range(2**8):
            handler.wfile.write(bytes(2**20))
            handler.server.sent += 2**20
    except OSError:
        pass


def error_page(handler):
    handler.answer(b"<html>please log in</html>", Content_Type="text/html")


def wrong_file(handler):
    handler.answer(RIGHT.upper())


def compressed_bomb(handler):
    """A little that unpacks to 256 MiB."""
    import gzip

    handler.answer(gzip.compress(bytes(2**28)), Content_Encoding="gzip")


@pytest.fixture
def serve(monkeypatch):
    """serve(behaviour) → a server; time limits short, so that the tests are."""
    monkeypatch.setattr(published, "TIMEOUT", 1)
    monkeypatch.setattr(published, "PATIENCE", 3)
    monkeypatch.delenv(published.MIRROR_VARIABLE, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    servers = []

    def start(behaviour):
        servers.append(Server(behaviour))
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def checksums():
    """The registry of the one right file."""
    import hashlib

    return {NAME: hashlib.sha256(RIGHT).hexdigest()}


NO_ANSWER = [silence, reset, redirect_for_ever, redirect_to_itself, redirect_with_a_large_body, half, missing, failing]
NO_ANSWER += [stream, trickle, headers_that_trickle, compressed_bomb]
SLOW = [silence, trickle, headers_that_trickle, compressed_bomb]


@pytest.mark.parametrize(
    "behaviour",
    [pytest.param(one, marks=[pytest.mark.long] if one in SLOW else [], id=one.__name__) for one in NO_ANSWER],
)
def test_a_mirror_that_does_not_deliver_is_passed_over(serve, tmp_path, monkeypatch, behaviour):
    bad, good = serve(behaviour), serve(lambda handler: handler.answer(RIGHT))
    monkeypatch.setattr(published, "PINNED", good.address + "/")
    said, start = [], time.monotonic()
    path, source = published.published_file(NAME, checksums(), bad.address, tmp_path, said.append)
    assert time.monotonic() - start < 15
    assert bad.sent < 4 * published.MOST_BYTES  # of what it had to say: three attempts, and what was on its way
    assert source == "published"
    assert path.read_bytes() == RIGHT
    assert f"is not at the mirror {bad.address}" in said[0]
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]


@pytest.mark.long
@pytest.mark.parametrize("behaviour", NO_ANSWER, ids=lambda behaviour: behaviour.__name__)
def test_nobody_delivers(serve, tmp_path, monkeypatch, behaviour):
    bad, start = serve(behaviour), time.monotonic()
    monkeypatch.setattr(published, "PINNED", bad.address + "/")
    with pytest.raises(published.Unavailable, match="could not be obtained from"):
        published.published_file(NAME, checksums(), None, tmp_path)
    assert time.monotonic() - start < 15
    assert bad.requests <= 6
    assert bad.sent < 4 * published.MOST_BYTES
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


@pytest.mark.parametrize("behaviour", [error_page, wrong_file], ids=lambda behaviour: behaviour.__name__)
def test_another_file_than_the_published_is_an_error_and_not_kept(serve, tmp_path, behaviour):
    bad = serve(behaviour)
    with pytest.raises(MeanfieldError, match=r"is not the published file: SHA-256 expected \w+, found \w+") as error:
        published.published_file(NAME, checksums(), bad.address, tmp_path)
    assert "\n" not in str(error.value)
    assert bad.requests == 1  # not asked again and again
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


@pytest.mark.long
@pytest.mark.parametrize("behaviour", [half, stream], ids=lambda one: one.__name__)
def test_a_job_goes_on_with_a_stand_in_where_nobody_delivers(serve, tmp_path, behaviour):
    workflow = Workflow(tmp_path / "clone", serve(behaviour).address)
    result = workflow.snakemake("results/datasets/linear.nc", "results/published/linear/10/esp.nc")
    assert result.returncode == 0, result.stdout
    one_line(result.stdout, "WARNING: linear is a stand-in, not the published data")
    assert storage.read(workflow.folder / "results/datasets/linear.nc").attrs["source"] == storage.STAND_IN
    assert not storage.read(workflow.folder / "results/published/linear/10/esp.nc").data_vars
    assert not list(workflow.folder.rglob("*.mat"))


@pytest.mark.parametrize("behaviour", [error_page, pytest.param(wrong_file, marks=pytest.mark.long)])
def test_a_job_refuses_another_file_than_the_published(serve, tmp_path, behaviour):
    workflow = Workflow(tmp_path / "clone", serve(behaviour).address)
    result = workflow.snakemake("results/datasets/linear.nc")
    assert result.returncode != 0
    one_line(result.stdout, "dataset linear: ", "is not the published file: SHA-256 expected")
    assert not list(workflow.folder.glob("results/datasets/*"))
    assert not list(workflow.folder.rglob("*.mat"))


def test_a_full_disk_is_not_taken_for_a_mirror_without_the_file(serve, tmp_path, monkeypatch):
    """Else a stand-in would take the place of the published data."""
    good = serve(lambda handler: handler.answer(RIGHT))

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(published.Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        published.published_file(NAME, checksums(), good.address, tmp_path)


@pytest.mark.parametrize("kind", ["large", "folder"])
def test_a_folder_with_something_else_as_the_file(tmp_path, kind, monkeypatch):
    path = tmp_path / "mirror" / NAME
    path.parent.mkdir(parents=True)
    if kind == "folder":
        path.mkdir()
    else:
        with open(path, "wb") as file:
            file.truncate(2**30)
    monkeypatch.delenv(published.MIRROR_VARIABLE, raising=False)
    with pytest.raises(published.Unavailable):
        published.published_file(NAME, checksums(), str(tmp_path / "mirror"), tmp_path / "here", pinned=False)
    assert not (tmp_path / "here").exists()
