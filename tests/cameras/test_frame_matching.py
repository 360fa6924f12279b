from __future__ import annotations

from depthstudio.cameras.frame_matching import FrameMatcher, Partner, StreamFrame

LEFT, RIGHT, COLOR = "left", "right", "color"
PARTNERS = [Partner(RIGHT, 16, required=True, same_sensor=True), Partner(COLOR, 34, required=False, same_sensor=False)]


def picture(stream: str, number: int, timestamp_ms: float, clock: str = "camera") -> StreamFrame:
    return StreamFrame(stream, number, timestamp_ms, clock, None)


def run(frames: list[StreamFrame]) -> tuple[list[dict[str, int]], FrameMatcher]:
    matcher = FrameMatcher(LEFT, PARTNERS)
    sets = [found for one in frames for found in matcher.push(one)]
    sets += matcher.end([LEFT, RIGHT, COLOR])
    return [{stream: one.number for stream, one in found.items()} for found in sets], matcher


def test_pictures_of_one_exposure_go_together_by_number() -> None:
    sets, _ = run([picture(s, n, n * 33.0) for n in (1, 2) for s in (LEFT, RIGHT, COLOR)])
    assert sets == [{LEFT: 1, RIGHT: 1, COLOR: 1}, {LEFT: 2, RIGHT: 2, COLOR: 2}]


def test_the_nearest_colour_is_taken_and_a_slow_one_serves_twice() -> None:
    frames = [picture(s, n, n * 33.0) for n in range(1, 5) for s in (LEFT, RIGHT)]
    frames += [picture(COLOR, 1, 40.0), picture(COLOR, 2, 107.0)]
    sets, _ = run(frames)
    assert [found[COLOR] for found in sets] == [1, 1, 2, 2]


def test_a_left_picture_without_right_is_counted_and_left_out() -> None:
    frames = [picture(LEFT, 1, 33), picture(RIGHT, 1, 33), picture(LEFT, 2, 66), picture(LEFT, 3, 99)]
    frames += [picture(RIGHT, 3, 99)]
    sets, matcher = run(frames)
    assert [found[LEFT] for found in sets] == [1, 3]
    assert matcher.incomplete == 1


def test_a_partner_that_never_comes_does_not_hold_the_others_up() -> None:
    matcher = FrameMatcher(LEFT, PARTNERS)
    sets = [found for n in range(1, 60) for s in (LEFT, RIGHT) for found in matcher.push(picture(s, n, n * 33.0))]
    assert len(sets) > 30
    assert all(COLOR not in found for found in sets)
    assert matcher.awaited == COLOR


def test_streams_on_different_clocks_go_together_as_they_come() -> None:
    frames = []
    for n in (1, 2):
        frames += [
            picture(COLOR, n, 1e12 + n * 33, "computer"),
            picture(LEFT, n, n * 33.0),
            picture(RIGHT, n, n * 33.0),
        ]
    sets, _ = run(frames)
    assert [found[COLOR] for found in sets] == [1, 2]


def test_frames_that_wait_can_be_forgotten() -> None:
    matcher = FrameMatcher("left", [Partner("right", 5, True, True)])
    assert not list(matcher.push(StreamFrame("left", 1, 10.0, "host", None)))
    matcher.clear()
    assert not list(matcher.push(StreamFrame("right", 1, 10.0, "host", None)))
