import unittest

import notes.__main__


class T(unittest.TestCase):
    def test_true(self):
        self.assertTrue(notes.__main__)
