import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path


class NotesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = Path(folder.name, "notes.json")

    def notes(self, *arguments, code=0):
        command = [sys.executable, "-m", "notes", *arguments]
        env = {"NOTES_FILE": str(self.file), "HOME": str(self.file.parent), "PATH": os.environ["PATH"]}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout + done.stderr

    def test_add_and_list(self):
        self.notes("add", "Buy milk", "--tag", "home")
        self.assertIn("Buy milk", self.notes("list"))
        self.assertEqual(json.loads(self.notes("list", "--json"))[0]["tag"], "home")

    def test_search(self):
        self.notes("add", "Buy MILK")
        self.assertIn("MILK", self.notes("search", "milk"))

    def test_done_and_delete(self):
        self.notes("add", "Buy milk")
        self.notes("done", "1")
        self.notes("delete", "1")
        self.assertIn("no note", self.notes("done", "1", code=1))

    def test_export(self):
        self.notes("add", "Buy milk")
        self.notes("export", str(self.file) + ".out")
        self.assertIn("Buy milk", Path(f"{self.file}.out").read_text())

    def test_damaged(self):
        self.file.write_text("{")
        self.assertIn("damaged", self.notes("list", code=1))

    def test_empty(self):
        self.notes("add", "", code=1)
