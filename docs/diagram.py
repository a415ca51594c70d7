"""Diagrams of the site as figures: drawn of Mermaid's text, without the script that others load for it.

It knows what the documents use of that language: ``flowchart``, arrows in chains, and
``name[(label)]`` for what is on disk. Nodes stand in layers, each below or right of all that lead to it.
"""

import re
from collections import defaultdict
from html import escape
from itertools import pairwise

_WIDTH, _HEIGHT, _ACROSS, _BETWEEN = 150, 40, 22, 46
_LETTER = 6.4
"""Width of a letter of 12 px, roughly."""


def read(text: str) -> tuple[bool, dict[str, str], list[tuple[str, str]]]:
    """Return whether layers go down, the label of each thing on disk, and all arrows."""
    down = "flowchart TB" in text
    labels = dict(re.findall(r"(\w+)\[\((.*?)\)\]", text))
    arrows = []
    for line in text.splitlines():
        chain = re.findall(r"(\w+)(?:\[\(.*?\)\])?\s*(?:-->|$)", line.strip())
        arrows += list(pairwise(chain))
    return down, labels, arrows


def ways_of(arrows: list[tuple[str, str]]) -> tuple[list[list[str]], list[list[str]]]:
    """Return the nodes in layers, and the way of each arrow through them.

    An arrow past a layer has a place of its own there, so that it goes through no other node. The order in a
    layer is one with few crossings.
    """
    depth = _depths(arrows)
    layers: list[list[str]] = [[] for _ in range(max(depth.values()) + 1)]
    for node, k in depth.items():
        layers[k].append(node)
    ways, near = [], defaultdict(list)
    for a, b in arrows:
        past = [f"{a} {b} {k}" for k in range(depth[a] + 1, depth[b])]
        for k, place in enumerate(past, depth[a] + 1):
            layers[k].append(place)
        ways.append([a, *past, b])
        for first, second in pairwise(ways[-1]):
            near[first].append(second)
            near[second].append(first)
    for _ in range(12):
        middle = {n: k - len(layer) / 2 for layer in layers for k, n in enumerate(layer)}
        for layer in layers:
            layer.sort(key=lambda node: sum(middle[other] for other in near[node]) / len(near[node]))
    return layers, ways


def _depths(arrows: list[tuple[str, str]]) -> dict[str, int]:
    """Return the length of the longest way to each node; one that nothing leads to is just above the next."""
    depth = dict.fromkeys([node for arrow in arrows for node in arrow], 0)
    for _ in range(len(depth)):
        for a, b in arrows:
            depth[b] = max(depth[b], depth[a] + 1)
    for node in set(depth) - {b for _, b in arrows}:
        depth[node] = min(depth[b] for a, b in arrows if a == node) - 1
    return depth


def draw(text: str, title: str) -> str:
    """Return a diagram as SVG, with its title, and its arrows in words for who cannot see it."""
    name = re.sub(r"\W+", "-", title.lower()).strip("-")
    down, labels, arrows = read(text)
    layers, ways = ways_of(arrows)
    wide = max(len(layer) for layer in layers)
    step, long = (_WIDTH + _ACROSS, _HEIGHT + _BETWEEN) if down else (_HEIGHT + _ACROSS, _WIDTH + _BETWEEN)
    middle = {}
    for k, layer in enumerate(layers):
        for n, node in enumerate(layer):
            across, along = (n + 0.5 + (wide - len(layer)) / 2) * step, (k + 0.5) * long
            middle[node] = (across, along) if down else (along, across)
    size = (wide * step, len(layers) * long) if down else (len(layers) * long, wide * step)
    words = "; ".join(f"{labels.get(a, a)} to {labels.get(b, b)}" for a, b in arrows)
    parts = [
        f'<svg role="img" aria-labelledby="{name} {name}-arrows" xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {size[0]} {size[1]}" style="width: {size[0]}px" font-size="12" '
        'fill="currentColor">',
        f'<title id="{name}">{escape(title)}</title>',
        f'<desc id="{name}-arrows">Arrows: {escape(words)}.</desc>',
        f'<defs><marker id="{name}-tip" markerWidth="9" markerHeight="8" refX="8" refY="4" orient="auto">'
        '<path d="M0,0 L9,4 L0,8 z"/></marker></defs>',
    ]
    parts += [_arrow([middle[place] for place in way], down, name) for way in ways]
    nodes = {node for arrow in arrows for node in arrow}
    parts += [_node(labels.get(n, n), middle[n], n in labels) for n in middle if n in nodes]
    return "\n".join([*parts, "</svg>"])


def _arrow(places: list[tuple[float, float]], down: bool, name: str) -> str:
    """Return a line from the end of the first place through those between to the beginning of the last."""
    half = (_HEIGHT if down else _WIDTH) / 2
    points = [place[::-1] if down else place for place in places]  # along, across
    (along, across), steps = points[0], []
    along += half
    for k, (next_along, next_across) in enumerate(points[1:], 1):
        begin, bend = next_along - half, (along + next_along - half) / 2
        steps.append(((bend, across), (bend, next_across), (begin, next_across)))
        along, across = begin, next_across
        if k < len(points) - 1:
            along += 2 * half
            steps.append((((begin + along) / 2, across),) * 2 + ((along, across),))
    start = (points[0][0] + half, points[0][1])
    line = " ".join("C" + " ".join(_point(point, down) for point in step) for step in steps)
    return (
        f'<path d="M{_point(start, down)} {line}" fill="none" stroke="currentColor" '
        f'marker-end="url(#{name}-tip)"/>'
    )


def _point(point: tuple[float, float], down: bool) -> str:
    along, across = point
    return f"{across:g},{along:g}" if down else f"{along:g},{across:g}"


def _node(label: str, middle: tuple[float, float], on_disk: bool) -> str:
    """Return a box, or a cylinder for what is on disk."""
    x, y = middle[0] - _WIDTH / 2, middle[1] - _HEIGHT / 2
    look = 'class="node" fill="var(--color-background-primary, #fff)" stroke="currentColor"'
    if on_disk:
        lid = f"a{_WIDTH / 2},5 0 0 1 {_WIDTH},0"
        shape = (
            f'<path {look} d="M{x},{y + 5} {lid} v{_HEIGHT - 10} a{_WIDTH / 2},5 0 0 1 -{_WIDTH},0 z '
            f'M{x},{y + 5} a{_WIDTH / 2},5 0 0 0 {_WIDTH},0"/>'
        )
    else:
        shape = f'<rect {look} x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" stroke-width="1.8"/>'
    room = _WIDTH - 10
    fit = f' textLength="{room}" lengthAdjust="spacingAndGlyphs"' if len(label) * _LETTER > room else ""
    low = middle[1] + (7 if on_disk else 4)
    return f'{shape}<text x="{middle[0]}" y="{low}" text-anchor="middle"{fit}>{escape(label)}</text>'
