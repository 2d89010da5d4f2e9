"""Addresses of what a visitor sees."""

import numpy as np
import pytest

from tfp_glow.demo import address
from tfp_glow.demo import position as position_lib

LIMITS = address.Limits(
    max_seed=1000, num_images=6, num_classes=3, max_temperature=1.5, max_strength=2.,
    methods=['spherical', 'linear'], num_scales=2, max_scale_seed=100,
    directions=['7', '3->8', 'a&b=c'])
LATENT = np.zeros([4], np.float32)
MOVED = dict(temperature=0.35, label=2, blend=0.52, method='linear', scale_seeds=[0, 17],
             strengths={'3->8': -1.25, 'a&b=c': 0.05})


@pytest.mark.parametrize('source', [dict(seed=12), dict(number=5), dict(seed=0)])
@pytest.mark.parametrize('moves', [MOVED, dict(temperature=0.7, scale_seeds=[0, 0])])
def test_an_address_leads_back(source, moves):
  moves = position_lib.Moves(**moves)
  query = address.write(position_lib.Position(LATENT, LATENT, **source), moves)
  for text in (query, '?' + query, f'?__theme=dark&{query}'):
    assert address.read(text, LIMITS) == (source.get('seed'), source.get('number'), moves)


def test_what_no_address_can_hold_has_none():
  moves = position_lib.Moves(**MOVED)
  assert not address.write(position_lib.Position(LATENT, LATENT), moves)
  kept = position_lib.Position(LATENT, LATENT, seed=3, has_kept=True)
  assert not address.write(kept, moves)
  moves.blend = 0.
  assert address.write(kept, moves).startswith('seed=3&')


@pytest.mark.parametrize('query', ['', '?', '?__theme=dark', '?to.7=1', 'nonsense'])
def test_an_address_without_a_picture(query):
  assert address.read(query, LIMITS) is None


@pytest.mark.parametrize('query, message', [
    ('seed=1001', "seed = '1001', which must be a number from 0 to 1000"), ('seed=-1', 'seed'),
    ('seed=1.5', 'seed'), ('image=6', 'image'), ('image=x', 'image'), ('seed=1&class=3', 'class'),
    ('seed=1&temperature=nan', 'temperature'), ('seed=1&temperature=inf', 'temperature'),
    ('seed=1&blend=2', 'blend'), ('seed=1&path=round', "the path 'round'; there are spherical"),
    ('seed=1&scale.1=101', 'scale.1'), ('seed=1&to.7=3', 'to.7')])
def test_what_the_page_does_not_have_is_said(query, message):
  with pytest.raises(address.AddressError, match='The address asks for') as error:
    address.read(query, LIMITS)
  assert message in str(error.value)
  assert len(str(error.value)) < 150
