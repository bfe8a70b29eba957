"""Print a new master key for VAULT_KEYS: `python -m vault k1`. Needs no settings."""

import sys

from vault.sealing import new_keyset

if __name__ == "__main__":
    sys.stdout.write(f"{sys.argv[1] if len(sys.argv) > 1 else 'k1'}:{new_keyset()}\n")
