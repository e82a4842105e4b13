"""What is known of candidates by the reproductions that they were run on."""

from sweagent.patch import Patch
from sweagent.patch_store import Candidate
from sweagent.run.findings import Findings
from sweagent.trajectory import Reproduction


def reproduction(content: str) -> Reproduction:
    return Reproduction(path="show.py", content=content, command="python show.py")


def candidate(number: int) -> Candidate:
    return Candidate(number=number, patch=Patch(base_commit="b", text=f"+{number}\n"))


def test_reproductions_of_one_name_are_told_apart_and_one_that_comes_again_is_the_same() -> None:
    found, first, second = Findings(), reproduction("1"), reproduction("2")
    assert found.free_name("show.py", first, {}) == "show.py"
    found.ask({"show.py": first}, {}, 1)
    assert found.free_name("show.py", first, {}) == "show.py"
    assert found.free_name("show.py", second, {}) == "show.py (2)"
    assert found.free_name("show.py", reproduction("3"), {"show.py (2)": second}) == "show.py (3)"


def test_what_several_verifications_found_stands_side_by_side() -> None:
    found, other = Findings(), Findings()
    found.ask({"a": reproduction("a")}, {}, 1)
    found.add(candidate(1), ["a"], (True,))
    other.ask({"b": reproduction("b")}, {"w": reproduction("w")}, 2)
    other.add(candidate(2), ["b"], (False,))
    other.add(candidate(2), ["w"], (False,))
    found.absorb(other)
    evidence = found.evidence([candidate(1), candidate(2), candidate(3)])
    assert evidence.pool == ("a", "b")
    assert [item.passes for item in evidence.items] == [(True, None), (None, False), ()]
    assert [item.weakening for item in evidence.items] == [(), (False,), ()]
    assert {item.weakened_by for item in evidence.items} == {2}
    # A later verification without any leaves it at that.
    found.ask({}, {}, 1)
    assert found.evidence([candidate(2)]).items[0].weakened_by == 2
