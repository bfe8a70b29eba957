import hashlib
import json

from tests.look.files import ROOT, STATIC

VENDOR = STATIC / "vendor"
PACKAGES = json.loads((VENDOR / "vendor.json").read_text())["packages"]


def test_every_vendored_file_is_on_record_unchanged():
    on_disk = {
        path.relative_to(VENDOR).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.glob("*/**/*")
        if path.is_file()
    }

    assert {name: sha for package in PACKAGES for name, sha in package["files"].items()} == on_disk


def test_every_vendored_package_has_its_licence():
    for package in PACKAGES:
        assert (VENDOR / package["folder"] / "LICENSE").is_file()
        assert (ROOT / "LICENSES" / f"{package['licence']}.txt").is_file()
