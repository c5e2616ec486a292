"""The real documents service; on some lives it dies after a commit and before its acknowledgement."""

from chassis.bus import Delivery
from services.documents.main import run
from tests.faults.dying import dies_before

Delivery.ack = dies_before(Delivery.ack)  # type: ignore[method-assign]

if __name__ == "__main__":
    run()
