"""The address of the site, in the form in which browsers send it."""

import re
from urllib.parse import SplitResult, urlsplit

DEFAULT_PORTS = {"http": ":80", "https": ":443"}
# A name or an IPv6 address, as Django accepts in a Host header, and perhaps a port.
NETLOC = re.compile(r"([a-z0-9.-]+|\[[a-f0-9:.]+\])(:\d+)?")


def parse_site_url(text: str) -> SplitResult:
    """Split the address of the site. Raises ValueError if it is more than a scheme and a host.

    Browsers name an origin with scheme and host in lower case and without the default port, and
    we compare with what they send.
    """
    site = urlsplit(text.rstrip("/"))
    host = site.netloc.lower().removesuffix(":").removesuffix(DEFAULT_PORTS.get(site.scheme, ""))
    site = site._replace(netloc=host)
    if site.scheme not in DEFAULT_PORTS or not NETLOC.fullmatch(host) or site.port == 0:
        raise ValueError
    if site.path or site.query or site.fragment:
        raise ValueError
    return site
