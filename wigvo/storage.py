"""Static files with hashed names, ES modules included."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hash files and rewrite ES module imports, but only in our own js/.

    Django's own switch for module imports would also rewrite an import inside a
    comment of a vendored htmx extension, and collectstatic would fail.
    """

    _, _imports = (
        CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns
    )
    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        ("js/*.js", _imports),
    )
