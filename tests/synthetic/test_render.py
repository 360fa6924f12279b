"""The two views of a scene agree, and what is occluded follows from geometry."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from depthstudio.synthetic import (
    BumpDisparity,
    ConvexPolygon,
    Facet,
    Layer,
    Outline,
    PlaneDisparity,
    Scene,
    Texture,
    Viewpoint,
    Wave,
    generate_scene,
    pixel_grid,
    render_pair,
    render_view,
)
from depthstudio.synthetic.texture import Placement

SIZE = (160, 96)


def noise_texture(seed: int) -> Texture:
    rng = np.random.default_rng(seed)
    return Texture.from_image(rng.integers(0, 256, (128, 128, 3)).astype(np.uint8), blur_sigma_px=1.5)


def disc(radius: int = 30) -> np.ndarray:
    v, u = np.mgrid[-radius - 5 : radius + 6, -radius - 5 : radius + 6]
    return (radius - np.hypot(u, v)).astype(np.float32)


@pytest.fixture
def scene() -> Scene:
    tilted = np.array([[1.1, 0.2, 5], [-0.1, 0.9, 3], [4e-4, 1e-3, 1]])
    layers = (
        Layer(noise_texture(0), np.eye(3), PlaneDisparity(0.02, 0.05, 2.0)),
        Layer(
            noise_texture(1),
            tilted,
            BumpDisparity(PlaneDisparity(0.1, 0.0, 8.0), (Wave(2.0, 0.05, 0.02, 0.3), Wave(1.5, 0.03, -0.06, 1.0))),
            ConvexPolygon(np.array([[40.3, 20.2], [110.7, 14.1], [120.5, 70.6], [52.4, 80.2]])),
        ),
        Layer(
            noise_texture(2),
            np.eye(3) * [[0.8], [0.8], [1]],
            PlaneDisparity(-0.05, 0.1, 22.0),
            Outline(disc(), np.array([[1, 0, -40], [0, 1, -15], [0, 0, 1.0]])),
        ),
    )
    return Scene(layers, SIZE)


def test_both_views_show_the_same_colour_of_every_visible_point(scene: Scene) -> None:
    x, y = pixel_grid(SIZE)
    left = render_view(scene, x, y, "left", soft_edges=False)
    pair = render_pair(scene, soft_edges=False)
    right = render_view(scene, x - left.disparity_px, y, "right", soft_edges=False)
    visible = ~pair.occluded
    assert visible.mean() > 0.5
    difference = np.abs(left.image - right.image).mean(axis=2)[visible] / 255
    # A handful of pixels lie on an outline within float precision.
    assert difference.mean() < 5e-4
    assert np.percentile(difference, 99.5) < 2e-3


def test_a_point_seen_from_the_right_has_the_same_disparity(scene: Scene) -> None:
    x, y = pixel_grid(SIZE)
    right = render_view(scene, x, y, "right")
    left = render_view(scene, x + right.disparity_px, y, "left")
    same = left.layer == right.layer
    assert same.mean() > 0.7
    assert np.abs(left.disparity_px - right.disparity_px)[same].max() < 5e-3


def test_occlusion_agrees_with_searching_all_layers_at_the_exact_position(scene: Scene) -> None:
    pair = render_pair(scene)
    x, y = pixel_grid(SIZE)
    target = x - pair.disparity_px
    nearest = np.full(x.shape, -np.inf, np.float32)
    for layer in scene.layers:
        # Every layer by itself, solved by bisection instead of the renderer's own inverse.
        low, high = target - 1, target + 80
        for _ in range(40):
            middle = (low + high) / 2
            beyond = middle - layer.disparity.at_left(middle, y) > target
            low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
        covered = True if layer.support is None else layer.support.inside_px(low.astype(np.float32), y) > 0
        nearest = np.maximum(nearest, np.where(covered, low - target, -np.inf))
    expected = (nearest > pair.disparity_px + 0.05) | (target < 0) | (target > SIZE[0] - 1)
    assert (expected != pair.occluded).mean() < 1e-3
    assert 0.05 < pair.occluded.mean() < 0.6


def test_samples_between_pixels_agree_with_the_pixel_grid(scene: Scene) -> None:
    x, y = pixel_grid(SIZE)
    whole = render_view(scene, x, y, "right")
    order = np.random.default_rng(0).permutation(x.size)
    scattered = render_view(scene, x.ravel()[order].reshape(x.shape), y.ravel()[order].reshape(x.shape), "right")
    np.testing.assert_array_equal(whole.layer.ravel()[order], scattered.layer.ravel())
    np.testing.assert_allclose(whole.image.reshape(-1, 3)[order], scattered.image.reshape(-1, 3), atol=0.02)
    fine = render_view(scene, x + np.float32(0.25), y, "left")
    coarse = render_view(scene, x, y, "left")
    near = (fine.layer == coarse.layer) & (fine.layer == 0)
    np.testing.assert_allclose(fine.disparity_px[near] - coarse.disparity_px[near], 0.25 * 0.02, atol=1e-5)


def test_a_facet_in_space_has_the_disparity_and_texture_of_its_projection() -> None:
    view = Viewpoint(focal_px=200.0, cx=80.0, cy=48.0, scale_px=200.0 * 0.1)
    turned = np.array([[0.9, 0.0, 0.436], [0.1, 0.97, -0.2]])
    u = turned[0] / np.linalg.norm(turned[0])
    v = turned[1] - (turned[1] @ u) * u
    facet = Facet(np.array([0.05, -0.02, 0.8]), u, v / np.linalg.norm(v))
    uv = np.array([[0.0, 0.0], [0.1, 0.05], [-0.12, 0.08]])
    points = facet.points(uv)
    left = view.project(points).astype(np.float32)
    right = view.project(points - [0.1, 0, 0])
    np.testing.assert_allclose(
        facet.disparity(view).at_left(left[:, 0], left[:, 1]), left[:, 0] - right[:, 0], atol=1e-3
    )
    back = np.column_stack([left, np.ones(3)]) @ facet.from_left(view).T
    np.testing.assert_allclose(back[:, :2] / back[:, 2:], uv, atol=1e-5)


def test_a_chessboard_in_any_pose_keeps_its_corners_in_both_views() -> None:
    squares = np.kron(np.indices((6, 8)).sum(axis=0) % 2, np.ones((40, 40))).astype(np.uint8) * 200 + 30
    view = Viewpoint(260.0, 160.0, 120.0, 260.0 * 0.06)
    rotated = cv2.Rodrigues(np.array([0.2, -0.4, 0.15]))[0]
    facet = Facet(np.array([0.0, 0.0, 0.45]), rotated[:, 0], rotated[:, 1])
    # One square is 30 mm and 40 texels; the board's middle lies at the facet's origin.
    texels = np.array([[40 / 0.03, 0, 159.5], [0, 40 / 0.03, 119.5], [0, 0, 1]])
    edge = facet.points(np.array([[-0.12, -0.09], [0.12, -0.09], [0.12, 0.09], [-0.12, 0.09]]))
    board = Layer(
        Texture.from_image(squares),
        texels @ facet.from_left(view),
        facet.disparity(view),
        ConvexPolygon(view.project(edge)),
    )
    wall = Layer(Texture.from_image(np.full((64, 64), 240, np.uint8)), np.eye(3), PlaneDisparity(0, 0, 8.0))
    scene = Scene((wall, board), (320, 240))
    x, y = pixel_grid(scene.size)
    inner = facet.points(
        np.stack(np.meshgrid(np.arange(-3, 4) * 0.03, np.arange(-2, 3) * 0.03), axis=-1).reshape(-1, 2)
    )
    for side, eye in (("left", 0.0), ("right", 0.06)):
        grey = cv2.cvtColor(np.rint(render_view(scene, x, y, side).image).astype(np.uint8), cv2.COLOR_RGB2GRAY)
        expected = view.project(inner - [eye, 0, 0]).astype(np.float32)
        found = cv2.cornerSubPix(
            grey,
            expected[:, None].copy(),
            (4, 4),
            (-1, -1),
            (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_COUNT, 50, 1e-4),
        )[:, 0]
        assert np.linalg.norm(found - expected, axis=1).max() < 0.15
        assert np.linalg.norm(found - expected, axis=1).mean() < 0.05


def test_a_texture_seen_from_far_is_averaged_not_aliased() -> None:
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    far = Layer(Texture.from_image(stripes, 0), np.diag([8.0, 8.0, 1.0]), PlaneDisparity(0, 0, 1))
    x, y = pixel_grid((32, 32))
    image = render_view(Scene((far,), (32, 32)), x, y, "left").image
    assert image.std() < 3
    assert abs(image.mean() - 127.5) < 5


def test_a_bump_that_cannot_be_inverted_is_refused() -> None:
    with pytest.raises(ValueError, match="too steep"):
        BumpDisparity(PlaneDisparity(0, 0, 5), (Wave(10, 0.1, 0, 0),))


def test_a_translucent_layer_keeps_the_disparity_behind_it() -> None:
    back = Layer(noise_texture(0), np.eye(3), PlaneDisparity(0, 0, 3))
    glass = Layer(noise_texture(1), np.eye(3), PlaneDisparity(0, 0, 9), opacity=0.3)
    x, y = pixel_grid(SIZE)
    plain = render_view(Scene((back,), SIZE), x, y, "left")
    view = render_view(Scene((glass, back), SIZE), x, y, "left")
    assert (view.disparity_px == 3).all()
    assert not view.pure.any()
    assert np.abs(view.image - plain.image).mean() > 1


def test_a_surface_seen_exactly_edge_on_has_colours() -> None:
    # The horizon of one of this scene's wires passes through the centre of a pixel.
    pair = render_pair(generate_scene(4586, size=(576, 288)))
    assert np.isfinite(pair.disparity_px).all()
    placement = Placement(np.array([[1.0, 0, 0], [0, 1.0, 0], [0, 0.1, -1.0]]))
    u, v = placement.coordinates(np.zeros(3, np.float32), np.array([9.0, 10.0, 11.0], np.float32))
    assert np.isfinite(u).all() and np.isfinite(v).all()
