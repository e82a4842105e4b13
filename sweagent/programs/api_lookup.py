# Tell the signature, the docstring and the place of what is installed: by a dotted name, or by words.
import importlib
import inspect
import io
import json
import math
import os
import re
import sys
import sysconfig
import time

TEXT = ""
ROOT = ""
SECONDS = 20.0
MOST = 6
DOC_LINES = 30
SKIPPED = {"tests", "test", "testing", "__pycache__", "node_modules", ".git", "_vendor", "vendored", "locale"}
HEAD = re.compile(
    r"^([ \t]*)(?:async[ \t]+)?(def|class)[ \t]+(\w+)[ \t]*(\((?:[^()]|\((?:[^()]|\([^()]*\))*\)){0,1500}\))?[^:\n]*:"
    r"(?:[ \t]*#[^\n]*)?\s*\n?[ \t]*(?:[rRuU]?(\"\"\"|''')(.{0,600}?)(?:\5|\n[ \t]*\n|\Z))?",
    re.MULTILINE | re.DOTALL,
)
WORD = re.compile(r"[A-Za-z][a-z]+|[A-Z]+(?![a-z])|\d+")
started = time.time()


def over():
    return time.time() - started > SECONDS


def squeezed(text):
    return re.sub(r"\s+", " ", text).strip()


def words_of(text):
    return [word.lower() for word in WORD.findall(text)]


def stem(word):
    """A word without its ending: `merged`, `merging` and `merges` are `merg`, as `merge` is."""
    for ending in ("ing", "ies", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) > 3:
            word = word[: -len(ending)]
            break
    if len(word) > 3 and (word[-1] in "ey" or word[-1] == word[-2]):
        word = word[:-1]
    return word


def short(path):
    for place in [ROOT] + packages():
        if path.startswith(place + os.sep):
            return path[len(place) + 1 :]
    return path


def packages():
    found = []
    for name in ("purelib", "platlib", "stdlib"):
        place = sysconfig.get_paths().get(name)
        if place and place not in found and os.path.isdir(place):
            found.append(place)
    return found


