"""Printed and man-made pictures in the simulated room, drawn by code: (h, w, 3) uint8 RGB."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np

from depthstudio.cameras.simulated.pictures import Colour, Picture, Rng, noise, plain, rough, shaded


def cardboard(rng: Rng, size: tuple[int, int]) -> Picture:
    """The side of a parcel: corrugation, tape and a label."""
    width, height = size
    picture = rough(rng, (176, 134, 88), size, 0.05, 60)
    ripple = 1 + 0.03 * np.sin(np.arange(width) * 2 * np.pi / 7).astype(np.float32)
    picture = shaded(picture, np.broadcast_to(ripple[None, :], (height, width)))
    tape = int(height * 0.44)
    picture[tape : tape + height // 9] = picture[tape : tape + height // 9] * 0.55 + np.array([205, 180, 130]) * 0.45
    x, y, w, h = int(width * 0.56), int(height * 0.58), int(width * 0.36), int(height * 0.34)
    picture[y : y + h, x : x + w] = 236
    picture[y : y + h, x : x + w] = printed(rng, (w, h), lines=6, ink=(30, 30, 34), paper=(236, 234, 228))
    cv2.putText(
        picture,
        "FRAGILE",
        (int(width * 0.06), int(height * 0.3)),
        cv2.FONT_HERSHEY_DUPLEX,
        width / 300,
        (120, 40, 30),
        2,
    )
    return picture


def printed(rng: Rng, size: tuple[int, int], lines: int, ink: Colour, paper: Colour) -> Picture:
    """Paper with lines of words: strokes of random letters."""
    width, height = size
    picture = plain(paper, size)
    pitch = height / (lines + 1.0)
    for row in range(lines):
        x = width * 0.07
        end = width * rng.uniform(0.55, 0.95)
        while x < end:
            word = "".join(rng.choice(list("abcdeghiklmnoprstuvw"), rng.integers(2, 8)))
            scale = max(pitch / 42.0, 0.18)
            cv2.putText(
                picture, word, (int(x), int((row + 1) * pitch)), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 1, cv2.LINE_AA
            )
            x += (len(word) + 1) * 18 * scale
    return picture


def book_spines(rng: Rng, size: tuple[int, int], count: int) -> Picture:
    """A row of books seen from the back: coloured spines of different height with titles."""
    width, height = size
    picture = plain((38, 33, 30), size)
    edges = np.concatenate([[0], np.cumsum(rng.uniform(0.6, 1.5, count))])
    edges = (edges / edges[-1] * width).astype(int)
    for left, right in pairwise(edges):
        top = int(height * rng.uniform(0.02, 0.28))
        colour = random_colour(rng)
        picture[top:, left + 1 : right] = colour
        light = tuple(int(min(255, c * 0.5 + 130)) for c in colour)
        for y in rng.uniform(0.1, 0.9, 2):
            row = int(top + y * (height - top))
            cv2.line(picture, (left + 1, row), (right - 2, row), light, 2)
        for y in range(top + height // 6, int(height * 0.8), max(5, height // 28)):
            if rng.random() < 0.6:
                inset = int((right - left) * rng.uniform(0.25, 0.4))
                cv2.line(picture, (left + inset, y), (right - inset, y), light, 2)
    bulge = np.ones((height, width), np.float32)
    for left, right in pairwise(edges):
        bulge[:, left:right] = 1.05 - 0.5 * np.abs(np.linspace(-1, 1, right - left)) ** 3
    return shaded(picture, bulge * (1 + 0.03 * noise(rng, (height, width), 5, 1)))


def random_colour(rng: Rng) -> Colour:
    """Any hue, neither black nor glaring."""
    hue, value = int(rng.integers(0, 180)), int(rng.integers(70, 200))
    hsv = np.array([[[hue, int(rng.integers(30, 190)), value]]], np.uint8)
    red, green, blue = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0]
    return int(red), int(green), int(blue)


def screen(rng: Rng, size: tuple[int, int]) -> Picture:
    """A dark editor with coloured code beside a plot, inside a black bezel."""
    width, height = size
    picture = plain((22, 26, 34), size)
    inks = [(130, 190, 255), (240, 180, 110), (150, 220, 150), (205, 205, 215), (220, 130, 170)]
    pitch = max(8, height // 26)
    for y in range(pitch * 2, height - pitch * 2, pitch):
        x = int(width * (0.05 + 0.03 * rng.integers(0, 4)))
        while x < width * rng.uniform(0.25, 0.5):
            run = int(rng.integers(width // 60, width // 12))
            cv2.line(picture, (x, y), (x + run, y), inks[rng.integers(0, len(inks))], max(2, pitch // 3))
            x += run + width // 80
    left, right, top, bottom = int(width * 0.56), int(width * 0.95), int(height * 0.1), int(height * 0.62)
    cv2.rectangle(picture, (left, top), (right, bottom), (34, 42, 54), -1)
    for k in range(5):
        y = top + (bottom - top) * k // 4
        cv2.line(picture, (left, y), (right, y), (58, 68, 84), 1)
    t = np.linspace(0, 1, 60)
    for ink, rate in (((90, 200, 250), 4.0), ((250, 170, 80), 2.2)):
        curve = 0.12 + 0.75 * np.exp(-rate * t) + 0.03 * rng.standard_normal(60)
        points = np.stack([left + t * (right - left), bottom - curve * (bottom - top)], axis=-1).astype(np.int32)
        cv2.polylines(picture, [points], False, ink, 2, cv2.LINE_AA)
    shown = printed(rng, (right - left, int(height * 0.26)), 5, (190, 196, 205), (22, 26, 34))
    picture[int(height * 0.66) : int(height * 0.66) + shown.shape[0], left:right] = shown
    cv2.rectangle(picture, (0, 0), (width - 1, height - 1), (12, 12, 13), max(6, height // 34))
    return picture


def keyboard(size: tuple[int, int]) -> Picture:
    """Rows of light keys on a dark board."""
    width, height = size
    picture = plain((46, 48, 52), size)
    pitch = height / 5.4
    for row in range(5):
        x = width * 0.02 + row * pitch * 0.25 * (row < 4)
        while x < width * 0.96 - pitch:
            wide = pitch * (5 if row == 4 and width * 0.28 < x < width * 0.45 else 1)
            top = int(height * 0.04 + row * pitch)
            cv2.rectangle(picture, (int(x), top), (int(x + wide * 0.84), int(top + pitch * 0.82)), (196, 198, 200), -1)
            cv2.circle(
                picture, (int(x + pitch * 0.3), int(top + pitch * 0.3)), max(1, int(pitch * 0.1)), (60, 60, 64), -1
            )
            x += wide
    return picture


def poster(rng: Rng, size: tuple[int, int]) -> Picture:
    """Overlapping discs and bars in a few colours with a caption."""
    width, height = size
    palette = [random_colour(rng) for _ in range(5)]
    picture = plain((232, 226, 212), size)
    for _ in range(14):
        centre = (int(rng.uniform(0, width)), int(rng.uniform(0, height * 0.8)))
        ink = palette[rng.integers(0, 5)]
        if rng.random() < 0.6:
            cv2.circle(picture, centre, int(width * rng.uniform(0.04, 0.22)), ink, -1, cv2.LINE_AA)
        else:
            other = (int(rng.uniform(0, width)), int(rng.uniform(0, height * 0.8)))
            cv2.line(picture, centre, other, ink, int(width * rng.uniform(0.01, 0.06)), cv2.LINE_AA)
    strip = int(height * 0.16)
    picture[height - strip :] = printed(rng, (width, strip), 2, (40, 40, 44), (232, 226, 212))
    cv2.rectangle(picture, (0, 0), (width - 1, height - 1), (60, 52, 44), max(4, width // 50))
    return shaded(picture, 1 + 0.02 * noise(rng, (height, width), 4, 1))


def whiteboard(rng: Rng, size: tuple[int, int]) -> Picture:
    """Stereo geometry sketched with markers: two cameras, rays, formulas."""
    width, height = size
    picture = plain((226, 229, 230), size)
    blue, red, black = (40, 70, 170), (190, 50, 50), (40, 42, 48)
    thick = max(2, width // 260)
    base, tip = int(height * 0.78), (int(width * 0.36), int(height * 0.16))
    for x in (0.16, 0.5):
        eye = (int(width * x), base)
        cv2.line(picture, eye, tip, blue, thick, cv2.LINE_AA)
        corner = width // 24
        cv2.polylines(
            picture,
            [np.array([eye, (eye[0] - corner, base + corner), (eye[0] + corner, base + corner)])],
            True,
            black,
            thick,
            cv2.LINE_AA,
        )
        cv2.line(picture, (eye[0] - corner, base - corner), (eye[0] + corner, base - corner), red, thick, cv2.LINE_AA)
    cv2.line(picture, (int(width * 0.16), base), (int(width * 0.5), base), black, thick, cv2.LINE_AA)
    cv2.circle(picture, tip, thick * 3, red, -1, cv2.LINE_AA)
    scale = width / 620
    for text, x, y, ink in (
        ("Z = f B / d", 0.58, 0.2, black),
        ("d = xL - xR", 0.58, 0.34, blue),
        ("dZ ~ Z^2", 0.58, 0.48, red),
        ("B", 0.32, 0.86, black),
        ("P", 0.38, 0.13, red),
    ):
        cv2.putText(
            picture,
            text,
            (int(width * x), int(height * y)),
            cv2.FONT_HERSHEY_SCRIPT_SIMPLEX,
            scale * 1.3,
            ink,
            thick,
            cv2.LINE_AA,
        )
    for _ in range(int(rng.integers(2, 5))):
        x, y = int(width * rng.uniform(0.6, 0.8)), int(height * rng.uniform(0.56, 0.86))
        cv2.line(
            picture,
            (x, y),
            (x + width // 8, y + int(rng.integers(-6, 7))),
            (blue, red, black)[rng.integers(0, 3)],
            thick,
            cv2.LINE_AA,
        )
    cv2.rectangle(picture, (0, 0), (width - 1, height - 1), (150, 152, 155), max(5, width // 70))
    return shaded(picture, 1 + 0.012 * noise(rng, (height, width), 30, 2))


def window(rng: Rng, size: tuple[int, int]) -> Picture:
    """Bright window behind half-closed blinds: a repetitive pattern."""
    width, height = size
    sky = np.linspace(1.0, 0.86, height, dtype=np.float32)[:, None]
    picture = shaded(plain((216, 228, 242), size), np.broadcast_to(sky, (height, width)))
    hills = (height * (0.72 + 0.06 * noise(rng, (1, width), width / 3, 3)[0])).astype(int)
    for x in range(width):
        picture[hills[x] :, x] = (128, 150, 124)
    slats = 16
    for k in range(slats):
        y = k * height // slats
        picture[y : y + height // (slats * 2)] = (206, 203, 196)
        picture[y + height // (slats * 2) - 1 : y + height // (slats * 2) + 1] = (150, 148, 144)
    frame = max(5, width // 28)
    cv2.rectangle(picture, (0, 0), (width - 1, height - 1), (238, 238, 236), frame * 2)
    picture[:, width // 2 - frame // 2 : width // 2 + frame // 2] = (238, 238, 236)
    return picture


def instrument(rng: Rng, size: tuple[int, int]) -> Picture:
    """Front panel of a bench instrument: a trace on a screen, knobs, sockets."""
    width, height = size
    picture = rough(rng, (196, 198, 192), size, 0.015)
    x0, y0, x1, y1 = int(width * 0.05), int(height * 0.12), int(width * 0.55), int(height * 0.86)
    cv2.rectangle(picture, (x0, y0), (x1, y1), (18, 34, 32), -1)
    for k in range(1, 8):
        cv2.line(picture, (x0 + (x1 - x0) * k // 8, y0), (x0 + (x1 - x0) * k // 8, y1), (40, 74, 68), 1)
        cv2.line(picture, (x0, y0 + (y1 - y0) * k // 8), (x1, y0 + (y1 - y0) * k // 8), (40, 74, 68), 1)
    t = np.linspace(0, 1, 160)
    wave = 0.5 + 0.3 * np.sin(2 * np.pi * 3 * t + rng.uniform(0, 6)) * np.cos(2 * np.pi * t)
    points = np.stack([x0 + t * (x1 - x0), y0 + wave * (y1 - y0)], axis=-1).astype(np.int32)
    cv2.polylines(picture, [points], False, (120, 250, 170), 2, cv2.LINE_AA)
    for row in range(3):
        for column in range(4):
            centre = (int(width * (0.63 + 0.1 * column)), int(height * (0.22 + 0.24 * row)))
            radius = int(height * (0.085 if row < 2 else 0.05))
            cv2.circle(picture, centre, radius, (52, 54, 58), -1, cv2.LINE_AA)
            angle = rng.uniform(0, 2 * np.pi)
            tip = (int(centre[0] + radius * np.cos(angle)), int(centre[1] + radius * np.sin(angle)))
            cv2.line(picture, centre, tip, (235, 235, 235), 2, cv2.LINE_AA)
    cv2.rectangle(picture, (0, 0), (width - 1, height - 1), (88, 90, 94), max(3, height // 40))
    return picture


def wrapper(rng: Rng, size: tuple[int, int], colour: Colour) -> Picture:
    """The label around a tin or mug: bands, a sign repeated and some print."""
    width, height = size
    picture = plain(colour, size)
    red, green, blue = (int(60 + 0.76 * c) for c in random_colour(rng))
    light = (red, green, blue)
    picture[int(height * 0.12) : int(height * 0.2)] = light
    picture[int(height * 0.82) : int(height * 0.9)] = light
    for k in range(6):
        centre = (int(width * (k + 0.5) / 6), int(height * 0.5))
        if k % 2:
            cv2.circle(picture, centre, int(height * 0.2), light, -1, cv2.LINE_AA)
            cv2.circle(picture, centre, int(height * 0.1), colour, -1, cv2.LINE_AA)
        else:
            part = printed(rng, (width // 7, height // 2), 5, light, colour)
            left, top = centre[0] - part.shape[1] // 2, centre[1] - part.shape[0] // 2
            picture[top : top + part.shape[0], left : left + part.shape[1]] = part
    return shaded(picture, 1 + 0.03 * noise(rng, (height, width), 6, 2))
