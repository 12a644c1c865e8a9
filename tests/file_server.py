"""A web server on 127.0.0.1 for the tests of downloads; it misbehaves as the test tells it."""

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = bytes(range(256)) * 4096  # 1 MiB


class Server:
    """A web server whose answers are cut off after as many bytes as the test says."""

    def __init__(self):
        self.files = {"/set.bin": CONTENT}
        self.cuts = []
        self.ranges = True
        self.tells_length = True
        self.headers = {}
        self.etag = None
        self.endless = False
        self.requests = []

        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # the other side may hang up whenever it likes
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, handler):
        wanted = handler.headers.get("Range")
        self.requests.append(wanted)
        content = self.files.get(handler.path)
        if content is None:
            handler.send_error(404)
            return
        if self.etag and handler.headers.get("If-Range", self.etag) != self.etag:
            wanted = None
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and self.ranges else 0
        if start >= len(content) > 0 and start:
            handler.send_response(416)
            handler.send_header("Content-Range", f"bytes */{len(content)}")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if self.etag:
            handler.send_header("ETag", self.etag)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        if self.tells_length:
            handler.send_header("Content-Length", str(len(content) - start))
        handler.end_headers()
        body = content[start:]
        while self.endless:
            try:
                handler.wfile.write(body)
            except OSError:  # the other side has had enough
                return
        handler.wfile.write(body[: self.cuts.pop(0)] if self.cuts else body)
