from django.test import SimpleTestCase

from entries.pages import count, page


class Pages(SimpleTestCase):
    def test_page(self):
        self.assertEqual(page([1, 2, 3, 4, 5], 2, 2), [3, 4])

    def test_count(self):
        self.assertEqual(count(6, 3), 2)
        self.assertEqual(count(0, 3), 1)
