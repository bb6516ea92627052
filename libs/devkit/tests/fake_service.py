"""A made-up service: answers /readyz on its port, with its pid."""

import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())


def serve(name: str) -> None:
    variable = "STOA_GATEWAY_PORT" if name == "gateway" else f"{name.upper()}_PORT"
    if os.environ.get("FAKE_FAILURE") == name:
        sys.exit("the fake service has a reason to end")
    print(f"{name} listens", flush=True)
    HTTPServer(("127.0.0.1", int(os.environ[variable])), Answer).serve_forever()


if __name__ == "__main__":
    serve(sys.argv[1])
