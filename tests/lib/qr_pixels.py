#!/usr/bin/env python3
"""qr_pixels.py: reads a QR code as `wg-quick qr` draws it on a terminal or as SVG, and writes it as a PGM image, eight
pixels per module, with a light border. Fails if the drawing has anything else in it."""
import re
import sys

SCALE, BORDER = 8, 4


def terminal(text):
    """Rows of booleans; a half block is two modules above each other, a pair of coloured blanks is one."""
    rows = []
    for line in text.replace("\r", "").rstrip("\n").split("\n"):
        if "\x1b[38;5;16;48;5;231m" in line:
            cells = re.fullmatch("\x1b\\[38;5;16;48;5;231m([ ▀▄█]+)\x1b\\[0m", line).group(1)
            rows.append([c in "▀█" for c in cells])
            rows.append([c in "▄█" for c in cells])
        else:
            row = []
            for colour, blanks in re.fullmatch("((?:\x1b\\[48;5;(?:16|231)m(?:  )*)+)\x1b\\[0m", line) and \
                    re.findall("\x1b\\[48;5;(16|231)m((?:  )*)", line):
                row += [colour == "16"] * (len(blanks) // 2)
            rows.append(row)
    assert len({len(row) for row in rows}) == 1, "the lines differ in length"
    return rows


def svg(text):
    width = int(re.search(r'viewBox="0 0 (\d+) \1"', text).group(1))
    rows = [[False] * width for _ in range(width)]
    path = re.search('<path d="([^"]*)"/>\n</svg>\n$', text).group(1)
    runs = re.findall(r"M(\d+) (\d+)h(\d+)v1h-\3z", path)
    assert "".join("M%s %sh%sv1h-%sz" % (x, y, n, n) for x, y, n in runs) == path
    for x, y, n in runs:
        for i in range(int(n)):
            rows[int(y)][int(x) + i] = True
    return rows


def main():
    text = sys.stdin.read()
    rows = svg(text) if text.startswith("<svg") else terminal(text)
    width = len(rows[0]) + 2 * BORDER
    light = [False] * width
    rows = [light] * BORDER + [[False] * BORDER + row + [False] * BORDER for row in rows] + [light] * BORDER
    pixels = b"".join(bytes(0 if dark else 255 for dark in row for _ in range(SCALE)) * SCALE for row in rows)
    sys.stdout.buffer.write(b"P5 %d %d 255\n" % (SCALE * width, SCALE * len(rows)) + pixels)


main()
