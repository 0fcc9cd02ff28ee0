"""Whatever color an organization has, what the page makes of it can be read."""

from __future__ import annotations

import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parley.scheduling.common.branding import DARK, ENOUGH, LIGHT, Brand, contrast, parse

COLORS = st.tuples(*[st.integers(0, 255)] * 3)


def test_contrast_is_that_of_the_guidelines() -> None:
    assert round(contrast((0, 0, 0), (255, 255, 255)), 2) == 21
    assert round(contrast((119, 119, 119), (255, 255, 255)), 2) == 4.48
    assert contrast((1, 2, 3), (1, 2, 3)) == 1


# How long an example takes is the machine's affair.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(COLORS)
def test_any_color_can_be_read_on_a_light_screen_and_on_a_dark_one(color: tuple[int, int, int]) -> None:
    style = Brand("Acme", "acme", None, "#{:02x}{:02x}{:02x}".format(*color)).style
    blocks = re.findall(r"--brand:(#\w{6});--on-brand:(#\w{6});--brand-text:(#\w{6});--tint:(#\w{6})", style)
    assert len(blocks) == 2
    for behind, block in zip((LIGHT, DARK), blocks, strict=True):
        brand, on_brand, text, tint = map(parse, block)
        assert contrast(brand, on_brand) >= ENOUGH
        assert contrast(text, behind) >= ENOUGH
        assert contrast(text, tint) >= ENOUGH
        assert contrast(brand, behind) >= 3, "a button can be told from what it lies on"


def test_without_a_color_nothing_is_said() -> None:
    assert Brand("Acme", "acme", None, None).style == ""
    assert Brand("Acme", "acme", "https://cdn.acme.example:8443/a.png?b", None).logo_origin == "https://cdn.acme.example:8443"
