"""Print a new master key for VAULT_KEYS: `python -m vault k1`. Needs no settings."""

import sys

from vault.key_ring import new_master_key

if __name__ == "__main__":
    try:
        entry = new_master_key(sys.argv[1] if len(sys.argv) > 1 else "k1")
    except ValueError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{entry}\n")
