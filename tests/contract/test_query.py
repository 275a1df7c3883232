"""The query language of files.list (Source: Search for files and folders; Search query terms)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlencode

import pytest

from tests.contract.ground import Ground, refused

ALL = {"alpha.txt", "beta gamma.txt", "delta.ipynb", "it's", "back\\slash", "folder", "gone.txt"}
FILES = ALL - {"folder"}

GOOD: list[tuple[str, set[str]]] = [
    ("name = 'alpha.txt'", {"alpha.txt"}),
    ("name='alpha.txt'", {"alpha.txt"}),
    ("  name  =  'alpha.txt'  ", {"alpha.txt"}),
    ("name != 'alpha.txt'", ALL - {"alpha.txt"}),
    ("name = 'alpha'", set()),
    ("name contains 'alp'", {"alpha.txt"}),
    ("name contains 'gam'", {"beta gamma.txt"}),
    ("name contains 'amma'", set()),
    ("not name contains 'alp'", ALL - {"alpha.txt"}),
    ("name = 'it\\'s'", {"it's"}),
    ("name = 'back\\\\slash'", {"back\\slash"}),
    ("mimeType = 'application/vnd.google-apps.folder'", {"folder"}),
    ("mimeType != 'application/vnd.google-apps.folder'", FILES),
    ("mimeType contains 'application/'", {"delta.ipynb", "folder"}),
    ("modifiedTime = '2020-01-01T00:00:00Z'", {"alpha.txt"}),
    ("modifiedTime != '2020-01-01T00:00:00Z'", ALL - {"alpha.txt"}),
    ("modifiedTime < '2021-01-01T00:00:00'", {"alpha.txt"}),
    ("modifiedTime <= '2021-01-01T00:00:00'", {"alpha.txt", "beta gamma.txt"}),
    ("modifiedTime > '2021-01-01T00:00:00'", ALL - {"alpha.txt", "beta gamma.txt"}),
    ("modifiedTime >= '2021-01-01T00:00:00.000Z'", ALL - {"alpha.txt"}),
    ("modifiedTime >= '2021-01-01T02:00:00+02:00'", ALL - {"alpha.txt"}),
    ("modifiedTime > '2020-12-31T16:00:00-08:00'", ALL - {"alpha.txt", "beta gamma.txt"}),
    ("createdTime > '2019-01-01T00:00:00'", ALL),
    ("starred = true", {"alpha.txt"}),
    ("starred = false", ALL - {"alpha.txt"}),
    ("trashed = true", {"gone.txt"}),
    ("trashed = false", ALL - {"gone.txt"}),
    ("trashed=false", ALL - {"gone.txt"}),
    # written so by clients in wide use, such as fs.googledrivefs
    ("trashed=False", ALL - {"gone.txt"}),
    ("not trashed = true", ALL - {"gone.txt"}),
    ("trashed != true", ALL - {"gone.txt"}),
    ("'me' in owners", ALL),
    ("not 'me' in owners", set()),
    ("appProperties has { key='kind' and value='first' }", {"alpha.txt"}),
    ("appProperties has {key='kind' and value='first'}", {"alpha.txt"}),
    ("appProperties has { key='kind' and value='other' }", set()),
    ("appProperties has { key='it\\'s' and value='o\\'clock' }", {"it's"}),
    ("properties has { key='shown' and value='yes' }", {"beta gamma.txt"}),
    ("properties has { key='kind' and value='first' }", set()),
    ("name = 'alpha.txt' or name = 'it\\'s'", {"alpha.txt", "it's"}),
    ("name = 'alpha.txt' and name = 'it\\'s'", set()),
    ("name = 'alpha.txt' and (starred = true or trashed = true)", {"alpha.txt"}),
    ("(name = 'alpha.txt' or name = 'delta.ipynb') and starred = false", {"delta.ipynb"}),
    ("not (name = 'alpha.txt' or name = 'folder')", ALL - {"alpha.txt", "folder"}),
    ("((((name = 'alpha.txt'))))", {"alpha.txt"}),
    ("(not (not (starred = true)))", {"alpha.txt"}),
    # "and and or operators are evaluated from left to right" (Search for files and folders)
    ("name = 'alpha.txt' or name = 'delta.ipynb' and starred = false", {"delta.ipynb"}),
    ("starred = true and trashed = true or name = 'folder'", {"folder"}),
]

BAD = [
    "name",
    "name =",
    "name = alpha.txt",
    "name = 'alpha.txt",
    "name 'alpha.txt'",
    "nme = 'alpha.txt'",
    "name ~ 'alpha.txt'",
    "name = 'alpha.txt' and",
    "and name = 'alpha.txt'",
    "name = 'alpha.txt' name = 'beta'",
    "name = 'it's'",
    "(name = 'alpha.txt'",
    "name = 'alpha.txt')",
    "trashed = perhaps",
    "modifiedTime > 'yesterday'",
    "'x' in nowhere",
    "appProperties has { key='kind' }",
    "appProperties has 'kind'",
    "not",
    "()",
]


@pytest.fixture(scope="module")
def shelf(run_ground: Ground) -> Mapping[str, str]:
    """A folder of one of everything; the key `""` is the folder's own id."""
    shelf = run_ground.make_folder("shelf")["id"]
    of_2020 = {"modifiedTime": "2020-01-01T00:00:00Z"}
    of_2021 = {"modifiedTime": "2021-01-01T00:00:00Z"}
    first = {"kind": "first"}
    made = [
        run_ground.make("alpha.txt", parent=shelf, starred=True, appProperties=first, **of_2020),
        run_ground.make("beta gamma.txt", parent=shelf, properties={"shown": "yes"}, **of_2021),
        run_ground.make("delta.ipynb", parent=shelf, mime="application/x-ipynb+json"),
        run_ground.make("it's", parent=shelf, appProperties={"it's": "o'clock"}),
        run_ground.make("back\\slash", parent=shelf),
        run_ground.make_folder("folder", parent=shelf),
        run_ground.make("gone.txt", parent=shelf),
    ]
    run_ground.files.update(fileId=made[-1]["id"], body={"trashed": True}).execute()
    return {"": shelf, **{item["name"]: item["id"] for item in made}}


