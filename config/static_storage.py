"""Collected files: hashed, compressed, with the imports of modules rewritten to hashed names."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    # For the modules of static/js/desk. Django finds an import by its text: it needs a relative
    # address and a semicolon, and no comment may look like one (ADR 10).
    support_js_module_import_aggregation = True
