"""The description of the interface holds for whatever schemathesis makes of it; files are images, as it cannot know."""

from __future__ import annotations

import pytest

pytest.importorskip("schemathesis")
pytest.importorskip("fastapi")

import schemathesis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from test_app import BLUE, RED, Network

from mtlzoo.serving import ServerSettings, create_app

IMAGES = st.sampled_from([RED, BLUE])
schemathesis.openapi.format("binary", IMAGES)
for kind in ("image/png", "image/jpeg", "image/webp", "application/octet-stream"):
    schemathesis.openapi.media_type(kind, IMAGES)

schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(Network(), ServerSettings(wait_ms=0), "colours"))


@pytest.mark.slow
@schema.parametrize()
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_requests_are_answered_as_described(case):
    case.call_and_validate()