@pytest.mark.parametrize(("q", "names"), GOOD, ids=[q for q, _ in GOOD])
def test_a_query_finds_what_it_says(
    run_ground: Ground, shelf: Mapping[str, str], q: str, names: set[str]
) -> None:
    """Source: Search for files and folders; Search query terms and operators."""
    found = run_ground.settled(
        lambda: run_ground.names(q, parent=shelf[""]), lambda seen: seen == sorted(names)
    )
    assert found == sorted(names)


@pytest.mark.parametrize("q", BAD)
def test_a_query_that_is_none_is_refused(run_ground: Ground, q: str) -> None:
    """Source: Resolve errors, "400: Bad request", reason invalid at parameter q."""
    with refused(400, reason="invalid"):
        run_ground.files.list(q=q).execute()


def test_children_of_many_folders_in_one_query(ground: Ground) -> None:
    """Source: Search for files: `'id' in parents`, joined by or."""
    folders = [ground.make_folder(f"folder {i}")["id"] for i in range(50)]
    for folder in folders[::10]:
        ground.make("leaf", parent=folder)
    q = " or ".join(f"'{folder}' in parents" for folder in folders)
    found = ground.settled(
        lambda: ground.files.list(q=f"({q})", fields="files(parents)").execute()["files"],
        lambda files: len(files) == 5 and all("parents" in entry for entry in files),
    )
    assert {entry["parents"][0] for entry in found} == set(folders[::10])


def test_children_only_not_descendants(ground: Ground) -> None:
    """Source: Search for files: in parents means directly in that folder."""
    folder = ground.make_folder("folder")["id"]
    ground.make("deep.txt", parent=folder)
    assert ground.settled(lambda: ground.names("")) == ["folder"]


def test_an_unknown_folder_has_no_children(ground: Ground) -> None:
    """Source: Resolve errors, "404: File not found"; strictness here is not documented."""
    (nowhere,) = ground.files.generateIds(count=1).execute()["ids"]
    q = quote(f"'{nowhere}' in parents")
    reply = ground.send("GET", f"/drive/v3/files?q={q}")
    assert reply.status == 404 or reply.json()["files"] == []


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("name", ["alpha.txt", "beta gamma.txt", "delta.ipynb"]),
        ("name desc", ["delta.ipynb", "beta gamma.txt", "alpha.txt"]),
        ("modifiedTime", ["alpha.txt", "beta gamma.txt", "delta.ipynb"]),
        ("modifiedTime desc,name", ["delta.ipynb", "beta gamma.txt", "alpha.txt"]),
    ],
)
def test_a_listing_in_order(
    run_ground: Ground, shelf: Mapping[str, str], order: str, names: list[str]
) -> None:
    """Source: reference, files.list: orderBy, its keys and the desc modifier."""
    q = "name = 'alpha.txt' or name = 'beta gamma.txt' or name = 'delta.ipynb'"

    def look() -> list[str]:
        return [e["name"] for e in run_ground.search(q, parent=shelf[""], orderBy=order)]

    assert run_ground.settled(look, lambda seen: len(seen) == 3) == names


@pytest.mark.parametrize("order", ["nonsense", "name sideways"])
def test_an_order_that_is_none_is_refused(run_ground: Ground, order: str) -> None:
    """Source: reference, files.list: the valid keys of orderBy."""
    with refused(400):
        run_ground.files.list(orderBy=order).execute()


def test_a_long_search_comes_as_a_post(ground: Ground) -> None:
    """Source: what google-api-python-client makes of more than 2048 characters."""
    ground.make("file")
    ground.settled(ground.names)
    terms = " or ".join(f"name = 'no file {i}'" for i in range(150))
    q = f"'{ground.folder}' in parents and (name = 'file' or {terms})"
    form = urlencode({"q": q, "fields": "files(name)"}).encode()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-HTTP-Method-Override": "GET",
    }
    reply = ground.send("POST", "/drive/v3/files", form, headers)
    assert reply.json() == {"files": [{"name": "file"}]}
    found = ground.files.list(q=q, fields="files(name)").execute()
    assert found == {"files": [{"name": "file"}]}
