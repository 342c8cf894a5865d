"""Random numbers that goldenRandom.ts draws too, to the bit, so that inputs and weights need not be stored."""

import numpy as np

MASK = 0xFFFFFFFF


class GoldenRandom:
    """xorshift32 (Marsaglia, 2003)."""

    def __init__(self, seed):
        self.state = ((seed * 2654435761 + 1) & MASK) or 1
        for _ in range(16):
            self.uniform()

    def uniform(self):
        """A multiple of 2^-23 in [-1, 1)."""
        x = self.state
        x ^= (x << 13) & MASK
        x ^= x >> 17
        x ^= (x << 5) & MASK
        self.state = x
        return (x >> 8) / 2**23 - 1

    def array(self, *shape, scale=1.0, offset=0.0):
        """float32 values offset + scale * u, computed in double precision and rounded once."""
        count = int(np.prod(shape))
        values = [offset + scale * self.uniform() for _ in range(count)]
        return np.array(values, dtype=np.float64).astype(np.float32).reshape(shape)
