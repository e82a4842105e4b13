"""What the prompts of recorded runs held, and how long the observations of each tool were.

    python benchmarks/prompt_sizes.py FOLDER…

Each FOLDER is searched for trajectories. Printed are, for each instance, requests and characters by kind (as `fix-issue
show --context` counts them: with the tools' descriptions in every request), and of all observations the number, median
and 95th percentile by tool. The descriptions of the tools are those of the code that reads: give `--schemas N` for
runs that were recorded with others.
"""

import argparse
from collections import Counter, defaultdict
from pathlib import Path
from statistics import median

from sweagent.agent.accounting import TOOLS, prompt_account
from sweagent.trajectory import Action, ActionDone, ReplyReceived
from sweagent.trajectory_file import read_events


def main() -> None:
    """Read the command line and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--schemas", type=int, help="characters of the tools' descriptions in one request")
    options = parser.parse_args()
    sizes: defaultdict[str, list[int]] = defaultdict(list)
    total: Counter[str] = Counter()
    requests = 0
    for path in sorted(file for folder in options.folders for file in folder.rglob("trajectory.jsonl")):
        events = list(read_events(path))
        account = prompt_account(events)
        held = Counter(account.total)
        if options.schemas is not None:
            held[TOOLS] = options.schemas * account.requests
        total += held
        requests += account.requests
        print(f"{path.parent.parent.name:32} {account.requests:3} requests {held.total():9,} characters")
        calls: dict[str, Action] = {}
        for event in events:
            if isinstance(event, ReplyReceived):
                calls |= {action.id: action for action in event.reply.actions}
            if isinstance(event, ActionDone):
                sizes[calls[event.action_id].tool].append(len(event.observation.text))
    print(f"\n{requests} requests, {total.total():,} characters")
    for kind, size in total.most_common():
        print(f"{kind:28}{size:10,}{size / total.total():8.1%}")
    print(f"\n{'observations of':20}{'number':>8}{'median':>8}{'95 %':>8}")
    for tool, lengths in sorted(sizes.items()):
        ordered = sorted(lengths)
        print(f"{tool:20}{len(ordered):8}{median(ordered):8.0f}{ordered[int(0.95 * (len(ordered) - 1) + 0.5)]:8}")


if __name__ == "__main__":
    main()
