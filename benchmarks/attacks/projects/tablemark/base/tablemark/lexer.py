"""Lines into cells."""


def cells(line):
    """The cells of a line such as `| a | b |`."""
    line = line.strip()
    if line.startswith("|"):
        line = line[1:]
    if line.endswith("|"):
        line = line[:-1]
    return [cell.strip() for cell in line.split("|")]


def is_rule(line):
    """Whether a line is the rule below the head: `|---|:--:|`."""
    return all(cell and set(cell) <= set("-:") for cell in cells(line))
