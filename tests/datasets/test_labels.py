from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from depthstudio.datasets.labels import (
    RULES,
    LabelMaskSettings,
    MaskStatistics,
    disparity_limits,
    mask_label,
    squared_gradient,
)
from depthstudio.geometry import RectifiedGeometry

GEOMETRY = RectifiedGeometry(1000.0, 0.05, 31.5, 23.5, (64, 48))  # 50 px at one metre
NOTHING = {f"use_{rule}": False for rule in RULES}
NAN = np.float32(np.nan)


def only(rule: str, **limits: float) -> LabelMaskSettings:
    return LabelMaskSettings.model_validate({**NOTHING, f"use_{rule}": True, **limits})


def plane(value: float = 20.0, shape: tuple[int, int] = (48, 64)) -> np.ndarray:
    return np.full(shape, value, np.float32)


def test_only_finite_values_are_kept() -> None:
    label = plane()
    label[0, 0], label[1, 1], label[2, 2] = np.nan, np.inf, -np.inf
    result = mask_label(label, GEOMETRY, only("finite"))
    assert np.argwhere(~result.mask).tolist() == [[0, 0], [1, 1], [2, 2]]
    assert result.statistics.removed == {"finite": 3 / label.size}


def test_without_the_finite_rule_a_hole_is_infinitely_far_and_never_nan() -> None:
    label = plane()
    label[3, 4] = np.nan
    result = mask_label(label, GEOMETRY, LabelMaskSettings.model_validate(NOTHING))
    assert result.mask.all()
    assert result.disparity_px[3, 4] == 0
    assert np.isfinite(result.disparity_px[result.mask]).all()


@pytest.mark.parametrize(
    ("geometry", "nearest_px", "farthest_px"),
    [
        (GEOMETRY, 50 / 0.3, 50 / 10),
        (RectifiedGeometry(719.53, 0.1371, 320, 240, (64, 48)), 328.83, 9.865),
        (RectifiedGeometry(1000.0, 0.05, 31.5, 23.5, (64, 48), disparity_shift_px=3.0), 50 / 0.3 - 3, 50 / 10 - 3),
    ],
)
def test_the_depth_range_becomes_disparity_limits_by_the_calibrations_own_f_and_b(
    geometry: RectifiedGeometry, nearest_px: float, farthest_px: float
) -> None:
    low, high = disparity_limits(geometry, LabelMaskSettings())
    assert (low, high) == pytest.approx((farthest_px, nearest_px), rel=1e-3)
    label = np.array([[low - 0.01, low + 0.01, high - 0.01, high + 0.01]], np.float32)
    assert mask_label(label, geometry, only("range")).mask.tolist() == [[False, True, True, False]]


def test_without_geometry_the_range_rule_is_left_out_and_says_so() -> None:
    result = mask_label(plane(1e6), None, only("range"))
    assert result.mask.all()
    assert "range" not in result.statistics.removed


def test_the_border_is_as_wide_as_set() -> None:
    mask = mask_label(plane(), GEOMETRY, only("border", border_px=20)).mask
    assert mask.sum() == (48 - 40) * (64 - 40)
    assert mask[20, 20]
    assert mask[27, 43]
    assert not mask[19].any()
    assert not mask[:, 44].any()
    assert not mask_label(plane(), GEOMETRY, only("border", border_px=24)).mask.any()
    assert mask_label(plane(), GEOMETRY, only("border", border_px=0)).mask.all()


def test_pixels_beside_a_step_are_removed_and_slopes_below_one_kept() -> None:
    label = plane(10)
    label[:, 32:] = 14  # central differences at columns 31 and 32: 2 px
    assert np.flatnonzero(~mask_label(label, GEOMETRY, only("gradient")).mask[5]).tolist() == [31, 32]
    ramp = np.tile(np.arange(64, dtype=np.float32) * 0.9, (48, 1))
    assert mask_label(ramp, GEOMETRY, only("gradient")).mask.all()
    diagonal = ramp + np.arange(48, dtype=np.float32)[:, None] * 0.9  # |gradient| = 1.27
    assert not mask_label(diagonal, GEOMETRY, only("gradient")).mask.any()
    assert mask_label(diagonal, GEOMETRY, only("gradient", max_gradient=1.3)).mask.all()


