import unittest

from notes import store


class T(unittest.TestCase):
    def test_x(self):
        self.assertTrue(store)
