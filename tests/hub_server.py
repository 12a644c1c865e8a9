"""A server on 127.0.0.1 that speaks the part of the Hugging Face Hub's HTTP interface that models need."""

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "hf_secret"  # noqa: S105


class HubServer(ThreadingHTTPServer):
    """Repositories as dictionaries: name -> revision -> path -> content.

    `private` needs the token, `gated` the owner's consent; `down` fails at everything. `cut` are files whose
    connection breaks midway, `served` replaces what a file sends by something else, under the hash of the real
    content. `requests` lists methods and paths.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.reset()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def reset(self):
        self.repositories = {}
        self.private = set()
        self.gated = set()
        self.down = False
        self.cut = set()
        self.served = {}
        self.requests = []
        self.objects = {}

    def add(self, repository, files, revision="main"):
        self.repositories.setdefault(repository, {})[revision] = dict(files)


def commit_of(files):
    text = json.dumps({path: hashlib.sha256(content).hexdigest() for path, content in sorted(files.items())})
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.route(
            (r"/api/models/(\w+/[\w.-]+)/revision/(\w+)", self.info),
            (r"/api/models/(\w+/[\w.-]+)/tree/(\w+)", self.tree),
            (r"/(\w+/[\w.-]+)/resolve/(\w+)/(.+)", self.resolve),
        )

    do_HEAD = do_GET  # noqa: N815

    def do_POST(self):
        self.route(
            (r"/api/repos/create", self.create),
            (r"/api/validate-yaml", lambda: self.reply({"errors": [], "warnings": []})),
            (r"/api/models/(\w+/[\w.-]+)/preupload/(\w+)", self.preupload),
            (r"/(\w+/[\w.-]+)\.git/info/lfs/objects/batch", self.batch),
            (r"/api/models/(\w+/[\w.-]+)/commit/(\w+)", self.commit),
        )

    def do_PUT(self):
        self.route((r"/objects/(\w+)", self.put))

    def route(self, *routes):
        self.body = self.read_body()
        path = self.path.partition("?")[0]
        self.server.requests.append(f"{self.command} {path}")
        if self.server.down:
            return self.refuse(500, None)
        for pattern, answer in routes:
            if match := re.fullmatch(pattern, path):
                return answer(*match.groups())
        return self.refuse(404, "RouteNotFound")

    def read_body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def files(self, repository, revision):
        """The files of a commit, or None after an answer that says why not."""
        authorized = self.headers.get("Authorization") == f"Bearer {TOKEN}"
        revisions = self.server.repositories.get(repository)
        if revisions is None or (repository in self.server.private and not authorized):
            return self.refuse(404 if authorized else 401, "RepoNotFound")
        if repository in self.server.gated:
            return self.refuse(403, "GatedRepo")
        for name, files in revisions.items():
            if revision in (name, commit_of(files)):
                return files
        return self.refuse(404, "RevisionNotFound")

    def info(self, repository, revision):
        if (files := self.files(repository, revision)) is not None:
            siblings = [{"rfilename": path} for path in files]
            self.reply({"id": repository, "modelId": repository, "sha": commit_of(files), "siblings": siblings})

    def tree(self, repository, revision):
        if (files := self.files(repository, revision)) is not None:
            self.reply([
                {"type": "file", "path": path, "size": len(content), "oid": commit_of({path: content})}
                for path, content in files.items()
            ])  # fmt: skip

    def resolve(self, repository, revision, path):
        if (files := self.files(repository, revision)) is None:
            return
        headers = {"X-Repo-Commit": commit_of(files)}
        if path not in files:
            self.refuse(404, "EntryNotFound", headers)
            return
        digest = hashlib.sha256(files[path]).hexdigest()
        content = self.server.served.get(path, files[path])
        headers |= {"ETag": f'"{digest}"', "X-Linked-Etag": f'"{digest}"', "X-Linked-Size": str(len(content))}
        self.reply(content, headers, cut=path in self.server.cut)

    def create(self):
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.refuse(401, None)
            return
        wish = json.loads(self.body)
        name = f"{wish['organization']}/{wish['name']}"
        self.server.repositories.setdefault(name, {"main": {}})
        if wish.get("private") or wish.get("visibility") == "private":
            self.server.private.add(name)
        self.reply({"url": f"{self.server.url}/{name}", "name": name})

    def preupload(self, repository, revision):
        if self.files(repository, revision) is not None:
            files = json.loads(self.body)["files"]
            mode = {True: "lfs", False: "regular"}
            self.reply({
                "files": [
                    {"path": file["path"], "uploadMode": mode[file["path"].endswith(".safetensors")],
                     "shouldIgnore": False}
                    for file in files
                ]
            })  # fmt: skip

    def batch(self, repository):
        objects = json.loads(self.body)["objects"]
        for item in objects:
            item["actions"] = {"upload": {"href": f"{self.server.url}/objects/{item['oid']}"}}
        self.reply({"transfer": "basic", "objects": objects})

    def put(self, digest):
        assert hashlib.sha256(self.body).hexdigest() == digest
        self.server.objects[digest] = self.body
        self.reply({})

    def commit(self, repository, revision):
        files = self.files(repository, revision)
        if files is None:
            return
        for line in map(json.loads, self.body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                files[value["path"]] = self.server.objects[value["oid"]]
        sha = commit_of(files)
        self.reply({"commitOid": sha, "commitUrl": f"{self.server.url}/{repository}/commit/{sha}", "success": True})

    def reply(self, content, headers=(), *, status=200, cut=False):
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
            headers = {"Content-Type": "application/json", **dict(headers)}
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(b"" if cut else content)
        if cut:
            self.close_connection = True

    def refuse(self, status, code, headers=()):
        extra = {"X-Error-Code": code, "X-Error-Message": "refused"} if code else {}
        self.reply({"error": "refused"}, {**extra, **dict(headers)}, status=status)

    def log_message(self, *arguments):
        pass
