"""Documents name files, headings and commands that exist."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
PAGES = sorted(path.relative_to(REPOSITORY) for path in (*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")))
ROOMS = "settings|documents|components|commands|scripts|development|tests|docs"


def text(page: Path) -> str:
    return (REPOSITORY / page).read_text()


def anchors(page: Path) -> set[str]:
    """Returns what GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.*)", text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[str]:
    yield from (target for target in re.findall(r"\]\(([^)]+)\)", text(page)) if "://" not in target)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    for link in links(page):
        file, _, anchor = link.partition("#")
        target = (REPOSITORY / page.parent / file).resolve() if file else REPOSITORY / page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target.relative_to(REPOSITORY)), link


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=str)
def test_files_named_in_documents_exist(page: Path) -> None:
    for name in re.findall(rf"`((?:{ROOMS})/[\w./-]*)`", text(page)):
        assert (REPOSITORY / name).exists(), name


def test_errors_in_the_architecture_arise_in_the_files_that_it_names() -> None:
    errors = text(Path("docs/architecture.md")).partition("\n## Errors\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?`) \| `(.*?)` \|", errors, re.MULTILINE)
    assert len(rows) >= 7
    for names, file in rows:
        for name in re.findall(r"`(?:pulumi\.)?(\w+)`", names):
            assert re.search(rf"\b{name}\b", (REPOSITORY / file).read_text()), (name, file)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_make_targets_named_in_documents_exist(page: Path) -> None:
    known = re.findall(r"^([a-z]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    for target in re.findall(r"(?:^ {4}|`)make (?:-s )?([a-z]+)", text(page), re.MULTILINE):
        assert target in known, target


def test_pre_commit_runs_what_make_check_runs() -> None:
    check = re.search(r"^check: (.*?) ##", (REPOSITORY / "Makefile").read_text(), re.MULTILINE)
    assert check
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    assert [hook["entry"].split()[-1] for hook in hooks] == check[1].split()


def test_make_help_lists_every_command_in_a_group() -> None:
    listed = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    groups = [part.splitlines()[0] for part in listed.split("\n\n")[1:]]
    assert groups == ["Use it", "Work with the lab", "Develop"]
    assert all(re.match(r"  make [a-z]+ +\S", line) for line in listed.splitlines() if line and line not in groups)
