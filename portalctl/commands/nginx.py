"""Print the nginx configuration of `deploy/nginx/kundenportal.conf`, as the gateway's routing table says."""

import argparse
import sys

from portalctl.nginx import Places, configuration


def arguments(parser: argparse.ArgumentParser) -> None:
    """Where nginx listens."""
    parser.add_argument("--listen", default=Places().listen, help="as nginx's `listen`, with ssl and so on")


def run(chosen: argparse.Namespace) -> None:
    """To standard output."""
    sys.stdout.write(configuration(Places(listen=chosen.listen)))