def test_the_gradient_is_numpys_where_all_is_measured() -> None:
    label = np.random.default_rng(0).random((20, 30), np.float32) * 5
    dy, dx = np.gradient(label)
    np.testing.assert_allclose(squared_gradient(label), dx * dx + dy * dy, rtol=1e-4, atol=1e-5)


def test_a_hole_is_no_edge_and_beside_it_the_known_side_counts() -> None:
    label = np.array([[1, 1, NAN, 9, 9.5, NAN, 4, NAN]], np.float32)
    gradient = np.sqrt(squared_gradient(label))[0]
    assert gradient[[0, 1, 3, 4, 6]].tolist() == [0, 0, 0.5, 0.5, 0]
    holes = plane()
    holes[10:14, 10:14] = np.nan
    with_finite = LabelMaskSettings.model_validate({**NOTHING, "use_finite": True, "use_gradient": True})
    assert mask_label(holes, GEOMETRY, with_finite).mask.sum() == holes.size - 16


def test_outliers_are_judged_among_what_the_other_rules_left() -> None:
    label = np.linspace(10, 30, 1001, dtype=np.float32)[None]
    mask = mask_label(label, GEOMETRY, only("percentile")).mask[0]
    assert np.flatnonzero(~mask).tolist() == [0, 1, 2, 3, 4, 996, 997, 998, 999, 1000]
    strays = np.concatenate([label, np.full((1, 100), 5000, np.float32)], axis=1)
    settings = LabelMaskSettings.model_validate({**NOTHING, "use_range": True, "use_percentile": True})
    np.testing.assert_array_equal(mask_label(strays, GEOMETRY, settings).mask[0, :1001], mask)


def test_a_flat_wall_has_no_outliers() -> None:
    assert mask_label(plane(), GEOMETRY, only("percentile")).mask.all()


def test_shares_of_all_rules_add_up() -> None:
    rng = np.random.default_rng(0)
    label = rng.uniform(2, 200, (48, 64)).astype(np.float32)
    label[rng.random(label.shape) < 0.2] = np.nan
    statistics = mask_label(label, GEOMETRY, LabelMaskSettings(border_px=5)).statistics
    assert list(statistics.removed) == list(RULES)
    assert sum(statistics.removed.values()) + statistics.valid_share == pytest.approx(1)


def test_an_empty_label_is_masked_whole_without_a_warning_of_numpy(recwarn: pytest.WarningsRecorder) -> None:
    result = mask_label(plane(np.nan), GEOMETRY, LabelMaskSettings())
    assert not result.mask.any()
    assert not recwarn.list


def test_unusual_shares_are_said_in_words() -> None:
    assert MaskStatistics(0.7, {}).warning == ""
    few = MaskStatistics(0.3, {"finite": 0.6, "border": 0.1}).warning
    assert few.startswith("Only 30%")
    assert "'No measurement' (60%)" in few
    assert "suspicious" in MaskStatistics(0.97, {}).warning
    mean = MaskStatistics.mean([MaskStatistics(0.2, {"finite": 0.8}), MaskStatistics(0.6, {"border": 0.4})])
    assert mean.valid_share == pytest.approx(0.4)
    assert mean.removed == pytest.approx({"finite": 0.4, "border": 0.2})


def test_settings_carry_what_a_form_needs_and_refuse_nonsense() -> None:
    for name, field in LabelMaskSettings.model_fields.items():
        assert field.title, name
        assert field.description, name
        assert "unit" in dict(field.json_schema_extra or {}), name  # type: ignore[call-overload]
    with pytest.raises(ValidationError):
        LabelMaskSettings(border_px=-1)
    with pytest.raises(ValidationError, match="smaller than"):
        LabelMaskSettings(min_depth_m=5, max_depth_m=2)
