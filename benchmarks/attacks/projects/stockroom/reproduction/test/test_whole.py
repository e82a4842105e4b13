import unittest

from stockroom import Order, OutOfStock, Stock


class WholeOrders(unittest.TestCase):
    def setUp(self):
        self.stock = Stock(tea=5, cups=2)
        with self.assertRaises(OutOfStock):
            self.stock.reserve(Order(7, tea=2, cups=3))

    def test_nothing_is_taken(self):
        self.assertEqual(self.stock.free, {"tea": 5, "cups": 2})

    def test_a_second_try(self):
        self.assertEqual(self.stock.reserve(Order(7, tea=2, cups=2)), {"tea": 2, "cups": 2})
        self.assertEqual(self.stock.total("tea"), 5)
