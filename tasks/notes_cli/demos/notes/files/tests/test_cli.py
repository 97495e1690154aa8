"""The commands, called as a user calls them."""

import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

from notes.cli import default_file, main


class CommandTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.file = self.folder / "notes.json"
        changed = mock.patch.dict(os.environ, {"NOTES_FILE": str(self.file)})
        changed.start()
        self.addCleanup(changed.stop)

    def run_notes(self, *arguments, code=0):
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                ended = main(arguments)
            except SystemExit as stop:
                ended = stop.code
        self.assertEqual(ended, code, err.getvalue())
        return out.getvalue() if code == 0 else err.getvalue()

    def test_list_shows_id_text_and_tag(self):
        self.run_notes("add", "Buy milk", "--tag", "home")
        self.run_notes("add", "Call Ada")
        self.assertEqual(
            self.run_notes("list").split("\n")[:2], ["   1 - Buy milk  #home", "   2 - Call Ada"]
        )

    def test_list_by_tag(self):
        self.run_notes("add", "Buy milk", "--tag", "home")
        self.run_notes("add", "Call Ada")
        self.assertNotIn("Ada", self.run_notes("list", "--tag", "home"))
        self.assertEqual(self.run_notes("list", "--tag", "garden"), "")

    def test_json_and_export_are_the_same(self):
        self.assertEqual(self.run_notes("list", "--json"), "[]\n")
        self.run_notes("add", "Grüße 🚀", "--tag", "café")
        self.run_notes("done", "1")
        listed = json.loads(self.run_notes("list", "--json"))
        self.assertEqual(listed, [{"id": 1, "text": "Grüße 🚀", "tag": "café", "done": True}])
        self.run_notes("export", str(self.folder / "out.json"))
        self.assertEqual(json.loads((self.folder / "out.json").read_text("utf-8")), listed)

    def test_search_ignores_case(self):
        self.run_notes("add", "Buy MILK")
        self.run_notes("add", "Call Ada")
        self.assertIn("Buy MILK", self.run_notes("search", "milk"))
        self.assertNotIn("Ada", self.run_notes("search", "milk"))

    def test_delete(self):
        self.run_notes("add", "Buy milk")
        self.run_notes("delete", "1")
        self.assertEqual(self.run_notes("list"), "")

    def test_errors_are_one_line_with_exit_code_1(self):
        self.assertEqual(self.run_notes("done", "9", code=1), "notes: there is no note 9\n")
        self.assertEqual(self.run_notes("delete", "9", code=1), "notes: there is no note 9\n")
        self.assertIn("needs a text", self.run_notes("add", "", code=1))
        missing = str(self.folder / "missing" / "out.json")
        self.assertIn("cannot write", self.run_notes("export", missing, code=1))

    def test_wrong_usage_ends_with_exit_code_2(self):
        for arguments in ((), ("frobnicate",), ("done", "first")):
            self.assertIn("usage:", self.run_notes(*arguments, code=2))

    def test_where_notes_are_kept(self):
        self.run_notes("--file", str(self.folder / "other.json"), "add", "Elsewhere")
        self.assertEqual(self.run_notes("list"), "")
        self.assertEqual(default_file({"XDG_DATA_HOME": "/data"}), Path("/data/notes/notes.json"))
        self.assertEqual(default_file({}), Path.home() / ".local/share/notes/notes.json")

    def test_as_a_program(self):
        command = [sys.executable, "-m", "notes", "add", "Buy milk"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        self.assertEqual(done.stdout, "   1 - Buy milk\n")
