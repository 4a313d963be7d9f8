"""Help for looking into pictures."""

import xml.etree.ElementTree as ET

import pytest


@pytest.fixture
def texts():
    """texts(svg): what can be read in the picture, piece by piece."""
    return lambda svg: [t.text or "" for t in _all(svg, "text")]


@pytest.fixture
def groups():
    """groups(svg, "node"): the elements of this class."""
    return lambda svg, kind: [g for g in _all(svg, "g") if g.get("class") == kind]


def _all(svg, tag):
    return ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}" + tag)
