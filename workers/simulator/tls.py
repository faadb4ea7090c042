"""TLS: a certificate that was given, or one made for this run with a CA of its own."""

import ssl
import tempfile
from pathlib import Path

import trustme

from workers.simulator.options import Options

NAMES = ("localhost", "127.0.0.1", "::1")


def server_context(options: Options) -> ssl.SSLContext:
    """What the listener speaks.

    Without a certificate one is made for localhost, 127.0.0.1, ::1 and the address listened on;
    its CA is written to `ca_file`, for clients to verify with.

    Raises:
        OSError, ssl.SSLError: a file cannot be read, or is no certificate or key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if options.tls_cert is not None:
        context.load_cert_chain(options.tls_cert, options.tls_key)
        return context
    authority = trustme.CA()
    names = dict.fromkeys((*NAMES, options.address))
    authority.issue_cert(*(each for each in names if each != "0.0.0.0")).configure_cert(context)
    authority.cert_pem.write_to_path(str(ca_file(options)))
    return context


def ca_file(options: Options) -> Path:
    """Where the CA of this run is written."""
    if options.ca_file is not None:
        return options.ca_file
    return Path(tempfile.gettempdir()) / f"simulator-ca-{options.port or 'any'}.pem"
