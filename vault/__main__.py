"""`python -m vault k1` prints a new master key, ready for VAULT_KEYS. It needs no settings."""

import sys

from vault.sealing import new_keyset

if __name__ == "__main__":
    sys.stdout.write(f"{sys.argv[1] if len(sys.argv) > 1 else 'k1'}:{new_keyset()}\n")
