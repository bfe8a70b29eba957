"""Paths of templates and stylesheets, for tests that read them as files."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
TEMPLATES = ROOT / "templates"
TOKENS = STATIC / "css" / "tokens.css"
STYLESHEETS = sorted((STATIC / "css").glob("*.css"))
