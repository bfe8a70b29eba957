"""All files of the guide together: what is wrong in them, and what is not translated."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from healing.guide_loader import GuideFolder
from healing.guide_types import STEPS, Guide, Step
from safety.yaml_records import DataFileError, Mistake


class Gap(NamedTuple):
    """A file that a translation lacks, or that has changed since it was translated."""

    language: str
    file: str
    is_missing: bool
    # What the translation has to name as `translates`.
    hash: str


def read_folders(root: Path) -> dict[str, GuideFolder]:
    """Each language's files, the original first."""
    paths = sorted(path for path in root.iterdir() if path.is_dir())
    paths.sort(key=lambda path: path.name != settings.LANGUAGE_CODE)
    return {path.name: GuideFolder(path) for path in paths}


def load_guides(root: Path) -> Mapping[str, Guide]:
    """The guide in each language. Raises DataFileError with every mistake of every file."""
    folders = read_folders(root)
    if found := list(mistakes(folders)):
        raise DataFileError(found)
    guides = {code: folder.guide() for code, folder in folders.items()}
    original = guides[settings.LANGUAGE_CODE]
    return {
        code: guide if guide is original else guide.over(original) for code, guide in guides.items()
    }


def mistakes(folders: Mapping[str, GuideFolder]) -> Iterator[Mistake]:
    original = folders[settings.LANGUAGE_CODE]
    for folder in folders.values():
        yield from folder.mistakes
        yield from _repeated_keys(folder)
        yield from _unread(folder)
        if folder is not original:
            yield from _differences(folder, original)
    for number in STEPS:
        # A file that cannot be read has told so itself.
        if not any(name.startswith(f"steps/{number}-") for name in original.hashes):
            yield Mistake(
                f"guide/{original.language}/steps/{number}-….md", 1, "this step is missing."
            )


def _unread(folder: GuideFolder) -> Iterator[Mistake]:
    """Files that nothing reads, such as one saved as `.md.txt` or beside the folder it is for."""
    for path in sorted(folder.folder.rglob("[!.]*")):
        name = path.relative_to(folder.folder).as_posix()
        if path.suffix in {".md", ".txt"} and name not in folder.hashes:
            problem = "nothing reads this file. Put it in steps, learn or pages, ending in .md."
            yield Mistake(f"guide/{folder.language}/{name}", 1, problem)


def _repeated_keys(folder: GuideFolder) -> Iterator[Mistake]:
    """An answer names its exercise by the key, and gathered pages look for nothing else."""
    seen: dict[str, str] = {}
    for step in folder.steps.values():
        name = next(name for name, page in folder.files.items() if page is step)
        for exercise in step.all_exercises:
            if seen.setdefault(exercise.key, name) != name:
                problem = f"{seen[exercise.key]} has an exercise with the key “{exercise.key}” too."
                yield Mistake(f"guide/{folder.language}/{name}", 1, problem)


def gaps(folders: Mapping[str, GuideFolder]) -> Iterator[Gap]:
    original = folders[settings.LANGUAGE_CODE]
    for code, folder in folders.items():
        if folder is original:
            continue
        for file in original.files:
            translation, now = folder.files.get(file), original.hashes[file]
            if translation is None or translation.translates != now:
                yield Gap(code, file, translation is None, now)


def signature(root: Path) -> str:
    """Another text whenever a file has changed, or is in another folder."""
    stats = [(path, path.stat()) for path in sorted(root.glob("*/*/*.md"))]
    return repr([(path, stat.st_mtime_ns, stat.st_size) for path, stat in stats])


def _differences(folder: GuideFolder, original: GuideFolder) -> Iterator[Mistake]:
    """Where a translation would break what is stored: only its words may differ."""
    for name, page in folder.files.items():
        file = f"guide/{folder.language}/{name}"
        source = original.files.get(name)
        if source is None:
            problem = (
                f"guide/{original.language}/{name} does not exist. A translation is named as it."
            )
            yield Mistake(file, 1, problem)
        elif isinstance(page, Step) and isinstance(source, Step):
            for problem in _changed_exercises(page, source):
                yield Mistake(file, 1, problem)


def _changed_exercises(page: Step, source: Step) -> Iterator[str]:
    if [each.key for each in page.all_exercises] != [each.key for each in source.all_exercises]:
        yield "the exercises are not those of the original, in its order."
        return
    for exercise, original in zip(page.all_exercises, source.all_exercises, strict=True):
        if exercise.shape != original.shape:
            yield (
                f"“{exercise.key}” differs from the original in more than words: in a name, a"
                " kind, a limit or a switch."
            )
