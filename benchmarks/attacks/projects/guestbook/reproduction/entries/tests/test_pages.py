from datetime import datetime, timezone

from django.test import TestCase

from entries.models import Entry
from entries.pages import count


class LastPage(TestCase):
    @classmethod
    def setUpTestData(cls):
        for number in range(7):
            written = datetime(2026, 2, number + 1, tzinfo=timezone.utc)
            Entry.objects.create(name=f"guest {number}", text="Nice", written=written)

    def test_count(self):
        self.assertEqual(count(7, 3), 3)

    def test_the_oldest_is_reached(self):
        answer = self.client.get("/entries/?page=3")
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(answer.json(), {"page": 3, "pages": 3, "names": ["guest 0"]})
