"""Receives Stoa's webhooks: `STOA_WEBHOOK_SECRET=whsec_... python main.py PORT`."""

import logging
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from stoa_events.contracts import LearnerEnrolled
from stoa_events.envelope import BadEnvelope
from stoa_events.structured import BadData
from stoa_events.webhooks import BadSecret, BadSignature, Verifier

LARGEST_BODY = 1_000_000


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        size = int(self.headers.get("content-length", 0))
        if size > LARGEST_BODY:
            return self.answer(413)
        try:
            delivery = verifier.read(dict(self.headers.items()), self.rfile.read(size))
        except BadSignature:
            return self.answer(401)
        except (BadEnvelope, BadData) as error:
            # Stoa signed it, so it is not forged, and a retry would bring the same: take it, and tell somebody.
            logging.error("%s can't be read: %s", self.headers["webhook-id"], error)
            return self.answer(204)
        # Stoa waits some seconds only: with work to do, keep the delivery under its id and answer at once.
        # A repeat has the same id.
        match delivery.event:
            case LearnerEnrolled(course_id=course):
                print(f"{delivery.id}: a learner enrolled in {course}", flush=True)
            case other:
                print(f"{delivery.id}: {other.type}", flush=True)
        return self.answer(204)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing of each request."""


try:
    # Several, separated by commas, while a secret is being rotated.
    verifier = Verifier(*os.environ.get("STOA_WEBHOOK_SECRET", "").split(","))
    port = int(sys.argv[1])
except (BadSecret, IndexError, ValueError):
    sys.exit("Usage: STOA_WEBHOOK_SECRET=whsec_... python main.py PORT")
ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
