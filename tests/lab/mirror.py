"""An HTTP server in the lab with a kube-proxy for nodes to download, and with faults: `python -m tests.lab.mirror ADDRESS PORT BINARY`.

While the file BINARY.fault exists, it cuts the download of the first address in it off in the middle, and answers the second one with
a page. /kube-proxy is a redirect. It prints each request: client's address, path, range.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAGE = b"<html>Sign in</html>"


class Mirror(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        client, wanted = self.client_address[0], self.headers["Range"]
        print(client, self.path, wanted, flush=True)
        if self.path == "/kube-proxy":
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            return
        binary = Path(sys.argv[3])
        fault = binary.with_suffix(".fault")
        cut_off, page = fault.read_text().split() if fault.exists() else ("", "")
        content = PAGE if client == page else binary.read_bytes()
        begin = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - begin))
        self.end_headers()
        self.wfile.write(content[begin : len(content) // 2 if client == cut_off else None])

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Mirror).serve_forever()
