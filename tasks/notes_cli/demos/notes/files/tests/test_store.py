"""What is kept, and what happens to the file."""

import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from notes.store import NotesError, Store


class StoreTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "deep" / "notes.json"
        self.store = Store(self.path)

    def texts(self):
        return [note.text for note in Store(self.path).notes()]

    def test_notes_are_there_for_the_next_process(self):
        self.store.add("Buy milk", tag="home")
        self.store.add("Grüße nach 東京 🚀")
        notes = Store(self.path).notes()
        self.assertEqual(
            [(n.id, n.text, n.tag, n.done) for n in notes],
            [
                (1, "Buy milk", "home", False),
                (2, "Grüße nach 東京 🚀", None, False),
            ],
        )

    def test_a_note_is_done_or_deleted_by_its_id(self):
        for text in ("one", "two", "three"):
            self.store.add(text)
        self.store.complete(2)
        self.store.delete(1)
        self.assertEqual([(n.text, n.done) for n in self.store.notes()], [("two", True), ("three", False)])

    def test_the_id_of_a_deleted_note_is_not_used_again(self):
        self.store.add("one")
        self.store.add("two")
        self.store.delete(2)
        self.assertEqual(self.store.add("three").id, 3)

    def test_an_unknown_id_changes_nothing(self):
        self.store.add("one")
        for change in (self.store.complete, self.store.delete):
            with self.assertRaisesRegex(NotesError, "no note 7"):
                change(7)
        self.assertEqual(self.texts(), ["one"])

    def test_a_damaged_file_is_left_as_it_is(self):
        self.path.parent.mkdir()
        for content in ("{broken", "42", '{"notes": 1}', "[1]"):
            self.path.write_text(content)
            with self.assertRaisesRegex(NotesError, "damaged"):
                self.store.add("one")
            self.assertEqual(self.path.read_text(), content)

    def test_a_change_replaces_the_file_and_leaves_nothing_behind(self):
        self.store.add("one")
        before = self.path.stat().st_ino
        self.store.add("two")
        self.assertNotEqual(self.path.stat().st_ino, before)
        self.assertEqual(
            sorted(p.name for p in self.path.parent.iterdir()), ["notes.json", "notes.json.lock"]
        )

    def test_notes_added_at_the_same_time_are_all_kept(self):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: Store(self.path).add(f"note {n}"), range(20)))
        self.assertEqual(sorted(self.texts()), sorted(f"note {n}" for n in range(20)))
        self.assertEqual(sorted(n.id for n in self.store.notes()), list(range(1, 21)))

    def test_an_empty_note_is_refused(self):
        with self.assertRaises(NotesError):
            self.store.add("  ")

    def test_files_that_cannot_be_read_or_written(self):
        with self.assertRaisesRegex(NotesError, "cannot write"):
            Store(Path("/proc/notes.json")).add("one")
        with self.assertRaisesRegex(NotesError, "cannot read"):
            Store(Path("/proc")).notes()
