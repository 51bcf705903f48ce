"""A flame graph as SVG, of stacks of samples. Width is time; what called stands below what it called; colours say where the code is from."""

import collections
from xml.sax.saxutils import escape

WIDTH, ROW, LETTER, MARGIN, HEAD = 1200, 17, 6.6, 10, 58
NARROWEST = 0.4  # pixels
COLOURS = {"sluice": "#7fb0dd", "kernel": "#e8a66b", "polls": "#c9c9c9", "dpdk": "#93c99d", "other": "#bfa8d0"}
LEGEND = {"sluice": "Sluice, mbedTLS and crypto_mb", "kernel": "kernel", "dpdk": "DPDK", "other": "other libraries", "polls": "polls: idle passes run it too"}


class Node:
    """A function called from the same stack: samples in it and below, and who it called."""

    def __init__(self):
        self.n, self.callees = 0, {}

    def add(self, frames):
        node = self
        node.n += 1
        for f in frames:
            node = node.callees.setdefault(f, Node())
            node.n += 1


def folded(samples):
    """{(outermost, ..., innermost): samples}: the usual middle form, for other tools."""
    return collections.Counter(tuple(reversed(s)) for s in samples)


def kind(frame, polls):
    if frame in polls:
        return "polls"
    if frame.where in ("kernel", "[vdso]"):
        return "kernel"
    if frame.where.startswith(("librte", "libxdp", "libbpf")):
        return "dpdk"
    return "sluice" if frame.where in ("sluice", "sluice-load") or frame.where.startswith("bench_") else "other"


def boxes(node, x, depth, scale, out):
    for frame, callee in sorted(node.callees.items()):
        width = callee.n * scale
        if width >= NARROWEST:
            out.append((frame, callee.n, x, depth, width))
            boxes(callee, x, depth + 1, scale, out)
        x += width


def shortened(text, width):
    room = int((width - 6) / LETTER)
    return text if len(text) <= room else text[:room - 1] + "…" if room > 3 else ""


def svg(title, samples, polls=()):
    root = Node()
    for stack, n in folded(samples).items():
        for _ in range(n):
            root.add(stack)
    out = []
    boxes(root, MARGIN, 0, (WIDTH - 2 * MARGIN) / max(root.n, 1), out)
    height = HEAD + ROW * (max((depth for _, _, _, depth, _ in out), default=0) + 1) + MARGIN
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11">',
             f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
             f'<text x="{MARGIN}" y="20" font-size="14" font-weight="bold">{escape(title)}</text>']
    for i, (name, text) in enumerate(LEGEND.items()):
        x = MARGIN + i * 210
        lines.append(f'<rect x="{x}" y="30" width="12" height="12" fill="{COLOURS[name]}"/><text x="{x + 17}" y="40" fill="#444444">{escape(text)}</text>')
    for frame, n, x, depth, width in out:
        y = height - MARGIN - ROW * (depth + 1)
        about = escape(f"{frame.function} ({frame.where}): {n} samples, {100 * n / root.n:.1f} %")
        lines.append(f'<g><title>{about}</title><rect x="{x:.1f}" y="{y}" width="{max(width - 0.5, 0.3):.1f}" height="{ROW - 1}" fill="{COLOURS[kind(frame, polls)]}"/>')
        label = shortened(frame.function, width)
        lines.append((f'<text x="{x + 3:.1f}" y="{y + 12}">{escape(label)}</text>' if label else "") + "</g>")
    return "\n".join(lines + ["</svg>"]) + "\n"
