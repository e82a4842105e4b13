import pytest

from sweagent.repository.git_address import GitAddress, parse_git_address, without_credentials


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://h/o/n.git", GitAddress("https", "h", "/o/n.git")),
        ("https://u:p%40@h:8443/o/n", GitAddress("https", "h", "/o/n", 8443, "u", "p@")),
        ("ssh://git@h:22/o/n", GitAddress("ssh", "h", "/o/n", 22, "git")),
        ("file:///srv/n.git", GitAddress("file", "", "/srv/n.git")),
        ("git@h:o/n.git", GitAddress("ssh", "h", "o/n.git", user="git", short=True)),
        ("h:n", GitAddress("ssh", "h", "n", short=True)),
        ("ext::sh -c x", GitAddress("ext", "", "sh -c x", short=True)),
        ("https://[::1]:81/o/n", GitAddress("https", "::1", "/o/n", 81)),
    ],
)
def test_parts(text: str, expected: GitAddress) -> None:
    assert parse_git_address(text) == expected


@pytest.mark.parametrize("text", ["", "n", "o/n", "/srv/a:b", "./h:n", "https://h:port/o/n", "http://[h/o/n", "-h:n"])
def test_what_is_no_address(text: str) -> None:
    assert parse_git_address(text) is None


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("https://u:p@h:8443/o/n?x=1", "https://h:8443/o/n"),
        ("https://token@[::1]:81/o/n", "https://[::1]:81/o/n"),
        ("ssh://git@h:22/o/n", "ssh://git@h:22/o/n"),
        ("git@h:o/n.git", "git@h:o/n.git"),
        ("o/n", "o/n"),
    ],
)
def test_credentials_are_left_out_and_what_ssh_needs_stays(text: str, clean: str) -> None:
    assert without_credentials(text) == clean