def resolved(name):
    """The object of a dotted name, imported as far as it needs; None for none."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:length]))
        except BaseException:
            continue
        try:
            for part in parts[length:]:
                found = getattr(found, part)
        except BaseException:
            continue
        return found
    try:
        found = getattr(__import__("builtins"), parts[0])
        for part in parts[1:]:
            found = getattr(found, part)
        return found
    except AttributeError:
        return None


def described(name, found):
    try:
        signature = str(inspect.signature(found))
    except (TypeError, ValueError):
        signature = ""
    kind = "class " if inspect.isclass(found) else "module " if inspect.ismodule(found) else ""
    lines = [kind + name + ("" if inspect.ismodule(found) else signature)]
    try:
        plain = inspect.unwrap(found) if callable(found) else found
        path = inspect.getsourcefile(plain)
        line = "" if inspect.ismodule(plain) else ":{}".format(inspect.getsourcelines(plain)[1])
        lines.append("  at {}{}".format(short(path), line))
    except (TypeError, OSError, ValueError):
        lines.append("  of {}".format(getattr(found, "__module__", None) or type(found).__name__))
    doc = (inspect.getdoc(found) or "").split("\n")
    lines += ["  " + line for line in doc[:DOC_LINES]]
    if len(doc) > DOC_LINES:
        lines.append("  [... {} more lines]".format(len(doc) - DOC_LINES))
    if inspect.isclass(found) or inspect.ismodule(found):
        own = [key for key in vars(found) if not key.startswith("_") and callable(getattr(found, key, None))]
        lines.append("  has: " + ", ".join(own[:60]))
    return "\n".join(lines)


def sources(suffixes):
    """The files, those of the repository first; tests are left out."""
    for place in [ROOT] + packages():
        for folder, folders, files in os.walk(place):
            folders[:] = sorted(name for name in folders if name not in SKIPPED)
            if place == packages()[-1] and place != folder and "site-packages" in folder:
                continue
            for name in sorted(files):
                if name.endswith(suffixes) and not name.startswith("test_"):
                    yield os.path.join(folder, name)
            if over():
                return


def read(path):
    try:
        with io.open(path, encoding="utf-8", errors="replace") as file:
            return file.read(2000000)
    except OSError:
        return ""


def definitions(path, text):
    for found in HEAD.finditer(text):
        line = text.count("\n", 0, found.start(3)) + 1
        yield found.group(2), found.group(3), squeezed(found.group(4) or ""), squeezed(found.group(6) or ""), line


def one(path, kind, own, signature, doc, line):
    return "{} {}{}\n  at {}:{}\n  {}".format(kind, own, signature[:300], short(path), line, doc[:200])


def named(name):
    """The definitions of a name, wherever they are."""
    shown = []
    for path in sources((".py", ".pyi")):
        text = read(path)
        if name not in text:
            continue
        for kind, own, signature, doc, line in definitions(path, text):
            if own == name:
                shown.append(one(path, kind, own, signature, doc, line))
        if len(shown) >= MOST:
            break
    return shown[:MOST]


def covered(wanted, fields):
    return sum(any(word in field for field in fields) for word in wanted)


def about(text):
    """The definitions and the parts of the documentation that more than half of the words are about, best first."""
    wanted = sorted({stem(word) for word in words_of(text) if len(word) > 2})
    if not wanted:
        return []
    seen, candidates = dict.fromkeys(wanted, 1), []
    for path in sources((".py", ".pyi")):
        whole = read(path)
        lowered = whole.lower()
        if sum(word in lowered for word in wanted) * 2 <= len(wanted):
            continue
        for kind, own, signature, doc, line in definitions(path, whole):
            stems = {stem(word) for word in words_of(own)}
            fields = stems, {stem(word) for word in words_of(signature)}, {stem(word) for word in words_of(doc)}
            if covered(wanted, fields) * 2 > len(wanted):
                for word in wanted:
                    seen[word] += any(word in field for field in fields)
                candidates.append((fields, len(stems), one(path, kind, own, signature, doc, line)))
    for folder in ("docs", "doc"):
        for place, _, files in os.walk(os.path.join(ROOT, folder)):
            for name in sorted(files):
                if name.endswith((".rst", ".md", ".txt")) and not over():
                    candidates.extend(parts_of(os.path.join(place, name), wanted, seen))
    total = len(candidates) + 1.0
    weight = {word: math.log(1 + total / seen[word]) for word in wanted}

    def score(candidate):
        fields, length, _ = candidate
        found = 0.0
        shares = 3.0 / (1 + 0.2 * length), 1.0, 1.5
        for position, field in enumerate(fields):
            found += shares[position] * sum(weight[word] for word in wanted if word in field)
        return found * covered(wanted, fields)

    return [shown for _, _, shown in sorted(candidates, key=score, reverse=True)[:MOST]]


def parts_of(path, wanted, seen):
    text = read(path)
    line = 1
    for part in re.split(r"(\n[ \t]*\n)", text):
        stems = {stem(word) for word in words_of(part)}
        if covered(wanted, [stems]) * 2 > len(wanted):
            for word in wanted:
                seen[word] += word in stems
            yield (set(), set(), stems), 10, "{}:{}\n  {}".format(short(path), line, squeezed(part)[:400])
        line += part.count("\n")


def main():
    sys.path.insert(0, ROOT)
    name = TEXT.strip().rstrip("()").strip()
    shown = []
    real, sys.stdout = sys.stdout, io.StringIO()
    try:
        if re.match(r"[A-Za-z_][\w.]*\Z", name):
            found = resolved(name)
            shown = [described(name, found)] if found is not None else named(name.rpartition(".")[2])
        if not shown:
            shown = about(TEXT)
    finally:
        sys.stdout = real
    sys.stdout.write(json.dumps({"shown": shown, "over": over()}) + "\n")


main()
