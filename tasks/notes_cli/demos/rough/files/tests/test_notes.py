import unittest

from notes import __main__ as notes


class TestNotes(unittest.TestCase):
    def test_load(self):
        self.assertIsInstance(notes.load(), list)

    def test_usage(self):
        self.assertEqual(notes.main([]), 1)
