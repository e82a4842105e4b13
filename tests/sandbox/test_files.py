"""Reading and writing files through a sandbox."""

import errno
import io
import tarfile

import pytest

from sweagent.config import SandboxSettings
from sweagent.sandbox import Sandbox, open_sandbox

NAMES = ["plain", "with space", "-dash", "quo'te\"", "new\nline", "ünï", "\udcff", "$(touch x)", "a/b/c", "n" * 255]
CONTENTS = [
    b"",
    b"x",
    b"\0\1\2\xff\n",
    b"no newline",
    bytes(range(256)) * 5000,
    b"\n" * (1 << 20),
    b"y" * ((1 << 20) + 1),
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_written_and_read(sandbox: Sandbox, name: str) -> None:
    path = f"names/{name}"
    if len(name) == 255:
        with pytest.raises(OSError, match="too long") as raised:
            sandbox.write(path + "n", b"1")
        assert raised.value.errno == errno.ENAMETOOLONG
    sandbox.write(path, b"content\n")
    assert sandbox.read(path) == b"content\n"
    assert sandbox.read(f"{sandbox.workdir}/{path}", limit=3) == b"con"


@pytest.mark.parametrize("content", CONTENTS, ids=len)
def test_any_content_comes_back(sandbox: Sandbox, content: bytes) -> None:
    sandbox.write("content", b"old")
    sandbox.write("content", content)
    assert sandbox.read("content") == content


def test_many_files_are_written_as_each_by_itself_would_be(sandbox: Sandbox) -> None:
    files = {f"many/{name}": content for name, content in zip(NAMES, CONTENTS, strict=False)}
    sandbox.run("mkdir many && printf old > many/plain && chmod 755 many/plain && ln -s plain many/link")
    sandbox.write_many({**files, "many/link": b"through the link"})
    files["many/plain"] = b"through the link"
    assert {path: sandbox.read(path) for path in files} == files
    assert sandbox.run("stat -c %a many/plain many/-dash").output == "755\n644\n"
    sandbox.write_many({})


def test_of_many_files_the_one_that_cannot_be_written_is_named_and_nothing_is_taken_for_a_command(
    sandbox: Sandbox,
) -> None:
    sandbox.run("mkdir -p half/folder")
    with pytest.raises(IsADirectoryError) as raised:
        sandbox.write_many({"half/a": b"1", "half/folder": b"2", "half/c": b"touch forged\n" * 100_000})
    assert raised.value.filename == f"{sandbox.workdir}/half/folder"
    assert sandbox.run("ls half; ls forged").output.splitlines()[:2] == ["a", "folder"]
    assert sandbox.read("half/a") == b"1"


def test_what_lies_behind_the_end_of_an_archive_is_not_taken_for_a_command(sandbox: Sandbox) -> None:
    sandbox.put_tree(_archive() + b"touch forged\n" * 100_000, "unpacked/long")
    assert sandbox.run("cat unpacked/long/secret; ls forged 2>/dev/null").output == "abc"


def test_paths_start_at_the_work_tree_wherever_commands_are(sandbox: Sandbox) -> None:
    sandbox.run("cd /tmp")
    sandbox.write("anchored", b"1")
    assert sandbox.run(f"cat {sandbox.workdir}/anchored").output == "1"
    assert sandbox.run("pwd").output == "/tmp\n"


def test_modes_are_kept_and_links_followed(sandbox: Sandbox) -> None:
    sandbox.write("script", b"#!/bin/sh\n", mode=0o755)
    sandbox.run("ln -sf script link")
    sandbox.write("link", b"#!/bin/sh\necho hi\n")
    assert sandbox.run("./script; stat -c '%a %F' script link").output == "hi\n755 regular file\n777 symbolic link\n"
    sandbox.write("other", b"")
    assert sandbox.run("stat -c %a other").output == "644\n"


def test_errors_are_those_of_open(sandbox: Sandbox) -> None:
    sandbox.write("folder/file", b"1")
    with pytest.raises(FileNotFoundError):
        sandbox.read("nothing")
    with pytest.raises(IsADirectoryError):
        sandbox.read("folder")
    with pytest.raises(IsADirectoryError):
        sandbox.write("folder", b"1")
    with pytest.raises(NotADirectoryError):
        sandbox.write("folder/file/below", b"1")
    with pytest.raises(OSError, match="Invalid"):
        sandbox.read("/dev/zero")
    assert sandbox.run("ls -A folder").output == "file\n"


def test_a_full_disk_leaves_the_old_content(sandbox: Sandbox) -> None:
    sandbox.write("kept", b"old")
    with pytest.raises(OSError, match=r"too large|No space") as raised:
        sandbox.write("kept", b"x" * (65 << 20))
    assert raised.value.errno in (errno.EFBIG, errno.ENOSPC)
    assert sandbox.read("kept") == b"old"
    assert sandbox.run("ls -A | grep -c fix-issue").output == "0\n"


def test_a_tree_is_unpacked_for_the_sandboxs_user(sandbox: Sandbox) -> None:
    sandbox.put_tree(_archive(), "unpacked/here")
    assert sandbox.run("cat unpacked/here/secret; test -O unpacked/here/secret && echo owned").output == "abcowned\n"


@pytest.mark.docker
@pytest.mark.parametrize("size", [3, 6 << 20])
def test_an_image_needs_no_tar(offline_image: str, size: int) -> None:
    settings = SandboxSettings(kind="docker", image=offline_image)
    with open_sandbox(settings) as sandbox:
        removed = sandbox.run('rm "$(command -v tar)"; command -v tar')
        assert (removed.output, removed.exit_code) == ("", 1)
        sandbox.put_tree(_archive(b"x" * size), "unpacked/here")
        found = sandbox.run("wc -c < unpacked/here/secret; test -O unpacked/here/secret && echo owned")
        assert found.output.split() == [str(size), "owned"]


def _archive(content: bytes = b"abc") -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        entry = tarfile.TarInfo("secret")
        entry.size, entry.mode, entry.uid, entry.gid = len(content), 0o600, 12345, 12345
        archive.addfile(entry, io.BytesIO(content))
    return data.getvalue()
