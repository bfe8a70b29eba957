"""Where the site is, written as a browser writes it."""

from urllib.parse import SplitResult, urlsplit

# What goes without saying.
PORTS = {"http": ":80", "https": ":443"}


def site_at(address: str) -> SplitResult:
    """A browser names a page's origin with scheme and host in lower case, and without the port that
    goes without saying. What it says is compared with this, so this is written alike."""
    site = urlsplit(address.rstrip("/"))
    host = site.netloc.lower().removesuffix(":").removesuffix(PORTS.get(site.scheme, ""))
    return site._replace(netloc=host)
