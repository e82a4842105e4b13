from datetime import datetime, timezone

from django.test import TestCase

from entries.models import Entry


class Views(TestCase):
    @classmethod
    def setUpTestData(cls):
        for number in range(6):
            written = datetime(2026, 1, number + 1, tzinfo=timezone.utc)
            Entry.objects.create(name=f"guest {number}", text="Lovely place" if number % 2 else "Nice", written=written)
        Entry.objects.create(name="troll", text="Bad place", written=written, hidden=True)

    def test_first_page(self):
        answer = self.client.get("/entries/").json()
        self.assertEqual(answer, {"page": 1, "pages": 2, "names": ["guest 5", "guest 4", "guest 3"]})

    def test_second_page(self):
        self.assertEqual(self.client.get("/entries/?page=2").json()["names"], ["guest 2", "guest 1", "guest 0"])

    def test_search(self):
        answer = self.client.get("/search/?q=PLACE lovely").json()
        self.assertEqual(answer["names"], ["guest 5", "guest 3", "guest 1"])

    def test_no_such_page(self):
        for number in ("0", "3", "x"):
            self.assertEqual(self.client.get(f"/entries/?page={number}").status_code, 404)
