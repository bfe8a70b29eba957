from django.utils.crypto import salted_hmac


def hash_key(name: str, prefix: str, version: int) -> str:
    """Hash the name: it holds an IP address or the id of a person, who may be erased by now."""
    return salted_hmac("config.cache", f"{prefix}:{version}:{name}", algorithm="sha256").hexdigest()
